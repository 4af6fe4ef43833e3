//! The database: rows in, series out; a log, a head in memory, immutable blocks on disk.
//!
//! ```text
//! rows ─▶ head (delta rows ─▶ mini-batches ─▶ group chunks) ─▶ blocks (2 h, then 24 h)
//!    └──▶ wal, the same delta rows                              └▶ mapped into memory
//! ```
//!
//! [`Db`] is the door: it implements the waist's [`storage::Appendable`] and [`storage::Queryable`].
//! Nothing here knows a clock, a socket or a thread; the caller says when to flush and what time it is.

mod block;
pub mod codec;
mod compact;
mod db;
mod disk;
mod error;
mod exemplars;
#[cfg(test)]
mod faulty_disk;
mod head;
mod import;
mod maintain;
mod metrics;
mod mmap;
mod open;
mod querier;
mod series_log;
mod wal;

pub use db::{Db, Options};
pub use disk::DiskError;
pub use error::Error;
pub use head::stats::{Count, HeadStats};
pub use import::{Batch, ImportError, Imported};
pub use maintain::MaintainReport;
pub use open::{Damage, OpenReport};

/// The version of what is on disk, in the file `FORMAT`. 2 may have histograms and exemplars; 1 is read
/// as well.
pub(crate) const FORMAT: u32 = 2;

#[cfg(test)]
mod tests;
