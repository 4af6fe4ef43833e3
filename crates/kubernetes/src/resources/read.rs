//! From texts to objects.

use super::{Meta, Object, Resources, Unreadable};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Of the kinds that become jobs.
const GROUP: &str = "monitoring.coreos.com";
/// Documents of a text and objects of a list.
const MAX_OBJECTS: usize = 1_000_000;

pub(super) fn add(resources: &mut Resources, text: &str) -> Result<(), String> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    let mut waiting: Vec<Value> = documents;
    waiting.reverse();
    let mut taken = 0;
    while let Some(mut object) = waiting.pop() {
        taken += 1;
        if taken > MAX_OBJECTS {
            return Err(format!("more than {MAX_OBJECTS} objects"));
        }
        without_nulls(&mut object);
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(Value::Array(items)) =
            object.get_mut("items").filter(|_| kind.ends_with("List")).map(Value::take)
        {
            waiting.extend(items.into_iter().rev());
            continue;
        }
        if object.is_null() {
            continue;
        }
        let kind = named(kind, &object);
        if let Err(unreadable) = one(resources, &kind, object) {
            resources.unreadable.push(unreadable);
        }
    }
    Ok(())
}

/// Its kind; with the group where another one has a kind of the same name. An object that names no
/// group is taken for ours.
fn named(kind: String, object: &Value) -> String {
    if !object.is_object() {
        return "(no object)".to_owned();
    }
    let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    match version.rsplit_once('/') {
        Some((group, _)) if group != GROUP => format!("{kind}.{group}"),
        _ => kind,
    }
}

fn one(resources: &mut Resources, kind: &str, object: Value) -> Result<(), Unreadable> {
    match kind {
        "Prometheus" | "PrometheusAgent" => resources.settings = Some(read(kind, object)?),
        "ServiceMonitor" => resources.service_monitors.push(read(kind, object)?),
        "PodMonitor" => resources.pod_monitors.push(read(kind, object)?),
        "Probe" => resources.probes.push(read(kind, object)?),
        "ScrapeConfig" => resources.scrape_configs.push(read(kind, object)?),
        "Secret" => {
            let (key, values) = texts(kind, &object, "stringData", true)?;
            resources.secrets.entry(key).or_default().extend(values);
        }
        "ConfigMap" => {
            let (key, values) = texts(kind, &object, "binaryData", false)?;
            resources.config_maps.entry(key).or_default().extend(values);
        }
        other => *resources.others.entry(other.to_owned()).or_default() += 1,
    }
    Ok(())
}

fn read<S: DeserializeOwned + Default>(kind: &str, object: Value) -> Result<Object<S>, Unreadable> {
    let (namespace, name) = name_of(&object);
    let mut read: Object<S> = serde_json::from_value(object).map_err(|error| Unreadable {
        kind: kind.to_owned(),
        namespace: namespace.clone(),
        name,
        message: error.to_string(),
    })?;
    read.metadata.namespace = namespace;
    Ok(read)
}

/// Namespace and name; what says no namespace is in that of the name `default`.
fn name_of(object: &Value) -> (String, String) {
    let meta = object.get("metadata").cloned().unwrap_or_default();
    let meta: Meta = serde_json::from_value(meta).unwrap_or_default();
    let namespace = if meta.namespace.is_empty() { "default".to_owned() } else { meta.namespace };
    (namespace, meta.name)
}

type Texts = ((String, String), BTreeMap<String, Vec<u8>>);

/// The keys of a Secret (`data` is encoded, `stringData` is not and wins) or a ConfigMap (`data` is
/// not encoded, `binaryData` is).
fn texts(kind: &str, object: &Value, other: &str, is_encoded: bool) -> Result<Texts, Unreadable> {
    let (namespace, name) = name_of(object);
    let mut values = BTreeMap::new();
    for (field, is_encoded) in [("data", is_encoded), (other, !is_encoded)] {
        let empty = Map::new();
        let map = object.get(field).and_then(Value::as_object).unwrap_or(&empty);
        for (key, value) in map {
            let text = value.as_str().unwrap_or_default();
            let bytes = if is_encoded { decode(text) } else { Some(text.as_bytes().to_vec()) };
            let bytes = bytes.ok_or_else(|| Unreadable {
                kind: kind.to_owned(),
                namespace: namespace.clone(),
                name: name.clone(),
                message: format!("{field}.{key} is not base64"),
            })?;
            values.insert(key.clone(), bytes);
        }
    }
    Ok(((namespace, name), values))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

pub(super) fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
