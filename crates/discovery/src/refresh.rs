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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Discoverer, Job, Running, once};
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    /// Tells each time it is asked; has an answer from the third time on.
    struct Slow {
        asked: mpsc::Sender<Instant>,
        times: usize,
    }

    impl Refresh for Slow {
        async fn refresh(&mut self) -> Option<Vec<Group>> {
            self.asked.send(Instant::now()).await.ok();
            self.times += 1;
            (self.times > 2).then(Vec::new)
        }
    }

    struct SlowDiscovery(mpsc::Sender<Instant>, Arc<Metrics>);

    const EVERY: Duration = Duration::from_secs(60);

    impl Discoverer for SlowDiscovery {
        fn identity(&self) -> String {
            "slow".to_owned()
        }

        fn run(self: Arc<Self>, output: Output, stop: CancellationToken) -> Running {
            let source = Slow { asked: self.0.clone(), times: 0 };
            let metrics = Arc::clone(&self.1);
            Box::pin(run(source, ("dns", "a"), EVERY, metrics, output, stop))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_asks_at_once_then_somewhere_within_the_interval_then_regularly() {
        let (sender, mut asked) = mpsc::channel(8);
        let discovery = Arc::new(SlowDiscovery(sender, Arc::new(Metrics::new("scrape"))));
        let begin = Instant::now();
        let job = |discovery: &Arc<SlowDiscovery>| Job {
            name: "j".to_owned(),
            discoverers: vec![Arc::clone(discovery) as Arc<dyn Discoverer>],
        };
        let found = once(job(&discovery), 5 * EVERY).await;
        assert_eq!(found[0].groups.as_deref(), Some([].as_slice()));
        let times: [_; 3] = [asked.recv().await, asked.recv().await, asked.recv().await];
        let [first, second, third] = times.map(|time| time.unwrap() - begin);
        assert_eq!(first, Duration::ZERO);
        assert!(second >= EVERY / 2 && second <= EVERY + Duration::from_millis(2), "{second:?}");
        let between = third - second;
        assert!(between >= EVERY - Duration::from_millis(2), "{between:?}");

        // Not in time is nothing, and takes no longer.
        let begin = Instant::now();
        let found = once(job(&discovery), EVERY / 4).await;
        assert!(found[0].groups.is_none() && begin.elapsed() <= EVERY / 3);
        assert_eq!(found[0].identity, "slow");
        drop(discovery);
        let ended = async { while asked.recv().await.is_some() {} };
        timeout(EVERY, ended).await.expect("it stops when nobody waits");
    }

    #[test]
    fn the_part_is_spread_over_half_of_the_interval() {
        let parts: Vec<_> = (0..200).map(|name| part_of(EVERY, name)).collect();
        assert!(parts.iter().all(|part| *part >= EVERY / 2 && *part <= EVERY));
        assert!(parts.iter().any(|part| *part < EVERY * 6 / 10));
        assert!(parts.iter().any(|part| *part > EVERY * 9 / 10));
        assert_eq!(part_of(EVERY, "a"), part_of(EVERY, "a"));
    }
}
