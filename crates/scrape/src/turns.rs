//! Whose turn it is to have a body read.
//!
//! Three wishes stand against each other. A page that is read in one go should not wait for floods. Of
//! large pages, some should be read to their end rather than all of them to the middle when time is up.
//! And nobody should wait for ever. So every second turn goes to whole pages first, and of the others
//! every second one to whoever waited longest. All that is left goes to the body that began first;
//! behind all others stand targets that took too long or sent too much the last time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// What a body may claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim {
    /// To be read in one go.
    Whole,
    /// To have a piece read; the number tells which body began first.
    Piece { has_overstayed: bool, number: u64 },
}

/// As many turns at a time as were given, in the order of the claims.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    line: Arc<Mutex<Line>>,
    bodies: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Line {
    free: usize,
    given: u64,
    asked: u64,
    /// By claim, and by the number of the asking.
    waiting: BTreeMap<(Claim, u64), oneshot::Sender<Turn>>,
}

/// A turn; goes to the next when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
}

/// A place in the line; given up when dropped.
struct Place<'a> {
    turns: &'a Turns,
    key: (Claim, u64),
}

impl Turns {
    pub(crate) fn new(at_a_time: usize) -> Self {
        let line = Line { free: at_a_time, given: 0, asked: 0, waiting: BTreeMap::new() };
        Self { line: Arc::new(Mutex::new(line)), bodies: Arc::default() }
    }

    /// What the pieces of a body that begins now claim.
    pub(crate) fn claim(&self, has_overstayed: bool) -> Claim {
        Claim::Piece { has_overstayed, number: self.bodies.fetch_add(1, Relaxed) }
    }

    /// Waits for a turn.
    ///
    /// Cancel safe.
    pub(crate) async fn take(&self, claim: Claim) -> Turn {
        let (sender, turn) = oneshot::channel();
        let key = {
            let mut line = self.line();
            if line.free > 0 {
                line.free -= 1;
                return Turn { turns: self.clone() };
            }
            line.asked += 1;
            let key = (claim, line.asked);
            line.waiting.insert(key, sender);
            key
        };
        let _place = Place { turns: self, key };
        turn.await.expect("who leaves the line by another's hand has a turn")
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Takes the next one out of the line.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        self.given += 1;
        let is_piece = |key: &&(Claim, u64)| key.0 != Claim::Whole;
        let key = match self.given % 4 {
            1 => self.waiting.keys().find(is_piece),
            3 => self.waiting.keys().min_by_key(|key| key.1),
            _ => None,
        };
        match key.copied() {
            Some(key) => self.waiting.remove(&key),
            None => self.waiting.pop_first().map(|(_, sender)| sender),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut line = self.turns.line();
            let next = line.next();
            line.free += usize::from(next.is_none());
            next
        };
        if let Some(next) = next {
            // Whoever went away just now gives it on in the same way.
            next.send(Self { turns: self.turns.clone() }).ok();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.turns.line().waiting.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order in which all of these get the only turn, asked for in the order given.
    async fn order(claims: &[Claim]) -> Vec<usize> {
        let turns = Turns::new(1);
        let first = turns.take(Claim::Whole).await;
        let got = Arc::new(Mutex::new(Vec::new()));
        let mut asking = Vec::new();
        for (i, claim) in claims.iter().copied().enumerate() {
            let (turns, got) = (turns.clone(), got.clone());
            asking.push(tokio::spawn(async move {
                let _turn = turns.take(claim).await;
                got.lock().unwrap().push(i);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in asking {
            task.await.unwrap();
        }
        let got = got.lock().unwrap();
        got.clone()
    }

    fn piece(number: u64) -> Claim {
        Claim::Piece { has_overstayed: false, number }
    }

    #[tokio::test]
    async fn some_are_read_to_the_end_and_nobody_waits_for_ever() {
        let late = Claim::Piece { has_overstayed: true, number: 0 };
        // Oldest body, whole page, longest wait, whole page, oldest body.
        let claims = [late, piece(9), piece(3), Claim::Whole, piece(2), Claim::Whole, piece(1)];
        assert_eq!(order(&claims).await, [6, 3, 0, 5, 4, 2, 1]);
        let wholes = [piece(1), Claim::Whole, Claim::Whole, Claim::Whole];
        assert_eq!(order(&wholes).await, [0, 1, 2, 3]);
    }

    #[tokio::test]
    async fn whoever_goes_away_leaves_the_turn_to_others() {
        let turns = Turns::new(1);
        let first = turns.take(Claim::Whole).await;
        let mut gone = Box::pin(turns.take(Claim::Whole));
        let mut told = Box::pin(turns.take(piece(1)));
        let mut last = Box::pin(turns.take(piece(2)));
        for take in [&mut gone, &mut told, &mut last] {
            let now = std::future::poll_fn(|context| {
                std::task::Poll::Ready(take.as_mut().poll(context).is_pending())
            });
            assert!(now.await, "nobody has a turn yet");
        }
        drop(gone);
        drop(first);
        // It has its turn but has not seen it.
        drop(told);
        drop(last.await);
        let line = turns.line();
        assert_eq!((line.free, line.waiting.len()), (1, 0));
    }
}
