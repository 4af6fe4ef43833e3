//! Values at the top of the chart, and those of `prometheus` that are not its spec.

use super::chart::{self, PROMETHEUS, PROMETHEUS_USED, TOP};
use super::spec::SPEC_PATH;
use super::{Importer, NoteKind};
use crate::section::{Entry, Kind, Node, OF_PROMETHEUS, join, unknown};

impl Importer {
    /// All values of the chart, which stand below a path.
    pub(super) fn chart(&mut self, values: &Node, path: &str) {
        if !matches!(values.kind, Kind::Map(_) | Kind::Null) {
            let text = format!("expected a map, not {}", values.noun());
            return self.note(values.at, path, NoteKind::Wrong, text);
        }
        self.instance();
        let prometheus = values.get("prometheus");
        let base = join(path, "prometheus");
        if let Some(prometheus) = prometheus {
            self.prometheus(prometheus, &base);
        }
        let spec = prometheus.and_then(|node| node.get("prometheusSpec"));
        self.spec(spec, &join(&base, "prometheusSpec"));
        self.external_url(prometheus, &base);
        self.alertmanager(values, path);
        let has_map = values.get(MAP).is_some_and(|node| !node.is_empty());
        for entry in values.entries() {
            let path = join(path, &entry.key);
            match entry.key.as_str() {
                "prometheus" | "alertmanager" => {}
                MAP => self.rules(entry, &path, None),
                LIST if has_map => {
                    let text = "the chart takes it only without additionalPrometheusRulesMap";
                    self.note(entry.at, &path, NoteKind::WrongPlace, text);
                }
                LIST => self.rules(entry, &path, None),
                key => self.top(entry, &path, key),
            }
        }
        self.misplaced_rules(prometheus, &base);
    }

    fn top(&mut self, entry: &Entry, path: &str, key: &str) {
        if let Some((_, why)) = TOP.iter().find(|(name, _)| *name == key) {
            return self.note(entry.at, path, NoteKind::Meaningless, *why);
        }
        if chart::TOP_USED.contains(&key) {
            if !matches!(entry.value.kind, Kind::List(_) | Kind::Map(_)) {
                return self.note(entry.at, path, NoteKind::Used, "names of the chart's objects");
            }
            let text = format!("expected a text, not {}", entry.value.noun());
            return self.note(entry.at, path, NoteKind::Wrong, text);
        }
        if let Some(right) = right_place(key) {
            let text = format!("the chart passes over it here; it belongs to {right}");
            return self.note(entry.at, path, NoteKind::WrongPlace, text);
        }
        self.note(entry.at, path, NoteKind::Unknown, unknown(key, chart::tops()));
    }

    /// Who the chart's Prometheus is.
    fn instance(&mut self) {
        let namespace = self.names.namespace.clone();
        let name = self.names.prometheus();
        let pairs = [("namespace", namespace), ("name", name)];
        let pairs: Vec<_> =
            pairs.into_iter().filter_map(|(key, value)| Some((key, Node::text(value?)))).collect();
        if !pairs.is_empty() {
            self.set("instance", None, Node::map(pairs), "");
        }
    }

    fn prometheus(&mut self, prometheus: &Node, base: &str) {
        if !matches!(prometheus.kind, Kind::Map(_) | Kind::Null) {
            let text = format!("expected a map, not {}", prometheus.noun());
            return self.note(prometheus.at, base, NoteKind::Wrong, text);
        }
        for entry in prometheus.entries() {
            let path = join(base, &entry.key);
            let (at, is_empty) = (entry.at, entry.value.is_empty());
            match entry.key.as_str() {
                "prometheusSpec" | MAP | LIST => {}
                "enabled" => {
                    let text = "it is about the chart's own Prometheus";
                    self.note(at, &path, NoteKind::Meaningless, text);
                }
                "agentMode" if is_empty => self.note(at, &path, NoteKind::Used, "no agent"),
                "agentMode" => {
                    self.note(at, &path, NoteKind::Unsupported, "an agent is not built in");
                }
                "ingress" | "route" => {
                    let text = "its first host is the external URL, unless one is written";
                    self.note(at, &path, NoteKind::Used, text);
                }
                "additionalServiceMonitors" | "additionalPodMonitors" if !is_empty => {
                    let text = "the chart makes objects of it: they count once they are in the \
                                cluster";
                    self.note(at, &path, NoteKind::Deployment, text);
                }
                key if PROMETHEUS_USED.contains(&key) => {
                    self.note(at, &path, NoteKind::Meaningless, "nothing is set");
                }
                key => match PROMETHEUS.iter().find(|(name, _)| *name == key) {
                    Some((_, why)) => self.note(at, &path, NoteKind::Meaningless, *why),
                    None => match right_place(key) {
                        Some(right) => {
                            let text =
                                format!("the chart passes over it here; it belongs to {right}");
                            self.note(at, &path, NoteKind::WrongPlace, text);
                        }
                        None => {
                            let text = unknown(key, chart::prometheus_keys());
                            self.note(at, &path, NoteKind::Unknown, text);
                        }
                    },
                },
            }
        }
    }

