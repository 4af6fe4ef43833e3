//! Unit tests of rules: files that give series, let rules be evaluated on them, and tell which alerts
//! and query results are expected.
//!
//! [`TestFile::parse`] reads a file; [`run`] runs one of its tests over a store that the caller gives
//! and tells all that is not as expected, as data ([`Failure`]) that prints in promtool's words.
//! No files, no clock: rule files are read by the caller, and time is that of the test.
//!
//! Time goes in steps of the evaluation interval, whatever intervals groups have. At each step the
//! samples up to it are stored and then all groups are evaluated, so that no rule sees what lies in
//! its future. Alerts are compared with the last step not after the time they are asked for. Queries
//! are asked when all steps are done; samples after the last step are not there.

mod compare;
mod diff;
mod dump;
mod failure;
mod read;
mod run;
#[cfg(test)]
mod tests;
mod watch;

pub use dump::dump;
pub use failure::{AlertText, AlertsDiffer, Failure};
pub use read::{AlertCase, QueryCase, Sample, Test, TestFile};
pub use run::{Setting, run};
