//! The whole of it: configuration and discovery in, rows and snapshots out, on a paused clock with
//! targets in memory; and once over real sockets in real time.

mod hostile;
mod lifecycle;
mod moves;
mod network;
mod panics;
mod soon;
mod storms;
mod troubles;
pub(crate) mod world;
