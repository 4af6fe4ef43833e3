//! PodMonitor: a job for each endpoint.

use super::http::{self, Bearer};
use super::service_monitor::{
    attach, by_role, finish, label_of, namespaces, page, pod_labels, role_selectors, running,
};
use super::steps::{META, Steps};
use super::{Context, Reason, limits, selector};
use crate::resources::Object;
use crate::resources::meta::NameOrNumber;
use crate::resources::monitors::{Endpoint, PodMonitor};
use crate::resources::settings::ScrapeClass;
use crate::yaml::{Fields, Yaml};

pub(super) fn jobs(monitor: &Object<PodMonitor>, cx: &Context<'_>) -> Result<Vec<Fields>, Reason> {
    let class = cx.classes.of(monitor.spec.limits.scrape_class.as_deref())?;
    let numbered = monitor.spec.pod_metrics_endpoints.iter().enumerate();
    numbered
        .map(|(i, endpoint)| {
            job(monitor, i, endpoint, class, cx)
                .map_err(|error| format!("podMetricsEndpoints[{i}]: {error}"))
        })
        .collect()
}

fn job(
    monitor: &Object<PodMonitor>,
    i: usize,
    endpoint: &Endpoint,
    class: Option<&ScrapeClass>,
    cx: &Context<'_>,
) -> Result<Fields, Reason> {
    let (meta, spec) = (&monitor.metadata, &monitor.spec);
    let mut out = Fields::default();
    out.set("job_name", format!("podMonitor/{meta}/{i}"));
    page(&mut out, endpoint, cx)?;
    let mut sd = Fields::default();
    sd.set("role", "pod");
    namespaces(&mut sd, &spec.namespace_selector, meta, cx);
    let by_role = by_role(spec.selector_mechanism.as_deref())?;
    if by_role {
        role_selectors(&mut sd, &["pod"], &selector::text(&spec.selector)?);
    }
    attach(&mut sd, spec.attach_metadata, class);
    out.set("kubernetes_sd_configs", vec![Yaml::Map(sd)]);
    let bearer = Bearer { secret: endpoint.bearer_token_secret.as_ref(), file: "" };
    http::keys(&mut out, &endpoint.http, bearer, class, &meta.namespace, cx)?;

    let mut steps = Steps::new();
    running(&mut steps, endpoint.filter_running);
    if !by_role {
        selector::steps(&mut steps, &spec.selector, "pod")?;
    }
    let port = endpoint.port.as_deref().filter(|port| !port.is_empty());
    let (by_name, by_number) =
        (format!("{META}pod_container_port_name"), format!("{META}pod_container_port_number"));
    let target_port = endpoint.target_port.as_ref();
    if let Some(port) = port {
        steps.filter("keep", &[&by_name], port);
    } else if let Some(number) = endpoint.port_number.filter(|number| *number != 0) {
        steps.filter("keep", &[&by_number], &number.to_string());
    } else {
        match target_port {
            Some(NameOrNumber::Name(name)) if !name.is_empty() => {
                steps.filter("keep", &[&by_name], name);
            }
            Some(NameOrNumber::Number(number)) if *number != 0 => {
                steps.filter("keep", &[&by_number], &number.to_string());
            }
            _ => {}
        }
    }
    for (from, to) in
        [("namespace", "namespace"), ("pod_container_name", "container"), ("pod_name", "pod")]
    {
        steps.copy(&format!("{META}{from}"), to);
    }
    pod_labels(&mut steps, &spec.pod_target_labels, cx);
    steps.set("job", &meta.to_string());
    if !spec.job_label.is_empty() {
        label_of(&mut steps, "pod", &spec.job_label, "job");
    }
    let target_port =
        target_port.map(ToString::to_string).filter(|port| !port.is_empty() && port != "0");
    if let Some(name) = port.map(str::to_owned).or(target_port) {
        steps.set("endpoint", &name);
    }
    finish(&mut out, steps, endpoint, class, cx.enforced_label("podmonitors", meta), meta, cx)?;
    limits::job(&mut out, &spec.limits, cx.settings, class)?;
    Ok(out)
}
