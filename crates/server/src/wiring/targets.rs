//! What scraping knows of its targets, in the shape of the API.

use super::explained;
use api::explain::{Choice, ExplainedJob};
use api::{ActiveTarget, FamilyMetadata, Health, Pool, Targets};
use model::Labels;
use scrape::{Family, Manager, Snapshot, Target};
use std::sync::{Arc, OnceLock};

/// Reads the snapshots that scraping publishes; before scraping begins there are no targets.
#[derive(Default)]
pub(super) struct ScrapeView(OnceLock<Arc<Manager>>);

impl ScrapeView {
    /// Scraping begins; later calls change nothing.
    pub(super) fn set(&self, manager: Arc<Manager>) {
        self.0.set(manager).ok();
    }

    /// The pools as they are now.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.get().map(|manager| manager.snapshot()).unwrap_or_default()
    }
}

impl Targets for ScrapeView {
    fn pools(&self) -> Vec<Pool> {
        let snapshot = self.snapshot();
        let pools = snapshot.pools.iter().map(|pool| Pool {
            name: pool.job.clone(),
            active: pool.active.iter().map(|target| active(target)).collect(),
            dropped: pool.dropped.clone(),
            dropped_total: pool.dropped_total,
        });
        pools.collect()
    }

    fn metadata(&self, metric: &str, tell: &mut dyn FnMut(&Labels, &FamilyMetadata) -> bool) {
        let snapshot = self.snapshot();
        for target in snapshot.pools.iter().flat_map(|pool| &pool.active) {
            for family in target.families().iter() {
                let wanted = metric.is_empty() || *family.name == *metric;
                if wanted && !tell(target.labels(), &metadata(family)) {
                    return;
                }
            }
        }
    }

    fn explain(&self, asked: &str, choice: &Choice) -> Result<Vec<ExplainedJob>, String> {
        let found = scrape::explain(&self.snapshot(), asked).map_err(|error| error.to_string())?;
        Ok(found.iter().map(|job| explained::job(job, choice)).collect())
    }
}

fn active(target: &Target) -> ActiveTarget {
    let status = target.status();
    ActiveTarget {
        discovered: target.discovered_labels().clone(),
        labels: target.labels().clone(),
        url: target.scrape_url(),
        last_error: status.last_error.as_deref().unwrap_or("").to_owned(),
        last_scrape_ns: status.last_scrape_ns,
        last_scrape_seconds: status.last_duration_seconds,
        health: match status.health {
            scrape::Health::Unknown => Health::Unknown,
            scrape::Health::Up => Health::Up,
            scrape::Health::Down => Health::Down,
        },
        interval: target.interval(),
        timeout: target.timeout(),
        diagnosis: target.diagnosis().map(|last| explained::diagnosis(&last, &status, false)),
        scrapes: explained::scrapes(&status),
    }
}

fn metadata(family: &Family) -> FamilyMetadata {
    FamilyMetadata {
        metric: family.name.to_string(),
        kind: family.kind.as_str().to_owned(),
        help: family.help.to_string(),
        unit: family.unit.to_string(),
    }
}
