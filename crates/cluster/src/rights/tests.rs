//! Rights as they are asked for and written down.

use super::{Checked, Missing, Rule, check, missing_yaml, served, yaml};
use crate::access::{Access, Origin};
use apiserver::ApiServer;
use client::{Dialer, HttpConfig};

const MONITORING: &str = "monitoring.coreos.com";

fn access_to(server: &ApiServer) -> Access {
    let origin = Origin::At { url: server.url(), http: HttpConfig::default() };
    Access::new(&origin, &Dialer::net(4), "test").unwrap()
}

fn missing_of(checked: &Checked) -> Vec<String> {
    assert_eq!(checked.unknown, None);
    checked.missing.iter().map(|missing| missing.rule.to_string()).collect()
}

#[tokio::test]
async fn what_may_not_be_done_is_found() {
    let server = ApiServer::start().await.unwrap();
    let access = access_to(&server);
    let rules = [
        Rule::new("", "pods", "list", None),
        Rule::new("", "pods", "watch", Some("a")),
        Rule::new(MONITORING, "probes", "list", None),
        Rule::new(MONITORING, "probes/status", "patch", None),
    ];
    assert_eq!(missing_of(&check(&access, &rules).await), [""; 0]);
    server.trouble().forbid("watch", "pods");
    server.trouble().forbid("patch", "probes/status");
    let expected = [
        "watch pods in namespace a",
        "patch probes/status.monitoring.coreos.com in all namespaces",
    ];
    assert_eq!(missing_of(&check(&access, &rules).await), expected);
}

#[tokio::test]
async fn a_server_without_reviews_leaves_it_unknown() {
    let server = ApiServer::start().await.unwrap();
    let access = access_to(&server);
    server.trouble().forbid("watch", "pods");
    let rules = [Rule::new("", "pods", "watch", None), Rule::new("", "pods", "list", None)];
    for code in [403, 404, 500] {
        server.trouble().answer_with(Some((code, None)));
        let Checked { missing, unknown } = check(&access, &rules).await;
        assert_eq!(missing, []);
        assert!(unknown.unwrap().contains(&code.to_string()));
    }
    drop(server);
    let unknown = check(&access, &rules).await.unknown.unwrap();
    assert!(unknown.contains("connection refused"), "{unknown}");
}

#[tokio::test]
async fn resources_that_are_served() {
    let server = ApiServer::start().await.unwrap();
    let access = access_to(&server);
    let all = served(&access, MONITORING, &["v1", "v1alpha1"]).await.unwrap();
    let check = |plural: &str, version: Option<&str>| {
        let found = all.get(plural);
        assert_eq!(found.map(|found| found.version.as_str()), version, "{plural}");
        assert!(found.is_none_or(|found| found.has_status), "{plural}");
    };
    check("servicemonitors", Some("v1"));
    check("scrapeconfigs", Some("v1alpha1"));
    check("pods", None);
    check("servicemonitors/status", None);
    server.trouble().undefine("servicemonitors");
    let fewer = served(&access, MONITORING, &["v1"]).await.unwrap();
    assert!(fewer.get("servicemonitors").is_none() && fewer.get("probes").is_some());
    assert!(served(&access, "no.such.group", &["v1"]).await.unwrap().is_empty());
    let slices = served(&access, "discovery.k8s.io", &["v1"]).await.unwrap();
    assert!(!slices.get("endpointslices").unwrap().has_status);
    server.trouble().answer_with(Some((500, None)));
    served(&access, MONITORING, &["v1"]).await.unwrap_err();
}

#[track_caller]
fn writes(rules: &[Rule], expected: &str) {
    assert_eq!(yaml(rules), expected);
    let missing: Vec<_> =
        rules.iter().map(|rule| Missing { rule: rule.clone(), reason: None }).collect();
    assert_eq!(missing_yaml(&missing), expected);
}

#[test]
fn rules_as_a_role_has_them() {
    let rule = |resource: &str, verb: &str| Rule::new("", resource, verb, None);
    let of = |resource: &str, verb: &str| Rule::new(MONITORING, resource, verb, None);
    writes(&[], "");
    let alike = [
        rule("services", "watch"),
        rule("pods", "list"),
        rule("services", "list"),
        rule("pods", "watch"),
        rule("pods", "list"),
        rule("nodes", "list"),
        of("probes/status", "patch"),
    ];
    let expected = "\
# ClusterRole, rules:
- apiGroups: [\"\"]
  resources: [\"nodes\"]
  verbs: [\"list\"]
- apiGroups: [\"\"]
  resources: [\"pods\", \"services\"]
  verbs: [\"list\", \"watch\"]
- apiGroups: [\"monitoring.coreos.com\"]
  resources: [\"probes/status\"]
  verbs: [\"patch\"]
";
    writes(&alike, expected);
    let secret = |name: &str| Rule::new("", "secrets", "get", Some("b")).named(name);
    let placed =
        [Rule::new("", "pods", "get", Some("a")), secret("y"), secret("x"), rule("pods", "get")];
    let expected = "\
# ClusterRole, rules:
- apiGroups: [\"\"]
  resources: [\"pods\"]
  verbs: [\"get\"]
# Role in namespace a, rules:
- apiGroups: [\"\"]
  resources: [\"pods\"]
  verbs: [\"get\"]
# Role in namespace b, rules:
- apiGroups: [\"\"]
  resources: [\"secrets\"]
  resourceNames: [\"x\", \"y\"]
  verbs: [\"get\"]
";
    writes(&placed, expected);
}
