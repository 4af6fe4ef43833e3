//! `rushlight check rules`: would the server take a rule file, and does the file mean what it says?

use crate::flags::{CheckRules, FeatureList};
use client::files;
use rules::file::lint::{self, Duplicate};
use rules::file::{Fault, Options, RuleFile};
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Exit code when there were complaints that were asked to be fatal.
const LINT: u8 = 3;
/// A file may hold at most this much.
const MAX_BYTES: u64 = 64 << 20;

/// Where rules are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input<'a> {
    /// Standard input.
    Standard,
    /// A file of the command line, which may be a pipe.
    Asked(&'a Path),
    /// A file that a configuration names.
    Named(&'a Path),
}

/// What is wrong with a file.
enum Failure {
    /// The server would not take it.
    Refused(Vec<String>),
    /// It is hardly meant.
    Lint(String),
}

/// What to complain of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lint {
    duplicates: bool,
    never_matching: bool,
}

impl Lint {
    /// From names separated by commas; names of others are told, but for those in `others`.
    pub(super) fn new(names: &str, others: &[&str]) -> Self {
        let mut lint = Self::default();
        for name in names.split(',') {
            match name {
                "all" => lint = Self { duplicates: true, never_matching: true },
                "duplicate-rules" => lint.duplicates = true,
                "never-matches" => lint.never_matching = true,
                "none" | "" => {}
                other if others.contains(&other) => {}
                other => println!("WARNING: unknown lint option: {other:?}"),
            }
        }
        lint
    }
}

/// What came out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    /// The server would not take a file.
    pub(super) refused: bool,
    /// A file is hardly meant.
    pub(super) complained: bool,
}

/// Checks every file, or standard input; prints what promtool prints, to where it prints it.
pub(crate) fn rules(asked: &CheckRules) -> ExitCode {
    let options = Options {
        features: FeatureList::union(&asked.features).promql,
        ignore_unknown_fields: asked.ignore_unknown_fields,
        ..Options::default()
    };
    let inputs: Vec<_> = match asked.files.as_slice() {
        [] => vec![Input::Standard],
        files => files.iter().map(|file| Input::Asked(file)).collect(),
    };
    let outcome = judge(&inputs, Lint::new(&asked.lint, &[]), &options);
    match (outcome.refused, outcome.complained && asked.lint_fatal) {
        (true, _) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(LINT),
        (false, false) => ExitCode::SUCCESS,
    }
}

/// Checks files and prints what comes out.
pub(super) fn judge(inputs: &[Input<'_>], lint: Lint, options: &Options) -> Outcome {
    let mut outcome = Outcome::default();
    for input in inputs {
        let name = match input {
            Input::Standard => "standard input".to_owned(),
            Input::Asked(path) | Input::Named(path) => path.display().to_string(),
        };
        println!("Checking {name}");
        match check(*input, &name, lint, options) {
            Ok((count, warnings)) => {
                for warning in &warnings {
                    println!("  WARNING: {warning}");
                }
                outcome.complained |= !warnings.is_empty();
                println!("  SUCCESS: {count} rules found");
            }
            Err(failure) => {
                eprintln!("  FAILED:");
                match failure {
                    Failure::Refused(faults) => {
                        outcome.refused = true;
                        faults.iter().for_each(|fault| eprintln!("{fault}"));
                    }
                    Failure::Lint(text) => {
                        outcome.complained = true;
                        eprintln!("{text}");
                    }
                }
            }
        }
        println!();
    }
    outcome
}

/// The number of rules, and what is hardly meant.
fn check(
    input: Input<'_>,
    name: &str,
    lint: Lint,
    options: &Options,
) -> Result<(usize, Vec<String>), Failure> {
    let text = read(input).map_err(|error| Failure::Refused(vec![format!("{name}: {error}")]))?;
    let file = RuleFile::parse(&text, options).map_err(|faults| {
        Failure::Refused(faults.iter().map(|fault| fault_of(name, fault)).collect())
    })?;
    let found = if lint.duplicates { lint::duplicates(&file.groups) } else { Vec::new() };
    if !found.is_empty() {
        return Err(Failure::Lint(duplicates_text(&found)));
    }
    let found = if lint.never_matching { lint::never_matching(&file.groups) } else { Vec::new() };
    let warnings = found.iter().map(|found| {
        let (line, column) = found.place;
        format!("{name}:{line}:{column}: {found}")
    });
    Ok((file.rule_count(), warnings.collect()))
}

/// A fault of a file of that name; a place follows the name at once.
pub(super) fn fault_of(name: &str, fault: &Fault) -> String {
    let space = if fault.place.is_some() { "" } else { " " };
    format!("{name}:{space}{fault}")
}

fn read(input: Input<'_>) -> std::io::Result<String> {
    match input {
        Input::Standard => files::into_text(files::read_all(std::io::stdin().lock(), MAX_BYTES)?),
        Input::Asked(path) => files::read_once(path, MAX_BYTES)?.into_text(),
        Input::Named(path) => files::read_file(path, MAX_BYTES)?.into_text(),
    }
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
