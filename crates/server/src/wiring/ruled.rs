//! What is evaluated and who is told of it, in the shape of the API.

use api::rules as shown;
use notifier::Notifier;
use rules::{AlertState, AlertView, GroupView, Health, Manager, RuleKind, RuleView, Snapshot};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;

/// Reads the snapshots that the rules publish; before they run there are none.
#[derive(Default)]
pub(super) struct RulesView(OnceLock<Arc<Manager>>);

impl RulesView {
    /// Evaluation begins; later calls change nothing.
    pub(super) fn set(&self, manager: Arc<Manager>) {
        self.0.set(manager).ok();
    }

    /// The groups as they are now.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.get().map(|manager| manager.snapshot()).unwrap_or_default()
    }
}

impl shown::Rules for RulesView {
    fn groups(&self) -> Vec<shown::RuleGroup> {
        self.snapshot().groups.iter().map(|view| group(view)).collect()
    }
}

/// Asks who is told; before there are rules it is nobody.
#[derive(Default)]
pub(super) struct AlertmanagersView(OnceLock<Arc<Notifier>>);

impl AlertmanagersView {
    /// Notifications begin; later calls change nothing.
    pub(super) fn set(&self, notifier: Arc<Notifier>) {
        self.0.set(notifier).ok();
    }
}

impl shown::Alertmanagers for AlertmanagersView {
    fn active(&self) -> Vec<String> {
        self.0.get().map(|notifier| notifier.alertmanagers().active.clone()).unwrap_or_default()
    }

    fn dropped(&self) -> Vec<String> {
        self.0.get().map(|notifier| notifier.alertmanagers().dropped.clone()).unwrap_or_default()
    }
}

/// Hands alerts from the rules, which have threads of their own, to the notifier, which needs the
/// runtime.
pub(super) struct Outbox {
    notifier: Arc<Notifier>,
    runtime: Handle,
}

impl Outbox {
    /// For the runtime of the caller.
    pub(super) fn new(notifier: Arc<Notifier>) -> Self {
        Self { notifier, runtime: Handle::current() }
    }
}

impl rules::Outbox for Outbox {
    fn send(&self, alerts: Vec<model::Alert>) {
        let _entered = self.runtime.enter();
        self.notifier.send(alerts);
    }
}

fn group(view: &GroupView) -> shown::RuleGroup {
    shown::RuleGroup {
        name: view.name.to_string(),
        file: view.file.to_string(),
        interval_ms: view.interval_ms,
        limit: view.limit,
        rules: view.rules.iter().map(rule).collect(),
        evaluation_time: seconds(view.evaluation_seconds),
        last_evaluation_ns: view.last_evaluation_ns,
    }
}

fn rule(view: &RuleView) -> shown::Rule {
    let info = &view.info;
    shown::Rule {
        name: info.name.clone(),
        query: info.query.clone(),
        labels: info.labels.clone(),
        health: match view.health {
            Health::Unknown => shown::RuleHealth::Unknown,
            Health::Good => shown::RuleHealth::Ok,
            Health::Bad => shown::RuleHealth::Err,
        },
        last_error: view.last_error.as_deref().unwrap_or("").to_owned(),
        evaluation_time: seconds(view.evaluation_seconds),
        last_evaluation_ns: view.last_evaluation_ns,
        alerting: match &info.kind {
            RuleKind::Recording => None,
            RuleKind::Alerting { for_ms, keep_firing_for_ms, annotations } => {
                Some(shown::Alerting {
                    state: match view.health {
                        Health::Unknown => shown::AlertState::Unknown,
                        Health::Good | Health::Bad => state(view.state()),
                    },
                    for_ms: *for_ms,
                    keep_firing_for_ms: *keep_firing_for_ms,
                    annotations: annotations.clone(),
                    alerts: view.alerts.iter().map(alert).collect(),
                })
            }
        },
    }
}

fn alert(view: &AlertView) -> shown::ActiveAlert {
    shown::ActiveAlert {
        labels: view.labels.clone(),
        annotations: view.annotations.to_vec(),
        state: state(view.state),
        active_at_ms: view.active_at_ms,
        keep_firing_since_ms: view.keep_firing_since_ms,
        value: view.value,
    }
}

fn state(state: AlertState) -> shown::AlertState {
    match state {
        AlertState::Inactive => shown::AlertState::Inactive,
        AlertState::Pending => shown::AlertState::Pending,
        AlertState::Firing => shown::AlertState::Firing,
    }
}

/// A time that was measured, so neither negative nor endless.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
