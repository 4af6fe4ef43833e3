//! Files and texts to sections, all within bounds.

use super::ConfigError;
use client::files::{Content, read_file, read_once};
use serde::de::DeserializeOwned;
use serde_saphyr::{NonFiniteFloatPolicy, Options, from_str_with_options, options};
use std::io;
use std::path::Path;

/// A file may hold at most this much.
const MAX_BYTES: u64 = 64 << 20;
/// Keys and values of a file; a generated one of a large cluster has a million.
const MAX_NODES: usize = 10_000_000;

/// How YAML is read. What aliases repeat is bounded by the library's own limits.
pub(super) fn yaml_options() -> Options {
    options! {
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_events: 2 * MAX_NODES },
        emit_comments: false,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
    }
}

/// Reads a whole file.
pub(super) fn file_text(path: &Path) -> Result<String, ConfigError> {
    text_of(path, read_file(path, MAX_BYTES))
}

/// Reads what a person names on the command line, which may be a pipe.
pub(super) fn text_once(path: &Path) -> Result<String, ConfigError> {
    text_of(path, read_once(path, MAX_BYTES))
}

fn text_of(path: &Path, content: io::Result<Content>) -> Result<String, ConfigError> {
    let text = content.and_then(Content::into_text);
    text.map_err(|error| ConfigError::of_file(&path.display().to_string(), error))
}

/// Reads the sections of a text; an empty one has none.
pub(super) fn sections<T: DeserializeOwned + Default>(
    text: &str,
    file: &str,
) -> Result<T, ConfigError> {
    from_str_with_options::<Option<T>>(text, yaml_options())
        .map(Option::unwrap_or_default)
        .map_err(|error| ConfigError::of_yaml(file, &error))
}
