//! Which objects a discoverer looks at all, decided before their targets are made.

/// What the labels of an object must be like: of the Service of Endpoints and of an EndpointSlice, of
/// the Pod, the Ingress, the Node itself.
///
/// It spares work and never decides: it is for jobs whose relabeling drops all that it leaves out, as
/// that of a monitor with a selector does. Keys of labels are compared as they stand in meta labels,
/// and values as the regular expressions of such relabeling do, so nothing is left out that the rules
/// would keep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Preselect {
    /// All of which hold.
    pub requirements: Vec<Requirement>,
}

/// What one label must be like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The label's key, as it is written on objects.
    pub key: String,
    /// What is required of it.
    pub condition: Condition,
}

/// What is required of a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// It has one of these values.
    In(Vec<String>),
    /// It is not there, or has none of these values.
    NotIn(Vec<String>),
    /// It is there.
    Exists,
    /// It is not there.
    Absent,
}
