//! `prometheus.prometheusSpec`: most of its values have the names of the section's keys.

use super::chart::{self, DEPLOYMENT, SPEC};
use super::fit::fit;
use super::top::{LIST, MAP, right_place};
use super::{Importer, NoteKind};
use crate::section::{
    ALERTMANAGERS, Entry, Field, Kind, MEANINGLESS, NESTED, Node, OF_PROMETHEUS, OURS, RULES_MAP,
    Reader, Shape, UNBUILT, field, join, unknown, without_indices,
};

/// Where it is in the chart.
pub(super) const SPEC_PATH: &str = "prometheus.prometheusSpec";

/// The kinds that are selected, as they begin the names of values.
const KINDS: [(&str, &str); 5] = [
    ("serviceMonitor", "ServiceMonitors"),
    ("podMonitor", "PodMonitors"),
    ("probe", "Probes"),
    ("scrapeConfig", "ScrapeConfigs"),
    ("rule", "PrometheusRules"),
];

/// Values that Helm evaluates as templates.
const TEMPLATES: &[&str] = &[
    "externalLabels",
    "externalUrl",
    "enableFeatures",
    "scrapeClasses",
    "podTargetLabels",
    "additionalScrapeConfigs",
    "additionalAlertManagerConfigs",
    "additionalAlertRelabelConfigs",
    "excludedFromEnforcement",
];

/// Values that may be the YAML of what they are.
const MAY_BE_YAML: &[&str] = &[
    "additionalScrapeConfigs",
    "additionalAlertManagerConfigs",
    "additionalAlertRelabelConfigs",
    "excludedFromEnforcement",
];

/// What the chart keeps when nothing is written.
const RETENTION: &str = "10d";

impl Importer {
    /// All values of the spec, which need not be there.
    pub(super) fn spec(&mut self, spec: Option<&Node>, path: &str) {
        if let Some(spec) = spec {
            if !matches!(spec.kind, Kind::Map(_) | Kind::Null) {
                let text = format!("expected a map, not {}", spec.noun());
                return self.note(spec.at, path, NoteKind::Wrong, text);
            }
            for entry in spec.entries() {
                self.spec_value(entry, spec, path);
            }
        }
        let get = |key: &str| spec.and_then(|spec| spec.get(key));
        for (kind, objects) in KINDS {
            let is_written = get(&format!("{kind}Selector")).is_some_and(|node| !node.is_empty());
            let nil = format!("{kind}SelectorNilUsesHelmValues");
            if !is_written {
                let entries = spec.map_or(&[][..], Node::entries);
                let entry = entries.iter().find(|entry| entry.key == nil);
                self.nil_selector(kind, objects, entry, &join(path, &nil));
            }
        }
        if get("retention").is_none() {
            self.set("retention", None, Node::text(RETENTION), &join(path, "retention"));
            let text = format!("not written: {RETENTION}, as the chart has it");
            self.note(None, &join(path, "retention"), NoteKind::Used, text);
        }
        // The chart allows it, and its own monitors of the kubelet and the API server name a token.
        let files = "arbitraryFSAccessThroughSMs";
        if get(files).is_none_or(Node::is_empty) {
            let text = "not written: monitors that name files (bearerTokenFile, caFile) are left out, \
                        the chart's own of the kubelet and the API server too; {deny: false} takes them";
            self.note(None, &join(path, files), NoteKind::Used, text);
        }
    }

    /// What is selected when there is no selector.
    fn nil_selector(&mut self, kind: &str, objects: &str, entry: Option<&Entry>, path: &str) {
        let at = entry.and_then(|entry| entry.at);
        let is_off = match entry.map(|entry| &entry.value) {
            None => false,
            Some(value) => match value.scalar().and_then(model::scalar::truth) {
                Some(is_on) => !is_on,
                None => {
                    let text = format!("expected true or false, not {}", value.noun());
                    return self.note(value.at, path, NoteKind::Wrong, text);
                }
            },
        };
        let written = if entry.is_some() { "" } else { "not written: " };
        let text = match self.names.release.clone() {
            _ if is_off => format!("all {objects} are selected"),
            None => format!(
                "{written}all {objects} are selected, as the release is not known (with its name: \
                 those with the label release)"
            ),
            Some(release) => {
                let labels = Node::map([("release", Node::text(release.as_str()))]);
                let selector = Node::map([("matchLabels", labels)]);
                self.set(&format!("{kind}Selector"), at, selector, path);
                format!("{written}{objects} with the label release: {release} are selected")
            }
        };
        self.note(at, path, NoteKind::Used, text);
    }

