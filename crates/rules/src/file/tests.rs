use super::lint::{duplicates, never_matching};
use super::{Kind, Options, RuleFile};
use promql::Features;
use std::path::{Path, PathBuf};

fn folder(variable: &str, default: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(default),
        PathBuf::from,
    );
    path.is_dir().then_some(path)
}

fn parse(text: &str) -> Result<RuleFile, String> {
    let options = Options { features: Features::ALL, ..Options::default() };
    RuleFile::parse(text, &options).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        faults.join("\n")
    })
}

#[track_caller]
fn refuses(rules: &str, expected: &str) {
    let text = format!("groups:\n- name: g\n  rules:\n{rules}");
    let error = parse(&text).expect_err(rules);
    assert_eq!(error, expected, "{rules}");
}

#[test]
fn faults_have_a_place_and_a_name() {
    refuses(
        "  - record: a\n    expr: sum(",
        "5:11: group \"g\", rule 1, \"a\": could not parse expression: 1:5: parse error: unclosed left parenthesis",
    );
    refuses(
        "  - alert: A\n    record: a\n    expr: 1",
        "5:13: group \"g\", rule 1, \"a\": only one of 'record' and 'alert' must be set",
    );
    refuses(
        "  - expr: 1",
        "4:5: group \"g\", rule 1, \"\": one of 'record' or 'alert' must be set",
    );
    refuses("  - record: a", "4:13: group \"g\", rule 1, \"a\": field 'expr' must be set in rule");
    refuses(
        "  - record: a{b=\"c\"}\n    expr: 1",
        "4:13: group \"g\", rule 1, \"a{b=\\\"c\\\"}\": braces present in the recording rule name; should it be in expr?: a{b=\"c\"}",
    );
    refuses(
        "  - alert: A\n    expr: 1\n    labels: {__name__: x}",
        "4:12: group \"g\", rule 1, \"A\": invalid label name: __name__",
    );
    refuses(
        "  - alert: A\n    expr: 1\n    annotations: {a: \"{{ $x }}\"}",
        "4:12: group \"g\", rule 1, \"A\": annotation \"a\": template: __alert_A:1: undefined variable \"$x\"",
    );
    refuses("  - alert: A\n    expr: 1\n    for: 5", "6:10: not a valid duration string: \"5\"");
}

#[test]
fn a_limit_below_zero_is_none() {
    for (limit, expected) in [(-5, 0), (0, 0), (7, 7)] {
        let text = format!("groups: [{{name: g, limit: {limit}, rules: []}}]");
        assert_eq!(parse(&text).unwrap().groups[0].limit, expected);
    }
}

#[test]
fn faults_of_form_speak_of_the_file() {
    let check = |text: &str, expected: &str| assert_eq!(parse(text).unwrap_err(), expected);
    check("groups: []\n---\nfoo: []\n", "3:1: multiple YAML documents detected");
    check("groups: [{? : 1}]\n", "1:13: cannot deserialize null into string");
}

#[test]
fn objects_are_files_too() {
    let object = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: x}\n\
                  spec:\n  groups:\n  - name: g\n    partial_response_strategy: warn\n    interval: ''\n\
                  \x20   rules: [{alert: A, expr: 1, for: 1m}]\n";
    let file = parse(object).unwrap();
    let Kind::Alert { for_ms, .. } = file.groups[0].rules[0].kind else { panic!("an alert") };
    assert_eq!((for_ms, file.groups[0].interval_ms), (60_000, None));
    assert!(parse("groups: [{name: g, partial_response_strategy: warn}]").is_err());
    assert_eq!(parse("").unwrap().rule_count(), 0);
}

