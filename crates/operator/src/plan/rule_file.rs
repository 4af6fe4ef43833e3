//! From PrometheusRules to rule files.

use super::{Warning, WarningKind};
use cluster::watch::without_nulls;
use kubernetes::resources::rules::GroupText;
use model::{MatchOp, Matcher};
use rules::file::{Fault, Group, Options};
use rules::{LoadedFile, RuleFile};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Bytes of all groups; the Operator takes no more, for a ConfigMap has to hold them.
const MANY_BYTES: usize = 512 << 10;
/// Faults that are told.
const SHOWN_FAULTS: usize = 10;

/// How an object's rules are read.
pub(super) struct Reading<'a> {
    /// The name of the file.
    pub(super) name: String,
    pub(super) options: &'a Options,
    /// Whether good groups count when others are not valid.
    pub(super) partial: bool,
    /// The label that always has the namespace, and the namespace.
    pub(super) enforced: Option<(&'a str, &'a str)>,
}

/// A rule file, and what is not as it was meant.
pub(super) struct Rules {
    pub(super) file: LoadedFile,
    pub(super) warnings: Vec<Warning>,
}

impl Reading<'_> {
    /// The file of some groups.
    ///
    /// # Errors
    /// When one of them is not valid, or none of those that may count by themselves.
    pub(super) fn read(self, groups: &[GroupText]) -> Result<Rules, String> {
        let mut warnings = Vec::new();
        let bytes: usize = groups.iter().map(|group| group.0.len()).sum();
        if bytes > MANY_BYTES {
            let message =
                format!("{bytes} bytes of rules: the Prometheus Operator would refuse them");
            warnings.push(Warning { kind: WarningKind::Note, message });
        }
        // The API server passes over what it does not know, and so do we.
        let options = Options { ignore_unknown_fields: true, ..*self.options };
        let parse = |groups: Vec<Value>| {
            let groups = Map::from_iter([("groups".to_owned(), Value::Array(groups))]);
            RuleFile::parse(&Value::Object(groups).to_string(), &options)
        };
        let values: Vec<Value> = groups.iter().map(value).collect();
        let mut file = match parse(values.clone()) {
            Ok(file) => file,
            Err(faults) if !self.partial => return Err(texts(&faults)),
            Err(_) => {
                let mut good: Vec<Group> = Vec::new();
                let mut names = BTreeSet::new();
                for (i, value) in values.into_iter().enumerate() {
                    match parse(vec![value]) {
                        Ok(file) => {
                            let (new, known): (Vec<_>, Vec<_>) = file
                                .groups
                                .into_iter()
                                .partition(|group| names.insert(group.name.clone()));
                            good.extend(new);
                            warnings.extend(known.iter().map(|group| {
                                invalid(format!("groups[{i}]: a second group {:?}", group.name))
                            }));
                        }
                        Err(faults) => warnings.push(invalid(texts(&faults))),
                    }
                }
                if good.is_empty() {
                    let all: Vec<_> = warnings.into_iter().map(|warning| warning.message).collect();
                    return Err(all.join("; "));
                }
                RuleFile { groups: good }
            }
        };
        if let Some((label, namespace)) = self.enforced {
            enforce(&mut file, label, namespace)?;
        }
        Ok(Rules { file: LoadedFile { name: self.name, groups: Arc::new(file) }, warnings })
    }
}

fn invalid(message: String) -> Warning {
    Warning { kind: WarningKind::InvalidGroups, message }
}

/// The group in the one way we write JSON; a null is the same as nothing.
fn value(group: &GroupText) -> Value {
    let mut value = serde_json::from_str(&group.0).unwrap_or_default();
    without_nulls(&mut value);
    value
}

/// Without places: they are those of a text that nobody sees.
fn texts(faults: &[Fault]) -> String {
    let shown = faults.iter().take(SHOWN_FAULTS).map(|fault| fault.message.clone());
    let more = faults.len().saturating_sub(SHOWN_FAULTS);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join("; ")
}

