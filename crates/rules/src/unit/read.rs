//! The file, strictly.

use crate::file::{Fault, yaml};
use model::duration::Duration;
use serde::{Deserialize, Deserializer, de};
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// A file of tests.
#[derive(Clone, Debug, PartialEq)]
pub struct TestFile {
    /// Patterns of the files with the rules, as written.
    pub rule_files: Vec<String>,
    /// From evaluation to evaluation, in milliseconds; above zero.
    pub evaluation_interval_ms: i64,
    /// Whether values may differ in their last bit.
    pub fuzzy_compare: bool,
    /// Names of groups that are evaluated in this order; distinct.
    pub group_eval_order: Vec<String>,
    /// In the order of the file.
    pub tests: Vec<Test>,
}

/// Series, and what is expected of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// May be empty.
    pub name: String,
    /// From sample to sample, in milliseconds; above zero.
    pub interval_ms: i64,
    /// When the first samples are, and since when other times of the test count, in milliseconds
    /// since the Unix epoch.
    pub start_ms: i64,
    /// Series with their values, in the notation of scripts.
    pub input_series: Vec<String>,
    /// Expectations of alerts.
    pub alerts: Vec<AlertCase>,
    /// Expectations of queries.
    pub queries: Vec<QueryCase>,
    /// `$externalLabels` of templates.
    pub external_labels: BTreeMap<String, String>,
    /// `$externalURL` of templates.
    pub external_url: String,
}

/// Which alerts of a name fire at a time: these and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertCase {
    /// Since the start of the test.
    pub eval_time: Duration,
    /// Their name.
    pub alertname: String,
    /// Labels, without the name, and annotations of each.
    pub expected: Vec<(BTreeMap<String, String>, BTreeMap<String, String>)>,
}

/// What a query gives at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryCase {
    /// The query.
    pub expr: String,
    /// Since the start of the test.
    pub eval_time: Duration,
    /// In any order.
    pub expected: Vec<Sample>,
}

/// An expected sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// In the notation of series.
    pub labels: String,
    /// Zero where a histogram is expected.
    pub value: f64,
    /// In the notation of scripts; empty where a number is expected.
    pub histogram: String,
}

impl TestFile {
    /// Reads a file's text. An empty one has no tests.
    ///
    /// # Errors
    /// When the text is not a file of tests: the first fault.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let file: Option<written::File> = yaml(text, "main.unitTestFile")?;
        let file = file.unwrap_or_default();
        let mut names = HashSet::new();
        for name in file.group_eval_order.iter().flatten() {
            if !names.insert(&name.value) {
                let message = format!("group name repeated in evaluation order: {}", name.value);
                return Err(Fault { place: crate::file::place(name.referenced), message });
            }
        }
        let evaluation_interval = file.evaluation_interval.unwrap_or_default().or(MINUTE_MS);
        let test = |test: Option<written::Test>| test.unwrap_or_default().test(evaluation_interval);
        Ok(Self {
            rule_files: list(file.rule_files),
            evaluation_interval_ms: evaluation_interval,
            fuzzy_compare: file.fuzzy_compare.unwrap_or(false),
            group_eval_order: list(file.group_eval_order).into_iter().map(|n| n.value).collect(),
            tests: list(file.tests).into_iter().map(test).collect(),
        })
    }
}

impl Test {
    /// The time of the last expectation since the start.
    pub(super) fn last(&self) -> Duration {
        let alerts = self.alerts.iter().map(|case| case.eval_time);
        let queries = self.queries.iter().map(|case| case.eval_time);
        alerts.chain(queries).max().unwrap_or_default()
    }
}

const MINUTE_MS: i64 = 60_000;

/// A list that is not there is empty.
fn list<T>(written: Option<Vec<T>>) -> Vec<T> {
    written.unwrap_or_default()
}

/// A duration.
#[derive(Clone, Copy, Debug, Default)]
struct Time(i64);

impl Time {
    fn or(self, default_ms: i64) -> i64 {
        if self.0 == 0 { default_ms } else { self.0 }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Duration::parse(&text).map(|duration| Self(duration.ms)).map_err(de::Error::custom)
    }
}

/// A number in any form of YAML.
#[derive(Clone, Copy, Debug, Default)]
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Numbers).map(Self)
    }
}

struct Numbers;

impl de::Visitor<'_> for Numbers {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_unit<E>(self) -> Result<f64, E> {
        Ok(0.0)
    }
}

/// A point in time: seconds since the epoch, or RFC 3339.
#[derive(Clone, Copy, Debug, Default)]
struct Start(i64);

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        start_ms(&text)
            .map(Self)
            .ok_or_else(|| de::Error::custom(format!("cannot parse {text:?} to a valid timestamp")))
    }
}

