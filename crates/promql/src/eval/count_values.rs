//! `count_values`: how many series of a group have each value; labels come from values.

use super::column::Sample;
use super::grouping::Key;
use super::{Column, Context, Node, Operator, Series};
use crate::engine::EvalError;
use hashbrown::HashMap;
use model::{FloatHistogram, Labels};
use std::fmt;

/// Counts series by value.
pub(crate) struct CountValues {
    inner: Node,
    key: Key,
    label: String,
    n: usize,
    /// Result and step of each sample, in reverse: taken from the end.
    seen: Vec<(usize, usize)>,
    next: usize,
}

impl CountValues {
    /// `names` and `without` are the grouping; `label` takes the value.
    pub(crate) fn new(
        inner: Node,
        names: &[Box<str>],
        without: bool,
        label: String,
        n: usize,
    ) -> Self {
        let mut names = names.to_vec();
        if !without {
            names.push(label.as_str().into());
        }
        let key = Key::new(&names, without);
        Self { inner, key, label, n, seen: Vec::new(), next: 0 }
    }

    /// The group of a series with a value.
    fn group(&self, series: &Series, sample: Sample<'_>) -> Labels {
        let mut text = String::new();
        match sample {
            Sample::Float(value) => model::float::write_f(&mut text, value),
            Sample::Histogram(histogram) => write_histogram(&mut text, histogram),
        }
        .expect("a string takes everything");
        self.key.of(&series.labels.with(&self.label, &text))
    }
}

impl Operator for CountValues {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut results: Vec<Series> = Vec::new();
        let mut seen = Vec::new();
        let mut column = Column::default();
        for series in self.inner.series(cx)? {
            cx.check()?;
            self.inner.next(cx, &mut column)?;
            cx.hold(column.count())?;
            // Neighbouring steps mostly have the same value.
            let mut last: Option<(u64, usize)> = None;
            column.for_each_sample(|step, sample| {
                let bits = match sample {
                    Sample::Float(value) => Some(value.to_bits()),
                    Sample::Histogram(_) => None,
                };
                let place = match last {
                    Some((last, place)) if bits == Some(last) => place,
                    _ => {
                        let labels = self.group(&series, sample);
                        *places.entry(labels).or_insert_with_key(|labels| {
                            results.push(Series::of(labels.clone()));
                            results.len() - 1
                        })
                    }
                };
                last = bits.map(|bits| (bits, place));
                results[place].drop_name |= series.drop_name;
                seen.push((place, step));
            });
        }
        seen.sort_unstable_by(|a, b| b.cmp(a));
        self.seen = seen;
        Ok(results)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        out.reset(self.n);
        while let Some((_, step)) = self.seen.pop_if(|(place, _)| *place == self.next) {
            let so_far = out.get(step).unwrap_or(0.0);
            out.set(step, so_far + 1.0);
            cx.release(1);
        }
        self.next += 1;
        Ok(())
    }
}

/// `{count:c, sum:s, (lower,upper]:n, ...}`: the buckets that are not empty, ascending.
fn write_histogram(text: &mut String, histogram: &FloatHistogram) -> fmt::Result {
    let number = |text: &mut String, value| model::float::write_g(text, value);
    text.push_str("{count:");
    number(text, histogram.count)?;
    text.push_str(", sum:");
    number(text, histogram.sum)?;
    let mut bucket = |lower: f64, upper: f64, count: f64, ends: [bool; 2]| {
        text.push_str(if ends[0] { ", [" } else { ", (" });
        number(text, lower)?;
        text.push(',');
        number(text, upper)?;
        text.push_str(if ends[1] { "]:" } else { "):" });
        number(text, count)
    };
    let negative: Vec<(i32, f64)> = histogram.negative().filter(|(_, n)| *n != 0.0).collect();
    for (index, count) in negative.into_iter().rev() {
        let (lower, upper) = (histogram.bound(index), histogram.bound(index.saturating_sub(1)));
        bucket(-lower, -upper, count, [true, false])?;
    }
    if histogram.zero_count != 0.0 {
        let zero = histogram.zero_bucket();
        bucket(zero.lower, zero.upper, zero.count, [true, true])?;
    }
    for (index, count) in histogram.positive().filter(|(_, n)| *n != 0.0) {
        let (lower, upper) = (histogram.bound(index.saturating_sub(1)), histogram.bound(index));
        bucket(lower, upper, count, [histogram.is_custom() && index == 0, true])?;
    }
    text.push('}');
    Ok(())
}
