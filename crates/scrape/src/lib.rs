//! Scraping: asks targets for their pages, time after time, and stores what they say.
//!
//! A [`Config`] is one `scrape_config` of the file; the [`Job`] it means has a pool of targets, and
//! each target has a loop of its own with a fixed place within the interval. A scrape fetches the
//! page, reads it straight into a row of the target's group, adds the series about the scrape itself
//! (`up`, `scrape_*`) and commits. What was there before and is missing now has ended: that is what a
//! row means, so a failed scrape is a row with nothing but the report.
//!
//! Loops do not know each other and share nothing but room to work; a target that hangs costs its own
//! loop. What the API shows is published by the loops and the [`Manager`] as immutable values.

#![forbid(unsafe_code)]

mod clock;
pub mod config;
mod desk;
mod diagnosis;
mod explain;
mod failure_log;
mod ingest;
mod manager;
mod metrics;
mod panics;
mod pool;
mod schedule;
mod scrape_loop;
mod scraper;
mod soon;
mod target;
#[cfg(test)]
mod tests;
mod turns;

pub use config::{Config, ConfigError, Features, Global, Job, SampleLimitMode};
pub use diagnosis::{Diagnosis, Excerpt, LimitPassed, Position, Reason};
pub use explain::{Explained, Explanation, NotFound, Outcome, State, Step, explain};
pub use manager::{Manager, PoolView, Snapshot};
pub use metrics::Metrics;
pub use target::{Counts, Family, Health, Preview, Status, Target, check_group, preview};

use client::files::Vault;
use client::{Client, Dialer};
use clock::Clock;
use desk::Desk;
use diagnosis::Excerpts;
use failure_log::FailureLogs;
use ingest::{FamilyPool, KeptByAll, Scene};
use scraper::Assignment;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use storage::{Appendable, Row};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How scraping is done, whatever the job.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Moves the places of all targets; differs between twins of a server. The manager may be given
    /// another one later.
    pub offset_seed: u64,
    /// How late a scrape may begin and still get the planned time; `None` for the real time always.
    pub timestamp_tolerance: Option<Duration>,
    /// Connections to targets at a time, kept ones included; beyond them scrapes fail.
    pub max_connections: usize,
    /// Files that exist in memory only: the secrets of jobs that come from a cluster.
    pub vault: Vault,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user_agent: concat!("Rushlight/", env!("CARGO_PKG_VERSION")).into(),
            offset_seed: 0,
            timestamp_tolerance: Some(Duration::from_millis(2)),
            max_connections: 65_536,
            vault: Vault::default(),
        }
    }
}

/// What all loops share.
pub(crate) struct Shared {
    store: Arc<dyn Appendable>,
    metrics: Arc<Metrics>,
    options: Options,
    clock: Clock,
    dialer: Dialer,
    desk: Arc<Desk>,
    families: FamilyPool,
    kept: KeptByAll,
    /// Moves the places of all targets.
    offset_seed: AtomicU64,
    excerpts: Excerpts,
    failure_logs: FailureLogs,
    stop: CancellationToken,
    loops: TaskTracker,
}

impl Shared {
    fn new(store: Arc<dyn Appendable>, metrics: Arc<Metrics>, options: Options) -> Self {
        Self {
            store,
            metrics,
            dialer: Dialer::net(options.max_connections).with_vault(&options.vault),
            offset_seed: AtomicU64::new(options.offset_seed),
            options,
            clock: Clock::System,
            desk: Arc::default(),
            families: FamilyPool::default(),
            kept: KeptByAll::default(),
            excerpts: Excerpts::default(),
            failure_logs: FailureLogs::default(),
            stop: CancellationToken::new(),
            loops: TaskTracker::new(),
        }
    }

    fn offset_seed(&self) -> u64 {
        self.offset_seed.load(Relaxed)
    }

    fn client(&self, job: &Job) -> Client {
        Client::new(&job.http, &self.dialer, &self.options.user_agent)
    }

    fn scene<'a>(&'a self, assignment: &'a Assignment, row: &'a mut Row, at_ns: i64) -> Scene<'a> {
        Scene {
            store: &*self.store,
            job: &assignment.job,
            target: &assignment.target,
            group_key: &assignment.group_key,
            families: &self.families,
            row,
            t_ms: at_ns.div_euclid(1_000_000),
        }
    }
}
