//! Namespaces, and the objects in them that a monitor's selector chooses.

use super::cluster::{Cluster, Ingress, Pod, Seen, Service};
use super::facts::Facts;
use super::selectors::{By, Candidate, Near, misses, near_misses, text};
use super::text::{count, list, plural};
use super::{Check, gate};
use kubernetes::resources::meta::{LabelSelector, NamespaceSelector};
use std::collections::BTreeSet;

/// Are there the namespaces it looks into?
pub(super) const NAMESPACES: &str = "namespaces";

/// Where targets are looked for.
#[derive(Clone, Debug)]
pub(super) enum Where {
    /// In all namespaces we look at.
    All,
    /// In these.
    Named(Vec<String>),
}

impl Where {
    pub(super) fn holds(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == namespace),
        }
    }

    /// `in namespace a`
    pub(super) fn text(&self) -> String {
        match self {
            Self::All => "in any namespace".to_owned(),
            Self::Named(names) if names.len() == 1 => format!("in namespace {}", names[0]),
            Self::Named(names) => format!("in the namespaces {}", list(names)),
        }
    }
}

/// What a namespace selector means, and whether there are such namespaces.
pub(super) fn namespaces(
    selector: &NamespaceSelector,
    field: &str,
    facts: &Facts,
) -> (Check, Where) {
    let own = facts.object.namespace.to_string();
    let is_written = selector.any || !selector.match_names.is_empty();
    if facts.own_namespace_only || !is_written {
        let message = match is_written {
            true => format!("only its own namespace {own}: ignoreNamespaceSelectors is set"),
            false => format!("only its own namespace {own}: {field} names no other"),
        };
        let check = match trouble(&own, field, &facts.cluster) {
            Some((what, fix)) => Check::fail(NAMESPACES, what, fix),
            None => Check::pass(NAMESPACES, message),
        };
        return (check, Where::Named(vec![own]));
    }
    if selector.any {
        let followed = &facts.cluster.followed;
        let message = match followed.is_empty() {
            true => "all namespaces".to_owned(),
            false => format!("all namespaces we look at: {}", list(followed)),
        };
        let forbidden = &facts.cluster.forbidden;
        let details = forbidden.iter().filter(|name| !name.is_empty());
        let details = details.map(|name| format!("we may not look into namespace {name}"));
        return (Check::pass(NAMESPACES, message).with(details), Where::All);
    }
    let names = selector.match_names.clone();
    let mut details = Vec::new();
    let mut fix = None;
    let mut good = 0;
    for name in &names {
        match trouble(name, field, &facts.cluster) {
            None => good += 1,
            Some((what, mend)) => {
                details.push(what);
                fix.get_or_insert(mend);
            }
        }
    }
    let check = match (good, fix) {
        (0, Some(fix)) => {
            let first = details.remove(0);
            Check::fail(NAMESPACES, first, fix)
        }
        _ => Check::pass(NAMESPACES, format!("namespaces {}", list(&names))),
    };
    (check.with(details), Where::Named(names))
}

fn trouble(name: &str, field: &str, cluster: &Cluster) -> Option<(String, String)> {
    if !cluster.followed.is_empty() && !cluster.followed.contains(name) {
        let fix = format!(
            "add {name} to kubernetes.namespaces in our configuration, and give us a Role there"
        );
        return Some((format!("we do not look at namespace {name}"), fix));
    }
    if cluster.forbidden.contains(name) {
        let fix = format!(
            "give us a Role in namespace {name} to get, list and watch services, endpoints, \
             endpointslices and pods"
        );
        return Some((format!("we may not look into namespace {name}"), fix));
    }
    let known = cluster.namespaces.as_ref()?;
    if known.contains(name) {
        return None;
    }
    let nearest = super::nearest(name, known.iter().map(String::as_str));
    let fix = match nearest {
        Some(nearest) => format!("write {nearest} instead of {name} in {field}.matchNames"),
        None => format!("correct {field}.matchNames, or create namespace {name}"),
    };
    Some((format!("namespace {name} of {field}.matchNames does not exist"), fix))
}

/// Objects that are chosen by their labels.
pub(super) trait Labelled {
    /// What they are called.
    const WHAT: &'static str;
    fn candidate(&self) -> Candidate<'_>;
}

impl Labelled for Service {
    const WHAT: &'static str = "Service";
    fn candidate(&self) -> Candidate<'_> {
        let Self { namespace, name, labels, selector, .. } = self;
        Candidate { namespace, name, labels, of_pods: Some(selector) }
    }
}

impl Labelled for Pod {
    const WHAT: &'static str = "Pod";
    fn candidate(&self) -> Candidate<'_> {
        let Self { namespace, name, labels, .. } = self;
        Candidate { namespace, name, labels, of_pods: None }
    }
}

