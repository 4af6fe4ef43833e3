//! What is shown of groups, rules and alerts: immutable values.

use crate::file::Place;
use model::Labels;
use std::sync::Arc;

/// All groups.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// In the order of files and names.
    pub groups: Vec<Arc<GroupView>>,
}

/// A group as it was after an evaluation.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// The file as shown.
    pub file: Arc<str>,
    /// Its name, unique in the file.
    pub name: Arc<str>,
    /// Time from evaluation to evaluation.
    pub interval_ms: i64,
    /// How far in the past it is evaluated.
    pub query_offset_ms: i64,
    /// Most series or alerts of a rule; 0 for any number.
    pub limit: u64,
    /// In the order of the file.
    pub rules: Vec<RuleView>,
    /// How long the last evaluation took; 0 before the first.
    pub evaluation_seconds: f64,
    /// When the last evaluation began, in nanoseconds since the Unix epoch; `None` before the first.
    pub last_evaluation_ns: Option<i64>,
}

/// A rule as it was after an evaluation.
#[derive(Clone, Debug)]
pub struct RuleView {
    /// What the file says.
    pub info: Arc<RuleInfo>,
    /// How the last evaluation went.
    pub health: Health,
    /// Why it failed.
    pub last_error: Option<Arc<str>>,
    /// How long it took; 0 before the first.
    pub evaluation_seconds: f64,
    /// When it began, in nanoseconds since the Unix epoch; `None` before the first.
    pub last_evaluation_ns: Option<i64>,
    /// Pending and firing alerts in label order; of an alerting rule only.
    pub alerts: Arc<[AlertView]>,
}

impl RuleView {
    /// The state of the alert that is worst off.
    #[must_use]
    pub fn state(&self) -> AlertState {
        let states = self.alerts.iter().map(|alert| alert.state);
        states.max().unwrap_or(AlertState::Inactive)
    }
}

/// What the file says about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Of the series or the alert.
    pub name: String,
    /// The query as Prometheus prints it.
    pub query: String,
    /// As written, those of the group among them, in the order of names.
    pub labels: Vec<(String, String)>,
    /// What it is for.
    pub kind: RuleKind,
    /// Where it stands in the file: line and column from 1.
    pub place: Place,
}

/// What a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// It records series.
    Recording,
    /// It raises alerts.
    Alerting {
        /// How long it must hold before it fires.
        for_ms: i64,
        /// How long it goes on firing when it no longer holds.
        keep_firing_for_ms: i64,
        /// As written, in the order of names.
        annotations: Vec<(String, String)>,
    },
}

/// An alert that is pending or fires.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertView {
    /// With `alertname`.
    pub labels: Labels,
    /// Filled in, in the order of names.
    pub annotations: Arc<[(String, String)]>,
    /// Pending or firing.
    pub state: AlertState,
    /// Since when it holds, in milliseconds since the Unix epoch.
    pub active_at_ms: i64,
    /// Since when it only fires because it is kept firing.
    pub keep_firing_since_ms: Option<i64>,
    /// Of the query; 0 for a histogram.
    pub value: f64,
}

/// The state of an alert, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// It does not hold.
    Inactive,
    /// It holds, but not for long enough.
    Pending,
    /// It fires.
    Firing,
}

impl AlertState {
    /// As the API and the label `alertstate` name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// How the last evaluation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// There was none.
    Unknown,
    /// Well.
    Good,
    /// It failed.
    Bad,
}

impl Health {
    /// As the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Good => "ok",
            Self::Bad => "err",
        }
    }
}
