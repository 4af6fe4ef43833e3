//! Exemplars: the newest of all series, in a ring. They are in memory and in the log, never in blocks.
//!
//! Of a series they come in order of time, value and labels; one that equals the newest is known.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use model::{Labels, Matcher, TimeRange};
use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use storage::{Exemplar, MAX_EXEMPLAR_RUNES, SeriesExemplars};

/// The exemplars of all series, as many as fit.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    max: usize,
    /// In the order in which they came.
    entries: VecDeque<(Labels, Exemplar)>,
    /// How many ever went out at the front: the number of the first entry.
    gone: u64,
    series: HashMap<Labels, Kept, RandomState>,
}

/// What the ring has of one series.
#[derive(Debug)]
struct Kept {
    count: usize,
    /// Number of its newest entry.
    newest: u64,
}

/// What became of an exemplar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    Stored,
    /// It is there already.
    Known,
    OutOfOrder,
    /// Its labels are too long, or nothing is kept.
    Refused,
}

/// Counts over the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RingLevels {
    pub(crate) max: usize,
    pub(crate) exemplars: usize,
    pub(crate) series: usize,
    /// Time of the oldest one.
    pub(crate) oldest_ms: Option<i64>,
}

impl Ring {
    /// Whether nothing is kept.
    pub(crate) fn is_off(&self) -> bool {
        self.max == 0
    }

    /// Keeps so many from now on; the oldest go first.
    pub(crate) fn resize(&mut self, max: usize) {
        self.max = max;
        while self.entries.len() > max {
            self.drop_oldest();
        }
        self.entries.shrink_to(max);
        self.series.shrink_to_fit();
    }

    /// Adds an exemplar of a series.
    pub(crate) fn add(&mut self, series: &Labels, exemplar: &Exemplar) -> Added {
        if self.max == 0 || runes(&exemplar.labels) > MAX_EXEMPLAR_RUNES {
            return Added::Refused;
        }
        if let Some(kept) = self.series.get(series) {
            let newest = usize::try_from(kept.newest - self.gone).ok();
            let newest = newest.and_then(|i| self.entries.get(i));
            match newest.map_or(Ordering::Greater, |(_, newest)| order(exemplar, newest)) {
                Ordering::Less => return Added::OutOfOrder,
                Ordering::Equal => return Added::Known,
                Ordering::Greater => {}
            }
        }
        if self.entries.len() >= self.max {
            self.drop_oldest();
        }
        let number = self.gone + self.entries.len() as u64;
        let kept = self.series.entry_ref(series).or_insert(Kept { count: 0, newest: number });
        (kept.count, kept.newest) = (kept.count + 1, number);
        self.entries.push_back((series.clone(), exemplar.clone()));
        Added::Stored
    }

    fn drop_oldest(&mut self) {
        let Some((series, _)) = self.entries.pop_front() else { return };
        self.gone += 1;
        if let Some(kept) = self.series.get_mut(&series) {
            kept.count -= 1;
            if kept.count == 0 {
                self.series.remove(&series);
            }
        }
    }