impl Labelled for Ingress {
    const WHAT: &'static str = "Ingress";
    fn candidate(&self) -> Candidate<'_> {
        let Self { namespace, name, labels, .. } = self;
        Candidate { namespace, name, labels, of_pods: None }
    }
}

/// Which objects, and where the object that is explained says so.
pub(super) struct Choice<'a> {
    pub(super) check: &'static str,
    pub(super) selector: &'a LabelSelector,
    /// `spec.selector`
    pub(super) field: &'a str,
    pub(super) places: &'a Where,
    /// `spec.namespaceSelector`
    pub(super) places_field: &'a str,
    pub(super) by: By,
}

/// The objects that a selector chooses; when there are none, those it nearly does.
pub(super) fn chosen<'a, T: Labelled>(
    choice: &Choice<'_>,
    seen: &'a Seen<T>,
    facts: &Facts,
) -> (Check, Vec<&'a T>) {
    let Choice { check, selector, places, by, .. } = *choice;
    let plural = plural(T::WHAT);
    if !seen.watched.is_known() {
        let told = gate::watch(check, &plural, &seen.watched);
        return (told.expect("it is not in sync"), Vec::new());
    }
    let fits = |object: &&T| misses(selector, object.candidate().labels, by).is_empty();
    let (here, elsewhere): (Vec<&T>, Vec<&T>) =
        seen.objects.iter().partition(|object| places.holds(object.candidate().namespace));
    let found: Vec<&T> = here.iter().copied().filter(fits).collect();
    if !found.is_empty() {
        let names = list(found.iter().map(|object| full_name(*object)));
        let text = match text(selector) {
            none if none.is_empty() => "an empty selector".to_owned(),
            text => text,
        };
        let matches = if found.len() == 1 { "matches" } else { "match" };
        let message = format!("{} {matches} {text}: {names}", count(found.len(), T::WHAT));
        return (Check::pass(check, message), found);
    }
    let elsewhere: Vec<&T> = elsewhere.into_iter().filter(fits).collect();
    (none(choice, &here, &elsewhere, facts), Vec::new())
}

fn full_name<T: Labelled>(object: &T) -> String {
    let Candidate { namespace, name, .. } = object.candidate();
    format!("{namespace}/{name}")
}

fn none<T: Labelled>(choice: &Choice<'_>, here: &[&T], elsewhere: &[&T], facts: &Facts) -> Check {
    let Choice { check, selector, field, places, places_field, by } = *choice;
    let (what, wanted) = (T::WHAT, text(selector));
    let message = match here {
        [] => format!("there is no {what} {}", places.text()),
        _ => format!("no {what} {} matches {field}: {wanted}", places.text()),
    };
    if let Some(first) = elsewhere.first() {
        let namespaces: BTreeSet<&str> =
            elsewhere.iter().map(|object| object.candidate().namespace).collect();
        let details = elsewhere.iter().take(5);
        let details = details.map(|object| format!("{what} {} does", full_name(*object)));
        let fix = match facts.own_namespace_only {
            true => format!(
                "move the {} to namespace {}; ignoreNamespaceSelectors keeps it to its own",
                facts.object.kind,
                first.candidate().namespace
            ),
            false => format!(
                "write {places_field}: {{matchNames: [{}]}}",
                namespaces.into_iter().collect::<Vec<_>>().join(", ")
            ),
        };
        return Check::fail(check, message, fix).with(details);
    }
    let candidates = here.iter().map(|object| object.candidate());
    let near = near_misses(selector, candidates, by);
    let fix = match near.first() {
        Some(near) => mend(near, what, field),
        None if here.is_empty() => {
            format!("create the {what}, or write its namespace under {places_field}.matchNames")
        }
        None => format!("give the {what} the labels {wanted}, or correct {field}"),
    };
    let mut check = Check::fail(check, message, fix);
    if near.is_empty() && !here.is_empty() {
        let names = list(here.iter().map(|object| full_name(*object)));
        check.details.push(format!("{} there: {names}", plural(what)));
    }
    check.with(near.iter().map(|near| near.line(what)))
}

/// How a near miss becomes a hit.
fn mend(near: &Near, what: &str, field: &str) -> String {
    let Near { namespace, name, lacks, instead, .. } = near;
    let kind = what.to_ascii_lowercase();
    let labels = lacks.join(" ");
    let label = match what {
        // Labels of a Pod are those of its template.
        "Pod" => format!("add {labels} to the labels of the Pods' template"),
        _ => format!("kubectl label {kind} -n {namespace} {name} --overwrite {labels}"),
    };
    match (instead, lacks.is_empty()) {
        (Some(instead), false) => format!("{label}; or write {instead} in {field}"),
        (None, false) => label,
        (Some(instead), true) => format!("write {instead} in {field}"),
        (None, true) => format!("correct {field}"),
    }
}
