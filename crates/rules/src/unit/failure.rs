//! What is not as expected, and how it is told.

use super::diff;
use crate::template::write_duration;
use model::duration::Duration;
use model::names::{write_label_name, write_quoted};
use std::fmt::{self, Write as _};

/// Why a test failed; prints in promtool's words, most of it indented by four.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// A line of input is no series, or could not be stored.
    Input(String),
    /// The rules could not be loaded.
    Rules(String),
    /// An expectation of alerts does not say of which.
    NoAlertName {
        /// When they are expected.
        eval_time: Duration,
        /// The name of the test; may be empty.
        test: String,
    },
    /// A rule could not be evaluated. It ends the test.
    Rule {
        /// Its name.
        rule: String,
        /// When, in milliseconds since the Unix epoch.
        t_ms: i64,
        /// Why.
        error: String,
    },
    /// Other alerts fire.
    Alerts(AlertsDiffer),
    /// A query, or what is expected of it, cannot be read, or gives no samples.
    Query {
        /// The query.
        expr: String,
        /// When.
        eval_time: Duration,
        /// Why.
        error: String,
    },
    /// A query gives other samples.
    Samples {
        /// The query.
        expr: String,
        /// When.
        eval_time: Duration,
        /// In the order of their labels.
        expected: Vec<String>,
        /// In the order of their labels.
        got: Vec<String>,
    },
}

/// Alerts that fire are not those that are expected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertsDiffer {
    /// The name of the test; may be empty.
    pub test: String,
    /// The name of the alerts.
    pub alertname: String,
    /// When.
    pub eval_time: Duration,
    /// In the order of their labels.
    pub expected: Vec<AlertText>,
    /// In the order of their labels.
    pub got: Vec<AlertText>,
}

/// What is compared of an alert: pairs in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertText {
    /// `alertname` among them.
    pub labels: Vec<(String, String)>,
    /// Filled in.
    pub annotations: Vec<(String, String)>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(text) | Self::Rules(text) => f.write_str(text),
            Self::NoAlertName { eval_time, test } => {
                write!(
                    f,
                    "an item under alert_rule_test misses required attribute alertname at \
                     eval_time {eval_time}"
                )?;
                if test.is_empty() { Ok(()) } else { write!(f, " (in TestGroup {test})") }
            }
            Self::Rule { rule, t_ms, error } => {
                write!(f, "    rule: {rule}, time: ")?;
                write_duration(f, t_ms.saturating_mul(1_000_000))?;
                write!(f, ", err: {error}")
            }
            Self::Alerts(differ) => {
                let (expected, got) = (list(&differ.expected), list(&differ.got));
                write!(f, "{}exp:{expected}, \n        got:{got}", differ.head())
            }
            Self::Query { expr, eval_time, error } => {
                f.write_str("    expr: ")?;
                write_quoted(f, expr)?;
                write!(f, ", time: {eval_time}, err: {error}")
            }
            Self::Samples { expr, eval_time, expected, got } => {
                f.write_str("    expr: ")?;
                write_quoted(f, expr)?;
                let samples = |samples: &[String]| match samples {
                    [] => "nil".to_owned(),
                    samples => samples.join(", "),
                };
                write!(
                    f,
                    ", time: {eval_time},\n        exp: {}\n        got: {}",
                    samples(expected),
                    samples(got)
                )
            }
        }
    }
}

impl Failure {
    /// As it prints, but alerts as one tree in which colours tell what is missing, what is too much
    /// and what is another text.
    #[must_use]
    pub fn coloured(&self) -> String {
        match self {
            Self::Alerts(differ) => {
                let tree = diff::alerts(&differ.expected, &differ.got);
                format!("{}diff: {}", differ.head(), indented(&tree))
            }
            other => other.to_string(),
        }
    }
}

impl AlertsDiffer {
    /// Up to the indentation of what follows.
    fn head(&self) -> String {
        let Self { test, alertname, eval_time, .. } = self;
        let name = if test.is_empty() { String::new() } else { format!("    name: {test},\n") };
        format!("{name}    alertname: {alertname}, time: {eval_time}, \n        ")
    }
}

/// All lines but the first further to the right.
fn indented(text: &str) -> String {
    text.replace('\n', "\n            ")
}

fn list(alerts: &[AlertText]) -> String {
    if alerts.is_empty() {
        return "[]".to_owned();
    }
    let mut text = String::from("[");
    for (i, alert) in alerts.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let (labels, annotations) = (pairs(&alert.labels), pairs(&alert.annotations));
        write!(text, "{comma}\n{i}:\n  Labels:{labels}\n  Annotations:{annotations}")
            .expect("a string takes text");
    }
    indented(&(text + "\n]"))
}

/// As labels print.
fn pairs(pairs: &[(String, String)]) -> String {
    let mut text = String::from("{");
    for (i, (name, value)) in pairs.iter().enumerate() {
        text.push_str(if i > 0 { ", " } else { "" });
        write_label_name(&mut text, name).expect("a string takes text");
        text.push('=');
        write_quoted(&mut text, value).expect("a string takes text");
    }
    text + "}"
}
