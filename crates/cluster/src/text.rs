//! What many objects have in common, kept once: texts, and lists of whatever can be compared.

use hashbrown::HashTable;
use parking_lot::Mutex;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

/// Things of which equal ones are kept once, for as long as somebody has one.
pub struct Pool<T: ?Sized> {
    hasher: RandomState,
    /// Several, so that those who look seldom wait for each other.
    parts: [Mutex<Part<T>>; PARTS],
}

const PARTS: usize = 16;

struct Part<T: ?Sized> {
    all: HashTable<Arc<T>>,
    /// It is swept of what nobody else has when it was asked so often from now on.
    asks_left: usize,
}

/// A part is not swept before it was asked so often.
const MIN_SWEEP: usize = 512;

impl<T: ?Sized + Hash + Eq> Pool<T> {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let part = |_| Mutex::new(Part { all: HashTable::new(), asks_left: MIN_SWEEP });
        Self { hasher: RandomState::new(), parts: std::array::from_fn(part) }
    }

    /// The one that is kept and equal to this.
    pub fn get(&self, thing: &T) -> Arc<T>
    where
        for<'a> Arc<T>: From<&'a T>,
    {
        let hash = self.hasher.hash_one(thing);
        // The table uses the lowest and the highest bits.
        let at = usize::from((hash >> 32).to_le_bytes()[0]) % PARTS;
        let mut part = self.parts[at].lock();
        part.asks_left = part.asks_left.saturating_sub(1);
        if part.asks_left == 0 {
            self.sweep(&mut part);
        }
        if let Some(known) = part.all.find(hash, |known| **known == *thing) {
            return Arc::clone(known);
        }
        let new: Arc<T> = thing.into();
        part.all.insert_unique(hash, Arc::clone(&new), |known| self.hasher.hash_one(&**known));
        new
    }

    /// Lets go of what only this still has: nobody else can get hold of it meanwhile.
    fn sweep(&self, part: &mut Part<T>) {
        part.all.retain(|thing| Arc::strong_count(thing) > 1);
        // At most twice as many are looked at then as were asked for, so it costs each nothing much.
        part.asks_left = part.all.len().max(MIN_SWEEP);
        if part.all.capacity() > part.all.len() * 4 {
            part.all.shrink_to(part.all.len() * 2, |known| self.hasher.hash_one(&**known));
        }
    }

    /// How many things are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().all.len()).sum()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: ?Sized + Hash + Eq> Default for Pool<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: ?Sized + Hash + Eq> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// A text of an object. Equal ones are kept once, for as long as one of them lives; a clone costs
/// nothing. A null is an empty text.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

static TEXTS: LazyLock<Pool<str>> = LazyLock::new(Pool::new);

impl Text {
    /// A text of which there will hardly be another one like it.
    #[must_use]
    pub fn unshared(text: &str) -> Self {
        Self(text.into())
    }

    /// As a `&str`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, |text| text.into())
    }
}

/// Reads a text as something without owning it in between; a null is an empty one.
///
/// # Errors
/// When it is anything else.
pub fn read_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    make: fn(&str) -> T,
) -> Result<T, D::Error> {
    deserializer.deserialize_option(Reader(make))
}

struct Reader<T>(fn(&str) -> T);

impl<'de, T> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(self.0(""))
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        Ok(self.0(""))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(self.0(text))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        Self(TEXTS.get(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Text> for Arc<str> {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Text, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn equal_texts_are_kept_once() {
        let (plain, escaped) =
            (read("\"istio-proxy\"").unwrap(), read("\"istio\\u002dproxy\"").unwrap());
        let own = Text::from("istio-proxy");
        assert!(plain.as_ptr() == own.as_ptr() && escaped.as_ptr() == own.as_ptr());
        assert_ne!(Text::unshared("istio-proxy").as_ptr(), own.as_ptr());
        assert_eq!(Text::unshared("istio-proxy"), own);
        assert_eq!((Text::from(""), read("null").unwrap()), (Text::default(), Text::default()));
        for (json, part) in [("7", "integer"), ("[]", "sequence"), ("true", "boolean")] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn what_nobody_has_is_let_go() {
        let texts: Pool<str> = Pool::new();
        let kept = texts.get("kept");
        for n in 0..100_000 {
            texts.get(&format!("passing {n}"));
            assert!(n % 1000 != 0 || texts.len() < 2 * PARTS * MIN_SWEEP, "{}", texts.len());
        }
        assert!(Arc::ptr_eq(&kept, &texts.get("kept")));
        // Many that live are looked at seldom, and none of them is lost.
        let many: Vec<_> = (0..20_000).map(|n| texts.get(&format!("living {n}"))).collect();
        for (n, text) in many.iter().enumerate() {
            assert!(Arc::ptr_eq(text, &texts.get(&format!("living {n}"))));
        }
        assert!(texts.len() >= 20_001);
        drop(many);
        // Parts that are not asked are not swept.
        for n in 0..200_000 {
            texts.get(&format!("passing {}", n % 1000));
        }
        assert!(texts.len() < 1200, "{}", texts.len());
    }
}
