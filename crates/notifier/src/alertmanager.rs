//! One Alertmanager: its queue, and the task that empties it.

use crate::address::Address;
use crate::courier::{Courier, Trouble};
use crate::gag::Gag;
use crate::metrics::Counts;
use crate::pace::Pace;
use crate::queue::Queue;
use crate::{AlertmanagerSet, Shared};
use client::Client;
use model::Alert;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Attempts in a row at the end, before what waits is given up.
const LAST_TRIES: u32 = 3;

/// The hold on an Alertmanager; its task ends when it is closed, or with the process.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    url: String,
    counts: Arc<Counts>,
    queue: Mutex<Queue>,
    more: Notify,
    gone: CancellationToken,
    /// About alerts dropped since the queue is full.
    full: Mutex<Gag>,
}

impl Alertmanager {
    /// Begins to tell it.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        set: &AlertmanagerSet,
        client: &Client,
        address: Address,
    ) -> Arc<Self> {
        let this = Arc::new(Self {
            counts: shared.metrics.alertmanager(&address.url),
            url: address.url.clone(),
            queue: Mutex::new(Queue::new(shared.options.queue_capacity)),
            more: Notify::new(),
            gone: CancellationToken::new(),
            full: Mutex::default(),
        });
        let courier = Courier::new(client, address, set.timeout);
        shared.tasks.spawn(Arc::clone(&this).run(Arc::clone(shared), courier));
        this
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Puts alerts into its queue.
    pub(crate) fn push(&self, alerts: &[Arc<Alert>]) {
        let dropped = self.change(|queue| {
            let dropped = alerts.iter().map(|alert| queue.push(Arc::clone(alert)));
            dropped.sum()
        });
        self.overflown(dropped);
        self.more.notify_one();
    }

    /// Ends its task; what was still to be told.
    pub(crate) fn close(&self) -> Vec<Arc<Alert>> {
        self.gone.cancel();
        self.change(Queue::close)
    }

    /// Gives up what is still to be told, at the end; how much.
    pub(crate) fn give_up(&self) -> usize {
        let lost = self.close().len();
        if lost > 0 {
            self.counts.dropped.add(lost as u64);
            let alertmanager = &self.url;
            tracing::warn!(alertmanager, count = lost, "alerts not told before the end, dropped");
        }
        lost
    }

    /// Every change of the queue, so that the metric follows it.
    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        // A panic elsewhere leaves whole alerts in it.
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let before = queue.len();
        let outcome = change(&mut queue);
        self.counts.waiting.add(queue.len() as f64 - before as f64);
        outcome
    }

    /// Counts what a full queue dropped.
    fn overflown(&self, dropped: usize) {
        if dropped == 0 {
            return;
        }
        self.counts.dropped.add(dropped as u64);
        let told = self.full.lock().unwrap_or_else(PoisonError::into_inner).pass(dropped);
        if let Some(count) = told {
            let alertmanager = &self.url;
            tracing::warn!(alertmanager, count, "queue of alerts full, the oldest are dropped");
        }
    }

    async fn run(self: Arc<Self>, shared: Arc<Shared>, mut courier: Courier) {
        tokio::select! {
            // Nothing is begun any more once it is to end.
            biased;
            () = self.gone.cancelled() => {}
            () = shared.stop.cancelled() => {}
            () = self.tell_all(&mut courier, &shared) => {}
        }
    }

    /// Tells what comes, until there is an end and nothing left.
    async fn tell_all(&self, courier: &mut Courier, shared: &Shared) {
        let mut pace = Pace::new(shared.options.batch_size);
        let mut log = Log::new(&self.url);
        let mut last_tries = 0;
        while let Some(batch) = self.next(pace.batch(), &shared.draining).await {
            let begun = Instant::now();
            let outcome = courier.tell(&batch).await;
            if outcome.is_err() {
                self.counts.errors.add(batch.len() as u64);
            }
            match outcome {
                Ok(()) => {
                    self.counts.observe(begun.elapsed().as_secs_f64());
                    self.counts.sent.add(batch.len() as u64);
                    self.change(Queue::told);
                    pace.succeeded();
                    log.taken();
                }
                Err(Trouble::Refused { may_be_one: true, .. }) if batch.len() > 1 => {
                    self.put_back();
                    pace.refused(batch.len());
                }
                Err(Trouble::Refused { text, .. }) => {
                    self.counts.dropped.add(batch.len() as u64);
                    self.change(Queue::told);
                    log.refused(&batch, &text);
                }
                Err(Trouble::Failed { text, retry_after }) => {
                    self.put_back();
                    log.failed(batch.len(), begun, &text);
                    let is_end = shared.draining.is_cancelled();
                    if is_end {
                        last_tries += 1;
                    }
                    match last_tries {
                        LAST_TRIES => return,
                        1 => pace.begin_anew(),
                        _ => {}
                    }
                    let pause = pace.failed(retry_after);
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = shared.draining.cancelled(), if !is_end => {}
                    }
                }
            }
        }
    }

    /// Waits for something to tell; `None` at the end.
    async fn next(&self, limit: usize, draining: &CancellationToken) -> Option<Vec<Arc<Alert>>> {
        loop {
            // Asked first: nothing is pushed after it.
            let is_end = draining.is_cancelled();
            let batch = self.change(|queue| queue.take(limit));
            if !batch.is_empty() {
                return Some(batch);
            }
            if is_end {
                return None;
            }
            tokio::select! {
                () = self.more.notified() => {}
                () = draining.cancelled() => {}
            }
        }
    }

    fn put_back(&self) {
        let dropped = self.change(Queue::put_back);
        self.overflown(dropped);
    }
}

/// What is told to people about one Alertmanager.
struct Log<'a> {
    url: &'a str,
    failures: Gag,
    refusals: Gag,
    /// Since when it takes no alerts, if people were told so.
    down_since: Option<Instant>,
}

impl<'a> Log<'a> {
    fn new(url: &'a str) -> Self {
        Self { url, failures: Gag::default(), refusals: Gag::default(), down_since: None }
    }

    fn failed(&mut self, count: usize, begun: Instant, error: &str) {
        if let Some(attempts) = self.failures.pass(1) {
            self.down_since.get_or_insert(begun);
            let alertmanager = self.url;
            tracing::error!(alertmanager, count, attempts, error, "alerts not told, tried again");
        }
    }

    fn refused(&mut self, alerts: &[Arc<Alert>], error: &str) {
        if let Some(count) = self.refusals.pass(alerts.len()) {
            let example = alerts.first().map(|alert| alert.labels.to_string()).unwrap_or_default();
            let alertmanager = self.url;
            tracing::error!(alertmanager, count, example, error, "alerts refused, dropped");
        }
    }

    fn taken(&mut self) {
        if let Some(since) = self.down_since.take() {
            let (alertmanager, seconds) = (self.url, since.elapsed().as_secs());
            tracing::info!(alertmanager, seconds, "Alertmanager takes alerts again");
        }
    }
}
