//! Probe: a job that asks a prober.

use super::http::{self, Bearer};
use super::service_monitor::{namespaces, params};
use super::steps::{META, Steps, for_samples, from_labels};
use super::{Context, Reason, limits, selector, validate};
use crate::resources::Object;
use crate::resources::monitors::{Probe, ProbeIngress, ProbeStatic};
use crate::resources::relabel::Relabel;
use crate::yaml::{Fields, Yaml};
use std::net::Ipv6Addr;

pub(super) fn job(
    probe: &Object<Probe>,
    cx: &Context<'_>,
    notes: &mut Vec<String>,
) -> Result<Fields, Reason> {
    let (meta, spec) = (&probe.metadata, &probe.spec);
    let class = cx.classes.of(spec.limits.scrape_class.as_deref())?;
    let global = cx.settings.scrape_interval.as_str();
    validate::times(("interval", &spec.interval), &spec.scrape_timeout, global)?;
    // The definition of the kind lets no empty one pass; the Operator's generator does.
    if !spec.prober.url.is_empty() && !is_place(&spec.prober.url) {
        return Err(format!("prober.url: {:?} is not host or host:port", spec.prober.url));
    }
    let mut out = Fields::default();
    out.set("job_name", format!("probe/{meta}"));
    out.set("honor_timestamps", !cx.settings.override_honor_timestamps);
    out.set_text("scrape_interval", &spec.interval);
    out.set_text("scrape_timeout", &spec.scrape_timeout);
    out.set("metrics_path", spec.prober.path.as_str());
    if let Some(scheme) = spec.prober.scheme.as_deref().filter(|scheme| !scheme.is_empty()) {
        out.set("scheme", validate::scheme("prober.scheme", scheme)?);
    }
    let module = [spec.module.clone()];
    let others =
        spec.params.iter().filter(|param| spec.module.is_empty() || param.name != "module");
    let module = (!spec.module.is_empty()).then_some(("module", &module[..]));
    params(
        &mut out,
        module
            .into_iter()
            .chain(others.map(|param| (param.name.as_str(), param.values.as_slice()))),
    );

    let mut steps = Steps::new();
    if !spec.job_name.is_empty() {
        steps.set("job", &spec.job_name);
    }
    let (own, field): (&[Relabel], _) = match (&spec.targets.static_config, &spec.targets.ingress) {
        (Some(config), _) => {
            static_targets(&mut out, &mut steps, config, probe);
            (&config.relabeling_configs, "targets.staticConfig.relabelingConfigs")
        }
        (None, Some(ingress)) => {
            ingresses(&mut out, &mut steps, ingress, probe, cx)?;
            (&ingress.relabeling_configs, "targets.ingress.relabelingConfigs")
        }
        (None, None) => {
            notes.push("targets: nothing is probed".to_owned());
            (&[], "targets")
        }
    };
    validate::relabelings(field, own)?;
    validate::relabelings("metricRelabelings", &spec.metric_relabelings)?;
    let bearer = Bearer { secret: spec.bearer_token_secret.as_ref(), file: "" };
    http::proxy(&mut out, &spec.prober.proxy, &meta.namespace, cx)?;
    http::keys(&mut out, &spec.http, bearer, class, &meta.namespace, cx)?;
    let enforced = cx.enforced_label("probes", meta);
    let class_rules: &[Relabel] = class.map_or(&[], |class| &class.relabelings);
    steps.rules(class_rules);
    steps.rules(own);
    steps.enforce(enforced, &meta.namespace);
    steps.shard("__param_target", cx);
    out.set("relabel_configs", steps.into_list());
    let of_class: &[Relabel] = class.map_or(&[], |class| &class.metric_relabelings);
    let samples = for_samples(of_class, &spec.metric_relabelings, enforced, &meta.namespace);
    out.set_list("metric_relabel_configs", samples);
    limits::job(&mut out, &spec.limits, cx.settings, class)?;
    Ok(out)
}

/// Whether a text is a host, or a host and its port.
fn is_place(text: &str) -> bool {
    let is_name = |text: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        !text.is_empty() && text.chars().all(known)
    };
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = rest.strip_prefix(':');
        return address.parse::<Ipv6Addr>().is_ok()
            && (rest.is_empty() || port.is_some_and(is_port));
    }
    match text.split_once(':') {
        Some((host, port)) => is_name(host) && is_port(port),
        None => is_name(text),
    }
}

fn static_targets(
    out: &mut Fields,
    steps: &mut Steps,
    config: &ProbeStatic,
    probe: &Object<Probe>,
) {
    let mut labels = Fields::default();
    if !config.labels.contains_key("namespace") {
        labels.set("namespace", probe.metadata.namespace.as_str());
    }
    for (name, value) in &config.labels {
        labels.set(name, value);
    }
    let mut group = Fields::default();
    group.set("targets", config.targets.iter().map(Yaml::from).collect::<Vec<_>>());
    group.set("labels", labels);
    out.set("static_configs", vec![Yaml::Map(group)]);
    steps.copy("__address__", "__param_target");
    steps.copy("__param_target", "instance");
    steps.set("__address__", &probe.spec.prober.url);
}

fn ingresses(
    out: &mut Fields,
    steps: &mut Steps,
    ingress: &ProbeIngress,
    probe: &Object<Probe>,
    cx: &Context<'_>,
) -> Result<(), Reason> {
    let mut sd = Fields::default();
    sd.set("role", "ingress");
    namespaces(&mut sd, &ingress.namespace_selector, &probe.metadata, cx);
    out.set("kubernetes_sd_configs", vec![Yaml::Map(sd)]);
    selector::steps(steps, &ingress.selector, "ingress")?;
    let mut target = from_labels(&[
        &format!("{META}ingress_scheme"),
        "__address__",
        &format!("{META}ingress_path"),
    ]);
    target.set("separator", ";");
    target.set("regex", "(.+);(.+);(.+)");
    target.set("target_label", "__param_target");
    target.set("replacement", "${1}://${2}${3}");
    target.set("action", "replace");
    steps.push(target);
    steps.copy(&format!("{META}namespace"), "namespace");
    steps.copy(&format!("{META}ingress_name"), "ingress");
    let mut address = from_labels(&["__address__"]);
    address.set("separator", ";");
    address.set("regex", "(.*)");
    address.set("target_label", "__tmp_ingress_address");
    address.set("replacement", "$1");
    address.set("action", "replace");
    steps.push(address);
    steps.copy("__param_target", "instance");
    steps.set("__address__", &probe.spec.prober.url);
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn probers_are_hosts_and_ports() {
        let check = |url: &str, expected: bool| assert_eq!(super::is_place(url), expected, "{url}");
        for url in ["prober", "prober.mon.svc:9115", "10.0.0.1", "10.0.0.1:80", "[::1]", "[::1]:80"]
        {
            check(url, true);
        }
        for url in [
            "", ":80", "http://a", "a/b", "a:", "a:0", "a:65536", "a:b", "::1", "[::1]80", "[a]",
            "${1}",
        ] {
            check(url, false);
        }
    }
}
