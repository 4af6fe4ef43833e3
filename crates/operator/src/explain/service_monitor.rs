//! ServiceMonitor: Services, their ports, what is behind them, and the targets that come of it.

use super::choose::{Choice, NAMESPACES, chosen, namespaces};
use super::cluster::{Pod, Service};
use super::endpoints::{ENDPOINTS, behind, pods_behind};
use super::facts::Facts;
use super::ports::{Asked, PORT, of_containers, of_services};
use super::scraping::{self, Fields};
use super::selectors::By;
use super::{Check, first_failure, one_of_many};
use kubernetes::resources::ServiceMonitor;
use kubernetes::resources::monitors::Endpoint;

/// Are there Services for it?
pub(super) const SERVICES: &str = "services";

pub(super) fn checks(checks: &mut Vec<Check>, spec: &ServiceMonitor, facts: &Facts) {
    let blocked = first_failure(&*checks);
    let (namespaces, places) =
        namespaces(&spec.namespace_selector, "spec.namespaceSelector", facts);
    let choice = Choice {
        check: SERVICES,
        selector: &spec.selector,
        field: "spec.selector",
        places: &places,
        places_field: "spec.namespaceSelector",
        by: by(spec.selector_mechanism.as_deref()),
    };
    let (found, services) = match namespaces.failed() {
        true => (Check::skipped(SERVICES, NAMESPACES), Vec::new()),
        false => chosen(&choice, &facts.cluster.services, facts),
    };
    let blocked = blocked.or_else(|| first_failure([&namespaces, &found]));
    checks.extend([namespaces, found]);
    if spec.endpoints.is_empty() {
        let port = services.iter().flat_map(|service| &service.ports).find(|p| !p.name.is_empty());
        let port = port.map_or("...", |port| &port.name);
        let fix = format!("write spec.endpoints: [{{port: {port}}}]");
        checks.push(Check::fail(PORT, "spec.endpoints is empty, so nothing is scraped", fix));
    }
    let pods = pods_behind(&services, &facts.cluster);
    for (i, endpoint) in spec.endpoints.iter().enumerate() {
        let at = format!("spec.endpoints[{i}]");
        let asked = Asked::of_service(endpoint);
        let mut own = match services.is_empty() {
            true => vec![Check::skipped(PORT, SERVICES), Check::skipped(ENDPOINTS, SERVICES)],
            false => reached(&asked, &at, &services, &pods, facts),
        };
        let blocked = blocked.or_else(|| first_failure(&own));
        let job = facts.jobs.get(i);
        own.extend(scraping::job(job, &fields(&at, spec, endpoint), blocked));
        checks.extend(one_of_many(own, &at, spec.endpoints.len()));
    }
}

/// Port and addresses of an endpoint.
fn reached(
    asked: &Asked,
    at: &str,
    services: &[&Service],
    pods: &[&Pod],
    facts: &Facts,
) -> Vec<Check> {
    let Asked::OfService(wanted) = asked else {
        let addresses = behind(services, asked, &facts.cluster);
        let port = match pods.is_empty() {
            true => Check::skipped(PORT, ENDPOINTS),
            false => of_containers(asked, at, pods, services, false),
        };
        return vec![addresses, port];
    };
    let port = of_services(wanted, at, services, pods);
    if port.failed() {
        return vec![port, Check::skipped(ENDPOINTS, PORT)];
    }
    let having = services.iter().copied().filter(|service| {
        service.ports.iter().any(|port| super::selectors::is_pattern_of(wanted, &port.name))
    });
    let having: Vec<&Service> = having.collect();
    vec![port, behind(&having, asked, &facts.cluster)]
}

fn fields<'a>(at: &str, spec: &'a ServiceMonitor, endpoint: &'a Endpoint) -> Fields<'a> {
    Fields {
        at: at.to_owned(),
        path: format!("{at}.path"),
        scheme: format!("{at}.scheme"),
        relabelings: format!("{at}.relabelings"),
        rules: &endpoint.relabelings,
        limits: &spec.limits,
    }
}

/// How a selector's values are compared.
pub(super) fn by(mechanism: Option<&str>) -> By {
    if mechanism == Some("RoleSelector") { By::Equality } else { By::Pattern }
}
