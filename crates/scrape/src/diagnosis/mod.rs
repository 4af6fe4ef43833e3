//! Why a scrape failed, with what it takes to see it: the reason, the limit that was passed and the
//! page itself around the place that did not fit.
//!
//! A good scrape makes none. A [`Diagnosis`] stays with its target until the next failure replaces
//! it; all pages kept share a bounded memory, so that a thousand broken targets cost no more than
//! a hundred, each with less to show.

mod excerpt;

pub use excerpt::{Excerpt, Position};
pub(crate) use excerpt::{Excerpts, Seen};

use std::sync::Arc;

/// What kind of failure it was; also a label of our own metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The job has more targets than `target_limit`; nobody was asked.
    TargetLimit,
    /// There was no time left.
    Timeout,
    /// No answer, or half of one: names, connections, TLS, HTTP, packed bodies.
    Fetch,
    /// An answer that is not 200.
    Status,
    /// A body larger than `body_size_limit`.
    BodySizeLimit,
    /// A body in no format that can be read.
    ContentType,
    /// A page that is not in its format.
    Syntax,
    /// More samples than `sample_limit`. In the soft mode, new series were refused for it.
    SampleLimit,
    /// A native histogram with more buckets than `native_histogram_bucket_limit`.
    BucketLimit,
    /// A label beyond `label_limit`, `label_name_length_limit` or `label_value_length_limit`.
    LabelLimit,
    /// A series without a name, with an invalid one, or with a label twice.
    Series,
    /// The database refused, or its limit of series was reached.
    Storage,
    /// A bug of ours ended the scrape.
    Panic,
}

impl Reason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::TargetLimit,
        Self::Timeout,
        Self::Fetch,
        Self::Status,
        Self::BodySizeLimit,
        Self::ContentType,
        Self::Syntax,
        Self::SampleLimit,
        Self::BucketLimit,
        Self::LabelLimit,
        Self::Series,
        Self::Storage,
        Self::Panic,
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TargetLimit => "target_limit",
            Self::Timeout => "timeout",
            Self::Fetch => "fetch",
            Self::Status => "status",
            Self::BodySizeLimit => "body_size_limit",
            Self::ContentType => "content_type",
            Self::Syntax => "syntax",
            Self::SampleLimit => "sample_limit",
            Self::BucketLimit => "bucket_limit",
            Self::LabelLimit => "label_limit",
            Self::Series => "series",
            Self::Storage => "storage",
            Self::Panic => "panic",
        }
    }
}

/// Which limit was passed, by what and by how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitPassed {
    /// The option of the configuration.
    pub option: &'static str,
    /// What it allows.
    pub allowed: u64,
    /// What was found.
    pub measured: u64,
    /// The first series beyond it, when it is a limit of series, samples or labels.
    pub series: Option<String>,
}

/// What is known about the last scrape of a target that failed or lost something.
#[derive(Debug)]
pub struct Diagnosis {
    /// When the scrape began, nanoseconds since the Unix epoch.
    pub at_ns: i64,
    /// What kind of failure.
    pub reason: Reason,
    /// The whole story, as in the target's last error.
    pub error: Arc<str>,
    /// The limit, when it was one.
    pub limit: Option<LimitPassed>,
    /// The page around the place that did not fit, or the beginning of an answer that was no page.
    pub body: Option<Excerpt>,
}
