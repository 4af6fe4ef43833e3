//! What the crate promises, through its door: conformance sets, real pages, properties.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod client_model;
mod conformance;
mod documents;
mod encoding;
mod fixtures;
mod linting;
mod messages;
mod pages;
mod pieces;
mod prediction;
mod recorder;
mod second_opinion;

use std::path::{Path, PathBuf};

/// The folder an environment variable names, else one beside the checkout; `None`, and a word about
/// it, when there is no such folder.
fn folder(variable: &str, default: &str, inside: &str, what: &str) -> Option<PathBuf> {
    let root = match std::env::var_os(variable) {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(default),
    };
    let path = root.join(inside);
    if !path.is_dir() {
        println!("skipped: {what}: no folder {}", path.display());
        return None;
    }
    Some(path)
}

fn conformance_folder(what: &str) -> Option<PathBuf> {
    folder("CONFORMANCE_DIR", "conformance", "exposition", what)
}

/// Counts what passed; prints and fails at the end.
#[derive(Default)]
struct Tally {
    passed: usize,
    failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, id: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(reason) => self.failures.push(format!("{id}: {reason}")),
        }
    }

    fn finish(self, what: &str) {
        let Self { passed, failures } = self;
        println!("{what}: {passed} passed, {} failed", failures.len());
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}
