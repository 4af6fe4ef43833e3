//! Whether the files of a configuration have changed.

use super::{ConfigError, paths, reading, tree};
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// A number that changes when the main file does, when a file does that `rule_files` or
/// `scrape_config_files` mean, or when they mean other files.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn fingerprint(path: &Path) -> Result<u64, ConfigError> {
    let text = reading::file_text(path)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    // One that cannot be parsed is seen to change all the same.
    let sections = tree::read(&text);
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    for key in ["rule_files", "scrape_config_files"] {
        let patterns = sections[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        for pattern in patterns {
            for file in paths::matching(&paths::join(directory, pattern)) {
                (key, &file, reading::file_text(&file)?).hash(&mut hasher);
            }
        }
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn it_follows_every_file() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            fingerprint(&folder.path().join("p.yml")).unwrap()
        };
        let mut seen = vec![write("p.yml", "scrape_config_files: ['s/*.yml']\n")];
        std::fs::create_dir(folder.path().join("s")).unwrap();
        seen.push(write("s/a.yml", "scrape_configs: []\n"));
        seen.push(write("s/a.yml", "scrape_configs: [ ]\n"));
        seen.push(write("s/b.yml", ""));
        seen.push(write("p.yml", "scrape_config_files: ['s/*.yml']\nrule_files: [r.yml]\n"));
        seen.push(write("r.yml", "groups: []\n"));
        seen.push(write("p.yml", "not: [yaml"));
        assert_eq!(write("other.yml", ""), seen[6], "a file that nobody names");
        let number = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), number);
        std::fs::remove_file(folder.path().join("p.yml")).unwrap();
        assert!(fingerprint(&folder.path().join("p.yml")).is_err());
    }
}
