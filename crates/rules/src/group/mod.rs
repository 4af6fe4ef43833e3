//! A group with the state of its rules: the core of all that is done with rules.
//!
//! Nothing here knows the time of day, a file or a thread: whoever evaluates a group says when that
//! is, what is asked and where results go. The loops of [`crate::manager`] do so on a schedule, unit tests of
//! rules and runs over the past step by step.

mod alert;
mod alerting;
mod error;
mod order;
mod output;
mod recall;
mod recording;
mod restore;
mod rule;
mod texts;
mod together;

use crate::file;
use crate::settings::{Means, Settings};
use crate::template::ExpandError;
use crate::view::{GroupView, RuleView};
use output::{Keys, Output};
pub(crate) use rule::Identity;
use rule::{ActiveRule, Done};
use std::sync::Arc;
use std::time::Instant;

/// A group and the state of its rules.
pub struct ActiveGroup {
    file: Arc<str>,
    name: Arc<str>,
    /// Interval and offset are the group's own.
    settings: Settings,
    limit: u64,
    rules: Vec<ActiveRule>,
    /// Which rules may be evaluated together, step by step; found when it is first asked.
    steps: Option<Vec<Vec<usize>>>,
    /// Of rules that are no longer there.
    left: Vec<Left>,
    seconds: f64,
    last_evaluation_ns: Option<i64>,
}

/// What a rule stored that is no longer there.
struct Left {
    output: Output,
    /// 0 when its series end with the next evaluation; else the interval in which another group goes on
    /// with them.
    patience_ms: i64,
    /// The first evaluation without the rule.
    since_ms: Option<i64>,
}

impl Left {
    /// Ends its series when it is time; false when they have ended.
    fn wait_or_end(&mut self, scene: &Scene<'_>) -> bool {
        let since_ms = *self.since_ms.get_or_insert(scene.t_ms);
        if scene.t_ms - since_ms < self.patience_ms.saturating_mul(2) {
            return true;
        }
        // The other group has had an evaluation before that and one after it.
        self.output.end(scene.means.sink, since_ms.saturating_add(self.patience_ms));
        false
    }
}

/// What an evaluation of a group gave.
#[derive(Clone, Debug, Default)]
pub struct Evaluated {
    /// For each rule in the order of the group.
    pub rules: Vec<Outcome>,
    /// How long all of it took.
    pub seconds: f64,
}

impl Evaluated {
    /// Samples of all rules.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.rules.iter().map(|rule| rule.samples).sum()
    }

    /// How many rules failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.rules.iter().filter(|rule| rule.error.is_some()).count()
    }
}

/// What an evaluation of a rule gave.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Samples of its series.
    pub samples: usize,
    /// Why it failed, or why something was not stored.
    pub error: Option<Arc<str>>,
    /// How long it took.
    pub seconds: f64,
    /// Templates that were filled in.
    pub expansions: u64,
    /// Those of them that failed.
    pub failed_expansions: u64,
}

/// One evaluation, as its rules see it.
struct Scene<'a> {
    means: &'a Means<'a>,
    settings: &'a Settings,
    file: &'a str,
    group: &'a str,
    limit: u64,
    interval_ms: i64,
    /// The time of the evaluation.
    at_ms: i64,
    /// The time that is asked about and stored.
    t_ms: i64,
    begin: Instant,
}

impl Scene<'_> {
    /// The time of day, for people.
    fn now_ns(&self) -> i64 {
        let passed = i64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(i64::MAX);
        match self.means.started_ns {
            Some(started_ns) => started_ns.saturating_add(passed),
            None => self.at_ms.saturating_mul(1_000_000),
        }
    }

    #[cold]
    fn log_failure(&self, name: &str, error: &str) {
        let Self { file, group, .. } = self;
        if self.means.past.is_some() {
            return;
        }
        tracing::warn!(component = "rules", file, group, name, error, "a rule failed");
    }

    #[cold]
    fn log_expansion(&self, error: &ExpandError) {
        let Self { file, group, .. } = self;
        if self.means.past.is_some() {
            return;
        }
        tracing::warn!(component = "rules", file, group, %error, "a template was not filled in");
    }
}

impl ActiveGroup {
    /// Nothing was evaluated yet. Templates are read here, once.
    #[must_use]
    pub fn new(file: &str, group: &file::Group, settings: &Settings) -> Self {
        let mut keys = Keys::default();
        let whole = format!("{file};{}", group.name);
        let rules = group.rules.iter().map(|rule| {
            ActiveRule::new(&whole, &group.labels, rule, &settings.external_url, &mut keys)
        });
        let rules: Vec<_> = rules.collect();
        Self {
            file: file.into(),
            name: group.name.as_str().into(),
            settings: of_group(settings, group),
            limit: group.limit,
            rules,
            steps: None,
            left: Vec::new(),
            seconds: 0.0,
            last_evaluation_ns: None,
        }
    }

    /// Goes on where an older version of the group was: rules of the same name, labels and kind keep
    /// their alerts and series, best when the query is the same as well. The series of all others end
    /// with the next evaluation.
    pub fn take_over(&mut self, older: Self) {
        self.take_over_moved(older, &[]);
    }

