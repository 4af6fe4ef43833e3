//! A Kubernetes cluster as seen from here: how its API server is reached, and what it holds, kept up
//! to date.
//!
//! `access` reaches the API server through our own HTTP client, `watch` keeps one store per kind of
//! object and scope, shared by all who ask for it, `rights` asks what we may do there. Nothing here
//! knows what the objects mean.
#![forbid(unsafe_code)]

pub mod access;
pub mod rights;
mod text;
pub mod watch;

pub use text::{Pool, Text, read_text};
