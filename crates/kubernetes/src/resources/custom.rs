//! Custom resources as a cluster holds them.

use super::meta::{Meta, Object};
use super::read::without_nulls;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A custom resource as a cluster holds it: its metadata in any case, its spec when it can be read.
#[derive(Clone, Debug)]
pub struct Custom<S> {
    /// With its spec, or why that cannot be read.
    pub object: Result<Object<S>, Unread>,
    /// Differs when the spec does: statuses and annotations change an object's version, and mean
    /// nothing here.
    pub digest: u64,
}

/// A custom resource that cannot be read.
#[derive(Clone, Debug)]
pub struct Unread {
    /// Its name and labels.
    pub metadata: Meta,
    /// Names the field.
    pub reason: String,
}

impl<S> Custom<S> {
    /// Its name and labels.
    #[must_use]
    pub fn metadata(&self) -> &Meta {
        match &self.object {
            Ok(object) => &object.metadata,
            Err(unread) => &unread.metadata,
        }
    }
}

/// What is looked at first.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Outer {
    spec: Option<Box<RawValue>>,
}

impl<'de, S: DeserializeOwned + Default> Deserialize<'de> for Custom<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let outer: Outer = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        let mut hasher = DefaultHasher::new();
        outer.spec.as_deref().map(RawValue::get).hash(&mut hasher);
        let digest = hasher.finish();
        if let Ok(object) = serde_json::from_str(text.get()) {
            return Ok(Self { object: Ok(object), digest });
        }
        let mut value: Value = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        without_nulls(&mut value);
        let object = serde_json::from_str(&value.to_string());
        Ok(Self { object: object.map_err(|error| unread(&mut value, &error)), digest })
    }
}

/// Texts of the metadata are kept, whatever else is wrong with it.
fn unread(value: &mut Value, error: &serde_json::Error) -> Unread {
    let mut metadata = value["metadata"].take();
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.retain(|_, value| value.is_string());
    }
    // The place is one in a text that nobody sees.
    let reason = error.to_string();
    let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
    let reason = reason.to_owned();
    Unread { metadata: serde_json::from_value(metadata).unwrap_or_default(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{PrometheusRule, ServiceMonitor};

    fn read<S: DeserializeOwned + Default>(text: &str) -> Custom<S> {
        serde_json::from_str(text).expect("is an object")
    }

    #[test]
    fn what_cannot_be_read_keeps_its_labels() {
        let check = |spec: &str, expected: Result<usize, &str>| {
            let text = format!(
                r#"{{"metadata":{{"name":"a","namespace":"b","labels":{{"c":"d","e":1}}}},"spec":{spec}}}"#
            );
            let custom: Custom<ServiceMonitor> = read(&text.replace(r#","e":1"#, ""));
            assert_eq!(custom.metadata().to_string(), "b/a");
            assert_eq!(custom.metadata().labels["c"], "d");
            let endpoints = custom.object.as_ref().map(|object| object.spec.endpoints.len());
            assert_eq!(endpoints.map_err(|unread| unread.reason.as_str()), expected, "{spec}");
            let odd: Custom<ServiceMonitor> = read(&text);
            assert_eq!(odd.metadata().labels["c"], "d");
            assert!(odd.object.is_err());
        };
        check(r#"{"endpoints":[{}]}"#, Ok(1));
        check(r#"{"endpoints":[{"port":null,"interval":null}],"targetLabels":null}"#, Ok(1));
        check(r#"{"endpoints":5}"#, Err("invalid type: integer `5`, expected a sequence"));
        check("null", Ok(0));
    }

    #[test]
    fn a_digest_is_that_of_the_spec() {
        let digest = |text: &str| read::<PrometheusRule>(text).digest;
        let one = digest(r#"{"metadata":{"name":"a"},"spec":{"groups":[{"name":"x"}]}}"#);
        let other_meta = r#"{"spec":{"groups":[{"name":"x"}]},"status":{}}"#;
        assert_eq!(digest(other_meta), one);
        assert_ne!(digest(r#"{"spec":{"groups":[{"name":"y"}]}}"#), one);
        let custom: Custom<PrometheusRule> = read(other_meta);
        assert_eq!(&*custom.object.expect("can be read").spec.groups[0].0, r#"{"name":"x"}"#);
    }
}
