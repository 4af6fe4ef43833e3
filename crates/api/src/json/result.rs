//! The answer to a query.

use super::histogram::write_histogram;
use super::{Drain, Gone, Out, write_label, write_labels, write_number, write_point};
use super::{write_texts, write_time};
use promql::{InstantSeries, RangeSeries, Value};

/// What comes with the data: at most ten lines of each kind, and a line saying how many more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Annotated {
    /// Things that make the result doubtful.
    pub(crate) warnings: Vec<String>,
    /// Things worth knowing.
    pub(crate) infos: Vec<String>,
}

impl Annotated {
    /// The end of an envelope: the lists that are not empty.
    pub(crate) fn write(&self, out: &mut String) {
        for (key, lines) in [("warnings", &self.warnings), ("infos", &self.infos)] {
            if !lines.is_empty() {
                out.push(',');
                write_label(out, key);
                out.push(':');
                write_texts(out, lines);
            }
        }
    }
}

/// Times and counts of a query, seconds and samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryStats {
    pub(crate) eval_total: f64,
    pub(crate) result_sort: f64,
    pub(crate) preparation: f64,
    pub(crate) inner_eval: f64,
    pub(crate) queue: f64,
    pub(crate) exec_total: f64,
    pub(crate) total_samples: u64,
    pub(crate) peak_samples: u64,
}

/// The whole envelope around a query's value.
pub(crate) fn write_query_answer<D: Drain>(
    out: &mut Out<D>,
    value: &Value,
    stats: Option<&QueryStats>,
    annotated: &Annotated,
) -> Result<(), Gone> {
    out.text.push_str(r#"{"status":"success","data":{"resultType":""#);
    out.text.push_str(match value {
        Value::Scalar { .. } => "scalar",
        Value::String { .. } => "string",
        Value::Vector(_) => "vector",
        Value::Matrix(_) => "matrix",
    });
    out.text.push_str(r#"","result":"#);
    write_value(out, value)?;
    if let Some(stats) = stats {
        write_stats(&mut out.text, stats);
    }
    out.text.push('}');
    annotated.write(&mut out.text);
    out.text.push('}');
    Ok(())
}

fn write_value<D: Drain>(out: &mut Out<D>, value: &Value) -> Result<(), Gone> {
    match value {
        Value::Scalar { t_ms, value } => write_point(&mut out.text, *t_ms, *value),
        Value::String { t_ms, value } => {
            out.text.push('[');
            write_time(&mut out.text, *t_ms);
            out.text.push(',');
            super::write_text(&mut out.text, value);
            out.text.push(']');
        }
        Value::Vector(series) => write_list(out, series, write_instant)?,
        Value::Matrix(series) => write_list(out, series, write_range)?,
    }
    Ok(())
}

fn write_list<D: Drain, T>(
    out: &mut Out<D>,
    items: &[T],
    mut write: impl FnMut(&mut Out<D>, &T) -> Result<(), Gone>,
) -> Result<(), Gone> {
    out.text.push('[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.text.push(',');
        }
        write(out, item)?;
        out.breathe()?;
    }
    out.text.push(']');
    Ok(())
}

fn write_instant<D: Drain>(out: &mut Out<D>, series: &InstantSeries) -> Result<(), Gone> {
    let text = &mut out.text;
    text.push_str(r#"{"metric":"#);
    write_labels(text, &series.labels);
    match &series.histogram {
        None => {
            text.push_str(r#","value":"#);
            write_point(text, series.t_ms, series.value);
        }
        Some(histogram) => {
            text.push_str(r#","histogram":["#);
            write_time(text, series.t_ms);
            text.push(',');
            write_histogram(text, histogram);
            text.push(']');
        }
    }
    text.push('}');
    Ok(())
}

fn write_range<D: Drain>(out: &mut Out<D>, series: &RangeSeries) -> Result<(), Gone> {
    out.text.push_str(r#"{"metric":"#);
    write_labels(&mut out.text, &series.labels);
    if !series.t_ms.is_empty() {
        out.text.push_str(r#","values":["#);
        for (i, (t_ms, value)) in series.t_ms.iter().zip(&series.values).enumerate() {
            if i > 0 {
                out.text.push(',');
            }
            write_point(&mut out.text, *t_ms, *value);
            out.breathe()?;
        }
        out.text.push(']');
    }
    if !series.histograms.is_empty() {
        out.text.push_str(r#","histograms":["#);
        for (i, (t_ms, histogram)) in series.histograms.iter().enumerate() {
            if i > 0 {
                out.text.push(',');
            }
            out.text.push('[');
            write_time(&mut out.text, *t_ms);
            out.text.push(',');
            write_histogram(&mut out.text, histogram);
            out.text.push(']');
            out.breathe()?;
        }
        out.text.push(']');
    }
    out.text.push('}');
    Ok(())
}

/// As a member of an object that has others before it.
pub(crate) fn write_stats(out: &mut String, stats: &QueryStats) {
    let timings = [
        (r#","stats":{"timings":{"evalTotalTime":"#, stats.eval_total),
        (r#","resultSortTime":"#, stats.result_sort),
        (r#","queryPreparationTime":"#, stats.preparation),
        (r#","innerEvalTime":"#, stats.inner_eval),
        (r#","execQueueTime":"#, stats.queue),
        (r#","execTotalTime":"#, stats.exec_total),
    ];
    for (key, seconds) in timings {
        out.push_str(key);
        write_number(out, seconds);
    }
    let samples = [
        (r#"},"samples":{"totalQueryableSamples":"#, stats.total_samples),
        (r#","peakSamples":"#, stats.peak_samples),
    ];
    for (key, count) in samples {
        out.push_str(key);
        out.push_str(&count.to_string());
    }
    out.push_str("}}");
}
