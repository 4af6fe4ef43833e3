//! What of the section has a place in a `prometheus.yml`.

use super::{Instance, Section};
use crate::jobs::own;
use crate::resources::alerting::AlertmanagerService;
use crate::resources::meta::NameOrNumber;
use crate::resources::{Meta, Object};
use crate::yaml::{Fields, Yaml};

/// Where the server runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// The name of the pod, among those that run with the same configuration.
    pub replica: Option<&'a str>,
    /// The namespace of the pod.
    pub namespace: Option<&'a str>,
}

impl Section {
    /// What the section says of `global`, `storage` and `alerting`, as the text of a
    /// `prometheus.yml`: the defaults for what the file does not say there. A replica that has a
    /// name is an external label, which is taken off alerts.
    #[must_use]
    pub fn to_file(&self, around: Surroundings<'_>) -> String {
        let mut all = Fields::default();
        all.set("global", self.global(around));
        all.set_fields("storage", self.storage());
        all.set_fields("alerting", self.alerting(around.replica));
        serde_saphyr::to_string(&all).expect("a tree of texts and numbers is YAML")
    }

    /// The external label that has the name of the replica.
    fn replica_label(&self) -> Option<&str> {
        let name = self.settings.replica_external_label_name.as_deref();
        Some(name.unwrap_or("prometheus_replica")).filter(|name| !name.is_empty())
    }

    fn global(&self, around: Surroundings<'_>) -> Fields {
        let s = &self.settings;
        let Instance { namespace, name } = self.instance.clone();
        let own = || around.namespace.unwrap_or_default().to_owned();
        let namespace = if namespace.is_empty() { own() } else { namespace };
        // Half a name tells nobody apart.
        let name = if namespace.is_empty() { String::new() } else { name };
        let metadata = Meta { name, namespace, ..Meta::default() };
        let rendered = own::global(&Object { metadata, spec: s.clone() });
        let mut out = Fields::default();
        for (key, value) in rendered.into_pairs() {
            if key == "external_labels" {
                let Yaml::Map(labels) = value else { continue };
                let mut named = Fields::default();
                for (label, value) in labels.into_pairs() {
                    match (self.replica_label(), around.replica) {
                        (Some(name), Some(replica)) if label == name => named.set(name, replica),
                        (Some(name), None) if label == name => {}
                        _ => named.set(&label, value),
                    }
                }
                out.set_fields("external_labels", named);
            } else {
                out.set(&key, value);
            }
        }
        out.set_text("rule_query_offset", &s.rule_query_offset);
        out.set_text("query_log_file", &s.query_log_file);
        out.set_text("scrape_failure_log_file", &s.scrape_failure_log_file);
        let scheme = s.name_validation_scheme.as_deref().unwrap_or_default();
        out.set_text("metric_name_validation_scheme", &scheme.to_ascii_lowercase());
        let escaping = match s.name_escaping_scheme.as_deref().unwrap_or_default() {
            "AllowUTF8" => "allow-utf-8".to_owned(),
            other => other.to_ascii_lowercase(),
        };
        out.set_text("metric_name_escaping_scheme", &escaping);
        out.set_some("scrape_native_histograms", s.scrape_native_histograms);
        out.set_some("always_scrape_classic_histograms", s.scrape_classic_histograms);
        out.set_some("convert_classic_histograms_to_nhcb", s.convert_classic_histograms_to_nhcb);
        out
    }

    fn storage(&self) -> Fields {
        let s = &self.settings;
        let mut retention = Fields::default();
        retention.set_text("time", &s.retention);
        retention.set_text("size", &s.retention_size);
        let mut tsdb = Fields::default();
        tsdb.set_fields("retention", retention);
        tsdb.set_text("out_of_order_time_window", &s.tsdb.out_of_order_time_window);
        let mut exemplars = Fields::default();
        exemplars.set_some("max_exemplars", s.exemplars.max_size);
        let mut out = Fields::default();
        out.set_fields("tsdb", tsdb);
        out.set_fields("exemplars", exemplars);
        out
    }

