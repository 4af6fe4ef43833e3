//! Rule files: groups of recording and alerting rules.
//!
//! A file is strict YAML: `groups:` at the top, or a `PrometheusRule` object with them in its `spec`.
//! [`RuleFile::parse`] tells all that is wrong with a file at once, in Prometheus' words, each with
//! its place; [`lint`] tells what is allowed and yet hardly meant.

mod check;
pub mod lint;
#[cfg(test)]
mod tests;
mod written;

pub(crate) use written::{place, yaml};

use model::Labels;
use promql::Features;
use promql::syntax::Expr;

/// What a rule file holds.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// In the order of the file; their names are distinct.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated together, one after another.
#[derive(Clone, Debug)]
pub struct Group {
    /// Never empty.
    pub name: String,
    /// Time from evaluation to evaluation; `None` for the global one.
    pub interval_ms: Option<i64>,
    /// How far in the past to evaluate; `None` for the global one.
    pub query_offset_ms: Option<i64>,
    /// Most series of a recording rule and most alerts of an alerting rule; 0 for any number.
    pub limit: u64,
    /// Labels of every rule that has not its own of that name.
    pub labels: Labels,
    /// In the order of the file.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name of the series it records, or of the alert.
    pub name: String,
    /// What it is evaluated for.
    pub kind: Kind,
    /// The query.
    pub expr: Expr,
    /// Labels to add or, where empty, to take away; templates for an alert.
    pub labels: Vec<(String, String)>,
    /// Where it stands: line and column from 1.
    pub place: Place,
}

/// What a rule is evaluated for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its values are stored as a series.
    Record,
    /// Its series are alerts.
    Alert {
        /// How long it must hold before it fires, in milliseconds.
        for_ms: i64,
        /// How long it goes on firing when it no longer holds, in milliseconds.
        keep_firing_for_ms: i64,
        /// Templates of texts for people, in the order of their names.
        annotations: Vec<(String, String)>,
    },
}

/// A line and a column, from 1.
pub type Place = (u64, u64);

/// How strictly files are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Parts of the language that are switched on.
    pub features: Features,
    /// Names as Prometheus 2 had them only.
    pub legacy_names: bool,
    /// Passes over keys that are not known.
    pub ignore_unknown_fields: bool,
}

/// Something wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", at(*.place))]
pub struct Fault {
    /// Line and column from 1, where they are known.
    pub place: Option<Place>,
    /// With the names of group and rule.
    pub message: String,
}

fn at(place: Option<Place>) -> String {
    place.map_or_else(String::new, |(line, column)| format!("{line}:{column}: "))
}

impl RuleFile {
    /// Reads a file's text. An empty one has no groups.
    ///
    /// # Errors
    /// All that is wrong, in the order of the file; never an empty list.
    pub fn parse(text: &str, options: &Options) -> Result<Self, Vec<Fault>> {
        let groups = written::read(text, options).map_err(|fault| vec![fault])?;
        check::check(groups, options).map(|groups| Self { groups })
    }

    /// The number of rules.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.groups.iter().map(|group| group.rules.len()).sum()
    }
}
