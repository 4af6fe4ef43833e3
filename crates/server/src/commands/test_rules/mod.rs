//! `rushlight test rules`: runs unit tests of rules, and prints what promtool prints, to where it
//! prints it.

mod junit;

use super::check_rules;
use crate::clock;
use crate::config::paths;
use crate::flags::{FeatureList, TestRules};
use client::files::{self, Content};
use junit::{Case, Suite};
use model::regex::Regex;
use rules::LoadedFile;
use rules::file::{Options, RuleFile};
use rules::unit::{self, Failure, Setting, Test, TestFile};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use tsdb::Db;

/// A file may hold at most this much.
const MAX_BYTES: u64 = 64 << 20;

/// Runs the tests of all files.
pub(crate) fn run(asked: &TestRules) -> ExitCode {
    let only = match only(&asked.run) {
        Ok(only) => only,
        Err(error) => {
            eprintln!("--run: {error}");
            return ExitCode::FAILURE;
        }
    };
    let runner = Runner { asked, only, features: FeatureList::union(&asked.features) };
    let (mut suites, mut failed) = (Vec::new(), false);
    for path in &asked.files {
        let suite = runner.file(path);
        failed |= suite.failed();
        suites.push(suite);
        println!();
    }
    if let Some(path) = &asked.junit
        && let Err(error) = std::fs::write(path, junit::xml(&suites))
    {
        eprintln!("failed to write JUnit XML: {}: {error}", path.display());
        failed = true;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The names of tests to run, where any of these patterns matches a part.
fn only(patterns: &[String]) -> Result<Option<Regex>, model::regex::Error> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let any = patterns.join("|");
    // Asked alone as well, so that no unpaired bracket is closed by what stands around it.
    Regex::new(&any)?;
    Regex::new(&format!("(?s:.*)(?:{any})(?s:.*)")).map(Some)
}

struct Runner<'a> {
    asked: &'a TestRules,
    only: Option<Regex>,
    features: FeatureList,
}

impl Runner<'_> {
    /// Runs the tests of a file, and prints what comes out.
    fn file(&self, path: &Path) -> Suite {
        let mut suite = Suite { name: path.display().to_string(), ..Suite::default() };
        println!("Unit Testing:  {}", path.display());
        let faults = match read(path) {
            Ok(file) => {
                suite.time = Some(local_time());
                let (cases, faults) = self.tests(path, &file);
                suite.cases = cases;
                faults
            }
            Err(error) => {
                suite.error = Some(error.clone());
                vec![error]
            }
        };
        if faults.is_empty() {
            println!("  SUCCESS");
        } else {
            eprintln!("  FAILED:");
            for fault in faults {
                eprintln!("{fault}");
                println!();
            }
        }
        suite
    }

    /// What became of the tests, and all texts to print.
    fn tests(&self, path: &Path, file: &TestFile) -> (Vec<Case>, Vec<String>) {
        let is_asked =
            |test: &Test| self.only.as_ref().is_none_or(|only| only.is_match(&test.name));
        let tests: Vec<_> = file.tests.iter().enumerate().filter(|(_, t)| is_asked(t)).collect();
        let rules = match tests.is_empty() {
            true => Ok(Vec::new()),
            false => self.rules(path, file),
        };
        let setting = Setting {
            file,
            rules: rules.as_deref().map_err(Vec::as_slice),
            features: self.features.promql,
            delayed_name_removal: self.features.delayed_name_removal,
        };
        let (mut cases, mut faults) = (Vec::new(), Vec::new());
        for (i, test) in tests {
            let name = match test.name.as_str() {
                "" => format!("unnamed#{i}"),
                name => name.to_owned(),
            };
            let failures = self.test(&name, test, &setting);
            faults.extend(failures.iter().map(|failure| match self.asked.diff {
                true => failure.coloured(),
                false => failure.to_string(),
            }));
            // Colours are for a terminal.
            cases.push(Case { name, failures: failures.iter().map(ToString::to_string).collect() });
        }
        (cases, faults)
    }

    fn test(&self, name: &str, test: &Test, setting: &Setting<'_>) -> Vec<Failure> {
        let store = Db::in_memory(tsdb::Options::default());
        if !self.asked.debug {
            return unit::run(test, setting, &store);
        }
        let start = Instant::now();
        eprintln!("DEBUG: Starting test {name}");
        let failures = unit::run(test, setting, &store);
        match unit::dump(test, &store) {
            Ok(dump) => {
                eprintln!("DEBUG: Dump of all data (input_series and rules):\n{dump}");
            }
            Err(error) => eprintln!("DEBUG: Failed query exec: {error}"),
        }
        eprintln!("DEBUG: Test {name} finished, took {:?}", start.elapsed());
        failures
    }

    /// The rules that a file asks for; all that is wrong with the first bad file.
    fn rules(&self, path: &Path, file: &TestFile) -> Result<Vec<LoadedFile>, Vec<String>> {
        let options = Options {
            features: self.features.promql,
            ignore_unknown_fields: self.asked.ignore_unknown_fields,
            ..Options::default()
        };
        let mut seen = HashSet::new();
        let mut loaded = Vec::new();
        for path in rule_files(path, &file.rule_files) {
            if !seen.insert(path.clone()) {
                continue;
            }
            let name = path.display().to_string();
            let text = files::read_file(&path, MAX_BYTES).and_then(Content::into_text);
            let text = text.map_err(|error| vec![format!("{name}: {error}")])?;
            let groups = RuleFile::parse(&text, &options).map_err(|faults| {
                faults.iter().map(|fault| check_rules::fault_of(&name, fault)).collect::<Vec<_>>()
            })?;
            loaded.push(LoadedFile { name, groups: Arc::new(groups) });
        }
        Ok(loaded)
    }
}

fn read(path: &Path) -> Result<TestFile, String> {
    let name = path.display().to_string();
    let text = files::read_once(path, MAX_BYTES).and_then(Content::into_text);
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    TestFile::parse(&text).map_err(|fault| check_rules::fault_of(&name, &fault))
}

/// The files that patterns mean, which begin at the folder of the file that they stand in.
fn rule_files(test_file: &Path, patterns: &[String]) -> Vec<PathBuf> {
    let folder = test_file.parent().unwrap_or(Path::new(""));
    let mut all = Vec::new();
    for pattern in patterns {
        let pattern = if pattern.is_empty() { PathBuf::new() } else { folder.join(pattern) };
        let found = paths::matching(&pattern);
        if found.is_empty() {
            eprintln!("  WARNING: no file match pattern {}", pattern.display());
        }
        all.extend(found);
    }
    all
}

/// The time of the machine, as reports have it.
fn local_time() -> String {
    let now = jiff::Timestamp::from_millisecond(clock::now_ms()).unwrap_or_default();
    now.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::only;

    #[test]
    fn a_pattern_matches_anywhere() {
        let check = |patterns: &[&str], name: &str, expected: bool| {
            let patterns: Vec<_> = patterns.iter().map(|p| (*p).to_owned()).collect();
            let only = only(&patterns).unwrap();
            assert_eq!(only.is_none_or(|only| only.is_match(name)), expected, "{patterns:?}");
        };
        check(&[], "any", true);
        check(&["b"], "abc", true);
        check(&["^b"], "abc", false);
        check(&["x", "c$"], "abc", true);
        check(&["x"], "", false);
        check(&[""], "abc", true);
        assert!(only(&["a)(b".to_owned()]).is_err());
        assert!(only(&["(".to_owned()]).is_err());
    }
}
