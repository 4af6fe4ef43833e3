use super::*;
use crate::config::{Global, Job, Written};
use crate::target::{Placed, Target, discovered_labels, place};
use flate2::Compression;
use flate2::write::GzEncoder;
use model::Labels;
use std::io::Write as _;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that answers the nth request with the nth answer, byte for byte, then closes. A
/// connection is closed after an answer that ends in `CLOSE`.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

const CLOSE: &[u8] = b"<close>";

async fn serve(answers: Vec<Vec<u8>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (requests, connections) =
        (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<usize>>::default());
    let (seen, opened) = (requests.clone(), connections.clone());
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        let mut next = answers.next();
        while next.is_some() {
            let (mut stream, _) = listener.accept().await.unwrap();
            *opened.lock().unwrap() += 1;
            let mut request = Vec::new();
            while let Some(answer) = next.take() {
                request.clear();
                while !request.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    request.push(byte);
                }
                if request.is_empty() {
                    next = Some(answer);
                    break;
                }
                seen.lock().unwrap().push(String::from_utf8(request.clone()).unwrap());
                let close = answer.ends_with(CLOSE);
                let bytes = answer.strip_suffix(CLOSE).unwrap_or(&answer);
                // The client may have gone when it has seen enough.
                stream.write_all(bytes).await.ok();
                next = answers.next();
                if close {
                    break;
                }
            }
        }
    });
    Server { address, requests, connections }
}

fn job(options: &str) -> Job {
    let written: Written = serde_saphyr::from_str(&format!("{{job_name: j, {options}}}")).unwrap();
    written.resolve(&Global::default()).unwrap()
}

fn target(job: &Job, address: &str) -> Target {
    let own = Labels::from_pairs([("__address__", address)]);
    let discovered = discovered_labels(job, &Labels::empty(), &own);
    let Placed::Kept(all) = place(job, &discovered).unwrap() else { panic!("dropped") };
    Target::new(job, discovered, &all).unwrap()
}

/// Fetches once for each answer; bodies, or errors.
async fn fetch_all(options: &str, answers: Vec<Vec<u8>>) -> (Vec<Result<String, String>>, Server) {
    let times = answers.len();
    let server = serve(answers).await;
    let job = job(options);
    let target = target(&job, &server.address);
    let ask = Ask { job: &job, target: &target, user_agent: "test" };
    let (mut client, desk) = (Client::new(Dialer::net(100)), Arc::<Desk>::default());
    let mut results = Vec::new();
    for _ in 0..times {
        let page = client.fetch(&ask, &desk).await;
        results.push(match page {
            Ok(page) => Ok(String::from_utf8(page.lease.buffers.body().to_vec()).unwrap()),
            Err(error) => Err(error.to_string()),
        });
    }
    (results, server)
}

