//! Room to work: the buffers for a body and the row it becomes.
//!
//! A scrape takes them when its target answers and puts them back when its row is stored, so there
//! are about as many as answers being read at a time, not as many as targets.

use crate::client::Buffers;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use storage::Row;

/// As many are kept for the next scrapes.
const MAX_KEPT: usize = 8;

/// Hands out room.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    free: Mutex<Vec<Scratch>>,
}

/// What one scrape works with.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) buffers: Buffers,
    pub(crate) row: Row,
}

/// Room on loan; goes back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    desk: Arc<Desk>,
    scratch: Scratch,
}

impl Desk {
    pub(crate) fn lease(self: &Arc<Self>) -> Lease {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lease { desk: self.clone(), scratch: free.unwrap_or_default() }
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
        let mut free = self.desk.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < MAX_KEPT {
            free.push(scratch);
        }
    }
}
