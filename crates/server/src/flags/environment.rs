//! Every flag has a double in the environment: `RUSHLIGHT_STORAGE_TSDB_PATH` for
//! `--storage.tsdb.path`. The command line wins; an empty variable counts as not set.

use crate::config::nearest::nearest;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use std::ffi::{OsStr, OsString};

const PREFIX: &str = "RUSHLIGHT_";
/// Flags that print something and end.
const PRINTING: &[&str] = &["help", "help-long", "help-man", "version"];

/// The name of a flag's double.
pub(super) fn variable(flag: &str) -> String {
    let name = flag.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    PREFIX.to_owned() + &name.collect::<String>().to_ascii_uppercase()
}

/// Whether a flag has a double.
pub(super) fn has_double(flag: &str) -> bool {
    !PRINTING.contains(&flag)
}

/// What the environment adds to a command line: a variable and the argument it stands for, for each
/// flag that was not written.
pub(super) fn doubles(
    command: &Command,
    written: &ArgMatches,
    lookup: impl Fn(&str) -> Option<OsString>,
) -> Vec<(String, OsString)> {
    let mut found = Vec::new();
    for arg in command.get_arguments() {
        let Some(flag) = arg.get_long().filter(|flag| has_double(flag)) else { continue };
        if written.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            continue;
        }
        let variable = variable(flag);
        if let Some(value) = lookup(&variable).filter(|value| !value.is_empty()) {
            let mut argument = OsString::from(format!("--{flag}="));
            argument.push(value);
            found.push((variable, argument));
        }
    }
    found
}

/// Sentences about variables that look like doubles and are none.
pub(super) fn strangers<'a>(
    command: &Command,
    names: impl Iterator<Item = &'a OsStr>,
) -> Vec<String> {
    let flags = command.get_arguments().filter_map(|arg| arg.get_long());
    let known: Vec<String> = flags.filter(|flag| has_double(flag)).map(variable).collect();
    let names = names.filter_map(OsStr::to_str).filter(|name| name.starts_with(PREFIX));
    let strange = names.filter(|name| !known.iter().any(|known| known == name));
    // Kubernetes tells every container the services of its namespace, maybe one of our name.
    let strange = strange.filter(|name| {
        let service = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_", "_TCP", "_UDP"];
        !name.ends_with("_PORT") && !service.iter().any(|part| name.contains(part))
    });
    let sentence = |name: &str| {
        let near = nearest(name, known.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |near| format!(" (the nearest is {near})"));
        format!("the environment variable {name} is not the double of a flag{hint}")
    };
    strange.map(sentence).collect()
}
