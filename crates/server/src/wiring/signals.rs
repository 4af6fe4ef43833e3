//! What the operator says by signals.

use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal so soon after another is the same one, sent to the process and to its group.
const SAME: Duration = Duration::from_millis(250);

/// SIGHUP: load the configuration again.
pub(super) struct HangUps(Signal);

impl HangUps {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for the next one. Cancel safe.
    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// SIGTERM and SIGINT: end.
pub(super) struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    pub(super) fn new() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one. Cancel safe.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for one that somebody sends after the first has begun to work. Cancel safe.
    pub(super) async fn second(&mut self) {
        loop {
            let begin = tokio::time::Instant::now();
            self.next().await;
            if begin.elapsed() >= SAME {
                return;
            }
        }
    }
}
