//! Files and texts to sections, all within bounds.

use super::ConfigError;
use serde::de::DeserializeOwned;
use serde_saphyr::{NonFiniteFloatPolicy, Options, from_str_with_options, options};
use std::io::Read;
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
    let error = |message: String| ConfigError::of_file(&path.display().to_string(), message);
    let opened = std::fs::File::open(path).map_err(|e| error(e.to_string()))?;
    let mut text = String::new();
    // Its size is no bound: a pipe and a device have none.
    opened.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| error(e.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(error(format!("larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
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
