//! Which series have which label: for each (name, value) the sorted ids of its series.

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use model::{MatchOp, Matcher};
use roaring::RoaringBitmap;

use super::interner::Interner;

/// Name and value of a label as symbols.
pub(crate) type Pair = (u32, u32);

/// Postings over series ids, symbols being those of one [`Interner`].
#[derive(Default)]
pub(crate) struct Postings {
    lists: HashMap<Pair, List, RandomState>,
    /// The values that occur with a name, in no order.
    values: HashMap<u32, Vec<u32>, RandomState>,
    all: RoaringBitmap,
}

/// Most lists are very short where label values are unique, and a bitmap has a price.
enum List {
    Few { len: u8, ids: [u32; 3] },
    Many(Box<RoaringBitmap>),
}

impl List {
    fn insert(&mut self, id: u32) {
        match self {
            Self::Few { len, ids } => {
                let used = usize::from(*len);
                if ids[..used].contains(&id) {
                    return;
                }
                if let Some(slot) = ids.get_mut(used) {
                    *slot = id;
                    *len += 1;
                } else {
                    let mut many: RoaringBitmap = ids.iter().copied().collect();
                    many.insert(id);
                    *self = Self::Many(Box::new(many));
                }
            }
            Self::Many(many) => {
                many.insert(id);
            }
        }
    }

    /// Removes ids; whether none is left.
    fn remove(&mut self, dead: &RoaringBitmap) -> bool {
        match self {
            Self::Few { len, ids } => {
                let mut kept = 0;
                for i in 0..usize::from(*len) {
                    if !dead.contains(ids[i]) {
                        ids[kept] = ids[i];
                        kept += 1;
                    }
                }
                *len = u8::try_from(kept).expect("at most three");
                kept == 0
            }
            Self::Many(many) => {
                **many -= dead;
                many.is_empty()
            }
        }
    }

    fn add_to(&self, union: &mut RoaringBitmap) {
        match self {
            Self::Few { len, ids } => union.extend(&ids[..usize::from(*len)]),
            Self::Many(many) => *union |= &**many,
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Few { len, .. } => u64::from(*len),
            Self::Many(many) => many.len(),
        }
    }

    fn overlaps(&self, series: &RoaringBitmap) -> bool {
        match self {
            Self::Few { len, ids } => ids[..usize::from(*len)].iter().any(|i| series.contains(*i)),
            Self::Many(many) => !many.is_disjoint(series),
        }
    }
}

impl Postings {
    /// Adds a series with its labels.
    pub(crate) fn insert(&mut self, id: u32, pairs: impl Iterator<Item = Pair>) {
        for pair in pairs {
            let list = self.lists.entry(pair).or_insert_with(|| {
                self.values.entry(pair.0).or_default().push(pair.1);
                List::Few { len: 0, ids: [0; 3] }
            });
            list.insert(id);
        }
        self.all.insert(id);
    }

    /// Removes series that had these labels.
    pub(crate) fn remove(&mut self, dead: &RoaringBitmap, pairs: &HashSet<Pair, RandomState>) {
        let mut thinned = HashSet::<u32, RandomState>::default();
        for pair in pairs {
            if self.lists.get_mut(pair).is_some_and(|list| list.remove(dead)) {
                self.lists.remove(pair);
                thinned.insert(pair.0);
            }
        }
        for name in thinned {
            if let Some(values) = self.values.get_mut(&name) {
                values.retain(|value| self.lists.contains_key(&(name, *value)));
                if values.is_empty() {
                    self.values.remove(&name);
                }
            }
        }
        self.all -= dead;
    }

    /// Packs long lists: neighbouring ids become runs.
    pub(crate) fn optimize(&mut self) {
        for list in self.lists.values_mut() {
            if let List::Many(many) = list {
                many.optimize();
            }
        }
        self.all.optimize();
    }

    /// The series that satisfy all matchers.
    pub(crate) fn select(&self, symbols: &Interner<String>, matchers: &[Matcher]) -> RoaringBitmap {
        let mut found: Option<RoaringBitmap> = None;
        // Plain equalities are cheap and cut the most, so they go first.
        let (plain, rest): (Vec<_>, Vec<_>) =
            matchers.iter().partition(|m| m.op() == MatchOp::Equal && !m.value().is_empty());
        for matcher in plain.into_iter().chain(rest) {
            if found.as_ref().is_some_and(RoaringBitmap::is_empty) {
                break;
            }
            // A series without the label has the empty value, so such a matcher only excludes.
            let excludes = matcher.matches("");
            let mut listed = RoaringBitmap::new();
            self.for_values(symbols, matcher, excludes, |list| list.add_to(&mut listed));
            let series = found.get_or_insert_with(|| self.all.clone());
            if excludes {
                *series -= listed;
            } else {
                *series &= listed;
            }
        }
        found.unwrap_or_else(|| self.all.clone())
    }

    /// Visits the lists of the values that match, or, if inverted, of those that do not.
    fn for_values(
        &self,
        symbols: &Interner<String>,
        matcher: &Matcher,
        inverted: bool,
        mut visit: impl FnMut(&List),
    ) {
        let Some(name) = symbols.find(matcher.name()) else { return };
        let mut exact = |value: &str| {
            let value = symbols.find(value);
            if let Some(list) = value.and_then(|value| self.lists.get(&(name, value))) {
                visit(list);
            }
        };
        match matcher.op() {
            MatchOp::Equal if !inverted => return exact(matcher.value()),
            MatchOp::NotEqual if inverted => return exact(matcher.value()),
            _ => {}
        }
        if let Some(set) = matcher.regex().and_then(|regex| regex.set_matches())
            && inverted == (matcher.op() == MatchOp::NotRegex)
        {
            return set.iter().for_each(|value| exact(value));
        }
        for value in self.values.get(&name).into_iter().flatten() {
            if matcher.matches(symbols.get(*value)) != inverted {
                visit(&self.lists[&(name, *value)]);
            }
        }
    }

    /// Symbols of the names that occur in these series, or in any.
    pub(crate) fn names(&self, series: Option<&RoaringBitmap>) -> Vec<u32> {
        let names = self.values.iter();
        let used = names.filter(|(name, values)| match series {
            None => true,
            Some(series) => {
                values.iter().any(|value| self.lists[&(**name, *value)].overlaps(series))
            }
        });
        used.map(|(name, _)| *name).collect()
    }

    /// Symbols of the values that a label has in these series, or in any.
    pub(crate) fn values(&self, name: u32, series: Option<&RoaringBitmap>) -> Vec<u32> {
        let values = self.values.get(&name).into_iter().flatten();
        let used = values.filter(|value| {
            series.is_none_or(|series| self.lists[&(name, **value)].overlaps(series))
        });
        used.copied().collect()
    }

    /// How many distinct (name, value) pairs there are.
    pub(crate) fn pairs(&self) -> usize {
        self.lists.len()
    }

    /// Every pair with its number of series.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Pair, u64)> {
        self.lists.iter().map(|(pair, list)| (*pair, list.len()))
    }

    /// Every name with its number of values.
    pub(crate) fn value_counts(&self) -> impl Iterator<Item = (u32, &[u32])> {
        self.values.iter().map(|(name, values)| (*name, values.as_slice()))
    }
}
