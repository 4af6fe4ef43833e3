//! From the configuration of jobs and Alertmanagers to discoverers.

use crate::config::Loaded;
use discovery::{Job, Means, SdConfigs};

/// Every set of Alertmanagers with its sources of members.
///
/// # Errors
/// When a source cannot be asked as it is told to be.
pub(super) fn alertmanagers(loaded: &Loaded, means: &Means) -> Result<Vec<Job>, String> {
    let sets = loaded.alerting.sets.iter();
    sets.map(|(set, sd)| job(&set.name, sd, means, || "alerting".to_owned())).collect()
}

/// Every job with its sources of targets.
///
/// # Errors
/// When a source cannot be asked as it is told to be.
pub(super) fn jobs(loaded: &Loaded, means: &Means) -> Result<Vec<Job>, String> {
    let configs = loaded.scrape_configs.iter().map(|config| {
        let name = config.job_name();
        job(name, config.sd(), means, || format!("scrape config with job name {name:?}"))
    });
    configs.collect()
}

fn job(
    name: &str,
    sd: &SdConfigs,
    means: &Means,
    section: impl Fn() -> String,
) -> Result<Job, String> {
    let discoverers = sd.discoverers(means).map_err(|refused| {
        let (line, column) = (refused.line, refused.column);
        format!("{refused} ({}, line {line}, column {column})", section())
    })?;
    Ok(Job { name: name.to_owned(), discoverers })
}
