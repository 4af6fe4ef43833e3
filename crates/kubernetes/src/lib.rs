//! Kubernetes: the custom resources of the Prometheus Operator, and the scrape jobs they mean.
//!
//! [`resources`] are the objects as people write them: monitors, probes, scrape configs, and the
//! `Prometheus` object that stands for our own settings. [`jobs`] maps them to jobs, in the form of a
//! `prometheus.yml`: one way for what is shown and what is run. No I/O: objects in, jobs out.
//!
//! [`objects`] are what a cluster runs, [`roles`] the target groups they make for
//! `kubernetes_sd_configs`, and [`targets`] keeps those up to date.
//!
//! The mapping follows the Prometheus Operator, so that targets carry the labels that dashboards and
//! rules were written for.
#![forbid(unsafe_code)]

pub mod jobs;
mod names;
#[cfg(feature = "live")]
pub mod objects;
pub mod resources;
#[cfg(feature = "live")]
pub mod roles;
pub mod section;
#[cfg(feature = "live")]
pub mod targets;
pub mod values;
mod yaml;

pub use jobs::{Rejected, Rendered, render};
pub use resources::Resources;
pub use section::Section;
pub use yaml::{Fields, Yaml};
