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
    counted: std::vec::IntoIter<Column>,
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
        Self { inner, key, label, n, counted: Vec::new().into_iter() }
    }
}

impl Operator for CountValues {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut outputs: Vec<Series> = Vec::new();
        let mut columns: Vec<Column> = Vec::new();
        let mut column = Column::default();
        for series in self.inner.series(cx)? {
            cx.check()?;
            self.inner.next(cx, &mut column)?;
            // Neighbouring steps mostly have the same value.
            let mut last: Option<(u64, usize)> = None;
            let mut error = Ok(());
            column.for_each(|i, value| {
                let place = match last {
                    Some((bits, place)) if bits == value.to_bits() => place,
                    _ => {
                        let mut text = String::new();
                        model::float::write_f(&mut text, value).expect("a string takes everything");
                        let labels = self.key.of(&series.labels.with(&self.label, &text));
                        *places.entry(labels).or_insert_with_key(|labels| {
                            outputs.push(Series::of(labels.clone()));
                            columns.push(Column::default());
                            columns[outputs.len() - 1].reset(self.n);
                            error = cx.hold(self.n);
                            outputs.len() - 1
                        })
                    }
                };
                last = Some((value.to_bits(), place));
                outputs[place].drop_name |= series.drop_name;
                let so_far = columns[place].get(i).unwrap_or(0.0);
                columns[place].set(i, so_far + 1.0);
            });
            error?;
        }
        self.counted = columns.into_iter();
        Ok(outputs)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        *out = self.counted.next().expect("one column a series");
        cx.release(self.n);
        Ok(())
    }
}
