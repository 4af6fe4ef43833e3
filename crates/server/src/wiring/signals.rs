//! What the operator says by signals.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

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
}
