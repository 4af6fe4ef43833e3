//! `label_replace` and `label_join`: new names, same values.

use super::{Column, Context, Node, Operator, Series};
use crate::engine::EvalError;
use model::METRIC_NAME;
use model::regex::Regex;

/// Where the new value of a label comes from.
pub(crate) enum Source {
    /// A pattern on another label and a template.
    Replace {
        /// The label the pattern is matched with.
        label: String,
        /// The pattern.
        regex: Regex,
        /// What the new value is made of.
        template: String,
    },
    /// Values of other labels and what stands between them.
    Join {
        /// The labels.
        labels: Vec<String>,
        /// What stands between.
        separator: String,
    },
}

impl Source {
    /// The new value; `None` leaves the series as it is.
    fn value(&self, series: &Series) -> Option<String> {
        match self {
            Self::Replace { label, regex, template } => {
                regex.expand(series.labels.get(label).unwrap_or(""), template)
            }
            Self::Join { labels, separator } => {
                let values: Vec<&str> =
                    labels.iter().map(|label| series.labels.get(label).unwrap_or("")).collect();
                Some(values.join(separator))
            }
        }
    }
}

/// Sets a label of each series.
pub(crate) struct SetLabel {
    pub(crate) inner: Node,
    pub(crate) label: String,
    pub(crate) source: Source,
}

impl Operator for SetLabel {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let mut series = self.inner.series(cx)?;
        for series in &mut series {
            if let Some(value) = self.source.value(series) {
                series.labels = series.labels.with(&self.label, &value);
                // A name that was written on purpose stays.
                series.drop_name &= self.label != METRIC_NAME;
            }
        }
        Ok(series)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        self.inner.next(cx, out)
    }
}
