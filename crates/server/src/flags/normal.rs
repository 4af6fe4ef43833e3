//! What kingpin understands and clap does not: `@file`, `--no-x`; and which flags are gone.

use clap::Command;
use client::files::Content;
use std::ffi::OsString;
use std::path::Path;

/// Flags that Prometheus 2 had, and what to write instead.
const REMOVED: &[(&str, &str)] = &[
    ("alertmanager.timeout", "set the timeout in the alertmanager's section of the config file"),
    ("storage.tsdb.allow-overlapping-blocks", "overlapping blocks are always allowed; remove it"),
    ("storage.tsdb.retention", "use --storage.tsdb.retention.time"),
];

/// Files named by `@` may hold at most this much.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Arguments as clap takes them; the first is the program's name.
pub(super) fn normalise(args: Vec<OsString>, command: &Command) -> Result<Vec<OsString>, String> {
    let mut out = Vec::with_capacity(args.len());
    for (i, arg) in args.into_iter().enumerate() {
        match arg.to_str() {
            Some(file) if i > 0 && file.len() > 1 && file.starts_with('@') => {
                for line in lines_of(&file[1..])? {
                    out.push(one(&line, command)?.into());
                }
            }
            Some(text) if i > 0 => out.push(one(text, command)?.into()),
            _ => out.push(arg),
        }
    }
    Ok(out)
}

fn lines_of(path: &str) -> Result<Vec<String>, String> {
    let content = client::files::read_once(Path::new(path), MAX_FILE_BYTES);
    let text = content.and_then(Content::into_text).map_err(|error| format!("@{path}: {error}"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.filter(|line| !line.starts_with('#')).map(String::from).collect())
}

fn one(arg: &str, command: &Command) -> Result<String, String> {
    let Some(flag) = arg.strip_prefix("--") else { return Ok(arg.to_owned()) };
    let name = flag.split('=').next().unwrap_or(flag);
    let positive = name.strip_prefix("no-").unwrap_or(name);
    if let Some((_, hint)) = REMOVED.iter().find(|(removed, _)| *removed == positive) {
        return Err(format!("--{name} was removed in Prometheus 3: {hint}"));
    }
    let is_switch = |arg: &clap::Arg| arg.get_long() == Some(positive) && takes_nothing(arg);
    if name.starts_with("no-") && flag == name && command.get_arguments().any(is_switch) {
        return Ok(format!("--{positive}=false"));
    }
    Ok(arg.to_owned())
}

/// Whether a flag may stand without a value.
pub(super) fn takes_nothing(arg: &clap::Arg) -> bool {
    arg.get_num_args().is_some_and(|range| range.min_values() == 0)
}
