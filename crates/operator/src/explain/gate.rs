//! Whether an object is seen, counts, and is valid: the same checks for every kind.

use super::cluster::Watched;
use super::facts::{Facts, namespace_selector, selector};
use super::text::{ago, list};
use super::{Check, Outcome, selectors};
use crate::plan::{LabelMiss, Missing, MissingReason, Reason, Selection, Verdict, WarningKind};

/// Is its kind followed?
pub(super) const WATCHED: &str = "watched";
/// Is its namespace one of ours?
pub(super) const NAMESPACE: &str = "namespace";
/// Are its labels those of ours?
pub(super) const LABELS: &str = "labels";
/// Does it say what can be?
pub(super) const VALID: &str = "valid";
/// Is there what it refers to?
pub(super) const REFERENCES: &str = "secrets";

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let watched = watched(facts);
    if facts.state.is_none() {
        let because = watched.check;
        let later = [NAMESPACE, LABELS, VALID].map(|check| Check::skipped(check, because));
        return std::iter::once(watched).chain(later).collect();
    }
    let mut checks = vec![watched];
    checks.extend(selected(facts));
    checks.extend(valid(facts));
    checks
}

fn watched(facts: &Facts) -> Check {
    let kind = facts.object.kind;
    let (plural, namespace) = (kind.plural(), &facts.object.namespace);
    if let Some(why) = &facts.refused {
        let fix = format!(
            "mend {} and {} in our configuration",
            selector(kind),
            namespace_selector(kind)
        );
        return Check::fail(WATCHED, format!("no {kind} can count: {why}"), fix);
    }
    let followed = &facts.cluster.followed;
    if facts.state.is_none() && !followed.is_empty() && !followed.contains(&**namespace) {
        let message =
            format!("we look at the namespaces {} only, not at {namespace}", list(followed));
        let fix = format!(
            "add {namespace} to kubernetes.namespaces in our configuration, and give us \
                           a Role there"
        );
        return Check::fail(WATCHED, message, fix);
    }
    if facts.watched == Watched::Absent {
        let fix = format!(
            "install the CustomResourceDefinition {plural}.monitoring.coreos.com of the Prometheus \
             Operator"
        );
        return Check::fail(WATCHED, format!("this cluster does not know {plural}"), fix);
    }
    match watch(WATCHED, plural, &facts.watched) {
        Some(check) => check,
        None => Check::pass(WATCHED, format!("{plural} are followed, and in sync")),
    }
}

/// What keeps a watch from being in sync, if anything does.
pub(super) fn watch(check: &'static str, what: &str, watched: &Watched) -> Option<Check> {
    Some(match watched {
        Watched::InSync => return None,
        Watched::Behind { seconds, error } => Check::unknown(
            check,
            format!("the API server has told nothing new of {what} for {}: {error}", ago(*seconds)),
        ),
        Watched::Waiting { error: None } => {
            Check::unknown(check, format!("the first list of {what} has not come yet"))
        }
        Watched::Waiting { error: Some(error) } => {
            Check::unknown(check, format!("the first list of {what} has not come yet: {error}"))
        }
        Watched::Forbidden { message, rules } => {
            let fix = "add these rules to our ClusterRole, or to a Role in each namespace";
            let mut failed = Check::fail(check, format!("we may not read {what}: {message}"), fix);
            failed.details = rules.lines().map(str::to_owned).collect();
            failed
        }
        Watched::Absent => Check::fail(
            check,
            format!("this cluster does not know {what}"),
            format!("use a version of Kubernetes that serves {what}"),
        ),
        Watched::NotAsked => Check::unknown(check, format!("nobody has asked for {what} yet")),
    })
}

/// Namespace and labels.
fn selected(facts: &Facts) -> [Check; 2] {
    let kind = facts.object.kind;
    let namespace = &facts.object.namespace;
    let state = facts.state.as_ref().expect("the caller has one");
    let labels_of_no_use = || Check::skipped(LABELS, NAMESPACE);
    match &state.selection {
        Selection::Selected => [
            Check::pass(NAMESPACE, format!("namespace {namespace} is selected")),
            Check::pass(LABELS, format!("its labels are those {} asks for", selector(kind))),
        ],
        Selection::NamespaceNotSelected { misses, unknown: Some(why) } => {
            let message = format!("the labels of namespace {namespace} are not known: {why}");
            let check = if misses.is_empty() {
                let fix = "let us get, list and watch namespaces, or remove the namespace selector";
                Check::fail(NAMESPACE, message, fix)
            } else {
                Check::unknown(NAMESPACE, message)
            };
            [check, labels_of_no_use()]
        }
        Selection::NamespaceNotSelected { misses, unknown: None } => {
            let field = namespace_selector(kind);
            let message =
                format!("namespace {namespace} is not selected by {field}: {}", told(misses));
            let fix = match labels_to_set(misses) {
                Some(labels) => format!(
                    "kubectl label namespace {namespace} {labels}; or widen {field} in our \
                     configuration ({{}} takes all)"
                ),
                None => format!("widen {field} in our configuration ({{}} takes all)"),
            };
            [Check::fail(NAMESPACE, message, fix), labels_of_no_use()]
        }
        Selection::LabelsDiffer { misses } => {
            let field = selector(kind);
            let message = format!("it is not selected by {field}: {}", told(misses));
            let or = format!("widen {field} in our configuration ({{}} takes all)");
            let fix = match labels_to_set(misses) {
                Some(labels) => format!("kubectl label {} {labels}; or {or}", facts.for_kubectl()),
                None => or,
            };
            let labels = selectors::equals(&state.labels);
            let details = format!("its labels: {}", list(labels));
            [
                Check::pass(NAMESPACE, format!("namespace {namespace} is selected")),
                Check::fail(LABELS, message, fix).with([details]),
            ]
        }
    }
}

