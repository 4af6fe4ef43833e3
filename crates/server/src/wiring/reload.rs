//! Applying a configuration: at the start, on SIGHUP, and by `/-/reload`.
//!
//! A configuration is read and checked as a whole before anything changes, so a bad one changes
//! nothing.

use super::front::RELOAD_FAILED;
use super::host::Server;
use super::source::ConfigSource;
use super::{discovered, settings};
use crate::clock;
use crate::config::Loaded;
use crate::flags::Serve;
use api::State;
use std::sync::Arc;

/// Owns what follows the configuration.
pub(super) struct Reloader {
    pub(super) source: ConfigSource,
    pub(super) flags: Serve,
    pub(super) server: Arc<Server>,
    pub(super) state: State,
    pub(super) scrapes: Arc<scrape::Manager>,
    pub(super) discoverers: discovery::Manager,
    pub(super) discovery_means: discovery::Means,
    /// One at a time.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Reloader {
    /// Applies the configuration that was loaded at the start.
    pub(super) fn start(&self) {
        self.apply(&self.server.loaded.load());
        self.server.reloads.succeeded(clock::now_ms());
    }

    /// Loads the configuration again; on an error the one in use stays.
    pub(super) async fn reload(&self) -> Result<(), String> {
        let _turn = self.turn.lock().await;
        match self.load().await {
            Ok(loaded) => {
                super::warn(&loaded);
                self.apply(&loaded);
                self.server.loaded.store(Arc::new(loaded));
                self.server.reloads.succeeded(clock::now_ms());
                self.state.notices().remove(RELOAD_FAILED);
                tracing::info!(component = "config", "the configuration was loaded again");
                Ok(())
            }
            Err(error) => {
                self.server.reloads.failed();
                self.state.notices().post(RELOAD_FAILED, clock::now_ms());
                let what = "the configuration was not loaded; the old one stays";
                tracing::error!(component = "config", %error, "{what}");
                Err(error)
            }
        }
    }

    async fn load(&self) -> Result<Loaded, String> {
        let (source, defaults) = (self.source.clone(), settings::scrape_defaults(&self.flags));
        let loaded = tokio::task::spawn_blocking(move || source.load(&defaults))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        if settings::retention(&self.flags, loaded.retention) != self.server.retention {
            return Err("storage.tsdb.retention changed, which takes a restart".to_owned());
        }
        Ok(loaded)
    }

    fn apply(&self, loaded: &Loaded) {
        self.state.set_default_step_ms(loaded.evaluation_interval_ms);
        self.scrapes.apply(loaded.jobs.iter().cloned());
        self.discoverers.apply(discovered::jobs(loaded, &self.discovery_means));
    }
}
