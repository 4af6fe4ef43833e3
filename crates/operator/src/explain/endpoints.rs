//! Whether there are addresses behind Services, and whether Pods have some.

use super::cluster::{Addresses, Cluster, Pod, Seen, Service};
use super::ports::Asked;
use super::selectors::{By, Candidate, equals, is_pattern_of, near_misses};
use super::text::{count, list};
use super::{Check, gate};
use kubernetes::resources::meta::{LabelSelector, NameOrNumber};
use std::collections::BTreeMap;

/// Is there anything behind the Services?
pub(super) const ENDPOINTS: &str = "endpoints";

/// Lines about single objects.
const MAX_DETAILS: usize = 5;

/// The Pods a Service selects.
pub(super) fn pods_of<'a>(service: &Service, pods: &'a Seen<Pod>) -> Vec<&'a Pod> {
    if service.selector.is_empty() {
        return Vec::new();
    }
    let is_its = |pod: &&Pod| {
        pod.namespace == service.namespace
            && service.selector.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
    };
    pods.objects.iter().filter(is_its).collect()
}

/// Whether some Services have addresses with the port that is asked for.
pub(super) fn behind(services: &[&Service], asked: &Asked, cluster: &Cluster) -> Check {
    let seen = &cluster.addresses;
    if !seen.watched.is_known() {
        let what = if cluster.are_endpoints { "Endpoints" } else { "EndpointSlices" };
        let told = gate::watch(ENDPOINTS, what, &seen.watched);
        return told.expect("it is not in sync");
    }
    let of = |service: &Service| {
        let is_its = |a: &&Addresses| a.namespace == service.namespace && a.service == service.name;
        seen.objects.iter().filter(is_its).collect::<Vec<_>>()
    };
    let has_port = |addresses: &Addresses| match asked {
        Asked::OfService(wanted) => addresses.ports.iter().any(|p| is_pattern_of(wanted, p)),
        _ => true,
    };
    let (mut ready, mut unready, mut details) = (0, 0, Vec::new());
    let mut first_empty = None;
    for service in services {
        let parts = of(service);
        let mut here = 0;
        for address in parts.iter().filter(|part| has_port(part)).flat_map(|part| &part.addresses) {
            here += 1;
            if address.is_ready {
                ready += 1;
                continue;
            }
            unready += 1;
            if details.len() < MAX_DETAILS {
                let pod = address.pod.as_deref();
                let what = pod.map_or_else(String::new, |pod| format!(" (Pod {pod})"));
                details.push(format!("{}{what} is not ready", address.ip));
            }
        }
        if here == 0 {
            let has_any = parts.iter().any(|part| !part.addresses.is_empty());
            first_empty.get_or_insert((*service, has_any));
        }
    }
    if ready + unready > 0 {
        let message = match unready {
            0 => format!("{}, all ready", count(ready, "address")),
            unready => format!("{ready} of {} addresses are ready", ready + unready),
        };
        return Check::pass(ENDPOINTS, message).with(details);
    }
    let (service, has_any) = first_empty.expect("there is a Service, and none has addresses");
    let check = empty(service, has_any, asked, cluster);
    let others = services.len() - 1;
    if others == 0 {
        return check;
    }
    check.with([format!("none of {} has addresses", count(services.len(), "Service"))])
}

/// Why a Service has no addresses with the port.
fn empty(service: &Service, has_any: bool, asked: &Asked, cluster: &Cluster) -> Check {
    let full = format!("{}/{}", service.namespace, service.name);
    if service.kind == "ExternalName" {
        let message = format!("Service {full} is of type ExternalName, which has no addresses");
        let fix = "scrape that name by a ScrapeConfig with staticConfigs";
        return Check::fail(ENDPOINTS, message, fix);
    }
    let pods = pods_of(service, &cluster.pods);
    if has_any {
        return without_port(service, &full, asked, &pods);
    }
    if service.selector.is_empty() {
        let message = format!("Service {full} has no selector, and nobody wrote addresses for it");
        let name = &service.name;
        let write = match cluster.are_endpoints {
            true => format!("Endpoints of the name {name}"),
            false => {
                format!("an EndpointSlice with the label kubernetes.io/service-name: {name}")
            }
        };
        let fix = format!("give the Service a selector, or write {write}");
        return Check::fail(ENDPOINTS, message, fix);
    }
    if !cluster.pods.watched.is_known() {
        let message = format!("Service {full} has no addresses");
        let fix = format!(
            "kubectl get pods -n {} -l {}",
            service.namespace,
            equals(&service.selector).join(",")
        );
        return Check::fail(ENDPOINTS, message, fix);
    }
    if pods.is_empty() {
        return no_pods(service, &full, &cluster.pods);
    }
    match unaddressed(&pods) {
        Some((message, fix)) => {
            Check::fail(ENDPOINTS, format!("Service {full} has no addresses: {message}"), fix)
        }
        None => Check::unknown(
            ENDPOINTS,
            format!(
                "Service {full} has no addresses yet, although {} it selects run",
                count(pods.len(), "Pod")
            ),
        ),
    }
}

