//! ServiceMonitor: a job for each endpoint.

use super::http::{self, Bearer};
use super::steps::{META, Steps, for_samples, from_labels, sanitized};
use super::{Context, Reason, limits, selector, validate};
use crate::resources::Object;
use crate::resources::meta::{Meta, NameOrNumber, NamespaceSelector};
use crate::resources::monitors::{AttachMetadata, Endpoint, ServiceMonitor};
use crate::resources::settings::ScrapeClass;
use crate::yaml::{Fields, Yaml};

pub(super) fn jobs(
    monitor: &Object<ServiceMonitor>,
    cx: &Context<'_>,
) -> Result<Vec<Fields>, Reason> {
    let class = cx.classes.of(monitor.spec.limits.scrape_class.as_deref())?;
    let numbered = monitor.spec.endpoints.iter().enumerate();
    numbered
        .map(|(i, endpoint)| {
            job(monitor, i, endpoint, class, cx).map_err(|error| format!("endpoints[{i}]: {error}"))
        })
        .collect()
}

fn job(
    monitor: &Object<ServiceMonitor>,
    i: usize,
    endpoint: &Endpoint,
    class: Option<&ScrapeClass>,
    cx: &Context<'_>,
) -> Result<Fields, Reason> {
    let (meta, spec) = (&monitor.metadata, &monitor.spec);
    let mut out = Fields::default();
    out.set("job_name", format!("serviceMonitor/{meta}/{i}"));
    page(&mut out, endpoint, cx)?;
    let role = role(spec.service_discovery_role.as_deref(), cx)?;
    let mut sd = Fields::default();
    sd.set("role", role);
    namespaces(&mut sd, &spec.namespace_selector, meta, cx);
    let by_role = by_role(spec.selector_mechanism.as_deref())?;
    if by_role {
        role_selectors(&mut sd, &[role, "service"], &selector::text(&spec.selector)?);
    }
    attach(&mut sd, spec.attach_metadata, class);
    out.set("kubernetes_sd_configs", vec![Yaml::Map(sd)]);
    let bearer =
        Bearer { secret: endpoint.bearer_token_secret.as_ref(), file: &endpoint.bearer_token_file };
    http::keys(&mut out, &endpoint.http, bearer, class, &meta.namespace, cx)?;

    let mut steps = Steps::new();
    if !by_role {
        selector::steps(&mut steps, &spec.selector, "service")?;
    }
    let port = endpoint.port.as_deref().filter(|port| !port.is_empty());
    if let Some(port) = port {
        steps.filter(
            "keep",
            &[&format!("{META}{role_label}_port_name", role_label = role_label(role))],
            port,
        );
    } else {
        match &endpoint.target_port {
            Some(NameOrNumber::Name(name)) if !name.is_empty() => {
                steps.filter("keep", &[&format!("{META}pod_container_port_name")], name);
            }
            Some(NameOrNumber::Number(number)) if *number != 0 => {
                let number = number.to_string();
                steps.filter("keep", &[&format!("{META}pod_container_port_number")], &number);
            }
            _ => {}
        }
    }
    let role_label = role_label(role);
    let kind = format!("{META}{role_label}_address_target_kind");
    let name = format!("{META}{role_label}_address_target_name");
    for (what, target) in [("Node", "node"), ("Pod", "pod")] {
        let mut step = from_labels(&[&kind, &name]);
        step.set("separator", ";");
        step.set("regex", format!("{what};(.*)"));
        step.set("replacement", "${1}");
        step.set("target_label", target);
        steps.push(step);
    }
    for (from, to) in [
        ("namespace", "namespace"),
        ("service_name", "service"),
        ("pod_name", "pod"),
        ("pod_container_name", "container"),
    ] {
        steps.copy(&format!("{META}{from}"), to);
    }
    running(&mut steps, endpoint.filter_running);
    for label in &spec.target_labels {
        label_of(&mut steps, "service", label, &sanitized(label));
    }
    pod_labels(&mut steps, &spec.pod_target_labels, cx);
    let mut named = from_labels(&[&format!("{META}service_name")]);
    named.set("target_label", "job");
    named.set("replacement", "${1}");
    steps.push(named);
    if !spec.job_label.is_empty() {
        label_of(&mut steps, "service", &spec.job_label, "job");
    }
    let target_port = endpoint.target_port.as_ref().map(ToString::to_string);
    let endpoint_name =
        port.map(str::to_owned).or(target_port.filter(|port| !port.is_empty() && port != "0"));
    if let Some(name) = endpoint_name {
        steps.set("endpoint", &name);
    }
    finish(&mut out, steps, endpoint, class, cx.enforced_label("servicemonitors", meta), meta, cx)?;
    limits::job(&mut out, &spec.limits, cx.settings, class)?;
    Ok(out)
}

/// What an endpoint says of its page and how often it is read.
pub(super) fn page(out: &mut Fields, endpoint: &Endpoint, cx: &Context<'_>) -> Result<(), Reason> {
    let global = cx.settings.scrape_interval.as_str();
    validate::times(("interval", &endpoint.interval), &endpoint.scrape_timeout, global)?;
    out.set("honor_labels", endpoint.honor_labels && !cx.settings.override_honor_labels);
    out.set_some("honor_timestamps", honor_timestamps(endpoint.honor_timestamps, cx));
    out.set_some("track_timestamps_staleness", endpoint.track_timestamps_staleness);
    out.set_text("scrape_interval", &endpoint.interval);
    out.set_text("scrape_timeout", &endpoint.scrape_timeout);
    out.set_text("metrics_path", &endpoint.path);
    params(out, endpoint.params.iter().map(|(name, values)| (name.as_str(), values.as_slice())));
    if let Some(scheme) = endpoint.scheme.as_deref().filter(|scheme| !scheme.is_empty()) {
        out.set("scheme", validate::scheme("scheme", scheme)?);
    }
    Ok(())
}

