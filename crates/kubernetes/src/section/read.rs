//! From a text to a [`Section`]: strict, with all faults at once.

use super::fields::{MEANINGLESS, NESTED, UNBUILT, known};
use super::shape::{Fault, Field, Reader};
use super::tree::{Kind, Node, Place};
use super::{AdditionalRules, Connection, Instance, Section, WriteBack};
use crate::jobs::own;
use crate::resources::Settings;
use crate::resources::alerting::AlertmanagerService;
use crate::resources::http::TlsConfig;
use crate::resources::meta::LabelSelector;
use crate::resources::settings::{Additional, Excluded};
use model::duration::Duration;
use serde_json::Value;
use std::path::PathBuf;

/// The key of the section in the file.
pub(crate) const KEY: &str = "kubernetes";

impl Section {
    /// Reads the section of a configuration file's text; none when the file has none.
    ///
    /// # Errors
    /// All that is wrong, in the order of the text; never an empty list.
    pub fn read(text: &str) -> Result<Option<Self>, Vec<Fault>> {
        let tree = Node::read(text).map_err(|error| {
            vec![Fault { place: error.at, path: String::new(), message: error.message }]
        })?;
        let found = tree.entries().iter().find(|entry| entry.key == KEY);
        found.map(|entry| Self::of_node(&entry.value)).transpose()
    }

    /// Reads the value of the key.
    pub(crate) fn of_node(node: &Node) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::default();
        let fields: Vec<Field> = known().copied().collect();
        let value = match &node.kind {
            Kind::Null => Value::Object(serde_json::Map::new()),
            Kind::Map(entries) => reader.object(entries, &fields, KEY),
            _ => {
                let message = format!("expected a map, not {}", node.noun());
                return Err(vec![Fault { place: node.at, path: KEY.to_owned(), message }]);
            }
        };
        let mut faults = reader.faults;
        faults.extend(reader.unknown.into_iter().filter_map(|fault| refusal(fault, node)));
        if faults.is_empty() {
            match of_value(value) {
                Ok(mut section) => {
                    for rules in &mut section.additional_rules {
                        let written = node.at_path(&["additionalPrometheusRulesMap", &rules.name]);
                        rules.place = written.and_then(|node| node.at);
                    }
                    let told = section.troubles().into_iter();
                    faults.extend(told.map(|(path, message)| at_path(node, path, message)));
                    if faults.is_empty() {
                        return Ok(section);
                    }
                }
                Err((path, message)) => faults.push(at_path(node, path.to_owned(), message)),
            }
        }
        faults.sort_by_key(|fault| fault.place);
        Err(faults)
    }

    /// What is wrong with values that are well formed, by path.
    fn troubles(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut tell =
            |path: &str, message: &str| found.push((path.to_owned(), message.to_owned()));
        let connection = &self.connection;
        if connection.api_server.is_some() && connection.kubeconfig.is_some() {
            tell("apiServer", "apiServer and kubeconfig exclude each other");
        }
        if let Some(url) = &connection.api_server
            && !url.starts_with("http://")
            && !url.starts_with("https://")
        {
            tell("apiServer", "expected a URL that begins with http:// or https://");
        }
        if connection.namespaces.iter().any(String::is_empty) {
            tell("namespaces", "the name of a namespace is not empty");
        }
        let settings = &self.settings;
        if settings.files.below.iter().any(|folder| !folder.is_absolute()) {
            tell("fileAccess", "expected folders that begin with /");
        }
        for (name, selector) in selectors(settings) {
            let is_all = selector.match_labels.is_empty() && selector.match_expressions.is_empty();
            let is_bound = !connection.namespaces.is_empty();
            if name.ends_with("NamespaceSelector") && !is_all && is_bound {
                tell(name, "labels of namespaces are not read when namespaces are listed");
            }
            for (i, requirement) in selector.match_expressions.iter().enumerate() {
                let path = format!("{name}.matchExpressions[{i}]");
                let has_values = !requirement.values.is_empty();
                match requirement.operator.as_str() {
                    _ if requirement.key.is_empty() => tell(&path, "key is missing"),
                    "" => tell(&path, "operator is missing"),
                    "In" | "NotIn" if !has_values => tell(&path, "In and NotIn need values"),
                    "Exists" | "DoesNotExist" if has_values => {
                        tell(&path, "Exists and DoesNotExist take no values");
                    }
                    _ => {}
                }
            }
        }
        let late = Duration::parse(&settings.tsdb.out_of_order_time_window);
        if late.is_ok_and(|late| late.ms != 0) {
            tell("tsdb.outOfOrderTimeWindow", "samples that come late are not taken: not built in");
        }
        let label = &settings.enforced_namespace_label;
        if !label.is_empty() && !model::names::is_legacy_label_name(label) {
            tell("enforcedNamespaceLabel", "this is not the name of a label");
        }
        if let Err(error) = own::check(settings) {
            // What it tells begins with the path.
            let (path, message) = error.split_once(": ").unwrap_or(("", &error));
            tell(path, message);
        }
        let references = [
            ("additionalAlertManagerConfigs", &settings.additional_alert_manager_configs),
            ("additionalAlertRelabelConfigs", &settings.additional_alert_relabel_configs),
        ];
        for (name, additional) in references {
            if matches!(additional, Some(Additional::Secret(_) | Additional::ConfigMap(_))) {
                tell(name, "references to Secrets are not built in here; write the list in place");
            }
        }
        for (i, service) in settings.alerting.alertmanagers.iter().enumerate() {
            let path = format!("alerting.alertmanagers[{i}]");
            if let Err((field, message)) = check_alertmanager(service, self) {
                let path = if field.is_empty() { path } else { format!("{path}.{field}") };
                tell(&path, &message);
            }
        }
        for (i, argument) in settings.additional_args.iter().enumerate() {
            let path = format!("additionalArgs[{i}]");
            match argument.name.trim_start_matches('-') {
                "" => tell(&path, "name is missing"),
                "config.file" | "from-kps-values" => {
                    tell(&path, "the configuration does not say where it is");
                }
                _ => {}
            }
        }
        found
    }
}

