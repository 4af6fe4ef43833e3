//! What the Prometheus Operator does, without one: custom resources are followed, their jobs and rules
//! planned and handed over, and each object is told what became of it.
//!
//! `plan` selects, validates and maps objects, each by itself; `report` writes statuses and Events;
//! `explain` says why a monitor has targets or has none.
#![forbid(unsafe_code)]

pub mod explain;
pub mod plan;
pub mod report;
