//! `rushlight check web-config`: would the server take a file?

use crate::web;
use std::path::PathBuf;
use std::process::ExitCode;

/// Checks every file; prints what promtool prints, to where it prints it.
pub(crate) fn check(files: &[PathBuf]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for path in files {
        let file = path.display();
        match web::load(path, true) {
            Ok(_) => eprintln!("{file} SUCCESS"),
            Err(error) => {
                eprintln!("{file} FAILED: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