    /// The external URL of an ingress or a route, when none is written.
    fn external_url(&mut self, prometheus: Option<&Node>, base: &str) {
        let Some(prometheus) = prometheus else { return };
        let is_on = |node: Option<&Node>| node.is_some_and(|node| !node.is_empty());
        let ingress = prometheus.get("ingress").filter(|node| is_on(node.get("enabled")));
        let route = prometheus.at_path(&["route", "main"]);
        let route = route.filter(|node| is_on(node.get("enabled")));
        let first = |node: Option<&Node>, key: &str| -> Option<Node> {
            node?.get(key)?.items().first().cloned()
        };
        let is_tls = is_on(ingress.and_then(|node| node.get("tls")));
        let (host, scheme, path) = match first(ingress, "hosts") {
            Some(host) => (host, if is_tls { "https" } else { "http" }, "ingress.hosts"),
            None => match first(route, "hostnames") {
                Some(host) => (host, "http", "route.main.hostnames"),
                None => return,
            },
        };
        let path = format!("{base}.{path}[0]");
        let Some(name) = host.scalar() else { return };
        match self.names.expand_text(name) {
            Ok(name) => {
                let prefix = prometheus.at_path(&["prometheusSpec", "routePrefix"]);
                let prefix = prefix.and_then(Node::scalar).unwrap_or("/");
                let url = Node { at: host.at, ..Node::text(format!("{scheme}://{name}{prefix}")) };
                self.set("externalUrl", host.at, url, &path);
            }
            Err(text) => self.note(host.at, &path, NoteKind::Wrong, text),
        }
    }

    /// The chart's own Alertmanager, unless others are told of alerts.
    fn alertmanager(&mut self, values: &Node, path: &str) {
        let path = join(path, "alertmanager");
        let entry = values.entries().iter().find(|entry| entry.key == "alertmanager");
        let at = entry.and_then(|entry| entry.at);
        let own = entry.map(|entry| &entry.value);
        if let Some(own) = own.filter(|own| !matches!(own.kind, Kind::Map(_) | Kind::Null)) {
            let text = format!("expected a map, not {}", own.noun());
            return self.note(own.at, &path, NoteKind::Wrong, text);
        }
        let find = |keys: &[&str]| own.and_then(|own| own.at_path(keys)).cloned();
        let spec = ["prometheus", "prometheusSpec"];
        let spec = values.at_path(&spec);
        let is_set = |key| spec.and_then(|spec| spec.get(key)).is_some_and(|node| !node.is_empty());
        let others = is_set("alertingEndpoints") || is_set("disableAlerting");
        let is_off = find(&["enabled"]).is_some_and(|node| node.is_empty());
        let (kind, text) = match &self.names.full {
            _ if others || is_off => {
                (NoteKind::Meaningless, "alerts are not sent there".to_owned())
            }
            None => {
                let text = "where it is cannot be told without the name of the release: alerts are \
                            not sent";
                (NoteKind::Used, text.to_owned())
            }
            Some(full) => {
                let name = format!("{full}-alertmanager");
                let text = format!("alerts are sent to the Service {name}");
                let of_spec = |key| find(&["alertmanagerSpec", key]);
                let or = |node: Option<Node>, default: &str| {
                    node.filter(|node| !node.is_empty()).unwrap_or_else(|| Node::text(default))
                };
                let mut pairs = Vec::new();
                pairs.extend(self.names.namespace.clone().map(|ns| ("namespace", Node::text(ns))));
                pairs.push(("name", Node::text(name)));
                pairs.push(("port", or(of_spec("portName"), "http-web")));
                pairs.push(("pathPrefix", or(of_spec("routePrefix"), "/")));
                for (key, value) in
                    [("scheme", of_spec("scheme")), ("tlsConfig", of_spec("tlsConfig"))]
                {
                    pairs.extend(value.filter(|value| !value.is_empty()).map(|value| (key, value)));
                }
                pairs.push(("apiVersion", or(find(&["apiVersion"]), "v2")));
                let list = Kind::List(vec![Node::map(pairs)]).into();
                self.set("alerting", at, Node::map([("alertmanagers", list)]), &path);
                (NoteKind::Used, text)
            }
        };
        if at.is_some() || kind == NoteKind::Used {
            self.note(at, &path, kind, text);
        }
    }
}

/// Rules by name.
pub(super) const MAP: &str = "additionalPrometheusRulesMap";
/// Rules with names.
pub(super) const LIST: &str = "additionalPrometheusRules";

/// Where a key belongs that stands somewhere else.
pub(super) fn right_place(key: &str) -> Option<&'static str> {
    let of_spec = || {
        let names = OF_PROMETHEUS.iter().map(|field| field.name);
        names.chain(chart::SPEC_USED.iter().copied()).any(|name| name == key)
    };
    match key {
        "prometheusSpec" => Some("prometheus"),
        "additionalServiceMonitors" | "additionalPodMonitors" => Some("prometheus"),
        _ if of_spec() => Some(SPEC_PATH),
        _ if chart::is_top(key) => Some("the top of the chart's values"),
        _ => None,
    }
}
