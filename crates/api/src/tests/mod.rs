//! The router over storage in memory: what it answers, byte for byte where that counts.

mod conformance;
mod harness;
mod requests;

pub(crate) use harness::{Api, TestRules, settings};
