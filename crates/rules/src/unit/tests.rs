use super::{Failure, Setting, TestFile, run};
use crate::LoadedFile;
use crate::file::{Options, RuleFile};
use promql::Features;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tsdb::Db;

/// A folder with files of tests and of rules.
struct Folder<'a> {
    path: &'a Path,
    ignore_unknown_fields: bool,
}

impl Folder<'_> {
    fn text(&self, name: &str) -> String {
        let path = self.path.join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn rules(&self, names: &[String]) -> Result<Vec<LoadedFile>, Vec<String>> {
        let ignore_unknown_fields = self.ignore_unknown_fields;
        let options = Options { ignore_unknown_fields, ..Options::default() };
        let mut loaded: Vec<LoadedFile> = Vec::new();
        for name in names {
            let groups = RuleFile::parse(&self.text(name), &options).map_err(|faults| {
                faults.iter().map(|fault| format!("{name}: {fault}")).collect::<Vec<_>>()
            })?;
            loaded.push(LoadedFile { name: name.clone(), groups: Arc::new(groups) });
        }
        Ok(loaded)
    }

    /// All that is not as expected, of tests whose names have this in them.
    fn run(&self, name: &str, only: &str) -> Vec<Failure> {
        let file = match TestFile::parse(&self.text(name)) {
            Ok(file) => file,
            Err(fault) => return vec![Failure::Input(fault.to_string())],
        };
        let rules = self.rules(&file.rule_files);
        let setting = Setting {
            file: &file,
            rules: rules.as_deref().map_err(Vec::as_slice),
            features: Features::default(),
            delayed_name_removal: false,
        };
        let tests = file.tests.iter().filter(|test| test.name.contains(only));
        tests
            .flat_map(|test| run(test, &setting, &Db::in_memory(tsdb::Options::default())))
            .collect()
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rules/unit")
}

#[test]
fn all_that_a_file_can_say() {
    let path = fixtures();
    let folder = Folder { path: &path, ignore_unknown_fields: false };
    let failures: Vec<_> = folder.run("passes.yml", "").iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn failures_are_told() {
    let path = fixtures();
    let folder = Folder { path: &path, ignore_unknown_fields: false };
    let failures = folder.run("fails.yml", "");
    let told = failures.iter().map(|failure| format!("{failure}\n\n")).collect::<String>();
    assert_eq!(told, folder.text("fails.txt"));
    let coloured = failures[1].coloured();
    assert!(coloured.contains("\n        diff: [\n                {\n"), "{coloured}");
    assert!(coloured.contains("\"severity\": \x1b[0;33m\"low\" => \"page\"\x1b[0m"), "{coloured}");
}

#[test]
fn a_rule_that_fails_ends_its_test() {
    let folder = tempfile_folder(&[
        (
            "r.yml",
            "groups: [{name: g, rules: [{record: a, expr: b * on() b}, {record: c, expr: '1'}]}]",
        ),
        (
            "t.yml",
            "rule_files: [r.yml]\n\
             tests:\n\
             - start_timestamp: 3600\n\
             \x20 input_series:\n\
             \x20 - {series: 'b{x=\"1\"}', values: _ 1}\n\
             \x20 - {series: 'b{x=\"2\"}', values: _ 1}\n\
             \x20 alert_rule_test: [{alertname: A, eval_time: 0, exp_alerts: [{}]}]\n\
             \x20 promql_expr_test: [{expr: never, eval_time: 5m, exp_samples: [{}]}]\n",
        ),
    ]);
    let folder = Folder { path: folder.path(), ignore_unknown_fields: false };
    let failures = folder.run("t.yml", "");
    assert!(matches!(&failures[0], Failure::Alerts(differ) if differ.got.is_empty()));
    assert!(
        matches!(&failures[1], Failure::Rule { rule, t_ms: 3_660_000, .. } if rule == "a"),
        "{}",
        failures[1]
    );
    assert!(failures[1].to_string().starts_with("    rule: a, time: 1h1m0s, err: found duplicate"));
    assert_eq!(failures.len(), 2);
}

#[test]
fn two_values_of_a_series_at_a_time_are_one_too_many() {
    let check = |rules: &str, input: &str, expected: &[&str]| {
        let rules = format!("groups: [{{name: g, rules: [{rules}]}}]");
        let test = format!(
            "rule_files: [r.yml]\ntests: [{{input_series: [{input}], \
             promql_expr_test: [{{expr: none, eval_time: 2m}}]}}]"
        );
        let folder = tempfile_folder(&[("r.yml", &rules), ("t.yml", &test)]);
        let folder = Folder { path: folder.path(), ignore_unknown_fields: false };
        let failures: Vec<_> = folder.run("t.yml", "").iter().map(ToString::to_string).collect();
        assert_eq!(failures, expected, "{rules}");
    };
    let duplicate = "    rule: a, time: 0s, err: duplicate sample for timestamp";
    check("{record: a, expr: '1'}, {record: a, expr: '2'}", "", &[duplicate]);
    check("{record: a, expr: '1'}, {record: a, expr: '1'}", "", &[]);
    check("{record: a, expr: '1'}, {record: a, expr: '2', labels: {b: c}}", "", &[]);
    check("{record: a, expr: '1'}", "{series: a, values: 5}", &[duplicate]);
    check("{record: a, expr: '1'}", "{series: a, values: 1 1 1}", &[]);
    // What ends in one rule cannot go on in a later one at the same time, but in an earlier one.
    let (ends, begins) = ("{record: a, expr: x < 2}", "{record: a, expr: x > 1}");
    let input = "{series: x, values: 1 2}";
    let duplicate = "    rule: a, time: 1m0s, err: duplicate sample for timestamp";
    check(&format!("{ends}, {begins}"), input, &[duplicate]);
    check(&format!("{begins}, {ends}"), input, &[]);
}

fn tempfile_folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn what_is_no_file_of_tests() {
    let check = |text: &str, expected: &str| {
        let read = TestFile::parse(text).map(|file| file.tests.len().to_string());
        assert_eq!(read.unwrap_or_else(|fault| fault.to_string()), expected, "{text}");
    };
    check("", "0");
    check("{}", "0");
    check("tests:", "0");
    check("tests: [{}, null, {}]", "3");
    check("evaluation_interval: 0\ntests: [{interval: 0s}]", "1");
    check("fuzzy: true", "1:1: field fuzzy not found in type main.unitTestFile");
    check("tests:\n- nam: a", "2:3: field nam not found in type main.unitTestFile");
    check("tests: 1", "1:8: expected sequence start");
    check("interval: 1", "1:1: field interval not found in type main.unitTestFile");
    check("evaluation_interval: 5", "1:22: not a valid duration string: \"5\"");
    check("evaluation_interval: ''", "1:22: empty duration string");
    check("tests: [{start_timestamp: now}]", "1:27: cannot parse \"now\" to a valid timestamp");
    check("group_eval_order: [a, b, a]", "1:26: group name repeated in evaluation order: a");
    check("tests: [{name: a, name: b}]", "1:19: duplicate mapping key: name");
}

#[test]
fn numbers_are_those_of_yaml() {
    let text = "tests: [{promql_expr_test: [{exp_samples: [{value: 1}, {value: 1e3}, {value: .inf}, \
                {value: -.Inf}, {value: 0x10}, {value: 1_000}, {value: 0o17}, {value: ~}]}]}]";
    let file = TestFile::parse(text).unwrap();
    let values: Vec<_> = file.tests[0].queries[0].expected.iter().map(|s| s.value).collect();
    for (bad, said) in [("'5'", "5"), ("NaN", "NaN"), ("x", "x")] {
        let text = format!("tests: [{{promql_expr_test: [{{exp_samples: [{{value: {bad}}}]}}]}}]");
        let error = TestFile::parse(&text).unwrap_err().to_string();
        let expected = format!("1:45: invalid type: string \"{said}\", expected a number");
        assert_eq!(error, expected, "{bad}");
    }
    let (infinity, negative) = (f64::INFINITY, f64::NEG_INFINITY);
    assert_eq!(values, [1.0, 1000.0, infinity, negative, 16.0, 1000.0, 15.0, 0.0]);
}

#[derive(Deserialize)]
struct Entry {
    test_file: String,
    result: String,
}

/// What a manifest says of a file: whether it passes with unknown fields ignored or not, and whether
/// tests of certain names pass.
fn expectations(result: &str) -> Vec<(bool, String, bool)> {
    if result == "passes only with --ignore-unknown-fields" {
        return vec![(false, String::new(), false), (true, String::new(), true)];
    }
    let (all, rest) = result.split_once("; with ").unwrap_or((result, ""));
    let mut expected = vec![(false, String::new(), all == "passes")];
    for part in rest.split(", with ").filter_map(|part| part.strip_prefix("--run=")) {
        let (name, verdict) = part.split_once(" it ").expect("a name and a verdict");
        expected.push((false, name.to_owned(), verdict == "passes"));
    }
    expected
}

#[test]
fn conformance() {
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    let path = folder.join("rules/unit");
    if !path.is_dir() {
        println!("skipped: unit tests of rules: no folder {}", path.display());
        return;
    }
    let manifest = std::fs::read_to_string(path.join("manifest.yaml")).unwrap();
    let entries: Vec<Entry> = serde_saphyr::from_str(&manifest).unwrap();
    let (mut passed, mut failed) = (0, Vec::new());
    for entry in &entries {
        for (ignore_unknown_fields, only, passes) in expectations(&entry.result) {
            let folder = Folder { path: &path, ignore_unknown_fields };
            let failures = folder.run(&entry.test_file, &only);
            if failures.is_empty() == passes {
                passed += 1;
                continue;
            }
            let failures: Vec<_> = failures.iter().map(ToString::to_string).collect();
            failed.push(format!("{} {only}: {}", entry.test_file, failures.join("\n")));
        }
    }
    println!("{passed} passed, {} failed", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
