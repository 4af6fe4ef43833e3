//! Alerting rules: each series of a query is an alert.

use super::alert::{Active, Fate, Patience, Series};
use super::error::RuleError;
use super::output::{Columns, Output};
use super::recall::Recall;
use super::texts::{Asked, Parsed, Texts};
use super::{Done, Scene};
use crate::template::{AlertData, AlertValue};
use crate::view::{AlertState, AlertView};
use foldhash::{HashMap, HashMapExt as _, HashSet};
use model::{Labels, LabelsBuilder, METRIC_NAME};
use promql::{Control, InstantSeries};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use storage::AppendError;

/// What raises alerts.
#[derive(Debug)]
pub(super) struct Alerting {
    name: String,
    pub(super) patience: Patience,
    labels: Texts,
    annotations: Texts,
    /// Where people find the query.
    source: String,
    pub(super) active: HashMap<Labels, Active>,
    /// Whether the series about alerts are held back until `for` is restored.
    pub(super) is_held_back: bool,
    round: u64,
    /// What alerts of the last evaluation said.
    said: Recall<Said>,
    parsed: Parsed,
    builder: LabelsBuilder,
    nothing: Arc<[(String, String)]>,
    /// Templates filled in, and how many of those failed, in the last evaluation.
    pub(super) expansions: (u64, u64),
}

/// What an alert says.
#[derive(Clone, Debug)]
struct Said {
    value: f64,
    labels: Labels,
    annotations: Arc<[(String, String)]>,
}

impl Alerting {
    pub(super) fn new(
        name: &str,
        patience: Patience,
        labels: &[(String, String)],
        annotations: &[(String, String)],
        source: String,
    ) -> Self {
        Self {
            name: name.to_owned(),
            patience,
            labels: Texts::new(name, labels),
            annotations: Texts::new(name, annotations),
            source,
            active: HashMap::new(),
            is_held_back: false,
            round: 0,
            said: Recall::default(),
            parsed: Parsed::new(),
            builder: LabelsBuilder::new(),
            nothing: Arc::default(),
            expansions: (0, 0),
        }
    }

    /// Takes over alerts; where their series are stored only when that is the same.
    pub(super) fn take_over(&mut self, older: Self, same_output: bool) {
        self.active = older.active;
        self.is_held_back = older.is_held_back;
        self.round = older.round;
        if !same_output {
            self.forget_columns();
        }
    }

    /// Forgets where series are stored.
    pub(super) fn forget_columns(&mut self) {
        self.active.values_mut().for_each(|alert| alert.translate(&Columns::Lost));
    }

    /// Whether its templates ask for anything but labels and value.
    pub(super) fn asks(&self) -> bool {
        self.labels.depend_on_time || self.annotations.depend_on_time
    }

    /// Takes all alerts through an evaluation, tells those that are due and stores their series.
    pub(super) fn raise(
        &mut self,
        vector: Vec<InstantSeries>,
        scene: &Scene<'_>,
        control: &Control,
        output: &mut Output,
    ) -> Result<Done, RuleError> {
        let found = self.fill_in(vector, scene, control);
        if found.len() > 1
            && found.iter().map(|f| &f.labels).collect::<HashSet<_>>().len() < found.len()
        {
            return Err(RuleError::SameAlerts);
        }
        self.round += 1;
        for Said { value, labels, annotations } in found {
            match self.active.get_mut(&labels) {
                Some(alert) if alert.state != AlertState::Inactive => {
                    (alert.value, alert.annotations) = (value, annotations);
                    alert.round = self.round;
                }
                _ => {
                    let alert = Active::new(scene.at_ms, self.round, value, annotations);
                    self.active.insert(labels, alert);
                }
            }
        }
        let (at_ms, round, patience, mut count) = (scene.at_ms, self.round, self.patience, 0);
        self.active.retain(|_, alert| {
            let fate = alert.step(at_ms, alert.round == round, patience);
            count += usize::from(fate == Fate::Active);
            fate != Fate::Over
        });
        if scene.limit > 0 && count as u64 > scene.limit {
            self.active.clear();
            return Err(RuleError::AlertLimit { limit: scene.limit, count });
        }
        self.tell(scene);
        let trouble = if self.is_held_back { None } else { self.store(scene, output)? };
        let samples = if self.is_held_back { 0 } else { 2 * count };
        Ok(Done { samples, trouble })
    }

