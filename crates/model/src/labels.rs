//! Label sets: compact, sorted by name, cheap to clone, compare and hash.
//!
//! A set is one reference-counted string: for each label, in ascending byte order of names,
//! `len(name) name len(value) value`. A length is one byte below 127, or the byte 127 and five
//! groups of seven bits, least significant first. All of it is ASCII or copied text, so the whole
//! is a valid `str` and slices of it need no checks.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// The label that holds the metric name.
pub const METRIC_NAME: &str = "__name__";

const LONG: u8 = 127;
/// A thread keeps memory for sets up to this length.
const KEPT_BYTES: usize = 64 << 10;

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
        Self::packed(|packed| {
            let mut last: Option<&str> = None;
            for (name, value) in pairs {
                debug_assert!(last.is_none_or(|last| last < name), "labels out of order");
                last = Some(name);
                if !value.is_empty() {
                    push_text(packed, name);
                    push_text(packed, value);
                }
            }
        })
    }

    /// Packs into memory that is used again for the next set.
    fn packed(pack: impl FnOnce(&mut String)) -> Self {
        thread_local! {
            static PACKED: Cell<String> = const { Cell::new(String::new()) };
        }
        let mut packed = PACKED.take();
        packed.clear();
        pack(&mut packed);
        let labels = if packed.is_empty() { Self::empty() } else { Self(packed.as_str().into()) };
        if packed.capacity() <= KEPT_BYTES {
            PACKED.set(packed);
        }
        labels
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
        let mut is_whole = true;
        let kept = Self::packed(|packed| {
            for (name, value) in self.iter() {
                if keep(name, value) {
                    push_text(packed, name);
                    push_text(packed, value);
                }
            }
            is_whole = packed.len() == self.0.len();
            if is_whole {
                packed.clear();
            }
        });
        if is_whole { self.clone() } else { kept }
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
        let mut builder = LabelsBuilder::new();
        builder.reset(self);
        builder
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
///
/// Texts are appended to one buffer, so that a builder that is used again takes no memory. A value
/// that was replaced stays in the buffer until [`clear`](Self::clear) or [`reset`](Self::reset).
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    text: String,
    pairs: Vec<Pair>,
}

/// Where a name and its value stand in the buffer.
#[derive(Clone, Debug)]
struct Pair {
    name: Range<usize>,
    value: Range<usize>,
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
        self.find(name).ok().map(|i| &self.text[self.pairs[i].value.clone()])
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match (self.find(name), value.is_empty()) {
            (Ok(i), true) => drop(self.pairs.remove(i)),
            (Ok(i), false) if self.text[self.pairs[i].value.clone()] == *value => {}
            (Ok(i), false) => self.pairs[i].value = self.push(value),
            (Err(_), true) => {}
            (Err(i), false) => {
                let pair = Pair { name: self.push(name), value: self.push(value) };
                self.pairs.insert(i, pair);
            }
        }
        self
    }

    /// Removes a label.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.set(name, "")
    }

    /// Keeps the labels for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) -> &mut Self {
        let Self { text, pairs } = self;
        pairs.retain(|pair| keep(&text[pair.name.clone()], &text[pair.value.clone()]));
        self
    }

    /// The labels in ascending order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = |range: &Range<usize>| &self.text[range.clone()];
        self.pairs.iter().map(move |pair| (text(&pair.name), text(&pair.value)))
    }

    /// The number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are no labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Removes all labels, keeping the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.pairs.clear();
    }

    /// Begins again with these labels, keeping the memory.
    pub fn reset(&mut self, labels: &Labels) {
        self.clear();
        for (name, value) in labels {
            let pair = Pair { name: self.push(name), value: self.push(value) };
            self.pairs.push(pair);
        }
    }

    /// The finished set.
    #[must_use]
    pub fn build(&self) -> Labels {
        Labels::from_sorted(self.iter())
    }

    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.pairs.binary_search_by(|pair| self.text[pair.name.clone()].cmp(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

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
    fn a_builder_is_used_again() {
        let mut builder = Labels::from_pairs([("a", "1"), ("c", "3")]).to_builder();
        builder.set("b", "2").set("c", "4").remove("a").set("d", "").set("b", "2");
        assert_eq!(builder.iter().collect::<Vec<_>>(), [("b", "2"), ("c", "4")]);
        assert_eq!((builder.len(), builder.get("c"), builder.get("a")), (2, Some("4"), None));
        builder.retain(|name, _| name == "c");
        assert_eq!(builder.build().to_string(), r#"{c="4"}"#);
        builder.reset(&Labels::from_pairs([("x", "y")]));
        assert_eq!(builder.build().to_string(), r#"{x="y"}"#);
        builder.clear();
        assert!(builder.is_empty() && builder.build() == Labels::empty());
    }

    #[test]
    fn names_that_are_not_classic_are_quoted() {
        let labels = Labels::from_pairs([("a.b", "1\n\""), ("__name__", "up"), ("é", "\u{a0}")]);
        assert_eq!(labels.to_string(), r#"{__name__="up", "a.b"="1\n\"", "é"="\u00a0"}"#);
    }

    fn pairs() -> impl Strategy<Value = BTreeMap<String, String>> {
        prop::collection::btree_map("[a-cé]{0,3}", "([a-cé]|[ab]{120,130}){1,3}", 0..5)
    }

    proptest! {
        #[test]
        fn a_set_is_a_sorted_map(map in pairs(), name in "[a-cé]{0,3}", value in "[ab]{0,2}") {
            let labels = Labels::from_pairs(&map);
            let mut map: BTreeMap<&str, &str> = map.iter().map(|(n, v)| (&**n, &**v)).collect();
            prop_assert!(labels.iter().eq(map.iter().map(|(n, v)| (*n, *v))));
            prop_assert_eq!(labels.get(&name), map.get(&*name).copied());
            prop_assert_eq!((labels.len(), labels.is_empty()), (map.len(), map.is_empty()));
            prop_assert_eq!(&Labels::from_sorted(labels.iter()), &labels);
            prop_assert_eq!(&labels.to_builder().build(), &labels);
            let without = labels.filter(|n, _| n != name);
            match value.is_empty() {
                true => map.remove(&*name),
                false => map.insert(&name, &value),
            };
            prop_assert_eq!(labels.with(&name, &value), Labels::from_pairs(&map));
            map.remove(&*name);
            prop_assert_eq!(without, Labels::from_pairs(map));
        }

        #[test]
        fn order_equality_and_hash_are_those_of_pairs(left in pairs(), right in pairs()) {
            let (l, r) = (Labels::from_pairs(&left), Labels::from_pairs(&right));
            let vec = |map: &BTreeMap<String, String>| -> Vec<(String, String)> {
                map.iter().map(|(n, v)| (n.clone(), v.clone())).collect()
            };
            prop_assert_eq!(l.cmp(&r), vec(&left).cmp(&vec(&right)));
            prop_assert_eq!(l == r, left == right);
            prop_assert_eq!(l.as_packed() == r.as_packed(), left == right);
            prop_assert_eq!(l.hash64() == r.hash64(), left == right);
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
