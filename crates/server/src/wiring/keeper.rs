//! The clock of the database: flushes, syncs, and keeps the levels in order.
//!
//! Two threads, so that a long compaction never delays the log.

use crate::clock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tsdb::{Db, MaintainReport};

const FLUSH: Duration = Duration::from_secs(1);
/// Flushes between two syncs.
const FLUSHES_PER_SYNC: u32 = 10;
const MAINTAIN: Duration = Duration::from_secs(60);
/// The same failure is told at most this often.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// The two threads.
pub(super) struct Keeper {
    threads: Vec<(SyncSender<()>, JoinHandle<()>)>,
}

impl Keeper {
    /// Starts to keep a database.
    pub(super) fn start(db: Db) -> std::io::Result<Self> {
        let for_log = db.clone();
        let mut flushes = 0_u32;
        let mut flushing = Told::new("flushing the log");
        let mut syncing = Told::new("syncing the log");
        let log = spawn("log", FLUSH, move || {
            flushing.take(for_log.flush());
            flushes += 1;
            if flushes.is_multiple_of(FLUSHES_PER_SYNC) {
                syncing.take(for_log.sync());
            }
        })?;
        let mut maintaining = Told::new("keeping the database in order");
        let order = spawn("maintain", MAINTAIN, move || {
            let begin = Instant::now();
            match db.maintain(clock::now_ms()) {
                Ok(report) => tell(&report, begin.elapsed()),
                Err(error) => maintaining.take(Err(error)),
            }
        })?;
        Ok(Self { threads: vec![log, order] })
    }

    /// Ends both threads and waits for what they are doing.
    pub(super) async fn stop(self) {
        let joined = tokio::task::spawn_blocking(move || {
            let (signals, threads): (Vec<_>, Vec<_>) = self.threads.into_iter().unzip();
            drop(signals);
            threads.into_iter().all(|thread| thread.join().is_ok())
        });
        if !joined.await.unwrap_or(false) {
            tracing::error!(component = "tsdb", "a thread of the database panicked");
        }
    }
}

/// A thread that does something again and again, until its sender is dropped.
fn spawn(
    name: &str,
    every: Duration,
    mut work: impl FnMut() + Send + 'static,
) -> std::io::Result<(SyncSender<()>, JoinHandle<()>)> {
    let (sender, stopped): (SyncSender<()>, Receiver<()>) = sync_channel(1);
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let mut next = Instant::now() + every;
        while let Err(RecvTimeoutError::Timeout) =
            stopped.recv_timeout(next.saturating_duration_since(Instant::now()))
        {
            work();
            // After a slow round the next one comes at its time, not all missed ones at once.
            next = (next + every).max(Instant::now());
        }
    })?;
    Ok((sender, thread))
}

/// Tells failures, but not every second.
struct Told {
    what: &'static str,
    last: Option<Instant>,
}

impl Told {
    fn new(what: &'static str) -> Self {
        Self { what, last: None }
    }

    fn take<E: std::fmt::Display>(&mut self, result: Result<(), E>) {
        match result {
            Ok(()) => self.last = None,
            Err(error) if self.last.is_none_or(|last| last.elapsed() >= TELL_AGAIN) => {
                self.last = Some(Instant::now());
                tracing::error!(component = "tsdb", %error, "{} failed", self.what);
            }
            Err(_) => {}
        }
    }
}

fn tell(report: &MaintainReport, took: Duration) {
    for damage in &report.damage {
        let (path, what) = (damage.path.display(), &damage.what);
        tracing::warn!(component = "tsdb", %path, %what, "found damage");
    }
    let MaintainReport { cut, merged, too_old, too_large, .. } = *report;
    if cut + merged + too_old + too_large > 0 {
        let seconds = format_args!("{:.3}", took.as_secs_f64()).to_string();
        tracing::info!(
            component = "tsdb",
            cut,
            merged,
            too_old,
            too_large,
            seconds,
            "blocks changed"
        );
    }
}
