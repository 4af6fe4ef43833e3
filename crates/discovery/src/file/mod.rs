//! Targets written in files that other programs keep up to date.
//!
//! The folders of the files are watched, not the files: a file is replaced by a rename, and a
//! mounted ConfigMap by exchanging a symlink beside it. As watching misses what it cannot see, all
//! files are also read at each refresh. A file that cannot be read or understood keeps the groups
//! it last had.

mod config;
mod read;
mod watch;

pub use config::FileConfig;
pub use read::groups_of;

use crate::{Discoverer, Group, Metrics, Output, Running};
use read::Known;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use watch::Watch;

/// Time for a writer to finish what it began: one replacement is several events.
const SETTLE: Duration = Duration::from_millis(50);

/// One of `file_sd_configs`, running.
#[derive(Clone, Debug)]
pub struct FileDiscovery {
    config: FileConfig,
    metrics: Arc<Metrics>,
}

impl FileDiscovery {
    /// Paths must be resolved: relative ones begin at the working directory.
    #[must_use]
    pub fn new(config: FileConfig, metrics: Arc<Metrics>) -> Self {
        Self { config, metrics }
    }

    async fn discover(self: Arc<Self>, output: Output, stop: CancellationToken) {
        let mut watch = Watch::new(&self.config.files, &self.metrics);
        let refresh = Duration::from_millis(self.config.refresh_interval.ms.unsigned_abs());
        let mut ticks = interval(refresh);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known = Known::default();
        let mut sent: Option<Vec<Group>> = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                // The first tick comes at once.
                _ = ticks.tick() => {}
                () = watch.changed() => sleep(SETTLE).await,
            }
            watch.forget_changes();
            // A folder may have come, or come back. What comes after this is told.
            watch.begin();
            let config = Arc::clone(&self);
            let read = tokio::task::spawn_blocking(move || {
                let began = Instant::now();
                let failed = known.read(&config.config.files);
                config.metrics.file_scans.inc();
                config.metrics.file_scan_seconds.add(began.elapsed().as_secs_f64());
                config.metrics.set_modified(known.modified());
                known.forget_gone();
                (known, failed)
            });
            let failed;
            (known, failed) = match read.await {
                Ok(read) => read,
                // A panic while reading is a bug; the next event tries again from the start.
                Err(error) => {
                    tracing::error!(%error, "reading discovery files");
                    known = Known::default();
                    continue;
                }
            };
            self.metrics.file_read_errors.add(failed);
            let groups = known.groups();
            if sent.as_ref() != Some(&groups) {
                sent = Some(groups.clone());
                output.send(groups);
            }
        }
    }
}

impl Discoverer for FileDiscovery {
    fn identity(&self) -> String {
        format!("{:?}", self.config)
    }

    fn run(self: Arc<Self>, output: Output, stop: CancellationToken) -> Running {
        Box::pin(self.discover(output, stop))
    }
}

#[cfg(test)]
mod tests;
