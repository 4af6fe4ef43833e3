//! What we may do in a cluster, and what it serves: asked before something is needed, so that people
//! are told which permission is missing and not only that something does not work.
//!
//! [`check`] asks by access reviews, one for each [`Rule`]; [`missing_yaml`] and [`yaml`] write the rules
//! to add to a Role or ClusterRole. [`served`] asks which resources of a group there are. A server that
//! does not answer reviews leaves it unknown: nothing is missing then.

mod served;
#[cfg(test)]
mod tests;
mod yaml;

pub use served::{Resource, Served, served};
pub use yaml::{missing_yaml, yaml};

use crate::access::Access;
use serde::Deserialize;
use serde_json::json;
use std::fmt;
use std::time::Duration;
use tokio::time::sleep;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
/// Reviews at a stretch. Those that follow leave others their turn.
const AT_ONCE: usize = 40;
/// Time between those that follow.
const APART: Duration = Duration::from_millis(200);

/// Something that is to be done with the objects of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    /// Empty for the core group.
    pub group: String,
    /// As in paths, such as `pods`.
    pub resource: String,
    /// Such as `status`; empty for the objects themselves.
    pub subresource: String,
    /// Such as `list`.
    pub verb: String,
    /// Where; `None` for everywhere, and for resources of the whole cluster.
    pub namespace: Option<String>,
    /// With which object; `None` for all.
    pub name: Option<String>,
}

impl Rule {
    /// For all objects of a resource, which may be a part of one as in `pods/status`.
    #[must_use]
    pub fn new(group: &str, resource: &str, verb: &str, namespace: Option<&str>) -> Self {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        Self {
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            verb: verb.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: None,
        }
    }

    /// The same for one object only.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// As permissions name it: `pods`, `pods/status`.
    fn whole_resource(&self) -> String {
        match self.subresource.as_str() {
            "" => self.resource.clone(),
            part => format!("{}/{part}", self.resource),
        }
    }
}

/// As in `list pods in namespace a`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.whole_resource())?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name:?}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in all namespaces"),
        }
    }
}

/// Something that may not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub rule: Rule,
    /// What the server says about it, if anything.
    pub reason: Option<String>,
}

/// The outcome of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What may not be done.
    pub missing: Vec<Missing>,
    /// Why some of it is not known, when that is so.
    pub unknown: Option<String>,
}

#[derive(Deserialize)]
struct Review {
    status: Option<ReviewStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReviewStatus {
    allowed: bool,
    reason: Option<String>,
    evaluation_error: Option<String>,
}

/// Asks for each rule whether we may. At the first question that the server does not answer, the rest
/// is left unknown.
///
/// Cancel safe.
pub async fn check(access: &Access, rules: &[Rule]) -> Checked {
    let mut checked = Checked::default();
    for (i, rule) in rules.iter().enumerate() {
        if i >= AT_ONCE {
            sleep(APART).await;
        }
        match review(access, rule).await {
            Ok(ReviewStatus { allowed: true, .. }) => {}
            Ok(ReviewStatus { reason, evaluation_error, .. }) => {
                let reason = reason.or(evaluation_error).filter(|reason| !reason.is_empty());
                checked.missing.push(Missing { rule: rule.clone(), reason });
            }
            Err(error) => {
                checked.unknown = Some(error);
                break;
            }
        }
    }
    checked
}

async fn review(access: &Access, rule: &Rule) -> Result<ReviewStatus, String> {
    let mut attributes = json!({
        "group": rule.group, "resource": rule.resource, "verb": rule.verb,
        "namespace": rule.namespace.as_deref().unwrap_or_default(),
    });
    if !rule.subresource.is_empty() {
        attributes["subresource"] = json!(rule.subresource);
    }
    if let Some(name) = &rule.name {
        attributes["name"] = json!(name);
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    let request = http::Request::builder()
        .method("POST")
        .uri(REVIEWS)
        .header("content-type", "application/json")
        .body(review.to_string().into_bytes())
        .map_err(|error| error.to_string())?;
    let review: Review = access.client().request(request).await.map_err(|error| match error {
        kube::Error::Api(status) => {
            format!("access reviews are answered {}: {}", status.code, status.message)
        }
        error => error.to_string(),
    })?;
    review.status.ok_or_else(|| "an access review was answered without a status".to_owned())
}
