//! `info`: adds labels of info series to series of the same instance and job.
//!
//! At each step the info series with the newest sample is taken, one for each info metric. So what a
//! series is called may change from step to step: its values are dealt out to several results.

use super::column::Sample;
use super::grid::Timing;
use super::grouping::{Key, Keys};
use super::selector::{InstantSelector, Want};
use super::{Column, Context, Node, Operator, Series, is_reserved};
use crate::engine::EvalError;
use hashbrown::HashMap;
use model::{Labels, METRIC_NAME, MatchOp, Matcher, TimeRange};
use std::sync::Arc;

/// Labels that info series and others have in common.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// Info series that apply at a step, by number; one for each metric, sorted.
type Choice = Vec<u32>;

/// `info(v, selector)`.
pub(crate) struct Info {
    inner: Node,
    info: InstantSelector,
    n: usize,
    /// Which metrics are info metrics.
    names: Vec<Matcher>,
    /// Which info labels are wanted; all, when there are none.
    data: Vec<Matcher>,
    results: std::vec::IntoIter<Column>,
}

/// The conditions that make a metric an info metric.
fn name_matchers(matchers: &[Matcher]) -> Vec<Matcher> {
    let named = |matcher: &&Matcher| matcher.name() == METRIC_NAME;
    let mut names: Vec<Matcher> = matchers.iter().filter(named).cloned().collect();
    if names.is_empty() {
        names.push(Matcher::equal(METRIC_NAME, "target_info"));
    } else if !names.iter().any(|m| matches!(m.op(), MatchOp::Equal | MatchOp::Regex)) {
        let info = Matcher::new(MatchOp::Regex, METRIC_NAME, ".+_info");
        names.push(info.expect("a valid pattern"));
    }
    names
}

impl Info {
    pub(crate) fn new(
        inner: Node,
        matchers: Vec<Matcher>,
        timing: Timing,
        lookback: i64,
    ) -> (Self, TimeRange) {
        let names = name_matchers(&matchers);
        let mut data = matchers;
        data.retain(|matcher| matcher.name() != METRIC_NAME);
        let all = names.iter().chain(&data).cloned().collect();
        let (info, range) = InstantSelector::new(all, timing, lookback, Want::TimeOfFloat, true);
        let n = timing.grid.n;
        (Self { inner, info, n, names, data, results: Vec::new().into_iter() }, range)
    }

    fn is_info(&self, labels: &Labels) -> bool {
        self.names.iter().all(|matcher| matcher.matches_labels(labels))
    }

    /// For each instance and job, and each step, the info series that apply.
    fn choices(
        &mut self,
        cx: &mut Context<'_>,
        keys: &mut Keys,
    ) -> Result<(Vec<Series>, Vec<Vec<Choice>>), EvalError> {
        let infos = self.info.series(cx)?;
        let mut newest: Vec<Vec<Vec<(u32, f64)>>> = Vec::new();
        let mut times = Column::default();
        for (i, series) in (0_u32..).zip(&infos) {
            self.info.next(cx, &mut times)?;
            cx.hold(times.weight())?;
            let key = keys.number(&series.labels) as usize;
            if newest.len() <= key {
                newest.resize(key + 1, Vec::new());
            }
            newest[key].resize(self.n, Vec::new());
            let mut clash = None;
            times.for_each(|step, t| {
                let known = &mut newest[key][step];
                let name = series.labels.metric_name();
                let same =
                    |(j, _): &&mut (u32, f64)| infos[*j as usize].labels.metric_name() == name;
                match known.iter_mut().find(same) {
                    Some(best) if best.1 < t => *best = (i, t),
                    Some(best) if best.1 > t => {}
                    Some(best) => clash = Some((best.0, t)),
                    None => known.push((i, t)),
                }
            });
            if let Some((other, t)) = clash {
                return Err(duplicate(&infos[other as usize].labels, &series.labels, t));
            }
        }
        let choose = |known: Vec<(u32, f64)>| known.into_iter().map(|(i, _)| i).collect();
        let choices = newest.into_iter().map(|steps| steps.into_iter().map(choose).collect());
        Ok((infos, choices.collect()))
    }

    /// What a series is called with the labels of info series; `None` when it is dropped.
    fn enriched(
        &self,
        base: &Series,
        infos: &[Series],
        choice: &[u32],
    ) -> Result<Option<Series>, EvalError> {
        if choice.is_empty() {
            let keep = self.data.iter().all(|matcher| matcher.matches(""));
            return Ok(keep.then(|| base.clone()));
        }
        let wanted = |name: &str| {
            !is_reserved(name)
                && (self.data.is_empty() || self.data.iter().any(|m| m.name() == name))
                && base.labels.get(name).is_none()
        };
        let mut labels = base.labels.to_builder();
        for i in choice {
            for (name, value) in infos[*i as usize].labels.iter().filter(|(name, _)| wanted(name)) {
                if labels.get(name).is_some_and(|other| other != value) {
                    return Err(EvalError::Execution(format!("conflicting label: {name}")));
                }
                labels.set(name, value);
            }
        }
        Ok(Some(Series { labels: labels.build(), drop_name: base.drop_name }))
    }
}

fn duplicate(a: &Labels, b: &Labels, seconds: f64) -> EvalError {
    EvalError::Execution(format!(
        "found duplicate series for info metric: existing {a} @ {seconds}, new {b} @ {seconds}"
    ))
}

impl Operator for Info {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let input = self.inner.series(cx)?;
        let names: Vec<Box<str>> = IDENTIFYING.map(Box::from).to_vec();
        let mut keys = Keys::new(Key::new(&names, false));
        let (infos, choices) = self.choices(cx, &mut keys)?;
        let (mut series, mut columns) = (Vec::new(), Vec::<Column>::new());
        let mut column = Column::default();
        let nothing = Choice::new();
        for base in &input {
            cx.check()?;
            self.inner.next(cx, &mut column)?;
            cx.hold(column.weight())?;
            if self.is_info(&base.labels) {
                series.push(base.clone());
                columns.push(column.clone());
                continue;
            }
            let identified = IDENTIFYING.iter().any(|name| base.labels.get(name).is_some());
            let steps = keys.find(&base.labels).filter(|_| identified);
            let steps = steps.and_then(|key| choices.get(key as usize)).filter(|s| !s.is_empty());
            let mut places: HashMap<&Choice, Option<usize>> = HashMap::new();
            let mut failed = Ok(());
            column.for_each_sample(|step, sample| {
                let choice = steps.map_or(&nothing, |steps| &steps[step]);
                let place = *places.entry(choice).or_insert_with(|| {
                    match self.enriched(base, &infos, choice) {
                        Ok(named) => named.map(|named| {
                            series.push(named);
                            columns.push(Column::default());
                            columns[series.len() - 1].reset(self.n);
                            series.len() - 1
                        }),
                        Err(error) => {
                            failed = Err(error);
                            None
                        }
                    }
                });
                if let Some(place) = place {
                    match sample {
                        Sample::Float(value) => columns[place].set(step, value),
                        Sample::Histogram(h) => columns[place].set_histogram(step, Arc::clone(h)),
                    }
                }
            });
            failed?;
        }
        self.results = columns.into_iter();
        Ok(series)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        *out = self.results.next().expect("one column a series");
        cx.release(out.weight());
        Ok(())
    }
}
