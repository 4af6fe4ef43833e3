//! Label sets: compact, sorted by name, cheap to clone, compare and hash.
//!
//! A set is one reference-counted string: for each label, in ascending byte order of names,
//! `len(name) name len(value) value`. A length is one byte below 127, or the byte 127 and five
//! groups of seven bits, least significant first. All of it is ASCII or copied text, so the whole
//! is a valid `str` and slices of it need no checks.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// The label that holds the metric name.
pub const METRIC_NAME: &str = "__name__";

const LONG: u8 = 127;

static EMPTY: LazyLock<Labels> = LazyLock::new(|| Labels(Arc::from("")));

/// A sorted set of labels with distinct names and non-empty values.
#[derive(Clone, PartialEq, Eq)]
pub struct Labels(Arc<str>);

impl Labels {
    /// The empty set.
    #[must_use]
    pub fn empty() -> Self {
        EMPTY.clone()
    }

    /// Builds a set from pairs in any order. Of equal names the last wins; an empty value means that
    /// the label is absent.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut builder = LabelsBuilder::new();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// Builds a set from pairs that are already in ascending order of distinct names; empty values
    /// are left out.
    ///
    /// # Panics
    /// In debug builds, when the order does not hold.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut packed = String::with_capacity(128);
        let mut last: Option<&str> = None;
        for (name, value) in pairs {
            debug_assert!(last.is_none_or(|last| last < name), "labels out of order");
            last = Some(name);
            if !value.is_empty() {
                push_text(&mut packed, name);
                push_text(&mut packed, value);
            }
        }
        if packed.is_empty() { Self::empty() } else { Self(packed.into()) }
    }

    /// The value of a label, if the set has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        for (n, v) in self.iter() {
            match n.cmp(name) {
                Ordering::Less => {}
                Ordering::Equal => return Some(v),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// The metric name, or the empty string.
    #[must_use]
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    /// The labels in ascending byte order of their names.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.0 }
    }

    /// The number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether the set has no labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A hash that is the same in every process and release: xxHash64, seed 0, over the packed form.
    #[must_use]
    pub fn hash64(&self) -> u64 {
        xxhash_rust::xxh64::xxh64(self.0.as_bytes(), 0)
    }

    /// The packed form, equal exactly for equal sets; for hashing and interning.
    #[must_use]
    pub fn as_packed(&self) -> &str {
        &self.0
    }

    /// Bytes held on the heap, the counts of the reference included.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.0.len() + 2 * size_of::<usize>()
    }

    /// The labels for which `keep` is true.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(&str, &str) -> bool) -> Self {
        let mut packed = String::with_capacity(self.0.len());
        for (name, value) in self.iter() {
            if keep(name, value) {
                push_text(&mut packed, name);
                push_text(&mut packed, value);
            }
        }
        if packed.len() == self.0.len() {
            self.clone()
        } else if packed.is_empty() {
            Self::empty()
        } else {
            Self(packed.into())
        }
    }

    /// The set with one label set to a value; an empty value removes it.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut builder = self.to_builder();
        builder.set(name, value);
        builder.build()
    }

    /// A builder that starts with these labels.
    #[must_use]
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder { pairs: self.iter().map(|(n, v)| (Box::from(n), Box::from(v))).collect() }
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.as_bytes());
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 { Ordering::Equal } else { self.iter().cmp(other.iter()) }
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `{a="1", b="2"}`, values quoted as Go quotes strings; the form of Prometheus' error texts.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            crate::names::write_label_name(f, name)?;
            f.write_str("=")?;
            crate::names::write_quoted(f, value)?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Walks over the labels of a set.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let name = take_text(&mut self.rest);
        let value = take_text(&mut self.rest);
        Some((name, value))
    }
}

#[inline]
fn take_text<'a>(rest: &mut &'a str) -> &'a str {
    let bytes = rest.as_bytes();
    let (len, head) = if bytes[0] < LONG {
        (usize::from(bytes[0]), 1)
    } else {
        let len = (0..5).fold(0, |len, i| len | usize::from(bytes[1 + i]) << (7 * i));
        (len, 6)
    };
    let (text, tail) = rest[head..].split_at(len);
    *rest = tail;
    text
}

fn push_text(packed: &mut String, text: &str) {
    match u8::try_from(text.len()) {
        Ok(len) if len < LONG => packed.push(char::from(len)),
        _ => {
            assert!(text.len() < 1 << 35, "a label of 32 GiB");
            packed.push(char::from(LONG));
            for i in 0..5 {
                let group = u8::try_from((text.len() >> (7 * i)) & 0x7f).expect("seven bits");
                packed.push(char::from(group));
            }
        }
    }
    packed.push_str(text);
}

/// A label set under construction, kept sorted.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    pairs: Vec<(Box<str>, Box<str>)>,
}

impl LabelsBuilder {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a label, if set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).ok().map(|i| &*self.pairs[i].1)
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match (self.find(name), value.is_empty()) {
            (Ok(i), true) => drop(self.pairs.remove(i)),
            (Ok(i), false) => self.pairs[i].1 = value.into(),
            (Err(_), true) => {}
            (Err(i), false) => self.pairs.insert(i, (name.into(), value.into())),
        }
        self
    }

    /// Removes a label.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.set(name, "")
    }

    /// Keeps the labels for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) -> &mut Self {
        self.pairs.retain(|(n, v)| keep(n, v));
        self
    }

    /// The labels in ascending order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(n, v)| (&**n, &**v))
    }

    /// Removes all labels, keeping the memory.
    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// The finished set.
    #[must_use]
    pub fn build(&self) -> Labels {
        Labels::from_sorted(self.iter())
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.pairs.binary_search_by(|(n, _)| (**n).cmp(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_and_the_last_of_equal_names_wins() {
        let labels = Labels::from_pairs([("b", "2"), ("a", "1"), ("b", "3"), ("c", "")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
        assert_eq!(labels.get("b"), Some("3"));
        assert_eq!(labels.get("c"), None);
        assert_eq!(labels.to_string(), r#"{a="1", b="3"}"#);
    }

    #[test]
    fn long_values_survive_packing() {
        for len in [0, 1, 126, 127, 128, 16_383, 16_384, 3_000_000] {
            let value = "é".repeat(len);
            let labels = Labels::from_pairs([("a", value.as_str()), ("z", "end")]);
            assert_eq!(labels.get("a").unwrap_or(""), value);
            assert_eq!(labels.get("z"), Some("end"));
        }
    }

    #[test]
    fn order_is_by_pairs_not_by_packed_bytes() {
        let check = |smaller: &[(&str, &str)], larger: &[(&str, &str)]| {
            let pack = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
            assert!(pack(smaller) < pack(larger), "{smaller:?} < {larger:?}");
        };
        check(&[("a", "1")], &[("a", "1"), ("b", "1")]);
        check(&[("a", "zz")], &[("b", "a")]);
        check(&[("a", "10")], &[("a", "9")]);
        check(&[], &[("a", "1")]);
    }
}