/// The selectors that are written, of objects and of namespaces.
fn selectors(settings: &Settings) -> impl Iterator<Item = (&'static str, &LabelSelector)> {
    let s = settings;
    let all = [
        ("serviceMonitorSelector", &s.service_monitor_selector),
        ("serviceMonitorNamespaceSelector", &s.service_monitor_namespace_selector),
        ("podMonitorSelector", &s.pod_monitor_selector),
        ("podMonitorNamespaceSelector", &s.pod_monitor_namespace_selector),
        ("probeSelector", &s.probe_selector),
        ("probeNamespaceSelector", &s.probe_namespace_selector),
        ("scrapeConfigSelector", &s.scrape_config_selector),
        ("scrapeConfigNamespaceSelector", &s.scrape_config_namespace_selector),
        ("ruleSelector", &s.rule_selector),
        ("ruleNamespaceSelector", &s.rule_namespace_selector),
    ];
    all.into_iter().filter_map(|(name, selector)| Some((name, selector.as_ref()?)))
}

/// A key that is not known: refused by name where it means something elsewhere, and passed over
/// where that says nothing.
fn refusal(fault: Fault, section: &Node) -> Option<Fault> {
    let name = fault.path.strip_prefix(KEY).unwrap_or(&fault.path).trim_start_matches('.');
    let says_nothing = || find(section, name).is_none_or(Node::is_empty);
    let plain = without_indices(name);
    let find_in = |table: &[(&str, &'static str)]| {
        table.iter().find(|(known, _)| *known == plain).map(|(_, why)| *why)
    };
    if let Some(why) = find_in(UNBUILT).or_else(|| find_in(NESTED)) {
        let message = why.to_owned();
        return (!says_nothing()).then_some(Fault { message, ..fault });
    }
    match find_in(MEANINGLESS) {
        Some(why) => Some(Fault { message: format!("means nothing here: {why}"), ..fault }),
        None => Some(fault),
    }
}

/// The path of all items of lists.
pub(crate) fn without_indices(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once(']').map_or("", |(_, rest)| rest))
}

fn at_path(section: &Node, path: String, message: String) -> Fault {
    let place = place_of(section, &path);
    let path = if path.is_empty() { KEY.to_owned() } else { format!("{KEY}.{path}") };
    Fault { place, path, message }
}

/// Where the value of a path stands; where its nearest ancestor does, when it is not there.
fn place_of(section: &Node, path: &str) -> Option<Place> {
    let mut path = path;
    loop {
        if let Some(place) = find(section, path).and_then(|node| node.at) {
            return Some(place);
        }
        match path.rfind(['.', '[']) {
            Some(end) => path = &path[..end],
            None => return section.at,
        }
    }
}

/// What stands at a path such as `a.b[0].c`.
fn find<'a>(section: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(section, |node, part| {
        let (key, index) = part.split_once('[').unwrap_or((part, ""));
        let value = node.get(key)?;
        match index.trim_end_matches(']') {
            "" => Some(value),
            index => value.items().get(index.parse::<usize>().ok()?),
        }
    })
}

