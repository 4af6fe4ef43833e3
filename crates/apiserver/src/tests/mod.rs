//! The server as its clients see it.

mod kube_client;
mod kubectl;

use crate::ApiServer;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Sends a request and gives the connection.
fn send(server: &ApiServer, method: &str, path: &str, kind: &str, body: &str) -> TcpStream {
    let address = server.url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: {kind}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    stream
}

/// The status and the answer.
fn ask(server: &ApiServer, method: &str, path: &str, kind: &str, body: &Value) -> (u16, Value) {
    let mut stream = send(server, method, path, kind, &body.to_string());
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn get(server: &ApiServer, path: &str) -> (u16, Value) {
    ask(server, "GET", path, "", &Value::Null)
}

/// The lines of a watch: what happened to whom.
struct Lines(BufReader<TcpStream>);

impl Lines {
    fn new(server: &ApiServer, path: &str) -> Self {
        let mut reader = BufReader::new(send(server, "GET", path, "", ""));
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        Self(reader)
    }

    /// The next event that is no bookmark of the time; `None` at the end.
    fn next(&mut self) -> Option<(String, String)> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let event: Value = serde_json::from_str(&line).unwrap();
            let object = &event["object"];
            let what = event["type"].as_str().unwrap().to_owned();
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            match what.as_str() {
                "BOOKMARK" if object["metadata"]["annotations"].is_null() => {}
                "ERROR" => return Some((what, object["code"].to_string())),
                _ => return Some((what, name)),
            }
        }
    }

    #[track_caller]
    fn expect(&mut self, expected: &[(&str, &str)]) {
        for (what, name) in expected {
            assert_eq!(self.next(), Some(((*what).to_owned(), (*name).to_owned())));
        }
    }
}

fn monitor(name: &str, app: &str) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
           "metadata": {"name": name, "namespace": "a", "labels": {"app": app}},
           "spec": {"endpoints": []}})
}

const MONITORS: &str = "/apis/monitoring.coreos.com/v1/namespaces/a/servicemonitors";

/// Blocking clients beside a server on threads of its own.
fn with_server(test: impl FnOnce(&ApiServer, &tokio::runtime::Runtime)) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(ApiServer::start()).unwrap();
    test(&server, &runtime);
}

#[test]
fn objects_have_versions_and_status_of_its_own() {
    with_server(|server, _| {
        let (code, made) = ask(server, "POST", MONITORS, "", &monitor("m", "x"));
        assert_eq!((code, &made["metadata"]["generation"]), (201, &json!(1)));
        assert_eq!(ask(server, "POST", MONITORS, "", &monitor("m", "x")).0, 409);
        let path = format!("{MONITORS}/m");
        let mut changed = made.clone();
        changed["spec"]["jobLabel"] = json!("app");
        changed["status"] = json!({"bindings": []});
        let (code, second) = ask(server, "PUT", &path, "", &changed);
        assert_eq!((code, &second["metadata"]["generation"]), (200, &json!(2)));
        assert_eq!(second["status"], Value::Null, "status is written apart");
        let (code, told) = ask(server, "PUT", &path, "", &changed);
        assert_eq!((code, told["reason"].as_str()), (409, Some("Conflict")));
        let status = json!([{"op": "add", "path": "/status", "value": {"bindings": [1]}},
                            {"op": "replace", "path": "/spec", "value": {}}]);
        let kind = "application/json-patch+json";
        let (code, third) = ask(server, "PATCH", &format!("{path}/status"), kind, &status);
        assert_eq!((code, &third["status"]["bindings"][0]), (200, &json!(1)));
        assert_eq!(third["spec"]["jobLabel"], json!("app"));
        let merged = json!({"metadata": {"labels": {"app": "y"}}});
        let (_, fourth) = ask(server, "PATCH", &path, "application/merge-patch+json", &merged);
        assert_eq!(fourth["metadata"]["labels"]["app"], json!("y"));
        assert_eq!(ask(server, "DELETE", &path, "", &Value::Null).0, 200);
        let (code, told) = get(server, &path);
        assert_eq!(code, 404);
        let message = "servicemonitors.monitoring.coreos.com \"m\" not found";
        assert_eq!(told["message"], json!(message));
    });
}

