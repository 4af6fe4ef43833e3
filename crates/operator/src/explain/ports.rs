//! Whether a monitor's port is one of those it looks at: people mix up the names and numbers of Services
//! and of containers.

use super::cluster::{ContainerPort, Pod, Service, ServicePort};
use super::selectors::is_pattern_of;
use super::text::{distinct, list};
use super::{Check, nearest};
use kubernetes::resources::meta::NameOrNumber;
use kubernetes::resources::monitors::Endpoint;
use std::collections::BTreeSet;

/// Is there the port it names?
pub(super) const PORT: &str = "port";

/// Lines about single objects.
const MAX_DETAILS: usize = 5;

/// The port that an endpoint asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A port of the Service, by its name.
    OfService(String),
    /// A port of a container, by its name.
    Named(String),
    /// A port of a container, by its number.
    Numbered(i64),
    /// Every port.
    Any,
}

impl Asked {
    /// Of an endpoint of a ServiceMonitor.
    pub(super) fn of_service(endpoint: &Endpoint) -> Self {
        match endpoint.port.as_deref() {
            Some(port) if !port.is_empty() => Self::OfService(port.to_owned()),
            _ => Self::target(endpoint),
        }
    }

    /// Of an endpoint of a PodMonitor.
    pub(super) fn of_pod(endpoint: &Endpoint) -> Self {
        match (endpoint.port.as_deref(), endpoint.port_number) {
            (Some(port), _) if !port.is_empty() => Self::Named(port.to_owned()),
            (_, Some(number)) if number != 0 => Self::Numbered(number),
            _ => Self::target(endpoint),
        }
    }

    fn target(endpoint: &Endpoint) -> Self {
        match &endpoint.target_port {
            Some(NameOrNumber::Name(name)) if !name.is_empty() => Self::Named(name.clone()),
            Some(NameOrNumber::Number(number)) if *number != 0 => Self::Numbered(*number),
            _ => Self::Any,
        }
    }

    /// Whether a port of a container is asked for.
    pub(super) fn fits(&self, port: &ContainerPort) -> bool {
        match self {
            Self::Named(name) => is_pattern_of(name, &port.name),
            Self::Numbered(number) => *number == i64::from(port.number),
            Self::OfService(_) | Self::Any => true,
        }
    }
}

/// Whether Services have a port of a name.
pub(super) fn of_services(wanted: &str, at: &str, services: &[&Service], pods: &[&Pod]) -> Check {
    let has = |service: &&&Service| service.ports.iter().any(|p| is_pattern_of(wanted, &p.name));
    let with: Vec<_> = services.iter().filter(has).collect();
    let without = services.iter().filter(|service| !has(service));
    let lines = without.take(MAX_DETAILS).map(|service| {
        format!("Service {}/{} has the ports {}", service.namespace, service.name, ports(service))
    });
    if !with.is_empty() {
        let message = match with.len() == services.len() {
            true => format!("the Service port is called {wanted}"),
            false => {
                format!("{} of {} Services have a port called {wanted}", with.len(), services.len())
            }
        };
        return Check::pass(PORT, message).with(lines);
    }
    let (what, fix) = confused(wanted, at, services, pods);
    let whose = match services {
        [service] => format!("Service {}/{}", service.namespace, service.name),
        many => format!("none of {} Services", many.len()),
    };
    let no = if services.len() == 1 { "has no port" } else { "has a port" };
    Check::fail(PORT, format!("{whose} {no} called {wanted}{what}"), fix).with(lines)
}

/// `http 8080, grpc 9000`
fn ports(service: &Service) -> String {
    list(service.ports.iter().map(|port| match port.name.as_str() {
        "" => format!("{} without a name", port.number),
        name => format!("{name} ({})", port.number),
    }))
}

/// For what a Service's port was taken, as the end of a sentence, and what to write instead.
fn confused(wanted: &str, at: &str, services: &[&Service], pods: &[&Pod]) -> (String, String) {
    let number: Option<u16> = wanted.parse().ok();
    let field = format!("{at}.port");
    for service in services {
        let full = format!("{}/{}", service.namespace, service.name);
        for port in &service.ports {
            let ServicePort { name, number: own, target } = port;
            let unnamed =
                || format!("name port {own} of Service {full}, and write that name as {field}");
            let write = || match name.as_str() {
                "" => unnamed(),
                name => format!("write {field}: {name}"),
            };
            let called = || match name.as_str() {
                "" => "has no name there".to_owned(),
                name => format!("is called {name} there"),
            };
            if number == Some(*own) {
                return (format!("; port {own} {}", called()), write());
            }
            let is_target = match target {
                Some(NameOrNumber::Name(target)) => target == wanted,
                Some(NameOrNumber::Number(target)) => number.map(i64::from) == Some(*target),
                None => false,
            };
            if is_target {
                let what = format!("; that is the container's port, which {}", called());
                return (
                    what,
                    format!("{}, or {at}.targetPort: {wanted} in place of port", write()),
                );
            }
        }
        if let [only] = &*service.ports
            && only.name.is_empty()
        {
            let what = format!("; its only port, {}, has no name", only.number);
            return (what, format!("write spec.ports[0].name: {wanted} in Service {full}"));
        }
    }
    let of_pod = pods.iter().find_map(|pod| {
        let fits = |p: &&ContainerPort| p.name == wanted || number == Some(p.number);
        pod.ports.iter().find(fits).map(|port| (pod, port))
    });
    if let (Some((pod, port)), Some(service)) = (of_pod, services.first()) {
        let ContainerPort { container, number, .. } = port;
        let what = format!(
            "; container {container} of Pod {} has, but no port of the Service leads there",
            pod.name
        );
        let fix = format!(
            "add {{name: {}, port: {number}, targetPort: {wanted}}} to spec.ports of Service {}/{}, or \
             write {at}.targetPort: {wanted} in place of port",
            if port.name.is_empty() { "metrics" } else { &port.name },
            service.namespace,
            service.name,
        );
        return (what, fix);
    }
    let names = distinct(services.iter().flat_map(|s| s.ports.iter().map(|p| p.name.as_str())));
    let fix = match (nearest(wanted, names.iter().copied()), &*names) {
        (Some(name), _) => format!("write {field}: {name}"),
        (None, []) => format!("name a port of the Service {wanted}"),
        (None, [name]) => format!("write {field}: {name}, or name a port of the Service {wanted}"),
        (None, names) => {
            format!(
                "write one of {} as {field}, or add a port {wanted} to the Service",
                list(names)
            )
        }
    };
    (String::new(), fix)
}

