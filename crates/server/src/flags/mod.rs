//! The command line: Prometheus' flags and our subcommands.
//!
//! Before clap sees the arguments, [`normal::normalise`] expands `@file` arguments, turns `--no-x`
//! of a switch into `--x=false`, and refuses by name what Prometheus 3 removed. clap refuses what
//! nobody knows, and names the nearest flag there is. What was not written is then looked up in the
//! [`environment`]; at last a flag of a part that is not built is refused by name, unless it says
//! its default ([`tables`]). Nothing is accepted and then ignored.

mod commands;
mod configured;
mod environment;
mod features;
mod normal;
pub(crate) mod pages;
mod serve;
mod tables;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use commands::{
    Check, CheckConfig, CheckKpsValues, CheckMetrics, CheckRules, CheckServiceDiscovery, Command,
    Explain, ExplainObject, ExplainTarget, Kubernetes, Output, OutputFormat, OverHistory, Query,
    Rules, RulesFormat, Shell, Test, TestRules,
};
pub(crate) use features::FeatureList;
pub(crate) use serve::{Log, LogFormat, LogLevel, SERVICE_ACCOUNT, Serve};
pub(crate) use values::ListenAddress;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Everything the command line can say.
#[derive(Debug, Parser)]
#[command(
    name = "rushlight",
    about = "Scrapes, stores and queries metrics, as Prometheus does.",
    disable_version_flag = true,
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Commands, instead of serving",
    next_line_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Print what this is and end.
    #[arg(long, short = 'V')]
    pub(crate) version: bool,
    /// Print help for every flag and end.
    #[arg(long = "help-long")]
    pub(crate) help_long: bool,
    /// Print the manual page and end.
    #[arg(long = "help-man", hide = true)]
    pub(crate) help_man: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// A command line, and the value of every server flag as text.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) cli: Cli,
    /// Whether `--config.file` was written, rather than being the default.
    pub(crate) config_file_given: bool,
    /// Whether `--query.max-samples` was.
    pub(crate) max_samples_given: bool,
    /// Flag names without dashes, and their values.
    pub(crate) flags: BTreeMap<String, String>,
    /// Worth telling once there is a log.
    pub(crate) warnings: Vec<String>,
}

/// All flags and subcommands.
fn command() -> clap::Command {
    let command = Cli::command().args(tables::args()).after_help(pages::after_help());
    // A switch takes nothing; that it may take true or false stands below the list.
    command.mut_args(|arg| match normal::takes_nothing(&arg) && arg.get_long().is_some() {
        true => arg.value_name("BOOL").hide_possible_values(true),
        false => arg,
    })
}

/// Reads the command line, whose first argument is the program's name, and the environment.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, clap::Error> {
    parse_with(args, &std::env::vars_os().collect())
}

fn parse_with(
    args: impl IntoIterator<Item = OsString>,
    variables: &BTreeMap<OsString, OsString>,
) -> Result<Parsed, clap::Error> {
    let mut command = command();
    let mut args = normal::normalise(args.into_iter().collect(), &command)
        .map_err(|message| command.error(ErrorKind::UnknownArgument, message))?;
    let mut matches = command.try_get_matches_from_mut(args.clone())?;
    let mut warnings = Vec::new();
    if matches.subcommand_name().is_none() {
        let doubles = environment::doubles(&command, &matches, |name| {
            variables.get(OsStr::new(name)).cloned()
        });
        let doubles =
            doubles.into_iter().map(|(name, arg)| (format!("environment variable {name}"), arg));
        (args, matches) = merge(&mut command, args, matches, doubles.collect())?;
        let serve = Serve::from_arg_matches(&matches)?;
        let given = matches.value_source("config_file") == Some(ValueSource::CommandLine);
        let said = configured::arguments(&command, &matches, &serve, given);
        (_, matches) = merge(&mut command, args, matches, said)?;
        warnings = environment::strangers(&command, variables.keys().map(OsString::as_os_str));
    }
    tables::refuse_what_is_not_built(&matches)
        .map_err(|message| command.error(ErrorKind::InvalidValue, message))?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let mut flags = texts(&command, &matches);
    if FeatureList::union(&cli.serve.features).auto_reload {
        cli.serve.auto_reload = true;
        flags.insert("config.auto-reload".to_owned(), "true".to_owned());
    }
    let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    Ok(Parsed {
        config_file_given: given("config_file"),
        max_samples_given: given("query_max_samples"),
        flags,
        cli,
        warnings,
    })
}

/// Parses again with arguments from elsewhere; a bad one is told with where it comes from.
fn merge(
    command: &mut clap::Command,
    mut args: Vec<OsString>,
    matches: ArgMatches,
    more: Vec<(String, OsString)>,
) -> Result<(Vec<OsString>, ArgMatches), clap::Error> {
    if more.is_empty() {
        return Ok((args, matches));
    }
    let program = args.first().cloned().unwrap_or_default();
    for (origin, argument) in more {
        if let Err(error) = command.try_get_matches_from_mut([program.clone(), argument.clone()]) {
            let message = error.to_string();
            let message = message.strip_prefix("error: ").unwrap_or(&message);
            let message = message.split("\n\nFor more information").next().unwrap_or(message);
            let message = format!("{origin}: {message}");
            return Err(command.error(ErrorKind::InvalidValue, message));
        }
        args.push(argument);
    }
    let matches = command.try_get_matches_from_mut(args.clone())?;
    Ok((args, matches))
}

/// The value of every flag of the server, as text.
fn texts(command: &clap::Command, matches: &ArgMatches) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for arg in command.get_arguments() {
        let Some(name) = arg.get_long().filter(|name| environment::has_double(name)) else {
            continue;
        };
        let raw = matches.try_get_raw(arg.get_id().as_str()).ok().flatten();
        let values: Vec<_> =
            raw.into_iter().flatten().map(|value| value.to_string_lossy()).collect();
        texts.insert(name.to_owned(), values.join(","));
    }
    texts
}
