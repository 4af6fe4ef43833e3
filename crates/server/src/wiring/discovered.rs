//! From the configuration of jobs to discoverers.

use crate::config::Loaded;
use discovery::{Discoverer, FileDiscovery, Job, Metrics, StaticDiscovery};
use std::sync::Arc;

/// Every job with its sources of targets.
pub(super) fn jobs(loaded: &Loaded, metrics: &Arc<Metrics>) -> Vec<Job> {
    let jobs = loaded.scrape_configs.iter().map(|config| {
        let mut discoverers: Vec<Arc<dyn Discoverer>> = Vec::new();
        if !config.static_configs().is_empty() {
            discoverers.push(Arc::new(StaticDiscovery::new(config.static_configs().to_vec())));
        }
        for file in config.file_sd_configs() {
            discoverers.push(Arc::new(FileDiscovery::new(file.clone(), Arc::clone(metrics))));
        }
        Job { name: config.job_name().to_owned(), discoverers }
    });
    jobs.collect()
}
