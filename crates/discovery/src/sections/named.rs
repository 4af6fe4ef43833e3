//! Unknown fields, refused as Prometheus refuses them: with its name for the type of the section.

use serde::de::value::StringDeserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use std::fmt;

/// Reads a struct strictly; `name` is what its type is called in messages.
pub(crate) fn named<'de, D, T>(deserializer: D, name: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(Named { inner: deserializer, name })
}

struct Named<D> {
    inner: D,
    name: &'static str,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Named<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let known = Known { name: self.name, fields };
        self.inner.deserialize_struct(name, fields, Fields { visitor, known })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[derive(Clone, Copy)]
struct Known {
    name: &'static str,
    fields: &'static [&'static str],
}

struct Fields<V> {
    visitor: V,
    known: Known,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Fields<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Strict { map, known: self.known })
    }
}

struct Strict<A> {
    map: A,
    known: Known,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<K>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error>
    where
        K: DeserializeSeed<'de>,
    {
        self.map.next_key_seed(Key { seed, known: self.known })
    }

    fn next_value_seed<S>(&mut self, seed: S) -> Result<S::Value, A::Error>
    where
        S: DeserializeSeed<'de>,
    {
        self.map.next_value_seed(seed)
    }
}

struct Key<K> {
    seed: K,
    known: Known,
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<K> {
    type Value = K::Value;

    /// Fails within the key, so that the error gets its place.
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        let key = String::deserialize(deserializer)?;
        if !self.known.fields.contains(&key.as_str()) {
            let (name, fields) = (self.known.name, self.known.fields.join("`, `"));
            return Err(Error::custom(format_args!(
                "field {key} not found in type {name}, expected one of `{fields}`"
            )));
        }
        self.seed.deserialize(StringDeserializer::new(key))
    }
}
