//! What must hold for groups and rules, in Prometheus' words.

use super::written::{self, place};
use super::{Fault, Group, Kind, Options, Place, Rule};
use crate::template::Template;
use model::names::NameScheme;
use model::{Labels, METRIC_NAME};
use serde_saphyr::{Location, Spanned};
use std::collections::HashSet;

/// Checks all groups; all faults, or none.
pub(super) fn check(
    written: Vec<written::Group>,
    options: &Options,
) -> Result<Vec<Group>, Vec<Fault>> {
    let scheme = if options.legacy_names { NameScheme::Legacy } else { NameScheme::Utf8 };
    let mut checker = Checker { options, scheme, faults: Vec::new() };
    let mut names = HashSet::new();
    let mut groups = Vec::new();
    for group in written {
        let name = &group.name.value;
        if name.is_empty() {
            checker.fault(group.name.referenced, "Groupname must not be empty");
        } else if !names.insert(name.clone()) {
            let message = format!("groupname: {name:?} is repeated in the same file");
            checker.fault(group.name.referenced, message);
        }
        groups.extend(checker.group(group));
    }
    if checker.faults.is_empty() { Ok(groups) } else { Err(checker.faults) }
}

struct Checker<'a> {
    options: &'a Options,
    scheme: NameScheme,
    faults: Vec<Fault>,
}

/// Which rule is spoken of.
struct Which<'a> {
    group: &'a str,
    /// From 1.
    number: usize,
    name: &'a str,
}

impl Checker<'_> {
    fn fault(&mut self, at: Location, message: impl Into<String>) {
        self.faults.push(Fault { place: place(at), message: message.into() });
    }

    fn rule_fault(&mut self, at: Location, which: &Which<'_>, message: impl std::fmt::Display) {
        let Which { group, number, name } = which;
        self.fault(at, format!("group {group:?}, rule {number}, {name:?}: {message}"));
    }

    fn group(&mut self, group: written::Group) -> Option<Group> {
        let before = self.faults.len();
        for (name, value) in &group.labels {
            if let Err(message) = self.label(name, value.as_deref()) {
                self.fault(group.at, format!("group {:?}: {message}", group.name.value));
            }
        }
        // A negative one is none, as zero is.
        let limit = group.limit.map_or(0, |limit| u64::try_from(limit.0).unwrap_or(0));
        let rules = (1..).zip(&group.rules).map(|(number, rule)| {
            let name = rule.record.as_ref().or(rule.alert.as_ref());
            let name = name.map_or("", |name| name.value.as_str());
            self.rule(rule, &Which { group: &group.name.value, number, name })
        });
        let rules: Vec<_> = rules.flatten().collect();
        let set = |time: Option<written::Time>| time.map(|time| time.0).filter(|ms| *ms > 0);
        (self.faults.len() == before).then(|| Group {
            name: group.name.value,
            interval_ms: set(group.interval),
            query_offset_ms: group.query_offset.map(|time| time.0),
            limit,
            labels: labels(&group.labels),
            rules,
        })
    }

    fn label(&self, name: &str, value: Option<&str>) -> Result<(), String> {
        let _: Option<&str> = value;
        if !self.scheme.is_label_name(name) || name == METRIC_NAME {
            return Err(format!("invalid label name: {name}"));
        }
        Ok(())
    }

    fn rule(&mut self, rule: &written::Rule, which: &Which<'_>) -> Option<Rule> {
        let before = self.faults.len();
        let filled = |text: &Option<Spanned<String>>| {
            text.as_ref().filter(|text| !text.value.is_empty()).cloned()
        };
        let (record, alert) = (filled(&rule.record), filled(&rule.alert));
        let at = record.as_ref().or(alert.as_ref()).map_or(rule.at, |name| name.referenced);
        match (&record, &alert) {
            (Some(_), Some(_)) => {
                self.rule_fault(at, which, "only one of 'record' and 'alert' must be set");
            }
            (None, None) => self.rule_fault(at, which, "one of 'record' or 'alert' must be set"),
            _ => {}
        }
        let expr = match filled(&rule.expr) {
            None => {
                self.rule_fault(at, which, "field 'expr' must be set in rule");
                None
            }
            Some(expr) => match promql::parse(&expr.value, &self.options.features) {
                Ok(parsed) => Some(parsed),
                Err(error) => {
                    let message = format!("could not parse expression: {error}");
                    self.rule_fault(expr.referenced, which, message);
                    None
                }
            },
        };
        if let Some(record) = &record {
            self.recording(rule, record, which);
        }
        for (name, value) in &rule.labels {
            if let Err(message) = self.label(name, value.as_deref()) {
                self.rule_fault(at, which, message);
            }
        }
        // Names of annotations are classic ones, whatever the scheme.
        for name in rule.annotations.keys() {
            if !model::names::is_legacy_label_name(name) {
                self.rule_fault(at, which, format!("invalid annotation name: {name}"));
            }
        }
        if alert.is_some() {
            self.templates(rule, at, which);
        }
        let ms = |time: Option<written::Time>| time.unwrap_or_default().0;
        let kind = if record.is_some() {
            Kind::Record
        } else {
            Kind::Alert {
                for_ms: ms(rule.hold),
                keep_firing_for_ms: ms(rule.keep_firing_for),
                annotations: texts(&rule.annotations),
            }
        };
        let name = record.or(alert)?.value;
        let expr = expr.filter(|_| self.faults.len() == before)?;
        let place: Place = place(at).unwrap_or((1, 1));
        Some(Rule { name, kind, expr, labels: texts(&rule.labels), place })
    }

    fn recording(&mut self, rule: &written::Rule, record: &Spanned<String>, which: &Which<'_>) {
        let at = record.referenced;
        let set = |time: Option<written::Time>| time.unwrap_or_default().0 != 0;
        let fields = [
            ("annotations", !rule.annotations.is_empty()),
            ("for", set(rule.hold)),
            ("keep_firing_for", set(rule.keep_firing_for)),
        ];
        for (field, is_set) in fields {
            if is_set {
                let message = format!("invalid field '{field}' in recording rule");
                self.rule_fault(at, which, message);
            }
        }
        let name = &record.value;
        if !self.scheme.is_metric_name(name) {
            self.rule_fault(at, which, format!("invalid recording rule name: {name}"));
        } else if name.contains(['{', '}']) {
            let message = "braces present in the recording rule name; should it be in expr?";
            self.rule_fault(at, which, format!("{message}: {name}"));
        }
    }

    fn templates(&mut self, rule: &written::Rule, at: Location, which: &Which<'_>) {
        let of = |what: &'static str, texts: &written::Texts| {
            let faults = texts.iter().filter_map(|(name, text)| {
                let template = format!("__alert_{}", which.name);
                let error = Template::parse(&template, text.as_deref().unwrap_or("")).err()?;
                Some(format!("{what} {name:?}: {error}"))
            });
            faults.collect::<Vec<_>>()
        };
        for message in
            of("label", &rule.labels).into_iter().chain(of("annotation", &rule.annotations))
        {
            self.rule_fault(at, which, message);
        }
    }
}

fn texts(written: &written::Texts) -> Vec<(String, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    written.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn labels(written: &written::Texts) -> Labels {
    Labels::from_pairs(texts(written))
}
