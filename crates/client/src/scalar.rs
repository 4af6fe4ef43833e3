//! Scalars of the config file: numbers, truth values, durations, sizes, secrets. Refused with the
//! place they stand at.

use model::duration::Duration;
use model::scalar;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;
use std::fmt;
use zeroize::Zeroize as _;

/// A number or a truth value, read as [`model::scalar`] does. What stands between quotes is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scalar<T>(pub T);

/// What a plain scalar can mean.
pub trait FromPlain: Sized {
    /// What people are told that is expected.
    const EXPECTED: &str;

    /// The value of a plain scalar.
    fn from_plain(text: &str) -> Option<Self>;
}

impl<T> Scalar<T> {
    /// The value, if one was written.
    pub fn value(written: Option<Self>) -> Option<T> {
        written.map(|scalar| scalar.0)
    }
}

impl FromPlain for u64 {
    const EXPECTED: &str = "a whole number of 0 or more";

    fn from_plain(text: &str) -> Option<Self> {
        scalar::unsigned(text)
    }
}

impl FromPlain for i64 {
    const EXPECTED: &str = "a whole number";

    fn from_plain(text: &str) -> Option<Self> {
        scalar::signed(text)
    }
}

impl FromPlain for f64 {
    const EXPECTED: &str = "a number";

    fn from_plain(text: &str) -> Option<Self> {
        scalar::float(text)
    }
}

impl FromPlain for bool {
    const EXPECTED: &str = "true or false";

    fn from_plain(text: &str) -> Option<Self> {
        scalar::truth(text)
    }
}

impl<'de, T: FromPlain> Deserialize<'de> for Scalar<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Spanned::<String>::deserialize(deserializer)?;
        // Quotes and escapes make it longer in the file.
        let length = text.defined.span().byte_len().and_then(|len| usize::try_from(len).ok());
        let is_plain = length == Some(text.value.len());
        let value = T::from_plain(&text.value).filter(|_| is_plain);
        value.map(Self).ok_or_else(|| {
            let but = if is_plain { "" } else { ", not a text in quotes" };
            D::Error::custom(format_args!("expected {}{but}", T::EXPECTED))
        })
    }
}

/// A duration such as `1m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DurationText(pub Duration);

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Duration::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A size such as `512MB`, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeText(pub u64);

impl<'de> Deserialize<'de> for SizeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        model::size::parse_bytes(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A text that is never printed, and overwritten when it is no longer needed.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}