    fn alerting(&self, replica: Option<&str>) -> Fields {
        let mut out = Fields::default();
        if let Some(label) = self.replica_label().filter(|_| replica.is_some()) {
            let mut rule = Fields::default();
            rule.set("action", "labeldrop");
            rule.set("regex", label);
            out.set("alert_relabel_configs", vec![rule.into()]);
        }
        let services = &self.settings.alerting.alertmanagers;
        out.set_list("alertmanagers", services.iter().map(|service| self.alertmanager(service)));
        out
    }

    /// A Service's Alertmanagers, found by its name and the name or number of its port.
    fn alertmanager(&self, service: &AlertmanagerService) -> Fields {
        let mut out = Fields::default();
        out.set_text("scheme", &service.scheme.to_ascii_lowercase());
        out.set_text("path_prefix", &service.path_prefix);
        out.set_text("timeout", &service.timeout);
        out.set("api_version", "v2");
        out.set_some("enable_http2", service.enable_http2);
        let header = service.authorization.as_ref();
        let token = header.map_or(&service.bearer_token_file, |header| &header.credentials_file);
        if !token.is_empty() {
            let mut keys = Fields::default();
            keys.set_text("type", header.map_or("", |header| header.kind.trim()));
            keys.set("credentials_file", token);
            out.set("authorization", keys);
        }
        if let Some(tls) = &service.tls_config {
            let mut keys = Fields::default();
            keys.set_text("ca_file", &tls.ca_file);
            keys.set_text("cert_file", &tls.cert_file);
            keys.set_text("key_file", &tls.key_file);
            keys.set_text("server_name", tls.server_name.as_deref().unwrap_or_default());
            keys.set_some("insecure_skip_verify", tls.insecure_skip_verify);
            keys.set_some("min_version", tls.min_version.as_deref());
            keys.set_some("max_version", tls.max_version.as_deref());
            out.set_fields("tls_config", keys);
        }
        out.set_some("proxy_url", service.proxy.proxy_url.as_deref());
        out.set_some("no_proxy", service.proxy.no_proxy.as_deref());
        out.set_some("proxy_from_environment", service.proxy.proxy_from_environment);

        let is_slice = self.settings.service_discovery_role.as_deref() == Some("EndpointSlice");
        let (role, kind) =
            if is_slice { ("endpointslice", "endpointslice") } else { ("endpoints", "endpoint") };
        let mut discovery = Fields::default();
        discovery.set("role", role);
        discovery.set_some("api_server", self.connection.api_server.as_deref());
        let kubeconfig = self.connection.kubeconfig.as_ref();
        discovery.set_some(
            "kubeconfig_file",
            kubeconfig.map(|path| path.to_string_lossy().into_owned()),
        );
        let mut namespaces = Fields::default();
        let named = [service.namespace.as_str(), self.instance.namespace.as_str()];
        match named.into_iter().find(|name| !name.is_empty()) {
            Some(name) => namespaces.set_list("names", [name]),
            None => namespaces.set("own_namespace", true),
        }
        discovery.set("namespaces", namespaces);
        out.set("kubernetes_sd_configs", vec![discovery.into()]);

        let keep = |label: &str, value: &str| {
            let mut step = Fields::default();
            step.set_list("source_labels", [label]);
            step.set("action", "keep");
            step.set("regex", value);
            Yaml::from(step)
        };
        let mut steps = vec![keep("__meta_kubernetes_service_name", &service.name)];
        match &service.port {
            Some(NameOrNumber::Number(number)) => {
                let label = "__meta_kubernetes_pod_container_port_number";
                steps.push(keep(label, &number.to_string()));
            }
            Some(NameOrNumber::Name(name)) => {
                steps.push(keep(&format!("__meta_kubernetes_{kind}_port_name"), name));
            }
            None => {}
        }
        steps.extend(own::relabelings(&service.relabelings));
        out.set("relabel_configs", steps);
        out.set_list("alert_relabel_configs", own::relabelings(&service.alert_relabelings));
        out
    }

    /// The relabeling rules that keep one part of the targets, when they are divided: for jobs that
    /// are written in place.
    #[must_use]
    pub fn shard_rules(&self, shard: u64) -> Vec<Yaml> {
        match self.settings.shards.unwrap_or(1) {
            0 | 1 => Vec::new(),
            shards => own::shard_rules(shards, shard),
        }
    }
}
