//! The HTTP client of everything that asks others: targets, discovery, Alertmanagers.
#![forbid(unsafe_code)]
