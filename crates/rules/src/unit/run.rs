//! One test, from its first sample to its last expectation.

use super::compare::{self, Parsed};
use super::failure::{AlertText, AlertsDiffer, Failure};
use super::read::{AlertCase, QueryCase, Test, TestFile};
use super::watch::Watch;
use crate::{ActiveGroup, AlertState, LoadedFile, Means, Settings};
use model::Labels;
use model::duration::Duration;
use promql::script::{LoadedSeries, Rows, notation};
use promql::{Control, Engine, EngineOptions, Features};
use std::collections::{BTreeMap, HashSet};
use storage::{Appendable, Queryable};

/// What tests of a file share.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The file.
    pub file: &'a TestFile,
    /// The rules, or why there are none: with that every test fails. Files are distinct.
    pub rules: Result<&'a [LoadedFile], &'a [String]>,
    /// Parts of the language that are switched on, for queries.
    pub features: Features,
    /// Whether names are removed at the end of queries only.
    pub delayed_name_removal: bool,
}

/// Samples that a query may hold, as in promtool.
const MAX_SAMPLES: usize = 10_000;

/// Runs a test over an empty store. No failures is success.
pub fn run<S: Appendable + Queryable>(
    test: &Test,
    setting: &Setting<'_>,
    store: &S,
) -> Vec<Failure> {
    match Run::new(test, setting, store) {
        Ok(run) => run.all(),
        Err(failures) => failures,
    }
}

struct Run<'a, S> {
    test: &'a Test,
    setting: &'a Setting<'a>,
    store: &'a S,
    /// Where input and rules write.
    sink: Watch<'a, S>,
    engine: Engine,
    input: Rows,
    /// In the order of their evaluation.
    groups: Vec<ActiveGroup>,
    failures: Vec<Failure>,
}

impl<'a, S: Appendable + Queryable> Run<'a, S> {
    fn new(test: &'a Test, setting: &'a Setting<'a>, store: &'a S) -> Result<Self, Vec<Failure>> {
        let input = |error| vec![Failure::Input(error)];
        let series = series(test).map_err(input)?;
        let rules = setting
            .rules
            .map_err(|errors| errors.iter().cloned().map(Failure::Rules).collect::<Vec<_>>())?;
        if let Some(case) = test.alerts.iter().find(|case| case.alertname.is_empty()) {
            let (eval_time, test) = (case.eval_time, test.name.clone());
            return Err(vec![Failure::NoAlertName { eval_time, test }]);
        }
        let engine = Engine::new(EngineOptions {
            default_step_ms: setting.file.evaluation_interval_ms,
            max_samples: MAX_SAMPLES,
            delayed_name_removal: setting.delayed_name_removal,
            ..EngineOptions::default()
        });
        let sink = Watch::new(store);
        Ok(Self {
            test,
            setting,
            store,
            engine,
            input: Rows::open(&sink, "input".to_owned(), &series).map_err(input)?,
            sink,
            groups: groups(test, setting, rules),
            failures: Vec::new(),
        })
    }

    fn all(mut self) -> Vec<Failure> {
        if self.evaluate() {
            for case in &self.test.queries {
                self.failures.extend(self.query(case));
            }
        }
        self.failures
    }

    /// Takes time from the start to the last expectation; false when a rule failed on the way.
    fn evaluate(&mut self) -> bool {
        let step_ms = self.setting.file.evaluation_interval_ms;
        let last = self.test.last();
        let mut cases: BTreeMap<Duration, Vec<&AlertCase>> = BTreeMap::new();
        for case in &self.test.alerts {
            cases.entry(case.eval_time).or_default().push(case);
        }
        let mut after_ms = 0;
        while after_ms <= last.ms {
            if !self.step(self.test.start_ms.saturating_add(after_ms)) {
                return false;
            }
            let next_ms = after_ms.saturating_add(step_ms);
            while let Some(due) = cases.first_entry().filter(|due| due.key().ms < next_ms) {
                for case in due.remove() {
                    self.compare_alerts(case);
                }
            }
            after_ms = next_ms;
        }
        true
    }

    /// Evaluates all groups once; false when a rule failed.
    fn step(&mut self, t_ms: i64) -> bool {
        if let Err(error) = self.input.write_until(t_ms) {
            self.failures.push(Failure::Input(error));
            return true;
        }
        let control = Control::default();
        let means = Means::new(&self.engine, self.store, &self.sink, &control);
        let mut failed = false;
        for group in &mut self.groups {
            group.evaluate(t_ms, &means);
            for rule in group.rules() {
                if let Some(error) = &rule.last_error {
                    let (rule, error) = (rule.info.name.clone(), error.to_string());
                    self.failures.push(Failure::Rule { rule, t_ms, error });
                    failed = true;
                }
            }
        }
        !failed
    }

