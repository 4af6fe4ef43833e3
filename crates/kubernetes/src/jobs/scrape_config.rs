//! ScrapeConfig: one job, with the discovery it asks for.

use super::http::{self, Bearer};
use super::service_monitor::{honor_timestamps, params};
use super::steps::{Steps, for_samples};
use super::{Context, Reason, limits, validate};
use crate::resources::Object;
use crate::resources::relabel::Relabel;
use crate::resources::scrape_config::{ConsulSd, DnsSd, HttpSd, KubernetesSd, ScrapeConfig};
use crate::yaml::{Fields, Yaml};

pub(super) fn job(
    config: &Object<ScrapeConfig>,
    cx: &Context<'_>,
    left_out: &mut Vec<String>,
) -> Result<Fields, Reason> {
    let (meta, spec) = (&config.metadata, &config.spec);
    let class = cx.classes.of(spec.limits.scrape_class.as_deref())?;
    let global = cx.settings.scrape_interval.as_str();
    validate::times(("scrapeInterval", &spec.scrape_interval), &spec.scrape_timeout, global)?;
    let mut out = Fields::default();
    out.set("job_name", format!("scrapeConfig/{meta}"));
    let honor_labels = spec.honor_labels.map(|own| own && !cx.settings.override_honor_labels);
    out.set_some("honor_labels", honor_labels);
    out.set_some("honor_timestamps", honor_timestamps(spec.honor_timestamps, cx));
    out.set_some("track_timestamps_staleness", spec.track_timestamps_staleness);
    out.set_text("scrape_interval", &spec.scrape_interval);
    out.set_text("scrape_timeout", &spec.scrape_timeout);
    out.set_some("metrics_path", spec.metrics_path.as_deref());
    params(&mut out, spec.params.iter().map(|(name, values)| (name.as_str(), values.as_slice())));
    if let Some(scheme) = spec.scheme.as_deref().filter(|scheme| !scheme.is_empty()) {
        out.set("scheme", validate::scheme("scheme", scheme)?);
    }
    out.set_some("enable_compression", spec.enable_compression);
    names(&mut out, spec)?;
    http::keys(&mut out, &spec.http, Bearer::default(), class, &meta.namespace, cx)?;
    discovery(&mut out, spec, &meta.namespace, cx)?;
    for name in spec.others.keys().filter(|name| name.ends_with("SDConfigs")) {
        if !BUILT_IN.contains(&name.as_str()) {
            left_out.push(name.clone());
        }
    }

    validate::relabelings("relabelings", &spec.relabelings)?;
    validate::relabelings("metricRelabelings", &spec.metric_relabelings)?;
    let enforced = cx.enforced_label("scrapeconfigs", meta);
    let mut steps = Steps::new();
    let class_rules: &[Relabel] = class.map_or(&[], |class| &class.relabelings);
    steps.rules(class_rules);
    if let Some(name) = spec.job_name.as_deref().filter(|name| !name.is_empty()) {
        let mut named = Fields::default();
        named.set("target_label", "job");
        named.set("replacement", name);
        named.set("action", "replace");
        steps.push(named);
    }
    steps.rules(&spec.relabelings);
    // Without rules the Operator forgets the targets: `up` would be told without the label.
    let is_forgotten = cx.is_faithful && spec.relabelings.is_empty();
    steps.enforce(enforced.filter(|_| !is_forgotten), &meta.namespace);
    if cx.shards() != 1 && !steps.is_sharded() {
        steps.shard("__address__", cx);
    }
    out.set("relabel_configs", steps.into_list());
    let of_class: &[Relabel] = class.map_or(&[], |class| &class.metric_relabelings);
    let samples = for_samples(of_class, &spec.metric_relabelings, enforced, &meta.namespace);
    out.set_list("metric_relabel_configs", samples);
    limits::job(&mut out, &spec.limits, cx.settings, class)?;
    Ok(out)
}

/// Lists of discovery that are mapped.
const BUILT_IN: [&str; 5] =
    ["consulSDConfigs", "dnsSDConfigs", "fileSDConfigs", "httpSDConfigs", "kubernetesSDConfigs"];

fn names(out: &mut Fields, spec: &ScrapeConfig) -> Result<(), Reason> {
    if let Some(scheme) = &spec.name_validation_scheme {
        match scheme.as_str() {
            "UTF8" | "Legacy" => {
                out.set("metric_name_validation_scheme", scheme.to_ascii_lowercase());
            }
            other => return Err(format!("nameValidationScheme: {other:?} is not known")),
        }
    }
    if let Some(scheme) = &spec.name_escaping_scheme {
        let written = match scheme.as_str() {
            "AllowUTF8" => "allow-utf-8",
            "Underscores" => "underscores",
            "Dots" => "dots",
            "Values" => "values",
            other => return Err(format!("nameEscapingScheme: {other:?} is not known")),
        };
        out.set("metric_name_escaping_scheme", written);
    }
    Ok(())
}

