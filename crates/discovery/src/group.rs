//! Target groups.

use model::Labels;
use std::sync::Arc;

/// The label with a target's host and port.
pub const ADDRESS: &str = "__address__";

/// Targets that share labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Where the group comes from, distinct among the groups of one discoverer.
    pub source: String,
    /// Labels of all targets; a target's own labels win.
    pub labels: Labels,
    /// The labels of each target, [`ADDRESS`] among them.
    pub targets: Vec<Labels>,
}

/// The groups of a job or of one discoverer, shared with whoever made them: a group that did not
/// change stays the same `Arc`.
pub type Groups = Arc<[Arc<Group>]>;
