//! Questions, turns, lines and leaving.

use super::{Backfill, Backtest, History, Job, Progress, Watch};
use crate::tests::{Api, settings};
use crate::{ApiError, Kind, Settings};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use testkit::MemoryStore;

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_server_waits_for_the_end_of_what_runs() {
    let (server, hears) = server(true);
    let request = Request::post(BACKTEST).body(question("forever", "").into()).unwrap();
    let mut body = server.send(request).await.into_body();
    body.frame().await.unwrap().unwrap();
    let reading = tokio::spawn(async move { body.collect().await.unwrap().to_bytes() });
    server.state.close_history().await;
    let heard: Vec<String> = hears.try_iter().collect();
    assert_eq!(heard.last().map(String::as_str), Some("left"), "{heard:?}");
    assert!(reading.await.unwrap().ends_with(b"}\n"));
    let (_, answer) = ask(&server, BACKFILL, &question("x", "")).await;
    assert!(answer.contains("one at a time"), "{answer}");
}

/// Tells what it was asked, and goes on until nobody listens when asked for `forever`.
struct Past {
    asked: Mutex<mpsc::Sender<String>>,
}

impl History for Past {
    fn backtest(&self, job: &Job, watch: &mut dyn Watch) -> Result<Backtest, ApiError> {
        let told =
            format!("{:?} {:?} {} {}", job.files[0], job.interval_ms, job.from_ms, job.to_ms);
        self.asked.lock().unwrap().send(told).unwrap();
        match job.files[0].text.as_str() {
            "forever" => {
                let progress = || Progress { done: 0.5, doing: "a < b".to_owned() };
                while !watch.control().is_stopped() && watch.tell(progress()) {}
                self.asked.lock().unwrap().send("left".to_owned()).unwrap();
                Ok(Backtest::default())
            }
            "bad" => Err(ApiError::bad_data("a.yml:1:1: no < rules")),
            "panic" => panic!("on purpose"),
            _ => {
                assert!(watch.tell(Progress { done: 0.25, doing: "g; r".to_owned() }));
                Ok(Backtest { from: job.from_ms, to: job.to_ms, ..Backtest::default() })
            }
        }
    }

    fn backfill(&self, _: &Job, _: &mut dyn Watch) -> Result<Backfill, ApiError> {
        Ok(Backfill { samples: 7, ..Backfill::default() })
    }
}

fn server(admin: bool) -> (Api, mpsc::Receiver<String>) {
    let (asked, hears) = mpsc::channel();
    let server = api(admin);
    server.state.set_history(Arc::new(Past { asked: Mutex::new(asked) }));
    (server, hears)
}

fn api(admin: bool) -> Api {
    let settings = Settings { enable_admin_api: admin, ..settings() };
    Api::new(MemoryStore::new(), settings)
}

fn question(text: &str, rest: &str) -> String {
    format!(r#"{{"files":[{{"name":"a.yml","text":"{text}"}}],"from":"10"{rest}}}"#)
}

async fn ask(server: &Api, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post(path).body(body.to_owned().into()).unwrap();
    let response = server.send(request).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

const BACKTEST: &str = "/api/v1/rules/backtest";
const BACKFILL: &str = "/api/v1/admin/rules/backfill";

#[tokio::test]
async fn a_question_is_answered_line_by_line() {
    let (server, hears) = server(true);
    let (status, body) = ask(&server, BACKTEST, &question("x", r#","evalInterval":"15s""#)).await;
    assert_eq!(status, StatusCode::OK);
    let expected = "{\"progress\":{\"done\":0.25,\"doing\":\"g; r\"}}\n\
                    {\"status\":\"success\",\"data\":{\"from\":\"1970-01-01T00:00:10Z\",\
                    \"to\":\"1970-01-01T01:40:00Z\",\"rules\":[]}}\n";
    assert_eq!(body, expected);
    let file = r#"File { name: "a.yml", text: "x" }"#;
    assert_eq!(hears.recv().unwrap(), format!("{file} Some(15000) 10000 6000000"));
    let (_, body) = ask(&server, BACKTEST, &question("bad", "")).await;
    let expected = "{\"status\":\"error\",\"errorType\":\"bad_data\",\
                    \"error\":\"a.yml:1:1: no \\u003c rules\"}\n";
    assert_eq!(body, expected);
    let (_, body) = ask(&server, BACKTEST, &question("panic", "")).await;
    assert!(body.contains("failed by a bug"), "{body}");
    let (status, body) = ask(&server, BACKFILL, &question("x", r#","to":"1e12""#)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains(r#""samples":7"#), "{body}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let (server, _hears) = server(false);
    let check = async |path: &str, body: &str, expected: StatusCode, text: &str| {
        let (status, answer) = ask(&server, path, body).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer.contains(text), "{answer}");
    };
    let bad = StatusCode::BAD_REQUEST;
    check(BACKTEST, "{", bad, "error parsing the body").await;
    check(BACKTEST, r#"{"files":[],"from":"1"}"#, bad, "no rule files are given").await;
    check(BACKTEST, r#"{"files":[{"name":"","text":""}],"from":"x"}"#, bad, "\\\"from\\\"").await;
    check(BACKTEST, &question("x", r#","to":"9""#), bad, "is later than the end").await;
    check(BACKTEST, &question("x", r#","evalInterval":"0""#), bad, "must be positive").await;
    check(BACKTEST, &question("x", r#","evalInterval":"1ms""#), bad, "more than 4000000").await;
    check(BACKTEST, &question("x", r#","more":1"#), bad, "unknown field").await;
    let off = StatusCode::INTERNAL_SERVER_ERROR;
    check(BACKFILL, &question("x", ""), off, "admin APIs disabled").await;
    let empty = api(false);
    let (status, body) = ask(&empty, BACKTEST, &question("x", "")).await;
    assert_eq!((status, body.contains("not ready")), (off, true), "{body}");
    assert_eq!(Kind::Unavailable.as_str(), "unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time_and_none_for_nobody() {
    let (server, hears) = server(true);
    let request = Request::post(BACKTEST).body(question("forever", "").into()).unwrap();
    let response = server.send(request).await;
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"{\"progress\":{\"done\":0.5,\"doing\":\"a \\u003c b\"}}"));
    let (status, answer) = ask(&server, BACKFILL, &question("x", "")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.contains("one at a time"), "{answer}");
    drop(body);
    let in_time = Duration::from_secs(30);
    assert!(hears.recv_timeout(in_time).unwrap().contains("forever"));
    assert_eq!(hears.recv_timeout(in_time).unwrap(), "left");
    // The turn is given back when the thread is done.
    for _ in 0..1000 {
        let (status, _) = ask(&server, BACKFILL, &question("x", "")).await;
        if status == StatusCode::OK {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the turn never came back");
}
