//! The `storage` section.

use client::{DurationText, Scalar};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

/// The section as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StorageSection {
    tsdb: Option<TsdbSection>,
    exemplars: Option<ExemplarsSection>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TsdbSection {
    retention: Option<RetentionSection>,
    out_of_order_time_window: Option<Spanned<DurationText>>,
    stale_series_compaction_threshold: Option<Spanned<Scalar<f64>>>,
    /// Encodings of a Prometheus disk format, which is not what is written here: samples come back
    /// the same with either, so either is right.
    #[serde(rename = "chunk_encoding")]
    _chunk_encoding: Option<ChunkEncoding>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ChunkEncoding {
    #[serde(rename = "floats")]
    _floats: Option<FloatEncoding>,
}

#[derive(Debug)]
struct FloatEncoding;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetentionSection {
    time: Option<DurationText>,
    size: Option<KeptSize>,
    percentage: Option<Percentage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExemplarsSection {
    max_exemplars: Option<Scalar<i64>>,
}

/// `storage.tsdb.retention`: replaces the flags when it is written; what is left out is off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Retention {
    pub(crate) time_ms: Option<i64>,
    pub(crate) bytes: Option<u64>,
    /// Of the file system's size, above 0; wins over `bytes`.
    pub(crate) percentage: Option<f64>,
}

impl StorageSection {
    /// Takes from another section what this one does not say; retention is said as a whole.
    pub(super) fn fill(&mut self, other: Self) {
        self.exemplars = self.exemplars.take().or(other.exemplars);
        let Some(other) = other.tsdb else { return };
        let own = self.tsdb.get_or_insert_default();
        own.retention = own.retention.take().or(other.retention);
        own.out_of_order_time_window =
            own.out_of_order_time_window.take().or(other.out_of_order_time_window);
    }

    pub(super) fn retention(&self) -> Option<Retention> {
        let retention = self.tsdb.as_ref()?.retention.as_ref()?;
        Some(Retention {
            time_ms: retention.time.map(|time| time.0.ms).filter(|ms| *ms > 0),
            bytes: retention.size.as_ref().map(|size| size.0).filter(|bytes| *bytes > 0),
            percentage: retention.percentage.as_ref().map(|p| p.0).filter(|p| *p > 0.0),
        })
    }

    /// How many exemplars are kept; 0 for none, as for any number below.
    pub(super) fn max_exemplars(&self) -> Option<u64> {
        let exemplars = self.exemplars.as_ref()?;
        // A block that says nothing else is Go's zero value, not the default.
        Some(u64::try_from(Scalar::value(exemplars.max_exemplars).unwrap_or(0)).unwrap_or(0))
    }

    /// What asks for something this build cannot do.
    pub(super) fn unbuilt(&self) -> Vec<(Location, &'static str)> {
        let mut found = Vec::new();
        let Some(tsdb) = &self.tsdb else { return found };
        if let Some(window) = tsdb.out_of_order_time_window.as_ref().filter(|w| w.value.0.ms != 0) {
            found.push((window.referenced, "storage.tsdb.out_of_order_time_window above 0s"));
        }
        if let Some(share) =
            tsdb.stale_series_compaction_threshold.as_ref().filter(|share| share.value.0 != 0.0)
        {
            found
                .push((share.referenced, "storage.tsdb.stale_series_compaction_threshold above 0"));
        }
        found
    }
}

impl<'de> Deserialize<'de> for FloatEncoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "" | "xor" | "xor2" => Ok(Self),
            other => Err(D::Error::custom(format_args!(
                "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must \
                 be omitted entirely, got {other:?}"
            ))),
        }
    }
}

/// A size whose sign has an error of its own.
#[derive(Debug)]
struct KeptSize(u64);

impl<'de> Deserialize<'de> for KeptSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with('-') {
            return Err(D::Error::custom(format_args!(
                "'storage.tsdb.retention.size' must be greater than or equal to 0, got {text}"
            )));
        }
        model::size::parse_bytes(&text).map(Self).map_err(D::Error::custom)
    }
}

#[derive(Debug)]
struct Percentage(f64);

impl<'de> Deserialize<'de> for Percentage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percentage = Scalar::<f64>::deserialize(deserializer)?.0;
        if !(0.0..=100.0).contains(&percentage) {
            return Err(D::Error::custom(format_args!(
                "'storage.tsdb.retention.percentage' must be in the range [0, 100], got {percentage}"
            )));
        }
        Ok(Self(percentage))
    }
}
