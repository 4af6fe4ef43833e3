//! One rule and its state.

use super::alert::Patience;
use super::alerting::Alerting;
use super::error::{RuleError, panic_text};
use super::order::Member;
use super::output::{Keys, Output};
use super::recording::Recording;
use super::{Outcome, Scene};
use crate::file::{Group, Kind, Rule};
use crate::view::{Health, RuleInfo, RuleKind, RuleView};
use model::{Labels, METRIC_NAME};
use promql::{Control, Expr, InstantSeries, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// A rule with its state.
pub(super) struct ActiveRule {
    pub(super) info: Arc<RuleInfo>,
    expr: Expr,
    work: Work,
    output: Output,
    /// What the rule stored before it was changed: ends when it first goes well.
    former: Vec<Output>,
    health: Health,
    last_error: Option<Arc<str>>,
    seconds: f64,
    last_evaluation_ns: Option<i64>,
    /// What came of the last evaluation.
    samples: usize,
    failed: bool,
    /// Labels it sets, those of the group among them, as written.
    set: Vec<(String, String)>,
    /// Labels of all series it writes.
    fixed: Vec<(String, String)>,
}

enum Work {
    Record(Recording),
    Alert(Box<Alerting>),
}

/// A rule that was evaluated.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) samples: usize,
    /// What was not stored, if anything was.
    pub(super) trouble: Option<RuleError>,
}