fn start_ms(text: &str) -> Option<i64> {
    /// The first and the last millisecond of the years that RFC 3339 can write.
    const YEARS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;
    match text.parse::<f64>() {
        Ok(seconds) => {
            let ms = (seconds * 1000.0).round();
            #[expect(clippy::cast_possible_truncation, reason = "casts to integers saturate")]
            let whole = ms as i64;
            (ms.is_finite() && YEARS.contains(&whole)).then_some(whole)
        }
        Err(_) => {
            let strict = text.as_bytes().get(10) == Some(&b'T');
            let time = strict.then(|| text.parse::<jiff::Timestamp>().ok()).flatten()?;
            Some(time.as_millisecond())
        }
    }
}

/// The file as it is written: what has no value is as if it were not there.
mod written {
    use super::{AlertCase, Duration, Number, QueryCase, Start, Time, list};
    use serde::Deserialize;
    use serde_saphyr::Spanned;
    use std::collections::BTreeMap;

    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(super) struct File {
        pub(super) rule_files: Option<Vec<String>>,
        pub(super) evaluation_interval: Option<Time>,
        pub(super) group_eval_order: Option<Vec<Spanned<String>>>,
        pub(super) tests: Option<Vec<Option<Test>>>,
        pub(super) fuzzy_compare: Option<bool>,
    }

    type Texts = Option<BTreeMap<String, Option<String>>>;

    fn texts(written: Texts) -> BTreeMap<String, String> {
        let pairs = written.unwrap_or_default().into_iter();
        pairs.map(|(name, value)| (name, value.unwrap_or_default())).collect()
    }

    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(super) struct Test {
        interval: Option<Time>,
        input_series: Option<Vec<Option<Series>>>,
        alert_rule_test: Option<Vec<Option<Alerts>>>,
        promql_expr_test: Option<Vec<Option<Query>>>,
        external_labels: Texts,
        external_url: Option<String>,
        name: Option<String>,
        start_timestamp: Option<Start>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Series {
        series: Option<String>,
        values: Option<String>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Alerts {
        eval_time: Option<Time>,
        alertname: Option<String>,
        exp_alerts: Option<Vec<Option<Alert>>>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Alert {
        exp_labels: Texts,
        exp_annotations: Texts,
    }

    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Query {
        expr: Option<String>,
        eval_time: Option<Time>,
        exp_samples: Option<Vec<Option<Sample>>>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        labels: Option<String>,
        value: Option<Number>,
        histogram: Option<String>,
    }

    fn duration(written: Option<Time>) -> Duration {
        Duration::from_ms(written.unwrap_or_default().0)
    }

    impl Test {
        pub(super) fn test(self, evaluation_interval_ms: i64) -> super::Test {
            let series = |series: Option<Series>| {
                let series = series.unwrap_or_default();
                let (labels, values) = (series.series.unwrap_or_default(), series.values);
                format!("{labels} {}", values.unwrap_or_default().trim())
            };
            let alert = |alert: Option<Alert>| {
                let alert = alert.unwrap_or_default();
                (texts(alert.exp_labels), texts(alert.exp_annotations))
            };
            let alerts = |alerts: Option<Alerts>| {
                let alerts = alerts.unwrap_or_default();
                AlertCase {
                    eval_time: duration(alerts.eval_time),
                    alertname: alerts.alertname.unwrap_or_default(),
                    expected: list(alerts.exp_alerts).into_iter().map(alert).collect(),
                }
            };
            let sample = |sample: Option<Sample>| {
                let sample = sample.unwrap_or_default();
                super::Sample {
                    labels: sample.labels.unwrap_or_default(),
                    value: sample.value.unwrap_or_default().0,
                    histogram: sample.histogram.unwrap_or_default(),
                }
            };
            let query = |query: Option<Query>| {
                let query = query.unwrap_or_default();
                QueryCase {
                    expr: query.expr.unwrap_or_default(),
                    eval_time: duration(query.eval_time),
                    expected: list(query.exp_samples).into_iter().map(sample).collect(),
                }
            };
            super::Test {
                name: self.name.unwrap_or_default(),
                interval_ms: self.interval.unwrap_or_default().or(evaluation_interval_ms),
                start_ms: self.start_timestamp.unwrap_or_default().0,
                input_series: list(self.input_series).into_iter().map(series).collect(),
                alerts: list(self.alert_rule_test).into_iter().map(alerts).collect(),
                queries: list(self.promql_expr_test).into_iter().map(query).collect(),
                external_labels: texts(self.external_labels),
                external_url: self.external_url.unwrap_or_default(),
            }
        }
    }
}
