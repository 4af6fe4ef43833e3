//! The plan over a cluster.
