//! Room to work: the buffers for a body and the row it becomes, and the bounds on all of them.
//!
//! A scrape takes them when its target answers and puts them back when its row is stored, so there
//! are about as many as answers being read at a time, not as many as targets.
//!
//! However many targets send however much, their bodies share [`MAX_BODIES`]: a body may grow while
//! it is no larger than what is left for others. One alone may take half of it, and the more there
//! are, the less each of them may take; so large ones cannot shut out ordinary ones.

use crate::client::Buffers;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use storage::Row;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

/// As many are kept for the next scrapes.
const MAX_KEPT: usize = 8;
/// A row that grew to more columns is given back to the allocator after use.
const MAX_KEPT_COLUMNS: usize = 1 << 18;
/// Bytes of all bodies being read, unless a job's limit is larger than half of it.
const MAX_BODIES: u64 = 512 << 20;
/// Bytes by which a body's share grows; every body may have as many.
const SHARE_STEP: u64 = 64 << 10;
/// Long pieces of work at a time.
const LONG_WORK: usize = 2;

/// Hands out room.
#[derive(Debug)]
pub(crate) struct Desk {
    free: Mutex<Vec<Scratch>>,
    /// Bytes of all shares.
    bodies: AtomicU64,
    long_work: Semaphore,
}

impl Default for Desk {
    fn default() -> Self {
        let long_work = Semaphore::new(LONG_WORK);
        Self { free: Mutex::default(), bodies: AtomicU64::new(0), long_work }
    }
}

/// What one scrape works with.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) buffers: Buffers,
    pub(crate) row: Row,
}

/// What one body has of the memory for all.
#[derive(Debug)]
pub(crate) struct Share {
    desk: Arc<Desk>,
    bytes: u64,
}

/// Room on loan; goes back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    scratch: Scratch,
    share: Share,
}

impl Desk {
    pub(crate) fn lease(self: &Arc<Self>) -> Lease {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lease { scratch: free.unwrap_or_default(), share: Share { desk: self.clone(), bytes: 0 } }
    }

    /// Does work of milliseconds: a few at a time, in the order they came, and away from the threads
    /// that move bytes.
    pub(crate) async fn long_work<T>(&self, work: impl FnOnce() -> T) -> T {
        let _permit = self.long_work.acquire().await.expect("never closed");
        if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
            tokio::task::block_in_place(work)
        } else {
            work()
        }
    }
}

impl Share {
    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Makes the share hold a body of so many bytes, under a limit of its job; false when that is
    /// more than a body may have now.
    pub(crate) fn hold(&mut self, len: usize, limit: u64) -> bool {
        let len = len as u64;
        if len <= self.bytes {
            return true;
        }
        let bytes = len.next_multiple_of(SHARE_STEP);
        let max = MAX_BODIES.max(limit.saturating_mul(2));
        let all = self.desk.bodies.fetch_add(bytes - self.bytes, Relaxed) + bytes - self.bytes;
        self.bytes = bytes;
        bytes <= SHARE_STEP || bytes <= max.saturating_sub(all)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.desk.bodies.fetch_sub(self.bytes, Relaxed);
    }
}

impl Lease {
    /// The buffers, and what bounds them.
    pub(crate) fn parts(&mut self) -> (&mut Buffers, &mut Share) {
        (&mut self.scratch.buffers, &mut self.share)
    }
}

impl Deref for Lease {
    type Target = Scratch;

    fn deref(&self) -> &Scratch {
        &self.scratch
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Scratch {
        &mut self.scratch
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.buffers.recycle();
        if scratch.row.values().len() > MAX_KEPT_COLUMNS {
            scratch.row = Row::new();
        }
        let mut free = self.share.desk.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < MAX_KEPT {
            free.push(scratch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn a_body_may_have_as_much_as_is_left_for_others() {
        let desk = Arc::<Desk>::default();
        let (mut one, mut two) = (desk.lease(), desk.lease());
        assert!(one.share.hold(256 * MIB, 0));
        assert!(!desk.lease().share.hold(257 * MIB, 0));
        assert!(two.share.hold(128 * MIB, 0));
        assert!(!two.share.hold(129 * MIB, 0));
        let mut crowd: Vec<_> = (0..200).map(|_| desk.lease()).collect();
        let refused =
            crowd.iter_mut().map(|lease| lease.share.hold(MIB, 0)).filter(|held| !held).count();
        assert!(refused > 0, "not all of so many");
        assert!(desk.lease().share.hold(100, 0), "a small one always");
        drop((one, two, crowd));
        assert_eq!(desk.bodies.load(Relaxed), 0);
        assert!(desk.lease().share.hold(1 << 30, 1 << 30), "a limit of its own");
    }
}
