//! A YAML text as a tree whose texts are those that were written.
//!
//! Read without a schema, a label value `1.10` would be the number 1.1 and a label name `y` the
//! truth value of YAML 1.1. The fields they stand in want texts, so only what prints as it was
//! written is kept as a number or a truth value.

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::{Location, Spanned, from_str_with_options};
use std::fmt;

/// Reads a text that was loaded before; `Null` if it cannot be read.
pub(super) fn read(text: &str) -> Value {
    let node: Result<Option<Spanned<Node>>, _> =
        from_str_with_options(text, super::reading::yaml_options());
    node.ok().flatten().map_or(Value::Null, |node| value(node, text))
}

/// A text under a key, and where it stands.
pub(super) struct Walk<'a> {
    /// The key above `key`, also when a list is between them.
    pub(super) parent: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) location: Location,
}

/// Shows every text of a text that was loaded before.
pub(super) fn walk(text: &str, see: &mut dyn FnMut(Walk<'_>)) {
    let node: Result<Option<Spanned<Node>>, _> =
        from_str_with_options(text, super::reading::yaml_options());
    if let Ok(Some(node)) = node {
        show(&node, ["", ""], see);
    }
}

fn show(node: &Spanned<Node>, [parent, key]: [&str; 2], see: &mut dyn FnMut(Walk<'_>)) {
    match &node.value {
        Node::Guessed(_) => {}
        Node::Text(value) => see(Walk { parent, key, value, location: node.referenced }),
        Node::List(items) => items.iter().for_each(|item| show(item, [parent, key], see)),
        Node::Map(pairs) => pairs.iter().for_each(|(inner, node)| show(node, [key, inner], see)),
    }
}

enum Node {
    /// A number, a truth value or nothing, guessed by the form of the text.
    Guessed(Value),
    Text(String),
    List(Vec<Spanned<Node>>),
    Map(Vec<(String, Spanned<Node>)>),
}

fn value(node: Spanned<Node>, text: &str) -> Value {
    let span = node.defined.span();
    match node.value {
        Node::Guessed(Value::Null) => Value::Null,
        Node::Guessed(guess) => {
            let printed = guess.to_string();
            let raw = written(text, span.byte_offset(), span.byte_len());
            raw.filter(|raw| *raw != printed).map_or(guess, Value::from)
        }
        Node::Text(text) => text.into(),
        Node::List(items) => items.into_iter().map(|item| value(item, text)).collect(),
        Node::Map(pairs) => {
            Value::Object(pairs.into_iter().map(|(key, node)| (key, value(node, text))).collect())
        }
    }
}

/// The text of a scalar, without what may stand around it.
fn written(text: &str, offset: Option<u64>, len: Option<u64>) -> Option<&str> {
    let start = usize::try_from(offset?).ok()?;
    let end = start.checked_add(usize::try_from(len?).ok()?)?;
    text.get(start..end).map(str::trim).filter(|raw| !raw.is_empty())
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Guessed(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Guessed(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Guessed(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Guessed(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Guessed(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        // Infinities and NaN have no number in JSON; any text but theirs will do.
        let guess = serde_json::Number::from_f64(value).map_or("".into(), Value::Number);
        Ok(Node::Guessed(guess))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Node::Map(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn scalars_are_texts_as_written() {
        let check = |text: &str, expected: &str| {
            assert_eq!(read(text).to_string(), expected, "{text}");
        };
        check("", "null");
        check("a: y", r#"{"a":"y"}"#);
        check("a: true", r#"{"a":true}"#);
        check("a: 'true'", r#"{"a":"true"}"#);
        check("é: 1.10 # a comment", r#"{"é":"1.10"}"#);
        check("\u{feff}a: 010\r\nb: off\r\n", r#"{"a":"010","b":"off"}"#);
        check("a: [1, 01, 1e3, .inf, ~, null, x]", r#"{"a":[1,"01","1e3",".inf",null,null,"x"]}"#);
        check("a: &v 1.50\nb: *v\nc: {<<: {d: 2.0}}", r#"{"a":"1.50","b":"1.50","c":{"d":2.0}}"#);
        check("y: 0x10\nn:\n- no", r#"{"n":["no"],"y":"0x10"}"#);
    }
}
