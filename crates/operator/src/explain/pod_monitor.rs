//! PodMonitor: Pods, their containers' ports, and the targets that come of them.

use super::choose::{Choice, NAMESPACES, chosen, namespaces};
use super::cluster::{Pod, Service};
use super::endpoints::{ENDPOINTS, running};
use super::facts::Facts;
use super::ports::{Asked, PORT, of_containers};
use super::scraping::{self, Fields};
use super::service_monitor::by;
use super::{Check, first_failure, one_of_many};
use kubernetes::resources::PodMonitor;

/// Are there Pods for it?
pub(super) const PODS: &str = "pods";

pub(super) fn checks(checks: &mut Vec<Check>, spec: &PodMonitor, facts: &Facts) {
    let blocked = first_failure(&*checks);
    let (namespaces, places) =
        namespaces(&spec.namespace_selector, "spec.namespaceSelector", facts);
    let choice = Choice {
        check: PODS,
        selector: &spec.selector,
        field: "spec.selector",
        places: &places,
        places_field: "spec.namespaceSelector",
        by: by(spec.selector_mechanism.as_deref()),
    };
    let (found, pods) = match namespaces.failed() {
        true => (Check::skipped(PODS, NAMESPACES), Vec::new()),
        false => chosen(&choice, &facts.cluster.pods, facts),
    };
    let running = match pods.is_empty() {
        true => Check::skipped(ENDPOINTS, PODS),
        false => running(&pods),
    };
    let blocked = blocked.or_else(|| first_failure([&namespaces, &found, &running]));
    checks.extend([namespaces, found, running]);
    let endpoints = &spec.pod_metrics_endpoints;
    if endpoints.is_empty() {
        let port = pods.iter().flat_map(|pod| &pod.ports).find(|port| !port.name.is_empty());
        let port = port.map_or("...", |port| &port.name);
        let fix = format!("write spec.podMetricsEndpoints: [{{port: {port}}}]");
        let message = "spec.podMetricsEndpoints is empty, so nothing is scraped";
        checks.push(Check::fail(PORT, message, fix));
    }
    let services = in_front(&pods, facts);
    for (i, endpoint) in endpoints.iter().enumerate() {
        let at = format!("spec.podMetricsEndpoints[{i}]");
        let port = match pods.is_empty() {
            true => Check::skipped(PORT, PODS),
            false => of_containers(&Asked::of_pod(endpoint), &at, &pods, &services, true),
        };
        let blocked = blocked.or_else(|| first_failure([&port]));
        let fields = Fields {
            at: at.clone(),
            path: format!("{at}.path"),
            scheme: format!("{at}.scheme"),
            relabelings: format!("{at}.relabelings"),
            rules: &endpoint.relabelings,
            limits: &spec.limits,
        };
        let mut own = vec![port];
        own.extend(scraping::job(facts.jobs.get(i), &fields, blocked));
        checks.extend(one_of_many(own, &at, endpoints.len()));
    }
}

/// The Services that select one of some Pods: their ports may have been meant.
fn in_front<'a>(pods: &[&Pod], facts: &'a Facts) -> Vec<&'a Service> {
    let Some(first) = pods.first() else { return Vec::new() };
    let selects = |service: &&Service| {
        service.namespace == first.namespace
            && !service.selector.is_empty()
            && service.selector.iter().all(|(key, value)| first.labels.get(key) == Some(value))
    };
    facts.cluster.services.objects.iter().filter(selects).collect()
}
