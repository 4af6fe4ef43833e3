//! Series that belong together: by some of their labels, or because they are called the same.

use super::{Series, is_reserved};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use model::{Labels, METRIC_NAME};
use std::hash::{BuildHasher, Hasher};

/// Which labels tell groups apart.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Sorted.
    names: Vec<Box<str>>,
    /// Whether all labels but `names` and the metric name count, instead of only `names`.
    without: bool,
}

impl Key {
    pub(crate) fn new(names: &[Box<str>], without: bool) -> Self {
        let mut names = names.to_vec();
        names.sort_unstable();
        names.dedup();
        Self { names, without }
    }

    pub(crate) fn keeps(&self, name: &str) -> bool {
        let listed = self.names.binary_search_by(|n| (**n).cmp(name)).is_ok();
        if self.without { !listed && name != METRIC_NAME } else { listed }
    }

    /// Whether nothing that says what a metric is tells groups apart.
    pub(crate) fn ignores_names(&self) -> bool {
        !self.without && !self.names.iter().any(|name| is_reserved(name))
    }

    pub(crate) fn of(&self, labels: &Labels) -> Labels {
        labels.filter(|name, _| self.keeps(name))
    }

    fn hash(&self, labels: &Labels) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        for (name, value) in labels.iter().filter(|(name, _)| self.keeps(name)) {
            hasher.write(name.as_bytes());
            hasher.write_u8(0xff);
            hasher.write(value.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.finish()
    }

    /// Whether labels belong to a key made by [`Key::of`].
    fn is_of(&self, labels: &Labels, key: &Labels) -> bool {
        labels.iter().filter(|(name, _)| self.keeps(name)).eq(key.iter())
    }
}

/// Distinct keys and their numbers, counted from 0.
pub(crate) struct Keys {
    key: Key,
    table: HashTable<u32>,
    pub(crate) labels: Vec<Labels>,
}

impl Keys {
    pub(crate) fn new(key: Key) -> Self {
        Self { key, table: HashTable::new(), labels: Vec::new() }
    }

    /// The number of the key of some labels, a new one if need be.
    pub(crate) fn number(&mut self, labels: &Labels) -> u32 {
        let (key, known) = (&self.key, &self.labels);
        let hash = key.hash(labels);
        let found = self.table.find(hash, |i| key.is_of(labels, &known[*i as usize]));
        if let Some(number) = found {
            return *number;
        }
        let number = u32::try_from(known.len()).expect("fewer than 2^32 series");
        self.table.insert_unique(hash, number, |i| key.hash(&known[*i as usize]));
        self.labels.push(key.of(labels));
        number
    }

    /// The number of the key of some labels, if it is known.
    pub(crate) fn find(&self, labels: &Labels) -> Option<u32> {
        let hash = self.key.hash(labels);
        self.table.find(hash, |i| self.key.is_of(labels, &self.labels[*i as usize])).copied()
    }
}

/// Input series and the groups they belong to. Groups come out in the order in which they are
/// complete when the input is read from first to last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// The group of each input.
    pub(crate) of: Vec<u32>,
    /// The last input of each group.
    last: Vec<u32>,
    /// The number of inputs of each group.
    pub(crate) members: Vec<u32>,
}

impl Groups {
    pub(crate) fn new(of: Vec<u32>, groups: usize) -> Self {
        let (mut last, mut members) = (vec![0; groups], vec![0; groups]);
        for (i, group) in (0..).zip(&of) {
            last[*group as usize] = i;
            members[*group as usize] += 1;
        }
        Self { of, last, members }
    }

    /// Groups by key, and the series each of them makes.
    pub(crate) fn by_key(key: Key, input: &[Series]) -> (Self, Vec<Series>) {
        let mut keys = Keys::new(key);
        let of: Vec<u32> = input.iter().map(|series| keys.number(&series.labels)).collect();
        let mut series: Vec<Series> = keys.labels.into_iter().map(Series::of).collect();
        // Where a name is part of the key, one member that loses it takes it from all.
        for (input, group) in input.iter().zip(&of) {
            series[*group as usize].drop_name |= input.drop_name;
        }
        (Self::new(of, series.len()), series)
    }

    /// Groups of equal series; `None` when all differ.
    pub(crate) fn of_equals(input: &[Series]) -> Option<(Self, Vec<Series>)> {
        let state = FixedState::default();
        let hash = |series: &Series| state.hash_one(series);
        let mut table: HashTable<u32> = HashTable::with_capacity(input.len());
        let mut first = Vec::new();
        let mut of = Vec::with_capacity(input.len());
        for (i, series) in input.iter().enumerate() {
            let code = hash(series);
            let found = table.find(code, |group| input[first[*group as usize]] == *series);
            let group = found.copied().unwrap_or_else(|| {
                let group = u32::try_from(first.len()).expect("fewer than 2^32 series");
                first.push(i);
                table.insert_unique(code, group, |group| hash(&input[first[*group as usize]]));
                group
            });
            of.push(group);
        }
        if first.len() == input.len() {
            return None;
        }
        let series: Vec<Series> = first.iter().map(|i| input[*i].clone()).collect();
        Some((Self::new(of, series.len()), series))
    }

    pub(crate) fn len(&self) -> usize {
        self.last.len()
    }

    /// All groups in the order in which they are complete.
    pub(crate) fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..).take(self.len()).collect();
        order.sort_unstable_by_key(|group| self.last[*group as usize]);
        order
    }

    /// Things by group, in the order in which groups are complete.
    pub(crate) fn in_order<T: Clone>(&self, by_group: &[T]) -> Vec<T> {
        self.order().into_iter().map(|group| by_group[group as usize].clone()).collect()
    }

    /// Whether an input is the last of its group.
    pub(crate) fn completes(&self, input: usize) -> bool {
        self.last[self.of[input] as usize] as usize == input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(pairs: &[(&str, &str)]) -> Series {
        Series::of(Labels::from_pairs(pairs.iter().copied()))
    }

    #[test]
    fn groups_are_in_order_of_their_last_member() {
        let input = [
            series(&[("a", "aa"), ("b", "bb")]),
            series(&[("a", "a"), ("b", "abb")]),
            series(&[("a", "aa"), ("b", "bb"), ("c", "1")]),
        ];
        let key = Key::new(&["b".into(), "a".into()], false);
        let (groups, by_group) = Groups::by_key(key, &input);
        assert_eq!(groups.of, [0, 1, 0]);
        assert_eq!(groups.order(), [1, 0]);
        assert_eq!(by_group[0], input[0]);
        assert!(groups.completes(1) && !groups.completes(0));
    }

    #[test]
    fn without_drops_the_name_too() {
        let key = Key::new(&["a".into()], true);
        let labels = Labels::from_pairs([(METRIC_NAME, "m"), ("a", "1"), ("b", "2")]);
        assert_eq!(key.of(&labels).to_string(), r#"{b="2"}"#);
        let mut keys = Keys::new(key);
        assert_eq!(keys.number(&labels), 0);
        assert_eq!(keys.find(&Labels::from_pairs([("b", "2")])), Some(0));
        assert_eq!(keys.find(&Labels::from_pairs([("b", "3")])), None);
    }
}
