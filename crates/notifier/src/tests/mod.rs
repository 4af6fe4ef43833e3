//! The whole notifier, among Alertmanagers in memory, over the network, and with a real one.

mod delivery;
mod world;

pub(crate) use world::{rules, set};
