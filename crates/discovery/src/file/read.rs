//! Reading discovery files.

use crate::{Group, StaticConfig, listed};
use client::files::read_file as read_whole;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The most that is read of one file.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// The label with the path of the file.
const FILE_PATH: &str = "__meta_filepath";

/// Why a file was not understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    List(#[from] listed::Error),
}

/// What the files said when they last could be read.
#[derive(Debug, Default)]
pub(super) struct Known {
    files: BTreeMap<String, Vec<Group>>,
    /// When each was written, in seconds since 1970, if that is known.
    modified: BTreeMap<String, Option<f64>>,
    /// What is wrong with a file or folder, so that it is logged once.
    complaints: BTreeMap<String, String>,
}

impl Known {
    /// Reads all files again; returns how many failed. A file that is gone takes its groups along,
    /// one that failed keeps them.
    pub(super) fn read(&mut self, patterns: &[String]) -> u64 {
        let old = std::mem::take(&mut self.files);
        let complaints = std::mem::take(&mut self.complaints);
        let mut failed = 0;
        // What is not met again is not there any more.
        self.modified.values_mut().for_each(|seconds| *seconds = None);
        let mut complain = |this: &mut Self, path: &str, error: String| {
            if complaints.get(path) != Some(&error) {
                tracing::warn!(path, error, "discovery file not read, its targets stay");
            }
            this.complaints.insert(path.to_owned(), error);
            failed += 1;
        };
        for pattern in patterns {
            let paths = paths(pattern).unwrap_or_else(|error| {
                complain(self, pattern, error.to_string());
                // The folder cannot be listed: what was there is taken to be there still.
                old.keys().filter(|path| matches_path(pattern, path)).cloned().collect()
            });
            for path in paths {
                if self.files.contains_key(&path) {
                    continue;
                }
                match read_file(&path) {
                    Ok(None) => {}
                    Ok(Some(Content { groups, modified })) => {
                        self.modified.insert(path.clone(), modified);
                        self.files.insert(path, groups);
                    }
                    Err(error) => {
                        complain(self, &path, error.to_string());
                        if let Some(groups) = old.get(&path) {
                            self.files.insert(path.clone(), groups.clone());
                        }
                        if let Some(modified) = fs::metadata(&path).ok().and_then(|m| seconds(&m)) {
                            self.modified.insert(path, Some(modified));
                        }
                    }
                }
            }
        }
        failed
    }

    /// When each file was written; those without a time are gone.
    pub(super) fn modified(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        self.modified.iter().map(|(path, seconds)| (path.as_str(), *seconds))
    }

    /// Forgets the files that are gone, once that was told.
    pub(super) fn forget_gone(&mut self) {
        self.modified.retain(|_, seconds| seconds.is_some());
    }

    /// All groups, by file.
    pub(super) fn groups(&self) -> Vec<Group> {
        self.files.values().flatten().cloned().collect()
    }
}

