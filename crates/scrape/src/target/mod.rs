//! A target: from what discovery said to whom, how and how often we ask.
//!
//! [`place`] is the way of a target's labels: discovered, filled up with the job's defaults,
//! relabeled, checked. What comes out is a [`Target`], which the API reads and one loop writes.

mod status;
#[cfg(test)]
mod tests;
mod url;

pub use status::{Counts, Family, Health, Status};
pub(crate) use status::{Noted, Vitals};
pub(crate) use url::TargetUrl;

use crate::config::{HistogramFlags, Job};
use crate::diagnosis::Diagnosis;
use arc_swap::ArcSwap;
use discovery::ADDRESS;
use model::duration::{self, Duration};
use model::{Labels, LabelsBuilder};
use std::sync::Arc;

const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const UNIX_SOCKET: &str = "__unix_socket__";
const SCRAPE_NATIVE: &str = "__scrape_native_histograms__";
const CONVERT_CLASSIC: &str = "__convert_classic_histograms_to_nhcb__";
const ALWAYS_CLASSIC: &str = "__always_scrape_classic_histograms__";

/// What became of a discovered target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// To be scraped: all of its labels, hidden ones included.
    Kept(Labels),
    /// Dropped by a rule.
    Dropped,
}

/// Why a target cannot be scraped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("no address")]
    NoAddress,
    #[error(transparent)]
    BadAddress(#[from] discovery::Error),
    #[error("error parsing scrape {what}: {source}")]
    Duration { what: &'static str, source: duration::Error },
    #[error("scrape {0} cannot be 0")]
    Zero(&'static str),
    #[error("scrape timeout cannot be greater than scrape interval ({timeout:?} > {interval:?})")]
    TimeoutAboveInterval { timeout: String, interval: String },
    #[error("error parsing {what}: strconv.ParseBool: parsing {text:?}: invalid syntax")]
    Bool { what: &'static str, text: String },
}

/// The labels of a target before relabeling: the group's, the target's own (which win), and the
/// job's defaults for what is missing.
pub(crate) fn discovered_labels(job: &Job, group: &Labels, own: &Labels) -> Labels {
    let mut labels = group.to_builder();
    for (name, value) in own {
        labels.set(name, value);
    }
    let mut default = |name: &str, value: &str| {
        if labels.get(name).is_none() {
            labels.set(name, value);
        }
    };
    default("job", &job.name);
    default(INTERVAL, &job.interval.to_string());
    default(TIMEOUT, &job.timeout.to_string());
    default("__metrics_path__", &job.metrics_path);
    default("__scheme__", &job.scheme);
    default(SCRAPE_NATIVE, bool_text(job.histograms.scrape_native));
    default(CONVERT_CLASSIC, bool_text(job.histograms.convert_classic));
    default(ALWAYS_CLASSIC, bool_text(job.histograms.always_classic));
    for (key, values) in &job.params {
        if let Some(first) = values.first() {
            default(&format!("{}{key}", url::PARAM_PREFIX), first);
        }
    }
    labels.build()
}

/// What becomes of a target, for people who check a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Its labels before relabeling, the job's defaults among them.
    pub discovered: Labels,
    /// All its labels after it, hidden ones included; `None` when a rule drops it, else why it cannot
    /// be scraped.
    pub outcome: Result<Option<Labels>, String>,
}

/// What becomes of each target of a group.
pub fn preview(job: &Job, group: &discovery::Group) -> impl Iterator<Item = Preview> {
    group.targets.iter().map(|own| {
        let discovered = discovered_labels(job, &group.labels, own);
        let outcome = match place(job, &discovered) {
            Ok(Placed::Kept(all)) => Ok(Some(all)),
            Ok(Placed::Dropped) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        Preview { discovered, outcome }
    })
}

/// Checks what becomes of the targets of a group: each can be scraped, or is dropped by a rule.
///
/// # Errors
/// Names the first that can be neither.
pub fn check_group(job: &Job, group: &discovery::Group) -> Result<(), String> {
    for (i, own) in group.targets.iter().enumerate() {
        let discovered = discovered_labels(job, &group.labels, own);
        place(job, &discovered)
            .map_err(|error| format!("instance {i} in group {}: {error}", group.source))?;
    }
    Ok(())
}

/// Relabels and checks a target.
pub(crate) fn place(job: &Job, discovered: &Labels) -> Result<Placed, TargetError> {
    let mut labels = discovered.to_builder();
    if !model::relabel::apply(&job.relabel, &mut labels) {
        return Ok(Placed::Dropped);
    }
    let address = labels.get(ADDRESS).ok_or(TargetError::NoAddress)?.to_owned();
    discovery::check_address(&address)?;
    let (interval, timeout) = timing(&labels)?;
    if timeout > interval {
        let text = |name| labels.get(name).unwrap_or("").to_owned();
        let (timeout, interval) = (text(TIMEOUT), text(INTERVAL));
        return Err(TargetError::TimeoutAboveInterval { timeout, interval });
    }
    histogram_flags(&labels)?;
    labels.retain(|name, _| !name.starts_with("__meta_"));
    if labels.get("instance").is_none() {
        labels.set("instance", &address);
    }
    Ok(Placed::Kept(labels.build()))
}

fn timing(labels: &LabelsBuilder) -> Result<(Duration, Duration), TargetError> {
    let read = |name, what| {
        let text = labels.get(name).unwrap_or("");
        let duration = Duration::parse(text);
        let duration = duration.map_err(|source| TargetError::Duration { what, source })?;
        if duration.ms == 0 { Err(TargetError::Zero(what)) } else { Ok(duration) }
    };
    Ok((read(INTERVAL, "interval")?, read(TIMEOUT, "timeout")?))
}

fn histogram_flags(labels: &LabelsBuilder) -> Result<HistogramFlags, TargetError> {
    Ok(HistogramFlags {
        scrape_native: parse_bool(labels, SCRAPE_NATIVE, "scrape native histograms")?,
        convert_classic: parse_bool(labels, CONVERT_CLASSIC, "convert classic histograms to nhcb")?,
        always_classic: parse_bool(labels, ALWAYS_CLASSIC, "always scrape classic histograms")?,
    })
}

fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// Reads a flag as Go does. A label that a rule removed is off.
fn parse_bool(labels: &LabelsBuilder, name: &str, what: &'static str) -> Result<bool, TargetError> {
    match labels.get(name).unwrap_or("false") {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(TargetError::Bool { what, text: other.to_owned() }),
    }
}

/// One target: what the API shows and the loop asks.
#[derive(Debug)]
pub struct Target {
    job: Arc<str>,
    discovered: Labels,
    labels: Labels,
    url: TargetUrl,
    unix_socket: Option<String>,
    interval: Duration,
    timeout: Duration,
    histograms: HistogramFlags,
    key: String,
    /// Kept when the target is made anew under other settings; so are the families.
    vitals: Arc<Vitals>,
    pub(crate) families: Arc<ArcSwap<Vec<Arc<Family>>>>,
}

impl Target {
    /// From labels that [`place`] returned.
    pub(crate) fn new(job: &Job, discovered: Labels, all: &Labels) -> Result<Self, TargetError> {
        let all_of = all.to_builder();
        let (interval, timeout) = timing(&all_of)?;
        let histograms = histogram_flags(&all_of)?;
        let url = TargetUrl::of_labels(all, &job.params);
        let labels = all.filter(|name, _| !name.starts_with("__"));
        let unix_socket = all.get(UNIX_SOCKET).map(str::to_owned);
        let mut key = format!("{}\n{labels}\n{url}", job.name);
        if let Some(path) = &unix_socket {
            key.push('\n');
            key.push_str(path);
        }
        Ok(Self {
            job: job.name.as_str().into(),
            discovered,
            labels,
            url,
            unix_socket,
            interval,
            timeout,
            histograms,
            key,
            vitals: Arc::default(),
            families: Arc::default(),
        })
    }

    /// The name of the job.
    #[must_use]
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The labels before relabeling.
    #[must_use]
    pub fn discovered_labels(&self) -> &Labels {
        &self.discovered
    }

    /// The labels its series carry.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Where it is asked.
    #[must_use]
    pub fn scrape_url(&self) -> String {
        self.url.to_string()
    }

    /// Time from scrape to scrape.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// How long a scrape may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How the last scrape went.
    #[must_use]
    pub fn status(&self) -> Status {
        self.vitals.status()
    }

    /// What went wrong when it last did; also of scrapes before the last one.
    #[must_use]
    pub fn diagnosis(&self) -> Option<Arc<Diagnosis>> {
        self.vitals.diagnosis()
    }

    /// How its histograms are read.
    #[must_use]
    pub fn histograms(&self) -> HistogramFlags {
        self.histograms
    }

    /// What the target said about its families, in the order of their names.
    #[must_use]
    pub fn families(&self) -> Arc<Vec<Arc<Family>>> {
        self.families.load_full()
    }

    /// What tells the target from others, over restarts.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Places the target within its interval: FNV-1a over the key.
    pub(crate) fn offset_hash(&self) -> u64 {
        let step =
            |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        self.key.bytes().fold(0xcbf2_9ce4_8422_2325, step)
    }

    pub(crate) fn url(&self) -> &TargetUrl {
        &self.url
    }

    pub(crate) fn unix_socket(&self) -> Option<&str> {
        self.unix_socket.as_deref()
    }

    pub(crate) fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// Goes on with what is known of the target that this one replaces.
    pub(crate) fn succeed(&mut self, old: &Self) {
        self.vitals = Arc::clone(&old.vitals);
        self.families = Arc::clone(&old.families);
    }

    /// Whether two are the same target asked in the same way; the status does not count.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.key == other.key
            && self.discovered == other.discovered
            && self.interval == other.interval
            && self.timeout == other.timeout
            && self.histograms == other.histograms
    }
}
