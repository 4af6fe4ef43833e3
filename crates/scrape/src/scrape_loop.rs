//! The loop of one target: waits, scrapes, and ends the series when the target is gone.
//!
//! A loop lives as long as its target's key: a change of settings, or the target's return while its
//! end is still being waited for, is a new order to the same loop. So no group ever has two writers.
//! A target that moves to another job or URL with its labels unchanged takes its loop along, so that
//! its series go on without a gap.

use crate::Shared;
use crate::schedule::Schedule;
use crate::scraper::{Assignment, Scraper};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What a loop is told.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Scrape.
    Run(Assignment),
    /// The target is gone: wait, then end its series.
    Gone,
    /// The target is gone, and another loop goes on with its series.
    Replaced,
}

/// The pool's hold on a loop.
#[derive(Debug)]
pub(crate) struct LoopHandle {
    orders: watch::Sender<Order>,
    /// Set by the loop when it takes no more orders; held while an order is given.
    ended: Arc<Mutex<bool>>,
}

impl LoopHandle {
    /// Starts a loop, whose first scrape may have a time before the target's place.
    pub(crate) fn spawn(
        shared: &Arc<Shared>,
        assignment: Assignment,
        first: Option<Instant>,
    ) -> Self {
        let (orders, told) = watch::channel(Order::Run(assignment.clone()));
        let ended = Arc::new(Mutex::new(false));
        let run = run(shared.clone(), told, ended.clone(), assignment, first);
        shared.loops.spawn(run);
        Self { orders, ended }
    }

    /// Gives an order; false when the loop has ended.
    pub(crate) fn order(&self, order: Order) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            self.orders.send_replace(order);
        }
        !*ended
    }

    pub(crate) fn has_ended(&self) -> bool {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whatever ends a loop: whoever gives orders is told, and may begin another.
struct Ended(Arc<Mutex<bool>>);

impl Drop for Ended {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

async fn run(
    shared: Arc<Shared>,
    mut told: watch::Receiver<Order>,
    ended: Arc<Mutex<bool>>,
    mut assignment: Assignment,
    mut first: Option<Instant>,
) {
    // Dropped after the scraper, so that the group is free by then.
    let _ended = Ended(ended.clone());
    let mut scraper = Scraper::new(shared.clone());
    loop {
        let order = told.borrow_and_update().clone();
        match order {
            Order::Run(new) => {
                assignment = new;
                scraper.assign(&assignment);
                tokio::select! {
                    () = shared.stop.cancelled() => return,
                    never = scrape_for_ever(&shared, &mut scraper, &assignment, &mut first) => match never {},
                    changed = told.changed() => if changed.is_err() { return },
                }
            }
            Order::Gone => {
                first = None;
                let schedule = schedule(&shared, &assignment);
                let interval = schedule.interval();
                tokio::select! {
                    () = shared.stop.cancelled() => return,
                    // The time of the next scrape is the end of the series; it is written late, so
                    // that a target which moves between pools does not end itself.
                    () = sleep_until(schedule.next() + interval + interval / 10) => {}
                    changed = told.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                }
                scraper.end(&assignment, schedule.next_ns());
                let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                if !told.has_changed().unwrap_or(false) {
                    // Lets go of the group first: whoever sees the end may open it again.
                    drop(scraper);
                    *ended = true;
                    return;
                }
            }
            Order::Replaced => {
                let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                if !told.has_changed().unwrap_or(false) {
                    drop(scraper);
                    *ended = true;
                    return;
                }
            }
        }
    }
}

fn schedule(shared: &Shared, assignment: &Assignment) -> Schedule {
    let target = &assignment.target;
    let interval = Duration::from_millis(target.interval().ms.unsigned_abs());
    let hash = target.offset_hash() ^ shared.offset_seed();
    Schedule::new(interval, hash, Instant::now(), shared.clock.now_ns())
}

/// Cancel safe: a scrape that is dropped stores nothing, and if it was the first one, it is still to
/// come.
async fn scrape_for_ever(
    shared: &Shared,
    scraper: &mut Scraper,
    assignment: &Assignment,
    first: &mut Option<Instant>,
) -> Infallible {
    let mut schedule = schedule(shared, assignment);
    if let Some(first) = first {
        schedule = schedule.with_first((*first).max(Instant::now()));
    }
    loop {
        sleep_until(schedule.next()).await;
        let at_ns = schedule.align(shared.clock.now_ns(), shared.options.timestamp_tolerance);
        scraper.scrape(assignment, at_ns).await;
        *first = None;
        schedule.advance(Instant::now());
    }
}