/// Gives every rule the label, and every query only what has it.
fn enforce(file: &mut RuleFile, label: &str, namespace: &str) -> Result<(), String> {
    let matcher = Matcher::new(MatchOp::Equal, label, namespace);
    let matcher = matcher.map_err(|error| format!("enforcedNamespaceLabel: {error}"))?;
    for rule in file.groups.iter_mut().flat_map(|group| &mut group.rules) {
        rule.expr.restrict(&matcher);
        rule.labels.retain(|(name, _)| name != label);
        rule.labels.push((label.to_owned(), namespace.to_owned()));
        rule.labels.sort();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(groups: &str, partial: bool, enforced: Option<(&str, &str)>) -> Result<Rules, String> {
        let groups: Vec<Value> = serde_saphyr::from_str(groups).expect("is YAML");
        let groups: Vec<_> =
            groups.iter().map(|group| GroupText(group.to_string().into())).collect();
        let options = Options::default();
        Reading { name: "a-b-c.yaml".into(), options: &options, partial, enforced }.read(&groups)
    }

    #[test]
    fn groups_of_objects_are_those_of_files() {
        let check = |groups: &str, expected: Result<&[(&str, usize)], &str>| {
            let read = read(groups, false, None);
            let counts = read.map(|rules| {
                let groups = rules.file.groups.groups.iter();
                groups.map(|group| (group.name.clone(), group.rules.len())).collect::<Vec<_>>()
            });
            let expected = expected.map(|counts| {
                counts.iter().map(|(name, rules)| ((*name).to_owned(), *rules)).collect()
            });
            assert_eq!(counts, expected.map_err(str::to_owned), "{groups}");
        };
        check("[]", Ok(&[]));
        check(
            "[{name: g, interval: '', partial_response_strategy: warn, whatever: 1, rules: \
             [{record: a, expr: 1, for: ''}, {alert: B, expr: b > 1, for: 5m, labels: null}]}]",
            Ok(&[("g", 2)]),
        );
        check(
            "[{name: g, rules: [{alert: A, expr: 'a >'}]}]",
            Err("group \"g\", rule 1, \"A\": could not parse expression: 1:4: parse error: \
                 unexpected end of input"),
        );
        check(
            "[{name: g, rules: []}, {name: g, rules: []}]",
            Err("groupname: \"g\" is repeated in the same file"),
        );
    }

    #[test]
    fn good_groups_may_count_alone() {
        let groups = "[{name: g, rules: [{record: a, expr: '('}]}, \
                      {name: h, rules: [{record: a, expr: b}]}, {name: h, rules: []}]";
        assert!(read(groups, false, None).is_err());
        let rules = read(groups, true, None).map_err(|_| ()).expect("one is good");
        assert_eq!(rules.file.groups.groups.len(), 1);
        assert_eq!(rules.warnings.len(), 2);
        assert!(rules.warnings[0].message.starts_with("group \"g\", rule 1"));
        assert_eq!(rules.warnings[1].message, "groups[2]: a second group \"h\"");
        assert!(read("[{name: g, rules: [{record: a, expr: '('}]}]", true, None).is_err());
    }

    #[test]
    fn a_namespace_sees_itself_only() {
        let groups = "[{name: g, rules: [{alert: A, expr: 'sum(a) / on () b{ns=\"other\"} > 1', \
                      labels: {ns: other, severity: page}}]}]";
        let rules = read(groups, false, Some(("ns", "here"))).map_err(|_| ()).expect("is valid");
        let rule = &rules.file.groups.groups[0].rules[0];
        assert_eq!(rule.expr.to_string(), r#"sum(a{ns="here"}) / on () b{ns="here"} > 1"#);
        let labels = [("ns", "here"), ("severity", "page")];
        assert_eq!(rule.labels, labels.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn many_rules_are_a_note() {
        let one = "{alert: A, expr: vector(1), annotations: {text: xxxxxxxxxxxxxxxxxxxxxxxxxxxx}}";
        let rules = vec![one; 7000].join(",");
        let rules = read(&format!("[{{name: g, rules: [{rules}]}}]"), false, None);
        let rules = rules.map_err(|_| ()).expect("is valid");
        assert_eq!(rules.warnings.len(), 1);
        assert_eq!(rules.warnings[0].kind, WarningKind::Note);
    }
}
