//! `/rules`, `/alerts`, `/alertmanagers`: what is evaluated, what is wrong, and who is told.

mod chosen;
mod list;
#[cfg(test)]
mod tests;

pub(crate) use list::{alertmanagers, alerts, rules};

use model::Labels;
use std::time::Duration;

/// How the last evaluation of a rule went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleHealth {
    /// It was not evaluated yet.
    #[default]
    Unknown,
    /// Well.
    Ok,
    /// It failed.
    Err,
}

impl RuleHealth {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Err => "err",
        }
    }
}

/// What an alert, or the worst alert of a rule, has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertState {
    /// The rule was not evaluated yet.
    #[default]
    Unknown,
    /// Nothing is wrong.
    Inactive,
    /// Wrong, but not for long enough.
    Pending,
    /// Wrong.
    Firing,
}

impl AlertState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// An alert that is pending or firing.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveAlert {
    /// What identifies it, `alertname` among them.
    pub labels: Labels,
    /// Texts for people by name, in the order of names; a text may be empty.
    pub annotations: Vec<(String, String)>,
    /// Pending or firing.
    pub state: AlertState,
    /// Since when it is wrong, in milliseconds since the Unix epoch.
    pub active_at_ms: i64,
    /// Since when it fires only because it is kept firing, in milliseconds since the Unix epoch.
    pub keep_firing_since_ms: Option<i64>,
    /// The value at the last evaluation that brought it.
    pub value: f64,
}

/// What only an alerting rule has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerting {
    /// The worst state of its alerts.
    pub state: AlertState,
    /// How long it must hold before it fires, in milliseconds.
    pub for_ms: i64,
    /// How long it goes on firing when it no longer holds, in milliseconds.
    pub keep_firing_for_ms: i64,
    /// Templates of texts for people by name, in the order of names.
    pub annotations: Vec<(String, String)>,
    /// Its alerts that are pending or firing, in an order of the rules' choice.
    pub alerts: Vec<ActiveAlert>,
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Name of the series it records, or of the alert.
    pub name: String,
    /// The query, as the language prints it.
    pub query: String,
    /// Its labels and its group's as configured, in the order of names; templates for an alert.
    pub labels: Vec<(String, String)>,
    /// How the last evaluation went.
    pub health: RuleHealth,
    /// What went wrong in it; empty when nothing did.
    pub last_error: String,
    /// How long it took.
    pub evaluation_time: Duration,
    /// When it began, in nanoseconds since the Unix epoch, if there was one.
    pub last_evaluation_ns: Option<i64>,
    /// What an alerting rule has more; `None` for a recording rule.
    pub alerting: Option<Alerting>,
}

/// Rules that are evaluated together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleGroup {
    /// Its name, of which a file has only one.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// Time from evaluation to evaluation, in milliseconds.
    pub interval_ms: i64,
    /// Most series of a recording rule and most alerts of an alerting rule; 0 for any number.
    pub limit: u64,
    /// In the order of the file.
    pub rules: Vec<Rule>,
    /// How long the last evaluation of all of them took.
    pub evaluation_time: Duration,
    /// When it began, in nanoseconds since the Unix epoch, if there was one.
    pub last_evaluation_ns: Option<i64>,
}

/// Knows what is evaluated.
pub trait Rules: Send + Sync {
    /// All groups in the order of their files, and of their names in a file.
    fn groups(&self) -> Vec<RuleGroup>;
}

/// Knows who is told of alerts.
pub trait Alertmanagers: Send + Sync {
    /// URLs that alerts are sent to.
    fn active(&self) -> Vec<String>;
    /// URLs that relabeling dropped.
    fn dropped(&self) -> Vec<String>;
}
