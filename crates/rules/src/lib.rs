//! Rules: files of recording and alerting rules, the templates in them, and their evaluation.
//!
//! A [`RuleFile`] is what a file says. An [`ActiveGroup`] is one of its groups with the state of its
//! rules: it is told the time and given a store, and records series and raises alerts. The [`Manager`]
//! has a loop for each group, on a schedule that depends on the group and the time of day only; a
//! group that hangs is late alone. What the API shows is published by the loops as immutable values.

#![forbid(unsafe_code)]

pub mod file;
mod group;
pub mod history;
mod manager;
mod metrics;
mod settings;
pub mod template;
#[cfg(test)]
mod tests;
pub mod unit;
mod view;

pub use file::RuleFile;
pub use group::{ActiveGroup, Evaluated, Outcome};
pub use manager::{LoadedFile, Manager, Options};
pub use metrics::Metrics;
pub use settings::{Bounds, Helpers, Means, Outbox, Past, Settings};
pub use template::{AlertData, AlertValue, ExpandError, Host, Sample, Template, TemplateError};
pub use view::{AlertState, AlertView, GroupView, Health, RuleInfo, RuleKind, RuleView, Snapshot};
