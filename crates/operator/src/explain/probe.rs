//! Probe: its prober, what is probed, and how that goes.

use super::choose::{Choice, NAMESPACES, chosen, namespaces};
use super::facts::Facts;
use super::scraping::{self, Fields};
use super::selectors::By;
use super::text::count;
use super::{Check, first_failure};
use kubernetes::resources::Probe;
use kubernetes::resources::monitors::ProbeIngress;
use kubernetes::resources::relabel::Relabel;

/// Who probes?
pub(super) const PROBER: &str = "prober";
/// What is probed?
pub(super) const TARGETS: &str = "targets";
/// Are there Ingresses to probe?
pub(super) const INGRESSES: &str = "ingresses";

pub(super) fn checks(checks: &mut Vec<Check>, spec: &Probe, facts: &Facts) {
    checks.push(prober(spec, facts));
    let (relabelings, rules): (&str, &[Relabel]) =
        match (&spec.targets.static_config, &spec.targets.ingress) {
            (Some(written), _) => {
                checks.push(match written.targets.len() {
                    0 => Check::fail(
                        TARGETS,
                        "spec.targets.staticConfig.static is empty, so nothing is probed",
                        "write what to probe there, such as https://example.com",
                    ),
                    n => Check::pass(TARGETS, format!("{} written down", count(n, "target"))),
                });
                ("spec.targets.staticConfig.relabelingConfigs", &written.relabeling_configs)
            }
            (None, Some(ingress)) => {
                checks.extend(ingresses(ingress, facts));
                ("spec.targets.ingress.relabelingConfigs", &ingress.relabeling_configs)
            }
            (None, None) => {
                checks.push(Check::fail(
                    TARGETS,
                    "spec.targets names nothing to probe",
                    "write spec.targets.staticConfig.static or spec.targets.ingress",
                ));
                ("spec.targets", &[])
            }
        };
    let fields = Fields {
        at: "spec".to_owned(),
        path: "spec.prober.path".to_owned(),
        scheme: "spec.prober.scheme".to_owned(),
        relabelings: relabelings.to_owned(),
        rules,
        limits: &spec.limits,
    };
    let blocked = first_failure(&*checks);
    checks.extend(scraping::job(facts.jobs.first(), &fields, blocked));
}

/// Whether the prober's address can be one: a Service it names has to be there, with the port.
fn prober(spec: &Probe, facts: &Facts) -> Check {
    let url = spec.prober.url.as_str();
    if url.is_empty() {
        let fix = "write spec.prober.url: host:port, such as that of a blackbox exporter";
        return Check::fail(PROBER, "spec.prober.url is empty", fix);
    }
    let (host, port) = url.rsplit_once(':').unwrap_or((url, "80"));
    let parts: Vec<&str> = host.split('.').collect();
    // `name`, `name.namespace`, `name.namespace.svc` and longer are names of Services.
    let (name, namespace) = match *parts {
        [name, namespace] => (name, namespace),
        [name, namespace, "svc", ..] => (name, namespace),
        _ => return Check::pass(PROBER, format!("{url} is asked")),
    };
    let services = &facts.cluster.services;
    let here = services.objects.iter().filter(|service| service.namespace == namespace);
    let here: Vec<_> = here.collect();
    let is_seen = facts.cluster.followed.is_empty() || facts.cluster.followed.contains(namespace);
    // A name of two parts may be one of the world outside, unless the second is a namespace.
    if !services.watched.is_known() || !is_seen || (parts.len() == 2 && here.is_empty()) {
        return Check::pass(PROBER, format!("{url} is asked"));
    }
    let Some(service) = here.iter().find(|service| service.name == name) else {
        let fix = match super::nearest(name, here.iter().map(|service| service.name.as_str())) {
            Some(near) => {
                format!("write spec.prober.url: {}", url.replacen(name, near, 1))
            }
            None => format!("create the Service {namespace}/{name}, or correct spec.prober.url"),
        };
        return Check::fail(
            PROBER,
            format!("there is no Service {namespace}/{name} as in spec.prober.url"),
            fix,
        );
    };
    let number: Option<u16> = port.parse().ok();
    if service.ports.is_empty() || service.ports.iter().any(|port| Some(port.number) == number) {
        return Check::pass(PROBER, format!("Service {namespace}/{name} has port {port}"));
    }
    let ports: Vec<String> = service.ports.iter().map(|port| port.number.to_string()).collect();
    let message = format!(
        "Service {namespace}/{name} has no port {port}; it has {}",
        super::text::list(&ports)
    );
    Check::fail(PROBER, message, format!("write spec.prober.url: {host}:{}", ports[0]))
}

fn ingresses(ingress: &ProbeIngress, facts: &Facts) -> [Check; 2] {
    let places_field = "spec.targets.ingress.namespaceSelector";
    let (namespaces, places) = namespaces(&ingress.namespace_selector, places_field, facts);
    if namespaces.failed() {
        return [namespaces, Check::skipped(INGRESSES, NAMESPACES)];
    }
    let choice = Choice {
        check: INGRESSES,
        selector: &ingress.selector,
        field: "spec.targets.ingress.selector",
        places: &places,
        places_field,
        by: By::Pattern,
    };
    let (found, ingresses) = chosen(&choice, &facts.cluster.ingresses, facts);
    let has_hosts = ingresses.iter().any(|ingress| ingress.hosts.iter().any(|h| !h.is_empty()));
    if ingresses.is_empty() || has_hosts {
        return [namespaces, found];
    }
    let first = ingresses[0];
    let message =
        format!("{} found, none with a host in its rules", count(ingresses.len(), "Ingress"));
    let fix = format!("write spec.rules[0].host in Ingress {}/{}", first.namespace, first.name);
    [namespaces, Check::fail(INGRESSES, message, fix)]
}
