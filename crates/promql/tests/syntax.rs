//! The parser over all expressions of the conformance scripts and over real queries, and against a
//! second parser.

use promql::{Features, parse};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder a variable names, or its usual place beside the repository.
fn folder(variable: &str, usual: &str) -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(usual);
    std::env::var_os(variable).map_or_else(beside, PathBuf::from)
}

/// The files of a folder with an extension, in the order of their names.
fn files(folder: &Path, extension: &str) -> Option<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else {
        println!("skipped: {extension} files: no folder {}", folder.display());
        return None;
    };
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    paths.sort();
    Some(paths)
}

/// The expressions of the `eval` lines of all scripts.
fn evaluated() -> Option<Vec<String>> {
    let scripts = files(&folder("CONFORMANCE_DIR", "conformance").join("promqltest"), "test")?;
    let mut expressions = Vec::new();
    for script in scripts {
        for line in fs::read_to_string(script).expect("a readable script").lines().map(str::trim) {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let skip = match words.get(..2) {
                Some([eval, "instant"]) if eval.starts_with("eval") => 4,
                Some([eval, "range"]) if eval.starts_with("eval") => 8,
                _ => continue,
            };
            expressions.push(after_words(line, skip).to_owned());
        }
    }
    Some(expressions)
}

fn after_words(line: &str, n: usize) -> &str {
    (0..n).fold(line, |rest, _| {
        rest.trim_start().split_once(char::is_whitespace).map_or("", |(_, rest)| rest)
    })
}

/// The real queries, one a line; lines that start with `#` are comments.
fn real() -> Option<Vec<String>> {
    let lists = files(&folder("DATA_DIR", "data").join("queries"), "txt")?;
    let mut queries = Vec::new();
    for list in lists {
        let text = fs::read_to_string(list).expect("a readable list");
        let lines = text.lines().map(str::trim);
        queries.extend(lines.filter(|l| !l.is_empty() && !l.starts_with('#')).map(String::from));
    }
    Some(queries)
}

/// Every text is read, and prints as something that is read and prints the same.
#[track_caller]
fn check(what: &str, texts: Option<Vec<String>>, expected_failures: &[&str]) {
    let Some(texts) = texts else { return };
    let mut failures = Vec::new();
    for text in &texts {
        let outcome = parse(text, &Features::ALL).and_then(|expr| {
            let printed = expr.to_string();
            let again = parse(&printed, &Features::ALL)?;
            assert_eq!(again.to_string(), printed, "{text}");
            assert_eq!(expr.span_text(expr.root()), text.trim_end(), "span of the whole");
            Ok(())
        });
        match outcome {
            Err(error) if !expected_failures.contains(&text.as_str()) => {
                failures.push(format!("{text}: {error}"));
            }
            _ => {}
        }
    }
    println!("{what}: {} passed, {} failed", texts.len() - failures.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn conformance_expressions_are_read_and_printed() {
    check("expressions", evaluated(), &[]);
}

#[test]
fn real_queries_are_read_and_printed() {
    check("queries", real(), &[]);
}

/// What the other parser (promql-parser 0.11.1) does not know or reads wrongly.
fn known_difference(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    if has(&["anchored", "smoothed"]) {
        return Some("extended range selectors");
    }
    if has(&["</", ">/"]) {
        return Some("histogram trim operators");
    }
    if has(&["step()", "range()", "min_of", "max_of"]) || arithmetic_in_brackets(text) {
        return Some("duration expressions");
    }
    if has(&["offset (", "offset -(", "offset +(", "offset 0s", "offset - ", "offset --"]) {
        return Some("duration expressions");
    }
    if has(&["info("]) {
        return Some("the second argument of info");
    }
    if text.contains('`') && text.contains('\\') {
        return Some("backslashes in raw strings");
    }
    None
}

fn arithmetic_in_brackets(text: &str) -> bool {
    text.split('[').skip(1).any(|rest| {
        let inside = rest.split(']').next().unwrap_or_default();
        inside.contains(['+', '-', '*', '/', '%', '^', '('])
    })
}

#[test]
fn a_second_parser_agrees() {
    let (Some(evaluated), Some(real)) = (evaluated(), real()) else { return };
    let (mut agreed, mut known, mut failures) = (0, 0, Vec::new());
    for text in evaluated.iter().chain(&real) {
        let ours = parse(text, &Features::ALL);
        let theirs = promql_parser::parser::parse(text);
        if ours.is_ok() == theirs.is_ok() {
            agreed += 1;
        } else if known_difference(text).is_some() {
            known += 1;
        } else {
            let (ours, theirs) = (ours.map(|_| ()), theirs.map(|_| ()));
            failures.push(format!("{text}: ours {ours:?}, theirs {theirs:?}"));
        }
    }
    println!(
        "second parser: {agreed} agreed, {known} known differences, {} failed",
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
