//! Texts that many objects have in common, kept once.

use parking_lot::Mutex;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

/// A text of an object. Equal ones are kept once, for as long as one of them lives; a clone costs
/// nothing. A null is an empty text.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

/// All texts that live, in parts of their own so that readers seldom wait for each other.
static TEXTS: LazyLock<[Mutex<Texts>; PARTS]> = LazyLock::new(Default::default);
const PARTS: usize = 16;

#[derive(Default)]
struct Texts {
    all: HashSet<Arc<str>>,
    /// How often a text was asked for since those without another owner were swept away.
    asked: usize,
}

/// A part is not swept before it was asked so often.
const MIN_SWEEP: usize = 1024;

impl Texts {
    fn get(&mut self, text: &str) -> Arc<str> {
        self.asked += 1;
        // As many are looked at as were asked for, so a sweep costs each of them nothing much.
        if self.asked > MIN_SWEEP.max(self.all.len()) {
            self.sweep();
        }
        if let Some(known) = self.all.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.all.insert(Arc::clone(&new));
        new
    }

    /// Lets go of what only this still owns: nobody else can get hold of it meanwhile.
    fn sweep(&mut self) {
        self.asked = 0;
        self.all.retain(|text| Arc::strong_count(text) > 1);
        if self.all.capacity() > self.all.len() * 4 {
            self.all.shrink_to(self.all.len() * 2);
        }
    }
}

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

/// Reads a text of which there will hardly be another one like it.
pub(super) fn unshared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    deserializer.deserialize_option(Reader(Text::unshared))
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(Reader(|text| text.into()))
    }
}

/// Reads a text without owning it in between.
struct Reader(fn(&str) -> Text);

impl<'de> Visitor<'de> for Reader {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_unit<E: Error>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_none<E: Error>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
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
        // Lengths and last letters of texts differ the most.
        let last = text.as_bytes().last().copied().unwrap_or_default();
        let part = (text.len() ^ usize::from(last)) % PARTS;
        Self(TEXTS[part].lock().get(text))
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