    fn spec_value(&mut self, entry: &Entry, spec: &Node, base: &str) {
        let path = join(base, &entry.key);
        let (at, value) = (entry.at, &entry.value);
        let key = entry.key.as_str();
        let find = |table: &[(&'static str, &'static str)]| {
            table.iter().find(|(name, _)| *name == key).map(|(_, text)| *text)
        };
        match key {
            MAP | LIST => return,
            _ if key.ends_with("SelectorNilUsesHelmValues") => {
                let kind = key.trim_end_matches("SelectorNilUsesHelmValues");
                if !KINDS.iter().any(|(known, _)| *known == kind) {
                    return self.unknown_value(entry, &path);
                }
                let is_written = spec.get(&format!("{kind}Selector"));
                if is_written.is_some_and(|node| !node.is_empty()) {
                    let text = "a selector is written, which counts";
                    self.note(at, &path, NoteKind::Meaningless, text);
                }
                return;
            }
            "additionalConfig" => return self.more(value, &path),
            "additionalConfigString" => match value.scalar() {
                Some(text) => return self.more_of_text(text, entry, &path),
                None if value.is_empty() => {}
                None => {
                    let text = format!("expected a text, not {}", value.noun());
                    return self.note(value.at, &path, NoteKind::Wrong, text);
                }
            },
            "alerting" => {
                let text = "the chart passes over it; it calls the list alertingEndpoints";
                return self.note(at, &path, NoteKind::WrongPlace, text);
            }
            _ => {}
        }
        if let Some(why) = find(SPEC) {
            return self.note(at, &path, NoteKind::Meaningless, why);
        }
        if let Some(text) = find(DEPLOYMENT) {
            return match value.is_empty() {
                true => self.note(at, &path, NoteKind::Meaningless, NOTHING),
                false => self.note(at, &path, NoteKind::Deployment, text),
            };
        }
        if let Some(why) = find(MEANINGLESS) {
            return self.note(at, &path, NoteKind::Meaningless, why);
        }
        let is_known = OF_PROMETHEUS.iter().any(|field| field.name == key)
            || chart::SPEC_USED.contains(&key)
            || find(UNBUILT).or_else(|| find(chart::UNBUILT)).is_some();
        if !is_known {
            return self.unknown_value(entry, &path);
        }
        if value.is_empty() {
            return self.note(at, &path, NoteKind::Used, NOTHING);
        }
        if let Some(why) = find(UNBUILT).or_else(|| find(chart::UNBUILT)) {
            return self.note(at, &path, NoteKind::Unsupported, why);
        }
        match key {
            "prometheusExternalLabelNameClear" => {
                self.clear("prometheusExternalLabelName", entry, &path)
            }
            "replicaExternalLabelNameClear" => self.clear("replicaExternalLabelName", entry, &path),
            "disableAlerting" => self.note(at, &path, NoteKind::Used, "alerts are not sent"),
            "alertingEndpoints" => {
                if let Some(list) = self.fitted(entry, ALERTMANAGERS, &path) {
                    self.set("alerting", at, Node::map([("alertmanagers", list)]), &path);
                    self.note(at, &path, NoteKind::Used, "alerts are sent to these Services");
                }
            }
            "additionalScrapeConfigsSecret" => self.secret_jobs(entry, &path),
            "arbitraryFSAccessThroughSMs" if matches!(value.kind, Kind::Plain(_)) => {
                let text = "expected a map with the key deny";
                self.note(value.at, &path, NoteKind::Wrong, text);
            }
            _ => {
                let known = OF_PROMETHEUS.iter().find(|field| field.name == key);
                let shape = known.expect("it is known, and no case above").shape;
                self.same(entry, shape, &path);
            }
        }
    }