/// From a value whose shape was checked.
fn of_value(mut value: Value) -> Result<Section, (&'static str, String)> {
    let mut ours = |key: &str| value.as_object_mut().and_then(|map| map.remove(key));
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let texts = |value: Option<Value>| -> Vec<String> {
        let list = value.iter().filter_map(Value::as_array).flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let connection = Connection {
        api_server: ours("apiServer").as_ref().and_then(text),
        kubeconfig: ours("kubeconfig").as_ref().and_then(text).map(PathBuf::from),
        namespaces: texts(ours("namespaces")),
    };
    let instance = ours("instance").unwrap_or_default();
    let instance = Instance {
        namespace: text(&instance["namespace"]).unwrap_or_default(),
        name: text(&instance["name"]).unwrap_or_default(),
    };
    let status = ours("status").unwrap_or_default();
    let write_back = match status["writeBack"].as_str() {
        Some("off") => WriteBack::Off,
        _ => WriteBack::Auto,
    };
    let below = ours("fileAccess").map(|list| texts(Some(list)));
    let rules = ours("additionalPrometheusRulesMap").unwrap_or_default();
    let rules = rules.as_object().into_iter().flatten().map(|(name, value)| {
        let mut groups = value["groups"].clone();
        for group in groups.as_array_mut().into_iter().flatten() {
            // It speaks to Thanos, and objects may have it.
            if let Some(group) = group.as_object_mut() {
                group.remove("partial_response_strategy");
            }
        }
        let file = serde_json::json!({"groups": groups});
        AdditionalRules { name: name.clone(), file, place: None }
    });
    let additional_rules = rules.collect();
    let spared = ours("prometheusRulesExcludedFromEnforce").unwrap_or_default();
    let access = value.get("arbitraryFSAccessThroughSMs").is_some();
    let partial_rules = value["rules"]["partial"].as_bool().unwrap_or(false);

    for key in ADDITIONAL {
        if let Some(written) = value.get(key) {
            serde_json::from_value::<Additional>(written.clone())
                .map_err(|error| (key, error.to_string()))?;
        }
    }
    let mut settings: Settings =
        serde_json::from_value(value).map_err(|error| ("", error.to_string()))?;
    let spared = spared.as_array().into_iter().flatten();
    settings.excluded_from_enforcement.extend(spared.map(|rule| Excluded {
        resource: "prometheusrules".to_owned(),
        namespace: text(&rule["ruleNamespace"]).unwrap_or_default(),
        name: text(&rule["ruleName"]).unwrap_or_default(),
    }));
    match below {
        Some(_) if access => {
            let message = "fileAccess and arbitraryFSAccessThroughSMs exclude each other";
            return Err(("fileAccess", message.to_owned()));
        }
        Some(below) => {
            settings.files.deny = below.is_empty();
            settings.files.below = below.into_iter().map(PathBuf::from).collect();
        }
        // Nobody has said that they may.
        None if !access => settings.files.deny = true,
        None => {}
    }
    Ok(Section { settings, connection, instance, write_back, partial_rules, additional_rules })
}

const ADDITIONAL: [&str; 3] =
    ["additionalScrapeConfigs", "additionalAlertManagerConfigs", "additionalAlertRelabelConfigs"];

/// The field and what is wrong with it.
fn check_alertmanager(
    service: &AlertmanagerService,
    section: &Section,
) -> Result<(), (&'static str, String)> {
    let fault = |field, message: &str| Err((field, message.to_owned()));
    if service.name.is_empty() {
        return fault("", "name is missing");
    }
    if service.port.is_none() {
        return fault("", "port is missing");
    }
    if !matches!(service.api_version.as_str(), "" | "v2" | "V2") {
        return fault("apiVersion", "Alertmanagers are spoken to by v2 only");
    }
    let of_secret = "credentials of Secrets are not built in for Alertmanagers; \
                     additionalAlertManagerConfigs may name files";
    if service.basic_auth.is_some() {
        return fault("basicAuth", of_secret);
    }
    let header = service.authorization.as_ref();
    if header.is_some_and(|header| header.credentials.is_some()) {
        return fault("authorization.credentials", of_secret);
    }
    if header.is_some_and(|header| header.credentials_file.is_empty()) {
        return fault("authorization", "credentialsFile is missing");
    }
    if header.is_some() && !service.bearer_token_file.is_empty() {
        return fault("bearerTokenFile", "authorization and bearerTokenFile exclude each other");
    }
    let is_of_objects =
        |tls: &TlsConfig| !tls.ca.is_empty() || !tls.cert.is_empty() || tls.key_secret.is_some();
    if service.tls_config.as_ref().is_some_and(is_of_objects) {
        return fault("tlsConfig", of_secret);
    }
    if !service.proxy.proxy_connect_header.is_empty() {
        return fault("proxyConnectHeader", of_secret);
    }
    let is_elsewhere =
        section.connection.api_server.is_some() || section.connection.kubeconfig.is_some();
    if service.namespace.is_empty() && section.instance.namespace.is_empty() && is_elsewhere {
        return fault("namespace", "is needed when we do not run in the cluster");
    }
    for (field, rules) in
        [("relabelings", &service.relabelings), ("alertRelabelings", &service.alert_relabelings)]
    {
        own::check_relabelings("", rules).map_err(|error| (field, error))?;
    }
    Ok(())
}
