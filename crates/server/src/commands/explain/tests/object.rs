//! What people read of objects of a cluster.

use super::super::object::show;
use super::super::{in_path, object};
use crate::flags::{ExplainObject, RulesFormat};
use api::explain::{Check, CheckOutcome, ObjectExplanation, ObjectTarget, ObjectTargets};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::ExitCode;

fn check(name: &str, outcome: CheckOutcome, message: &str) -> Check {
    Check { check: name.into(), outcome, message: message.into(), ..Check::default() }
}

fn monitor(checks: Vec<Check>, targets: ObjectTargets) -> ObjectExplanation {
    ObjectExplanation {
        kind: "ServiceMonitor".into(),
        namespace: "smallest".into(),
        name: "asr".into(),
        verdict: "ServiceMonitor smallest/asr has no targets: no label".into(),
        checks,
        jobs: vec!["serviceMonitor/smallest/asr/0".into()],
        targets,
    }
}

#[test]
fn checks_and_fixes() {
    let explanation = monitor(
        vec![
            check("watched", CheckOutcome::Pass, "in sync"),
            Check {
                fix: Some("kubectl label servicemonitor -n smallest asr release=x".into()),
                details: vec!["its labels: a=b\u{1b}[2J".into(), "more".into()],
                ..check("labels", CheckOutcome::Fail, "no label")
            },
            check("services", CheckOutcome::Unknown, "nobody knows"),
            check("relabeling", CheckOutcome::Skipped, "needs \"labels\" first"),
        ],
        ObjectTargets::default(),
    );
    assert_eq!(
        show(&explanation),
        "ServiceMonitor smallest/asr has no targets: no label\n\
         \n\
         \x20 ok    watched     in sync\n\
         \x20 FAIL  labels      no label\n\
         \x20                   its labels: a=b\\u{1b}[2J\n\
         \x20                   more\n\
         \x20                   fix: kubectl label servicemonitor -n smallest asr release=x\n\
         \x20 ?     services    nobody knows\n\
         \x20 -     relabeling  needs \"labels\" first\n\
         \n\
         job: serviceMonitor/smallest/asr/0\n",
    );
}

#[test]
fn targets_and_jobs() {
    let target = |state: &str, reason: Option<&str>| ObjectTarget {
        job: "serviceMonitor/smallest/asr/0".into(),
        target: "http://10.0.0.1:2269/metrics".into(),
        state: state.into(),
        reason: reason.map(Into::into),
    };
    let targets = ObjectTargets {
        discovered: 12,
        states: [("down".to_owned(), 1), ("up".to_owned(), 11)].into(),
        examples: vec![target("down", Some("EOF")), target("up", None)],
    };
    let mut explanation = monitor(vec![check("scrapes", CheckOutcome::Fail, "down")], targets);
    explanation.jobs.push("serviceMonitor/smallest/asr/1".into());
    assert_eq!(
        show(&explanation),
        "ServiceMonitor smallest/asr has no targets: no label\n\
         \n\
         \x20 FAIL  scrapes     down\n\
         \n\
         jobs: serviceMonitor/smallest/asr/0, serviceMonitor/smallest/asr/1\n\
         12 targets discovered: 1 down, 11 up\n\
         \x20 DOWN http://10.0.0.1:2269/metrics: EOF\n\
         \x20 UP http://10.0.0.1:2269/metrics\n\
         \x20 ...; `rushlight explain target JOB` tells of all\n",
    );
}

/// Asks a server that gives one answer; what came of it, and what was asked.
async fn asked(object_name: &str, status: &str, body: &str) -> (Result<ExitCode, String>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..read]).lines().next().unwrap_or_default().to_owned()
    });
    let asking = ExplainObject { object: object_name.into(), server, format: RulesFormat::Text };
    let result = object("servicemonitor", &asking).await.map_err(|error| error.to_string());
    (result, asked.join().unwrap())
}

fn body(outcomes: &[CheckOutcome]) -> String {
    let checks = outcomes.iter().map(|outcome| check("x", *outcome, "")).collect();
    let data = monitor(checks, ObjectTargets::default());
    serde_json::json!({"status": "success", "data": data}).to_string()
}

#[tokio::test]
async fn only_if_all_is_well_it_is_a_success() {
    use CheckOutcome::{Fail, Pass, Skipped, Unknown};
    for (outcomes, expected) in [
        (&[Pass, Pass][..], ExitCode::SUCCESS),
        (&[Pass, Fail], ExitCode::FAILURE),
        (&[Pass, Skipped], ExitCode::FAILURE),
        (&[Unknown], ExitCode::FAILURE),
    ] {
        let (result, request) = asked("smallest/asr", "200 OK", &body(outcomes)).await;
        assert_eq!(result, Ok(expected), "{outcomes:?}");
        assert_eq!(request, "GET /api/v1/explain/servicemonitor/smallest/asr HTTP/1.1");
    }
}

#[tokio::test]
async fn servers_that_cannot_say() {
    let not_found = r#"{"status":"error","errorType":"not_found","error":"there is none"}"#;
    let (result, _) = asked("a/b", "404 Not Found", not_found).await;
    assert_eq!(result, Err("there is none".into()));
    let (result, _) = asked("a/b", "404 Not Found", "404 page not found").await;
    let error = result.unwrap_err();
    assert!(error.ends_with("does not know how to explain objects of a cluster"), "{error}");
    let (result, _) = asked("a/b", "503 Service Unavailable", "").await;
    let error = result.unwrap_err();
    assert!(error.ends_with("answered 503 Service Unavailable"), "{error}");
}

#[tokio::test]
async fn names_of_objects() {
    for wrong in ["asr", "/asr", "a/", "a/b/c", ""] {
        let asking = ExplainObject {
            object: wrong.into(),
            server: "http://localhost:1".into(),
            format: RulesFormat::Text,
        };
        let error = object("probe", &asking).await.unwrap_err().to_string();
        assert_eq!(error, format!("{wrong:?} is not NAMESPACE/NAME"));
    }
    assert_eq!(in_path("a-b.c_1"), "a-b.c_1");
    assert_eq!(in_path("a b?#é"), "a%20b%3F%23%C3%A9");
}
