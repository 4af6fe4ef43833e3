//! One of `file_sd_configs`.

use crate::Error;
use crate::sections::{Section, duration, null_as_default};
use model::duration::Duration;
use serde::Deserialize;
use std::path::Path;

/// One of `file_sd_configs`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenFileConfig")]
pub struct FileConfig {
    /// Paths ending in `.json`, `.yml` or `.yaml`; the last element may contain `*`.
    pub files: Vec<String>,
    /// How often the files are read even if nothing seems to have changed.
    pub refresh_interval: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFileConfig {
    #[serde(default, deserialize_with = "null_as_default")]
    files: Vec<String>,
    #[serde(default, deserialize_with = "duration")]
    refresh_interval: Option<Duration>,
}

impl Section for FileConfig {
    const KEY: &str = "file_sd_configs";
}

impl TryFrom<WrittenFileConfig> for FileConfig {
    type Error = Error;

    fn try_from(written: WrittenFileConfig) -> Result<Self, Error> {
        let refresh_interval = written.refresh_interval.unwrap_or(Self::REFRESH_INTERVAL);
        Self::new(written.files, refresh_interval)
    }
}

impl FileConfig {
    /// How often files are read if nothing else is said.
    pub const REFRESH_INTERVAL: Duration = Duration::from_ms(300_000);

    /// # Errors
    /// When there are no files, a path cannot be one of a discovery file, or the interval is 0.
    pub fn new(files: Vec<String>, refresh_interval: Duration) -> Result<Self, Error> {
        if files.is_empty() {
            return Err(Error::NoFiles);
        }
        if let Some(path) = files.iter().find(|path| !is_valid_path(path)) {
            return Err(Error::Path(path.clone()));
        }
        if refresh_interval.ms <= 0 {
            return Err(Error::NoInterval);
        }
        Ok(Self { files, refresh_interval })
    }

    /// Makes relative paths begin at a folder: that of the file in which they are written.
    pub fn resolve(&mut self, folder: &Path) {
        for file in &mut self.files {
            if !file.is_empty() && Path::new(file).is_relative() {
                // Both were texts, so the result is one.
                *file = folder.join(&*file).to_string_lossy().into_owned();
            }
        }
    }
}

fn is_valid_path(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = ["json", "yml", "yaml", "JSON", "YML", "YAML"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending).and_then(|stem| stem.strip_suffix('.')));
    !folder.contains('*') && stem.is_some()
}
