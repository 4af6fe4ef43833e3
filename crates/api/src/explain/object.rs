//! `/explain/{kind}/{namespace}/{name}`: why an object of the cluster has the targets it has, or none.
//!
//! The answer is a list of checks in the order in which things have to go well. Each one that failed
//! says what to write where. As with targets, the shapes are read back by `rushlight explain`.

use super::passwords;
use crate::envelope;
use crate::state::Boxed;
use crate::{ApiError, Kind, State};
use axum::extract::{self, Path};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectExplanation {
    /// `ServiceMonitor`, `PodMonitor`, `Probe`, `ScrapeConfig` or `PrometheusRule`.
    pub kind: String,
    /// Where the object is.
    pub namespace: String,
    /// Which it is.
    pub name: String,
    /// The outcome as one sentence.
    pub verdict: String,
    /// In the order in which they have to pass.
    pub checks: Vec<Check>,
    /// The names of its jobs; a PrometheusRule has none.
    pub jobs: Vec<String>,
    /// What became of its targets; a PrometheusRule has none.
    pub targets: ObjectTargets,
}

/// Something that has to be so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// A word for it; the same one may come again for each of the object's endpoints.
    pub check: String,
    /// How it went.
    pub outcome: CheckOutcome,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// What it was seen by, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// It is so.
    Pass,
    /// It is not.
    Fail,
    /// Nobody knows yet, or may know.
    #[default]
    Unknown,
    /// Something before it failed, so it says nothing.
    Skipped,
}

/// What became of the targets of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectTargets {
    /// How many discovery found, before relabeling.
    pub discovered: usize,
    /// How many of them are in which state.
    pub states: BTreeMap<String, usize>,
    /// Some of them, the most important first.
    pub examples: Vec<ObjectTarget>,
}

/// One of them; `/explain/target` tells more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectTarget {
    /// Its job.
    pub job: String,
    /// Its URL, or its address when it did not get so far.
    pub target: String,
    /// `up`, `down`, `unknown`, `dropped`, `invalid`, `duplicate` or `over target limit`.
    pub state: String,
    /// Why it is in this state; nothing when all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why nothing is told of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotExplained {
    /// No such kind, or no such object; with what comes nearest.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be known now.
    #[error("{0}")]
    Unavailable(String),
}

/// Knows the objects of a cluster.
pub trait Objects: Send + Sync {
    /// Explains one object; kinds are as in the path: in any case of letters, plural or not.
    fn explain(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Boxed<'_, Result<ObjectExplanation, NotExplained>>;
}

/// `/explain/{kind}/{namespace}/{name}`
pub(crate) async fn object(
    extract::State(state): extract::State<State>,
    Path((kind, namespace, name)): Path<(String, String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    let objects = state.objects().ok_or_else(|| {
        let what = "this server follows no Kubernetes cluster, so it knows no objects of one";
        ApiError::new(Kind::Unavailable, what)
    })?;
    let explained = objects.explain(&kind, &namespace, &name).await.map_err(|why| match why {
        NotExplained::NotFound(message) => ApiError::new(Kind::NotFound, message),
        NotExplained::Unavailable(message) => ApiError::new(Kind::Unavailable, message),
    })?;
    let text = envelope::json(&explained);
    Ok(envelope::data(|out| passwords::hide(&text, out)))
}
