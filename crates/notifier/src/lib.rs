//! Telling Alertmanagers: alerts go in, and arrive at every Alertmanager there is.
//!
//! A [`Notifier`] takes alerts from whoever has them, fills in external labels, rewrites their labels
//! and hands them to the queue of each Alertmanager, which a task of its own empties over HTTP. So
//! nobody who has alerts ever waits, and one Alertmanager that is slow or dead holds up no other.
//! Alertmanagers are found by discovery, in sets that share their settings.
//!
//! # What is told, and what is not
//! Each change of an alert arrives in the end, also after an outage: what could not be told stays in
//! the queue and is tried again, after a pause that grows to some seconds. A queue holds one state
//! for each alert, the newest: an alert that ended meanwhile is told as ended, once. Here we differ
//! from Prometheus, which forgets what it could not tell and relies on the rules to tell it again,
//! which they do for a quarter of an hour.
//!
//! An alert is lost, and counted, only when a queue is full (then it is the oldest), when an
//! Alertmanager refuses it, or when the process ends before its Alertmanager is back. One alert that
//! is refused takes no others with it: what was refused is told again in halves.
//!
//! What waits for an Alertmanager that goes away is told to the ones that come at the same time;
//! while a set has none at all, it waits for the first to come. A pod that comes back under another
//! address therefore hears what its predecessor missed.

#![forbid(unsafe_code)]

mod address;
mod alertmanager;
mod courier;
mod gag;
mod message;
mod metrics;
mod notifier;
mod pace;
mod queue;
mod rewrite;
mod set;
#[cfg(test)]
mod tests;

pub use metrics::Metrics;
pub use notifier::{Known, Notifier};

use client::{Dialer, HttpConfig};
use model::Labels;
use model::relabel::Rule;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections to Alertmanagers at a time.
const MAX_CONNECTIONS: usize = 1024;

/// How alerts are sent, whatever the configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// Alerts that wait for one Alertmanager, at most; at least 1.
    pub queue_capacity: usize,
    /// Alerts told at a time, at most; at least 1.
    pub batch_size: usize,
    /// Whether what waits at the end is told first.
    pub drain_on_shutdown: bool,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Opens the connections.
    pub dialer: Dialer,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_capacity: 10_000,
            batch_size: 256,
            drain_on_shutdown: true,
            user_agent: concat!("Rushlight/", env!("CARGO_PKG_VERSION")).into(),
            dialer: Dialer::net(MAX_CONNECTIONS),
        }
    }
}

/// What the configuration says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Labels of all alerts that do not have them already.
    pub external_labels: Labels,
    /// Rules for the labels of all alerts, applied after the external labels; may drop.
    pub alert_relabel: Vec<Rule>,
    /// Whom to tell. Their names are distinct.
    pub sets: Vec<AlertmanagerSet>,
}

/// Alertmanagers that share their settings: one of `alertmanagers` in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertmanagerSet {
    /// The name under which discovery finds them, such as `config-0`.
    pub name: String,
    /// How to ask them.
    pub http: HttpConfig,
    /// How long telling them may take.
    pub timeout: Duration,
    /// `http` or `https`, unless their labels say otherwise.
    pub scheme: String,
    /// What stands before `/api/v2/alerts`.
    pub path_prefix: String,
    /// Rules for the labels of the Alertmanagers; may drop.
    pub relabel: Vec<Rule>,
    /// Rules for the labels of alerts told to this set; may drop.
    pub alert_relabel: Vec<Rule>,
}

/// What all sets share.
pub(crate) struct Shared {
    options: Options,
    metrics: Arc<Metrics>,
    /// Nothing is pushed any more: what waits is told, then all ends.
    draining: CancellationToken,
    /// All ends at once.
    stop: CancellationToken,
    tasks: TaskTracker,
}
