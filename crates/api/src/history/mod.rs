//! `/rules/backtest` and `/admin/rules/backfill`: rules evaluated over what is stored.
//!
//! Both take a [`Question`] as JSON and answer line by line, each line a JSON object: `progress` again
//! and again, and at the end the envelope of any other answer. They may take minutes, so they run one
//! at a time, on a thread of low priority, and end when the client leaves. Nothing of either is a query
//! of the ordinary kind: neither the timeout nor the gate of queries holds for them.

mod run;
#[cfg(test)]
mod tests;
mod times;

pub(crate) use run::{Slot, backfill, backtest};
pub use times::rfc3339;

use crate::ApiError;
use promql::{Control, Engine, Features};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a client asks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    /// Rule files.
    pub files: Vec<File>,
    /// First time, as any time of the API.
    pub from: String,
    /// Last time; now if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Time from evaluation to evaluation of groups that name none; that of the server if it is not
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_interval: Option<String>,
}

/// A rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Under which name it is told of; groups of files that the server has loaded are evaluated at
    /// the same times as there when the names are the same.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// A question, understood.
#[derive(Clone, Debug)]
pub struct Job {
    /// Rule files.
    pub files: Vec<File>,
    /// First time in milliseconds.
    pub from_ms: i64,
    /// Last time in milliseconds, not in the future.
    pub to_ms: i64,
    /// Time from evaluation to evaluation of groups that name none.
    pub interval_ms: Option<i64>,
    /// Evaluates queries.
    pub engine: Engine,
    /// Parts of the language that are switched on.
    pub features: Features,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// From 0 to 1.
    pub done: f64,
    /// What is being done, for people.
    pub doing: String,
}

/// Who waits.
pub trait Watch {
    /// Tells how far it is; whether anybody still listens.
    fn tell(&mut self, progress: Progress) -> bool;

    /// Stops the running query when nobody listens any more.
    fn control(&self) -> &Control;
}

/// Evaluates rules over what is stored; blocks until it is done, or nobody listens any more.
pub trait History: Send + Sync {
    /// When would alerts have fired?
    ///
    /// # Errors
    /// When the files are bad, or the store fails. What fails in one rule is told with that rule.
    fn backtest(&self, job: &Job, watch: &mut dyn Watch) -> Result<Backtest, ApiError>;

    /// Stores what recording rules would have recorded.
    ///
    /// # Errors
    /// The same; what was stored until then stays.
    fn backfill(&self, job: &Job, watch: &mut dyn Watch) -> Result<Backfill, ApiError>;
}

/// What alerts would have done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backtest {
    /// First time.
    #[serde(with = "rfc3339")]
    pub from: i64,
    /// Last time.
    #[serde(with = "rfc3339")]
    pub to: i64,
    /// Since when anything is stored at all, if that is later than the first time.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub stored_from: Option<i64>,
    /// In the order of the files.
    pub rules: Vec<TestedRule>,
}

/// A rule, and how its evaluations went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluated {
    /// Where it stands.
    pub file: String,
    /// Where it stands.
    pub group: String,
    /// Of the series or the alert.
    pub name: String,
    /// The query.
    pub query: String,
    /// How often it was evaluated.
    pub evaluations: u64,
    /// How many of those failed.
    pub failures: u64,
    /// Why the first of them did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failure: Option<Failure>,
}

/// An evaluation that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its time.
    #[serde(with = "rfc3339")]
    pub at: i64,
    /// Why.
    pub error: String,
}

/// What a rule would have done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum TestedRule {
    /// It would have raised alerts.
    Alerting(TestedAlerts),
    /// It would have recorded series.
    Recording(TestedRecord),
}

/// What an alerting rule would have done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestedAlerts {
    /// The rule.
    #[serde(flatten)]
    pub rule: Evaluated,
    /// How long it must hold before it fires, in seconds.
    pub duration: f64,
    /// How long it goes on firing, in seconds.
    pub keep_firing_for: f64,
    /// In the order in which they began.
    pub alerts: Vec<TestedAlert>,
    /// Further ones that are not listed.
    pub omitted: u64,
}

/// What a recording rule would have done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestedRecord {
    /// The rule.
    #[serde(flatten)]
    pub rule: Evaluated,
    /// Samples it would have stored.
    pub samples: u64,
}

/// An alert from its beginning to its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestedAlert {
    /// With `alertname`.
    pub labels: BTreeMap<String, String>,
    /// As they were when it began to fire, or to be pending if it never fired.
    pub annotations: BTreeMap<String, String>,
    /// Of the query at that time.
    pub value: String,
    /// Since when it held.
    #[serde(with = "rfc3339")]
    pub pending_from: i64,
    /// Since when it fired, if it did.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub firing_from: Option<i64>,
    /// When it no longer held, or was no longer kept firing; not given when it went on to the end.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<i64>,
    /// Whether it held at the very first evaluation: it may have begun earlier.
    pub at_start: bool,
}

/// What was stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backfill {
    /// First time.
    #[serde(with = "rfc3339")]
    pub from: i64,
    /// Last time.
    #[serde(with = "rfc3339")]
    pub to: i64,
    /// In the order of the files; alerting rules are left out.
    pub rules: Vec<BackfilledRule>,
    /// Alerting rules of the files, which write no history.
    pub alerting_rules: u64,
    /// Samples stored, ends of series among them.
    pub samples: u64,
    /// Samples passed over, since their series has some at that time.
    pub known: u64,
    /// Blocks made; the newest samples are in none yet.
    pub blocks: u64,
}

/// What a recording rule recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackfilledRule {
    /// The rule.
    #[serde(flatten)]
    pub rule: Evaluated,
    /// Samples it gave, whether they were stored or known.
    pub samples: u64,
}
