//! What the binary does besides serving.

pub(crate) mod check;
pub(crate) mod check_kps_values;
pub(crate) mod check_metrics;
pub(crate) mod check_rules;
pub(crate) mod check_sd;
pub(crate) mod explain;
pub(crate) mod kubernetes;
pub(crate) mod query;
pub(crate) mod rules;
pub(crate) mod test_promql;
pub(crate) mod test_rules;
pub(crate) mod web_config;
