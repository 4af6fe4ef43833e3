//! `rushlight test promql`: runs Prometheus' test scripts over the real database.

use anyhow::Context;
use client::files::Content;
use promql::script::{Checks, RowStore, run as run_script};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use storage::{AppendError, Appendable, Error, Group, GroupSpec, Querier, Queryable};
use tempfile::TempDir;
use tsdb::{Db, Options};

/// A script may hold at most this much.
const MAX_BYTES: u64 = 64 << 20;

/// Runs every script; prints a line per failure, and the counts at the end.
pub(crate) fn run(paths: &[PathBuf]) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    let mut one = |path: &Path| -> anyhow::Result<()> {
        let file = path.display();
        let script = client::files::read_once(path, MAX_BYTES).and_then(Content::into_text);
        let script = script.with_context(|| file.to_string())?;
        let mut store = RowStore::new(TempDb::new).context("a temporary database")?;
        let report = run_script(&script, &mut store, Checks::default());
        passed += report.passed;
        failed += report.failures.len();
        for failure in &report.failures {
            println!("{file}:{}", one_line(&failure.to_string()));
        }
        println!("{file}: {} passed, {} failed", report.passed, report.failures.len());
        Ok(())
    };
    let scripts = match scripts(paths) {
        Ok(scripts) => scripts,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut unreadable = false;
    for path in scripts {
        if let Err(error) = one(&path) {
            println!("{error:#}");
            unreadable = true;
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 && !unreadable { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The scripts that are named, and those in folders that are, in the order of their names.
fn scripts(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            let entries =
                std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "test") {
                    inside.push(path);
                }
            }
        }
        inside.sort();
        found.extend(inside);
    }
    Ok(found)
}

fn one_line(text: &str) -> String {
    text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

/// A database in a folder that goes with it.
struct TempDb {
    db: Db,
    _folder: TempDir,
}

impl TempDb {
    fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (db, _report) = Db::open(folder.path(), Options::default())?;
        Ok(Self { db, _folder: folder })
    }
}

impl Appendable for TempDb {
    fn open_group(&self, spec: &GroupSpec) -> Result<Box<dyn Group>, AppendError> {
        self.db.open_group(spec)
    }
}

impl Queryable for TempDb {
    fn querier(&self, range: model::TimeRange) -> Result<Arc<dyn Querier>, Error> {
        self.db.querier(range)
    }
}
