//! Trees of a configuration, with their keys in the order in which they were set.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value;

/// A piece of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Yaml>),
    /// Keys and values.
    Map(Fields),
}

/// Keys and values; the keys are distinct.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(String, Yaml)>);

impl Fields {
    /// Adds a key.
    pub fn set(&mut self, key: &str, value: impl Into<Yaml>) {
        self.0.push((key.to_owned(), value.into()));
    }

    /// Adds a key when there is a value.
    pub fn set_some<T: Into<Yaml>>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Adds a key when the text is not empty.
    pub fn set_text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.set(key, text);
        }
    }

    /// Adds a key when there is anything in the list.
    pub fn set_list<T: Into<Yaml>>(&mut self, key: &str, list: impl IntoIterator<Item = T>) {
        let list: Vec<Yaml> = list.into_iter().map(Into::into).collect();
        if !list.is_empty() {
            self.set(key, Yaml::List(list));
        }
    }

    /// Adds a key when there are any fields.
    pub fn set_fields(&mut self, key: &str, fields: Fields) {
        if !fields.is_empty() {
            self.set(key, fields);
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Yaml> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The keys and values, in their order.
    pub(crate) fn into_pairs(self) -> Vec<(String, Yaml)> {
        self.0
    }

    /// The list of a key, which is made when there is none.
    pub(crate) fn list_mut(&mut self, key: &str) -> &mut Vec<Yaml> {
        let at = self.0.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
            self.set(key, Yaml::List(Vec::new()));
            self.0.len() - 1
        });
        let value = &mut self.0[at].1;
        if !matches!(value, Yaml::List(_)) {
            *value = Yaml::List(Vec::new());
        }
        let Yaml::List(list) = value else { unreachable!("made a list just now") };
        list
    }
}

impl From<bool> for Yaml {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Yaml {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Yaml {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Text(value.to_string()), Self::Int)
    }
}

impl From<f64> for Yaml {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Yaml {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&String> for Yaml {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<String> for Yaml {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<Yaml>> for Yaml {
    fn from(list: Vec<Yaml>) -> Self {
        Self::List(list)
    }
}

impl From<Fields> for Yaml {
    fn from(fields: Fields) -> Self {
        Self::Map(fields)
    }
}

impl From<Value> for Yaml {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Self::Text(text),
            Value::Array(list) => Self::List(list.into_iter().map(Into::into).collect()),
            Value::Object(map) => {
                Self::Map(Fields(map.into_iter().map(|(key, value)| (key, value.into())).collect()))
            }
        }
    }
}

impl Serialize for Yaml {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|value| seq.serialize_element(value))?;
                seq.end()
            }
            Self::Map(fields) => fields.serialize(serializer),
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}
