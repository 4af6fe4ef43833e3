//! `rushlight check kps-values`: what do values of kube-prometheus-stack mean here?

use crate::config::{self, Reading};
use crate::flags::CheckKpsValues;
use anyhow::{Context, anyhow};
use client::files::{into_text, read_all, read_once};
use kubernetes::values::{Imported, NoteKind, Options, import};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Values may hold at most this much.
const MAX_BYTES: u64 = 64 << 20;

/// Prints a line for each value, or the configuration; ends with a failure when the server would not
/// take the values.
pub(crate) fn kps_values(asked: &CheckKpsValues) -> ExitCode {
    let told = check(asked).and_then(|(text, code)| {
        std::io::stdout().write_all(text.as_bytes()).context("standard output")?;
        Ok(code)
    });
    match told {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn check(asked: &CheckKpsValues) -> anyhow::Result<(String, ExitCode)> {
    let is_stdin = asked.file == Path::new("-");
    let name =
        if is_stdin { "standard input".to_owned() } else { asked.file.display().to_string() };
    let text = match is_stdin {
        true => read_all(std::io::stdin().lock(), MAX_BYTES).and_then(into_text),
        false => read_once(&asked.file, MAX_BYTES).and_then(|content| content.into_text()),
    };
    let text = text.with_context(|| name.clone())?;
    let options = Options { release: asked.release.clone(), namespace: asked.namespace.clone() };
    let imported = import(&text, &options).map_err(|fault| anyhow!("{name}:{fault}"))?;
    let folder = asked.file.parent().unwrap_or(Path::new(""));
    let features = promql::Features::default();
    let how = Reading { rules: Some(features), alone: false, ..Reading::default() };
    let loaded = config::parse_values(&imported, &name, folder, &how);
    let outcome = loaded.and_then(config::Loaded::refuse_unbuilt);
    let code = if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if asked.print_config {
        return match outcome {
            Ok(_) => Ok((imported.config, code)),
            Err(error) => Err(error.into()),
        };
    }
    let mut out = format!("Checking {name}\n");
    out.push_str(&lines(&imported, asked.verbose));
    match outcome {
        // What is refused has its line already.
        Err(error) if imported.refused().next().is_none() => eprintln!("  FAILED: {error}"),
        Err(_) => eprintln!("  FAILED: {} values are refused", imported.refused().count()),
        Ok(_) => out.push_str(" SUCCESS: the server takes these values\n"),
    }
    Ok((out, code))
}

/// A line for each value, with its place.
fn lines(imported: &Imported, verbose: bool) -> String {
    let mut out = String::new();
    let is_told = |kind| verbose || kind != NoteKind::Meaningless;
    for note in imported.notes.iter().filter(|note| is_told(note.kind)) {
        let what = match note.kind {
            NoteKind::Used => "used",
            NoteKind::Meaningless => "nothing",
            NoteKind::Deployment => "deployment",
            NoteKind::WrongPlace => "WRONG PLACE",
            NoteKind::Unknown => "UNKNOWN",
            NoteKind::Unsupported | NoteKind::Wrong => "REFUSED",
        };
        out.push_str(&format!("  {what:<12} {note}\n"));
    }
    let meaningless = imported.notes.iter().filter(|note| note.kind == NoteKind::Meaningless);
    let number = meaningless.count();
    if number > 0 && !verbose {
        out.push_str(&format!("  {number} values mean nothing here; --verbose tells them\n"));
    }
    for (flag, value) in &imported.flags {
        out.push_str(&format!("  {:<12} --{flag}={value}\n", "flag"));
    }
    out
}
