//! Objects of a cluster.

use crate::explain::{
    Check, CheckOutcome, NotExplained, ObjectExplanation, ObjectTarget, ObjectTargets, Objects,
};
use crate::state::Boxed;
use crate::tests::{Api, settings};
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::MemoryStore;

/// Knows one ServiceMonitor, which has everything an answer can have.
struct OneMonitor;

impl Objects for OneMonitor {
    fn explain(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Boxed<'_, Result<ObjectExplanation, NotExplained>> {
        let asked = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        Box::pin(async move {
            // An answer may take a while.
            tokio::task::yield_now().await;
            match (&*asked.0, &*asked.1, &*asked.2) {
                ("servicemonitor", "smallest", "lightning-asr") => Ok(explained()),
                (_, "away", _) => Err(NotExplained::Unavailable("nobody answers".into())),
                (kind, namespace, name) => {
                    let text = format!("no {kind} {namespace}/{name}; did you mean a/b?");
                    Err(NotExplained::NotFound(text))
                }
            }
        })
    }
}

fn explained() -> ObjectExplanation {
    let check = |check: &str, outcome| Check {
        check: check.into(),
        outcome,
        message: format!("about {check}"),
        ..Check::default()
    };
    ObjectExplanation {
        kind: "ServiceMonitor".into(),
        namespace: "smallest".into(),
        name: "lightning-asr".into(),
        verdict: "it has no targets".into(),
        checks: vec![
            check("watched", CheckOutcome::Pass),
            Check {
                fix: Some("write http://u:secret@h/".into()),
                details: vec!["one <b>".into(), "two".into()],
                ..check("labels", CheckOutcome::Fail)
            },
            check("services", CheckOutcome::Skipped),
            check("scrapes", CheckOutcome::Unknown),
        ],
        jobs: vec!["serviceMonitor/smallest/lightning-asr/0".into()],
        targets: ObjectTargets {
            discovered: 2,
            states: [("down".to_owned(), 1), ("dropped".to_owned(), 1)].into(),
            examples: vec![
                ObjectTarget {
                    job: "serviceMonitor/smallest/lightning-asr/0".into(),
                    target: "http://u:secret@10.0.0.1:2269/metrics".into(),
                    state: "down".into(),
                    reason: Some("EOF".into()),
                },
                ObjectTarget::default(),
            ],
        },
    }
}

async fn api() -> Api {
    Api::new(MemoryStore::new(), settings())
}

#[tokio::test]
async fn objects_are_explained() {
    let api = api().await;
    api.state.set_objects(Some(Arc::new(OneMonitor)));
    let answer = api.get("/api/v1/explain/servicemonitor/smallest/lightning-asr").await;
    let expected = json!({
        "kind": "ServiceMonitor",
        "namespace": "smallest",
        "name": "lightning-asr",
        "verdict": "it has no targets",
        "checks": [
            {"check": "watched", "outcome": "pass", "message": "about watched"},
            {
                "check": "labels", "outcome": "fail", "message": "about labels",
                "fix": "write http://u:xxxxx@h/", "details": ["one <b>", "two"],
            },
            {"check": "services", "outcome": "skipped", "message": "about services"},
            {"check": "scrapes", "outcome": "unknown", "message": "about scrapes"},
        ],
        "jobs": ["serviceMonitor/smallest/lightning-asr/0"],
        "targets": {
            "discovered": 2,
            "states": {"down": 1, "dropped": 1},
            "examples": [
                {
                    "job": "serviceMonitor/smallest/lightning-asr/0",
                    "target": "http://u:xxxxx@10.0.0.1:2269/metrics",
                    "state": "down",
                    "reason": "EOF",
                },
                {"job": "", "target": "", "state": ""},
            ],
        },
    });
    assert_eq!((answer.status, &answer.json()["data"]), (200, &expected));
    let read: ObjectExplanation = serde_json::from_value(expected).unwrap();
    assert_eq!(read.checks, {
        let mut checks = explained().checks;
        checks[1].fix = Some("write http://u:xxxxx@h/".into());
        checks
    });
}

#[tokio::test]
async fn what_cannot_be_explained_says_why() {
    let api = api().await;
    let check = async |path: &str, status: u16, kind: &str, message: &str| {
        let answer = api.get(&format!("/api/v1/explain/{path}")).await;
        let body = answer.json();
        let got: [&Value; 2] = [&body["errorType"], &body["error"]];
        assert_eq!((answer.status, got), (status, [&json!(kind), &json!(message)]), "{path}");
    };
    let path = "servicemonitor/smallest/lightning-asr";
    let nobody = "this server follows no Kubernetes cluster, so it knows no objects of one";
    check(path, 500, "unavailable", nobody).await;
    api.state.set_objects(Some(Arc::new(OneMonitor)));
    let not_found = "no probe a b/c; did you mean a/b?";
    check("probe/a%20b/c", 404, "not_found", not_found).await;
    check("probe/away/c", 500, "unavailable", "nobody answers").await;
    api.state.set_objects(None);
    check(path, 500, "unavailable", nobody).await;
}

#[tokio::test]
async fn other_paths_and_methods_are_none() {
    let api = api().await;
    for path in ["servicemonitor", "servicemonitor/a", "servicemonitor/a/b/c"] {
        assert_eq!(api.get(&format!("/api/v1/explain/{path}")).await.status, 404, "{path}");
    }
    assert_eq!(api.post("/api/v1/explain/servicemonitor/a/b", "").await.status, 405);
}
