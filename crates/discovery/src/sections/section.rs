//! What sections have in common: lists of them, and values in them.

use model::duration::Duration;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A section that stands in a list.
pub(crate) trait Section {
    /// The key of the list.
    const KEY: &str;
}

/// A list of sections: may be null, its items may not.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<'de, T: Section + Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Option::<Vec<Option<T>>>::deserialize(deserializer)?.unwrap_or_default();
        let items: Option<Vec<T>> = items.into_iter().collect();
        items.map(Self).ok_or_else(|| null_item(T::KEY))
    }
}

fn null_item<E: Error>(key: &str) -> E {
    E::custom(format_args!("empty or null section in {key}"))
}

/// A list of sections of which nothing more is known.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Unbuilt(Option<Vec<Option<IgnoredAny>>>);

impl Unbuilt {
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().flatten().next().is_none()
    }

    pub(super) fn check<E: Error>(&self, key: &str) -> Result<(), E> {
        let null = self.0.iter().flatten().any(Option::is_none);
        if null { Err(null_item(key)) } else { Ok(()) }
    }
}

/// A section without a value is an empty one.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Labels by name; a value may be left out.
pub(crate) fn label_map<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    let labels = Option::<BTreeMap<String, Option<String>>>::deserialize(deserializer)?;
    let labels = labels.unwrap_or_default();
    if labels.contains_key("") {
        return Err(Error::custom("\"\" is not a valid label name"));
    }
    Ok(labels.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect())
}

/// A duration such as `1m30s`, if there is one.
pub(crate) fn duration<'de, D>(deserializer: D) -> Result<Option<Duration>, D::Error>
where
    D: Deserializer<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| Duration::parse(&text)).transpose().map_err(Error::custom)
}