fn told(misses: &[LabelMiss]) -> String {
    misses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The labels that would do, as `kubectl label` takes them; `key-` takes one away.
fn labels_to_set(misses: &[LabelMiss]) -> Option<String> {
    let set = misses.iter().map(|miss| match (miss.operator.as_str(), miss.values.first()) {
        ("In", Some(value)) if miss.found.is_some() => {
            Some(format!("--overwrite {}={value}", miss.key))
        }
        ("In", Some(value)) => Some(format!("{}={value}", miss.key)),
        ("DoesNotExist" | "NotIn", _) => Some(format!("{}-", miss.key)),
        ("Exists", _) => Some(format!("{}=true", miss.key)),
        _ => None,
    });
    let set: Option<Vec<String>> = set.collect();
    set.filter(|set| !set.is_empty()).map(|set| set.join(" "))
}

/// The object itself, and what it refers to.
fn valid(facts: &Facts) -> Vec<Check> {
    let kind = facts.object.kind;
    let state = facts.state.as_ref().expect("the caller has one");
    match &state.verdict {
        None => {
            let why = "it is not looked into as long as it is not selected";
            vec![Check::new(VALID, Outcome::Skipped, why)]
        }
        Some(Verdict::Accepted(accepted)) => {
            let groups = accepted.warnings.iter().filter(|w| w.kind == WarningKind::InvalidGroups);
            let groups: Vec<String> = groups.map(|w| w.message.clone()).collect();
            if let [first, rest @ ..] = &*groups {
                let fix = mend(facts, first);
                return vec![Check::fail(VALID, first.clone(), fix).with(rest.iter().cloned())];
            }
            let notes = accepted.warnings.iter().filter(|w| w.kind == WarningKind::Note);
            let notes = notes.map(|warning| warning.message.clone());
            vec![Check::pass(VALID, format!("the {kind} is valid")).with(notes)]
        }
        Some(Verdict::Rejected(rejected)) => {
            let fix = match rejected.reason {
                Reason::FileAccessDenied => format!(
                    "list the file's folder in kubernetes.fileAccess of our configuration, if who writes \
                     monitors may send the files in it to any target; or name a Secret instead: {}",
                    mend(facts, &rejected.message)
                ),
                Reason::InvalidConfiguration => mend(facts, &rejected.message),
            };
            vec![Check::fail(VALID, rejected.message.clone(), fix)]
        }
        Some(Verdict::Waiting(waiting)) => {
            let mut check = missing(&waiting.missing);
            if !waiting.kept.is_empty() {
                let kept = format!("for 5 minutes it keeps the jobs {}", list(&waiting.kept));
                check.details.push(kept);
            }
            vec![Check::pass(VALID, format!("the {kind} is valid")), check]
        }
    }
}

/// Where to mend an object: the field that its error begins with.
fn mend(facts: &Facts, message: &str) -> String {
    let is_field = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._[]-".contains(c))
    };
    let path: Vec<&str> = message.split(": ").take_while(is_field).collect();
    let edit = format!("kubectl edit {}", facts.for_kubectl());
    if path.is_empty() || path.len() == message.split(": ").count() {
        return edit;
    }
    format!("{edit}, field spec.{}", path.join("."))
}

fn missing(missing: &[Missing]) -> Check {
    let details = missing.iter().skip(1).map(ToString::to_string);
    let Some(first) = missing.first() else {
        return Check::unknown(REFERENCES, "what it refers to has not been read yet");
    };
    let Missing { kind, namespace, name, key, why } = first;
    let message = first.to_string();
    let what = if *kind == "Secret" { "secret generic" } else { "configmap" };
    let check = match why {
        MissingReason::NotRead(_) => Check::unknown(REFERENCES, message),
        MissingReason::Forbidden(_) => {
            let plural = format!("{}s", kind.to_ascii_lowercase());
            let fix = format!("add this rule to a Role in namespace {namespace} and bind us to it");
            let rule = format!(
                "- apiGroups: [\"\"]\n  resources: [{plural}]\n  resourceNames: [{name}]\n  \
                 verbs: [get, list, watch]"
            );
            Check::fail(REFERENCES, message, fix).with(rule.lines().map(str::to_owned))
        }
        MissingReason::NoObject => Check::fail(
            REFERENCES,
            message,
            format!(
                "kubectl create {what} -n {namespace} {name} --from-literal={key}=...; or correct the \
                 name; it has to be in the namespace of the object that refers to it"
            ),
        ),
        MissingReason::NoKey => Check::fail(
            REFERENCES,
            message,
            format!("add the key {key:?} to {kind} {namespace}/{name}, or correct the reference"),
        ),
        MissingReason::NotText => Check::fail(
            REFERENCES,
            message,
            format!("store text under {key:?} in {kind} {namespace}/{name}"),
        ),
    };
    check.with(details)
}