impl ActiveRule {
    pub(super) fn new(
        group: &str,
        defaults: &Labels,
        rule: &Rule,
        external_url: &str,
        keys: &mut Keys,
    ) -> Self {
        let set = with_defaults(defaults, &rule.labels);
        let labels = Labels::from_pairs(set.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let query = rule.expr.to_string();
        let key = keys.key(group, &rule.name, &labels, &query);
        let is_alert = rule.kind != Kind::Record;
        // Of an alert's series these two have values of their own, whatever the rule sets.
        let is_own = |name: &str| is_alert && matches!(name, "alertname" | "alertstate");
        let is_fixed = |(name, value): &&(String, String)| {
            !is_own(name) && (!is_alert || !value.contains("{{"))
        };
        let mut fixed: Vec<_> = set.iter().filter(is_fixed).cloned().collect();
        if is_alert {
            fixed.push(("alertname".to_owned(), rule.name.clone()));
        }
        let common = Labels::from_pairs(fixed.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let (work, kind, common) = match &rule.kind {
            Kind::Record => {
                let common = common.with(METRIC_NAME, &rule.name);
                (Work::Record(Recording::new(&rule.name, set.clone())), RuleKind::Recording, common)
            }
            Kind::Alert { for_ms, keep_firing_for_ms, annotations } => {
                let (for_ms, keep_firing_for_ms) = (*for_ms, *keep_firing_for_ms);
                let patience = Patience { for_ms, keep_firing_for_ms };
                let source = format!("{external_url}{}", crate::template::table_link(&query));
                let alerting = Alerting::new(&rule.name, patience, &set, annotations, source);
                let annotations = annotations.clone();
                let kind = RuleKind::Alerting { for_ms, keep_firing_for_ms, annotations };
                (Work::Alert(Box::new(alerting)), kind, common)
            }
        };
        let (name, place) = (rule.name.clone(), rule.place);
        let info = RuleInfo { name, query, labels: set.clone(), kind, place };
        Self {
            info: Arc::new(info),
            expr: rule.expr.clone(),
            work,
            output: Output::new(key, common),
            former: Vec::new(),
            health: Health::Unknown,
            last_error: None,
            seconds: 0.0,
            last_evaluation_ns: None,
            samples: 0,
            failed: false,
            set,
            fixed,
        }
    }

    /// Whether it is an older version of the same rule.
    pub(super) fn succeeds(&self, older: &Self) -> bool {
        let is_alert = |rule: &Self| matches!(rule.work, Work::Alert(_));
        self.info.name == older.info.name
            && self.set == older.set
            && is_alert(self) == is_alert(older)
    }

    /// Whether it asks for the same.
    pub(super) fn asks_the_same(&self, older: &Self) -> bool {
        self.info.query == older.info.query
    }

    /// Goes on where an older version was.
    pub(super) fn take_over(&mut self, older: Self) {
        let is_same = self.asks_the_same(&older);
        match (&mut self.work, older.work) {
            (Work::Record(new), Work::Record(old)) if is_same => new.take_columns(old),
            (Work::Alert(new), Work::Alert(old)) => new.take_over(*old, is_same),
            _ => {}
        }
        self.former = older.former;
        if is_same {
            self.output = older.output;
        } else {
            self.former.push(older.output);
        }
        self.health = older.health;
        self.last_error = older.last_error;
        self.seconds = older.seconds;
        self.last_evaluation_ns = older.last_evaluation_ns;
    }

    /// What makes it the same rule.
    pub(super) fn is(&self, identity: &Identity) -> bool {
        self.info.name == identity.name
            && self.set == identity.labels
            && matches!(self.work, Work::Alert(_)) == identity.is_alert
    }

    /// What it stores.
    pub(super) fn into_outputs(self) -> impl Iterator<Item = Output> {
        self.former.into_iter().chain([self.output])
    }

    /// Ends all of its series.
    pub(super) fn end(&mut self, scene: &Scene<'_>) {
        self.end_former(scene);
        self.output.end(scene.means.sink, scene.t_ms);
    }

    fn end_former(&mut self, scene: &Scene<'_>) {
        self.former.drain(..).for_each(|mut former| former.end(scene.means.sink, scene.t_ms));
    }

    /// Holds back the series about alerts.
    pub(super) fn hold_back(&mut self) {
        if let Work::Alert(alerting) = &mut self.work {
            alerting.is_held_back = true;
        }
    }

    /// Whether it holds back series about alerts.
    pub(super) fn is_held_back(&self) -> bool {
        matches!(&self.work, Work::Alert(alerting) if alerting.is_held_back)
    }

    /// Sets since when alerts hold.
    pub(super) fn restore(&mut self, scene: &Scene<'_>) {
        if let Work::Alert(alerting) = &mut self.work
            && alerting.is_held_back
        {
            alerting.restore(&self.info, scene);
        }
    }

    /// What others of its group may depend on.
    pub(super) fn member(&self) -> Member<'_> {
        let (is_alert, reads_anything) = match &self.work {
            Work::Record(_) => (false, false),
            Work::Alert(alerting) => (true, alerting.asks()),
        };
        let (name, expr, labels) = (self.info.name.as_str(), &self.expr, &*self.fixed);
        Member { name, is_alert, expr, labels, reads_anything }
    }

    /// Evaluates it, whatever happens; a panic is its error.
    pub(super) fn evaluate(&mut self, scene: &Scene<'_>) {
        let begin = Instant::now();
        self.last_evaluation_ns = Some(scene.now_ns());
        if let Work::Alert(alerting) = &mut self.work {
            alerting.expansions = (0, 0);
        }
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let mut result = None;
            scene.means.control.bounded(&mut |control| result = Some(self.run(scene, control)));
            result.expect("every rule is run")
        }));
        let result = caught.unwrap_or_else(|panic| {
            self.output.close();
            self.forget_columns();
            Err(RuleError::Panic(panic_text(&*panic)))
        });
        let (samples, error) = match result {
            Ok(done) => (done.samples, done.trouble),
            Err(error) => (0, Some(error)),
        };
        if error.is_none() {
            self.end_former(scene);
        }
        self.samples = samples;
        self.failed = error.is_some();
        self.health = if self.failed { Health::Bad } else { Health::Good };
        let is_canceled = error.as_ref().is_some_and(RuleError::is_canceled);
        let text = error.map(|error| error.to_string());
        if self.last_error.as_deref() != text.as_deref() {
            // One that goes on failing is counted, and told once.
            if let Some(error) = text.as_deref().filter(|_| !is_canceled) {
                scene.log_failure(&self.info.name, error);
            }
            self.last_error = text.map(Arc::from);
        }
        self.seconds = begin.elapsed().as_secs_f64();
    }

    fn run(&mut self, scene: &Scene<'_>, control: &Control) -> Result<Done, RuleError> {
        let known = scene.means.past.and_then(|past| past.answer(scene.t_ms));
        let vector = match known {
            Some(vector) => vector,
            None => self.ask(scene, control)?,
        };
        match &mut self.work {
            Work::Record(recording) => recording.record(vector, scene, &mut self.output),
            Work::Alert(alerting) => alerting.raise(vector, scene, control, &mut self.output),
        }
    }

    fn ask(&self, scene: &Scene<'_>, control: &Control) -> Result<Vec<InstantSeries>, RuleError> {
        let means = scene.means;
        let answer = means.engine.instant(means.store, &self.expr, scene.t_ms, control)?;
        match answer.value {
            Value::Vector(vector) => Ok(vector),
            Value::Scalar { t_ms, value } => {
                Ok(vec![InstantSeries { labels: Labels::empty(), t_ms, value, histogram: None }])
            }
            Value::String { .. } | Value::Matrix(_) => Err(RuleError::NotAVector),
        }
    }

    fn forget_columns(&mut self) {
        match &mut self.work {
            Work::Record(recording) => recording.forget_columns(),
            Work::Alert(alerting) => alerting.forget_columns(),
        }
    }

    /// What came of the last evaluation.
    pub(super) fn outcome(&self) -> Outcome {
        let expansions = match &self.work {
            Work::Record(_) => (0, 0),
            Work::Alert(alerting) => alerting.expansions,
        };
        Outcome {
            samples: self.samples,
            error: self.last_error.clone().filter(|_| self.failed),
            seconds: self.seconds,
            expansions: expansions.0,
            failed_expansions: expansions.1,
        }
    }

    /// What is shown.
    pub(super) fn view(&self) -> RuleView {
        let alerts = match &self.work {
            Work::Record(_) => Arc::default(),
            Work::Alert(alerting) => alerting.view(),
        };
        RuleView {
            info: self.info.clone(),
            health: self.health,
            last_error: self.last_error.clone(),
            evaluation_seconds: self.seconds,
            last_evaluation_ns: self.last_evaluation_ns,
            alerts,
        }
    }
}

