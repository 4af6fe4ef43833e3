//! When the file is written: once something has changed, and not too often.

use super::super::super::applied::ClusterJob;
use super::file::{Saved, SavedGroup, SavedJob};
use crate::clock;
use discovery::Groups;
use model::metrics::{Collect, Counter, Gauge, Kind, Visitor};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A file that is as true as before is written again after so long, as it is believed for an hour only.
const REFRESH: Duration = Duration::from_secs(15 * 60);

/// What is told of the file.
#[derive(Debug, Default)]
pub(in super::super) struct Metrics {
    writes: Counter,
    failures: Counter,
    bytes: Gauge,
    saved_at_seconds: Gauge,
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        for (name, help, counter) in [
            (
                "rushlight_targets_snapshot_writes_total",
                "Times the targets of the cluster were saved.",
                &self.writes,
            ),
            (
                "rushlight_targets_snapshot_failures_total",
                "Times the targets of the cluster could not be saved.",
                &self.failures,
            ),
        ] {
            visitor.family(name, Kind::Counter, help);
            visitor.sample("", &[], counter.get() as f64);
        }
        for (name, help, gauge) in [
            (
                "rushlight_targets_snapshot_size_bytes",
                "Size of the file with the saved targets of the cluster.",
                &self.bytes,
            ),
            (
                "rushlight_targets_snapshot_last_success_timestamp_seconds",
                "When the targets of the cluster were saved last.",
                &self.saved_at_seconds,
            ),
        ] {
            visitor.family(name, Kind::Gauge, help);
            visitor.sample("", &[], gauge.get());
        }
    }
}

/// Keeps the file.
pub(in super::super) struct Keeper {
    path: PathBuf,
    metrics: Arc<Metrics>,
    /// What was saved last, and when.
    saved: Option<(Instant, Vec<Entry>)>,
    /// Whether the last failure was told.
    has_failed: bool,
}

/// A job, and whom it scrapes.
type Entry = (Arc<ClusterJob>, Groups);

impl Keeper {
    pub(in super::super) fn new(path: &Path, metrics: Arc<Metrics>) -> Self {
        Self { path: path.to_owned(), metrics, saved: None, has_failed: false }
    }

    /// Saves what is true now, unless it is saved already.
    pub(in super::super) async fn save(
        &mut self,
        cluster: &str,
        jobs: &[Arc<ClusterJob>],
        found: &discovery::Snapshot,
    ) {
        let entry = |job: &Arc<ClusterJob>| {
            let groups = found.jobs.get(&job.job.name).cloned().unwrap_or_default();
            (Arc::clone(job), groups)
        };
        let now: Vec<Entry> = jobs.iter().map(entry).collect();
        let is_known = self.saved.as_ref().is_some_and(|(at, before)| {
            at.elapsed() < REFRESH
                && before.len() == now.len()
                && before.iter().zip(&now).all(|(a, b)| Arc::ptr_eq(&a.0, &b.0) && a.1 == b.1)
        });
        if is_known {
            return;
        }
        let saved = now.iter().map(|(job, groups)| SavedJob {
            text: Arc::clone(&job.text),
            groups: groups.iter().cloned().map(SavedGroup).collect(),
        });
        let saved_at_ms = clock::now_ms();
        let (saved, path) = (Saved::new(saved_at_ms, cluster, saved.collect()), self.path.clone());
        let written = tokio::task::spawn_blocking(move || saved.write(&path)).await;
        match written.unwrap_or_else(|panic| Err(std::io::Error::other(panic))) {
            Ok(bytes) => {
                self.metrics.writes.inc();
                self.metrics.bytes.set(bytes as f64);
                self.metrics.saved_at_seconds.set(saved_at_ms as f64 / 1e3);
                self.saved = Some((Instant::now(), now));
                self.has_failed = false;
                tracing::debug!(component = "kubernetes", bytes, "targets were saved");
            }
            Err(error) => {
                self.metrics.failures.inc();
                let file = self.path.display();
                if !std::mem::replace(&mut self.has_failed, true) {
                    let what = "targets were not saved: a start without the API server has none";
                    tracing::warn!(component = "kubernetes", %file, %error, "{what}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use discovery::{ADDRESS, Group};
    use model::Labels;

    fn job(name: &str) -> Arc<ClusterJob> {
        let text = format!("{{\"job_name\":\"{name}\"}}");
        let config: scrape::Config = serde_saphyr::from_str(&text).unwrap();
        let job = config.resolve(&scrape::Global::default()).unwrap();
        Arc::new(ClusterJob { text: text.into(), job: Arc::new(job), sources: Vec::new() })
    }

    fn found(address: &str) -> discovery::Snapshot {
        let targets = vec![Labels::from_pairs([(ADDRESS, address)])];
        let group = Group { source: "s".to_owned(), labels: Labels::empty(), targets };
        let groups: Groups = [Arc::new(group)].as_slice().into();
        discovery::Snapshot { jobs: [("j".to_owned(), groups)].into() }
    }

    #[tokio::test]
    async fn it_is_written_when_something_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("targets.snapshot");
        let metrics = Arc::new(Metrics::default());
        let mut keeper = Keeper::new(&path, Arc::clone(&metrics));
        let jobs = [job("j"), job("k")];
        let address = || {
            let saved = read(&path).unwrap().unwrap();
            assert_eq!(saved.cluster, "here");
            assert!(saved.jobs[1].groups.is_empty());
            saved.jobs[0].groups[0].0.targets[0].get(ADDRESS).unwrap().to_owned()
        };
        for (target, writes) in [("a", 1), ("a", 1), ("b", 2)] {
            keeper.save("here", &jobs, &found(target)).await;
            assert_eq!((address().as_str(), metrics.writes.get()), (target, writes));
        }
        keeper.save("here", &[job("j"), job("k")], &found("b")).await;
        assert_eq!(metrics.writes.get(), 3, "jobs that were made anew are other ones");

        // Once there is no place for it, the old one stays; and it is tried again.
        std::fs::create_dir(path.with_extension("snapshot.tmp")).unwrap();
        keeper.save("here", &jobs, &found("c")).await;
        keeper.save("here", &jobs, &found("c")).await;
        assert_eq!((address().as_str(), metrics.failures.get()), ("b", 2));
        std::fs::remove_dir(path.with_extension("snapshot.tmp")).unwrap();
        keeper.save("here", &jobs, &found("c")).await;
        assert_eq!(address(), "c");
    }
}
