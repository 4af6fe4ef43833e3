//! From the configuration of jobs to discoverers.

use crate::config::Loaded;
use discovery::{Job, Means};

/// Every job with its sources of targets.
pub(super) fn jobs(loaded: &Loaded, means: &Means) -> Vec<Job> {
    let jobs = loaded.scrape_configs.iter().map(|config| Job {
        name: config.job_name().to_owned(),
        discoverers: config.sd().discoverers(means),
    });
    jobs.collect()
}
