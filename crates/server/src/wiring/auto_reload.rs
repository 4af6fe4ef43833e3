//! `--config.auto-reload`: looks for changed files, again and again.

use super::reload::Reloader;
use super::settings;
use crate::flags::{FeatureList, Serve};
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Shorter times between two looks are taken for this one.
const SHORTEST: Duration = Duration::from_secs(1);

/// Looks for changes, if it was asked to.
pub(super) struct AutoReload(Option<Interval>);

impl AutoReload {
    pub(super) fn new(flags: &Serve) -> Self {
        if !flags.auto_reload && !FeatureList::union(&flags.features).auto_reload {
            return Self(None);
        }
        let every = settings::duration(flags.auto_reload_interval).max(SHORTEST);
        tracing::info!(component = "config", ?every, "looking for changes of the configuration");
        let mut interval = interval_at(Instant::now() + every, every);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(Some(interval))
    }

    /// Waits until there is something to load. Cancel safe.
    pub(super) async fn changed(&mut self, reloader: &Reloader) {
        let Some(interval) = &mut self.0 else { return std::future::pending().await };
        loop {
            interval.tick().await;
            if reloader.is_changed().await {
                tracing::info!(
                    component = "config",
                    "loading the configuration, by --config.auto-reload"
                );
                return;
            }
        }
    }
}
