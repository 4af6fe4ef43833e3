//! Sections with little or nothing in them.

use super::Retention;
use model::duration::Duration;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;
use std::fmt;

/// A section of a part that is not built yet, with its place: empty is fine, anything in it is
/// refused.
pub(super) type Later = Option<Spanned<Content>>;

/// Whether there is anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    is_empty: bool,
}

/// Name and place of the first section that holds anything.
pub(super) fn first_filled<'a>(
    sections: impl IntoIterator<Item = (&'static str, &'a Later)>,
) -> Option<(&'static str, (u64, u64))> {
    sections.into_iter().find_map(|(name, section)| {
        let section = section.as_ref().filter(|section| !section.value.is_empty)?;
        Some((name, (section.referenced.line(), section.referenced.column())))
    })
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a section")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content { is_empty: true })
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content { is_empty: true })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let mut is_empty = true;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            is_empty = false;
        }
        Ok(Content { is_empty })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut is_empty = true;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            is_empty = false;
        }
        Ok(Content { is_empty })
    }

    fn visit_str<E>(self, _text: &str) -> Result<Content, E> {
        Ok(Content { is_empty: false })
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Content, E> {
        Ok(Content { is_empty: false })
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Content, E> {
        Ok(Content { is_empty: false })
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Content, E> {
        Ok(Content { is_empty: false })
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Content, E> {
        Ok(Content { is_empty: false })
    }
}

/// `runtime`: settings of Go's runtime, which is not here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Runtime {
    #[serde(rename = "gogc")]
    _gogc: Option<i64>,
}

/// `storage`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StorageSection {
    tsdb: Option<TsdbSection>,
    exemplars: Later,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TsdbSection {
    retention: Option<RetentionSection>,
    #[serde(rename = "out_of_order_time_window")]
    _out_of_order_time_window: ZeroDuration,
    #[serde(rename = "stale_series_compaction_threshold")]
    _stale_series_compaction_threshold: ZeroNumber,
    chunk_encoding: Later,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetentionSection {
    time: Option<DurationText>,
    size: Option<KeptSize>,
    #[serde(rename = "percentage")]
    _percentage: ZeroNumber,
}

impl StorageSection {
    pub(super) fn later(&self) -> impl Iterator<Item = (&'static str, &Later)> {
        let encoding = self.tsdb.as_ref().map(|tsdb| &tsdb.chunk_encoding);
        let encoding = encoding.map(|section| ("storage.tsdb.chunk_encoding", section));
        std::iter::once(("storage.exemplars", &self.exemplars)).chain(encoding)
    }

    pub(super) fn retention(self) -> Option<Retention> {
        let retention = self.tsdb?.retention?;
        Some(Retention {
            time_ms: retention.time.map(|time| time.0.ms).filter(|ms| *ms > 0),
            bytes: retention.size.map(|size| size.0.0).filter(|bytes| *bytes > 0),
        })
    }
}

/// A duration such as `1m30s`.
#[derive(Clone, Copy, Debug)]
pub(super) struct DurationText(pub(super) Duration);

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Duration::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A size such as `512MB`, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct SizeText(pub(super) u64);

impl<'de> Deserialize<'de> for SizeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        model::size::parse_bytes(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A size whose sign has an error of its own.
#[derive(Clone, Copy, Debug)]
struct KeptSize(SizeText);

impl<'de> Deserialize<'de> for KeptSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with('-') {
            let message = "'storage.tsdb.retention.size' must be greater than or equal to 0";
            return Err(D::Error::custom(message));
        }
        let bytes = model::size::parse_bytes(&text).map_err(D::Error::custom)?;
        Ok(Self(SizeText(bytes)))
    }
}

/// A duration for which only zero is supported yet.
#[derive(Clone, Copy, Debug, Default)]
struct ZeroDuration;

impl<'de> Deserialize<'de> for ZeroDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<DurationText>::deserialize(deserializer)? {
            Some(DurationText(duration)) if duration.ms != 0 => {
                Err(D::Error::custom("out_of_order_time_window: only 0s is supported yet"))
            }
            _ => Ok(Self),
        }
    }
}

/// A number for which only zero is supported yet.
#[derive(Clone, Copy, Debug, Default)]
struct ZeroNumber;

impl<'de> Deserialize<'de> for ZeroNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<f64>::deserialize(deserializer)? {
            Some(number) if number != 0.0 => Err(D::Error::custom("only 0 is supported yet")),
            _ => Ok(Self),
        }
    }
}
