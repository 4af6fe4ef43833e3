//! The permissions that the configuration needs.

use super::{GROUP, Instance};
use crate::plan::{MissingReason, MonitorKind, Plan, Verdict};
use cluster::rights::Rule;
use discovery::kubernetes::{AttachMetadata, KubernetesConfig, Role};
use kubernetes::Section;
use kubernetes::resources::meta::LabelSelector;
use kubernetes::section::WriteBack;
use std::collections::BTreeSet;

const READ: [&str; 3] = ["get", "list", "watch"];
/// What may be done to a status, both of which are needed.
const WRITE: [&str; 2] = ["patch", "update"];

/// All of them, those that matter most first, each once.
pub(super) fn rules(plan: &Plan, section: &Section, instance: &Instance) -> Vec<Rule> {
    let mut rules = Vec::new();
    for kind in kinds(plan) {
        rules.extend(read(section, GROUP, kind.plural()));
    }
    let jobs = plan.jobs.iter().flat_map(|job| &job.config.sd().kubernetes);
    rules.extend(discovery(jobs, section));
    rules.extend(references(plan));
    if section.write_back == WriteBack::Auto {
        for kind in kinds(plan) {
            rules.extend(status(section, kind));
        }
        rules.extend(prometheus(instance));
        rules.extend(events(section));
    }
    let mut seen = BTreeSet::new();
    rules.retain(|rule| seen.insert(rule.clone()));
    rules
}

/// The kinds that the cluster knows, as far as we know.
fn kinds(plan: &Plan) -> impl Iterator<Item = MonitorKind> + '_ {
    let is_absent = |kind: &MonitorKind| plan.kinds.get(kind).is_some_and(|kind| kind.is_absent);
    MonitorKind::ALL.into_iter().filter(move |kind| !is_absent(kind))
}

/// To write the status of a kind.
pub(super) fn status(section: &Section, kind: MonitorKind) -> Vec<Rule> {
    let resource = format!("{}/status", kind.plural());
    let places = places(section);
    let all = places.iter().flat_map(|place| WRITE.map(|verb| (verb, place.as_deref())));
    all.map(|(verb, place)| Rule::new(GROUP, &resource, verb, place)).collect()
}

/// To see whether somebody else has our name.
pub(super) fn prometheus(instance: &Instance) -> Option<Rule> {
    let place = Some(instance.namespace.as_str()).filter(|name| !name.is_empty())?;
    Some(Rule::new(GROUP, "prometheuses", "get", Some(place)).named(&instance.name))
}

/// To send Events.
pub(super) fn events(section: &Section) -> Vec<Rule> {
    let places = places(section);
    let rule =
        |place: &Option<String>| Rule::new("events.k8s.io", "events", "create", place.as_deref());
    places.iter().map(rule).collect()
}

/// The namespaces that are looked at, or all.
pub(super) fn places(section: &Section) -> Vec<Option<String>> {
    match section.connection.namespaces.as_slice() {
        [] => vec![None],
        names => names.iter().cloned().map(Some).collect(),
    }
}

fn read(section: &Section, group: &str, resource: &str) -> Vec<Rule> {
    let places = places(section);
    let all = places.iter().flat_map(|place| READ.map(|verb| (verb, place.as_deref())));
    all.map(|(verb, place)| Rule::new(group, resource, verb, place)).collect()
}

fn of_cluster(group: &str, resource: &str) -> [Rule; 3] {
    READ.map(|verb| Rule::new(group, resource, verb, None))
}

/// What targets are found by: pods, services and slices always, since the next monitor will ask for
/// them; the rest when a job does.
fn discovery<'j>(
    jobs: impl IntoIterator<Item = &'j KubernetesConfig>,
    section: &Section,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (group, resource) in
        [("", "pods"), ("", "services"), ("discovery.k8s.io", "endpointslices")]
    {
        rules.extend(read(section, group, resource));
    }
    let mut uses = BTreeSet::new();
    // Labels of namespaces can be asked for only where all namespaces are looked at.
    if section.connection.namespaces.is_empty() && selects_namespaces(section) {
        uses.insert("namespaces");
    }
    // Other clusters have permissions of their own.
    let own = jobs.into_iter().filter(|sd| sd.api_server.is_none() && sd.kubeconfig_file.is_none());
    for sd in own {
        let AttachMetadata { node, namespace, deployment, job, cronjob } = sd.attach_metadata;
        let asked = [
            ("nodes", node || sd.role == Role::Node),
            ("namespaces", namespace),
            ("ingresses", sd.role == Role::Ingress),
            ("replicasets", deployment),
            ("deployments", deployment),
            ("jobs", job || cronjob),
            ("cronjobs", cronjob),
        ];
        uses.extend(asked.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name));
    }
    for resource in uses {
        match resource {
            "nodes" | "namespaces" => rules.extend(of_cluster("", resource)),
            "ingresses" => rules.extend(read(section, "networking.k8s.io", resource)),
            "jobs" | "cronjobs" => rules.extend(read(section, "batch", resource)),
            _ => rules.extend(read(section, "apps", resource)),
        }
    }
    rules
}

