//! What is fuzzed, as plain functions: each takes any bytes and panics when a promise is broken.

#![forbid(unsafe_code)]

pub mod config;
pub mod exposition;

/// A target: its name, which is also that of its program and its folder of seeds, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("config_yaml", config::yaml),
    ("exposition_text", exposition::text),
    ("exposition_openmetrics", exposition::openmetrics),
    ("exposition_protobuf", exposition::protobuf),
    ("exposition_nhcb", exposition::nhcb),
];
