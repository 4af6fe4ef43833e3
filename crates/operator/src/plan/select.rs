//! Which objects count: by the labels of their namespaces, and by their own.

use super::{LabelMiss, MonitorKind, Selection};
use kubernetes::resources::Settings;
use kubernetes::resources::meta::{LabelSelector, Requirement};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A label that every namespace has: its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

type Labels = BTreeMap<String, String>;

/// What is known of namespaces.
#[derive(Clone, Debug)]
pub(super) enum Namespaces {
    /// Their labels.
    Known(BTreeMap<Arc<str>, Labels>),
    /// Why nobody knows their labels yet.
    NotRead(String),
    /// Why nobody knows their labels.
    Unknown(String),
}

/// The selectors of a kind: of objects, and of namespaces. Without one, all count.
fn selectors(
    settings: &Settings,
    kind: MonitorKind,
) -> (Option<&LabelSelector>, Option<&LabelSelector>) {
    let s = settings;
    let (objects, namespaces) = match kind {
        MonitorKind::ServiceMonitor => {
            (&s.service_monitor_selector, &s.service_monitor_namespace_selector)
        }
        MonitorKind::PodMonitor => (&s.pod_monitor_selector, &s.pod_monitor_namespace_selector),
        MonitorKind::Probe => (&s.probe_selector, &s.probe_namespace_selector),
        MonitorKind::ScrapeConfig => {
            (&s.scrape_config_selector, &s.scrape_config_namespace_selector)
        }
        MonitorKind::PrometheusRule => (&s.rule_selector, &s.rule_namespace_selector),
    };
    (objects.as_ref(), namespaces.as_ref())
}

/// Whether the labels of namespaces have to be known to choose objects of a kind.
pub(super) fn needs_namespaces(settings: &Settings, kind: MonitorKind) -> bool {
    let (_, namespaces) = selectors(settings, kind);
    namespaces.is_some_and(|selector| {
        let mut keys = selector.match_labels.keys();
        keys.any(|key| key != NAME_LABEL)
            || selector.match_expressions.iter().any(|requirement| requirement.key != NAME_LABEL)
    })
}

/// Whether an object counts.
pub(super) fn select(
    settings: &Settings,
    kind: MonitorKind,
    namespace: &str,
    labels: &Labels,
    namespaces: &Namespaces,
) -> Selection {
    let (of_objects, of_namespaces) = selectors(settings, kind);
    if let Some(selector) = of_namespaces {
        let own = match namespaces {
            Namespaces::Known(all) => all.get(namespace),
            Namespaces::NotRead(_) | Namespaces::Unknown(_) => None,
        };
        let mut known = own.cloned().unwrap_or_default();
        known.entry(NAME_LABEL.to_owned()).or_insert_with(|| namespace.to_owned());
        if own.is_none() && needs_namespaces(settings, kind) {
            let unknown = match namespaces {
                Namespaces::Known(_) => format!("namespace {namespace} is not there"),
                Namespaces::NotRead(why) | Namespaces::Unknown(why) => why.clone(),
            };
            let unknown = Some(unknown);
            return Selection::NamespaceNotSelected { misses: Vec::new(), unknown };
        }
        let misses = misses(selector, &known);
        if !misses.is_empty() {
            return Selection::NamespaceNotSelected { misses, unknown: None };
        }
    }
    let misses = of_objects.map_or_else(Vec::new, |selector| misses(selector, labels));
    if misses.is_empty() { Selection::Selected } else { Selection::LabelsDiffer { misses } }
}

/// What labels lack to be chosen.
fn misses(selector: &LabelSelector, labels: &Labels) -> Vec<LabelMiss> {
    let exact = selector.match_labels.iter().map(|(key, value)| Requirement {
        key: key.clone(),
        operator: "In".to_owned(),
        values: vec![value.clone()],
    });
    let all = exact.chain(selector.match_expressions.iter().cloned());
    all.filter_map(|Requirement { key, operator, values }| {
        let found = labels.get(&key).cloned();
        let holds = match operator.as_str() {
            "In" => found.as_ref().is_some_and(|value| values.contains(value)),
            "NotIn" => found.as_ref().is_none_or(|value| !values.contains(value)),
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => false,
        };
        (!holds).then_some(LabelMiss { key, operator, values, found })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn labels_and_what_they_lack() {
        let check = |selector: &str, own: &[(&str, &str)], expected: &[&str]| {
            let selector: LabelSelector = serde_saphyr::from_str(selector).expect("is one");
            let misses: Vec<_> =
                misses(&selector, &labels(own)).iter().map(ToString::to_string).collect();
            assert_eq!(misses, expected, "{selector:?} {own:?}");
        };
        check("{}", &[], &[]);
        check("matchLabels: {a: b}", &[("a", "b"), ("c", "d")], &[]);
        check(
            "matchLabels: {release: x}",
            &[("c", "d")],
            &["label release=x is asked for, and it has none"],
        );
        check(
            "matchLabels: {release: x}",
            &[("release", "y")],
            &["label release=x is asked for, and it has release=y"],
        );
        let some = "matchExpressions: [{key: a, operator: In, values: [b, c]}, \
                    {key: d, operator: NotIn, values: [e]}, {key: f, operator: Exists}, \
                    {key: g, operator: DoesNotExist}]";
        check(some, &[("a", "c"), ("f", "")], &[]);
        check(
            some,
            &[("a", "x"), ("d", "e"), ("g", "y")],
            &[
                "label a in (b,c) is asked for, and it has a=x",
                "label d not in (e) is asked for, and it has d=e",
                "label f is asked for, and it has none",
                "label g must not be there, and it has g=y",
            ],
        );
        check(
            "matchExpressions: [{key: a, operator: Like}]",
            &[],
            &["label a: \"Like\" is not an operator, and it has none"],
        );
    }

    #[test]
    fn namespaces_by_their_labels_or_their_names() {
        let known = Namespaces::Known(BTreeMap::from([
            ("one".into(), labels(&[("team", "a")])),
            ("two".into(), labels(&[("team", "b")])),
        ]));
        let unknown = Namespaces::Unknown("may not be listed".into());
        let check = |selector: &str, namespace: &str, namespaces: &Namespaces, expected: &str| {
            let settings = format!("probeNamespaceSelector: {selector}");
            let settings: Settings = serde_saphyr::from_str(&settings).expect("are settings");
            let kind = MonitorKind::Probe;
            let selection = select(&settings, kind, namespace, &Labels::new(), namespaces);
            let text = match selection {
                Selection::Selected => String::new(),
                Selection::NamespaceNotSelected { misses, unknown } => {
                    let misses = misses.iter().map(ToString::to_string);
                    misses.chain(unknown).collect::<Vec<_>>().join("; ")
                }
                Selection::LabelsDiffer { .. } => "labels".to_owned(),
            };
            assert_eq!(text, expected, "{selector} {namespace}");
        };
        check("{}", "one", &unknown, "");
        check("{matchLabels: {team: a}}", "one", &known, "");
        check(
            "{matchLabels: {team: a}}",
            "two",
            &known,
            "label team=a is asked for, and it has team=b",
        );
        check("{matchLabels: {team: a}}", "three", &known, "namespace three is not there");
        check("{matchLabels: {team: a}}", "one", &unknown, "may not be listed");
        check("{matchLabels: {kubernetes.io/metadata.name: one}}", "one", &unknown, "");
        check(
            "{matchLabels: {kubernetes.io/metadata.name: one}}",
            "two",
            &unknown,
            "label kubernetes.io/metadata.name=one is asked for, and it has \
             kubernetes.io/metadata.name=two",
        );
    }
}
