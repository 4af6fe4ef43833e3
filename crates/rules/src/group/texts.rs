//! Labels and annotations of alerts, and what they may ask while they are filled in.

use super::Scene;
use crate::template::{AlertData, Host, Sample, Template};
use foldhash::{HashMap, HashMapExt as _};
use promql::{Control, Expr, Value};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};

/// Queries of templates that are kept parsed, for each rule.
const MAX_QUERIES: usize = 64;
/// The longest answer that is kept for the next alert.
const MAX_KEPT_SAMPLES: usize = 100;

/// The text of a label or an annotation.
#[derive(Debug)]
pub(super) enum Text {
    /// The same whatever the alert.
    Fixed(String),
    /// To be filled in.
    Template(Template),
}

/// What was read of the texts of a rule.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// In the order of names.
    pub(super) texts: Vec<(String, Text)>,
    /// Whether what they say may change while labels and value stay.
    pub(super) depend_on_time: bool,
}

impl Texts {
    /// Reads all texts. One that is no template says so in place of what it should say.
    pub(super) fn new(alert: &str, texts: &[(String, String)]) -> Self {
        let mut depend_on_time = false;
        let read = texts.iter().map(|(name, text)| {
            depend_on_time |= text.contains("query") || text.contains("now");
            (name.clone(), Text::new(alert, text))
        });
        Self { texts: read.collect(), depend_on_time }
    }
}

impl Text {
    fn new(alert: &str, text: &str) -> Self {
        if !text.contains("{{") {
            return Self::Fixed(text.to_owned());
        }
        let name = format!("__alert_{alert}");
        match Template::parse(&name, text) {
            Ok(template) => Self::Template(template),
            Err(error) => Self::Fixed(failed(&format!("error parsing template {name}: {error}"))),
        }
    }

    /// Fills it in.
    pub(super) fn expand(&self, data: &AlertData<'_>, host: &Asked<'_>) -> Cow<'_, str> {
        match self {
            Self::Fixed(text) => Cow::Borrowed(text),
            Self::Template(template) => {
                host.expansions.set(host.expansions.get() + 1);
                template.expand(data, host).map_or_else(
                    |error| {
                        // They mostly fail alike; all are counted.
                        if host.failures.replace(host.failures.get() + 1) == 0 {
                            host.scene.log_expansion(&error);
                        }
                        Cow::Owned(failed(&error.to_string()))
                    },
                    Cow::Owned,
                )
            }
        }
    }
}

fn failed(error: &str) -> String {
    format!("<error expanding template: {error}>")
}

/// Queries by their texts, parsed; those that are none with the reason.
pub(super) type Parsed = HashMap<String, Result<Expr, String>>;

/// What templates were answered in one evaluation, by the texts of their queries.
pub(super) type Answers = HashMap<String, Result<Vec<Sample>, String>>;

/// What templates ask, at the time of one evaluation.
pub(super) struct Asked<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) control: &'a Control,
    pub(super) parsed: RefCell<&'a mut Parsed>,
    /// What was answered already: most alerts of a rule ask the same.
    pub(super) answers: RefCell<Answers>,
    pub(super) expansions: Cell<u64>,
    pub(super) failures: Cell<u64>,
}

impl Asked<'_> {
    fn ask(&self, expr: &str) -> Result<Vec<Sample>, String> {
        let mut parsed = self.parsed.borrow_mut();
        if !parsed.contains_key(expr) {
            if parsed.len() >= MAX_QUERIES {
                **parsed = HashMap::new();
            }
            let features = &self.scene.settings.features;
            let read = promql::parse(expr, features).map_err(|error| error.to_string());
            parsed.insert(expr.to_owned(), read);
        }
        let expr = parsed[expr].as_ref().map_err(String::clone)?;
        let means = self.scene.means;
        let answer = means.engine.instant(means.store, expr, self.scene.at_ms, self.control);
        match answer.map_err(|error| error.to_string())?.value {
            Value::Vector(vector) => Ok(vector
                .into_iter()
                .map(|series| {
                    let labels = series.labels.iter();
                    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
                    Sample { labels: labels.collect(), value: series.value }
                })
                .collect()),
            Value::Scalar { value, .. } => {
                Ok(vec![Sample { labels: std::collections::BTreeMap::new(), value }])
            }
            _ => Err("rule result is not a vector or scalar".to_owned()),
        }
    }
}

impl Host for Asked<'_> {
    fn query(&self, expr: &str) -> Result<Vec<Sample>, String> {
        let known = self.answers.borrow().get(expr).cloned();
        known.unwrap_or_else(|| {
            let answer = self.ask(expr);
            let mut answers = self.answers.borrow_mut();
            // Those that ask about the alert itself are as many as there are alerts.
            let is_short = answer.as_ref().map_or(0, Vec::len) <= MAX_KEPT_SAMPLES;
            if is_short && answers.len() < MAX_QUERIES {
                answers.insert(expr.to_owned(), answer.clone());
            }
            answer
        })
    }

    fn now_ms(&self) -> i64 {
        self.scene.at_ms
    }

    fn external_url(&self) -> &str {
        &self.scene.settings.external_url
    }
}