/// The files that a path with `*` in its last element stands for, sorted.
fn paths(pattern: &str) -> io::Result<Vec<String>> {
    if !pattern.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    let path = Path::new(pattern);
    let folder = path.parent().unwrap_or(Path::new(""));
    let listed = if folder == Path::new("") { Path::new(".") } else { folder };
    let entries = match fs::read_dir(listed) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        // A name that is no text cannot be written in a label.
        if let Ok(name) = entry?.file_name().into_string()
            && matches(file_name(pattern), &name)
        {
            paths.push(folder.join(name).to_string_lossy().into_owned());
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn matches_path(pattern: &str, path: &str) -> bool {
    let folder = |path: &str| PathBuf::from(path).parent().map(Path::to_owned);
    folder(pattern) == folder(path) && matches(file_name(pattern), file_name(path))
}

/// Whether a name fits a pattern in which `*` is any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').map_or((None, rest), |(m, end)| (Some(m), end));
    for part in middle.into_iter().flat_map(|middle| middle.split('*')) {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(end)
}

/// What a file holds.
struct Content {
    groups: Vec<Group>,
    modified: Option<f64>,
}

fn seconds(metadata: &fs::Metadata) -> Option<f64> {
    let since = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

/// The groups of one file, for those who check it.
///
/// # Errors
/// When there is no such file, or it does not hold groups.
pub fn groups_of(path: &str) -> Result<Vec<Group>, String> {
    match read_file(path) {
        Ok(Some(content)) => Ok(content.groups),
        Ok(None) => Err(format!("open {path}: no such file or directory")),
        Err(error) => Err(error.to_string()),
    }
}

/// The content of a file; `None` if there is no such file.
fn read_file(path: &str) -> Result<Option<Content>, Error> {
    let content = match read_whole(Path::new(path), MAX_FILE_BYTES) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let configs = parse(path, &content.bytes)?;
    let groups = configs.iter().enumerate().map(|(i, config)| {
        let mut group = config.group(format!("{path}:{i}"));
        group.labels = group.labels.with(FILE_PATH, path);
        group
    });
    Ok(Some(Content { groups: groups.collect(), modified: seconds(&content.metadata) }))
}

fn parse(path: &str, bytes: &[u8]) -> Result<Vec<StaticConfig>, listed::Error> {
    let is_json = path.to_lowercase().ends_with(".json");
    if is_json { listed::json(bytes) } else { listed::yaml(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Labels;

    #[test]
    fn stars_stand_for_any_text() {
        let check = |pattern: &str, yes: &[&str], no: &[&str]| {
            for (names, expected) in [(yes, true), (no, false)] {
                for name in names {
                    assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
                }
            }
        };
        check("a.yml", &["a.yml"], &["a.yaml", "b.yml", "xa.yml"]);
        check("*.yml", &["a.yml", ".yml", "é.b.yml"], &["a.yaml", "yml"]);
        check("a*.yml", &["a.yml", "ab.yml"], &["b.yml", "a.json"]);
        check("a*a.yml", &["aa.yml", "aba.yml"], &["a.yml"]);
        check("*b*d*.json", &["abcd.json", "bd.json"], &["db.json", "bd"]);
        check("*.a.*.a", &[".a..a"], &[".a.a"]);
    }

    /// What each item says, as text.
    type Said<'a> = Result<&'a [&'a str], &'a [&'a str]>;

    #[track_caller]
    fn check(path: &str, text: &str, expected: Said<'_>) {
        let say = |config: &StaticConfig| {
            let labels = Labels::from_pairs(&config.labels);
            format!("{} {labels}", config.targets.join(","))
        };
        match (parse(path, text.as_bytes()), expected) {
            (Ok(configs), Ok(expected)) => {
                let said: Vec<_> = configs.iter().map(say).collect();
                assert_eq!(said, expected, "{text:?}");
            }
            (Err(error), Err(parts)) => {
                let error = error.to_string();
                for part in parts {
                    assert!(error.contains(part), "{text:?}: {error}");
                }
            }
            (result, _) => panic!("{text:?}: {result:?}"),
        }
    }

    #[test]
    fn files_are_strict_and_name_the_line() {
        let text = "- targets: [a, y]\n  labels: {x: n, z: 01}\n";
        check("a.yml", text, Ok(&[r#"a,y {x="n", z="01"}"#]));
        let text = r#"[{"targets": ["a"], "labels": {"x": "1"}}]"#;
        check("a.json", text, Ok(&[r#"a {x="1"}"#]));
        check("a.JSON", "[{}, {\"targets\": null}]", Ok(&[" {}", " {}"]));
        check("a.yaml", "- targets:\n", Ok(&[" {}"]));
        check("a.yml", "", Ok(&[]));
        check("a.yml", "# nothing\n", Ok(&[]));
        check("a.yml", "[]", Ok(&[]));
        check("a.json", "[]", Ok(&[]));
        check("a.json", "null", Ok(&[]));
        check("a.json", "", Err(&["EOF", "line 1"]));
        check("a.json", "[\n{\"x\": 1}]", Err(&["unknown field `x`", "line 2"]));
        check("a.json", "[null]", Err(&["nil target group item found"]));
        check("a.json", "[{\"labels\": {\"x\": 1}}]", Err(&["line 1"]));
        check("a.yml", "-\n", Err(&["nil target group item found"]));
        check("a.yml", "- target: [a]\n", Err(&["unknown field", "line 1"]));
        check("a.yml", "- targets: [a]\n- targets: {}\n", Err(&["line 2"]));
        check("a.yml", "targets: [a]\n", Err(&["line 1"]));
        check("a.yml", "- targets: [a\n", Err(&["line"]));
    }

    #[test]
    fn what_is_too_large_or_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json").display().to_string();
        fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
        let check = |path: &str, part: &str| {
            let error = read_file(path).err().expect("refused").to_string();
            assert!(error.contains(part), "{path}: {error}");
        };
        check(&path, "larger than");
        check(&folder.path().display().to_string(), "not a file");
        check("/dev/zero", "not a file");
        assert!(matches!(read_file("/no/such/file.json"), Ok(None)));
    }
}
