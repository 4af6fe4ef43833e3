//! Aggregations that choose series: topk, bottomk, limitk, `limit_ratio`.

use super::grouping::{Groups, Key};
use super::{Column, Context, Node, Numbers, Operator, Scalar, Series, column};
use crate::annotations::Remark;
use crate::engine::EvalError;
use crate::syntax::NodeId;

/// A candidate: its value and its series.
type Candidate = (f64, u32);

/// Which values win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// topk
    Largest,
    /// bottomk
    Smallest,
}

impl Rank {
    fn beats(self, a: f64, b: f64) -> bool {
        match self {
            Self::Largest => a > b,
            Self::Smallest => a < b,
        }
    }

    /// Whether a value is worse than another; NaN is worse than all.
    fn worse(self, a: f64, b: f64) -> bool {
        a.is_nan() || self.beats(b, a)
    }

    /// Offers a candidate to a heap of at most `k`, worst on top. Of equal values the one that is
    /// there stays.
    fn offer(self, heap: &mut Vec<Candidate>, k: usize, candidate: Candidate) {
        if heap.len() < k {
            heap.push(candidate);
            self.rise(heap);
        } else if self.beats(candidate.0, heap[0].0)
            || (heap[0].0.is_nan() && !candidate.0.is_nan())
        {
            heap[0] = candidate;
            self.sink(heap);
        }
    }

    fn rise(self, heap: &mut [Candidate]) {
        let mut i = heap.len() - 1;
        while i > 0 {
            let parent = (i - 1) / 2;
            if !self.worse(heap[i].0, heap[parent].0) {
                break;
            }
            heap.swap(i, parent);
            i = parent;
        }
    }

    fn sink(self, heap: &mut [Candidate]) {
        let mut i = 0;
        loop {
            let (left, right) = (2 * i + 1, 2 * i + 2);
            if left >= heap.len() {
                break;
            }
            let takes_right = right < heap.len() && self.worse(heap[right].0, heap[left].0);
            let child = if takes_right { right } else { left };
            if !self.worse(heap[child].0, heap[i].0) {
                break;
            }
            heap.swap(i, child);
            i = child;
        }
    }

    fn sort(self, heap: &mut [Candidate]) {
        heap.sort_by(|a, b| match (self.beats(a.0, b.0), self.beats(b.0, a.0)) {
            (true, _) => std::cmp::Ordering::Less,
            (_, true) => std::cmp::Ordering::Greater,
            _ => a.0.is_nan().cmp(&b.0.is_nan()),
        });
    }
}

/// How many series are wanted at each step; none where it is below 1.
fn counts(cx: &mut Context<'_>, scalar: &mut Scalar, n: usize) -> Result<Vec<usize>, EvalError> {
    let numbers = scalar.eval(cx)?;
    (0..n).map(|i| to_count(numbers.at(i))).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
fn to_count(k: f64) -> Result<usize, EvalError> {
    let overflow = |how: &str| {
        let mut text = String::from("Scalar value ");
        model::float::write_g(&mut text, k).expect("a string takes everything");
        Err(EvalError::Execution(format!("{text} {how} int64")))
    };
    if k.is_nan() {
        Err(EvalError::Execution("Parameter value is NaN".into()))
    } else if k <= -9.223_372_036_854_775e18 {
        overflow("underflows")
    } else if k >= 9.223_372_036_854_775e18 {
        overflow("overflows")
    } else {
        Ok(if k < 1.0 { 0 } else { k as usize })
    }
}

/// topk and bottomk: a small heap per group and step.
pub(crate) struct Ranked {
    rank: Rank,
    /// The aggregation, for annotations.
    node: NodeId,
    inner: Node,
    key: Key,
    k: Scalar,
    n: usize,
    /// What was chosen, series by series, in reverse: taken from the end.
    chosen: Vec<(usize, u32, f64)>,
    series: u32,
}

impl Ranked {
    pub(crate) fn new(
        rank: Rank,
        node: NodeId,
        inner: Node,
        key: Key,
        k: Scalar,
        n: usize,
    ) -> Self {
        Self { rank, node, inner, key, k, n, chosen: Vec::new(), series: 0 }
    }

    /// All heaps, group by group and in them step by step.
    fn fill(
        &mut self,
        cx: &mut Context<'_>,
        counts: &[usize],
        groups: &Groups,
    ) -> Result<Vec<Vec<Candidate>>, EvalError> {
        // The table of heaps takes memory too, as much as a sample for each.
        let table = groups.len().saturating_mul(self.n);
        cx.hold(table)?;
        let mut heaps: Vec<Vec<Candidate>> = vec![Vec::new(); table];
        let mut column = Column::default();
        for (series, group) in (0_u32..).zip(&groups.of) {
            cx.check()?;
            self.inner.next(cx, &mut column)?;
            if column.histograms().any(|(i, _)| counts[i] > 0) {
                let name = if self.rank == Rank::Largest { "topk" } else { "bottomk" };
                cx.remark(self.node, Remark::IgnoredIn(name), "");
            }
            let heaps = &mut heaps[*group as usize * self.n..][..self.n];
            let mut grown = 0;
            column.for_each(|i, value| {
                if counts[i] > 0 {
                    let before = heaps[i].len();
                    self.rank.offer(&mut heaps[i], counts[i], (value, series));
                    grown += heaps[i].len() - before;
                }
            });
            cx.hold(grown)?;
        }
        Ok(heaps)
    }
}

impl Operator for Ranked {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let counts = counts(cx, &mut self.k, self.n)?;
        let input = self.inner.series(cx)?;
        let (groups, _) = Groups::by_key(self.key.clone(), &input);
        let mut heaps = self.fill(cx, &counts, &groups)?;
        let mut chosen: Vec<(usize, u32, f64)> = Vec::new();
        for (i, heap) in heaps.iter_mut().enumerate() {
            self.rank.sort(heap);
            chosen.extend(heap.iter().map(|(value, series)| (i % self.n, *series, *value)));
        }
        // One step keeps the order of ranks; more steps are ordered by series.
        if self.n > 1 {
            chosen.sort_by_key(|(step, series, _)| (*series, *step));
        }
        cx.release(heaps.len());
        let mut order: Vec<u32> = chosen.iter().map(|(_, series, _)| *series).collect();
        order.dedup();
        chosen.reverse();
        self.chosen = chosen;
        Ok(order.into_iter().map(|series| input[series as usize].clone()).collect())
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        out.reset(self.n);
        self.series = self.chosen.last().map_or(0, |(_, series, _)| *series);
        while let Some((step, series, value)) = self.chosen.last()
            && *series == self.series
        {
            out.set(*step, *value);
            self.chosen.pop();
            cx.release(1);
        }
        Ok(())
    }
}

