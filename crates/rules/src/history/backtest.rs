//! When alerts would have fired.

use super::walk::{Aim, Walk};
use super::{Past, Stopped, Tally, Watch};
use crate::view::{AlertState, AlertView, RuleKind};
use foldhash::HashMap;
use model::Labels;
use std::sync::Arc;

/// Alerts that are listed, shared by all rules; further ones are counted.
const MAX_EPISODES: usize = 100_000;
/// Those of one rule at least, and at most.
const OF_A_RULE: (usize, usize) = (100, 10_000);

/// What a rule would have done.
#[derive(Clone, Debug)]
pub struct Tested {
    /// How its evaluations went.
    pub tally: Tally,
    /// What it would have raised; `None` for a recording rule.
    pub raised: Option<Raised>,
}

/// The alerts of a rule.
#[derive(Clone, Debug, Default)]
pub struct Raised {
    /// In the order in which they began; those of one time in label order.
    pub episodes: Vec<Episode>,
    /// Further ones.
    pub omitted: u64,
}

/// An alert from its beginning to its end. Times are those of evaluations, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// With `alertname`.
    pub labels: Labels,
    /// As they were when it began to fire, or to be pending if it never fired.
    pub annotations: Arc<[(String, String)]>,
    /// Of the query at that time.
    pub value: f64,
    /// Since when it held.
    pub pending_from_ms: i64,
    /// Since when it fired, if it did.
    pub firing_from_ms: Option<i64>,
    /// When it no longer held, nor was kept firing; `None` when it went on to the end.
    pub resolved_at_ms: Option<i64>,
    /// Whether it held at the very first evaluation: it may have begun earlier.
    pub at_start: bool,
}

/// Evaluates all rules from a time to another, beginning without any alerts.
///
/// # Errors
/// When it was stopped, or rules record more for each other than can be kept.
pub fn backtest(past: &Past<'_>, watch: Watch<'_>) -> Result<Vec<Tested>, Stopped> {
    let mut walk = Walk::new(past, Aim::Test);
    let rules: usize = walk.groups.iter().map(|group| group.rules.len()).sum();
    let limit = (MAX_EPISODES / rules.max(1)).clamp(OF_A_RULE.0, OF_A_RULE.1);
    let followed = |_| Followed { limit, ..Followed::default() };
    let mut followed: Vec<Vec<Followed>> =
        walk.groups.iter().map(|group| group.rules.iter().map(followed).collect()).collect();
    let mut observe = |(g, r): (usize, usize), t_ms, is_first, alerts: &[AlertView]| {
        followed[g][r].observe(t_ms, is_first, alerts);
    };
    while walk.step(watch, &mut observe)? {}
    let mut tested = Vec::new();
    for (group, followed) in walk.groups.into_iter().zip(followed) {
        for (rule, followed) in group.rules.into_iter().zip(followed) {
            let is_alert = matches!(rule.tally.rule.kind, RuleKind::Alerting { .. });
            let raised = is_alert.then(|| followed.finish());
            tested.push(Tested { tally: rule.tally, raised });
        }
    }
    Ok(tested)
}

/// The alerts of one rule, as they come and go.
#[derive(Default)]
pub(super) struct Followed {
    limit: usize,
    open: HashMap<Labels, Open>,
    over: Vec<Episode>,
    omitted: u64,
    round: u64,
}

/// One that goes on.
struct Open {
    episode: Episode,
    /// The last evaluation that had it.
    round: u64,
}

impl Followed {
    #[cfg(test)]
    pub(super) fn without_limit() -> Self {
        Self { limit: usize::MAX, ..Self::default() }
    }

    pub(super) fn observe(&mut self, t_ms: i64, is_first: bool, alerts: &[AlertView]) {
        if alerts.is_empty() && self.open.is_empty() {
            return;
        }
        self.round += 1;
        let mut over = Vec::new();
        for alert in alerts {
            let open = self.open.get_mut(&alert.labels);
            match open.filter(|open| open.episode.pending_from_ms == alert.active_at_ms) {
                Some(open) => {
                    open.round = self.round;
                    open.episode.see(t_ms, alert);
                }
                None => {
                    let episode = Episode::new(t_ms, is_first, alert);
                    let open = Open { episode, round: self.round };
                    // One that ended and began again between two evaluations.
                    let before = self.open.insert(alert.labels.clone(), open);
                    over.extend(before.map(|open| open.episode));
                }
            }
        }
        let round = self.round;
        let ended = self.open.extract_if(|_, open| open.round != round);
        over.extend(ended.map(|(_, open)| open.episode));
        for mut episode in over {
            episode.resolved_at_ms = Some(t_ms);
            self.put(episode);
        }
    }

    fn put(&mut self, episode: Episode) {
        if self.over.len() < self.limit {
            self.over.push(episode);
        } else {
            self.omitted += 1;
        }
    }

    pub(super) fn finish(mut self) -> Raised {
        for open in std::mem::take(&mut self.open).into_values() {
            self.put(open.episode);
        }
        let mut episodes = self.over;
        episodes.sort_by(|a, b| {
            a.pending_from_ms.cmp(&b.pending_from_ms).then_with(|| a.labels.cmp(&b.labels))
        });
        Raised { episodes, omitted: self.omitted }
    }
}

impl Episode {
    fn new(t_ms: i64, at_start: bool, alert: &AlertView) -> Self {
        let mut episode = Self {
            labels: alert.labels.clone(),
            annotations: Arc::clone(&alert.annotations),
            value: alert.value,
            pending_from_ms: alert.active_at_ms,
            firing_from_ms: None,
            resolved_at_ms: None,
            at_start,
        };
        episode.see(t_ms, alert);
        episode
    }

    fn see(&mut self, t_ms: i64, alert: &AlertView) {
        if alert.state == AlertState::Firing && self.firing_from_ms.is_none() {
            self.firing_from_ms = Some(t_ms);
            self.annotations = Arc::clone(&alert.annotations);
            self.value = alert.value;
        }
    }
}
