//! Threads that evaluate groups: made when needed, gone when idle, bounded.
//!
//! They are rules' own, so that no query of somebody else and no group that hangs is in the way.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// More groups than this are never evaluated at a time.
const MAX_THREADS: usize = 256;
/// A thread without work ends after this time.
const IDLE: Duration = Duration::from_secs(10);

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// A pool; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Threads(Arc<Pool>);

#[derive(Default)]
struct Pool {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl Threads {
    /// Has a thread do a job; gives it back when there is none and none can be made.
    pub(super) fn run(&self, job: Job) -> Result<(), Job> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.idle <= state.jobs.len() && state.threads < MAX_THREADS {
            let pool = self.0.clone();
            let thread = std::thread::Builder::new().name("rules".to_owned());
            match thread.spawn(move || pool.work()) {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads == 0 => return Err(job),
                // One of the others will come to it.
                Err(_) => {}
            }
        }
        state.jobs.push_back(job);
        drop(state);
        self.0.came.notify_one();
        Ok(())
    }
}

impl Pool {
    fn work(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // Jobs catch what rules do; what else panics ends the job alone.
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).ok();
                state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.idle += 1;
            let waited = self.came.wait_timeout(state, IDLE);
            let timeout;
            (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn one_that_hangs_delays_nobody_and_threads_are_used_again() {
        let threads = Threads::default();
        let (go, wait) = mpsc::sync_channel::<()>(0);
        assert!(threads.run(Box::new(move || wait.recv().unwrap())).is_ok());
        let (done, came) = mpsc::sync_channel(1);
        for _ in 0..50 {
            let done = done.clone();
            assert!(threads.run(Box::new(move || done.send(()).unwrap())).is_ok());
            came.recv_timeout(Duration::from_secs(10)).unwrap();
        }
        assert!(threads.run(Box::new(|| panic!("on purpose"))).is_ok());
        go.send(()).unwrap();
        assert!(threads.0.state.lock().unwrap().threads <= 50, "some were used again");
    }
}
