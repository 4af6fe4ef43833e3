//! The file of the query log.

use api::QueryLog;
use client::files::append_to;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// An open file. A reload opens it anew, so that one that was moved away is let go of.
pub(super) struct QueryLogFile(File);

impl QueryLogFile {
    /// Opens a file to add to, which may not exist yet.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let told = |error| format!("global.query_log_file: {}: {error}", path.display());
        append_to(path).map(Self).map_err(told)
    }
}

impl QueryLog for QueryLogFile {
    fn write(&self, line: &str) -> io::Result<()> {
        // One write a line, so that lines of queries that end together stay whole.
        (&self.0).write_all(format!("{line}\n").as_bytes())
    }
}
