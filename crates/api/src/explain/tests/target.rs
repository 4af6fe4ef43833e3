//! What is asked of targets, and how much of it is told.

use crate::tests::{Api, settings};
use serde_json::{Value, json};
use testkit::MemoryStore;

#[tokio::test]
async fn targets_are_explained() {
    let api = Api::new(MemoryStore::new(), settings());
    let check = async |query: &str, status: u16, expected: Value| {
        let answer = api.get(&format!("/api/v1/explain/target?{query}")).await;
        let body = answer.json();
        let got = if status == 200 { &body["data"] } else { &body["error"] };
        assert_eq!((answer.status, got), (status, &expected), "{query}: {body}");
    };
    let target = json!({
        "state": "dropped",
        "reason": "rule 1 did",
        "source": "http://u:xxxxx@h/<0>",
        "discoveredLabels": {"a": "b"},
        "steps": [],
    });
    let node = |state: &str, limit: usize| {
        json!({"asked": "node", "jobs": [{
            "job": "node", "discovered": 1, "states": {state: limit}, "targets": [target],
            "leftOut": 0,
        }]})
    };
    check("target=node", 200, node("", 100)).await;
    check("target=node&limit=7", 200, node("", 7)).await;
    check("target=node&limit=0&state=dropped", 200, node("dropped", 1000)).await;
    check("target=node&limit=5000", 200, node("", 1000)).await;
    check("target=node&state=over-target-limit", 200, node("over target limit", 100)).await;
    check("target=nod", 404, json!("no job is called \"nod\"")).await;
    let missing = "invalid parameter \"target\": a job's name, or a target's URL, address or \
                   instance is needed";
    check("", 400, json!(missing)).await;
    check(
        "target=node&limit=x",
        400,
        json!("invalid parameter \"limit\": cannot parse \"x\" to a valid number"),
    )
    .await;
}
