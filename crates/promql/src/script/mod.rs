//! Prometheus' test scripts: `load` series, `eval` queries, compare.
//!
//! [`run`] reads a script and runs it from top to bottom over any [`ScriptStore`]. A command that
//! cannot be read or done and a query that gives something else than expected are failures of
//! their line; the run goes on after them. Instant queries are run again with `@` on every selector
//! and as the middle of a range query, which has to give the same ([`Checks`]).
//!
//! [`notation`] has the notation of series and histograms for tests that stand in other files.
//!
//! The waist has no way yet to store start timestamps. A case that selects series with such samples
//! is a failure that says so ([`Reason::Needs`]), whatever its result.

mod classic;
mod compare;
mod expect;
mod invariance;
mod literal;
pub mod notation;
mod read;
mod run;
mod store;
#[cfg(test)]
mod tests;
mod values;

pub use run::{Checks, Failure, Reason, Report, run};
pub use store::{LoadedSeries, Need, RowStore, Rows, ScriptStore};
