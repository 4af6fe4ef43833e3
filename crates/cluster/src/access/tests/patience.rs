//! How long who is waited for, what is asked again and how often.

use super::*;
use futures_util::TryStreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::WatchParams;
use std::time::Duration;
use tokio::time::Instant;

const LATER: &str = "Retry-After: 7\r\n";

fn refusal(status: &str, headers: &str) -> String {
    let code = &status[..3];
    answer(
        status,
        headers,
        &format!(r#"{{"kind": "Status", "status": "Failure", "code": {code}}}"#),
    )
}

fn ok() -> String {
    answer("200 OK", "", "{}")
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_again_when_the_server_says_so() {
    async fn check(first: String, seconds: u64) {
        let canned = Canned::new([first.clone(), first, ok()]);
        let (access, start) = (canned.access(), Instant::now());
        get(&access, PODS).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 2 * seconds);
        assert_eq!(canned.heard().len(), 3);
    }
    check(refusal("429 Too Many Requests", LATER), 7).await;
    check(refusal("503 Service Unavailable", LATER), 7).await;
    check(refusal("500 Internal Server Error", "retry-after:  2 \r\n"), 2).await;
    check(refusal("429 Too Many Requests", ""), 1).await;
    // Longer than any server means it.
    check(refusal("429 Too Many Requests", "Retry-After: 86400\r\n"), 120).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_not_told_again_but_all_wait() {
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let canned = Canned::new([refusal("429 Too Many Requests", LATER), ok()]);
        let (access, start) = (canned.access(), Instant::now());
        let told = access.client().request(request(method, PODS, "{}")).await;
        assert_eq!((code(told), start.elapsed().as_secs()), (429, 0), "{method}");
        get(&access, PODS).await.unwrap();
        assert_eq!((canned.heard().len(), start.elapsed().as_secs()), (2, 7), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_has_time_is_given_up() {
    let canned = Canned::new((0..20).map(|_| refusal("429 Too Many Requests", LATER)));
    assert_eq!(code(get(&canned.access(), PODS).await), 429);
    assert_eq!(canned.heard().len(), 6);
    // Without a word about later, whoever asks decides.
    let canned = Canned::new([refusal("503 Service Unavailable", ""), ok()]);
    assert_eq!(code(get(&canned.access(), PODS).await), 503);
    assert_eq!(canned.heard().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn silence_ends() {
    let start = Instant::now();
    let error = get(&Canned::new([]).access(), PODS).await.unwrap_err().to_string();
    assert!(error.contains("GET http://server/prefix/api/v1/namespaces/a/pods"), "{error}");
    assert!(error.contains("no answer within 30s"), "{error}");
    assert_eq!(start.elapsed().as_secs(), 30);
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{";
    let start = Instant::now();
    let error = get(&Canned::new([half.into()]).access(), PODS).await.unwrap_err();
    assert!(format!("{error:?}").contains("nothing came for 30s"), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 30);
}

fn event(name: &str) -> String {
    let object =
        format!(r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}"}}}}"#);
    let line = format!("{{\"type\": \"ADDED\", \"object\": {object}}}\n");
    format!("{:x}\r\n{line}\r\n", line.len())
}

/// How many events came, whether the stream ended well, and after how many seconds.
async fn watched(body: &str, seconds: u32) -> (usize, bool, u64) {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let canned = Canned::new([format!("{head}{body}")]);
    let access = canned.access();
    let start = Instant::now();
    let pods: Api<Pod> = Api::namespaced(access.client(), "a");
    let params = WatchParams { timeout: Some(seconds), ..WatchParams::default() };
    let mut events = std::pin::pin!(pods.watch(&params, "0").await.unwrap());
    let mut count = 0;
    let ended_well = loop {
        match events.try_next().await {
            Ok(Some(_)) => count += 1,
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    (count, ended_well, start.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_watch_may_be_silent_for_its_own_time() {
    let body = format!("{}{}", event("x"), event("y"));
    assert_eq!(watched(&body, 200).await, (2, false, 230));
    // The server ends it in order, or is cut off, which is no different.
    assert_eq!(watched(&format!("{body}0\r\n\r\n"), 200).await, (2, true, 0));
    assert_eq!(watched(&format!("{body}!"), 200).await, (2, true, 0));
    assert_eq!(watched(&format!("{body}zap\r\n"), 200).await, (2, false, 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_has_a_limit_and_a_watch_has_none() {
    let many: String = (0..100_000).map(|_| event("some-name")).collect();
    assert_eq!(watched(&format!("{many}0\r\n\r\n"), 200).await, (100_000, true, 0));
    let endless = format!("{:x}\r\n{}", 1 << 30, "a".repeat(17 << 20));
    let (count, ended_well, _) = watched(&endless, 200).await;
    assert_eq!((count, ended_well), (0, false));
}

#[tokio::test(start_paused = true)]
async fn a_body_has_a_limit() {
    let large = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 256 << 20);
    let error = get(&Canned::new([large]).access(), PODS).await.unwrap_err();
    assert!(format!("{error:?}").contains("BodyLimit"), "{error:?}");
    let large = format!("HTTP/1.1 500 Oh\r\nContent-Length: {}\r\n\r\n", 1 << 20);
    let error = get(&Canned::new([large]).access(), PODS).await.unwrap_err();
    assert!(format!("{error:?}").contains("BodyLimit"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_are_sent_as_they_are_meant() {
    let canned = Canned::new([ok(), ok()]);
    let access = canned.access();
    let mut patch = request("PATCH", "/apis/g/v1/things/x/status?fieldManager=a%2Fb", "[1]");
    let kind = http::HeaderValue::from_static("application/json-patch+json");
    patch.headers_mut().insert("content-type", kind);
    patch.headers_mut().insert("content-length", http::HeaderValue::from_static("77"));
    let _: Value = access.client().request(patch).await.unwrap();
    let _: Value = access.client().request(request("DELETE", "/x", "")).await.unwrap();
    let heard = canned.heard();
    let first = "PATCH /prefix/apis/g/v1/things/x/status?fieldManager=a%2Fb HTTP/1.1\r\n\
                 Host: server\r\nUser-Agent: rushlight/test\r\nContent-Length: 3\r\n\
                 content-type: application/json-patch+json\r\n\r\n[1]";
    assert_eq!(heard[0], first);
    assert_eq!(
        heard[1],
        "DELETE /prefix/x HTTP/1.1\r\nHost: server\r\nUser-Agent: rushlight/test\r\n\r\n"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_told_does_not_become_a_question() {
    let moved = || answer("301 Moved", "Location: http://server/elsewhere\r\n", "");
    let canned = Canned::new([moved(), ok(), moved(), ok()]);
    let access = canned.access();
    get(&access, PODS).await.unwrap();
    let told: Result<Value, _> = access.client().request(request("PUT", PODS, "{}")).await;
    assert!(told.unwrap_err().to_string().contains("redirected"));
}

#[tokio::test(start_paused = true)]
async fn connections_are_used_again_and_requests_are_paced() {
    let canned = Canned::new((0..200).map(|_| ok()));
    let access = canned.access();
    let start = Instant::now();
    for _ in 0..100 {
        get(&access, PODS).await.unwrap();
    }
    assert_eq!(*canned.connections.lock(), 1);
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(3) && took < Duration::from_millis(3200), "{took:?}");
}

#[test]
fn equal_ways_have_equal_identities() {
    let identity =
        |url: &str, http: HttpConfig| access(url, http, &Dialer::net(1)).identity().to_owned();
    let with = |secret: &str| HttpConfig {
        credentials: Credentials::Scheme {
            scheme: "Bearer".into(),
            secret: SecretSource::Text(secret.into()),
        },
        ..HttpConfig::default()
    };
    let first = identity("https://a:b@server/x", with("word"));
    assert_eq!(first, identity("https://a:b@server/x", with("word")));
    assert_ne!(first, identity("https://a:c@server/x", with("word")));
    assert_ne!(first, identity("https://a:b@server/x", with("other")));
    assert_ne!(first, identity("https://a:b@server/y", with("word")));
    assert!(
        first.contains("server/x") && !first.contains(":b@") && !first.contains("word"),
        "{first}"
    );
}
