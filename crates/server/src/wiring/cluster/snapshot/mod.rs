//! `targets.snapshot`: the jobs of the cluster and whom they scraped, kept for a start at which the API
//! server does not answer.
//!
//! One file beside the database: JSON in a zstd frame with a checksum, replaced as a whole. It holds
//! jobs as their texts, in which secrets are named and not told, and target groups as discovery found
//! them. Who reads it takes all of it or, at the first thing that is wrong with it, none.

mod file;
mod keeper;

pub(super) use file::{Saved, SavedJob, read};
pub(super) use keeper::{Keeper, Metrics};
