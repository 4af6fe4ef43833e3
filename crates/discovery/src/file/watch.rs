//! Watching the folders of discovery files.

use crate::Metrics;
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Notify;

/// How often a folder is looked for while folders above it come.
const MAX_TRIES: u32 = 8;

/// Tells that something happened in one of the folders; what, has to be looked up.
///
/// Of a folder that is not there, the nearest one above that is there is watched, until it comes.
pub(super) struct Watch {
    folders: Arc<BTreeSet<PathBuf>>,
    /// Watched for folders below that are not there.
    above: BTreeSet<PathBuf>,
    /// Folders that cannot be watched, so that each is complained about once.
    failed: BTreeSet<PathBuf>,
    changed: Arc<Notify>,
    /// Absent when the system offers no watching.
    watcher: Option<RecommendedWatcher>,
    metrics: Arc<Metrics>,
}

impl Watch {
    /// Watches nothing yet, see [`begin`](Self::begin).
    pub(super) fn new(files: &[String], metrics: &Arc<Metrics>) -> Self {
        let folders = Arc::new(files.iter().map(|file| folder(file)).collect());
        let changed = Arc::new(Notify::new());
        let (notify, of_interest) = (Arc::clone(&changed), Arc::clone(&folders));
        let on_event = move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_change(&event, &of_interest)) {
                notify.notify_one();
            }
        };
        let watcher = notify::recommended_watcher(on_event);
        if let Err(error) = &watcher {
            metrics.file_watcher_errors.inc();
            tracing::warn!(%error, "discovery files are not watched, only read at each refresh");
        }
        Self {
            folders,
            above: BTreeSet::new(),
            failed: BTreeSet::new(),
            changed,
            watcher: watcher.ok(),
            metrics: Arc::clone(metrics),
        }
    }

    /// Watches all folders, also those that were not there before or are others by now.
    pub(super) fn begin(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let mut above = BTreeSet::new();
        for folder in &*self.folders {
            let (nearest, watched) = nearest(watcher, folder);
            if nearest != folder {
                above.insert(nearest.to_owned());
            }
            match watched {
                Ok(()) => drop(self.failed.remove(folder)),
                Err(error) if self.failed.insert(folder.clone()) => {
                    self.metrics.file_watcher_errors.inc();
                    tracing::warn!(%error, folder = %folder.display(), "not watched");
                }
                Err(_) => {}
            }
        }
        for folder in self.above.difference(&above) {
            if !self.folders.contains(folder) {
                // It may be gone, and its watch with it.
                watcher.unwatch(folder).ok();
            }
        }
        self.above = above;
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

/// Watches a folder, or the nearest one above it that is there; which, and whether it worked.
fn nearest<'a>(
    watcher: &mut RecommendedWatcher,
    folder: &'a Path,
) -> (&'a Path, notify::Result<()>) {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut watched = watcher.watch(folder, RecursiveMode::NonRecursive);
        let (mut nearest, mut below) = (folder, folder);
        while watched.is_err()
            && !nearest.exists()
            && let Some(parent) = nearest.parent()
        {
            below = std::mem::replace(&mut nearest, parent);
            watched = watcher.watch(nearest, RecursiveMode::NonRecursive);
        }
        // What came before the watch that would have told of it is looked for once more.
        let came = nearest != folder && below.exists();
        if !came || watched.is_err() || tries == MAX_TRIES {
            return (nearest, watched);
        }
    }
}

/// The folder of a file, from the root on, as events name it.
fn folder(file: &str) -> PathBuf {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.into());
    path.parent().unwrap_or(Path::new("/")).to_owned()
}

/// Whether something changed in one of the folders, or one of them may have come or gone. Reading
/// the files causes events too; those must not cause reading.
fn is_change(event: &Event, folders: &BTreeSet<PathBuf>) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
        EventKind::Access(_) => return false,
        _ => {}
    }
    let concerns = |path: &PathBuf| {
        path.parent().is_some_and(|folder| folders.contains(folder))
            || folders.iter().any(|folder| folder.starts_with(path))
    };
    event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(concerns)
}
