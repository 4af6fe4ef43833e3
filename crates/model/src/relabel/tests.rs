use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Deserialize)]
struct Cases {
    process: Vec<Process>,
    validate: Vec<Validate>,
    target_label_legacy: Vec<TargetLabel>,
}

#[derive(Deserialize)]
struct Process {
    id: String,
    input: BTreeMap<String, String>,
    relabel_configs: Vec<Config>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expect {
    Labels(BTreeMap<String, String>),
    Drop(String),
}

#[derive(Deserialize)]
struct Validate {
    id: String,
    config: Config,
    error: Option<String>,
}

#[derive(Deserialize)]
struct TargetLabel {
    id: String,
    template: String,
    valid: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    source_labels: Option<Vec<String>>,
    separator: Option<String>,
    regex: Option<String>,
    modulus: Option<u64>,
    target_label: Option<String>,
    replacement: Option<String>,
    action: Option<String>,
    name_validation_scheme: Option<String>,
}

impl Config {
    fn rule(self) -> Result<Rule, Error> {
        let scheme = match self.name_validation_scheme.as_deref() {
            Some("legacy") => NameScheme::Legacy,
            _ => NameScheme::Utf8,
        };
        let raw = RawRule {
            source_labels: self.source_labels,
            separator: self.separator,
            regex: self.regex,
            modulus: self.modulus,
            target_label: self.target_label,
            replacement: self.replacement,
            action: self.action,
        };
        Rule::new(raw, scheme)
    }
}

fn process(case: Process) -> Result<(), String> {
    let rules: Result<Vec<_>, _> = case.relabel_configs.into_iter().map(Config::rule).collect();
    let rules = rules.map_err(|e| e.to_string())?;
    let mut labels = LabelsBuilder::new();
    for (name, value) in &case.input {
        labels.set(name, value);
    }
    let kept = apply(&rules, &mut labels).then(|| {
        labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect::<BTreeMap<_, _>>()
    });
    let expected = match case.expect {
        Expect::Labels(labels) => Some(labels),
        Expect::Drop(word) => {
            assert_eq!(word, "drop");
            None
        }
    };
    if kept == expected { Ok(()) } else { Err(format!("{kept:?}, expected {expected:?}")) }
}

fn validate(mut case: Validate) -> Result<(), String> {
    // Here an absent action is an empty one, not the default of the configuration file.
    case.config.action.get_or_insert_default();
    match (case.config.rule(), case.error) {
        (Ok(_), None) => Ok(()),
        (Err(error), Some(part)) if error.to_string().contains(&part) => Ok(()),
        (result, error) => Err(format!("{result:?}, expected {error:?}")),
    }
}

fn target_label(case: TargetLabel) -> Result<(), String> {
    let valid = is_name_template(&case.template, NameScheme::Legacy);
    if valid == case.valid { Ok(()) } else { Err(format!("{} is {valid}", case.template)) }
}

#[test]
fn conformance() {
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        println!("skipped: relabel: no folder {}", folder.display());
        return;
    }
    let text = std::fs::read_to_string(folder.join("relabel.yaml")).unwrap();
    // In Go a `y` where a text is wanted is a text.
    let options = serde_saphyr::options! { strict_booleans: true };
    let cases: Cases = serde_saphyr::from_str_with_options(&text, options).unwrap();
    let mut results = Vec::new();
    results.extend(cases.process.into_iter().map(|case| (case.id.clone(), process(case))));
    results.extend(cases.validate.into_iter().map(|case| (case.id.clone(), validate(case))));
    let targets = cases.target_label_legacy.into_iter();
    results.extend(targets.map(|case| (case.id.clone(), target_label(case))));
    let mut failed = 0;
    for (id, result) in &results {
        if let Err(message) = result {
            println!("{id}: {message}");
            failed += 1;
        }
    }
    println!("relabel: {} passed, {failed} failed", results.len() - failed);
    assert_eq!(failed, 0);
}

fn rule(action: &str, source: &[&str], target: &str, regex: &str, replacement: &str) -> Rule {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let raw = RawRule {
        source_labels: Some(source.iter().map(|name| (*name).to_owned()).collect()),
        target_label: text(target),
        regex: text(regex),
        replacement: text(replacement),
        action: text(action),
        modulus: (action == "hashmod").then_some(7),
        ..RawRule::default()
    };
    Rule::new(raw, NameScheme::Utf8).unwrap()
}

