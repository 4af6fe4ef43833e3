//! The life of one alert.

use super::output::Columns;
use crate::view::AlertState;
use model::{Labels, METRIC_NAME};
use std::sync::Arc;
use storage::{AppendError, Column};

/// How long an alert that was resolved is told as resolved.
const RESOLVED_RETENTION_MS: i64 = 15 * 60_000;

/// An alert that is pending, fires, or was resolved not long ago.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) annotations: Arc<[(String, String)]>,
    pub(super) value: f64,
    /// Inactive when resolved.
    pub(super) state: AlertState,
    /// Since when it holds.
    pub(super) active_at_ms: i64,
    /// Since when it fires.
    pub(super) fired_at_ms: i64,
    pub(super) resolved_at_ms: Option<i64>,
    /// Since when it only fires because it is kept firing.
    pub(super) keep_firing_since_ms: Option<i64>,
    last_sent_ms: Option<i64>,
    /// The last evaluation that gave it.
    pub(super) round: u64,
    columns: [Option<Column>; 3],
}

/// What the rule says about the time of its alerts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) for_ms: i64,
    pub(super) keep_firing_for_ms: i64,
}

/// What becomes of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is pending or fires.
    Active,
    /// It is resolved, and told as that.
    Resolved,
    /// It is to be forgotten.
    Over,
}

/// The series about an alert.
#[derive(Clone, Copy, Debug)]
pub(super) enum Series {
    /// `ALERTS` while it is pending.
    Pending,
    /// `ALERTS` while it fires.
    Firing,
    /// `ALERTS_FOR_STATE`.
    ForState,
}

/// The name of the series that says since when an alert holds.
pub(super) const FOR_STATE: &str = "ALERTS_FOR_STATE";
/// The name of the series that says that there is an alert.
pub(super) const ALERTS: &str = "ALERTS";

impl Active {
    /// One that holds from now on.
    pub(super) fn new(
        at_ms: i64,
        round: u64,
        value: f64,
        annotations: Arc<[(String, String)]>,
    ) -> Self {
        Self {
            annotations,
            value,
            state: AlertState::Pending,
            active_at_ms: at_ms,
            fired_at_ms: at_ms,
            resolved_at_ms: None,
            keep_firing_since_ms: None,
            last_sent_ms: None,
            round,
            columns: [None; 3],
        }
    }

    /// Takes it through an evaluation.
    pub(super) fn step(&mut self, at_ms: i64, holds: bool, patience: Patience) -> Fate {
        if holds {
            self.keep_firing_since_ms = None;
        } else if !self.is_kept_firing(at_ms, patience) {
            let was_pending = self.state == AlertState::Pending;
            let is_old =
                self.resolved_at_ms.is_some_and(|since| at_ms - since > RESOLVED_RETENTION_MS);
            if self.state != AlertState::Inactive {
                self.state = AlertState::Inactive;
                self.resolved_at_ms = Some(at_ms);
            }
            return if was_pending || is_old { Fate::Over } else { Fate::Resolved };
        }
        if self.state == AlertState::Pending && at_ms - self.active_at_ms >= patience.for_ms {
            self.state = AlertState::Firing;
            self.fired_at_ms = at_ms;
        }
        Fate::Active
    }

    fn is_kept_firing(&mut self, at_ms: i64, patience: Patience) -> bool {
        if self.state != AlertState::Firing || patience.keep_firing_for_ms <= 0 {
            return false;
        }
        let since = *self.keep_firing_since_ms.get_or_insert(at_ms);
        at_ms - since < patience.keep_firing_for_ms
    }

    /// Whether others are to be told now; takes it for told then.
    pub(super) fn is_due(&mut self, at_ms: i64, resend_delay_ms: i64) -> bool {
        if self.state == AlertState::Pending {
            return false;
        }
        let is_due = match (self.last_sent_ms, self.resolved_at_ms) {
            (None, _) => true,
            (Some(sent), Some(resolved)) if resolved > sent => true,
            (Some(sent), _) => sent + resend_delay_ms < at_ms,
        };
        if is_due {
            self.last_sent_ms = Some(at_ms);
        }
        is_due
    }

    /// When it is to be taken as ended by those who are told now.
    pub(super) fn ends_at_ms(&self, at_ms: i64, interval_ms: i64, resend_delay_ms: i64) -> i64 {
        // Two evaluations may fail, or as many ways to them.
        let repeated = at_ms.saturating_add(interval_ms.max(resend_delay_ms).saturating_mul(4));
        self.resolved_at_ms.unwrap_or(repeated)
    }