    /// Those within a range of the series that satisfy all matchers of any selector.
    pub(crate) fn select(
        &self,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Vec<SeriesExemplars> {
        let is_wanted = |labels: &Labels| {
            selectors.iter().any(|matchers| matchers.iter().all(|m| m.matches_labels(labels)))
        };
        let wanted = self.series.keys().filter(|labels| is_wanted(labels));
        let mut found: BTreeMap<&Labels, Vec<Exemplar>> =
            wanted.map(|labels| (labels, Vec::new())).collect();
        for (labels, exemplar) in &self.entries {
            if range.contains(exemplar.t_ms)
                && let Some(exemplars) = found.get_mut(labels)
            {
                exemplars.push(exemplar.clone());
            }
        }
        found.retain(|_, exemplars| !exemplars.is_empty());
        let series = found.into_iter().map(|(labels, exemplars)| (labels.clone(), exemplars));
        series.map(|(labels, exemplars)| SeriesExemplars { labels, exemplars }).collect()
    }

    pub(crate) fn levels(&self) -> RingLevels {
        RingLevels {
            max: self.max,
            exemplars: self.entries.len(),
            series: self.series.len(),
            oldest_ms: self.entries.front().map(|(_, exemplar)| exemplar.t_ms),
        }
    }
}

fn runes(labels: &Labels) -> usize {
    let of_pair = |(name, value): (&str, &str)| name.chars().count() + value.chars().count();
    labels.iter().map(of_pair).sum()
}

fn order(a: &Exemplar, b: &Exemplar) -> Ordering {
    let by_time = a.t_ms.cmp(&b.t_ms).then(a.value.total_cmp(&b.value));
    by_time.then_with(|| a.labels.cmp(&b.labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str) -> Labels {
        Labels::from_pairs([("__name__", name)])
    }

    fn exemplar(t_ms: i64, value: f64, trace: &str) -> Exemplar {
        Exemplar { labels: Labels::from_pairs([("trace_id", trace)]), value, t_ms }
    }

    /// Series and times in the ring.
    fn check(ring: &Ring, expected: &[(&str, &[i64])]) {
        let found = ring.select(&[vec![]], TimeRange::ALL);
        let found: Vec<(String, Vec<i64>)> = found
            .into_iter()
            .map(|series| {
                let times = series.exemplars.iter().map(|exemplar| exemplar.t_ms).collect();
                (series.labels.get("__name__").unwrap().to_owned(), times)
            })
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(name, times)| ((*name).to_owned(), times.to_vec())).collect();
        assert_eq!(found, expected);
        let count = expected.iter().map(|(_, times)| times.len()).sum::<usize>();
        let levels = ring.levels();
        assert_eq!((levels.exemplars, levels.series), (count, expected.len()));
    }

    #[test]
    fn the_newest_stay() {
        let mut ring = Ring { max: 3, ..Ring::default() };
        let (a, b) = (series("a"), series("b"));
        for t_ms in 0..3 {
            assert_eq!(ring.add(&a, &exemplar(t_ms, 1.0, "x")), Added::Stored);
        }
        check(&ring, &[("a", &[0, 1, 2])]);
        assert_eq!(ring.add(&b, &exemplar(0, 1.0, "x")), Added::Stored);
        check(&ring, &[("a", &[1, 2]), ("b", &[0])]);
        assert_eq!(ring.levels().oldest_ms, Some(1));
        ring.add(&b, &exemplar(7, 1.0, "x"));
        ring.add(&b, &exemplar(8, 1.0, "x"));
        check(&ring, &[("b", &[0, 7, 8])]);
        // Nothing of the series is left to be out of order with.
        assert_eq!(ring.add(&a, &exemplar(0, 1.0, "x")), Added::Stored);
        ring.resize(1);
        check(&ring, &[("a", &[0])]);
        ring.resize(2);
        ring.add(&b, &exemplar(1, 1.0, "x"));
        check(&ring, &[("a", &[0]), ("b", &[1])]);
        ring.resize(0);
        check(&ring, &[]);
        assert_eq!(ring.add(&b, &exemplar(9, 1.0, "x")), Added::Refused);
    }

    #[test]
    fn a_series_goes_on_in_order() {
        let mut ring = Ring { max: 10, ..Ring::default() };
        let a = series("a");
        let mut check_added = |exemplar: Exemplar, expected| {
            assert_eq!(ring.add(&a, &exemplar), expected, "{exemplar:?}");
        };
        check_added(exemplar(5, 1.0, "x"), Added::Stored);
        check_added(exemplar(5, 1.0, "x"), Added::Known);
        check_added(exemplar(4, 9.0, "x"), Added::OutOfOrder);
        check_added(exemplar(5, 0.5, "x"), Added::OutOfOrder);
        check_added(exemplar(5, 1.0, "w"), Added::OutOfOrder);
        check_added(exemplar(5, 1.0, "y"), Added::Stored);
        check_added(exemplar(5, 2.0, "a"), Added::Stored);
        check_added(exemplar(6, f64::NAN, "a"), Added::Stored);
        check_added(exemplar(6, f64::NAN, "a"), Added::Known);
        // Characters count, not bytes.
        check_added(exemplar(7, 1.0, &"é".repeat(120)), Added::Stored);
        check_added(exemplar(8, 1.0, &"é".repeat(121)), Added::Refused);
        let none = Exemplar { labels: Labels::empty(), value: 0.0, t_ms: 9 };
        check_added(none, Added::Stored);
        let in_range = TimeRange { min_ms: 5, max_ms: 5 };
        let found = ring.select(&[vec![Matcher::equal("__name__", "a")]], in_range);
        assert_eq!(found[0].exemplars.len(), 3);
        assert!(ring.select(&[vec![Matcher::equal("__name__", "b")]], in_range).is_empty());
        assert!(ring.select(&[], in_range).is_empty());
    }
}