    /// What the alerts of these series say.
    fn fill_in(
        &mut self,
        vector: Vec<InstantSeries>,
        scene: &Scene<'_>,
        control: &Control,
    ) -> Vec<Said> {
        let is_pure = !self.asks();
        let Self { name, labels, annotations, said, parsed, builder, nothing, .. } = self;
        let host = Asked {
            scene,
            control,
            parsed: RefCell::new(parsed),
            answers: RefCell::default(),
            expansions: Cell::new(0),
            failures: Cell::new(0),
        };
        let settings = scene.settings;
        said.begin();
        let found = vector.into_iter().map(|series| {
            let is_same = |known: &Said| {
                is_pure
                    && series.histogram.is_none()
                    && known.value.to_bits() == series.value.to_bits()
            };
            let known = said.take(&series.labels).filter(is_same).unwrap_or_else(|| {
                let value = match &series.histogram {
                    Some(histogram) => AlertValue::Histogram(histogram),
                    None => AlertValue::Float(series.value),
                };
                let data = AlertData {
                    labels: &series.labels,
                    external_labels: &settings.external_labels,
                    external_url: &settings.external_url,
                    value,
                };
                builder.reset(&series.labels);
                builder.remove(METRIC_NAME);
                for (name, text) in &labels.texts {
                    builder.set(name, &text.expand(&data, &host));
                }
                builder.set("alertname", name);
                let texts = annotations.texts.iter();
                let texts: Arc<[_]> = texts
                    .map(|(name, text)| (name.clone(), text.expand(&data, &host).into_owned()))
                    .collect();
                let annotations = if texts.is_empty() { nothing.clone() } else { texts };
                // The value of a histogram stands in its texts only.
                let value = if series.histogram.is_some() { 0.0 } else { series.value };
                Said { value, labels: builder.build(), annotations }
            });
            said.keep(series.labels, known.clone());
            known
        });
        let found = found.collect();
        self.expansions = (host.expansions.get(), host.failures.get());
        self.said.commit();
        found
    }

    /// Sends the alerts that are due.
    fn tell(&mut self, scene: &Scene<'_>) {
        let delay_ms = scene.settings.resend_delay_ms;
        let mut due = Vec::new();
        for (labels, alert) in &mut self.active {
            if alert.is_due(scene.at_ms, delay_ms) {
                due.push(model::Alert {
                    labels: labels.clone(),
                    annotations: alert.annotations.to_vec(),
                    starts_at_ms: alert.fired_at_ms,
                    ends_at_ms: alert.ends_at_ms(scene.at_ms, scene.interval_ms, delay_ms),
                    generator_url: self.source.clone(),
                });
            }
        }
        if let Some(outbox) = scene.means.outbox
            && !due.is_empty()
        {
            due.sort_by(|a, b| a.labels.cmp(&b.labels));
            outbox.send(due);
        }
    }

    /// Stores the series about alerts; why the store refused some, if it did.
    fn store(
        &mut self,
        scene: &Scene<'_>,
        output: &mut Output,
    ) -> Result<Option<RuleError>, RuleError> {
        output.begin(scene.t_ms);
        let (sink, mut refused) = (scene.means.sink, None);
        for (labels, alert) in &mut self.active {
            if alert.state == AlertState::Inactive {
                continue;
            }
            // Seconds, as everybody who reads it expects.
            let since = alert.active_at_ms.div_euclid(1000) as f64;
            for (series, value) in [(alert.alerts_series(), 1.0), (Series::ForState, since)] {
                match alert.column(series, labels, |labels| output.column(sink, labels)) {
                    Ok(column) => {
                        // Alerts that only differ in a label `alertstate` share a series.
                        output.row().set(column, value);
                    }
                    Err(error @ AppendError::SeriesLimit { .. }) => {
                        refused.get_or_insert(RuleError::Append(error));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let (columns, appended) = output.append(sink);
        if !matches!(columns, Columns::Same) {
            self.active.values_mut().for_each(|alert| alert.translate(&columns));
        }
        appended?;
        Ok(refused)
    }

    /// What is shown: pending and firing alerts in label order.
    pub(super) fn view(&self) -> Arc<[AlertView]> {
        let shown = self.active.iter().filter(|(_, alert)| alert.state != AlertState::Inactive);
        let mut shown: Vec<_> = shown
            .map(|(labels, alert)| AlertView {
                labels: labels.clone(),
                annotations: alert.annotations.clone(),
                state: alert.state,
                active_at_ms: alert.active_at_ms,
                keep_firing_since_ms: alert.keep_firing_since_ms,
                value: alert.value,
            })
            .collect();
        shown.sort_by(|a, b| a.labels.cmp(&b.labels));
        shown.into()
    }
}