/// There are addresses, but not with the port: its target is no port of the containers.
fn without_port(service: &Service, full: &str, asked: &Asked, pods: &[&Pod]) -> Check {
    let Asked::OfService(wanted) = asked else {
        return Check::unknown(ENDPOINTS, format!("Service {full} has no addresses yet"));
    };
    let port = service.ports.iter().find(|port| is_pattern_of(wanted, &port.name));
    let target = port.and_then(|port| port.target.as_ref());
    let Some(NameOrNumber::Name(target)) = target else {
        let message = format!("the addresses of Service {full} do not have its port {wanted} yet");
        return Check::unknown(ENDPOINTS, message);
    };
    let ports: std::collections::BTreeSet<&str> = pods
        .iter()
        .flat_map(|pod| pod.ports.iter().map(|port| port.name.as_str()))
        .filter(|name| !name.is_empty())
        .collect();
    let message = format!(
        "port {wanted} of Service {full} leads to the container port {target}, which no container has"
    );
    let fix = match super::nearest(target, ports.iter().copied()) {
        Some(name) => format!("write targetPort: {name} for that port of the Service"),
        None => {
            format!("name a port of the container {target}, or correct targetPort of the Service")
        }
    };
    Check::fail(ENDPOINTS, message, fix).with([format!("container ports: {}", list(ports))])
}

fn no_pods(service: &Service, full: &str, pods: &Seen<Pod>) -> Check {
    let wanted = equals(&service.selector).join(", ");
    let message =
        format!("Service {full} has no addresses: no Pod has the labels it selects, {wanted}");
    let selector =
        LabelSelector { match_labels: service.selector.clone(), ..LabelSelector::default() };
    let here = pods.objects.iter().filter(|pod| pod.namespace == service.namespace);
    let candidates = here.map(|pod| Candidate {
        namespace: &pod.namespace,
        name: &pod.name,
        labels: &pod.labels,
        of_pods: None,
    });
    let near = near_misses(&selector, candidates, By::Equality);
    let fix = match near.first() {
        Some(_) => {
            format!("correct spec.selector of Service {full}, or the labels of the Pods' template")
        }
        None => format!(
            "start the Pods (is their Deployment scaled to 0?), or correct spec.selector of Service {full}"
        ),
    };
    Check::fail(ENDPOINTS, message, fix).with(near.iter().map(|near| near.line("Pod")))
}

/// Why none of some Pods can be asked, and what to look at; `None` when one has an address.
pub(super) fn unaddressed(pods: &[&Pod]) -> Option<(String, String)> {
    if pods.iter().any(|pod| !pod.ip.is_empty() && !has_ended(pod)) {
        return None;
    }
    let mut phases: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in pods {
        *phases.entry(&pod.phase).or_default() += 1;
    }
    let phases: Vec<_> = phases.iter().map(|(phase, n)| format!("{n} {phase}")).collect();
    let first = pods.first()?;
    let message = format!("{}, none with an address: {}", count(pods.len(), "Pod"), list(phases));
    Some((message, format!("kubectl describe pod -n {} {}", first.namespace, first.name)))
}

pub(super) fn has_ended(pod: &Pod) -> bool {
    matches!(pod.phase.as_str(), "Succeeded" | "Failed")
}

/// A selector's Pods of a PodMonitor: whether some can be asked.
pub(super) fn running(pods: &[&Pod]) -> Check {
    if let Some((message, fix)) = unaddressed(pods) {
        return Check::fail(ENDPOINTS, message, fix);
    }
    let with_address = pods.iter().filter(|pod| !pod.ip.is_empty()).count();
    let unready = pods.iter().filter(|pod| pod.is_ready == Some(false));
    let details: Vec<_> = unready
        .take(MAX_DETAILS)
        .map(|pod| format!("Pod {}/{} is not ready ({})", pod.namespace, pod.name, pod.phase))
        .collect();
    let message = match with_address == pods.len() {
        true => format!("{} with an address", count(pods.len(), "Pod")),
        false => format!("{with_address} of {} Pods have an address", pods.len()),
    };
    Check::pass(ENDPOINTS, message).with(details)
}

/// Every Pod behind some Services, each once.
pub(super) fn pods_behind<'a>(services: &[&Service], cluster: &'a Cluster) -> Vec<&'a Pod> {
    let all = services.iter().flat_map(|service| pods_of(service, &cluster.pods));
    let named: BTreeMap<_, _> =
        all.map(|pod| ((pod.namespace.as_str(), pod.name.as_str()), pod)).collect();
    let mut pods: Vec<&Pod> = named.into_values().collect();
    // Addresses that somebody else writes may name Pods too.
    let by_hand = services.iter().filter(|service| service.selector.is_empty());
    for service in by_hand {
        let parts = cluster
            .addresses
            .objects
            .iter()
            .filter(|part| part.namespace == service.namespace && part.service == service.name);
        let names = parts.flat_map(|part| &part.addresses).filter_map(|a| a.pod.as_deref());
        for name in names {
            let found = cluster.pods.objects.iter();
            let mut found = found.filter(|p| p.namespace == service.namespace && p.name == name);
            pods.extend(found.next());
        }
    }
    pods
}