fn selects_namespaces(section: &Section) -> bool {
    let settings = &section.settings;
    let selectors = [
        &settings.service_monitor_namespace_selector,
        &settings.pod_monitor_namespace_selector,
        &settings.probe_namespace_selector,
        &settings.scrape_config_namespace_selector,
        &settings.rule_namespace_selector,
    ];
    let is_some = |selector: &LabelSelector| {
        !selector.match_labels.is_empty() || !selector.match_expressions.is_empty()
    };
    selectors.into_iter().flatten().any(is_some)
}

/// Secrets and ConfigMaps that were refused. Those that are read need no question.
fn references(plan: &Plan) -> Vec<Rule> {
    let mut rules = Vec::new();
    for state in plan.objects.values() {
        let Some(Verdict::Waiting(waiting)) = &state.verdict else { continue };
        for missing in &waiting.missing {
            if !matches!(missing.why, MissingReason::Forbidden(_)) {
                continue;
            }
            let resource = if missing.kind == "Secret" { "secrets" } else { "configmaps" };
            let rule =
                |verb| Rule::new("", resource, verb, Some(&missing.namespace)).named(&missing.name);
            rules.extend(READ.map(rule));
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubernetes::section::Connection;

    /// What discovery needs, but for what it always does.
    #[track_caller]
    fn check(jobs: &[&str], namespaces: &[&str], expected: &[&str]) {
        let jobs: Vec<KubernetesConfig> =
            jobs.iter().map(|job| serde_saphyr::from_str(job).unwrap()).collect();
        let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
        let connection = Connection { namespaces, ..Connection::default() };
        let section = Section { connection, ..Section::default() };
        let always = discovery(&[], &section);
        let all = discovery(&jobs, &section);
        let more: Vec<_> = all.iter().filter(|rule| !always.contains(rule)).collect();
        let listed = more.iter().filter(|rule| rule.verb == "list").map(ToString::to_string);
        assert_eq!(listed.collect::<Vec<_>>(), expected);
        assert_eq!(more.len(), 3 * expected.len());
    }

    #[test]
    fn jobs_say_what_discovery_needs() {
        let everywhere = |what: &str| format!("list {what} in all namespaces");
        let (nodes, namespaces) = (everywhere("nodes"), everywhere("namespaces"));
        check(&["role: pod", "role: endpointslice"], &[], &[]);
        check(&["role: node"], &[], &[&nodes]);
        check(&["role: node"], &["a"], &[&nodes]);
        check(&["{role: pod, attach_metadata: {node: true}}"], &[], &[&nodes]);
        check(&["{role: pod, attach_metadata: {namespace: true}}"], &[], &[&namespaces]);
        check(&["role: ingress"], &["a"], &["list ingresses.networking.k8s.io in namespace a"]);
        check(
            &["{role: pod, attach_metadata: {deployment: true}}"],
            &[],
            &["list deployments.apps in all namespaces", "list replicasets.apps in all namespaces"],
        );
        check(&["{role: node, api_server: 'http://a'}"], &[], &[]);
        check(&["{role: node, kubeconfig_file: a}"], &[], &[]);
    }

    #[test]
    fn labels_of_namespaces_need_namespaces() {
        let section = |selector: LabelSelector, names: &[&str]| {
            let mut section = Section::default();
            section.settings.probe_namespace_selector = Some(selector);
            section.connection.namespaces = names.iter().map(|name| (*name).to_owned()).collect();
            section
        };
        let needs = |section: Section| {
            let rules = discovery(&[], &section);
            rules.iter().any(|rule| rule.resource == "namespaces")
        };
        let labels = LabelSelector {
            match_labels: [("a".to_owned(), "b".to_owned())].into(),
            ..LabelSelector::default()
        };
        assert!(needs(section(labels.clone(), &[])));
        assert!(!needs(section(labels, &["a"])));
        assert!(!needs(section(LabelSelector::default(), &[])));
    }
}
