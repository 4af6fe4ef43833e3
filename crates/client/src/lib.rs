//! The HTTP client of everything that asks others: targets, discovery, Alertmanagers.
//!
//! [`config`] is how such a client is written in the configuration: the keys that stand in many
//! sections ([`HttpKeys`]), and what they mean ([`HttpConfig`]).

#![forbid(unsafe_code)]

pub mod config;
mod scalar;
pub mod section;

pub use config::{HttpConfig, HttpKeys};
pub use scalar::{DurationText, Secret, SizeText};