    /// The same, when rules moved to other groups, which are evaluated so often: their series end only
    /// when they do not go on there.
    pub(crate) fn take_over_moved(&mut self, older: Self, moved: &[(Identity, i64)]) {
        let mut older_rules: Vec<_> = older.rules.into_iter().map(Some).collect();
        let is_held_back = older_rules.iter().flatten().any(ActiveRule::is_held_back);
        let mut fresh = vec![true; self.rules.len()];
        for same_query in [true, false] {
            for (rule, fresh) in self.rules.iter_mut().zip(&mut fresh).filter(|(_, f)| **f) {
                let found = older_rules.iter_mut().find(|older| {
                    older.as_ref().is_some_and(|older| {
                        rule.succeeds(older) && (!same_query || rule.asks_the_same(older))
                    })
                });
                if let Some(older) = found.and_then(Option::take) {
                    rule.take_over(older);
                    *fresh = false;
                }
            }
        }
        self.left = older.left;
        for rule in older_rules.into_iter().flatten() {
            let place = moved.iter().find(|(identity, _)| rule.is(identity));
            let patience_ms = place.map_or(0, |(_, interval_ms)| *interval_ms);
            let left = |output| Left { output, patience_ms, since_ms: None };
            self.left.extend(rule.into_outputs().map(left));
        }
        if is_held_back {
            self.hold_back();
        }
        self.seconds = older.seconds;
        self.last_evaluation_ns = older.last_evaluation_ns;
    }

    /// Holds back the series about alerts until [`restore`](Self::restore), which reads what was stored
    /// before.
    pub fn hold_back(&mut self) {
        self.rules.iter_mut().for_each(ActiveRule::hold_back);
    }

    /// Evaluates all rules at a time, in milliseconds since the Unix epoch. The series of a rule are
    /// visible to those after it.
    pub fn evaluate(&mut self, at_ms: i64, means: &Means<'_>) -> Evaluated {
        let begin = Instant::now();
        self.last_evaluation_ns =
            Some(means.started_ns.unwrap_or_else(|| at_ms.saturating_mul(1_000_000)));
        let scene = scene(&self.file, &self.name, &self.settings, self.limit, at_ms, means);
        match means.helpers {
            Some(helpers) => {
                let members = || self.rules.iter().map(ActiveRule::member).collect::<Vec<_>>();
                let steps = self.steps.get_or_insert_with(|| order::steps(&members()));
                together::evaluate(&mut self.rules, steps, helpers, &scene);
            }
            None => self.rules.iter_mut().for_each(|rule| rule.evaluate(&scene)),
        }
        self.left.retain_mut(|left| left.wait_or_end(&scene));
        self.seconds = begin.elapsed().as_secs_f64();
        let rules = self.rules.iter().map(ActiveRule::outcome).collect();
        Evaluated { rules, seconds: self.seconds }
    }

    /// Sets since when alerts hold from what was stored before, once some evaluations gave the alerts
    /// that there are; their series are stored from now on.
    pub fn restore(&mut self, at_ms: i64, means: &Means<'_>) {
        let scene = scene(&self.file, &self.name, &self.settings, self.limit, at_ms, means);
        self.rules.iter_mut().for_each(|rule| rule.restore(&scene));
    }

    /// Ends all series of a group that is no longer wanted. Those that others go on with go on.
    pub fn end(&mut self, at_ms: i64, means: &Means<'_>) {
        let scene = scene(&self.file, &self.name, &self.settings, self.limit, at_ms, means);
        self.rules.iter_mut().for_each(|rule| rule.end(&scene));
        for mut left in self.left.drain(..) {
            left.output.end(means.sink, scene.t_ms);
        }
    }

    /// The rules as they are now.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleView> {
        self.rules.iter().map(ActiveRule::view).collect()
    }

    /// The group as it is now.
    #[must_use]
    pub fn view(&self) -> GroupView {
        GroupView {
            file: self.file.clone(),
            name: self.name.clone(),
            interval_ms: self.interval_ms(),
            query_offset_ms: self.settings.query_offset_ms,
            limit: self.limit,
            rules: self.rules(),
            evaluation_seconds: self.seconds,
            last_evaluation_ns: self.last_evaluation_ns,
        }
    }

    /// Time from evaluation to evaluation.
    #[must_use]
    pub fn interval_ms(&self) -> i64 {
        self.settings.interval_ms
    }
}

/// The settings that hold for a group.
pub(crate) fn of_group(settings: &Settings, group: &file::Group) -> Settings {
    Settings {
        interval_ms: group.interval_ms.unwrap_or(settings.interval_ms).max(1),
        query_offset_ms: group.query_offset_ms.unwrap_or(settings.query_offset_ms),
        ..settings.clone()
    }
}

fn scene<'a>(
    file: &'a str,
    group: &'a str,
    settings: &'a Settings,
    limit: u64,
    at_ms: i64,
    means: &'a Means<'a>,
) -> Scene<'a> {
    let t_ms = at_ms.saturating_sub(settings.query_offset_ms);
    let (interval_ms, begin) = (settings.interval_ms, Instant::now());
    Scene { means, settings, file, group, limit, interval_ms, at_ms, t_ms, begin }
}
