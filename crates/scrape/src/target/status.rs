//! What is known about a target right now.

use exposition::FamilyType;
use std::sync::Arc;

/// Whether a target answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Not asked yet.
    #[default]
    Unknown,
    /// The last scrape succeeded.
    Up,
    /// The last scrape failed.
    Down,
}

impl Health {
    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// How the last scrape of a target went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Whether the target answers.
    pub health: Health,
    /// When the last scrape began, nanoseconds since the Unix epoch; `None` before the first.
    pub last_scrape_ns: Option<i64>,
    /// How long it took.
    pub last_duration_seconds: f64,
    /// Why it failed.
    pub last_error: Option<Arc<str>>,
}

/// What a target says about one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The family's name.
    pub name: Box<str>,
    /// What it is.
    pub kind: FamilyType,
    /// The help text.
    pub help: Box<str>,
    /// The unit.
    pub unit: Box<str>,
}

impl std::hash::Hash for Family {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // Equal families have equal names and helps; the rest rarely tells two apart.
        self.name.hash(state);
        self.help.hash(state);
    }
}

impl Family {
    pub(crate) fn new(name: &str) -> Self {
        let (help, unit) = Default::default();
        Self { name: name.into(), kind: FamilyType::Unknown, help, unit }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.help.len() + self.unit.len()
    }
}