#[test]
fn lint_finds_what_is_hardly_meant() {
    let file = parse(
        "groups:\n- name: g\n  labels: {a: b}\n  rules:\n  - {record: x, expr: 'm{le=\"120\"}'}\n  \
         - {record: x, expr: 'm{le=\"120.0\",quantile=~\"1\"}', labels: {a: b}}\n",
    );
    let file = file.unwrap();
    let found = duplicates(&file.groups);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].labels, [("a".to_owned(), "b".to_owned())]);
    let never: Vec<_> = never_matching(&file.groups).iter().map(ToString::to_string).collect();
    assert_eq!(
        never,
        [
            "group \"g\", \"x\": le=\"120\" never matches: bounds are stored as le=\"120.0\"",
            "group \"g\", \"x\": quantile=~\"1\" never matches: bounds are stored as \
             quantile=\"1.0\""
        ]
    );
}

#[test]
fn bounds_are_asked_for_as_they_are_stored() {
    let check = |matcher: &str, expected: &[&str]| {
        let text = format!("groups: [{{name: g, rules: [{{record: x, expr: 'm{{{matcher}}}'}}]}}]");
        let file = parse(&text).unwrap();
        let found = never_matching(&file.groups).into_iter();
        let found: Vec<_> = found.map(|found| format!("{}: {}", found.verb, found.why)).collect();
        assert_eq!(found, expected, "{matcher}");
    };
    let stored = "bounds are stored as le=\"1.0\"";
    check("le=\"1\"", &[&format!("matches: {stored}")]);
    check("le!=\"1\"", &[&format!("excludes: {stored}")]);
    check("le=~\"0.5|1|\\\\+Inf\"", &[&format!("matches \"1\": {stored}")]);
    check("le=~\"(0\\\\.5|1)\"", &[&format!("matches \"1\": {stored}")]);
    check("le!~\"1|1.0\"", &[&format!("excludes \"1\": {stored}")]);
    check("le=\"1.0\",quantile=\"0.99\"", &[]);
    check("le=~\"1|.*\"", &[]);
    check("le=~\".+\",le!=\"\"", &[]);
    check("other=\"1\"", &[]);
}

/// The syntax sets: each file is accepted, or refused with the text that is expected.
#[test]
fn conformance_syntax() {
    let Some(folder) = folder("CONFORMANCE_DIR", "conformance") else {
        println!("skipped: rule file syntax: no conformance folder");
        return;
    };
    let folder = folder.join("rules/syntax");
    let manifest = std::fs::read_to_string(folder.join("manifest.yaml")).unwrap();
    #[derive(serde::Deserialize)]
    struct Case {
        file: String,
        parse: String,
        error_contains: Option<String>,
    }
    let cases: Vec<Case> = serde_saphyr::from_str(&manifest).unwrap();
    let mut failed = Vec::new();
    let count = cases.len();
    for case in cases {
        let text = std::fs::read_to_string(folder.join(&case.file)).unwrap();
        let answer = parse(&text);
        let expected = case.error_contains.unwrap_or_default();
        let right = match &answer {
            Ok(_) => case.parse == "ok",
            Err(error) => case.parse == "error" && error.contains(&expected),
        };
        if !right {
            failed.push(format!("{}: {:?}", case.file, answer.map(|file| file.rule_count())));
        }
    }
    println!("{} passed, {} failed", count - failed.len(), failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Real files: those that the collection marks as refused are refused, all others load.
#[test]
fn real_files() {
    let Some(folder) = folder("DATA_DIR", "data") else {
        println!("skipped: real rule files: no data folder");
        return;
    };
    let (mut passed, mut failed) = (0, Vec::new());
    for entry in std::fs::read_dir(folder.join("rules")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".yml") && !name.ends_with(".yaml") {
            continue;
        }
        let answer = parse(&std::fs::read_to_string(&path).unwrap());
        // Those of the VictoriaMetrics files that use its own key `concurrency`.
        let refused = ["single-node", "vmagent", "invalid"].iter().any(|part| name.contains(part));
        if answer.is_err() == refused { passed += 1 } else { failed.push((name, answer.err())) }
    }
    println!("{passed} passed, {} failed", failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}
