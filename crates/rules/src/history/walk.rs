//! Rules on their way through time.

use super::known::{Known, Steps, Unknown};
use super::order::{self, Unit};
use super::overlay::{Hidden, Overlay, Written};
use super::pieces::Pieces;
use super::sink::Sink;
use super::{Past, Progress, Stopped, Tally, Watch};
use crate::file::{Group, Kind, Rule};
use crate::group::{ActiveGroup, of_group};
use crate::manager::schedule;
use crate::settings::{self, Means, Settings};
use crate::view::AlertView;
use model::TimeRange;
use promql::{Engine, Expr};
use std::sync::Arc;

/// Samples that a query over many steps may hold; one that needs more is asked for fewer at once.
const MAX_SAMPLES: usize = 5_000_000;
/// Samples of computed series that are kept for rules that read them.
const MAX_KEPT: usize = 10_000_000;
/// Steps after which somebody who waits hears of it.
const STEPS: usize = 256;

/// What becomes of the samples that rules write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// Rules find them instead of what is stored.
    Test,
    /// Rules find them where nothing is stored; all are taken away after each piece. Alerts are not
    /// evaluated.
    Record,
}

/// All rules.
pub(super) struct Walk<'a> {
    past: &'a Past<'a>,
    aim: Aim,
    overlay: Overlay,
    units: Vec<Unit>,
    pub(super) groups: Vec<Walker>,
    pieces: Pieces,
    /// How far back rules look; `None` when that is not known.
    reach_ms: Option<i64>,
}

/// A group.
pub(super) struct Walker {
    pub(super) file: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) interval_ms: i64,
    place_ms: i64,
    /// How much older than the evaluation its samples are.
    lag_ms: i64,
    pub(super) sink: Sink,
    pub(super) rules: Vec<Walking>,
}

/// A rule.
pub(super) struct Walking {
    expr: Expr,
    /// A group of nothing but this rule.
    active: ActiveGroup,
    sink: Sink,
    is_alert: bool,
    pub(super) tally: Tally,
}

/// Hears of alerts after each evaluation: by group and rule, at a time, and whether it was the first.
pub(super) type Observe<'o> = &'o mut dyn FnMut((usize, usize), i64, bool, &[AlertView]);

impl<'a> Walk<'a> {
    pub(super) fn new(past: &'a Past<'a>, aim: Aim) -> Self {
        let mut all: Vec<(&str, Group)> = Vec::new();
        for file in past.files {
            for group in &file.groups.groups {
                let mut group = group.clone();
                if aim == Aim::Record {
                    group.rules.retain(|rule| rule.kind == Kind::Record);
                }
                all.push((&file.name, group));
            }
        }
        let lags: Vec<i64> =
            all.iter().map(|(_, group)| of_group(past.settings, group).query_offset_ms).collect();
        let groups: Vec<&Group> = all.iter().map(|(_, group)| group).collect();
        let (units, is_read) = order::order(&groups, &lags);
        let hidden = (aim == Aim::Test).then(|| hidden(past, &groups, &lags));
        let overlay = Overlay::new(Arc::clone(&past.store), hidden);
        let walkers = all.iter().zip(&is_read).map(|((file, group), is_read)| {
            Walker::new(file, group, past.settings, &overlay, aim, is_read)
        });
        let walkers: Vec<Walker> = walkers.collect();
        let pieces = Pieces::new(past.from_ms, past.to_ms);
        let reach_ms = reach(past, &groups);
        Self { past, aim, overlay, units, groups: walkers, pieces, reach_ms }
    }

