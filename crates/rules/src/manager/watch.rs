//! Rules that take too long are stopped.
//!
//! The loop of a group waits for its evaluation anyway; so it is what looks at the time, and a rule
//! costs no timer.

use crate::settings::Bounds;
use promql::Control;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The rules of one evaluation that run now.
#[derive(Debug)]
pub(super) struct Watch {
    timeout: Duration,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    /// By number and beginning.
    rules: Vec<(u64, Instant, Control)>,
    is_canceled: bool,
}

impl Watch {
    /// Nothing runs; a rule may take so long.
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, running: Mutex::default() }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops what has taken too long; the time until it is worth to look again.
    pub(super) fn look(&self) -> Duration {
        let mut next = self.timeout;
        for (_, begin, control) in &self.running().rules {
            match self.timeout.checked_sub(begin.elapsed()) {
                Some(left) if !left.is_zero() => next = next.min(left),
                _ => control.time_out(),
            }
        }
        next
    }

    /// Cancels what runs, and what comes.
    pub(super) fn cancel(&self) {
        let mut running = self.running();
        running.is_canceled = true;
        running.rules.iter().for_each(|(_, _, control)| control.cancel());
    }
}

impl Bounds for Watch {
    fn bounded(&self, run: &mut dyn FnMut(&Control)) {
        let control = Control::default();
        let mut running = self.running();
        if running.is_canceled {
            control.cancel();
        }
        let number = running.next;
        running.next += 1;
        running.rules.push((number, Instant::now(), control.clone()));
        drop(running);
        let _leave = Leave { watch: self, number };
        run(&control);
    }
}

/// Takes a rule off the list, also when it panics.
struct Leave<'a> {
    watch: &'a Watch,
    number: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.watch.running().rules.retain(|(number, ..)| *number != self.number);
    }
}
