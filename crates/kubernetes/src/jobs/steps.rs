//! Relabeling: the steps that are made, and those that objects bring.

use super::{Context, SHARD};
pub(super) use crate::names::sanitized;
use crate::resources::relabel::Relabel;
use crate::yaml::{Fields, Yaml};

/// Beginning of the names of meta labels.
pub(super) const META: &str = "__meta_kubernetes_";

/// A list of steps.
#[derive(Default)]
pub(super) struct Steps(Vec<Yaml>);

impl Steps {
    /// What every job begins with.
    pub(super) fn new() -> Self {
        let mut steps = Self::default();
        steps.copy("job", "__tmp_prometheus_job_name");
        steps
    }

    pub(super) fn push(&mut self, step: Fields) {
        self.0.push(step.into());
    }

    /// The value of a label becomes that of another.
    pub(super) fn copy(&mut self, from: &str, to: &str) {
        let mut step = from_labels(&[from]);
        step.set("target_label", to);
        self.push(step);
    }

    /// A label gets a value.
    pub(super) fn set(&mut self, label: &str, value: &str) {
        let mut step = Fields::default();
        step.set("target_label", label);
        step.set("replacement", value);
        self.push(step);
    }

    /// Targets stay, or go, whose labels look so.
    pub(super) fn filter(&mut self, action: &str, labels: &[&str], regex: &str) {
        let mut step = Fields::default();
        step.set("action", action);
        step.set_list("source_labels", labels.iter().copied());
        step.set("regex", regex);
        self.push(step);
    }

    /// Rules of an object or a class.
    pub(super) fn rules(&mut self, rules: &[Relabel]) {
        self.0.extend(rules.iter().map(|rule| Yaml::from(written(rule))));
    }

    /// The label that always has the namespace.
    pub(super) fn enforce(&mut self, label: Option<&str>, namespace: &str) {
        if let Some(label) = label {
            self.set(label, namespace);
        }
    }

    /// Only our part of all targets stays, chosen by a label.
    pub(super) fn shard(&mut self, by: &str, cx: &Context<'_>) {
        let mut preset = from_labels(&[by, "__tmp_hash"]);
        preset.set("target_label", "__tmp_hash");
        preset.set("regex", "(.+);");
        preset.set("replacement", "$1");
        preset.set("action", "replace");
        self.push(preset);
        let mut hash = from_labels(&["__tmp_hash"]);
        hash.set("target_label", "__tmp_hash");
        hash.set("modulus", cx.shards());
        hash.set("action", "hashmod");
        self.push(hash);
        let mut keep = from_labels(&["__tmp_hash", "__tmp_disable_sharding"]);
        keep.set("regex", format!("{SHARD};|.+;.+"));
        keep.set("action", "keep");
        self.push(keep);
    }

    /// Whether a step divides targets already.
    pub(super) fn is_sharded(&self) -> bool {
        self.0.iter().any(is_hashmod)
    }

    pub(super) fn into_list(self) -> Vec<Yaml> {
        self.0
    }
}

/// Whether a step is `hashmod`.
pub(super) fn is_hashmod(step: &Yaml) -> bool {
    let Yaml::Map(fields) = step else { return false };
    matches!(fields.get("action"), Some(Yaml::Text(action)) if action.eq_ignore_ascii_case("hashmod"))
}

/// The beginning of a step: its source labels.
pub(super) fn from_labels(labels: &[&str]) -> Fields {
    let mut step = Fields::default();
    step.set_list("source_labels", labels.iter().copied());
    step
}

/// A rule as the configuration has it.
fn written(rule: &Relabel) -> Fields {
    let mut out = Fields::default();
    out.set_list("source_labels", &rule.source_labels);
    out.set_some("separator", rule.separator.as_deref());
    out.set_text("target_label", &rule.target_label);
    out.set_text("regex", &rule.regex);
    if rule.modulus != 0 {
        out.set("modulus", rule.modulus);
    }
    out.set_some("replacement", rule.replacement.as_deref());
    out.set_text("action", &rule.action.to_ascii_lowercase());
    out
}

/// The rules for samples, in order: the class's, the object's, the enforced label.
pub(super) fn for_samples(
    class: &[Relabel],
    own: &[Relabel],
    enforced: Option<&str>,
    namespace: &str,
) -> Vec<Yaml> {
    let mut steps = Steps::default();
    steps.rules(class);
    steps.rules(own);
    steps.enforce(enforced, namespace);
    steps.into_list()
}
