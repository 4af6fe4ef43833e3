//! A database in memory with groups that are evaluated over it.

use crate::file::{Options, RuleFile};
use crate::{ActiveGroup, Evaluated, LoadedFile, Means, Outbox, Settings};
use model::{Alert, Labels};
use promql::syntax::Node;
use promql::{Control, Engine, Features, Value};
use std::sync::{Arc, Mutex};
use storage::{Absence, Appendable as _, Column, Group, GroupSpec, Row, Source};
use tsdb::Db;

pub(super) const MINUTE: i64 = 60_000;

/// What a test looks at.
pub(super) struct World {
    pub(super) db: Db,
    data: Mutex<Box<dyn Group>>,
    pub(super) sent: Arc<Sent>,
    pub(super) settings: Settings,
}

/// Alerts that were sent.
#[derive(Default)]
pub(super) struct Sent(Mutex<Vec<Alert>>);

impl Outbox for Sent {
    fn send(&self, alerts: Vec<Alert>) {
        assert!(!alerts.is_empty(), "nothing is sent when nothing is due");
        self.0.lock().unwrap().extend(alerts);
    }
}

impl Sent {
    /// What was sent since the last time.
    pub(super) fn take(&self) -> Vec<Alert> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::on(Db::in_memory(tsdb::Options::default()))
    }

    /// What comes after a restart: the same database, and nothing else.
    pub(super) fn again(&self) -> Self {
        Self::on(self.db.clone())
    }

    pub(super) fn on(db: Db) -> Self {
        let data = Mutex::new(open(&db, "data"));
        Self { db, data, sent: Arc::default(), settings: Settings::default() }
    }

    /// Stores samples of one time, which is later than all before.
    pub(super) fn put(&self, t_ms: i64, samples: &[(&str, f64)]) {
        append(&mut **self.data.lock().unwrap(), t_ms, samples);
    }

    /// Stores samples of a time that need not be the last.
    pub(super) fn put_late(&self, t_ms: i64, samples: &[(&str, f64)]) {
        append(&mut *open(&self.db, &format!("late {t_ms}")), t_ms, samples);
    }

    /// Stores a sample that is a histogram.
    pub(super) fn put_histogram(&self, t_ms: i64, series: &str, h: model::FloatHistogram) {
        let mut row = Row::new();
        row.begin(t_ms);
        let mut data = self.data.lock().unwrap();
        let (column, _): (Column, bool) = data.column(&labels(series)).unwrap();
        assert!(row.set_histogram(column, Arc::new(h)));
        data.append(&row).unwrap();
    }

    /// The first group of a file.
    pub(super) fn group(&self, text: &str) -> ActiveGroup {
        ActiveGroup::new("f.yml", &file(text).groups[0], &self.settings)
    }

    pub(super) fn with_means<T>(&self, work: impl FnOnce(&Means<'_>) -> T) -> T {
        let (engine, control) = (Engine::default(), Control::default());
        let means = Means::new(&engine, &self.db, &self.db, &control);
        work(&Means { outbox: Some(&*self.sent), ..means })
    }

    pub(super) fn evaluate(&self, group: &mut ActiveGroup, at_ms: i64) -> Evaluated {
        self.with_means(|means| group.evaluate(at_ms, means))
    }

    /// Evaluates a group of which no rule fails.
    #[track_caller]
    pub(super) fn good(&self, group: &mut ActiveGroup, at_ms: i64) {
        let evaluated = self.evaluate(group, at_ms);
        let errors: Vec<_> =
            evaluated.rules.iter().filter_map(|rule| rule.error.as_ref()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }

    /// Series and values of a query, in label order.
    pub(super) fn query(&self, text: &str, at_ms: i64) -> Vec<String> {
        let expr = promql::parse(text, &Features::ALL).unwrap();
        let answer = Engine::default().instant(&self.db, &expr, at_ms, &Control::default());
        let Value::Vector(mut vector) = answer.unwrap().value else { panic!("no vector") };
        vector.sort_by(|a, b| a.labels.cmp(&b.labels));
        let shown = vector.iter().map(|series| {
            let labels = shown(&series.labels);
            match &series.histogram {
                Some(histogram) => format!("{labels} count {}", histogram.count),
                None => format!("{labels} {}", series.value),
            }
        });
        shown.collect()
    }

    #[track_caller]
    pub(super) fn check(&self, text: &str, at_ms: i64, expected: &[&str]) {
        assert_eq!(self.query(text, at_ms), expected, "{text} at {at_ms}");
    }
}

fn open(db: &Db, key: &str) -> Box<dyn Group> {
    let (source, key) = (Source::Other, key.to_owned());
    let (common, absence) = (Labels::empty(), Absence::MeansNothing);
    db.open_group(&GroupSpec { source, key, common, absence }).unwrap()
}

fn append(group: &mut dyn Group, t_ms: i64, samples: &[(&str, f64)]) {
    let mut row = Row::new();
    row.begin(t_ms);
    for (series, value) in samples {
        let (column, _) = group.column(&labels(series)).unwrap();
        assert!(row.set(column, *value), "{series} twice");
    }
    group.append(&row).unwrap();
}

/// `name{a="b"}`, as tests write it.
pub(super) fn shown(labels: &Labels) -> String {
    let rest = labels.filter(|name, _| name != model::METRIC_NAME);
    if rest.is_empty() {
        return labels.metric_name().to_owned();
    }
    format!("{}{}", labels.metric_name(), rest.to_string().replace(", ", ","))
}

/// The labels of a series written as a selector.
pub(super) fn labels(series: &str) -> Labels {
    let expr = promql::parse(series, &Features::ALL).unwrap();
    let Node::VectorSelector(selector) = expr.node(expr.root()) else { panic!("{series}") };
    Labels::from_pairs(selector.matchers.iter().map(|m| (m.name(), m.value())))
}

/// A file of rules. `rules:` alone are those of a group `g`.
pub(super) fn file(text: &str) -> RuleFile {
    let text = match text.strip_prefix("rules:") {
        Some(rules) => format!("groups:\n- name: g\n  rules:{rules}"),
        None => text.to_owned(),
    };
    let options = Options { features: Features::ALL, ..Options::default() };
    RuleFile::parse(&text, &options).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
}

/// The same for a manager.
pub(super) fn loaded(name: &str, text: &str) -> LoadedFile {
    LoadedFile { name: name.to_owned(), groups: Arc::new(file(text)) }
}

/// The alerts of a rule as `{labels} state value`.
pub(super) fn alerts(group: &ActiveGroup, rule: usize) -> Vec<String> {
    let rules = group.rules();
    let alerts = rules[rule].alerts.iter();
    let shown = alerts
        .map(|alert| format!("{} {} {}", shown(&alert.labels), alert.state.as_str(), alert.value));
    shown.collect()
}
