//! Our own metrics about rules, under the names Prometheus' dashboards use.

use crate::group::Evaluated;
use model::metrics::{Collect, Counter, Gauge, Kind, Quantile, Summary, Visitor};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const RULE_QUANTILES: [Quantile; 3] = [("0.5", 50), ("0.9", 90), ("0.99", 99)];
const GROUP_QUANTILES: [Quantile; 5] =
    [("0.01", 1), ("0.05", 5), ("0.5", 50), ("0.9", 90), ("0.99", 99)];

/// Counters and gauges of all groups.
#[derive(Debug, Default)]
pub struct Metrics {
    rule_durations: Mutex<Summary>,
    group_durations: Mutex<Summary>,
    group_delays: Mutex<Summary>,
    expansions: Counter,
    failed_expansions: Counter,
    groups: Mutex<BTreeMap<String, Arc<GroupMetrics>>>,
}

/// What is counted for each group.
#[derive(Debug, Default)]
pub(crate) struct GroupMetrics {
    evaluations: Counter,
    failures: Counter,
    pub(crate) iterations: Counter,
    pub(crate) missed: Counter,
    last_duration: Gauge,
    last_rule_durations: Gauge,
    pub(crate) last_evaluation: Gauge,
    pub(crate) last_restore: Gauge,
    last_samples: Gauge,
    pub(crate) interval: Gauge,
    pub(crate) rules: Gauge,
}

impl Metrics {
    /// Counts an evaluation that began so many seconds after its time.
    pub(crate) fn count(&self, group: &GroupMetrics, delay_seconds: f64, evaluated: &Evaluated) {
        observe(&self.rule_durations, evaluated.rules.iter().map(|rule| rule.seconds));
        observe(&self.group_durations, [evaluated.seconds]);
        observe(&self.group_delays, [delay_seconds]);
        self.expansions.add(evaluated.rules.iter().map(|rule| rule.expansions).sum());
        self.failed_expansions.add(evaluated.rules.iter().map(|rule| rule.failed_expansions).sum());
        group.evaluations.add(evaluated.rules.len() as u64);
        group.failures.add(evaluated.failed() as u64);
        group.iterations.inc();
        group.last_duration.set(evaluated.seconds);
        group.last_rule_durations.set(evaluated.rules.iter().map(|rule| rule.seconds).sum());
        group.last_samples.set(evaluated.samples() as f64);
    }

    /// The metrics of a group, named by file and group.
    pub(crate) fn group(&self, key: &str) -> Arc<GroupMetrics> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.entry(key.to_owned()).or_default().clone()
    }

    pub(crate) fn forget_group(&self, key: &str) {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn collect_groups(&self, visitor: &mut dyn Visitor) {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (name, help, counter) in COUNTERS {
            visitor.family(name, Kind::Counter, help);
            for (key, group) in &groups {
                visitor.sample("", &[("rule_group", key)], counter(group).get() as f64);
            }
        }
        for (name, help, gauge) in GAUGES {
            visitor.family(name, Kind::Gauge, help);
            for (key, group) in &groups {
                visitor.sample("", &[("rule_group", key)], gauge(group).get());
            }
        }
    }
}

fn observe(summary: &Mutex<Summary>, values: impl IntoIterator<Item = f64>) {
    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
    values.into_iter().for_each(|value| summary.observe(value));
}

type Of<T> = (&'static str, &'static str, fn(&GroupMetrics) -> &T);

const COUNTERS: [Of<Counter>; 4] = [
    ("prometheus_rule_evaluations_total", "Evaluations of rules.", |group| &group.evaluations),
    ("prometheus_rule_evaluation_failures_total", "Evaluations of rules that failed.", |group| {
        &group.failures
    }),
    (
        "prometheus_rule_group_iterations_total",
        "Evaluations of a group that were due, missed ones among them.",
        |group| &group.iterations,
    ),
    (
        "prometheus_rule_group_iterations_missed_total",
        "Evaluations of a group that were left out because the one before took too long.",
        |group| &group.missed,
    ),
];

const GAUGES: [Of<Gauge>; 7] = [
    (
        "prometheus_rule_group_last_duration_seconds",
        "How long the last evaluation of a group took.",
        |group| &group.last_duration,
    ),
    (
        "prometheus_rule_group_last_rule_duration_sum_seconds",
        "How long the rules of a group took in the last evaluation, added up.",
        |group| &group.last_rule_durations,
    ),
    (
        "prometheus_rule_group_last_evaluation_timestamp_seconds",
        "When the last evaluation of a group began.",
        |group| &group.last_evaluation,
    ),
    (
        "prometheus_rule_group_last_restore_duration_seconds",
        "How long it took to find out since when the alerts of a group hold.",
        |group| &group.last_restore,
    ),
    (
        "prometheus_rule_group_last_evaluation_samples",
        "Samples that the last evaluation of a group gave.",
        |group| &group.last_samples,
    ),
    (
        "prometheus_rule_group_interval_seconds",
        "Time from evaluation to evaluation of a group.",
        |group| &group.interval,
    ),
    ("prometheus_rule_group_rules", "Rules of a group.", |group| &group.rules),
];

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        for (name, help, summary, quantiles) in [
            (
                "prometheus_rule_evaluation_duration_seconds",
                "How long the evaluation of a rule took.",
                &self.rule_durations,
                RULE_QUANTILES.as_slice(),
            ),
            (
                "prometheus_rule_group_duration_seconds",
                "How long the evaluation of a group took.",
                &self.group_durations,
                &GROUP_QUANTILES,
            ),
            (
                "rushlight_rule_group_delay_seconds",
                "How long after its time the evaluation of a group began.",
                &self.group_delays,
                &GROUP_QUANTILES,
            ),
        ] {
            visitor.family(name, Kind::Summary, help);
            let summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
            visitor.summary(&[], &summary, quantiles);
        }
        for (name, help, counter) in [
            (
                "prometheus_template_text_expansions_total",
                "Templates of labels and annotations that were filled in.",
                &self.expansions,
            ),
            (
                "prometheus_template_text_expansion_failures_total",
                "Templates of labels and annotations that could not be filled in.",
                &self.failed_expansions,
            ),
        ] {
            visitor.family(name, Kind::Counter, help);
            visitor.sample("", &[], counter.get() as f64);
        }
        self.collect_groups(visitor);
    }
}
