//! `for` goes on after a restart: since when alerts hold is read from their series.

use super::Scene;
use super::alert::FOR_STATE;
use super::alerting::Alerting;
use crate::view::{AlertState, RuleInfo};
use foldhash::{HashMap, HashMapExt as _};
use model::{Labels, METRIC_NAME, Matcher, TimeRange, is_stale};
use storage::{Columns, SelectHints};

/// The last sample of a series: its time, and since when the alert held then.
type Last = (i64, f64);

impl Alerting {
    /// Sets since when alerts hold, as far as that is known from before.
    pub(super) fn restore(&mut self, info: &RuleInfo, scene: &Scene<'_>) {
        self.is_held_back = false;
        let grace_ms = scene.settings.for_grace_period_ms;
        // One that waits no longer than the grace period simply waits.
        if self.patience.for_ms < grace_ms || self.active.is_empty() {
            return;
        }
        let known = match last_states(info, scene) {
            Ok(known) => known,
            Err(error) => {
                let name = info.name.as_str();
                tracing::error!(component = "rules", name, %error, "`for` was not restored");
                return;
            }
        };
        for (labels, alert) in &mut self.active {
            if alert.state == AlertState::Inactive {
                continue;
            }
            if let Some(last) = known.get(labels) {
                let since = restored(*last, scene.at_ms, self.patience.for_ms, grace_ms);
                alert.active_at_ms = since;
                let name = info.name.as_str();
                tracing::debug!(component = "rules", name, %labels, since, "`for` was restored");
            }
        }
    }
}

/// Since when an alert holds, given what was stored last.
fn restored((down_ms, since_s): Last, at_ms: i64, for_ms: i64, grace_ms: i64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and nothing so far away is meant"
    )]
    let since_ms = (since_s as i64).saturating_mul(1000);
    let remaining_ms = for_ms.saturating_sub(down_ms.saturating_sub(since_ms));
    if remaining_ms <= 0 {
        // It fired.
        since_ms
    } else if remaining_ms < grace_ms {
        at_ms.saturating_add(grace_ms).saturating_sub(for_ms)
    } else {
        // The time without us does not count.
        since_ms.saturating_add(at_ms.saturating_sub(down_ms))
    }
}

/// What was stored last about the rule's alerts that had not ended.
fn last_states(
    info: &RuleInfo,
    scene: &Scene<'_>,
) -> Result<HashMap<Labels, Last>, storage::Error> {
    let range = TimeRange {
        min_ms: scene.at_ms.saturating_sub(scene.settings.for_outage_tolerance_ms),
        max_ms: scene.at_ms,
    };
    let mut matchers =
        vec![Matcher::equal(METRIC_NAME, FOR_STATE), Matcher::equal("alertname", &info.name)];
    // A label `alertname` that the rule sets gives way to its name.
    let is_fixed = |(name, value): &&(String, String)| name != "alertname" && !value.contains("{{");
    let fixed = info.labels.iter().filter(is_fixed);
    matchers.extend(fixed.map(|(name, value)| Matcher::equal(name, value)));
    let querier = scene.means.store.querier(range)?;
    let hints = SelectHints { range, sorted: false, labels_only: false };
    let series = querier.select(&matchers, &hints)?;
    let (mut known, mut columns) = (HashMap::new(), Columns::default());
    for i in 0..series.len() {
        columns.clear();
        series.read(i, range, &mut columns)?;
        let last = columns.t_ms.last().copied().zip(columns.values.last().copied());
        if let Some((t_ms, since)) = last.filter(|(_, since)| !is_stale(*since)) {
            let labels = series.labels(i).filter(|name, _| name != METRIC_NAME);
            known.insert(labels, (t_ms, since));
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::restored;

    #[test]
    fn time_without_us_does_not_count_and_nothing_fires_at_once() {
        const MINUTE: i64 = 60_000;
        // `for` of 30 minutes, grace of 10, back at 100; down at, held since, expected.
        let check = |down: i64, since: i64, expected: i64| {
            let last = (down * MINUTE, (since * 60) as f64);
            let found = restored(last, 100 * MINUTE, 30 * MINUTE, 10 * MINUTE);
            assert_eq!(found, expected * MINUTE);
        };
        check(90, 50, 50);
        check(90, 60, 60);
        check(90, 65, 80);
        check(90, 70, 80);
        check(90, 71, 81);
        check(90, 85, 95);
        check(100, 85, 85);
    }
}
