//! The look at what we may do, and whether statuses are to be written.

use super::requests::{Failed, Requests};
use super::standing::{Standing, Writing};
use super::{GROUP, Instance, needs};
use crate::plan::{MonitorKind, Plan};
use cluster::access::Access;
use cluster::rights::{self, Rule, Served};
use kubernetes::Section;
use kubernetes::section::WriteBack;
use std::collections::BTreeMap;

/// Versions of the group in which our kinds may be.
const VERSIONS: [&str; 2] = ["v1", "v1alpha1"];

/// Why nothing is written.
const UNWANTED: &str = "the configuration says so";

/// What a look has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) standing: Standing,
    /// The version of each kind that is there.
    pub(super) versions: BTreeMap<MonitorKind, String>,
}

/// Asks for everything that the configuration needs.
pub(super) async fn check(
    access: &Access,
    plan: &Plan,
    section: &Section,
    instance: &Instance,
) -> Found {
    let rules = needs::rules(plan, section, instance);
    let checked = rights::check(access, &rules).await;
    let mut standing = Standing { is_checked: true, ..Standing::default() };
    standing.missing = checked.missing;
    standing.unknown = checked.unknown;
    let served = match rights::served(access, GROUP, &VERSIONS).await {
        Ok(served) => served,
        Err(error) => {
            standing.unknown.get_or_insert_with(|| error.to_string());
            Served::default()
        }
    };
    if standing.unknown.is_none() {
        // What is not there needs no permission.
        let is_there = |rule: &Rule| rule.group != GROUP || served.get(&rule.resource).is_some();
        standing.missing.retain(|missing| is_there(&missing.rule));
    }
    let mut found = Found { standing, versions: BTreeMap::new() };
    for kind in MonitorKind::ALL {
        if let Some(resource) = served.get(kind.plural()) {
            found.versions.insert(kind, resource.version.clone());
        }
    }
    let reason = reason_for_none(access, section, instance, &found, &served).await;
    for kind in MonitorKind::ALL {
        let writing = match (&reason, served.get(kind.plural())) {
            (Some(reason), _) => Writing::Off(reason.clone()),
            (None, None) => Writing::Off("the cluster does not know the kind".into()),
            (None, Some(resource)) if !resource.has_status => {
                Writing::Off("the definition of the kind has no status".into())
            }
            (None, Some(_)) => allowed(&found.standing, &needs::status(section, kind)),
        };
        found.standing.statuses.insert(kind, writing);
    }
    found.standing.events = Some(match &found.standing.unknown {
        _ if section.write_back == WriteBack::Off => Writing::Off(UNWANTED.into()),
        Some(unknown) => Writing::Off(format!("it is not known whether we may: {unknown}")),
        None => allowed(&found.standing, &needs::events(section)),
    });
    found
}

/// Why no statuses are written at all.
async fn reason_for_none(
    access: &Access,
    section: &Section,
    instance: &Instance,
    found: &Found,
    served: &Served,
) -> Option<String> {
    if section.write_back == WriteBack::Off {
        return Some(UNWANTED.into());
    }
    if instance.namespace.is_empty() {
        return Some("the namespace of the instance is not known".into());
    }
    if let Some(unknown) = &found.standing.unknown {
        return Some(format!("it is not known whether we may: {unknown}"));
    }
    served.get("prometheuses")?;
    somebody_else(access, instance).await
}

/// Why an operator may write our bindings itself.
pub(super) async fn somebody_else(access: &Access, instance: &Instance) -> Option<String> {
    let Instance { namespace, name } = instance;
    match Requests(access.clone()).is_prometheus(instance).await {
        Ok(false) => None,
        Ok(true) => Some(format!("Prometheus {namespace}/{name} has statuses of its own")),
        Err(Failed::Forbidden(_)) => Some(format!(
            "it is not known whether there is a Prometheus {namespace}/{name}: we may not look"
        )),
        Err(failed) => Some(format!(
            "it is not known whether there is a Prometheus {namespace}/{name}: {}",
            failed.text()
        )),
    }
}

/// Whether nothing of these is missing anywhere.
fn allowed(standing: &Standing, rules: &[Rule]) -> Writing {
    let missing = standing.missing.iter().find(|missing| rules.contains(&missing.rule));
    match missing {
        None => Writing::On,
        Some(missing) => Writing::Off(format!("we may not {}", missing.rule)),
    }
}