/// What makes two rules the same, whatever they ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    is_alert: bool,
    name: String,
    labels: Vec<(String, String)>,
}

impl Identity {
    /// Of a rule in its group.
    pub(crate) fn of(group: &Group, rule: &Rule) -> Self {
        Self {
            is_alert: rule.kind != Kind::Record,
            name: rule.name.clone(),
            labels: with_defaults(&group.labels, &rule.labels),
        }
    }
}

/// A rule's labels, and those of its group that it does not set itself; in the order of names.
fn with_defaults(defaults: &Labels, own: &[(String, String)]) -> Vec<(String, String)> {
    let is_own = |name: &str| own.iter().any(|(own, _)| own == name);
    let defaults = defaults.iter().filter(|(name, _)| !is_own(name));
    let defaults = defaults.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut set: Vec<_> = own.iter().cloned().chain(defaults).collect();
    set.sort();
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Options, RuleFile};

    #[test]
    fn an_alerts_series_have_their_own_name_and_state_whatever_is_set() {
        let text = "groups: [{name: g, rules: [{alert: A, expr: x, labels: {alertname: other, \
                    alertstate: none, room: hall, value: '{{ $value }}'}}]}]";
        let file = RuleFile::parse(text, &Options::default()).unwrap();
        let rule = &file.groups[0].rules[0];
        let rule = ActiveRule::new("f;g", &Labels::empty(), rule, "", &mut Keys::default());
        let fixed = rule.member().labels.to_vec();
        let expected = [("room", "hall"), ("alertname", "A")];
        assert_eq!(fixed, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
