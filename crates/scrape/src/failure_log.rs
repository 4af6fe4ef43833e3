//! Files in which failed scrapes are written down: one JSON object a line, with the keys of
//! Prometheus.
//!
//! Jobs that name the same file share it. A reload opens files anew, so that they can be rotated;
//! one that cannot be opened is told in the log, and tried again by the next reload.

use client::files::append_to;
use foldhash::HashMap;
use serde::Serialize;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The files that jobs name.
#[derive(Debug, Default)]
pub(crate) struct FailureLogs {
    files: Mutex<HashMap<PathBuf, File>>,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'static str,
    msg: &'a str,
    job_name: &'a str,
    target: &'a str,
}

impl FailureLogs {
    /// Opens these files anew and closes all others.
    pub(crate) fn reopen<'a>(&self, paths: impl Iterator<Item = &'a Path>) {
        let mut opened = HashMap::default();
        for path in paths {
            if opened.contains_key(path) {
                continue;
            }
            match append_to(path) {
                Ok(file) => {
                    opened.insert(path.to_owned(), file);
                }
                Err(error) => {
                    let path = path.display().to_string();
                    tracing::error!(path, %error, "cannot open the log of failed scrapes");
                }
            }
        }
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = opened;
    }

    /// Writes down a failure, if the file could be opened.
    pub(crate) fn write(&self, path: &Path, at_ns: i64, job: &str, url: &str, error: &str) {
        let line =
            Line { time: time(at_ns), level: "ERROR", msg: error, job_name: job, target: url };
        let mut text = serde_json::to_vec(&line).expect("texts can be written");
        text.push(b'\n');
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get_mut(path)
            && let Err(error) = file.write_all(&text)
        {
            // A full disk would fill the log with this.
            files.remove(path);
            let path = path.display().to_string();
            tracing::error!(path, %error, "the log of failed scrapes is off until the next reload");
        }
    }
}

fn time(at_ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at_ns))
        .map_or_else(|_| at_ns.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_to_the_file_that_stands_there_after_a_reload() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("failures.log");
        let logs = FailureLogs::default();
        let write = |error: &str| {
            logs.write(&path, 1_700_000_000_123_456_789, "j", "http://h:1/metrics", error);
        };
        write("before it is open");
        logs.reopen([&*path, &*path].into_iter());
        write("a \"quoted\"\ntext");
        let line = "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"ERROR\",\
                    \"msg\":\"a \\\"quoted\\\"\\ntext\",\"job_name\":\"j\",\
                    \"target\":\"http://h:1/metrics\"}\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), line);
        let old = dir.path().join("old.log");
        std::fs::rename(&path, &old).unwrap();
        write("goes to the old file");
        logs.reopen(std::iter::once(&*path));
        write("new");
        assert_eq!(std::fs::read_to_string(&old).unwrap().lines().count(), 2);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
        logs.reopen(std::iter::empty());
        write("nowhere");
        logs.reopen(std::iter::once(dir.path()));
        write("a folder is no file");
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