/// Whether times on pages count, where that is to be said.
pub(super) fn honor_timestamps(own: Option<bool>, cx: &Context<'_>) -> Option<bool> {
    let overridden = cx.settings.override_honor_timestamps;
    (own.is_some() || overridden).then(|| own.unwrap_or(true) && !overridden)
}

/// Parameters of the URL.
pub(super) fn params<'a>(out: &mut Fields, params: impl Iterator<Item = (&'a str, &'a [String])>) {
    let mut fields = Fields::default();
    for (name, values) in params {
        fields.set(name, values.iter().map(Yaml::from).collect::<Vec<_>>());
    }
    out.set_fields("params", fields);
}

/// The namespaces in which targets are looked for; none for all.
pub(super) fn namespaces(
    sd: &mut Fields,
    selector: &NamespaceSelector,
    meta: &Meta,
    cx: &Context<'_>,
) {
    let mut names = Fields::default();
    if cx.settings.ignore_namespace_selectors || (!selector.any && selector.match_names.is_empty())
    {
        names.set_list("names", [meta.namespace.as_str()]);
    } else if !selector.any {
        names.set_list("names", &selector.match_names);
    }
    sd.set_fields("namespaces", names);
}

/// Whether the selector goes to the API server instead of into relabeling.
pub(super) fn by_role(mechanism: Option<&str>) -> Result<bool, Reason> {
    match mechanism {
        None | Some("" | "RelabelConfig") => Ok(false),
        Some("RoleSelector") => Ok(true),
        Some(other) => Err(format!("selectorMechanism: {other:?} is not known")),
    }
}

pub(super) fn role_selectors(sd: &mut Fields, roles: &[&str], label: &str) {
    if label.is_empty() {
        return;
    }
    let selectors = roles.iter().map(|role| {
        let mut selector = Fields::default();
        selector.set("role", *role);
        selector.set("label", label);
        Yaml::Map(selector)
    });
    sd.set_list("selectors", selectors);
}

/// Labels of nodes, if they are wanted.
pub(super) fn attach(sd: &mut Fields, own: Option<AttachMetadata>, class: Option<&ScrapeClass>) {
    let of_class = class.and_then(|class| class.attach_metadata);
    if let Some(node) = own.or(of_class).and_then(|attach| attach.node) {
        let mut attach = Fields::default();
        attach.set("node", node);
        sd.set("attach_metadata", attach);
    }
}

/// Pods that ended are no targets.
pub(super) fn running(steps: &mut Steps, filter: Option<bool>) {
    if filter != Some(false) {
        steps.filter("drop", &[&format!("{META}pod_phase")], "(Failed|Succeeded)");
    }
}

/// A label of an object, where it is not empty.
pub(super) fn label_of(steps: &mut Steps, what: &str, label: &str, target: &str) {
    let mut step = from_labels(&[&format!("{META}{what}_label_{}", sanitized(label))]);
    step.set("target_label", target);
    step.set("regex", "(.+)");
    step.set("replacement", "${1}");
    steps.push(step);
}

/// The labels of Pods that targets get: of the object, then for all.
pub(super) fn pod_labels(steps: &mut Steps, own: &[String], cx: &Context<'_>) {
    for label in own.iter().chain(&cx.settings.pod_target_labels) {
        label_of(steps, "pod", label, &sanitized(label));
    }
}

/// The end of a job: rules of class and object, the enforced label, our part of the targets.
pub(super) fn finish(
    out: &mut Fields,
    mut steps: Steps,
    endpoint: &Endpoint,
    class: Option<&ScrapeClass>,
    enforced: Option<&str>,
    meta: &Meta,
    cx: &Context<'_>,
) -> Result<(), Reason> {
    validate::relabelings("relabelings", &endpoint.relabelings)?;
    validate::relabelings("metricRelabelings", &endpoint.metric_relabelings)?;
    steps.rules(class.map_or(&[], |class| &class.relabelings));
    steps.rules(&endpoint.relabelings);
    steps.enforce(enforced, &meta.namespace);
    steps.shard("__address__", cx);
    out.set("relabel_configs", steps.into_list());
    let for_class = class.map_or(&[][..], |class| &class.metric_relabelings);
    let own = &endpoint.metric_relabelings;
    out.set_list("metric_relabel_configs", for_samples(for_class, own, enforced, &meta.namespace));
    Ok(())
}

/// The role that finds the targets.
fn role(own: Option<&str>, cx: &Context<'_>) -> Result<&'static str, Reason> {
    match own.or(cx.settings.service_discovery_role.as_deref()) {
        None | Some("" | "Endpoints") => Ok("endpoints"),
        Some("EndpointSlice") => Ok("endpointslice"),
        Some(other) => Err(format!("serviceDiscoveryRole: {other:?} is not known")),
    }
}

/// How that role's meta labels begin.
fn role_label(role: &str) -> &'static str {
    if role == "endpointslice" { "endpointslice" } else { "endpoint" }
}
