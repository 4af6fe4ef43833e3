//! Laying the samples of several sources over one another.
//!
//! A staleness marker says that a series ended in its source. While another source goes on with the
//! series it has not ended: a target that moves to another job keeps its series. Readers are told so
//! ([`overlay_sources`]); of what is in a block the writer has seen to it ([`overlay`]).

use model::is_stale;
use storage::Columns;

/// A source whose last value is older than this does not go on: readers do not look further back.
const LIVE_MS: i64 = 5 * 60_000;

/// Merges samples by time. Of two at the same time a value wins over a staleness marker, and else
/// `over` wins over `under`.
pub(crate) fn overlay(over: &Columns, under: &Columns, out: &mut Columns) {
    merge::<false>(over, under, out);
}

/// The same, without the markers of a source while the other one goes on.
pub(crate) fn overlay_sources(over: &Columns, under: &Columns, out: &mut Columns) {
    merge::<true>(over, under, out);
}

fn merge<const DROP: bool>(over: &Columns, under: &Columns, out: &mut Columns) {
    if over.histograms.is_empty() && under.histograms.is_empty() {
        return merge_floats::<DROP>(over, under, out);
    }
    let (mut a, mut b) = (Walk::new(over), Walk::new(under));
    while let Some(t_ms) = a.t_ms().into_iter().chain(b.t_ms()).min() {
        if a.t_ms() == b.t_ms() {
            if a.is_stale() {
                b.take(out);
                a.skip();
            } else {
                a.take(out);
                b.skip();
            }
            continue;
        }
        let (this, other) = if a.t_ms() == Some(t_ms) { (&mut a, &b) } else { (&mut b, &a) };
        if DROP
            && this.is_stale()
            && goes_on(
                t_ms,
                this.before.map(|(before_ms, _)| before_ms),
                other.before,
                other.next_sample(),
            )
        {
            this.skip();
        } else {
            this.take(out);
        }
    }
}

fn merge_floats<const DROP: bool>(over: &Columns, under: &Columns, out: &mut Columns) {
    let (mut i, mut j) = (0, 0);
    while i < over.t_ms.len() && j < under.t_ms.len() {
        let (a, b) = (over.t_ms[i], under.t_ms[j]);
        if a < b {
            take::<DROP>(over, i, under, j, out);
            i += 1;
        } else if b < a {
            take::<DROP>(under, j, over, i, out);
            j += 1;
        } else {
            if is_stale(over.values[i]) {
                push(under, j, out)
            } else {
                push(over, i, out)
            }
            (i, j) = (i + 1, j + 1);
        }
    }
    for i in i..over.t_ms.len() {
        take::<DROP>(over, i, under, under.t_ms.len(), out);
    }
    for j in j..under.t_ms.len() {
        take::<DROP>(under, j, over, over.t_ms.len(), out);
    }
}

/// Takes a sample before the other source's `j`th, unless it is a marker to leave out.
#[inline]
fn take<const DROP: bool>(this: &Columns, i: usize, other: &Columns, j: usize, out: &mut Columns) {
    if DROP && is_stale(this.values[i]) {
        let sample = |columns: &Columns, i: usize| {
            Some((*columns.t_ms.get(i)?, is_stale(columns.values[i])))
        };
        let before = |columns, i: usize| i.checked_sub(1).and_then(|i| sample(columns, i));
        let own = before(this, i).map(|(t_ms, _)| t_ms);
        if goes_on(this.t_ms[i], own, before(other, j), sample(other, j)) {
            return;
        }
    }
    push(this, i, out);
}

/// Whether a source goes on at the time of another one's marker, given its samples before and after,
/// each with whether it is a marker, and the time of what came before the marker. A value that is no
/// newer than that may be the same one: it counts when more follow.
pub(crate) fn goes_on(
    t_ms: i64,
    own_ms: Option<i64>,
    before: Option<(i64, bool)>,
    after: Option<(i64, bool)>,
) -> bool {
    let Some((before_ms, false)) = before else { return false };
    let is_near = |to_ms: i64| to_ms.saturating_sub(before_ms) <= LIVE_MS;
    let follows = after.is_some_and(|(after_ms, ends)| !ends && is_near(after_ms));
    is_near(t_ms) && (own_ms.is_none_or(|own_ms| before_ms > own_ms) || follows)
}

fn push(from: &Columns, i: usize, out: &mut Columns) {
    out.t_ms.push(from.t_ms[i]);
    out.values.push(from.values[i]);
}

/// Floats and histograms of one source in order of time.
struct Walk<'a> {
    columns: &'a Columns,
    float: usize,
    histogram: usize,
    /// The sample before the next one, and whether it is a marker.
    before: Option<(i64, bool)>,
}

impl<'a> Walk<'a> {
    fn new(columns: &'a Columns) -> Self {
        Self { columns, float: 0, histogram: 0, before: None }
    }

    fn next(&self) -> (Option<i64>, Option<i64>) {
        let float = self.columns.t_ms.get(self.float).copied();
        (float, self.columns.histograms.get(self.histogram).map(|(t_ms, _)| *t_ms))
    }

    /// Whether the next sample is a float.
    fn is_float(&self) -> bool {
        match self.next() {
            (Some(float), Some(histogram)) => float <= histogram,
            (float, _) => float.is_some(),
        }
    }

    fn t_ms(&self) -> Option<i64> {
        let (float, histogram) = self.next();
        float.into_iter().chain(histogram).min()
    }

    fn is_stale(&self) -> bool {
        self.is_float() && is_stale(self.columns.values[self.float])
    }

    fn next_sample(&self) -> Option<(i64, bool)> {
        Some((self.t_ms()?, self.is_stale()))
    }

    fn skip(&mut self) {
        self.before = self.next_sample();
        if self.is_float() {
            self.float += 1;
        } else {
            self.histogram += 1;
        }
    }

    fn take(&mut self, out: &mut Columns) {
        if self.is_float() {
            push(self.columns, self.float, out);
        } else {
            out.histograms.push(self.columns.histograms[self.histogram].clone());
        }
        self.skip();
    }
}