    /// A value that the section calls the same.
    fn same(&mut self, entry: &Entry, shape: Shape, path: &str) {
        let key = entry.key.as_str();
        let mut entry = entry.clone();
        if TEMPLATES.contains(&key) || key.ends_with("Selector") {
            match self.names.expand(&entry.value) {
                Ok(value) => entry.value = value,
                Err((node, text)) => return self.note(node.at, path, NoteKind::Wrong, text),
            }
        }
        let text = entry.value.scalar().filter(|_| MAY_BE_YAML.contains(&key));
        if let Some(text) = text {
            match Node::read(text) {
                Ok(value) => entry.value = without_places(value),
                Err(error) => {
                    let text = format!("a text that is not YAML: {}", error.message);
                    return self.note(entry.at, path, NoteKind::Wrong, text);
                }
            }
        }
        // References have names of their own in the chart.
        let is_list = matches!(shape, Shape::Additional(_));
        let shape = if is_list { Shape::List(&Shape::Anything) } else { shape };
        let Some(value) = self.fitted(&entry, shape, path) else { return };
        let meaning = meaning(key, &value);
        self.set(key, entry.at, value, path);
        self.note(entry.at, path, NoteKind::Used, meaning);
    }

    /// The value in the form of the section; notes what is wrong with it, and which keys in it are
    /// not known.
    fn fitted(&mut self, entry: &Entry, shape: Shape, path: &str) -> Option<Node> {
        let mut reader = Reader { loose: true, ..Reader::default() };
        reader.read(&entry.value, shape, path);
        let begin = format!("{}.", path.rfind('.').map_or("", |end| &path[..end]));
        for fault in reader.unknown {
            let own = without_indices(fault.path.trim_start_matches(&begin));
            let own = own.replacen("alertingEndpoints", "alerting.alertmanagers", 1);
            let (kind, text) = match NESTED.iter().find(|(name, _)| *name == own) {
                Some((_, why)) => (NoteKind::Unsupported, (*why).to_owned()),
                None => (NoteKind::Unknown, fault.message),
            };
            self.note(fault.place, &fault.path, kind, text);
        }
        let is_right = reader.faults.is_empty();
        for fault in reader.faults {
            self.note(fault.place, &fault.path, NoteKind::Wrong, fault.message);
        }
        is_right.then(|| fit(&entry.value, shape))
    }

    fn clear(&mut self, key: &str, entry: &Entry, path: &str) {
        self.set(key, entry.at, Node::text(""), path);
        self.note(entry.at, path, NoteKind::Used, format!("no label: {key} is empty"));
    }

    /// Jobs of a Secret, when it is enabled.
    fn secret_jobs(&mut self, entry: &Entry, path: &str) {
        const FIELDS: &[Field] = &[
            field("enabled", Shape::Truth),
            field("name", Shape::Text),
            field("key", Shape::Text),
        ];
        let Some(value) = self.fitted(entry, Shape::Object(FIELDS), path) else { return };
        let text = |key| value.get(key).cloned().unwrap_or_else(|| Node::text(""));
        if value.get("enabled").is_none_or(Node::is_empty) {
            return self.note(entry.at, path, NoteKind::Meaningless, "it is not enabled");
        }
        let name = match self.names.expand(&text("name")) {
            Ok(name) => name,
            Err((node, text)) => return self.note(node.at, path, NoteKind::Wrong, text),
        };
        let secret = Node::map([("name", name), ("key", text("key"))]);
        let value = Node::map([("secret", secret)]);
        // It wins over jobs that are written in place.
        self.section.retain(|known| known.key != "additionalScrapeConfigs");
        self.set("additionalScrapeConfigs", entry.at, value, path);
        self.note(entry.at, path, NoteKind::Used, "jobs of a Secret");
    }

