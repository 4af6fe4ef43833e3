//! Lists of groups as other programs write them, in JSON or YAML.
//!
//! Whatever the bytes are, reading them ends: it takes no more memory than a small multiple of
//! their number, and what YAML repeats by name is counted as often as it stands there.

use crate::StaticConfig;

/// The most bytes of text that a YAML list may come to, with all that it repeats.
const MAX_TEXT_BYTES: usize = 128 << 20;
/// How deep YAML may nest; a list of groups has three levels.
const MAX_DEPTH: usize = 16;
/// The most scalars, lists and mappings, and ends of these, that YAML may repeat by name.
const MAX_REPEATED: usize = 1_000_000;
/// The most scalars, lists and mappings of a YAML list.
const MAX_NODES: usize = 16 << 20;

/// Why a list was not understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Yaml(Box<serde_saphyr::Error>),
    #[error("not UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    #[error("nil target group item found")]
    NullGroup,
}

type List = Option<Vec<Option<StaticConfig>>>;

/// Reads a list in JSON.
pub(crate) fn json(bytes: &[u8]) -> Result<Vec<StaticConfig>, Error> {
    whole(serde_json::from_slice(bytes)?)
}

/// Reads a list in YAML; nothing at all is an empty one.
pub(crate) fn yaml(bytes: &[u8]) -> Result<Vec<StaticConfig>, Error> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED },
        budget: serde_saphyr::budget! {
            max_events: 2 * MAX_NODES,
            max_nodes: MAX_NODES,
            max_aliases: MAX_NODES,
            max_depth: MAX_DEPTH,
            max_documents: 1,
            max_total_scalar_bytes: MAX_TEXT_BYTES,
            max_recorded_anchor_bytes: MAX_TEXT_BYTES,
            enforce_alias_anchor_ratio: false,
        },
    };
    let text = std::str::from_utf8(bytes)?;
    let list = serde_saphyr::from_str_with_options(text, options);
    whole(list.map_err(|error| Error::Yaml(Box::new(error)))?)
}

fn whole(list: List) -> Result<Vec<StaticConfig>, Error> {
    let list: Option<Vec<_>> = list.unwrap_or_default().into_iter().collect();
    list.ok_or(Error::NullGroup)
}

#[cfg(test)]
mod tests;
