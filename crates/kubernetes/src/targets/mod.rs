//! Targets in clusters: what `kubernetes_sd_configs` find, kept up to date by what watches see.
//!
//! [`Clusters`] makes a discoverer of each section. Discoverers that look at the same role of objects
//! in the same scope share one `table`: a row for each object, with its target group. A group is made
//! when somebody wants it, once for all, and made again when its object or one that it refers to has
//! changed; nothing else is. A discoverer with a [preselection](discovery::kubernetes::Preselect), as
//! those of monitors have, gets the groups of its own objects only, found by their labels.
//!
//! Changes are gathered for a moment, so that a rolling update is told in a few steps. Nothing is told
//! before all kinds of objects that a role needs are known, and objects vanish only when the API server
//! says so: while it is away the targets stay. Where Endpoints may not be read, they are made of slices;
//! what else may not be read is an empty set of targets, told
//! in the log and counted as a configuration that failed.

mod clusters;
mod discoverer;
mod members;
mod metrics;
mod preselected;
mod references;
mod role;
mod slices;
mod stores;
mod table;
#[cfg(test)]
mod tests;

pub use clusters::{Clusters, Own};
pub use metrics::Metrics;