    /// Further keys of the `Prometheus` object.
    fn more(&mut self, value: &Node, path: &str) {
        if !matches!(value.kind, Kind::Map(_) | Kind::Null) {
            let text = format!("expected a map, not {}", value.noun());
            return self.note(value.at, path, NoteKind::Wrong, text);
        }
        self.note(value.at, path, NoteKind::Used, "further keys, each as if it stood beside");
        for entry in value.entries() {
            let path = join(path, &entry.key);
            let shape = match entry.key.as_str() {
                // The chart has no words of its own for these.
                "alerting" => OF_PROMETHEUS.iter().find(|field| field.name == "alerting"),
                "rules" => OURS.iter().find(|field| field.name == "rules"),
                _ => None,
            };
            match shape {
                Some(field) => self.same(entry, field.shape, &path),
                None => self.spec_value(entry, value, path.rsplit_once('.').map_or("", |p| p.0)),
            }
        }
    }

    fn more_of_text(&mut self, text: &str, entry: &Entry, path: &str) {
        match self.names.expand_text(text).map(|text| Node::read(&text)) {
            Ok(Ok(value)) => self.more(&Node { at: entry.at, ..without_places(value) }, path),
            Ok(Err(error)) => {
                let text = format!("a text that is not YAML: {}", error.message);
                self.note(entry.at, path, NoteKind::Wrong, text);
            }
            Err(text) => self.note(entry.at, path, NoteKind::Wrong, text),
        }
    }

    fn unknown_value(&mut self, entry: &Entry, path: &str) {
        let of_prometheus = chart::prometheus_keys().any(|name| name == entry.key);
        let right = right_place(&entry.key).or(of_prometheus.then_some("prometheus"));
        if let Some(right) = right {
            let text = format!("the chart passes over it here; it belongs to {right}");
            return self.note(entry.at, path, NoteKind::WrongPlace, text);
        }
        let tables = [SPEC, DEPLOYMENT, MEANINGLESS, UNBUILT, chart::UNBUILT];
        let names = tables.into_iter().flatten().map(|(name, _)| *name);
        let names = names.chain(OF_PROMETHEUS.iter().map(|field| field.name));
        let names = names.chain(chart::SPEC_USED.iter().copied());
        self.note(entry.at, path, NoteKind::Unknown, unknown(&entry.key, names));
    }

    /// Rules where the chart passes over them: they are taken all the same.
    pub(super) fn misplaced_rules(&mut self, prometheus: Option<&Node>, base: &str) {
        let spec = prometheus.and_then(|node| node.get("prometheusSpec"));
        for (node, base) in [(prometheus, base.to_owned()), (spec, join(base, "prometheusSpec"))] {
            for entry in node.map_or(&[][..], Node::entries) {
                if matches!(entry.key.as_str(), MAP | LIST) {
                    let text = format!(
                        "the chart passes over it here; it belongs to the top of the chart's \
                         values, as {MAP}. Its rules are taken all the same"
                    );
                    self.rules(entry, &join(&base, &entry.key), Some(text));
                }
            }
        }
    }

    /// Rules by name, or in a list with names. With a text they are at a wrong place.
    pub(super) fn rules(&mut self, entry: &Entry, path: &str, misplaced: Option<String>) {
        if entry.value.is_empty() {
            return self.note(entry.at, path, NoteKind::Used, NOTHING);
        }
        let mut entry = entry.clone();
        if entry.key == LIST {
            match by_name(&entry.value) {
                Ok(map) => entry.value = map,
                Err((node, text)) => return self.note(node.at, path, NoteKind::Wrong, text),
            }
        }
        let Some(Node { kind: Kind::Map(rules), .. }) = self.fitted(&entry, RULES_MAP, path) else {
            return;
        };
        let number = rules.len();
        let known = self.section.iter_mut().find(|known| known.key == MAP);
        match known {
            Some(Entry { value: Node { kind: Kind::Map(known), .. }, .. }) => {
                for rule in rules {
                    if known.iter().all(|other| other.key != rule.key) {
                        known.push(rule);
                    }
                }
            }
            _ => self.set(MAP, entry.at, Kind::Map(rules).into(), path),
        }
        match misplaced {
            Some(text) => self.note(entry.at, path, NoteKind::WrongPlace, text),
            None => {
                let text = format!("{number} rule files");
                self.note(entry.at, path, NoteKind::Used, text);
            }
        }
    }
}

const NOTHING: &str = "nothing is set";