#[track_caller]
fn check(rule: Rule, input: &[(&str, &str)], expected: Option<&[(&str, &str)]>) {
    let mut labels = LabelsBuilder::new();
    for (name, value) in input {
        labels.set(name, value);
    }
    let kept = apply(&[rule], &mut labels);
    assert_eq!(kept.then(|| labels.iter().collect::<Vec<_>>()).as_deref(), expected);
}

#[test]
fn letters_change_case_one_by_one() {
    let value = "straße İΐᾳᾀς";
    let lower = rule("lowercase", &["a"], "b", "", "");
    check(lower, &[("a", "AΣ")], Some(&[("a", "AΣ"), ("b", "aσ")]));
    let upper = rule("uppercase", &["a"], "a", "", "");
    check(upper, &[("a", value)], Some(&[("a", "STRAßE İΐᾼᾈΣ")]));
    let lower = rule("lowercase", &["a"], "a", "", "");
    check(lower, &[("a", value)], Some(&[("a", "straße iΐᾳᾀς")]));
    let none = rule("uppercase", &["nope"], "a", "", "");
    check(none, &[("a", "x"), ("b", "y")], Some(&[("b", "y")]));
}

#[test]
fn a_label_may_be_rewritten_from_itself() {
    let port = rule("replace", &["a"], "a", "(.*):.*", "$1");
    check(port, &[("a", "host:1")], Some(&[("a", "host")]));
    let same = rule("replace", &["a"], "a", "", "");
    check(same, &[("a", "x")], Some(&[("a", "x")]));
    let both = rule("replace", &["a", "b"], "a", "(.*);(.*)", "$2-$1");
    check(both, &[("a", "1"), ("b", "2")], Some(&[("a", "2-1"), ("b", "2")]));
}

#[test]
fn labelmap_looks_at_the_labels_as_they_were() {
    let longer = rule("labelmap", &[], "", "(a+)", "a$1");
    check(longer, &[("a", "1"), ("aa", "2")], Some(&[("a", "1"), ("aa", "1"), ("aaa", "2")]));
    let nameless = rule("labelmap", &[], "", "a", "$1");
    check(nameless, &[("a", "1")], Some(&[("a", "1")]));
}

#[test]
fn names_that_are_not_valid_are_not_written() {
    let raw = RawRule {
        source_labels: Some(vec!["a".to_owned()]),
        target_label: Some("$1".to_owned()),
        replacement: Some("x".to_owned()),
        ..RawRule::default()
    };
    let legacy = Rule::new(raw.clone(), NameScheme::Legacy).unwrap();
    check(legacy, &[("a", "b-c")], Some(&[("a", "b-c")]));
    let utf8 = Rule::new(raw, NameScheme::Utf8).unwrap();
    check(utf8, &[("a", "b-c")], Some(&[("a", "b-c"), ("b-c", "x")]));
}

#[test]
fn messages_name_the_field() {
    let message = |raw: RawRule| Rule::new(raw, NameScheme::Legacy).unwrap_err().to_string();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        message(RawRule { regex: text("(a"), target_label: text("b"), ..RawRule::default() }),
        "error parsing regexp: missing closing ): `(a`"
    );
    assert_eq!(
        message(RawRule { source_labels: Some(vec!["a-b".to_owned()]), ..RawRule::default() }),
        "\"a-b\" is not a valid label name"
    );
    assert_eq!(
        message(RawRule { action: text("LabelKeep"), separator: text(","), ..RawRule::default() }),
        "labelkeep action requires only 'regex', and no other fields"
    );
}

#[test]
fn patterns_that_are_written_the_same_are_one() {
    let rule = |regex: Option<&str>| {
        let raw = RawRule {
            regex: regex.map(str::to_owned),
            target_label: Some("a".to_owned()),
            ..RawRule::default()
        };
        Rule::new(raw, NameScheme::Utf8).unwrap()
    };
    let mut patterns = Patterns::default();
    let mut first = [rule(Some("x(.+)y")), rule(None)];
    let mut second = [rule(Some("x(.+)z")), rule(Some("x(.+)y")), rule(None)];
    let before = second.clone();
    patterns.share(&mut first);
    patterns.share(&mut second);
    assert_eq!(second, before);
    let at = |rule: &Rule| rule.regex.as_str().as_ptr();
    assert_eq!([at(&second[1]), at(&second[2])], [at(&first[0]), at(&first[1])]);
    assert_ne!(at(&second[0]), at(&first[0]));
}
