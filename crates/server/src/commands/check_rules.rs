//! `rushlight check rules`: would the server take a rule file, and does the file mean what it says?

use crate::flags::{CheckRules, FeatureList};
use rules::file::lint::{self, Duplicate};
use rules::file::{Fault, Options, RuleFile};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

/// Exit code when there were complaints that were asked to be fatal.
const LINT: u8 = 3;
/// A file may hold at most this much.
const MAX_BYTES: u64 = 64 << 20;

/// What is wrong with a file.
enum Failure {
    /// The server would not take it.
    Refused(Vec<String>),
    /// It is hardly meant.
    Lint(String),
}

/// Checks every file, or standard input; prints what promtool prints, to where it prints it.
pub(crate) fn rules(asked: &CheckRules) -> ExitCode {
    let (mut refused, mut complained) = (false, false);
    let inputs: Vec<Option<&Path>> = match asked.files.as_slice() {
        [] => vec![None],
        files => files.iter().map(|file| Some(file.as_path())).collect(),
    };
    for input in inputs {
        let name = input.map_or_else(|| "standard input".to_owned(), |p| p.display().to_string());
        println!("Checking {name}");
        match check(input, &name, asked) {
            Ok((count, warnings)) => {
                for warning in &warnings {
                    println!("  WARNING: {warning}");
                }
                complained |= !warnings.is_empty();
                println!("  SUCCESS: {count} rules found");
            }
            Err(failure) => {
                eprintln!("  FAILED:");
                match failure {
                    Failure::Refused(faults) => {
                        refused = true;
                        faults.iter().for_each(|fault| eprintln!("{fault}"));
                    }
                    Failure::Lint(text) => {
                        complained = true;
                        eprintln!("{text}");
                    }
                }
            }
        }
        println!();
    }
    match (refused, complained && asked.lint_fatal) {
        (true, _) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(LINT),
        (false, false) => ExitCode::SUCCESS,
    }
}

/// The number of rules, and what is hardly meant.
fn check(
    input: Option<&Path>,
    name: &str,
    asked: &CheckRules,
) -> Result<(usize, Vec<String>), Failure> {
    let text = read(input).map_err(|error| Failure::Refused(vec![format!("{name}: {error}")]))?;
    let options = Options {
        features: FeatureList::union(&asked.features).promql,
        ignore_unknown_fields: asked.ignore_unknown_fields,
        ..Options::default()
    };
    let file = RuleFile::parse(&text, &options).map_err(|faults| {
        let line = |fault: &Fault| format!("{name}:{}{fault}", space_before(fault));
        Failure::Refused(faults.iter().map(line).collect())
    })?;
    let (mut duplicates, mut never) = (false, false);
    for lint in asked.lint.split(',') {
        match lint {
            "all" => (duplicates, never) = (true, true),
            "duplicate-rules" => duplicates = true,
            "never-matches" => never = true,
            "none" => (duplicates, never) = (false, false),
            other => println!("unknown lint option: {other}"),
        }
    }
    let found = if duplicates { lint::duplicates(&file.groups) } else { Vec::new() };
    if !found.is_empty() {
        return Err(Failure::Lint(duplicates_text(&found)));
    }
    let mut warnings = Vec::new();
    if never {
        let found = lint::never_matching(&file.groups);
        warnings.extend(found.iter().map(|found| {
            let (line, column) = found.place;
            format!("{name}:{line}:{column}: {found}")
        }));
    }
    Ok((file.rule_count(), warnings))
}

/// A place follows the name at once.
fn space_before(fault: &Fault) -> &'static str {
    if fault.place.is_some() { "" } else { " " }
}

fn read(input: Option<&Path>) -> std::io::Result<String> {
    let source: Box<dyn std::io::Read> = match input {
        Some(path) => Box::new(std::fs::File::open(path)?),
        None => Box::new(std::io::stdin()),
    };
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!("larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

fn duplicates_text(found: &[Duplicate]) -> String {
    let mut text = format!("lint error {} duplicate rule(s) found.\n", found.len());
    for Duplicate { name, labels } in found {
        write!(text, "Metric: {name}\nLabel(s):\n").expect("a string takes text");
        for (name, value) in labels {
            writeln!(text, "\t{name}: {value}").expect("a string takes text");
        }
    }
    text + "Might cause inconsistency while recording expressions"
}
