//! The jobs that our own settings bring along from a Secret or a ConfigMap.

use super::mapping::{GRACE, Means, adopt};
use super::references::{Referring, Uses};
use super::{PlannedJob, load};
use kubernetes::jobs::Mapper;
use kubernetes::resources::settings::Additional;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;

/// The jobs of `additionalScrapeConfigs`.
#[derive(Default)]
pub(super) struct Own {
    pub(super) jobs: Vec<Arc<PlannedJob>>,
    pub(super) troubles: Vec<String>,
    pub(super) uses: Uses,
    /// Until when jobs are kept whose Secret vanished.
    pub(super) kept_until: Option<Instant>,
    epoch: u64,
}

impl Own {
    /// What the settings mean now. Jobs whose Secret vanished are kept for a while.
    pub(super) fn new(before: &Self, means: &mut Means<'_>) -> Self {
        let mut own = Self { epoch: means.epoch, ..Self::default() };
        let settings = &means.options.section.settings;
        let written = match &settings.additional_scrape_configs {
            Some(written @ (Additional::Secret(_) | Additional::ConfigMap(_))) => written,
            // What is written in place is read by who reads the file.
            None | Some(Additional::Inline(_)) => return own,
        };
        let referring = Referring::new(means.shelf);
        let mapper = Mapper::new(settings, &referring);
        let jobs = mapper.and_then(|mapper| mapper.additional(written, &means.options.namespace));
        own.uses = referring.take();
        let found = own.uses.iter();
        let missing: Vec<String> = found
            .filter_map(|(used, found)| Some(used.missing(found.as_ref().err()?).to_string()))
            .collect();
        if !missing.is_empty() {
            own.troubles =
                missing.iter().map(|m| format!("additionalScrapeConfigs: {m}")).collect();
            if before.epoch == own.epoch && !before.jobs.is_empty() {
                own.jobs.clone_from(&before.jobs);
                own.kept_until = Some(before.kept_until.unwrap_or(means.now + GRACE));
            }
            return own;
        }
        let is_secret = matches!(written, Additional::Secret(_));
        let mut names = BTreeSet::new();
        match jobs {
            Ok(jobs) => {
                for (i, fields) in jobs.iter().enumerate() {
                    let job =
                        load::job(fields, None, means.options, means.patterns, None, is_secret);
                    let job = job.and_then(|job| {
                        let name = job.config.job_name().to_owned();
                        let is_taken = means.options.taken.contains(&name);
                        match is_taken || !names.insert(name.clone()) {
                            true => Err(format!("a second job {name:?}")),
                            false => Ok(Arc::new(job)),
                        }
                    });
                    match job {
                        Ok(mut job) => {
                            adopt(&mut job, &before.jobs);
                            own.jobs.push(job);
                        }
                        Err(error) => {
                            own.troubles.push(format!("additionalScrapeConfigs[{i}]: {error}"));
                        }
                    }
                }
            }
            Err(error) => own.troubles.push(error),
        }
        own
    }

    /// Whether all that it refers to is as it was.
    pub(super) fn is_current(&self, means: &Means<'_>) -> bool {
        self.epoch == means.epoch
            && self.uses.iter().all(|(used, found)| means.shelf.find(used) == *found)
    }
}
