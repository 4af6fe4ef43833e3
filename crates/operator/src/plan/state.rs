//! What became of each object.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The kinds of objects that mean jobs or rules, in the order of their jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MonitorKind {
    /// A job for each of its endpoints: Services.
    ServiceMonitor,
    /// A job for each of its endpoints: Pods.
    PodMonitor,
    /// A job that asks a prober.
    Probe,
    /// A job as `prometheus.yml` has it.
    ScrapeConfig,
    /// Groups of rules.
    PrometheusRule,
}

impl MonitorKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ServiceMonitor,
        Self::PodMonitor,
        Self::Probe,
        Self::ScrapeConfig,
        Self::PrometheusRule,
    ];

    /// As objects say it, such as `ServiceMonitor`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceMonitor => "ServiceMonitor",
            Self::PodMonitor => "PodMonitor",
            Self::Probe => "Probe",
            Self::ScrapeConfig => "ScrapeConfig",
            Self::PrometheusRule => "PrometheusRule",
        }
    }

    /// As paths of the API server say it, such as `servicemonitors`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::ServiceMonitor => "servicemonitors",
            Self::PodMonitor => "podmonitors",
            Self::Probe => "probes",
            Self::ScrapeConfig => "scrapeconfigs",
            Self::PrometheusRule => "prometheusrules",
        }
    }

    /// The kind of this name: in any case of letters, plural or not.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            text.eq_ignore_ascii_case(kind.as_str()) || text.eq_ignore_ascii_case(kind.plural())
        })
    }
}

impl fmt::Display for MonitorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: MonitorKind,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

/// `namespace/name`, as users write it.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An object, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectState {
    /// Tells it from another of the same name.
    pub uid: String,
    /// Counts the changes of its spec.
    pub generation: i64,
    /// Its edition.
    pub resource_version: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it counts.
    pub selection: Selection,
    /// What became of it; `None` exactly when it does not count.
    pub verdict: Option<Verdict>,
}

/// Whether an object counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// It does.
    Selected,
    /// Objects of its namespace do not.
    NamespaceNotSelected {
        /// What the namespace's labels lack; empty when the namespace is not known.
        misses: Vec<LabelMiss>,
        /// Why nobody knows its labels, when that is so.
        unknown: Option<String>,
    },
    /// Its labels are not those that are asked for.
    LabelsDiffer {
        /// What they lack.
        misses: Vec<LabelMiss>,
    },
}

/// A condition of a selector that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMiss {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`; a label with a given value is `In` one.
    pub operator: String,
    /// For the first two.
    pub values: Vec<String>,
    /// What the object has.
    pub found: Option<String>,
}

/// As people write selectors: `release=x is asked for, and there is none`.
impl fmt::Display for LabelMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, operator, values, found } = self;
        match (operator.as_str(), values.as_slice()) {
            ("In", [value]) => write!(f, "label {key}={value} is asked for")?,
            ("In", values) => write!(f, "label {key} in ({}) is asked for", values.join(","))?,
            ("NotIn", values) => {
                write!(f, "label {key} not in ({}) is asked for", values.join(","))?
            }
            ("Exists", _) => write!(f, "label {key} is asked for")?,
            ("DoesNotExist", _) => write!(f, "label {key} must not be there")?,
            (operator, _) => write!(f, "label {key}: {operator:?} is not an operator")?,
        }
        match found {
            Some(value) => write!(f, ", and it has {key}={value}"),
            None => f.write_str(", and it has none"),
        }
    }
}

/// What became of an object that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has jobs or rules.
    Accepted(Accepted),
    /// It is not valid, and has none.
    Rejected(Rejected),
    /// Something it refers to is not there.
    Waiting(Waiting),
}

/// An object with jobs or rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The names of its jobs.
    pub jobs: Vec<String>,
    /// The name of its rule file.
    pub file: Option<String>,
    /// How many groups and rules are in it.
    pub groups: usize,
    /// How many rules are in it.
    pub rules: usize,
    /// What is not as it was meant.
    pub warnings: Vec<Warning>,
}

impl Accepted {
    /// Whether a part of what it asks for is left out.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.warnings.iter().any(|warning| warning.kind != WarningKind::Note)
    }
}

/// Something about an object with jobs that is not as it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is.
    pub kind: WarningKind,
    /// For people; names the field.
    pub message: String,
}

/// What a warning is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// A list of discovery that is not built in was left out.
    UnsupportedDiscovery,
    /// Groups of rules that are not valid were left out.
    InvalidGroups,
    /// All is done as it says; and yet.
    Note,
}

impl WarningKind {
    /// The reason of a condition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnsupportedDiscovery => "UnsupportedDiscovery",
            Self::InvalidGroups => "InvalidGroups",
            Self::Note => "Note",
        }
    }
}

/// An object that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Of what sort it is.
    pub reason: Reason,
    /// Names the field; of a rule, its group.
    pub message: String,
}

/// Why an object is not valid, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It cannot be read, or a field says what cannot be.
    InvalidConfiguration,
    /// It names a file, which it may not.
    FileAccessDenied,
}

impl Reason {
    /// The reason of a condition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidConfiguration => "InvalidConfiguration",
            Self::FileAccessDenied => "FileAccessDenied",
        }
    }
}

/// An object that waits for what it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// All that is missing.
    pub missing: Vec<Missing>,
    /// The jobs it keeps meanwhile, when all was there before: for 5 minutes.
    pub kept: Vec<String>,
}

impl Waiting {
    /// Whether the answers are only awaited.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.missing.iter().all(|missing| missing.why == MissingReason::NotRead(None))
    }
}

/// What an object refers to, and is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// `Secret` or `ConfigMap`.
    pub kind: &'static str,
    /// Where it should be.
    pub namespace: String,
    /// Which it should be.
    pub name: String,
    /// The key in it.
    pub key: String,
    /// Why it is not there.
    pub why: MissingReason,
}

/// Why something is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MissingReason {
    /// Nobody has answered yet; with what went wrong, if anything.
    NotRead(Option<String>),
    /// We may not read it.
    Forbidden(String),
    /// There is no such object.
    NoObject,
    /// It has no such key.
    NoKey,
    /// The key's value is not text.
    NotText,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, key, why } = self;
        match why {
            MissingReason::NotRead(None) => {
                write!(f, "{kind} {namespace}/{name} has not been read yet")
            }
            MissingReason::NotRead(Some(error)) => {
                write!(f, "{kind} {namespace}/{name} could not be read: {error}")
            }
            MissingReason::Forbidden(error) => {
                write!(f, "{kind} {namespace}/{name} may not be read: {error}")
            }
            MissingReason::NoObject => write!(f, "{kind} {namespace}/{name} does not exist"),
            MissingReason::NoKey => write!(f, "{kind} {namespace}/{name} has no key {key:?}"),
            MissingReason::NotText => {
                write!(f, "key {key:?} of {kind} {namespace}/{name} is not UTF-8")
            }
        }
    }
}

/// How it stands with a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindState {
    /// Whether its objects were listed.
    pub is_synced: bool,
    /// Whether the cluster knows the kind.
    pub is_absent: bool,
    /// Why we may not read it.
    pub forbidden: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
    /// Why none of its objects can count, when a selector cannot be followed.
    pub refused: Option<String>,
    /// Objects that are left out because there are too many.
    pub left_out: usize,
}

impl KindState {
    /// Whether there is nothing to wait for: its objects are known, or may not be.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.is_synced || self.is_absent || self.forbidden.is_some()
    }
}
