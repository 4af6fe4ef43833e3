//! What the command line tells about itself: help, manual page, completions.

use super::{Shell, command, environment, features};
use crate::version::VERSION;
use clap::Command;
use clap_complete::generate;
use std::io::{self, Write};

const NAME: &str = "rushlight";

/// What follows the list of flags.
pub(super) fn after_help() -> String {
    format!(
        "Flags are those of Prometheus: --name=value or --name value; a switch is --name, \
         --name=true, --name=false or --no-name; @file is a file with one argument a line. Durations are such as 1h30m, sizes such as \
         512MB. --help-long lists also those that are rarely written, those that are accepted with \
         nothing to tune, and those of parts that are not built in.\n\
         Ours alone are the commands above.\n\n\
         Every flag has a double in the environment, {} for --storage.tsdb.path; true or false for \
         a switch. The flag wins over the variable, the variable over the default; an \
         empty variable is none.\n\n{}",
        environment::variable("storage.tsdb.path"),
        features::help()
    )
}

/// Every flag, also those that are seldom of use.
pub(super) fn complete_command() -> Command {
    command().mut_args(|arg| arg.hide(false))
}

/// `--help-long`
pub(crate) fn help_long() -> String {
    complete_command().render_help().to_string()
}

/// `rushlight man`, `--help-man`: the page of the server, or of the command that the words name.
///
/// # Errors
/// When there is no such command, or nobody reads what is printed.
pub(crate) fn man(words: &[String], out: &mut dyn Write) -> io::Result<()> {
    // All flags in a row would fill a screen; they follow, each with what it is for.
    let mut command =
        complete_command().override_usage(format!("{NAME} [FLAG]...\n{NAME} COMMAND"));
    command.build();
    for word in words {
        let found = command.find_subcommand(word).cloned();
        command = found.ok_or_else(|| io::Error::other(format!("no command {word:?}")))?;
    }
    let title = command.get_display_name().unwrap_or(NAME).to_uppercase();
    let page = clap_mangen::Man::new(command).title(title);
    page.source(format!("{NAME} {VERSION}")).manual("Rushlight").render(out)
}

/// `rushlight completions`
///
/// # Errors
/// When nobody reads what is printed.
pub(crate) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    match shell {
        Shell::Bash => generate(clap_complete::Shell::Bash, &mut command(), NAME, &mut text),
        Shell::Zsh => generate(clap_complete::Shell::Zsh, &mut command(), NAME, &mut text),
        Shell::Fish => generate(clap_complete::Shell::Fish, &mut command(), NAME, &mut text),
    }
    out.write_all(&text)
}
