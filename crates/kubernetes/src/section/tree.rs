//! A YAML text as a tree that knows where everything stands, with scalars as they were written.

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::{Location, NonFiniteFloatPolicy, Options, Spanned, options};
use std::fmt;

/// Keys and values of a text.
const MAX_NODES: usize = 10_000_000;

/// A line and a column, from 1.
pub type Place = (u64, u64);

/// A piece of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Where it begins.
    pub(crate) at: Option<Place>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    /// A scalar without quotes: a number, a truth value or a text, as it was written.
    Plain(String),
    /// A text in quotes, or a block of lines.
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) at: Option<Place>,
    pub(crate) value: Node,
}

/// Why a text is no YAML, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotYaml {
    pub(crate) at: Option<Place>,
    pub(crate) message: String,
}

impl From<Kind> for Node {
    fn from(kind: Kind) -> Self {
        Self { at: None, kind }
    }
}

impl Node {
    /// Reads a text; an empty one is null.
    pub(crate) fn read(text: &str) -> Result<Self, NotYaml> {
        let raw: Option<Spanned<Raw>> = serde_saphyr::from_str_with_options(text, yaml_options())
            .map_err(|error| {
            let shown = error.without_snippet().to_string();
            let line = shown.lines().next().unwrap_or_default();
            let end = line.find(" at line ").unwrap_or(line.len());
            NotYaml { at: error.location().and_then(place), message: line[..end].to_owned() }
        })?;
        Ok(raw.map_or_else(|| Kind::Null.into(), |raw| node(raw, text)))
    }

    /// A text that nothing takes for anything else.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Kind::Text(text.into()).into()
    }

    /// Keys and values.
    pub(crate) fn map(pairs: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let entry = |(key, value): (&str, Self)| Entry { key: key.to_owned(), at: None, value };
        Kind::Map(pairs.into_iter().map(entry).collect()).into()
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// What stands at the end of some keys.
    pub(crate) fn at_path(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// A scalar as it was written, with or without quotes.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Plain(text) | Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a template of Helm would take it for nothing.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Null => true,
            Kind::Plain(text) => matches!(text.as_str(), "0" | "0.0" | "false" | "False" | "FALSE"),
            Kind::Text(text) => text.is_empty(),
            Kind::List(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
        }
    }

    /// What it is called in messages.
    pub(crate) fn noun(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Plain(text) if model::scalar::truth(text).is_some() => "true or false",
            Kind::Plain(text) if model::scalar::float(text).is_some() => "a number",
            Kind::Plain(_) | Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// The tree without places: what prints as it was written is a number or a truth value.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Plain(text) => {
                let guess: Option<Value> = serde_json::from_str(text).ok();
                let scalar = |guess: &Value| guess.is_number() || guess.is_boolean();
                let guess = guess.filter(|guess| {
                    let printed = guess.to_string();
                    scalar(guess) && printed == *text
                });
                guess.unwrap_or_else(|| text.as_str().into())
            }
            Kind::Text(text) => text.as_str().into(),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Map(entries) => {
                let pairs = entries.iter();
                Value::Object(pairs.map(|e| (e.key.clone(), e.value.to_value())).collect())
            }
        }
    }
}

fn yaml_options() -> Options {
    options! {
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_events: 2 * MAX_NODES },
        emit_comments: false,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
    }
}

fn place(location: Location) -> Option<Place> {
    (location != Location::UNKNOWN).then(|| (location.line(), location.column()))
}

enum Raw {
    Null,
    /// A number or a truth value.
    Guessed(String),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let at = place(raw.referenced);
    let span = raw.defined.span();
    let written = || written(text, span.byte_offset(), span.byte_len());
    let kind = match raw.value {
        Raw::Null => Kind::Null,
        Raw::Guessed(guess) => Kind::Plain(written().map_or(guess, str::to_owned)),
        Raw::Text(value) if written() == Some(value.as_str()) => Kind::Plain(value),
        Raw::Text(value) => Kind::Text(value),
        Raw::List(items) => Kind::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(pairs) => {
            let entry = |(key, value): (Spanned<String>, _)| {
                let at = place(key.referenced);
                Entry { key: key.value, at, value: node(value, text) }
            };
            Kind::Map(pairs.into_iter().map(entry).collect())
        }
    };
    Node { at, kind }
}

/// The text of a scalar, without what may stand around it.
fn written(text: &str, offset: Option<u64>, len: Option<u64>) -> Option<&str> {
    let start = usize::try_from(offset?).ok()?;
    let end = start.checked_add(usize::try_from(len?).ok()?)?;
    text.get(start..end).map(str::trim).filter(|raw| !raw.is_empty())
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Raw::Map(pairs))
    }
}
