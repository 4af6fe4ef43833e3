//! The labels of alerts on their way.

use model::relabel::{Rule, apply};
use model::{Alert, Labels, LabelsBuilder};
use std::sync::Arc;

/// The alerts with external labels where they have none of that name, then rewritten; those that a
/// rule drops are left out.
pub(crate) fn outgoing(alerts: Vec<Alert>, external: &Labels, rules: &[Rule]) -> Vec<Arc<Alert>> {
    let mut labels = LabelsBuilder::new();
    let rewritten = alerts.into_iter().filter_map(|mut alert| {
        if external.is_empty() && rules.is_empty() {
            return Some(Arc::new(alert));
        }
        labels.reset(&alert.labels);
        for (name, value) in external {
            if labels.get(name).is_none() {
                labels.set(name, value);
            }
        }
        apply(rules, &mut labels).then(|| {
            alert.labels = labels.build();
            Arc::new(alert)
        })
    });
    rewritten.collect()
}

/// The same alerts as one set of Alertmanagers hears of them.
pub(crate) fn for_set(alerts: &[Arc<Alert>], rules: &[Rule]) -> Vec<Arc<Alert>> {
    let mut labels = LabelsBuilder::new();
    let rewritten = alerts.iter().filter_map(|alert| {
        labels.reset(&alert.labels);
        if !apply(rules, &mut labels) {
            return None;
        }
        let labels = labels.build();
        match labels == alert.labels {
            true => Some(Arc::clone(alert)),
            false => Some(Arc::new(Alert { labels, ..Alert::clone(alert) })),
        }
    });
    rewritten.collect()
}
