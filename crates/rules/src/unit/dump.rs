//! All that a store holds after a test.

use super::read::Test;
use model::duration::Duration;
use model::float;
use promql::script::notation;
use promql::{Control, Engine, Features, RangeSeries, Value};
use std::fmt::Write as _;
use storage::Queryable;

/// The samples of a test and of its rules up to the last expectation, as a range vector prints: a
/// line per series and one per sample.
///
/// # Errors
/// When the store fails.
pub fn dump(test: &Test, store: &dyn Queryable) -> Result<String, String> {
    let last_ms = test.last().ms;
    // The sample at the start is within the range.
    let range = Duration::from_ms(last_ms.saturating_add(1));
    let all = format!("{{__name__=~\".+\"}}[{range}]");
    let expr = promql::parse(&all, &Features::default()).map_err(|error| error.to_string())?;
    let at_ms = test.start_ms.saturating_add(last_ms);
    let answer = Engine::default().instant(store, &expr, at_ms, &Control::default());
    let mut out = String::new();
    if let Value::Matrix(matrix) = answer.map_err(|error| error.to_string())?.value {
        matrix.iter().for_each(|series| write_series(&mut out, series));
    }
    Ok(out)
}

fn write_series(out: &mut String, series: &RangeSeries) {
    let mut lines = Vec::with_capacity(series.values.len() + series.histograms.len());
    for (t_ms, value) in series.t_ms.iter().zip(&series.values) {
        let mut text = String::new();
        float::write_f(&mut text, *value).expect("a string takes text");
        lines.push((*t_ms, text));
    }
    for (t_ms, histogram) in &series.histograms {
        lines.push((*t_ms, notation::write_histogram(histogram)));
    }
    lines.sort_by_key(|(t_ms, _)| *t_ms);
    writeln!(out, "{} =>", series.labels).expect("a string takes text");
    for (t_ms, text) in lines {
        writeln!(out, "{text} @[{t_ms}]").expect("a string takes text");
    }
}
