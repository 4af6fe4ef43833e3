//! Applying a configuration: at the start, on SIGHUP, by `/-/reload`, and when a file changes.
//!
//! A configuration is read and checked as a whole, and the files it writes to are opened, before
//! anything changes; so a bad one changes nothing.

use super::alarms::Alarms;
use super::applied::Applied;
use super::cluster::{Cluster, Prepared};
use super::front::RELOAD_FAILED;
use super::host::Server;
use super::query_log::QueryLogFile;
use super::source::ConfigSource;
use super::{changes, discovered, settings};
use crate::clock;
use crate::config::Loaded;
use crate::flags::Serve;
use api::{QueryLog, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tsdb::Db;

/// Owns what follows the configuration.
pub(super) struct Reloader {
    pub(super) source: ConfigSource,
    pub(super) flags: Serve,
    pub(super) server: Arc<Server>,
    pub(super) state: State,
    pub(super) scrapes: Arc<scrape::Manager>,
    pub(super) alarms: Arc<Alarms>,
    pub(super) db: Db,
    pub(super) applied: Arc<Applied>,
    pub(super) cluster: Arc<Cluster>,
    pub(super) discovery_means: discovery::Means,
    /// The files as they were when they were loaded last; 0 before.
    pub(super) fingerprint: AtomicU64,
    /// One at a time.
    pub(super) turn: tokio::sync::Mutex<()>,
}

/// A configuration that can be applied: nothing can go wrong any more.
struct Ready {
    loaded: Loaded,
    query_log: Option<Arc<dyn QueryLog>>,
    /// Who finds the targets of the jobs, and the Alertmanagers.
    targets: Vec<discovery::Job>,
    alertmanagers: Vec<discovery::Job>,
    cluster: Prepared,
    fingerprint: u64,
}

impl Reloader {
    /// Applies the configuration that was loaded at the start.
    ///
    /// # Errors
    /// When a file that it writes to cannot be opened, or a source of targets cannot be asked.
    pub(super) fn start(&self) -> Result<(), String> {
        let loaded = Loaded::clone(&self.server.loaded.load());
        let fingerprint = self.source.fingerprint().unwrap_or_default();
        let ready = self.ready(loaded, fingerprint)?;
        self.apply(ready);
        self.server.reloads.succeeded(clock::now_ms());
        Ok(())
    }

    /// Whether there is something to load: the files are others than those that were loaded last,
    /// or the last load failed, so that one that would succeed is seen. Files that cannot be read
    /// are to be loaded too, as that fails where it is seen.
    pub(super) async fn is_changed(&self) -> bool {
        if !self.server.reloads.last().0 {
            return true;
        }
        let source = self.source.clone();
        match tokio::task::spawn_blocking(move || source.fingerprint()).await {
            Ok(Ok(fingerprint)) => fingerprint != self.fingerprint.load(Ordering::Relaxed),
            Ok(Err(_)) => true,
            Err(_) => false,
        }
    }

    /// Loads the configuration again; on an error the one in use stays.
    pub(super) async fn reload(&self) -> Result<(), String> {
        let _turn = self.turn.lock().await;
        match self.load().await {
            Ok(ready) => {
                super::warn(&ready.loaded);
                changes::tell(&self.server.loaded.load(), &ready.loaded);
                self.apply(ready);
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

    async fn load(&self) -> Result<Ready, String> {
        let (source, how) = (self.source.clone(), settings::reading(&self.flags));
        let reading = tokio::task::spawn_blocking(move || {
            // Taken first: what changes in between is seen to change by the next look.
            let fingerprint = source.fingerprint().map_err(|error| error.to_string())?;
            let loaded = source.load(&how).map_err(|error| error.to_string())?;
            Ok::<_, String>((fingerprint, loaded))
        });
        let (fingerprint, loaded) = reading.await.map_err(|error| error.to_string())??;
        self.ready(loaded, fingerprint)
    }

    fn ready(&self, loaded: Loaded, fingerprint: u64) -> Result<Ready, String> {
        // First: what names no cluster means this one.
        let cluster = self.cluster.prepare(&loaded)?;
        self.ready_in(cluster, loaded, fingerprint).inspect_err(|_| self.cluster.abandon())
    }

    fn ready_in(
        &self,
        cluster: Prepared,
        loaded: Loaded,
        fingerprint: u64,
    ) -> Result<Ready, String> {
        let targets = discovered::jobs(&loaded, &self.discovery_means)?;
        let alertmanagers = self.alarms.sources(&loaded)?;
        Ok(Ready {
            query_log: query_log(&loaded)?,
            loaded,
            targets,
            alertmanagers,
            cluster,
            fingerprint,
        })
    }

    fn apply(&self, ready: Ready) {
        let Ready { loaded, query_log, targets, alertmanagers, cluster, fingerprint } = ready;
        let loaded = Arc::new(loaded);
        self.server.loaded.store(Arc::clone(&loaded));
        self.state.set_default_step_ms(loaded.evaluation_interval_ms);
        self.state.set_query_log(query_log);
        let retention = settings::retention(&self.flags, loaded.retention);
        let in_bytes = settings::in_bytes(retention, &self.flags.data_path);
        self.db.set_retention(in_bytes.time_ms, in_bytes.bytes);
        self.server.retention.store(Arc::new(retention));
        self.db.set_max_exemplars(settings::max_exemplars(&self.flags, &loaded));
        self.scrapes.set_offset_seed(settings::offset_seed(&loaded, &self.server.hostname));
        self.applied.set_file(Arc::clone(&loaded), targets, alertmanagers);
        self.cluster.apply(cluster, &loaded);
        self.fingerprint.store(fingerprint, Ordering::Relaxed);
    }
}

/// Opens the query log, each time anew.
fn query_log(loaded: &Loaded) -> Result<Option<Arc<dyn QueryLog>>, String> {
    let Some(path) = &loaded.query_log_file else { return Ok(None) };
    Ok(Some(Arc::new(QueryLogFile::open(path)?)))
}
