//! What is known about a target right now.

use crate::diagnosis::Diagnosis;
use arc_swap::ArcSwapOption;
use exposition::FamilyType;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

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
    /// Why it failed, or what was lost although it succeeded.
    pub last_error: Option<Arc<str>>,
    /// What its scrapes brought.
    pub counts: Counts,
}

/// What the scrapes of a target brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Scrapes since the target is known, failed ones included.
    pub scrapes: u64,
    /// Scrapes that failed.
    pub failures: u64,
    /// Samples of the last scrape.
    pub scraped: u64,
    /// Samples of the last scrape after relabeling.
    pub kept: u64,
    /// Series of the last scrape that succeeded.
    pub series: u64,
    /// Series of the last scrape that were in none of the scrapes shortly before: its churn.
    pub added: u64,
    /// The same, of all scrapes together; the first one is not counted.
    pub added_total: u64,
    /// Samples of the last scrape that were refused: by the soft sample limit or by the database.
    pub refused: u64,
    /// Bytes of the last body, unpacked.
    pub body_bytes: u64,
}

/// What a loop notes after each scrape, for whoever wants to see it. A scrape like the one before
/// costs a few stores; a reader may see numbers of two scrapes side by side.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    down: AtomicBool,
    /// 0 before the first scrape.
    scrapes: AtomicU64,
    last_scrape_ns: AtomicI64,
    duration_bits: AtomicU64,
    failures: AtomicU64,
    scraped: AtomicU64,
    kept: AtomicU64,
    series: AtomicU64,
    added: AtomicU64,
    added_total: AtomicU64,
    refused: AtomicU64,
    body_bytes: AtomicU64,
    /// Whether the diagnosis is about the last scrape.
    in_trouble: AtomicBool,
    diagnosis: ArcSwapOption<Diagnosis>,
}

/// One scrape, as its loop notes it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) up: bool,
    pub(crate) at_ns: i64,
    pub(crate) duration_seconds: f64,
    pub(crate) scraped: u64,
    pub(crate) kept: u64,
    /// `None` when it failed.
    pub(crate) series: Option<u64>,
    pub(crate) added: u64,
    pub(crate) refused: u64,
    pub(crate) body_bytes: u64,
}

impl Vitals {
    /// Notes a scrape; only its target's loop does.
    pub(crate) fn note(&self, noted: &Noted, trouble: Option<Diagnosis>) {
        let add = |counter: &AtomicU64, n: u64| counter.store(counter.load(Relaxed) + n, Relaxed);
        let in_trouble = trouble.is_some();
        if let Some(diagnosis) = trouble {
            self.diagnosis.store(Some(Arc::new(diagnosis)));
        }
        self.in_trouble.store(in_trouble, Relaxed);
        self.down.store(!noted.up, Relaxed);
        self.duration_bits.store(noted.duration_seconds.to_bits(), Relaxed);
        self.scraped.store(noted.scraped, Relaxed);
        self.kept.store(noted.kept, Relaxed);
        self.added.store(noted.added, Relaxed);
        self.refused.store(noted.refused, Relaxed);
        self.body_bytes.store(noted.body_bytes, Relaxed);
        if let Some(series) = noted.series {
            if self.series.swap(series, Relaxed) > 0 {
                add(&self.added_total, noted.added);
            }
        } else {
            add(&self.failures, 1);
        }
        self.last_scrape_ns.store(noted.at_ns, Relaxed);
        add(&self.scrapes, 1);
    }

    pub(crate) fn health(&self) -> Health {
        match (self.scrapes.load(Relaxed), self.down.load(Relaxed)) {
            (0, _) => Health::Unknown,
            (_, false) => Health::Up,
            (_, true) => Health::Down,
        }
    }

    pub(crate) fn status(&self) -> Status {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        let counts = Counts {
            scrapes: get(&self.scrapes),
            failures: get(&self.failures),
            scraped: get(&self.scraped),
            kept: get(&self.kept),
            series: get(&self.series),
            added: get(&self.added),
            added_total: get(&self.added_total),
            refused: get(&self.refused),
            body_bytes: get(&self.body_bytes),
        };
        let trouble = self.in_trouble.load(Relaxed).then(|| self.diagnosis.load_full()).flatten();
        Status {
            health: self.health(),
            last_scrape_ns: (counts.scrapes > 0).then(|| self.last_scrape_ns.load(Relaxed)),
            last_duration_seconds: f64::from_bits(get(&self.duration_bits)),
            last_error: trouble.map(|diagnosis| Arc::clone(&diagnosis.error)),
            counts,
        }
    }

    pub(crate) fn diagnosis(&self) -> Option<Arc<Diagnosis>> {
        self.diagnosis.load_full()
    }
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
