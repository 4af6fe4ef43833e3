//! Discovery by asking again and again.

use crate::{Group, Metrics, Output};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

/// Something that can be asked for all of its groups.
pub(crate) trait Refresh: Send {
    /// The groups, if that is an answer to be taken; what went wrong was told and counted.
    fn refresh(&mut self) -> impl Future<Output = Option<Vec<Group>>> + Send;
}

/// Asks at once, then at every interval, until told to stop. What is the same as before is not
/// handed over again. The second time comes after a part of the interval that the `name` decides,
/// so that many who began together do not stay together.
pub(crate) async fn run(
    mut source: impl Refresh,
    (mechanism, name): (&'static str, &str),
    every: Duration,
    metrics: Arc<Metrics>,
    output: Output,
    stop: CancellationToken,
) {
    let mut ticks = interval_at(Instant::now() + part_of(every, name), every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent: Option<Vec<Group>> = None;
    loop {
        let began = Instant::now();
        let groups = tokio::select! {
            () = stop.cancelled() => return,
            groups = source.refresh() => groups,
        };
        metrics.refreshed(mechanism, began.elapsed(), groups.is_some());
        if let Some(groups) = groups
            && sent.as_ref() != Some(&groups)
        {
            sent = Some(groups.clone());
            output.send(groups);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
    }
}

/// Between a half and the whole, spread evenly over names and processes.
fn part_of(every: Duration, name: impl Hash) -> Duration {
    let part = RANDOM.with(|random| random.hash_one(name)) % 1024;
    let part = u32::try_from(part).expect("below 1024");
    every / 2 + every / 2048 * part
}

thread_local! {
    static RANDOM: std::hash::RandomState = std::hash::RandomState::new();
}
