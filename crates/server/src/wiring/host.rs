//! The process, as the API asks it.

use super::applied::ClusterPart;
use super::reload::Reloader;
use super::settings::{Retention, retention_text};
use crate::config::{self, Loaded};
use crate::memory::Budget;
use crate::own_metrics::{Build, Process, Reloads, threads};
use crate::{clock, version};
use api::{Boxed, BuildInfo, Host, RuntimeInfo};
use arc_swap::ArcSwap;
use exposition::Protocol;
use exposition::encode::TextEncoder;
use model::Labels;
use model::metrics::Collect;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};
use tokio_util::sync::CancellationToken;

/// What the process knows about itself.
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) hostname: String,
    pub(super) flags: BTreeMap<String, String>,
    /// What is kept; follows the configuration.
    pub(super) retention: ArcSwap<Retention>,
    /// Memory to keep to, if there is a bound.
    pub(super) budget: Option<Budget>,
    /// Damaged places met when the database was opened.
    pub(super) corruptions: AtomicU64,
    /// The configuration in use.
    pub(super) loaded: ArcSwap<Loaded>,
    /// What the objects of a cluster say besides.
    pub(super) cluster: Arc<ArcSwap<ClusterPart>>,
    pub(super) reloads: Arc<Reloads>,
    /// Set once the loops run; the reloader lives in the main task.
    pub(super) reloader: OnceLock<Weak<Reloader>>,
    /// Asks the main task to end.
    pub(super) quit: CancellationToken,
    /// Who has metrics; the database comes later.
    pub(super) parts: RwLock<Vec<Arc<dyn Collect>>>,
}

impl Server {
    /// Shows the metrics of one more part.
    pub(super) fn show(&self, part: Arc<dyn Collect>) {
        self.parts.write().unwrap_or_else(PoisonError::into_inner).push(part);
    }
}

/// The name of the machine.
pub(super) fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

impl Host for Server {
    fn now_ms(&self) -> i64 {
        clock::now_ms()
    }

    fn config_yaml(&self) -> String {
        let loaded = self.loaded.load();
        config::to_yaml(&loaded, &self.cluster.load().printed(&loaded))
    }

    fn external_labels(&self) -> Labels {
        self.loaded.load().external_labels.clone()
    }

    fn flags(&self) -> BTreeMap<String, String> {
        self.flags.clone()
    }

    fn runtime_info(&self) -> RuntimeInfo {
        let (reload_success, last_config_ms) = self.reloads.last();
        let folder = std::env::current_dir();
        RuntimeInfo {
            start_time_ms: self.process.start_time_ms(),
            working_directory: folder.map_or_else(|_| String::new(), |f| f.display().to_string()),
            hostname: self.hostname.clone(),
            reload_success,
            last_config_ms,
            corruptions: self.corruptions.load(Ordering::Relaxed),
            threads: threads(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_limit: self
                .budget
                .map_or(i64::MAX, |budget| i64::try_from(budget.bytes).unwrap_or(i64::MAX)),
            storage_retention: retention_text(**self.retention.load()),
        }
    }

    fn build_info(&self) -> BuildInfo {
        version::build_info()
    }

    fn reload(&self) -> Boxed<'_, Result<(), String>> {
        let reloader = self.reloader.get().and_then(Weak::upgrade);
        Box::pin(async move {
            match reloader {
                Some(reloader) => reloader.reload().await,
                None => Err("the server is starting or ending".to_owned()),
            }
        })
    }

    fn quit(&self) {
        self.quit.cancel();
    }

    fn metrics_page(&self, protocol: Protocol) -> String {
        let mut page = TextEncoder::new(protocol);
        Build.collect(&mut page);
        self.process.collect(&mut page);
        for part in &*self.parts.read().unwrap_or_else(PoisonError::into_inner) {
            part.collect(&mut page);
        }
        page.finish()
    }
}