    /// Which of the `ALERTS` series it has now.
    pub(super) fn alerts_series(&self) -> Series {
        match self.state {
            AlertState::Firing => Series::Firing,
            AlertState::Pending | AlertState::Inactive => Series::Pending,
        }
    }

    /// The column of one of its series, found with the labels only when it is not known.
    pub(super) fn column(
        &mut self,
        series: Series,
        labels: &Labels,
        find: impl FnOnce(&Labels) -> Result<Column, AppendError>,
    ) -> Result<Column, AppendError> {
        let known = &mut self.columns[series as usize];
        if let Some(column) = known {
            return Ok(*column);
        }
        let mut stored = labels.to_builder();
        match series {
            Series::Pending => stored.set(METRIC_NAME, ALERTS).set("alertstate", "pending"),
            Series::Firing => stored.set(METRIC_NAME, ALERTS).set("alertstate", "firing"),
            Series::ForState => stored.set(METRIC_NAME, FOR_STATE),
        };
        let column = find(&stored.build())?;
        *known = Some(column);
        Ok(column)
    }

    /// Takes note of where its series are stored now.
    pub(super) fn translate(&mut self, columns: &Columns) {
        for column in &mut self.columns {
            *column = column.and_then(|column| columns.translate(column));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    /// Steps of a minute; what holds then, what becomes of it and whether it is sent.
    #[track_caller]
    fn check(for_min: i64, keep_min: i64, life: &[(bool, Fate, AlertState, bool)]) {
        let patience = Patience { for_ms: for_min * MINUTE, keep_firing_for_ms: keep_min * MINUTE };
        let mut alert = Active::new(0, 0, 1.0, Arc::default());
        for (minute, (holds, fate, state, sent)) in (0..).zip(life) {
            assert_eq!(alert.step(minute * MINUTE, *holds, patience), *fate, "minute {minute}");
            assert_eq!(alert.state, *state, "minute {minute}");
            assert_eq!(alert.is_due(minute * MINUTE, 2 * MINUTE), *sent, "minute {minute}");
        }
    }

    #[test]
    fn it_waits_fires_and_is_resolved() {
        use AlertState::{Firing, Inactive, Pending};
        check(0, 0, &[(true, Fate::Active, Firing, true)]);
        check(
            2,
            0,
            &[
                (true, Fate::Active, Pending, false),
                (true, Fate::Active, Pending, false),
                (true, Fate::Active, Firing, true),
                (true, Fate::Active, Firing, false),
                // Only when the delay has passed.
                (true, Fate::Active, Firing, false),
                (true, Fate::Active, Firing, true),
                (false, Fate::Resolved, Inactive, true),
                (false, Fate::Resolved, Inactive, false),
            ],
        );
        check(2, 0, &[(true, Fate::Active, Pending, false), (false, Fate::Over, Inactive, true)]);
    }

    #[test]
    fn it_is_kept_firing() {
        use AlertState::{Firing, Inactive};
        check(
            0,
            2,
            &[
                (true, Fate::Active, Firing, true),
                (false, Fate::Active, Firing, false),
                (false, Fate::Active, Firing, false),
                (true, Fate::Active, Firing, true),
                (false, Fate::Active, Firing, false),
                (false, Fate::Active, Firing, false),
                (false, Fate::Resolved, Inactive, true),
            ],
        );
    }

    #[test]
    fn it_is_told_as_resolved_for_a_quarter_of_an_hour() {
        let patience = Patience { for_ms: 0, keep_firing_for_ms: 0 };
        let mut alert = Active::new(0, 0, 1.0, Arc::default());
        assert_eq!(alert.step(0, true, patience), Fate::Active);
        assert_eq!(alert.ends_at_ms(0, 15_000, MINUTE), 4 * MINUTE);
        assert_eq!(alert.ends_at_ms(0, 2 * MINUTE, MINUTE), 8 * MINUTE);
        for minute in 1..=16 {
            assert_eq!(alert.step(minute * MINUTE, false, patience), Fate::Resolved);
            assert_eq!(alert.ends_at_ms(minute * MINUTE, 15_000, MINUTE), MINUTE);
        }
        assert_eq!(alert.step(16 * MINUTE + 1, false, patience), Fate::Over);
    }
}
