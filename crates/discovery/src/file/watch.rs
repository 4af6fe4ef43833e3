//! Watching the folders of discovery files.

use crate::Metrics;
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Notify;

/// Tells that something happened in one of the folders; what, has to be looked up.
pub(super) struct Watch {
    folders: BTreeSet<PathBuf>,
    /// Folders that are not watched, so that each is complained about once.
    failed: BTreeSet<PathBuf>,
    changed: Arc<Notify>,
    /// Absent when the system offers no watching.
    watcher: Option<RecommendedWatcher>,
    metrics: Arc<Metrics>,
}

impl Watch {
    /// Watches nothing yet, see [`begin`](Self::begin).
    pub(super) fn new(files: &[String], metrics: &Arc<Metrics>) -> Self {
        let changed = Arc::new(Notify::new());
        let notify = Arc::clone(&changed);
        let on_event = move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_change(event.kind)) {
                notify.notify_one();
            }
        };
        let watcher = notify::recommended_watcher(on_event);
        if let Err(error) = &watcher {
            metrics.file_watcher_errors.inc();
            tracing::warn!(%error, "discovery files are not watched, only read at each refresh");
        }
        let folder = |file: &String| match Path::new(file).parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Self {
            folders: files.iter().map(folder).collect(),
            failed: BTreeSet::new(),
            changed,
            watcher: watcher.ok(),
            metrics: Arc::clone(metrics),
        }
    }

    /// Watches all folders, also those that were not there before or are others by now.
    pub(super) fn begin(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        for folder in &self.folders {
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.failed.remove(folder)),
                Err(error) if self.failed.insert(folder.clone()) => {
                    self.metrics.file_watcher_errors.inc();
                    tracing::warn!(%error, folder = %folder.display(), "not watched");
                }
                Err(_) => {}
            }
        }
    }

    /// Waits for a change; returns at once if there was one since the last time. Cancel safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes back a change that the read about to begin will see.
    pub(super) fn forget_changes(&self) {
        let notified = std::pin::pin!(self.changed.notified());
        // Enabling takes a notification that is already there.
        notified.enable();
    }
}

/// Reading the files causes events too; those must not cause reading.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}
