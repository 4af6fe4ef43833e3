//! The whole notifier, among Alertmanagers in memory, over the network, and with a real one.

mod chaos;
mod debian;
mod delivery;
mod logs;
mod network;
mod outages;
mod sets;
mod shutdown;
mod world;

pub(crate) use world::{rules, set};
