//! Who may compute: a bounded number of queries at once, the others wait in order.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets a number of queries through at once.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    /// A gate for `width` queries at once; at least one.
    pub(crate) fn new(width: usize) -> Self {
        Self(Arc::new(Semaphore::new(width.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Waits for a turn, which lasts until the permit is dropped. Cancel safe.
    pub(crate) async fn enter(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0).acquire_owned().await.expect("the gate is never closed")
    }
}