fn discovery(
    out: &mut Fields,
    spec: &ScrapeConfig,
    namespace: &str,
    cx: &Context<'_>,
) -> Result<(), Reason> {
    for (i, config) in spec.file_sd_configs.iter().enumerate() {
        let field = format!("fileSDConfigs[{i}].files");
        config.files.iter().try_for_each(|file| cx.may_name(&field, file))?;
    }
    let written = spec.static_configs.iter().map(|config| {
        let mut group = Fields::default();
        group.set("targets", config.targets.iter().map(Yaml::from).collect::<Vec<_>>());
        let mut labels = Fields::default();
        config.labels.iter().for_each(|(name, value)| labels.set(name, value));
        group.set_fields("labels", labels);
        Yaml::Map(group)
    });
    out.set_list("static_configs", written);
    let files = spec.file_sd_configs.iter().map(|config| {
        let mut sd = Fields::default();
        sd.set_list("files", &config.files);
        sd.set_text("refresh_interval", &config.refresh_interval);
        Yaml::Map(sd)
    });
    out.set_list("file_sd_configs", files);
    let in_place = |list: &str, i: usize, error: Reason| format!("{list}[{i}].{error}");
    let mut lists: [Vec<Yaml>; 3] = Default::default();
    for (i, config) in spec.http_sd_configs.iter().enumerate() {
        let sd = http_sd(config, namespace, cx);
        lists[0].push(Yaml::Map(sd.map_err(|error| in_place("httpSDConfigs", i, error))?));
    }
    for (i, config) in spec.kubernetes_sd_configs.iter().enumerate() {
        let sd = kubernetes_sd(config, namespace, cx);
        lists[1].push(Yaml::Map(sd.map_err(|error| in_place("kubernetesSDConfigs", i, error))?));
    }
    for (i, config) in spec.consul_sd_configs.iter().enumerate() {
        let sd = consul_sd(config, namespace, cx);
        lists[2].push(Yaml::Map(sd.map_err(|error| in_place("consulSDConfigs", i, error))?));
    }
    let [http, kubernetes, consul] = lists;
    out.set_list("http_sd_configs", http);
    out.set_list("kubernetes_sd_configs", kubernetes);
    out.set_list("consul_sd_configs", consul);
    out.set_list("dns_sd_configs", spec.dns_sd_configs.iter().map(dns_sd));
    Ok(())
}

fn http_sd(config: &HttpSd, namespace: &str, cx: &Context<'_>) -> Result<Fields, Reason> {
    let mut sd = Fields::default();
    sd.set("url", config.url.as_str());
    sd.set_text("refresh_interval", &config.refresh_interval);
    http::keys(&mut sd, &config.http, Bearer::default(), None, namespace, cx)?;
    Ok(sd)
}

fn dns_sd(config: &DnsSd) -> Yaml {
    let mut sd = Fields::default();
    sd.set_list("names", &config.names);
    sd.set_some("type", config.kind.as_deref());
    sd.set_some("port", config.port);
    sd.set_text("refresh_interval", &config.refresh_interval);
    Yaml::Map(sd)
}

fn kubernetes_sd(
    config: &KubernetesSd,
    namespace: &str,
    cx: &Context<'_>,
) -> Result<Fields, Reason> {
    let own_namespace = config.namespaces.as_ref().and_then(|names| names.own_namespace);
    if config.api_server.is_some() && own_namespace == Some(true) {
        return Err("apiServer: excludes namespaces.ownNamespace".into());
    }
    let mut sd = Fields::default();
    sd.set("role", config.role.to_ascii_lowercase());
    sd.set_some("api_server", config.api_server.as_deref());
    let mut names = Fields::default();
    names.set_some("own_namespace", own_namespace);
    names.set_list("names", config.namespaces.iter().flat_map(|names| &names.names));
    sd.set_fields("namespaces", names);
    let selectors = config.selectors.iter().map(|selector| {
        let mut out = Fields::default();
        out.set("role", selector.role.to_ascii_lowercase());
        out.set_some("label", selector.label.as_deref());
        out.set_some("field", selector.field.as_deref());
        Yaml::Map(out)
    });
    sd.set_list("selectors", selectors);
    super::service_monitor::attach(&mut sd, config.attach_metadata, None);
    http::keys(&mut sd, &config.http, Bearer::default(), None, namespace, cx)?;
    Ok(sd)
}

fn consul_sd(config: &ConsulSd, namespace: &str, cx: &Context<'_>) -> Result<Fields, Reason> {
    let mut sd = Fields::default();
    sd.set("server", config.server.as_str());
    if let Some(key) = &config.token_ref {
        let token = cx.assets.secret(namespace, key);
        sd.set("token", token.map_err(|error| format!("tokenRef: {error}"))?);
    }
    for (name, value) in [
        ("path_prefix", &config.path_prefix),
        ("datacenter", &config.datacenter),
        ("namespace", &config.namespace),
        ("partition", &config.partition),
        ("tag_separator", &config.tag_separator),
        ("filter", &config.filter),
    ] {
        sd.set_some(name, value.as_deref());
    }
    sd.set_some("scheme", config.scheme.as_deref().map(str::to_ascii_lowercase));
    sd.set_list("services", &config.services);
    sd.set_list("tags", &config.tags);
    let mut meta = Fields::default();
    config.node_meta.iter().for_each(|(name, value)| meta.set(name, value));
    sd.set_fields("node_meta", meta);
    sd.set_some("allow_stale", config.allow_stale);
    sd.set_text("refresh_interval", &config.refresh_interval);
    http::keys(&mut sd, &config.http, Bearer::default(), None, namespace, cx)?;
    Ok(sd)
}