#[test]
fn lists_come_in_pieces() {
    with_server(|server, _| {
        for i in 0..5 {
            server.apply(&monitor(&format!("m{i}"), if i == 3 { "y" } else { "x" }));
        }
        let (_, first) = get(server, &format!("{MONITORS}?limit=2&labelSelector=app%3Dx"));
        let names = |list: &Value| {
            let items = list["items"].as_array().unwrap().iter();
            items
                .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&first), ["m0", "m1"]);
        let token = first["metadata"]["continue"].as_str().unwrap();
        let (_, second) =
            get(server, &format!("{MONITORS}?limit=2&labelSelector=app%3Dx&continue={token}"));
        assert_eq!(names(&second), ["m2", "m4"]);
        assert_eq!(second["metadata"]["continue"], Value::Null);
        server.forget();
        let (code, told) = get(server, &format!("{MONITORS}?limit=2&continue={token}"));
        assert_eq!((code, told["reason"].as_str()), (410, Some("Expired")));
    });
}

#[test]
fn watches_tell_what_happens() {
    with_server(|server, _| {
        server.apply(&monitor("m0", "x"));
        let mut watch = Lines::new(server, &format!("{MONITORS}?watch=1&labelSelector=app%3Dx"));
        watch.expect(&[("ADDED", "m0")]);
        server.apply(&monitor("m1", "y"));
        server.apply(&monitor("m2", "x"));
        // What comes to be selected is new, what no longer is has gone.
        server.apply(&monitor("m1", "x"));
        server.apply(&monitor("m0", "y"));
        server.delete("servicemonitors", "a", "m2");
        watch.expect(&[("ADDED", "m2"), ("ADDED", "m1"), ("DELETED", "m0"), ("DELETED", "m2")]);
        server.hang_up();
        assert_eq!(watch.next(), None);

        let (_, list) = get(server, MONITORS);
        let version = list["metadata"]["resourceVersion"].as_str().unwrap();
        let later = format!("{MONITORS}?watch=true&resourceVersion={version}&timeoutSeconds=1");
        let mut watch = Lines::new(server, &later);
        server.apply(&monitor("m3", "x"));
        watch.expect(&[("ADDED", "m3")]);
        assert_eq!(watch.next(), None, "it ends after its time");
        server.forget();
        Lines::new(server, &later).expect(&[("ERROR", "410")]);
        let streamed =
            format!("{MONITORS}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true");
        let all = [("ADDED", "m0"), ("ADDED", "m1"), ("ADDED", "m3"), ("BOOKMARK", "")];
        Lines::new(server, &streamed).expect(&all);
        server.trouble().no_initial_events(true);
        assert_eq!(get(server, &streamed).0, 422);
    });
}

#[test]
fn trouble_is_made_on_purpose() {
    with_server(|server, _| {
        server.apply(&monitor("m", "x"));
        server.trouble().forbid("list", "servicemonitors");
        let (code, told) = get(server, MONITORS);
        assert_eq!(code, 403);
        let message = told["message"].as_str().unwrap();
        assert!(message.ends_with("in the namespace \"a\""), "{message}");
        let review = json!({"spec": {"resourceAttributes": {"verb": "list",
            "resource": "servicemonitors", "group": "monitoring.coreos.com"}}});
        let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let (_, answer) = ask(server, "POST", reviews, "", &review);
        assert_eq!(answer["status"]["allowed"], json!(false));
        server.trouble().allow("list", "servicemonitors");
        assert_eq!(get(server, MONITORS).0, 200);
        server.trouble().undefine("servicemonitors");
        assert_eq!(get(server, MONITORS).0, 404);
        let (_, kinds) = get(server, "/apis/monitoring.coreos.com/v1");
        assert!(!kinds.to_string().contains("servicemonitors"), "{kinds}");
        server.trouble().define("servicemonitors");
        server.trouble().answer_with(Some((503, Some(7))));
        assert_eq!(get(server, MONITORS).0, 503);
        server.trouble().answer_with(None);
        server.trouble().tokens(["good"]);
        assert_eq!(get(server, MONITORS).0, 401);
        assert_eq!(server.asked("list", "servicemonitors"), 2);
    });
}
