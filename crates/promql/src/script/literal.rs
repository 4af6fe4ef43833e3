//! Histograms as scripts write them: `{{schema:1 count:3 sum:5 buckets:[1 2] offset:-1}}`.

use model::FloatHistogram;
use model::histogram::{CUSTOM_BUCKETS, CounterReset, HistogramSum, Span};
use std::sync::Arc;

/// A histogram, and whether it says anything about resets.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    pub(super) histogram: Arc<FloatHistogram>,
    pub(super) tells_resets: bool,
}

/// Reads what stands between the double braces.
pub(super) fn parse(text: &str) -> Result<Literal, String> {
    let mut histogram = FloatHistogram::default();
    let mut tells_resets = false;
    let (mut offset, mut n_offset) = (0, 0);
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, value) = rest.split_once(':').ok_or_else(|| format!("no value: {rest:?}"))?;
        let value = value.trim_start();
        let (value, after) = if let Some(list) = value.strip_prefix('[') {
            list.split_once(']').ok_or_else(|| format!("unclosed list: {rest:?}"))?
        } else {
            value.split_once(char::is_whitespace).unwrap_or((value, ""))
        };
        rest = after.trim_start();
        match key.trim_end() {
            "schema" => histogram.schema = whole(value)?,
            "sum" => histogram.sum = number(value)?,
            "count" => histogram.count = number(value)?,
            "z_bucket" => histogram.zero_count = number(value)?,
            "z_bucket_w" => histogram.zero_threshold = number(value)?,
            "custom_values" => histogram.custom_values = numbers(value)?,
            "buckets" => histogram.positive_buckets = numbers(value)?,
            "n_buckets" => histogram.negative_buckets = numbers(value)?,
            "offset" => offset = whole(value)?,
            "n_offset" => n_offset = whole(value)?,
            "counter_reset_hint" => {
                tells_resets = true;
                histogram.counter_reset = hint(value)?;
            }
            other => return Err(format!("not a part of a histogram: {other:?}")),
        }
    }
    histogram.positive_spans = spans(offset, &histogram.positive_buckets)?;
    histogram.negative_spans = spans(n_offset, &histogram.negative_buckets)?;
    Ok(Literal { histogram: Arc::new(histogram), tells_resets })
}

fn spans(offset: i32, buckets: &[f64]) -> Result<Vec<Span>, String> {
    let length = u32::try_from(buckets.len()).map_err(|error| error.to_string())?;
    Ok(if length == 0 { Vec::new() } else { vec![Span { offset, length }] })
}

fn whole(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| format!("not a whole number: {text:?}"))
}

fn number(text: &str) -> Result<f64, String> {
    model::float::parse(text).ok_or_else(|| format!("not a number: {text:?}"))
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    text.split_ascii_whitespace().map(number).collect()
}

fn hint(text: &str) -> Result<CounterReset, String> {
    Ok(match text {
        "unknown" => CounterReset::Unknown,
        "reset" => CounterReset::Reset,
        "not_reset" => CounterReset::NotReset,
        "gauge" => CounterReset::Gauge,
        _ => return Err(format!("not a hint of resets: {text:?}")),
    })
}

/// A histogram and so many more, each larger or smaller than the one before by a step.
pub(super) fn sequence(
    first: Literal,
    step: &Literal,
    grows: bool,
    more: usize,
) -> Result<Vec<Literal>, String> {
    let mut all = Vec::with_capacity(more + 1);
    let mut sum = HistogramSum::from(&*first.histogram);
    let step_schema = step.histogram.schema;
    if first.histogram.schema > step_schema && step_schema != CUSTOM_BUCKETS {
        let schema = first.histogram.schema;
        return Err(format!(
            "error combining histograms: cannot merge from schema {step_schema} to {schema}"
        ));
    }
    let tells_resets = step.tells_resets;
    all.push(Literal { tells_resets, ..first });
    for _ in 0..more {
        let added = if grows { sum.add(&step.histogram) } else { sum.subtract(&step.histogram) };
        added.map_err(|error| error.to_string())?;
        all.push(Literal { histogram: Arc::new(sum.total()), tells_resets });
    }
    Ok(all)
}
