//! Which relabeling step dropped the targets of a job.

use super::Check;
use super::scraping::{Fields, RELABELING, is_kept, name};
use super::text::{count, list};
use kubernetes::resources::relabel::Relabel;
use scrape::{Explained, Explanation, State, Step};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Lines about steps.
const MAX_DETAILS: usize = 5;

/// What a step is for.
enum Origin {
    /// Keeps the objects that the selector chooses.
    Selector,
    /// Keeps the port that is asked for.
    Port,
    /// Drops Pods that have ended.
    Ended,
    /// Keeps our part of all targets.
    Shard,
    /// The object's own, by its number from 0.
    Own(usize),
    /// Of the scrape class or of our settings.
    Other,
}

/// Whether any target is left, and which steps dropped the others.
pub(super) fn check(found: &Explanation, fields: &Fields<'_>) -> Check {
    let all = found.targets.len();
    let kept = found.targets.iter().filter(|target| is_kept(&target.state)).count();
    let duplicates = found.targets.iter().filter(|t| matches!(t.state, State::Duplicate)).count();
    let invalid = found.targets.iter().filter_map(|target| match &target.state {
        State::Invalid { error } => Some((target, error)),
        _ => None,
    });
    let invalid: Vec<_> = invalid.collect();
    // Those that got furthest come first: they are what was meant.
    let mut steps: BTreeMap<usize, (&Step, &Explained, usize)> = BTreeMap::new();
    for target in &found.targets {
        if let (State::Dropped { .. }, Some(step)) = (&target.state, target.steps.last()) {
            let known = steps.entry(step.rule).or_insert((step, target, 0));
            known.2 += 1;
        }
    }
    let mut details: Vec<String> = Vec::new();
    for (rule, (step, _, dropped)) in steps.iter().rev().take(MAX_DETAILS) {
        details.push(format!(
            "{dropped} dropped by rule {rule}, {}: {}",
            told(step, fields),
            step.text
        ));
    }
    if duplicates > 0 {
        details.push(format!("{duplicates} with the same labels and URL as another"));
    }
    for (target, error) in invalid.iter().take(MAX_DETAILS) {
        details.push(format!("{} is no valid target: {error}", name(target)));
    }
    if kept > 0 {
        let message = match all - kept {
            0 => format!("{} found, none dropped", count(all, "target")),
            _ => format!("{kept} of {all} targets are kept"),
        };
        return Check::pass(RELABELING, message).with(details);
    }
    if let Some((target, error)) = invalid.first() {
        let message = format!("no valid target: {} has {error}", name(target));
        let fix = format!("correct what {} makes of __address__", fields.relabelings);
        return Check::fail(RELABELING, message, fix).with(details);
    }
    let Some((rule, (step, target, _))) = steps.last_key_value() else {
        return Check::unknown(RELABELING, "the ways of its targets are not known").with(details);
    };
    let message = match all {
        1 => format!("the only target is dropped by rule {rule}, {}", told(step, fields)),
        all => format!(
            "all {all} targets are dropped; the last ones by rule {rule}, {}",
            told(step, fields)
        ),
    };
    let fix = fix(step, fields);
    details.push(format!("{} has {}", name(target), sources(step)));
    Check::fail(RELABELING, message, fix).with(details)
}

fn origin(step: &Step, rules: &[Relabel]) -> Origin {
    let text = &step.text;
    if let Some(own) = rules.iter().position(|rule| *text == self::text(rule)) {
        return Origin::Own(own);
    }
    if text.contains("[__tmp_hash, __tmp_disable_sharding]") {
        return Origin::Shard;
    }
    if text.contains("[__meta_kubernetes_pod_phase]") {
        return Origin::Ended;
    }
    let is_port = ["_port_name]", "_port_number]"].iter().any(|end| text.contains(end));
    if text.starts_with("action: keep, source_labels: [__meta_kubernetes_") && is_port {
        return Origin::Port;
    }
    if text.contains("_labelpresent_") { Origin::Selector } else { Origin::Other }
}

/// What a step is for, in words.
fn told(step: &Step, fields: &Fields<'_>) -> String {
    match origin(step, fields.rules) {
        Origin::Selector => "which keeps what spec.selector chooses".to_owned(),
        Origin::Port => format!("which keeps the port of {}", fields.at),
        Origin::Ended => "which drops Pods that have ended".to_owned(),
        Origin::Shard => "which keeps the targets of our shard".to_owned(),
        Origin::Own(number) => format!("{}[{number}]", fields.relabelings),
        Origin::Other => "of a scrape class or of our settings".to_owned(),
    }
}

fn fix(step: &Step, fields: &Fields<'_>) -> String {
    match origin(step, fields.rules) {
        Origin::Selector => "correct spec.selector, or the labels it looks at".to_owned(),
        Origin::Port => format!("correct the port of {}", fields.at),
        Origin::Ended => {
            "start the Pods again; those that have ended are only scraped with filterRunning: false"
                .to_owned()
        }
        Origin::Shard => {
            "look at the other shards, or set shards: 1 in our configuration".to_owned()
        }
        Origin::Own(number) => {
            format!("correct or remove {}[{number}]: {}", fields.relabelings, step.text)
        }
        Origin::Other => format!("look for this rule in scrapeClasses: {}", step.text),
    }
}

/// The values that a step looked at.
fn sources(step: &Step) -> String {
    let listed =
        step.text.split_once("source_labels: [").and_then(|(_, rest)| rest.split_once(']'));
    let Some((names, _)) = listed else { return "no labels it looks at".to_owned() };
    list(names.split(", ").map(|name| format!("{name}={:?}", step.before.get(name).unwrap_or(""))))
}

/// A rule as scraping tells it, in one line and without what is default.
fn text(rule: &Relabel) -> String {
    let action = match rule.action.to_ascii_lowercase() {
        none if none.is_empty() => "replace".to_owned(),
        action => action,
    };
    let mut text = format!("action: {action}");
    let mut add = |key: &str, value: &str| {
        write!(text, ", {key}: {value}").expect("a string takes text");
    };
    if !rule.source_labels.is_empty() {
        add("source_labels", &format!("[{}]", rule.source_labels.join(", ")));
    }
    if let Some(separator) = rule.separator.as_deref().filter(|separator| *separator != ";") {
        add("separator", &format!("{separator:?}"));
    }
    if !rule.regex.is_empty() && rule.regex != "(.*)" {
        add("regex", &rule.regex);
    }
    if rule.modulus > 0 {
        add("modulus", &rule.modulus.to_string());
    }
    if !rule.target_label.is_empty() {
        add("target_label", &rule.target_label);
    }
    let replacement = rule.replacement.as_deref().filter(|replacement| *replacement != "$1");
    if let ("replace" | "labelmap", Some(replacement)) = (&*action, replacement) {
        add("replacement", &format!("{replacement:?}"));
    }
    text
}
