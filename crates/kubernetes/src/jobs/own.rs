//! Our own settings: whether they are valid, and what of them has a place in a `prometheus.yml`.

use super::classes::Classes;
use super::steps::{Steps, from_labels};
use super::{global, validate};
use crate::resources::relabel::Relabel;
use crate::resources::{Object, Settings};
use crate::yaml::{Fields, Yaml};

/// Checks what all jobs depend on.
///
/// # Errors
/// With the path of the field first.
pub(crate) fn check(settings: &Settings) -> Result<(), String> {
    Classes::new(&settings.scrape_classes)?;
    for (i, class) in settings.scrape_classes.iter().enumerate() {
        let at = |field: &str| format!("scrapeClasses[{i}].{field}");
        validate::relabelings(&at("relabelings"), &class.relabelings)?;
        validate::relabelings(&at("metricRelabelings"), &class.metric_relabelings)?;
    }
    validate::protocols(&settings.scrape_protocols)?;
    validate::times(("scrapeInterval", &settings.scrape_interval), &settings.scrape_timeout, "")
}

/// Checks rules of a list.
///
/// # Errors
/// With the path of the rule first.
pub(crate) fn check_relabelings(field: &str, rules: &[Relabel]) -> Result<(), String> {
    validate::relabelings(field, rules)
}

/// Rules in the form of a `prometheus.yml`.
pub(crate) fn relabelings(rules: &[Relabel]) -> Vec<Yaml> {
    let mut steps = Steps::default();
    steps.rules(rules);
    steps.into_list()
}

/// The `global` section.
pub(crate) fn global(own: &Object<Settings>) -> Fields {
    global::section(own)
}

/// The rules that keep one part of the targets of a job; as [`Steps::shard`] makes them.
pub(crate) fn shard_rules(shards: u64, shard: u64) -> Vec<Yaml> {
    let mut preset = from_labels(&["__address__", "__tmp_hash"]);
    preset.set("target_label", "__tmp_hash");
    preset.set("regex", "(.+);");
    preset.set("replacement", "$1");
    let mut hash = from_labels(&["__tmp_hash"]);
    hash.set("target_label", "__tmp_hash");
    hash.set("modulus", shards);
    hash.set("action", "hashmod");
    let mut keep = from_labels(&["__tmp_hash", "__tmp_disable_sharding"]);
    keep.set("regex", format!("{shard};|.+;.+"));
    keep.set("action", "keep");
    vec![preset.into(), hash.into(), keep.into()]
}
