//! What was found out about series in the last evaluation, to be found again in the next.
//!
//! A query mostly gives the same series in the same order, so what is looked for first is what followed
//! the last hit; only when that fails are all of them looked up by their labels.

use foldhash::{HashMap, HashMapExt as _};
use model::Labels;

/// Values by the labels of a query's series.
#[derive(Debug)]
pub(super) struct Recall<T> {
    /// Of the last evaluation, in its order; `None` when taken.
    last: Vec<(Labels, Option<T>)>,
    /// Of this one.
    next: Vec<(Labels, Option<T>)>,
    at: usize,
    by_labels: Option<HashMap<Labels, usize>>,
}

impl<T> Default for Recall<T> {
    fn default() -> Self {
        Self { last: Vec::new(), next: Vec::new(), at: 0, by_labels: None }
    }
}

impl<T> Recall<T> {
    /// Begins an evaluation. What an evaluation that failed had taken is forgotten.
    pub(super) fn begin(&mut self) {
        self.next.clear();
        self.at = 0;
        self.by_labels = None;
    }

    /// Takes what is known of a series.
    pub(super) fn take(&mut self, labels: &Labels) -> Option<T> {
        if let Some((known, value)) = self.last.get_mut(self.at)
            && known == labels
            && value.is_some()
        {
            self.at += 1;
            return value.take();
        }
        if self.last.is_empty() {
            return None;
        }
        let last = &self.last;
        let by_labels = self.by_labels.get_or_insert_with(|| {
            let mut by_labels = HashMap::with_capacity(last.len());
            by_labels.extend(last.iter().enumerate().map(|(i, (labels, _))| (labels.clone(), i)));
            by_labels
        });
        let i = *by_labels.get(labels)?;
        self.at = i + 1;
        self.last[i].1.take()
    }

    /// Keeps what is known of a series of this evaluation.
    pub(super) fn keep(&mut self, labels: Labels, value: T) {
        self.next.push((labels, Some(value)));
    }

    /// Ends an evaluation that went well.
    pub(super) fn commit(&mut self) {
        std::mem::swap(&mut self.last, &mut self.next);
        self.next.clear();
        self.by_labels = None;
    }

    /// Translates all values; what has none any more is forgotten.
    pub(super) fn translate(&mut self, mut to: impl FnMut(T) -> Option<T>) {
        self.last.retain_mut(|(_, value)| {
            *value = value.take().and_then(&mut to);
            value.is_some()
        });
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.last.clear();
        self.next.clear();
        self.by_labels = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_order_what_was_kept_is_found() {
        let labels = |i: usize| Labels::from_pairs([("i", i.to_string())]);
        let mut recall = Recall::default();
        let rounds: [&[usize]; 6] =
            [&[1, 2, 3, 4], &[1, 2, 3, 4], &[0, 1, 3, 4, 5], &[5, 4, 3, 1, 0], &[], &[1]];
        let mut last: &[usize] = &[];
        for round in rounds {
            recall.begin();
            for i in round {
                let known = recall.take(&labels(*i));
                assert_eq!(known, last.contains(i).then_some(*i), "{i} of {round:?}");
                assert_eq!(recall.take(&labels(*i)), None, "taken before");
                recall.keep(labels(*i), *i);
            }
            recall.commit();
            last = round;
        }
        recall.translate(|i| (i != 1).then_some(i));
        recall.begin();
        assert_eq!(recall.take(&labels(1)), None);
    }
}
