//! What the configuration says of flags: as if it stood on the command line, where that says nothing.

use super::{Serve, environment};
use crate::config;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use std::ffi::OsString;

/// Where it stands, and the argument it is, for each flag that was not written. A configuration that
/// cannot be read says nothing; that is told when it is loaded.
pub(super) fn arguments(
    command: &Command,
    written: &ArgMatches,
    serve: &Serve,
    config_file_given: bool,
) -> Vec<(String, OsString)> {
    let (path, flags) = match &serve.kps_values {
        Some(path) => (path, config::flags_of_values(path, &serve.kps())),
        None if config_file_given || serve.config_file.exists() => {
            (&serve.config_file, config::flags_of_file(&serve.config_file))
        }
        None => return Vec::new(),
    };
    let is_written = |flag: &str| {
        let known = command.get_arguments().find(|arg| arg.get_long() == Some(flag));
        let known = known.filter(|_| environment::has_double(flag));
        known.is_some_and(|arg| {
            written.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
        })
    };
    let flags = flags.into_iter().filter(|(flag, _)| !is_written(flag));
    flags
        .map(|(flag, value)| (path.display().to_string(), format!("--{flag}={value}").into()))
        .collect()
}
