//! What an `eval` should give.

use super::values::Point;
use model::Labels;
use model::regex::Regex;

/// One `eval` with its expectations.
#[derive(Clone, Debug)]
pub(super) struct Eval {
    /// The query.
    pub(super) query: String,
    pub(super) when: When,
    pub(super) series: Vec<ExpectedSeries>,
    pub(super) scalar: Option<f64>,
    pub(super) string: Option<Box<[u8]>>,
    /// For an instant query that gives a matrix: the times of the values.
    pub(super) window: Option<Times>,
    pub(super) ordered: bool,
    pub(super) fail: Option<Text>,
    pub(super) warnings: Notes,
    pub(super) infos: Notes,
}

/// When it is evaluated, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Instant(i64),
    Range { times: Times, end_ms: i64 },
}

/// Times of values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start_ms: i64,
    pub(super) step_ms: i64,
}

#[derive(Clone, Debug)]
pub(super) struct ExpectedSeries {
    pub(super) labels: Labels,
    pub(super) points: Vec<Point>,
}

/// Expected remarks of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    /// None are allowed.
    pub(super) none: bool,
    /// Each must match one, and each one must match one of these if there are any.
    pub(super) texts: Vec<Text>,
}

/// An expected text.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Any,
    Exactly(String),
    Matching(Regex),
}

impl Text {
    pub(super) fn exactly(text: &str) -> Self {
        Self::Exactly(text.trim().to_owned())
    }

    /// A pattern that matches anywhere in a text.
    pub(super) fn matching(pattern: &str) -> Result<Self, String> {
        let anywhere = format!(".*(?:{}).*", pattern.trim());
        Regex::new(&anywhere).map(Self::Matching).map_err(|error| error.to_string())
    }

    pub(super) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(expected) => expected == text,
            Self::Matching(regex) => regex.is_match(text),
        }
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Exactly(text) => f.write_str(text),
            Self::Matching(regex) => write!(f, "/{}/", regex.as_str()),
        }
    }
}

impl Notes {
    /// Compares with the remarks of an answer.
    pub(super) fn check(&self, kind: &str, notes: &[String]) -> Result<(), String> {
        if self.none && !notes.is_empty() {
            return Err(format!("expected no {kind} but got: {}", notes.join("; ")));
        }
        if let Some(text) = self.texts.iter().find(|text| !notes.iter().any(|n| text.accepts(n))) {
            let got = if notes.is_empty() { "none".to_owned() } else { notes.join("; ") };
            return Err(format!("expected {kind} {text} but got: {got}"));
        }
        let unwanted = |note: &&String| !self.texts.iter().any(|text| text.accepts(note));
        match notes.iter().find(unwanted) {
            Some(note) if !self.texts.is_empty() => Err(format!("unexpected {kind}: {note}")),
            _ => Ok(()),
        }
    }
}
