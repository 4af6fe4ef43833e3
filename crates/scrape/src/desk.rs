//! Room to work, and turns at work: what a scrape borrows while its target answers.
//!
//! Room is a buffer for the body and the row that it becomes. A scrape takes it when its target
//! answers and puts it back when the row is stored, so there is about as much as answers being read at
//! a time, not as targets. However many targets send however much, their buffers share
//! [`MAX_BODIES`]: a buffer may grow while it is no larger than what is left for others. One alone may
//! take half of it, and the more there are, the less each of them may take; so large ones cannot shut
//! out ordinary ones.
//!
//! A small body is read when it is there. A large one is read in pieces, each in its turn: half as many
//! turns at a time as there are cores, away from the threads that move bytes; [`Turns`] tells whose turn
//! it is. So a flood waits for other floods, and nobody else waits for it. When the runtime has no thread
//! left to move bytes meanwhile, since queries hold them all, the bytes of one thread wait for one piece.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use storage::Row;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::diagnosis::Seen;
use crate::turns::{Claim, Turn, Turns};

/// As many are kept for the next scrapes.
const MAX_KEPT: usize = 8;
/// A row that grew to more columns is given back to the allocator after use.
const MAX_KEPT_COLUMNS: usize = 1 << 18;
/// A buffer that grew larger is given back to the allocator after use.
const MAX_KEPT_BODY: usize = 1 << 20;
/// Bytes of all bodies being read.
const MAX_BODIES: u64 = 256 << 20;
/// Bytes by which a body's share grows; every body may have as many.
const SHARE_STEP: u64 = 64 << 10;
/// Bytes that were read already and are kept to show what stood before an error.
const LOOK_BACK: usize = 64 << 10;

/// Hands out room and turns.
#[derive(Debug)]
pub(crate) struct Desk {
    free: Mutex<Vec<Scratch>>,
    /// Bytes of all shares.
    bodies: AtomicU64,
    pub(crate) turns: Turns,
}

impl Default for Desk {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            free: Mutex::default(),
            bodies: AtomicU64::new(0),
            turns: Turns::new(cores.div_ceil(2)),
        }
    }
}

/// What one scrape works with.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) body: Body,
    pub(crate) row: Row,
}

/// A body, or the end of it that was not read yet.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// What comes is appended here.
    pub(crate) bytes: Vec<u8>,
    /// Bytes of them that were read.
    start: usize,
    /// Bytes of the body that stood before them.
    gone: u64,
}

impl Body {
    /// Bytes that were not read yet.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Bytes that came so far.
    pub(crate) fn came(&self) -> u64 {
        self.gone + self.bytes.len() as u64
    }

    /// What is at hand of the body.
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen { bytes: &self.bytes, start: self.gone, came: self.came() }
    }

    /// So many bytes were read; what lies far behind is forgotten.
    pub(crate) fn consume(&mut self, len: usize) {
        self.start += len;
        assert!(self.start <= self.bytes.len(), "read more than came");
        // Moving the rest to the front is worth it when it is the smaller part.
        let behind = self.start.saturating_sub(LOOK_BACK);
        if behind > self.bytes.len() / 2 {
            self.bytes.drain(..behind);
            self.start -= behind;
            self.gone += behind as u64;
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        (self.start, self.gone) = (0, 0);
        if self.bytes.capacity() > MAX_KEPT_BODY {
            self.bytes = Vec::new();
        }
    }
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

    /// Waits for a turn. Cancel safe.
    pub(crate) async fn turn(&self, claim: Claim) -> Turn {
        self.turns.take(claim).await
    }
}

impl Turn {
    /// Does work of up to some milliseconds.
    pub(crate) fn work<T>(self, work: impl FnOnce() -> T) -> T {
        if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
            tokio::task::block_in_place(work)
        } else {
            work()
        }
    }
}

impl Share {
    /// Makes the share hold so many bytes; false when that is more than a body may have now.
    pub(crate) fn hold(&mut self, len: usize) -> bool {
        let len = len as u64;
        if len <= self.bytes {
            return true;
        }
        let bytes = len.next_multiple_of(SHARE_STEP);
        let all = self.desk.bodies.fetch_add(bytes - self.bytes, Relaxed) + bytes - self.bytes;
        self.bytes = bytes;
        bytes <= SHARE_STEP || bytes <= MAX_BODIES.saturating_sub(all)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.desk.bodies.fetch_sub(self.bytes, Relaxed);
    }
}

impl Lease {
    /// Body, row, and what bounds the body.
    pub(crate) fn parts(&mut self) -> (&mut Body, &mut Row, &mut Share) {
        (&mut self.scratch.body, &mut self.scratch.row, &mut self.share)
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
        scratch.body.clear();
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
        assert!(one.share.hold(128 * MIB));
        assert!(!desk.lease().share.hold(129 * MIB));
        assert!(two.share.hold(64 * MIB));
        assert!(!two.share.hold(65 * MIB));
        let mut crowd: Vec<_> = (0..200).map(|_| desk.lease()).collect();
        let refused = crowd.iter_mut().filter_map(|lease| (!lease.share.hold(MIB)).then_some(()));
        assert!(refused.count() > 0, "not all of so many");
        assert!(desk.lease().share.hold(100), "a small one always");
        drop((one, two, crowd));
        assert_eq!(desk.bodies.load(Relaxed), 0);
    }

    #[test]
    fn turns_do_not_wait_for_whoever_holds_all_threads() {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).max_blocking_threads(2).enable_all();
        let runtime = runtime.build().unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let queries: Vec<_> = (0..4)
            .map(|_| {
                let held = held.clone();
                runtime.spawn_blocking(move || held.lock().unwrap().recv().ok())
            })
            .collect();
        let desk = Arc::<Desk>::default();
        let scrapes = (0..20).map(|_| {
            let desk = desk.clone();
            runtime.spawn(async move {
                for _ in 0..50 {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                    let turn = desk.turn(Claim::Whole).await;
                    turn.work(|| std::hint::black_box((0..1000).sum::<u64>()));
                }
            })
        });
        let scrapes: Vec<_> = scrapes.collect();
        runtime.block_on(async {
            let all = async {
                for scrape in scrapes {
                    scrape.await.unwrap();
                }
            };
            let in_time = tokio::time::timeout(std::time::Duration::from_secs(60), all).await;
            in_time.expect("scrapes wait for queries");
            drop(release);
            for query in queries {
                query.await.unwrap();
            }
        });
    }

    #[test]
    fn what_was_read_long_ago_is_forgotten() {
        let mut body = Body::default();
        for piece in 0..100_u8 {
            body.bytes.extend_from_slice(&[piece; 32 << 10]);
            body.consume(body.rest().len() - 10);
            assert_eq!(body.rest(), [piece; 10]);
            assert_eq!(body.came(), (u64::from(piece) + 1) * (32 << 10));
            let seen = body.seen();
            assert_eq!(seen.start + seen.bytes.len() as u64, body.came());
        }
        assert!(body.bytes.len() <= 4 * LOOK_BACK, "{}", body.bytes.len());
        assert!(body.seen().bytes.len() >= LOOK_BACK);
    }
}