/// A list of rules with names as a map.
fn by_name(list: &Node) -> Result<Node, (Node, String)> {
    let Kind::List(items) = &list.kind else {
        return Err((list.clone(), format!("expected a list, not {}", list.noun())));
    };
    let entry = |item: &Node| {
        let name = item.get("name").and_then(Node::scalar);
        let name = name.ok_or_else(|| (item.clone(), "name is missing".to_owned()))?;
        let rest = item.entries().iter().filter(|entry| entry.key != "name").cloned().collect();
        let value = Node { at: item.at, kind: Kind::Map(rest) };
        Ok(Entry { key: name.to_owned(), at: item.at, value })
    };
    Ok(Node { at: list.at, kind: Kind::Map(items.iter().map(entry).collect::<Result<_, _>>()?) })
}

/// Of a text in a text, no place is known.
fn without_places(node: Node) -> Node {
    let kind = match node.kind {
        Kind::List(items) => Kind::List(items.into_iter().map(without_places).collect()),
        Kind::Map(entries) => {
            let bare = |entry: Entry| Entry {
                key: entry.key,
                at: None,
                value: without_places(entry.value),
            };
            Kind::Map(entries.into_iter().map(bare).collect())
        }
        scalar => scalar,
    };
    kind.into()
}

/// What a value is here, in words.
fn meaning(key: &str, value: &Node) -> String {
    let named = MEANINGS.iter().find(|(name, _)| *name == key);
    let named = named.map_or_else(|| format!("kubernetes.{key}"), |(_, text)| (*text).to_owned());
    match &value.kind {
        Kind::Plain(text) | Kind::Text(text) if text.len() <= 80 => format!("{named}: {text}"),
        Kind::List(items) => format!("{named} ({} items)", items.len()),
        _ => named,
    }
}

/// What has a name of its own outside of the section.
const MEANINGS: &[(&str, &str)] = &[
    ("scrapeInterval", "global.scrape_interval"),
    ("scrapeTimeout", "global.scrape_timeout"),
    ("evaluationInterval", "global.evaluation_interval"),
    ("ruleQueryOffset", "global.rule_query_offset"),
    ("externalLabels", "global.external_labels"),
    ("scrapeProtocols", "global.scrape_protocols"),
    ("queryLogFile", "global.query_log_file"),
    ("scrapeFailureLogFile", "global.scrape_failure_log_file"),
    ("nameValidationScheme", "global.metric_name_validation_scheme"),
    ("nameEscapingScheme", "global.metric_name_escaping_scheme"),
    ("scrapeNativeHistograms", "global.scrape_native_histograms"),
    ("scrapeClassicHistograms", "global.always_scrape_classic_histograms"),
    ("convertClassicHistogramsToNHCB", "global.convert_classic_histograms_to_nhcb"),
    ("sampleLimit", "global.sample_limit"),
    ("targetLimit", "global.target_limit"),
    ("labelLimit", "global.label_limit"),
    ("labelNameLengthLimit", "global.label_name_length_limit"),
    ("labelValueLengthLimit", "global.label_value_length_limit"),
    ("keepDroppedTargets", "global.keep_dropped_targets"),
    ("bodySizeLimit", "global.body_size_limit"),
    ("retention", "storage.tsdb.retention.time"),
    ("retentionSize", "storage.tsdb.retention.size"),
    ("tsdb", "storage.tsdb"),
    ("exemplars", "storage.exemplars"),
    ("additionalScrapeConfigs", "jobs beside those of monitors"),
    ("additionalAlertManagerConfigs", "Alertmanagers beside those of the cluster"),
    ("additionalAlertRelabelConfigs", "alerting.alert_relabel_configs"),
    ("externalUrl", "--web.external-url"),
    ("routePrefix", "--web.route-prefix"),
    ("query", "--query.*"),
    ("enableFeatures", "--enable-feature"),
    ("enableAdminAPI", "--web.enable-admin-api"),
    ("listenLocal", "--web.listen-address=127.0.0.1:9090"),
    ("logLevel", "--log.level"),
    ("logFormat", "--log.format"),
    ("web", "--web.*"),
    ("additionalArgs", "flags"),
];
