//! `count_values`: how many series of a group have each value; labels come from values.

use super::grouping::Key;
use super::{Column, Context, Node, Operator, Series};
use crate::engine::EvalError;
use hashbrown::HashMap;
use model::Labels;

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
    fn group(&self, series: &Series, value: f64) -> Labels {
        let mut text = String::new();
        model::float::write_f(&mut text, value).expect("a string takes everything");
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
            column.for_each(|step, value| {
                let place = match last {
                    Some((bits, place)) if bits == value.to_bits() => place,
                    _ => {
                        let labels = self.group(&series, value);
                        *places.entry(labels).or_insert_with_key(|labels| {
                            results.push(Series::of(labels.clone()));
                            results.len() - 1
                        })
                    }
                };
                last = Some((value.to_bits(), place));
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