#[track_caller]
fn check(options: &str, answers: &[&[u8]], expected: &[Result<&str, &str>]) -> Server {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answers: Vec<_> = answers.iter().map(|a| a.to_vec()).collect();
    let fetched = async {
        let (results, server) = fetch_all(options, answers).await;
        (results, server)
    };
    let (results, server) = runtime.block_on(fetched);
    for (got, expected) in results.iter().zip(expected) {
        match (got, expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected),
            (Err(got), Err(expected)) => assert!(got.contains(expected), "{got}: {expected}"),
            other => panic!("{other:?}"),
        }
    }
    server
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn known(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn chunked(headers: &str, body: &[u8], size: usize) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\n{headers}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(size) {
        answer.extend_from_slice(format!("{:x};x=y\r\n", chunk.len()).as_bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
    answer
}

#[test]
fn one_connection_for_all_kinds_of_bodies() {
    let text = "line 1\n".repeat(50_000);
    let gz = "Content-Encoding: gzip\r\n";
    let two = [gzip(b"first "), gzip(b"second")].concat();
    let server = check(
        "",
        &[
            &known("", b"a 1\n"),
            &known("", b""),
            &known("", text.as_bytes()),
            &chunked("", text.as_bytes(), 4096),
            &chunked("", b"tiny", 1),
            &known(gz, &gzip(text.as_bytes())),
            &chunked(gz, &gzip(text.as_bytes()), 100),
            &known(gz, &two),
            &known("Content-Encoding: identity\r\n", b"plain"),
        ],
        &[
            Ok("a 1\n"),
            Ok(""),
            Ok(&text),
            Ok(&text),
            Ok("tiny"),
            Ok(&text),
            Ok(&text),
            Ok("first second"),
            Ok("plain"),
        ],
    );
    assert_eq!(*server.connections.lock().unwrap(), 1);
}

#[test]
fn a_connection_closed_meanwhile_is_opened_again() {
    let closing = [&known("", b"one"), CLOSE].concat();
    let server = check("", &[&closing, &known("", b"two")], &[Ok("one"), Ok("two")]);
    assert_eq!(*server.connections.lock().unwrap(), 2);
    let announced = [&known("Connection: close\r\n", b"one"), CLOSE].concat();
    check("", &[&announced, &known("", b"two")], &[Ok("one"), Ok("two")]);
    let until_close = b"HTTP/1.0 200 OK\r\n\r\nall of it<close>";
    check("", &[until_close, &known("", b"two")], &[Ok("all of it"), Ok("two")]);
}

#[test]
fn errors_are_readable() {
    check("", &[b"<close>"], &[Err("EOF")]);
    check("", &[b"HTTP/1.1 200 OK\r\nContent-Le<close>"], &[Err("unexpected EOF")]);
    check(
        "",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc<close>"],
        &[Err("unexpected EOF")],
    );
    check(
        "",
        &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab<close>"],
        &[Err("unexpected EOF")],
    );
    check(
        "",
        &[b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n<close>"],
        &[Err("malformed HTTP response: invalid HTTP version in \"SSH-2.0-OpenSSH_9.2p1\"")],
    );
    check(
        "",
        &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<close>"],
        &[Err("bad size")],
    );
    check("", &[b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n<close>"], &[Err("Content-Length")]);
    check("", &[&known("Content-Encoding: gzip\r\n", b"not gzip")], &[Err("gzip: ")]);
    let cut = gzip(&[b'x'; 5000]);
    check(
        "",
        &[&known("Content-Encoding: gzip\r\n", &cut[..cut.len() - 9])],
        &[Err("unexpected EOF")],
    );
    let endless = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &vec![b'x'; 70_000]].concat();
    check("", &[&endless], &[Err("a head of more than 65536 bytes")]);
}

#[test]
fn other_statuses_are_errors_and_keep_the_connection() {
    let server = check(
        "",
        &[
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
            b"HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ],
        &[
            Err("server returned HTTP status 404 Not Found"),
            Err("server returned HTTP status 500 Internal Server Error"),
            Ok("ok"),
        ],
    );
    assert_eq!(*server.connections.lock().unwrap(), 1);
}

#[test]
fn the_body_limit_holds_for_what_is_unpacked() {
    let bomb = gzip(&vec![b'0'; 2 << 20]);
    let limit = "body_size_limit: 100KB";
    let error = "body size limit exceeded";
    check(limit, &[&known("Content-Encoding: gzip\r\n", &bomb)], &[Err(error)]);
    check(limit, &[&chunked("", &[b'x'; 102_400], 1000)], &[Err(error)]);
    check(limit, &[&known("", &[b'x'; 102_400])], &[Err(error)]);
    check(limit, &[b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"], &[Err(error)]);
    let just = "x".repeat(102_399);
    check(limit, &[&known("", just.as_bytes())], &[Ok(&just)]);
    check(limit, &[&chunked("", just.as_bytes(), 1000)], &[Ok(&just)]);
}

#[test]
fn redirects() {
    let there = b"HTTP/1.1 302 Found\r\nLocation: /other?a=b\r\nContent-Length: 3\r\n\r\nout";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let once = |options: &'static str, answers: Vec<Vec<u8>>| {
        runtime.block_on(async {
            let server = serve(answers).await;
            let job = job(options);
            let target = target(&job, &server.address);
            let ask = Ask { job: &job, target: &target, user_agent: "test" };
            let mut client = Client::new(Dialer::net(100));
            let page = client.fetch(&ask, &Arc::default()).await;
            let result = page.map(|page| page.lease.buffers.body().to_vec());
            (result.map_err(|e| e.to_string()), server)
        })
    };
    let (result, server) = once("", vec![there.to_vec(), known("", b"here")]);
    assert_eq!(result.unwrap(), b"here");
    assert!(server.requests.lock().unwrap()[1].starts_with("GET /other?a=b HTTP/1.1\r\n"));
    let (result, _) = once("follow_redirects: false", vec![there.to_vec()]);
    assert_eq!(result.unwrap_err(), "server returned HTTP status 302 Found");
    let (result, _) = once("", vec![there.to_vec(); 11]);
    assert_eq!(result.unwrap_err(), "stopped after 10 redirects");
    let tls = b"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n";
    let (result, _) = once("", vec![tls.to_vec()]);
    assert!(result.unwrap_err().contains("scheme \"https\" is not built in yet"));
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let second = serve(vec![known("", b"page")]).await;
        let location = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{}/m\r\nContent-Length: 0\r\n\r\n",
            second.address
        );
        let first = serve(vec![location.into_bytes()]).await;
        let job = job("bearer_token: s3cret, http_headers: {X-A: {values: [one, two]}}");
        let target = target(&job, &first.address);
        let ask = Ask { job: &job, target: &target, user_agent: "test" };
        Client::new(Dialer::net(100)).fetch(&ask, &Arc::default()).await.unwrap();
        let (first, second) =
            (&first.requests.lock().unwrap()[0], &second.requests.lock().unwrap()[0]);
        assert!(first.contains("\r\nAuthorization: Bearer s3cret\r\nX-A: one\r\nX-A: two\r\n"));
        assert!(!second.contains("s3cret") && !second.contains("X-A"), "{second}");
    });
}

#[test]
fn the_request() {
    let server = check(
        "scrape_timeout: 2500ms, enable_compression: false, basic_auth: {username: u, password: p}",
        &[&known("", b"")],
        &[Ok("")],
    );
    let expected = format!(
        "GET /metrics HTTP/1.1\r\nHost: {}\r\nUser-Agent: test\r\n\
         Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,\
         text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,\
         */*;q=0.2\r\nAccept-Encoding: identity\r\nX-Prometheus-Scrape-Timeout-Seconds: 2.5\r\n\
         Authorization: Basic dTpw\r\n\r\n",
        server.address
    );
    assert_eq!(server.requests.lock().unwrap()[0], expected);
}

#[test]
fn secret_files_are_read_every_time() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "one\n").unwrap();
        let server = serve(vec![known("", b""); 2]).await;
        let job = job(&format!("authorization: {{credentials_file: '{}'}}", file.display()));
        let target = target(&job, &server.address);
        let ask = Ask { job: &job, target: &target, user_agent: "test" };
        let (mut client, desk) = (Client::new(Dialer::net(100)), Arc::<Desk>::default());
        client.fetch(&ask, &desk).await.unwrap();
        std::fs::write(&file, "two").unwrap();
        client.fetch(&ask, &desk).await.unwrap();
        let requests = server.requests.lock().unwrap().clone();
        assert!(requests[0].contains("Authorization: Bearer one\r\n"));
        assert!(requests[1].contains("Authorization: Bearer two\r\n"));
        std::fs::remove_file(&file).unwrap();
        let error = client.fetch(&ask, &desk).await.err().unwrap().to_string();
        assert!(error.starts_with("unable to read authorization credentials file"), "{error}");
    });
}

#[test]
fn nobody_listens() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let job = job("");
        let target = target(&job, &address);
        let ask = Ask { job: &job, target: &target, user_agent: "test" };
        let error = Client::new(Dialer::net(100)).fetch(&ask, &Arc::default()).await.err().unwrap();
        let expected = format!("dial tcp {address}: connect: connection refused");
        assert_eq!(error.to_string(), expected);
    });
}
