//! Maps and lists that never change, in no more memory than they need.

use cluster::{Pool, Text};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::fmt;
use std::hash::Hash;
use std::iter::{Map as Mapped, Zip};
use std::ops::Deref;
use std::slice::Iter;
use std::sync::{Arc, LazyLock};

/// Texts by name, in the order of the names. Equal names are kept once, and equal texts, too: the pods
/// of a deployment have the same labels, and annotations of the same names. A null is an empty one.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Map {
    names: Arc<[Text]>,
    texts: Arc<[Text]>,
}

static TEXTS: LazyLock<Pool<[Text]>> = LazyLock::new(Pool::new);

/// Texts that others have in this order, too.
pub(super) fn shared_texts(texts: &[Text]) -> Arc<[Text]> {
    if texts.is_empty() { Arc::default() } else { TEXTS.get(texts) }
}

impl Map {
    /// The text of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.names.binary_search_by(|own| own.as_str().cmp(name)).ok()?;
        self.texts.get(at).map(Text::as_str)
    }

    /// Names and texts.
    pub fn iter(&self) -> <&Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Puts them in order; the last one of a name counts.
    fn of(mut pairs: Vec<(Text, Text)>) -> Self {
        // In the order of names already, as nearly always, this only looks at them.
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        pairs.reverse();
        pairs.dedup_by(|(a, _), (b, _)| a == b);
        let (names, texts): (Vec<_>, Vec<_>) = pairs.into_iter().rev().unzip();
        Self { names: shared_texts(&names), texts: shared_texts(&texts) }
    }
}

type Pair<'a> = (&'a str, &'a str);

impl<'a> IntoIterator for &'a Map {
    type Item = Pair<'a>;
    type IntoIter =
        Mapped<Zip<Iter<'a, Text>, Iter<'a, Text>>, fn((&'a Text, &'a Text)) -> Pair<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.names.iter().zip(self.texts.iter()).map(|(name, text)| (name, text))
    }
}

impl<N: Into<Text>, T: Into<Text>> FromIterator<(N, T)> for Map {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(pairs: I) -> Self {
        Self::of(pairs.into_iter().map(|(name, text)| (name.into(), text.into())).collect())
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(MapReader(|_| true))
    }
}

/// What `kubectl apply` keeps of an object in one of its annotations: all of it.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Reads annotations, without what is of no use to anybody and long.
pub(super) fn annotations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map, D::Error> {
    deserializer.deserialize_option(MapReader(|name| name != LAST_APPLIED))
}

/// Reads a map: those pairs whose names are wanted.
struct MapReader(fn(&str) -> bool);

impl<'de> Visitor<'de> for MapReader {
    type Value = Map;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by name")
    }

    fn visit_unit<E: Error>(self) -> Result<Map, E> {
        Ok(Map::default())
    }

    fn visit_none<E: Error>(self) -> Result<Map, E> {
        Ok(Map::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Map, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<Text>()? {
            if self.0(&name) {
                pairs.push((name, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Map::of(pairs))
    }
}

/// Some things in their order. A null is an empty one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct List<T>(Box<[T]>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.0.iter()
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(things: I) -> Self {
        Self(things.into_iter().collect())
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(things: Vec<T>) -> Self {
        Self(things.into())
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let things = Option::<Vec<T>>::deserialize(deserializer)?;
        Ok(things.unwrap_or_default().into())
    }
}

/// Some things in their order, as many objects have the same ones: equal lists are kept once. A null is
/// an empty one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shared<T>(Arc<[T]>);

/// What shared lists are of.
pub trait Pooled: Clone + Eq + Hash + Sized + 'static {
    /// Where they are kept.
    fn pool() -> &'static Pool<[Self]>;
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T> IntoIterator for &'a Shared<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.0.iter()
    }
}

impl<T: Pooled> From<Vec<T>> for Shared<T> {
    fn from(things: Vec<T>) -> Self {
        if things.is_empty() { Self::default() } else { Self(T::pool().get(&things)) }
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, T: Pooled + Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let things = Option::<Vec<T>>::deserialize(deserializer)?;
        Ok(things.unwrap_or_default().into())
    }
}

/// Reads something for which a null is the same as nothing.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
