//! Target groups.

use model::Labels;

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
