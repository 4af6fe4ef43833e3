//! What a family of messages is, and what its series are of a metric.

use super::series::Refused;
use super::wire::Fields;
use crate::quote::Quoted;
use crate::sink::FamilyType;

/// What a family is.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    pub(super) help: &'a str,
    pub(super) unit: &'a str,
    pub(super) family_type: FamilyType,
}

/// What a family is; `None` when it has no metrics.
pub(super) fn read_head(message: &[u8]) -> Result<Option<Head<'_>>, Refused> {
    let (mut name, mut help, mut unit) = (&b""[..], &b""[..], &b""[..]);
    let (mut kind, mut has_metrics) = (0, false);
    let mut fields = Fields::of(message);
    while let Some((field, content)) = fields.next()? {
        match field {
            1 => name = content.bytes()?,
            2 => help = content.bytes()?,
            3 => kind = content.u64()?,
            4 => has_metrics = true,
            5 => unit = content.bytes()?,
            _ => {}
        }
    }
    if !has_metrics {
        return Ok(None);
    }
    let shown = Quoted(name);
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let name = text(name).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refused::Because(format!("invalid metric name: {shown}")))?;
    let help = text(help).ok_or_else(|| {
        Refused::Because(format!("invalid help for metric {shown}: {}", Quoted(help)))
    })?;
    let family_type = match kind {
        0 => FamilyType::Counter,
        1 => FamilyType::Gauge,
        2 => FamilyType::Summary,
        3 => FamilyType::Unknown,
        4 => FamilyType::Histogram,
        5 => FamilyType::GaugeHistogram,
        kind => {
            let message = format!("unknown metric type for metric {shown}: {kind}");
            return Err(Refused::Because(message));
        }
    };
    let total = name.strip_suffix("_total").filter(|_| family_type == FamilyType::Counter);
    let (stem, what) = total.map_or((name, "metric"), |stem| (stem, "counter"));
    let shown_unit = Quoted(unit);
    let unit = text(unit).filter(|unit| {
        unit.is_empty() || stem.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'))
    });
    let unit = unit.ok_or_else(|| {
        Refused::Because(format!("unit {shown_unit} not a suffix of {what} {shown}"))
    })?;
    Ok(Some(Head { name, help, unit, family_type }))
}

/// What a series is of its metric; mixed into its key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Value,
    Count,
    Sum,
    Native,
    Bucket(f64),
    Quantile(f64),
}

impl Part {
    #[inline]
    pub(super) fn mark(self) -> u64 {
        const LARGE: u64 = 0x9e6c_63d0_676a_9a99;
        match self {
            Self::Value => 1,
            Self::Count => 2,
            Self::Sum => 3,
            Self::Native => 4,
            Self::Bucket(bound) => bound.to_bits() ^ LARGE,
            Self::Quantile(quantile) => quantile.to_bits() ^ LARGE.rotate_left(32),
        }
    }

    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Value | Self::Native | Self::Quantile(_) => "",
            Self::Count => "_count",
            Self::Sum => "_sum",
            Self::Bucket(_) => "_bucket",
        }
    }

    pub(super) fn bound(self) -> Option<(&'static str, f64)> {
        match self {
            Self::Bucket(bound) => Some(("le", bound)),
            Self::Quantile(quantile) => Some(("quantile", quantile)),
            _ => None,
        }
    }
}
