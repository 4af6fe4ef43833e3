//! From the configuration of jobs and Alertmanagers to discoverers.

use crate::config::Loaded;
use discovery::{Job, Means};

/// Every set of Alertmanagers with its sources of members.
pub(super) fn alertmanagers(loaded: &Loaded, means: &Means) -> Vec<Job> {
    let sets = loaded.alerting.sets.iter();
    let jobs =
        sets.map(|(set, sd)| Job { name: set.name.clone(), discoverers: sd.discoverers(means) });
    jobs.collect()
}

/// Every job with its sources of targets.
pub(super) fn jobs(loaded: &Loaded, means: &Means) -> Vec<Job> {
    let jobs = loaded.scrape_configs.iter().map(|config| Job {
        name: config.job_name().to_owned(),
        discoverers: config.sd().discoverers(means),
    });
    jobs.collect()
}