    fn compare_alerts(&mut self, case: &AlertCase) {
        let pairs = |texts: &BTreeMap<String, String>| {
            texts.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let expected = case.expected.iter().map(|(labels, annotations)| {
            let mut labels = labels.clone();
            labels.insert("alertname".to_owned(), case.alertname.clone());
            AlertText { labels: pairs(&labels), annotations: pairs(annotations) }
        });
        let mut expected: Vec<_> = expected.collect();
        expected.sort();
        let got = self.firing(&case.alertname);
        if expected != got {
            self.failures.push(Failure::Alerts(AlertsDiffer {
                test: self.test.name.clone(),
                alertname: case.alertname.clone(),
                eval_time: case.eval_time,
                expected,
                got,
            }));
        }
    }

    /// The alerts of a name, of whichever groups, in the order of their labels.
    fn firing(&self, name: &str) -> Vec<AlertText> {
        let rules = self.groups.iter().flat_map(|group| group.rules());
        let mut firing = Vec::new();
        for rule in rules.filter(|rule| rule.info.name == name) {
            let alerts = rule.alerts.iter().filter(|alert| alert.state == AlertState::Firing);
            firing.extend(alerts.map(|alert| AlertText {
                labels: alert.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
                annotations: alert.annotations.to_vec(),
            }));
        }
        firing.sort();
        firing
    }

    fn query(&self, case: &QueryCase) -> Option<Failure> {
        let QueryCase { expr, eval_time, .. } = case;
        let (expected, got) = match self.both(case) {
            Ok(both) => both,
            Err(error) => {
                let (expr, eval_time) = (expr.clone(), *eval_time);
                return Some(Failure::Query { expr, eval_time, error });
            }
        };
        if compare::alike(&expected, &got, self.setting.file.fuzzy_compare) {
            return None;
        }
        let shown = |samples: &[Parsed]| samples.iter().map(Parsed::shown).collect();
        Some(Failure::Samples {
            expr: expr.clone(),
            eval_time: *eval_time,
            expected: shown(&expected),
            got: shown(&got),
        })
    }

    /// What is expected of a query, and what it gives.
    fn both(&self, case: &QueryCase) -> Result<(Vec<Parsed>, Vec<Parsed>), String> {
        let at_ms = self.test.start_ms.saturating_add(case.eval_time.ms);
        let expr =
            promql::parse(&case.expr, &self.setting.features).map_err(|error| error.to_string())?;
        let answer = self.engine.instant(self.store, &expr, at_ms, &Control::default());
        let got = compare::samples(answer.map_err(|error| error.to_string())?.value)?;
        let expected = case.expected.iter().map(Parsed::expected).collect::<Result<_, _>>()?;
        Ok((compare::sorted(expected), got))
    }
}

/// The input; of series with the same labels the last counts.
fn series(test: &Test) -> Result<Vec<LoadedSeries>, String> {
    let mut all = Vec::<LoadedSeries>::new();
    let mut seen = HashSet::new();
    for line in &test.input_series {
        if line.contains('\n') {
            return Err(format!("a series and its values stand on one line: {line:?}"));
        }
        let series = notation::series(line, test.start_ms, test.interval_ms)
            .map_err(|error| format!("input series {line:?}: {error}"))?;
        if !seen.insert(series.labels.clone()) {
            all.retain(|other| other.labels != series.labels);
        }
        all.push(series);
    }
    Ok(all)
}

/// All groups, those that are to be evaluated in an order in that order; others are among the first.
fn groups(test: &Test, setting: &Setting<'_>, rules: &[LoadedFile]) -> Vec<ActiveGroup> {
    let Setting { file, features, .. } = *setting;
    let settings = Settings {
        external_labels: Labels::from_pairs(&test.external_labels),
        external_url: test.external_url.clone(),
        interval_ms: test.interval_ms,
        features,
        ..Settings::default()
    };
    let mut groups: Vec<_> = rules
        .iter()
        .flat_map(|file| file.groups.groups.iter().map(|group| (file.name.as_str(), group)))
        .collect();
    let place = |name: &String| file.group_eval_order.iter().position(|other| other == name);
    groups.sort_by_key(|(_, group)| place(&group.name).unwrap_or(0));
    groups.into_iter().map(|(file, group)| ActiveGroup::new(file, group, &settings)).collect()
}
