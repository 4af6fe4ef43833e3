//! `rushlight check config`: does a file load?

use crate::config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Checks every file; prints what promtool prints.
pub(crate) fn config(files: &[PathBuf]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for path in files {
        let file = path.display();
        println!("Checking {file}");
        match config::load(path, &config::Reading::default()).and_then(config::Loaded::refuse_unbuilt) {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    println!("  WARNING: {warning}");
                }
                println!(" SUCCESS: {file} is valid prometheus config file syntax");
            }
            Err(error) => {
                eprintln!("  FAILED: parsing YAML file {error}");
                code = ExitCode::FAILURE;
            }
        }
        println!();
    }
    code
}
