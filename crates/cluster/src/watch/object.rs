//! Objects as they come: what identifies them, and what they are, read leniently.

use super::Kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::DynamicResourceScope;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// An object, or why it could not be read.
#[derive(Debug)]
pub struct Held<T> {
    /// Which version of it this is.
    pub meta: ObjectVersion,
    /// The object.
    pub object: Result<T, String>,
}

/// Tells one version of an object from all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectVersion {
    /// Tells it from objects of the same name before and after it.
    pub uid: Box<str>,
    /// Changes with what is asked of it, not with its status; 0 for kinds without.
    pub generation: i64,
    /// Changes with everything.
    pub resource_version: Box<str>,
}

/// An object as kube's watcher wants one.
pub(super) struct Read<T> {
    /// Name, namespace and version only.
    meta: ObjectMeta,
    pub(super) held: Arc<Held<T>>,
}

impl<T> Read<T> {
    pub(super) fn name(&self) -> &str {
        self.meta.name.as_deref().unwrap_or_default()
    }

    pub(super) fn namespace(&self) -> &str {
        self.meta.namespace.as_deref().unwrap_or_default()
    }
}

impl<T> Clone for Read<T> {
    fn clone(&self) -> Self {
        Self { meta: self.meta.clone(), held: Arc::clone(&self.held) }
    }
}

impl<T> fmt::Debug for Read<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it is stays out of logs: it may be secret.
        f.debug_struct("Read").field("meta", &self.held.meta).finish_non_exhaustive()
    }
}

/// What is looked at of any object. Whatever else is wrong with it, it has these, or is none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Any {
    metadata: AnyMeta,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AnyMeta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
}

impl AnyMeta {
    /// Of an object of which even the metadata is not as it should be: what is a text counts.
    fn of_value(text: &str) -> serde_json::Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let meta = |field: &str| value.get("metadata").and_then(|meta| meta.get(field));
        let text = |field| meta(field).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            generation: meta("generation").and_then(Value::as_i64),
        })
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Texts are at hand whole, in pages and in events, so nothing is copied. An object comes
        // behind the type of its event; before it, it would have to be kept otherwise, and no server
        // does that.
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let meta = serde_json::from_str(text).map(|any: Any| any.metadata);
        let meta = meta.or_else(|_| AnyMeta::of_value(text)).map_err(D::Error::custom)?;
        let AnyMeta { name, namespace, uid, resource_version, generation } = meta;
        let version = ObjectVersion {
            uid: uid.unwrap_or_default().into(),
            generation: generation.unwrap_or_default(),
            resource_version: resource_version.as_deref().unwrap_or_default().into(),
        };
        let held = Held { meta: version, object: read(text) };
        let meta = ObjectMeta { name, namespace, resource_version, ..ObjectMeta::default() };
        Ok(Self { meta, held: Arc::new(held) })
    }
}

/// Reads an object. A null is the same as nothing: types that do not say so get an object without.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).or_else(|error| {
        if !text.contains("null") {
            return Err(error.to_string());
        }
        let mut value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        without_nulls(&mut value);
        serde_json::from_value(value).map_err(|error| error.to_string())
    })
}

/// Takes all nulls out of a tree: the same as nothing, where objects of a cluster are written.
pub fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

impl<T> Resource for Read<T> {
    type DynamicType = Kind;
    type Scope = DynamicResourceScope;

    fn kind(kind: &Kind) -> Cow<'_, str> {
        kind.kind.into()
    }

    fn group(kind: &Kind) -> Cow<'_, str> {
        kind.group.into()
    }

    fn version(kind: &Kind) -> Cow<'_, str> {
        kind.version.into()
    }

    fn plural(kind: &Kind) -> Cow<'_, str> {
        kind.plural.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}
