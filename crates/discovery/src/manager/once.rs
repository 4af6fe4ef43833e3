//! Asking once: what would be found, for people who check a configuration.

use super::{Job, Output, Shared, lock};
use crate::{Groups, Metrics};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// What one of a job's discoverers found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The discoverer's [identity](super::Discoverer::identity).
    pub identity: String,
    /// Its groups; `None` if it did not find out in time.
    pub groups: Option<Groups>,
}

/// Runs a job's discoverers until each has found its first groups, but not longer than `timeout`,
/// and stops them. What they found comes in the order of the job.
pub async fn once(job: Job, timeout: Duration) -> Vec<Found> {
    let deadline = Instant::now() + timeout;
    let runs = job.discoverers.into_iter().map(|discoverer| {
        let identity = discoverer.identity();
        let shared = Arc::new(Shared::new(Arc::new(Metrics::new("once"))));
        let output =
            Output { found: Arc::default(), is_prompt: false, shared: Arc::clone(&shared) };
        let found = Arc::clone(&output.found);
        let stop = CancellationToken::new();
        let running = tokio::spawn(discoverer.run(output, stop.clone()));
        (identity, shared, found, stop, running)
    });
    let runs: Vec<_> = runs.collect();
    let mut all = Vec::new();
    for (identity, shared, found, stop, running) in runs {
        let first = async {
            while lock(&found).is_none() {
                shared.changed.notified().await;
            }
        };
        // In time or not: what is there counts.
        timeout_at(deadline, first).await.ok();
        stop.cancel();
        if let Err(error) = running.await {
            tracing::error!(%error, identity, "discovery ended early");
        }
        let groups = lock(&found).clone();
        all.push(Found { identity, groups });
    }
    all
}