    /// Takes all rules through the next piece; false when there is none.
    pub(super) fn step(&mut self, watch: Watch<'_>, observe: Observe<'_>) -> Result<bool, Stopped> {
        let Some(piece) = self.pieces.next() else { return Ok(false) };
        if self.aim == Aim::Test
            && let Some(reach_ms) = self.reach_ms
        {
            self.overlay.forget(piece.0.saturating_sub(reach_ms));
        }
        let rules: usize = self.groups.iter().map(|group| group.rules.len()).sum();
        let (mut done, mut samples) = (0, 0_u64);
        for u in 0..self.units.len() {
            let pieces = self.pieces;
            let mut tell = |part: f64, group: &str, rule: &str, at_ms: i64| {
                let part = (f64::from(done) + part) / rules.max(1) as f64;
                let done = pieces.done(piece, part);
                let goes_on = watch(Progress { done, group, rule, at_ms });
                if goes_on && !self.past.control.is_stopped() {
                    Ok(())
                } else {
                    Err(Stopped::Canceled)
                }
            };
            let unit = self.units[u].clone();
            let walk = Scene { past: self.past, overlay: &self.overlay, piece };
            let count: usize = unit.groups.iter().map(|g| self.groups[*g].rules.len()).sum();
            if unit.at_once {
                let g = unit.groups[0];
                let group = &mut self.groups[g];
                for r in 0..group.rules.len() {
                    let part = r as f64;
                    let observe = |t_ms, first, alerts: &[AlertView]| {
                        observe((g, r), t_ms, first, alerts);
                    };
                    samples += walk.at_once(
                        group,
                        r,
                        &mut |within, group, rule, at_ms| tell(part + within, group, rule, at_ms),
                        observe,
                    )? as u64;
                }
            } else {
                walk.step_by_step(
                    &mut self.groups,
                    &unit,
                    &mut |within, group, rule, at_ms| {
                        tell(within * count as f64, group, rule, at_ms)
                    },
                    observe,
                )?;
            }
            done += u32::try_from(count).unwrap_or(u32::MAX);
        }
        let kept = self.overlay.forget(i64::MIN);
        if kept > MAX_KEPT {
            return Err(Stopped::TooMuch(MAX_KEPT));
        }
        self.pieces.had(samples.max(kept as u64));
        Ok(true)
    }
}

/// What is to be hidden: all that these rules would have written.
fn hidden(past: &Past<'_>, groups: &[&Group], lags_ms: &[i64]) -> Hidden {
    let of_group = |group: &&Group| {
        let of_rule = group.rules.iter().flat_map(|rule| order::written(group, rule));
        of_rule.collect::<Vec<Written>>()
    };
    let lag_ms = lags_ms.iter().copied().max().unwrap_or(0).max(0);
    let min_ms = past.from_ms.saturating_sub(lag_ms);
    Hidden {
        by: groups.iter().flat_map(of_group).collect(),
        range: TimeRange { min_ms, max_ms: past.to_ms },
    }
}

/// How far back from the time of an evaluation any rule looks; `None` when that cannot be said.
fn reach(past: &Past<'_>, groups: &[&Group]) -> Option<i64> {
    let mut reach_ms = 0;
    for group in groups {
        let lag_ms = of_group(past.settings, group).query_offset_ms;
        for rule in &group.rules {
            if order::asks(rule) {
                return None;
            }
            let earliest = super::known::earliest(past.engine, &rule.expr, past.from_ms)?;
            let reach = past.from_ms.saturating_sub(earliest).saturating_add(lag_ms.max(0));
            reach_ms = reach_ms.max(reach);
        }
    }
    Some(reach_ms)
}

impl Walker {
    fn new(
        file: &str,
        group: &Group,
        settings: &Settings,
        overlay: &Overlay,
        aim: Aim,
        is_read: &[bool],
    ) -> Self {
        let own = of_group(settings, group);
        let (file, name): (Arc<str>, Arc<str>) = (file.into(), group.name.as_str().into());
        let place_ms = schedule::place_ms(schedule::hash(&file, &name), own.interval_ms);
        let sink = match aim {
            Aim::Test => Sink::into(overlay),
            Aim::Record => Sink::collecting(overlay),
        };
        let rules = group.rules.iter().zip(is_read).map(|(rule, is_read)| {
            let is_kept = *is_read || aim == Aim::Record;
            let sink = if is_kept { sink.clone() } else { Sink::nowhere() };
            Walking::new(&file, &name, group, rule, settings, sink)
        });
        let rules = rules.collect();
        let (interval_ms, lag_ms) = (own.interval_ms, own.query_offset_ms);
        Self { file, name, interval_ms, place_ms, lag_ms, sink, rules }
    }

    /// The times of evaluations within a piece.
    fn steps(&self, (first_ms, end_ms): (i64, i64)) -> Steps {
        let wait = (self.place_ms - first_ms).rem_euclid(self.interval_ms);
        let first_ms = first_ms.saturating_add(wait);
        let left = end_ms.saturating_sub(1).saturating_sub(first_ms);
        let count = if left < 0 { 0 } else { left / self.interval_ms + 1 };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Steps { first_ms, count, step_ms: self.interval_ms }
    }
}