/// Whether containers declare a port; `services` are those that people may have in mind.
pub(super) fn of_containers(
    asked: &Asked,
    at: &str,
    pods: &[&Pod],
    services: &[&Service],
    is_pod_monitor: bool,
) -> Check {
    let wanted = match asked {
        Asked::Named(name) => format!("called {name}"),
        Asked::Numbered(number) => number.to_string(),
        Asked::OfService(_) | Asked::Any => {
            return Check::pass(PORT, "no port is named, so every one is scraped");
        }
    };
    let having: Vec<_> =
        pods.iter().filter(|pod| pod.ports.iter().any(|port| asked.fits(port))).collect();
    if !having.is_empty() {
        let message = match having.len() == pods.len() {
            true => format!("the containers declare a port {wanted}"),
            false => {
                format!("{} of {} Pods declare a container port {wanted}", having.len(), pods.len())
            }
        };
        return Check::pass(PORT, message);
    }
    let declared: BTreeSet<String> = pods
        .iter()
        .flat_map(|pod| &pod.ports)
        .map(|port| match port.name.as_str() {
            "" => format!("{} of {}", port.number, port.container),
            name => format!("{name} ({}) of {}", port.number, port.container),
        })
        .collect();
    let message = format!("no container declares a port {wanted}");
    let details = match declared.is_empty() {
        true => "the containers declare no ports at all".to_owned(),
        false => format!("declared ports: {}", list(&declared)),
    };
    let fix = other_port(asked, at, pods, services, is_pod_monitor);
    Check::fail(PORT, message, fix).with([details])
}

/// What to write for a port that no container declares.
fn other_port(
    asked: &Asked,
    at: &str,
    pods: &[&Pod],
    services: &[&Service],
    is_pod_monitor: bool,
) -> String {
    let all = || pods.iter().flat_map(|pod| &pod.ports);
    let (name, number) = match asked {
        Asked::Named(name) => (name.as_str(), name.parse::<i64>().ok()),
        Asked::Numbered(number) => ("", Some(*number)),
        Asked::OfService(_) | Asked::Any => ("", None),
    };
    let by_name = if is_pod_monitor { "port" } else { "targetPort" };
    let by_number = if is_pod_monitor { "portNumber" } else { "targetPort" };
    if !name.is_empty()
        && let Some(number) = number
        && all().any(|port| i64::from(port.number) == number)
    {
        return format!("{name} is a number: write {at}.{by_number}: {name} in place of {by_name}");
    }
    let ports = services.iter().flat_map(|service| service.ports.iter().map(move |p| (service, p)));
    let mut ports = ports.filter(|(_, port)| {
        !name.is_empty() && port.name == name || number == Some(i64::from(port.number))
    });
    if let Some((service, port)) = ports.next() {
        let full = format!("{}/{}", service.namespace, service.name);
        if !is_pod_monitor && !port.name.is_empty() {
            return format!(
                "that is a port of Service {full}: write {at}.port: {} in place of targetPort",
                port.name
            );
        }
        let target = port.target.as_ref().map_or(port.number.to_string(), ToString::to_string);
        let field = if target.parse::<u16>().is_ok() { by_number } else { by_name };
        return format!(
            "that is a port of Service {full}; the container's is {target}: write {at}.{field}: {target}"
        );
    }
    let names = distinct(all().map(|port| port.name.as_str()));
    if let Some(nearest) = nearest(name, names.iter().copied()) {
        return format!("write {at}.{by_name}: {nearest}");
    }
    let declare = match (name, number) {
        (_, Some(number)) => format!("{{containerPort: {number}}}"),
        (name, None) => format!("{{name: {name}, containerPort: ...}}"),
    };
    let or = match &*names {
        [] => String::new(),
        names => format!(", or write one of {} as {at}.{by_name}", list(names)),
    };
    format!("declare the port in the Pods' template: ports: [{declare}]{or}")
}
