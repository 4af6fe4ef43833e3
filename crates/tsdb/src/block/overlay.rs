//! Laying the samples of several sources over one another.

use model::is_stale;
use storage::Columns;

/// Merges samples by time. Of two at the same time a value wins over a staleness marker, and else
/// `over` wins over `under`.
pub(crate) fn overlay(over: &Columns, under: &Columns, out: &mut Columns) {
    if over.histograms.is_empty() && under.histograms.is_empty() {
        return overlay_floats(over, under, out);
    }
    let (mut a, mut b) = (Walk::new(over), Walk::new(under));
    loop {
        match (a.t_ms(), b.t_ms()) {
            (None, None) => break,
            (Some(x), Some(y)) if x == y => {
                if a.is_stale() {
                    b.take(out);
                    a.skip();
                } else {
                    a.take(out);
                    b.skip();
                }
            }
            (Some(x), Some(y)) if y < x => b.take(out),
            (Some(_), _) => a.take(out),
            (None, Some(_)) => b.take(out),
        }
    }
}

fn overlay_floats(over: &Columns, under: &Columns, out: &mut Columns) {
    let (mut i, mut j) = (0, 0);
    while i < over.t_ms.len() && j < under.t_ms.len() {
        let (a, b) = (over.t_ms[i], under.t_ms[j]);
        if a < b {
            push(over, i, out);
            i += 1;
        } else if b < a {
            push(under, j, out);
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
    for (columns, rest) in [(over, i), (under, j)] {
        out.t_ms.extend_from_slice(&columns.t_ms[rest..]);
        out.values.extend_from_slice(&columns.values[rest..]);
    }
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
}

impl<'a> Walk<'a> {
    fn new(columns: &'a Columns) -> Self {
        Self { columns, float: 0, histogram: 0 }
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

    fn skip(&mut self) {
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
