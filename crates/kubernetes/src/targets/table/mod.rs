//! A table: a row for each object of a role in a scope, kept up to date for all who look at it.

mod rows;
mod run;

use super::members::{MemberId, Wish};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(super) use run::{Rest, Run};

/// A table that is kept as long as somebody has it.
pub(super) struct Table {
    desk: Arc<Desk>,
    _keeping: DropGuard,
}

/// Where members come and go; as many wait here as there are discoverers.
#[derive(Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    next: MemberId,
    joining: Vec<(MemberId, Wish)>,
    leaving: Vec<MemberId>,
}

/// Somebody's place at a table, given up when it is dropped.
pub(super) struct Seat {
    table: Arc<Table>,
    id: MemberId,
}

impl Table {
    /// A table, and what has to run to keep it until the token is cancelled.
    pub(super) fn new() -> (Arc<Self>, Keeping) {
        let (desk, stop) = (Arc::<Desk>::default(), CancellationToken::new());
        let keeping = Keeping { desk: Arc::clone(&desk), stop: stop.clone() };
        (Arc::new(Self { desk, _keeping: stop.drop_guard() }), keeping)
    }

    /// Groups come to the output of the wish as soon as they are known, and whenever they change.
    pub(super) fn join(self: Arc<Self>, wish: Wish) -> Seat {
        let mut waiting = self.desk.waiting.lock();
        waiting.next += 1;
        let id = waiting.next;
        waiting.joining.push((id, wish));
        drop(waiting);
        self.desk.news.notify_one();
        Seat { table: self, id }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut waiting = self.table.desk.waiting.lock();
        waiting.joining.retain(|(id, _)| *id != self.id);
        waiting.leaving.push(self.id);
        drop(waiting);
        self.table.desk.news.notify_one();
    }
}

/// The side of the table where it is kept.
pub(super) struct Keeping {
    desk: Arc<Desk>,
    stop: CancellationToken,
}

impl Keeping {
    /// Waits until somebody has come or gone, or the table is given up. Cancel safe.
    async fn news(&self) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.desk.news.notified() => true,
        }
    }

    fn take(&self) -> (Vec<(MemberId, Wish)>, Vec<MemberId>) {
        let mut waiting = self.desk.waiting.lock();
        (std::mem::take(&mut waiting.joining), std::mem::take(&mut waiting.leaving))
    }
}
