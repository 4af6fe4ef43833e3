//! `/explain/target`: where targets come from, what each rule did to their labels, and how their
//! scrapes go; `object` is why an object of a cluster has targets or none. Ours; Prometheus has
//! nothing like it.
//!
//! The shapes are read back by `rushlight explain`, so they are serialized and deserialized by what
//! stands here. Passwords within URLs never get out, whatever they stand in.

mod object;
mod passwords;
#[cfg(test)]
mod tests;

pub(crate) use object::object;
pub use object::{
    Check, CheckOutcome, NotExplained, ObjectExplanation, ObjectTarget, ObjectTargets, Objects,
};

use crate::envelope;
use crate::params::Params;
use crate::query::blocking;
use crate::{ApiError, Kind, State};
use axum::extract;
use axum::response::IntoResponse;
use http::Uri;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Targets of a job that are told of when the request does not say.
const DEFAULT_LIMIT: usize = 100;
/// Targets of a job that are told of at most.
const MAX_LIMIT: usize = 1000;

/// Labels by name.
pub type LabelMap = BTreeMap<String, String>;

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What was asked for.
    pub asked: String,
    /// The jobs with targets that fit, in the order of their names.
    pub jobs: Vec<ExplainedJob>,
}

/// What is known of the targets of one job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedJob {
    /// The job's name.
    pub job: String,
    /// How many targets discovery found for it.
    pub discovered: usize,
    /// How many of those that were asked for are in which state.
    pub states: BTreeMap<String, usize>,
    /// Those that were asked for, in the order of discovery.
    pub targets: Vec<ExplainedTarget>,
    /// How many more of them there are than are told of.
    pub left_out: usize,
}

/// The way of one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedTarget {
    /// `up`, `down`, `unknown`, `dropped`, `invalid`, `duplicate` or `over target limit`.
    pub state: String,
    /// Why it is in this state; nothing when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it is asked, if it got so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrape_url: Option<String>,
    /// The labels its series carry, if it got so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelMap>,
    /// The group of discovery it comes from.
    pub source: String,
    /// Its labels before relabeling.
    pub discovered_labels: LabelMap,
    /// What each rule did, up to the one that dropped it.
    pub steps: Vec<Step>,
    /// How its scrapes went, if it is scraped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrapes: Option<Scrapes>,
    /// What went wrong when something last did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
}

/// One rule at work on one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its number in `relabel_configs`, from 1.
    pub rule: usize,
    /// The rule as it could stand in the file, without what is default.
    pub text: String,
    /// `unchanged`, `changed` or `dropped`.
    pub outcome: String,
    /// The labels it was given.
    pub before: LabelMap,
    /// The labels it left.
    pub after: LabelMap,
}

/// What the scrapes of a target brought.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scrapes {
    /// When the last one began, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scrape: Option<String>,
    /// How long it took, in seconds.
    pub last_scrape_duration: f64,
    /// How many there were, failed ones included.
    pub total: u64,
    /// How many failed.
    pub failed: u64,
    /// Samples of the last one.
    pub samples: u64,
    /// Samples of the last one after relabeling.
    pub samples_kept: u64,
    /// Samples of the last one that were refused: by the soft sample limit or by the database.
    pub samples_refused: u64,
    /// Series of the last one that succeeded.
    pub series: u64,
    /// Series of the last one that were not there shortly before: its churn.
    pub series_added: u64,
    /// The same, of all scrapes but the first.
    pub series_added_total: u64,
    /// Bytes of the last body, unpacked.
    pub body_bytes: u64,
}

/// Why a scrape failed or lost something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Whether it is about the last scrape, or one before.
    pub current: bool,
    /// When the scrape began, RFC 3339.
    pub at: String,
    /// What kind of failure: `timeout`, `syntax`, `sample_limit`, ...
    pub reason: String,
    /// The whole story.
    pub error: String,
    /// The limit that was passed, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitPassed>,
    /// What is kept of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<Page>,
}

/// Which limit was passed, by what and by how much.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitPassed {
    /// The option of the configuration.
    pub option: String,
    /// What it allows.
    pub allowed: u64,
    /// What was found.
    pub measured: u64,
    /// The first series beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
}

/// A piece of a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The place that did not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The byte of the page at which the text begins.
    pub start: u64,
    /// Bytes of the page that came.
    pub came: u64,
    /// The piece; what is no UTF-8 is replaced.
    pub text: String,
}

/// A place in a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// Byte in the line, from 1.
    pub column: usize,
    /// Byte in the page, from 0.
    pub offset: usize,
}

/// Of how many targets to tell, and of which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Only those in this state; of all when empty.
    pub state: String,
    /// At most so many of a job.
    pub limit: usize,
}

/// `/explain/target`
pub(crate) async fn target(
    extract::State(state): extract::State<State>,
    uri: Uri,
) -> Result<impl IntoResponse, ApiError> {
    let params = Params::from_url(uri.query());
    params.well_formed()?;
    let asked = params.get("target").to_owned();
    if asked.is_empty() {
        let what = "a job's name, or a target's URL, address or instance is needed";
        return Err(ApiError::parameter("target", what));
    }
    let limit = if params.has("limit") { params.limit()? } else { DEFAULT_LIMIT };
    let limit = if limit == 0 { MAX_LIMIT } else { limit.min(MAX_LIMIT) };
    let choice = Choice { state: params.get("state").replace(['-', '_'], " "), limit };
    let targets = Arc::clone(&state.targets);
    let body = blocking(&state.metrics, move || {
        let found = targets.explain(&asked, &choice);
        let jobs = found.map_err(|message| ApiError::new(Kind::NotFound, message))?;
        let text = envelope::json(&Explanation { asked, jobs });
        Ok(envelope::data(|out| passwords::hide(&text, out)))
    });
    body.await
}