/// limitk: the first series of each group that have a value.
pub(crate) struct Limit {
    inner: Node,
    key: Key,
    k: Scalar,
    n: usize,
    counts: Vec<usize>,
    groups: Groups,
    taken: Vec<u32>,
    at: usize,
}

impl Limit {
    pub(crate) fn new(inner: Node, key: Key, k: Scalar, n: usize) -> Self {
        let (counts, groups, taken) = (Vec::new(), Groups::default(), Vec::new());
        Self { inner, key, k, n, counts, groups, taken, at: 0 }
    }
}

impl Operator for Limit {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        self.counts = counts(cx, &mut self.k, self.n)?;
        let input = self.inner.series(cx)?;
        self.groups = Groups::by_key(self.key.clone(), &input).0;
        let table = self.groups.len().saturating_mul(self.n);
        cx.hold(table)?;
        self.taken = vec![0; table];
        Ok(input)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        cx.check()?;
        self.inner.next(cx, out)?;
        let group = self.groups.of[self.at] as usize;
        self.at += 1;
        let taken = &mut self.taken[group * self.n..][..self.n];
        let counts = &self.counts;
        out.retain(|i, _| (taken[i] as usize) < counts[i]);
        column::for_each(&out.present, |i| taken[i] += 1);
        Ok(())
    }
}

/// `limit_ratio`: a share of the series, chosen by a hash of their labels.
pub(crate) struct LimitRatio {
    inner: Node,
    ratio: Scalar,
    ratio_node: NodeId,
    n: usize,
    numbers: Numbers,
    /// Where each series lies between 0 and 1.
    places: std::vec::IntoIter<f64>,
}

impl LimitRatio {
    pub(crate) fn new(inner: Node, ratio: Scalar, ratio_node: NodeId, n: usize) -> Self {
        let numbers = Numbers::Constant(0.0);
        Self { inner, ratio, ratio_node, n, numbers, places: Vec::new().into_iter() }
    }
}

impl Operator for LimitRatio {
    #[expect(clippy::cast_precision_loss, reason = "a hash as a share of all hashes")]
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        self.numbers = self.ratio.eval(cx)?;
        for i in 0..self.n {
            let ratio = self.numbers.at(i);
            if ratio.is_nan() {
                return Err(EvalError::Execution("Ratio value is NaN".into()));
            }
            if ratio.abs() > 1.0 {
                let mut text = String::from("ratio value should be between -1 and 1, got ");
                model::float::write_g(&mut text, ratio).expect("a string takes everything");
                cx.warn(self.ratio_node, format!("{text}, capping to {}", ratio.signum()));
            }
        }
        let series = self.inner.series(cx)?;
        let place = |series: &Series| series.labels.hash64() as f64 / u64::MAX as f64;
        self.places = series.iter().map(place).collect::<Vec<_>>().into_iter();
        Ok(series)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        cx.check()?;
        self.inner.next(cx, out)?;
        let place = self.places.next().expect("one place a series");
        out.retain(|i, _| match self.numbers.at(i) {
            ratio if ratio >= 1.0 || ratio <= -1.0 => true,
            ratio if ratio >= 0.0 => place < ratio,
            ratio => place >= 1.0 + ratio,
        });
        Ok(())
    }
}
