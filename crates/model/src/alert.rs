//! Alerts, as they leave the rules on their way to Alertmanagers.

use crate::Labels;

/// One state of one alert, as it is told to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What identifies it, `alertname` among them.
    pub labels: Labels,
    /// Texts for people by name, in the order of names; a text may be empty.
    pub annotations: Vec<(String, String)>,
    /// Since when it fires, in milliseconds since the Unix epoch.
    pub starts_at_ms: i64,
    /// When it ended, or when it is to be taken as ended unless it is told again; in milliseconds
    /// since the Unix epoch.
    pub ends_at_ms: i64,
    /// Where people find the query.
    pub generator_url: String,
}
