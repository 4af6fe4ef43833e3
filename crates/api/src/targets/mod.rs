//! `/targets`, `/targets/metadata`, `/metadata`, `/scrape_pools`: who is scraped, and how it goes.

mod list;
mod metadata;
mod url;

pub(crate) use list::{pools, targets};
pub(crate) use metadata::{metadata, targets_metadata};

use crate::explain::{Choice, Diagnosis, ExplainedJob, Scrapes};
use model::Labels;
use model::duration::Duration;

/// How the last scrape of a target went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It was not scraped yet.
    Unknown,
    /// Well.
    Up,
    /// It failed.
    Down,
}

impl Health {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What a target says about a family of metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FamilyMetadata {
    /// Name of the family.
    pub metric: String,
    /// `counter`, `gauge`, ...
    pub kind: String,
    /// The help text.
    pub help: String,
    /// The unit, or nothing.
    pub unit: String,
}

/// A target that is scraped.
#[derive(Clone, Debug)]
pub struct ActiveTarget {
    /// Its labels before relabeling.
    pub discovered: Labels,
    /// Its labels after relabeling, without those that start with `__`.
    pub labels: Labels,
    /// Where it is scraped.
    pub url: String,
    /// What went wrong in the last scrape; empty when nothing did.
    pub last_error: String,
    /// When the last scrape began, in nanoseconds since the Unix epoch, if there was one.
    pub last_scrape_ns: Option<i64>,
    /// How long it took, in seconds.
    pub last_scrape_seconds: f64,
    /// How it went.
    pub health: Health,
    /// How often it is scraped.
    pub interval: Duration,
    /// How long a scrape may take.
    pub timeout: Duration,
    /// What its scrapes brought.
    pub scrapes: Scrapes,
    /// What went wrong when something last did, without the page.
    pub diagnosis: Option<Diagnosis>,
}

/// The targets of one job.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// The name of the job.
    pub name: String,
    /// Targets that are scraped.
    pub active: Vec<ActiveTarget>,
    /// Labels before relabeling of targets that relabeling dropped, as many as are kept.
    pub dropped: Vec<Labels>,
    /// How many were dropped.
    pub dropped_total: usize,
}

/// Knows who is scraped.
pub trait Targets: Send + Sync {
    /// The jobs in the order of their names.
    fn pools(&self) -> Vec<Pool>;

    /// Tells the metadata of active targets: of the family called `metric`, or of all when it is
    /// empty. Each target's labels and families come together; `tell` returns false to stop.
    fn metadata(&self, metric: &str, tell: &mut dyn FnMut(&Labels, &FamilyMetadata) -> bool);

    /// Explains all targets of a job, by its name, or the targets with a URL, an address or an
    /// instance.
    ///
    /// # Errors
    /// When nothing fits, with what comes nearest.
    fn explain(&self, asked: &str, choice: &Choice) -> Result<Vec<ExplainedJob>, String>;
}
