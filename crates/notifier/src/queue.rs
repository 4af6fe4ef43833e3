//! What one Alertmanager is still to be told.

use foldhash::HashMap;
use model::{Alert, Labels};
use std::collections::VecDeque;
use std::sync::Arc;

/// Alerts that wait, the oldest first, each alert in its newest state only. Beyond its capacity the
/// oldest are dropped.
///
/// A batch that is [taken](Self::take) is on its way until it is [told](Self::told) or
/// [put back](Self::put_back).
#[derive(Debug)]
pub(crate) struct Queue {
    capacity: usize,
    waiting: VecDeque<Arc<Alert>>,
    /// The number of the first that waits; the next ones count up.
    first: i64,
    /// The number of each that waits.
    numbers: HashMap<Labels, i64>,
    on_the_way: Vec<Arc<Alert>>,
    is_closed: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            waiting: VecDeque::new(),
            first: 0,
            numbers: HashMap::default(),
            on_the_way: Vec::new(),
            is_closed: false,
        }
    }

    /// How many wait, those on their way not counted.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Appends a state of an alert, or puts it in the place of an older one; how many were dropped
    /// for it.
    pub(crate) fn push(&mut self, alert: Arc<Alert>) -> usize {
        if self.is_closed {
            return 0;
        }
        if let Some(number) = self.numbers.get(&alert.labels) {
            let place = usize::try_from(number - self.first).expect("the first has the least");
            self.waiting[place] = alert;
            return 0;
        }
        let mut dropped = 0;
        while self.waiting.len() >= self.capacity {
            self.pop();
            dropped += 1;
        }
        let place = i64::try_from(self.waiting.len()).expect("memory is smaller");
        self.numbers.insert(alert.labels.clone(), self.first + place);
        self.waiting.push_back(alert);
        dropped
    }

    /// The oldest ones, which are now on their way; empty when none wait.
    pub(crate) fn take(&mut self, limit: usize) -> Vec<Arc<Alert>> {
        debug_assert!(self.on_the_way.is_empty(), "one batch at a time");
        while self.on_the_way.len() < limit
            && let Some(alert) = self.pop()
        {
            self.on_the_way.push(alert);
        }
        self.on_the_way.clone()
    }

    /// Those on their way have arrived, or never will.
    pub(crate) fn told(&mut self) {
        self.on_the_way.clear();
    }

    /// Those on their way wait again, before all others, but for those that have a newer state
    /// already; how many were dropped because the queue is full.
    pub(crate) fn put_back(&mut self) -> usize {
        let mut dropped = 0;
        for alert in std::mem::take(&mut self.on_the_way).into_iter().rev() {
            if self.numbers.contains_key(&alert.labels) {
                continue;
            }
            if self.waiting.len() >= self.capacity {
                dropped += 1;
                continue;
            }
            self.first -= 1;
            self.numbers.insert(alert.labels.clone(), self.first);
            self.waiting.push_front(alert);
        }
        dropped
    }

    /// All that wait or are on their way.
    pub(crate) fn drain(&mut self) -> Vec<Arc<Alert>> {
        // Nothing is lost to the bound, since nothing stays.
        let capacity = std::mem::replace(&mut self.capacity, usize::MAX);
        self.put_back();
        self.capacity = capacity;
        self.numbers.clear();
        self.waiting.drain(..).collect()
    }

    /// The same, and nothing waits here any more.
    pub(crate) fn close(&mut self) -> Vec<Arc<Alert>> {
        self.is_closed = true;
        self.drain()
    }

    fn pop(&mut self) -> Option<Arc<Alert>> {
        let alert = self.waiting.pop_front()?;
        self.first += 1;
        self.numbers.remove(&alert.labels);
        Some(alert)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn alert(name: &str, state: i64) -> Arc<Alert> {
        Arc::new(Alert {
            labels: Labels::from_pairs([("alertname", name)]),
            annotations: Vec::new(),
            starts_at_ms: 0,
            ends_at_ms: state,
            generator_url: String::new(),
        })
    }

    fn shown(alerts: &[Arc<Alert>]) -> Vec<String> {
        let name = |alert: &Alert| alert.labels.get("alertname").unwrap().to_owned();
        alerts.iter().map(|alert| format!("{}{}", name(alert), alert.ends_at_ms)).collect()
    }

    #[test]
    fn a_newer_state_takes_the_place_of_the_older_one() {
        let mut queue = Queue::new(9);
        for (name, state) in [("a", 1), ("b", 1), ("a", 2), ("c", 1), ("b", 2)] {
            assert_eq!(queue.push(alert(name, state)), 0);
        }
        assert_eq!(queue.len(), 3);
        assert_eq!(shown(&queue.take(2)), ["a2", "b2"]);
        queue.told();
        assert_eq!(shown(&queue.take(2)), ["c1"]);
        queue.told();
        assert!(queue.take(2).is_empty());
    }

    #[test]
    fn what_could_not_be_told_waits_before_all_others_unless_it_is_outdated() {
        let mut queue = Queue::new(9);
        for name in ["a", "b", "c", "d"] {
            queue.push(alert(name, 1));
        }
        assert_eq!(shown(&queue.take(3)), ["a1", "b1", "c1"]);
        queue.push(alert("b", 2));
        queue.push(alert("e", 1));
        assert_eq!(queue.put_back(), 0);
        queue.push(alert("c", 3));
        assert_eq!(shown(&queue.take(9)), ["a1", "c3", "d1", "b2", "e1"]);
    }

    #[test]
    fn a_full_queue_drops_the_oldest() {
        let mut queue = Queue::new(3);
        for name in ["a", "b", "c"] {
            assert_eq!(queue.push(alert(name, 1)), 0);
        }
        assert_eq!(queue.push(alert("a", 2)), 0, "takes no more room");
        assert_eq!(queue.push(alert("d", 1)), 1);
        assert_eq!(shown(&queue.take(2)), ["b1", "c1"]);
        assert_eq!(queue.push(alert("e", 1)), 0);
        assert_eq!(queue.put_back(), 1);
        assert_eq!(shown(&queue.take(9)), ["c1", "d1", "e1"]);
    }

    #[test]
    fn a_closed_queue_gives_all_and_takes_none() {
        let mut queue = Queue::new(2);
        queue.push(alert("a", 1));
        queue.push(alert("b", 1));
        queue.take(1);
        queue.push(alert("c", 1));
        assert_eq!(shown(&queue.close()), ["a1", "b1", "c1"]);
        queue.push(alert("d", 1));
        assert_eq!((queue.len(), queue.put_back()), (0, 0));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(u8),
        Take(usize),
        Told,
        PutBack,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..8_u8).prop_map(Step::Push),
            1 => (1..5_usize).prop_map(Step::Take),
            1 => Just(Step::Told),
            1 => Just(Step::PutBack),
        ]
    }

    proptest! {
        /// Against lists that are searched from one end to the other.
        #[test]
        fn it_is_the_obvious_queue(steps in prop::collection::vec(step(), 0..80)) {
            const CAPACITY: usize = 4;
            let mut queue = Queue::new(CAPACITY);
            let (mut waiting, mut on_the_way) = (Vec::<String>::new(), Vec::<String>::new());
            for (state, step) in (10..).zip(steps) {
                let mut lost = 0;
                let dropped = match step {
                    Step::Push(name) => {
                        let name = name.to_string();
                        let shown = format!("{name}{state}");
                        match waiting.iter_mut().find(|known| known[..1] == name) {
                            Some(known) => *known = shown,
                            None => waiting.push(shown),
                        }
                        if waiting.len() > CAPACITY {
                            waiting.remove(0);
                            lost = 1;
                        }
                        queue.push(alert(&name, state))
                    }
                    Step::Take(limit) if on_the_way.is_empty() => {
                        on_the_way.extend(waiting.drain(..limit.min(waiting.len())));
                        prop_assert_eq!(shown(&queue.take(limit)), on_the_way.clone());
                        0
                    }
                    Step::Take(_) => 0,
                    Step::Told => {
                        on_the_way.clear();
                        queue.told();
                        0
                    }
                    Step::PutBack => {
                        on_the_way.retain(|old| waiting.iter().all(|new| new[..1] != old[..1]));
                        waiting.splice(..0, on_the_way.drain(..));
                        lost = waiting.len().saturating_sub(CAPACITY);
                        waiting.drain(..lost);
                        queue.put_back()
                    }
                };
                prop_assert_eq!((dropped, queue.len()), (lost, waiting.len()));
            }
            on_the_way.retain(|old| waiting.iter().all(|new| new[..1] != old[..1]));
            waiting.splice(..0, on_the_way);
            prop_assert_eq!(shown(&queue.close()), waiting);
        }
    }
}
