//! The rule files that a configuration names: read and judged, each once.

use super::{ConfigError, paths, reading};
use rules::LoadedFile;
use rules::file::{Options, RuleFile};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Beyond so many faults only their number is told.
const MAX_TOLD: usize = 50;

/// Reads the files that patterns mean, in their order. A file that is reached by several ways is
/// taken once, under its first name: that of a link, not of what it leads to, so that groups keep
/// their names when a link is turned to another folder.
///
/// # Errors
/// With all that is wrong with any of the files.
pub(super) fn load(
    patterns: &[PathBuf],
    options: &Options,
) -> Result<Vec<LoadedFile>, ConfigError> {
    let mut seen = HashSet::new();
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for path in patterns.iter().flat_map(|pattern| paths::matching(pattern)) {
        // One that leads nowhere cannot be read either, which is told then.
        let resolved = path.canonicalize().unwrap_or_else(|_| path.clone());
        if seen.insert(resolved) {
            match read(&path, options) {
                Ok(file) => files.push(file),
                Err(found) => faults.extend(found),
            }
        }
    }
    match all(faults) {
        Some(error) => Err(error),
        None => Ok(files),
    }
}

fn read(path: &Path, options: &Options) -> Result<LoadedFile, Vec<ConfigError>> {
    let text = reading::file_text(path).map_err(|error| vec![error])?;
    let name = path.display().to_string();
    match RuleFile::parse(&text, options) {
        Ok(groups) => Ok(LoadedFile { name, groups: Arc::new(groups) }),
        Err(faults) => {
            let error = |fault: rules::file::Fault| ConfigError {
                file: name.clone(),
                at: fault.place,
                message: fault.message,
            };
            Err(faults.into_iter().map(error).collect())
        }
    }
}

/// All faults as one error, a line each.
fn all(faults: Vec<ConfigError>) -> Option<ConfigError> {
    let mut faults = faults.into_iter();
    let mut error = faults.next()?;
    for fault in faults.by_ref().take(MAX_TOLD - 1) {
        write!(error.message, "\n{fault}").expect("a string takes text");
    }
    let more = faults.count();
    if more > 0 {
        write!(error.message, "\nand {more} more").expect("a string takes text");
    }
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "groups: [{name: g, rules: [{record: a, expr: b}]}]\n";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for (name, text) in files {
                std::fs::write(folder.path(name), text).unwrap();
            }
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// The names of the files that are read, or all that is wrong, without the folder.
        fn load(&self, patterns: &[&str]) -> Result<Vec<String>, String> {
            let patterns: Vec<_> = patterns.iter().map(|pattern| self.path(pattern)).collect();
            let folder = format!("{}/", self.0.path().display());
            let bare = |text: String| text.replace(&folder, "");
            match load(&patterns, &Options::default()) {
                Ok(files) => Ok(files.into_iter().map(|file| bare(file.name)).collect()),
                Err(error) => Err(bare(error.to_string())),
            }
        }
    }

    #[test]
    fn files_are_taken_once_in_the_order_of_the_patterns() {
        let folder = Folder::new(&[("b.yml", GOOD), ("a.yml", GOOD), ("c.rules", GOOD)]);
        std::os::unix::fs::symlink(folder.path("b.yml"), folder.path("link.yml")).unwrap();
        let check = |patterns: &[&str], expected: &[&str]| {
            let names = folder.load(patterns).unwrap();
            assert_eq!(names, expected, "{patterns:?}");
        };
        check(&["c.rules", "*.yml"], &["c.rules", "a.yml", "b.yml"]);
        check(&["link.yml", "*.yml"], &["link.yml", "a.yml"]);
        check(&["../none/*.yml", "none.yml"], &[]);
        check(&[], &[]);
    }

    #[test]
    fn every_fault_of_every_file_is_told() {
        let bad = "groups:\n- name: g\n  rules:\n  - {record: a, expr: b}\n  - {record: c}\n\
                   \x20 - {alert: d, expr: '1 +'}\n";
        let folder = Folder::new(&[("a.yml", bad), ("b.yml", GOOD), ("c.yml", "groups: 1\n")]);
        std::fs::create_dir(folder.path("d.yml")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path("e.yml")).unwrap();
        let error = folder.load(&["*.yml"]).unwrap_err();
        let lines: Vec<_> = error.lines().collect();
        let begins = [
            "a.yml:5:14: group \"g\", rule 2, \"c\": field 'expr' must be set in rule",
            "a.yml:6:22: group \"g\", rule 3, \"d\": could not parse expression: ",
            "c.yml:1:9: ",
            "d.yml: is a directory",
            "e.yml: No such file",
        ];
        assert_eq!(lines.len(), begins.len(), "{error}");
        for (line, begin) in lines.iter().zip(begins) {
            assert!(line.starts_with(begin), "{line} is not {begin}");
        }
        let rules = "  - {record: a}\n".repeat(MAX_TOLD + 7);
        let folder = Folder::new(&[("a.yml", &format!("groups:\n- name: g\n  rules:\n{rules}"))]);
        let error = folder.load(&["a.yml"]).unwrap_err();
        assert!(error.ends_with("\nand 7 more"), "{error}");
    }
}
