//! Groups and managers over a database in memory.

mod alerting;
mod manager;
mod recording;
mod reload;
mod restore;
mod seeds;
mod world;