impl Walking {
    fn new(
        file: &Arc<str>,
        name: &Arc<str>,
        group: &Group,
        rule: &Rule,
        settings: &Settings,
        sink: Sink,
    ) -> Self {
        let alone = Group { rules: vec![rule.clone()], ..group.clone() };
        let active = ActiveGroup::new(file, &alone, settings);
        let info = active.rules().remove(0).info;
        let tally = Tally {
            file: Arc::clone(file),
            group: Arc::clone(name),
            rule: info,
            evaluations: 0,
            failures: 0,
            first_failure: None,
            samples: 0,
        };
        let is_alert = rule.kind != Kind::Record;
        Self { expr: rule.expr.clone(), active, sink, is_alert, tally }
    }

    fn evaluate(
        &mut self,
        scene: &Scene<'_>,
        past: &dyn settings::Past,
        t_ms: i64,
        observe: impl FnOnce(i64, bool, &[AlertView]),
    ) {
        let Scene { past: Past { engine, control, .. }, overlay, .. } = scene;
        let means =
            Means { past: Some(past), ..Means::new(engine, *overlay, &self.sink, *control) };
        let mut evaluated = self.active.evaluate(t_ms, &means);
        let Some(outcome) = evaluated.rules.pop() else { return };
        if control.is_stopped() {
            return;
        }
        let is_first = self.tally.evaluations == 0;
        self.tally.evaluations += 1;
        self.tally.samples += outcome.samples as u64;
        if let Some(error) = outcome.error {
            self.tally.failures += 1;
            self.tally.first_failure.get_or_insert((t_ms, error));
        }
        if self.is_alert {
            observe(t_ms, is_first, &self.active.rules().remove(0).alerts);
        }
    }
}

/// A piece, and what rules find in it.
struct Scene<'a> {
    past: &'a Past<'a>,
    overlay: &'a Overlay,
    piece: (i64, i64),
}

/// Hears which part is done, of which group and rule, at which time.
type Tell<'t> = &'t mut dyn FnMut(f64, &str, &str, i64) -> Result<(), Stopped>;

impl Scene<'_> {
    /// Takes one rule through the piece; the number of samples its query gave.
    fn at_once(
        &self,
        group: &mut Walker,
        r: usize,
        tell: Tell<'_>,
        mut observe: impl FnMut(i64, bool, &[AlertView]),
    ) -> Result<usize, Stopped> {
        let steps = group.steps(self.piece);
        let (lag_ms, name) = (group.lag_ms, Arc::clone(&group.name));
        let rule = &mut group.rules[r];
        let info = Arc::clone(&rule.tally.rule);
        tell(0.0, &name, &info.name, self.piece.0)?;
        let mut engine = Engine::clone(self.past.engine);
        engine.options.max_samples = engine.options.max_samples.min(MAX_SAMPLES);
        let asked = Steps { first_ms: steps.first_ms.saturating_sub(lag_ms), ..steps };
        let known = Known::find(&engine, self.overlay, &rule.expr, asked, self.past.control);
        for i in 0..steps.count {
            let t_ms = steps.time(i);
            if i % STEPS == 0 {
                let part = i as f64 / steps.count as f64;
                tell(part, &name, &info.name, t_ms)?;
            }
            rule.evaluate(self, &known, t_ms, &mut observe);
            if self.past.control.is_stopped() {
                return Err(Stopped::Canceled);
            }
        }
        Ok(known.samples)
    }

    /// Takes groups through the piece in order of time.
    fn step_by_step(
        &self,
        groups: &mut [Walker],
        unit: &Unit,
        tell: Tell<'_>,
        observe: Observe<'_>,
    ) -> Result<(), Stopped> {
        let mut next: Vec<(usize, Steps, usize)> =
            unit.groups.iter().map(|g| (*g, groups[*g].steps(self.piece), 0)).collect();
        let (first_ms, end_ms) = self.piece;
        let mut count = 0;
        loop {
            let due = next.iter_mut().filter(|(_, steps, i)| *i < steps.count);
            let Some((g, steps, i)) = due.min_by_key(|(_, steps, i)| steps.time(*i)) else {
                return Ok(());
            };
            let t_ms = steps.time(*i);
            *i += 1;
            let group = &mut groups[*g];
            for (r, rule) in group.rules.iter_mut().enumerate() {
                if count % STEPS == 0 {
                    let part = (t_ms - first_ms) as f64 / (end_ms - first_ms) as f64;
                    tell(part, &group.name, &rule.tally.rule.name, t_ms)?;
                }
                count += 1;
                let observe = |t_ms, first, alerts: &[AlertView]| {
                    observe((*g, r), t_ms, first, alerts);
                };
                rule.evaluate(self, &Unknown, t_ms, observe);
                if self.past.control.is_stopped() {
                    return Err(Stopped::Canceled);
                }
            }
        }
    }
}
