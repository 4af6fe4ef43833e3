//! What a value may look like, and the reading of a tree by it: strict, all faults at once, each
//! with path and place.

use super::tree::{Entry, Kind, Node, Place};
use model::duration::Duration;
use model::edits;
use serde_json::{Map, Value};
use std::fmt;

/// What a value may look like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Truth,
    Whole,
    /// A whole number that may be below 0.
    Signed,
    Text,
    /// A name or a number.
    Port,
    Duration,
    Size,
    /// One of these.
    Choice(&'static [&'static str]),
    List(&'static Shape),
    /// Keys that people choose.
    Map(&'static Shape),
    Object(&'static [Field]),
    /// A list in the form of a `prometheus.yml`, or a reference to one.
    Additional(&'static [Field]),
    /// Whatever it is, it is not looked at here.
    Anything,
}

/// A key of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
}

/// A key of an object.
pub(crate) const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

/// Something wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line and column from 1, where they are known.
    pub place: Option<Place>,
    /// The keys that lead to it, such as `scrapeClasses[0].name`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Reads trees by their shapes.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// What is wrong, in the order of the text.
    pub(crate) faults: Vec<Fault>,
    /// Keys that are not known, each with the nearest that is.
    pub(crate) unknown: Vec<Fault>,
    /// Numbers and truth values may stand in quotes, as a chart's templates take them out.
    pub(crate) loose: bool,
}

impl Reader {
    fn fault(&mut self, at: Option<Place>, path: &str, message: impl Into<String>) -> Value {
        self.faults.push(Fault { place: at, path: path.to_owned(), message: message.into() });
        Value::Null
    }

    /// The value, with null for what is wrong.
    pub(crate) fn read(&mut self, node: &Node, shape: Shape, path: &str) -> Value {
        if matches!(node.kind, Kind::Null) {
            return Value::Null;
        }
        match shape {
            Shape::Anything => node.to_value(),
            Shape::List(item) => match &node.kind {
                Kind::List(items) => {
                    let items = items.iter().enumerate();
                    items.map(|(i, node)| self.item(node, *item, &format!("{path}[{i}]"))).collect()
                }
                _ => self.expected(node, path, "a list"),
            },
            Shape::Map(value) => match &node.kind {
                Kind::Map(entries) => {
                    let pairs = entries.iter().map(|entry| {
                        let read = self.read(&entry.value, *value, &join(path, &entry.key));
                        (entry.key.clone(), read)
                    });
                    Value::Object(pairs.collect())
                }
                _ => self.expected(node, path, "a map"),
            },
            Shape::Object(fields) => match &node.kind {
                Kind::Map(entries) => self.object(entries, fields, path),
                _ => self.expected(node, path, "a map"),
            },
            Shape::Additional(fields) => match &node.kind {
                Kind::List(items) => items.iter().map(Node::to_value).collect(),
                Kind::Map(entries) => self.object(entries, fields, path),
                _ => self.expected(node, path, "a list, or the key of a Secret or a ConfigMap"),
            },
            scalar => self.scalar(node, scalar, path),
        }
    }

    fn item(&mut self, node: &Node, shape: Shape, path: &str) -> Value {
        match node.kind {
            Kind::Null => self.fault(node.at, path, "expected a value, not nothing"),
            _ => self.read(node, shape, path),
        }
    }

    fn expected(&mut self, node: &Node, path: &str, what: &str) -> Value {
        let found = match node.scalar() {
            Some(text) if text.len() <= 40 => format!("{} ({text:?})", node.noun()),
            _ => node.noun().to_owned(),
        };
        self.fault(node.at, path, format!("expected {what}, not {found}"))
    }

    /// The known keys of an object.
    pub(crate) fn object(&mut self, entries: &[Entry], fields: &[Field], path: &str) -> Value {
        let mut out = Map::new();
        for entry in entries {
            let path = join(path, &entry.key);
            match fields.iter().find(|field| field.name == entry.key) {
                Some(field) => {
                    let value = self.read(&entry.value, field.shape, &path);
                    if !value.is_null() {
                        out.insert(entry.key.clone(), value);
                    }
                }
                None => {
                    let names = fields.iter().map(|field| field.name);
                    let message = unknown(&entry.key, names);
                    self.unknown.push(Fault { place: entry.at, path, message });
                }
            }
        }
        Value::Object(out)
    }

    fn scalar(&mut self, node: &Node, shape: Shape, path: &str) -> Value {
        let Some(text) = node.scalar() else { return self.expected(node, path, of(shape)) };
        let plain = match &node.kind {
            Kind::Plain(text) => Some(text.as_str()),
            Kind::Text(text) if self.loose => Some(text.as_str()),
            _ => None,
        };
        let value = match shape {
            Shape::Truth => plain.and_then(model::scalar::truth).map(Value::from),
            Shape::Whole => plain.and_then(whole).map(Value::from),
            Shape::Signed => plain.and_then(|text| text.parse::<i64>().ok()).map(Value::from),
            Shape::Text => Some(text.into()),
            Shape::Port => {
                let number = plain.and_then(|text| text.parse::<u16>().ok()).map(Value::from);
                number.or_else(|| Some(text.into()))
            }
            Shape::Duration => {
                let taken = text.is_empty() || Duration::parse(text).is_ok();
                taken.then(|| text.into())
            }
            Shape::Size => {
                let taken = text.is_empty() || model::size::parse_bytes(text).is_ok();
                taken.then(|| text.into())
            }
            Shape::Choice(all) => {
                let taken = text.is_empty() || all.contains(&text);
                if !taken {
                    let expected = format!("one of {}", all.join(", "));
                    return self.expected(node, path, &expected);
                }
                Some(text.into())
            }
            _ => unreachable!("only scalars come here"),
        };
        match value {
            Some(value) => value,
            None => self.expected(node, path, of(shape)),
        }
    }
}

/// A whole number of 0 or more, which may have an exponent but no fraction.
fn whole(text: &str) -> Option<u64> {
    let is_whole = |number: f64| number.fract() == 0.0;
    model::scalar::unsigned(text).filter(|_| model::scalar::float(text).is_some_and(is_whole))
}

/// What a scalar of a shape is called.
fn of(shape: Shape) -> &'static str {
    match shape {
        Shape::Truth => "true or false",
        Shape::Whole => "a whole number of 0 or more",
        Shape::Signed => "a whole number",
        Shape::Text => "a text",
        Shape::Port => "a name or a number",
        Shape::Duration => "a duration such as 30s or 15d",
        Shape::Size => "a size such as 512MB or 50GB",
        _ => "another value",
    }
}

/// That a key is not known, and the nearest that is.
pub(crate) fn unknown<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> String {
    let hint =
        nearest(key, known).map_or_else(String::new, |near| format!(" (the nearest is {near})"));
    format!("field {key} not found in type{hint}")
}

/// The path of a key below another; a key that is more than a word stands in quotes.
pub(crate) fn join(path: &str, key: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let quoted = key.is_empty() || !key.chars().all(is_word);
    let key = if quoted { format!("{key:?}") } else { key.to_owned() };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The word with the fewest edits from `text`, whatever the case of letters; none when all need more
/// than a third of it.
fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase();
    let edits_to = |word: &str| edits(lower.as_bytes(), word.to_lowercase().as_bytes());
    let (edits, word) = words.map(|word| (edits_to(word), word)).min()?;
    (edits <= text.len().div_ceil(3)).then_some(word)
}
