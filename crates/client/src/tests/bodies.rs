//! Bodies of all kinds, and answers that are not what they should be.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

/// Asks once for each answer; bodies, or errors.
#[track_caller]
fn check_limited(limit: u64, answers: &[&[u8]], expected: &[Result<&str, &str>]) -> Server {
    let answers: Vec<_> = answers.iter().map(|answer| answer.to_vec()).collect();
    let (results, server) = run(async {
        let server = serve_answers(answers).await;
        let mut session = client("{}").session();
        let mut results = Vec::new();
        for _ in expected {
            results.push(fetch(&mut session, &server.url(), limit).await);
        }
        (results, server)
    });
    for (got, expected) in results.iter().zip(expected) {
        match (got.as_deref().map_err(ToString::to_string), expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, *expected),
            (Err(got), Err(expected)) => assert!(got.contains(expected), "{got}: {expected}"),
            other => panic!("{other:?}"),
        }
    }
    server
}

#[track_caller]
fn check(answers: &[&[u8]], expected: &[Result<&str, &str>]) -> Server {
    check_limited(100 << 20, answers, expected)
}

pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn chunked(headers: &str, body: &[u8], size: usize) -> Vec<u8> {
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

const GZIP: &str = "Content-Encoding: gzip\r\n";

#[test]
fn one_connection_for_all_kinds() {
    let text = "line 1\n".repeat(50_000);
    let two = [gzip(b"first "), gzip(b"second")].concat();
    let server = check(
        &[
            &known("", b"a 1\n"),
            &known("", b""),
            &known("", text.as_bytes()),
            &chunked("", text.as_bytes(), 4096),
            &chunked("", b"tiny", 1),
            &known(GZIP, &gzip(text.as_bytes())),
            &chunked(GZIP, &gzip(text.as_bytes()), 100),
            &known(GZIP, &two),
            &known(GZIP, &gzip(b"")),
            &known("Content-Encoding: identity\r\n", b"plain"),
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
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
            Ok(""),
            Ok("plain"),
            Ok("ok"),
        ],
    );
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_body_comes_in_pieces() {
    run(async {
        let body = vec![b'x'; 1 << 20];
        let answers = [known("", &body), known(GZIP, &gzip(&body)), chunked("", &body, 100_000)];
        let server = serve_answers(answers.to_vec()).await;
        let place = Place::parse(&server.url()).unwrap();
        let request = Request { method: Method::Get, place: &place, headers: &[], body: &[] };
        let mut session = client("{}").session();
        for _ in 0..3 {
            let mut answer = session.send(&request).await.unwrap();
            let (mut pieces, mut total) = (0, 0);
            let mut piece = Vec::with_capacity(64 << 10);
            while answer.read(&mut piece, 64 << 10).await.unwrap() {
                assert!(piece.len() <= 64 << 10 && !piece.is_empty(), "{}", piece.len());
                pieces += 1;
                total += piece.len();
                piece.clear();
            }
            assert_eq!(total, 1 << 20);
            assert!(pieces >= 16, "{pieces}");
        }
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_connection_closed_meanwhile_is_opened_again() {
    let closing = [&known("", b"one"), CLOSE].concat();
    let server = check(&[&closing, &known("", b"two")], &[Ok("one"), Ok("two")]);
    assert_eq!(server.connections(), 2);
    let announced = [&known("Connection: close\r\n", b"one"), CLOSE].concat();
    check(&[&announced, &known("", b"two")], &[Ok("one"), Ok("two")]);
    let until_close = b"HTTP/1.0 200 OK\r\n\r\nall of it<close>";
    check(&[until_close, &known("", b"two")], &[Ok("all of it"), Ok("two")]);
    let excess = [&known("", b"one"), b"HTTP/1.1 200 OK\r\n\r\nevil".as_slice()].concat();
    check(&[&excess, &known("", b"two")], &[Ok("one"), Ok("two")]);
}

#[test]
fn errors_are_readable() {
    check(&[b"<close>"], &[Err("EOF")]);
    check(&[b"HTTP/1.1 200 OK\r\nContent-Le<close>"], &[Err("unexpected EOF")]);
    check(&[b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc<close>"], &[Err("unexpected EOF")]);
    check(
        &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab<close>"],
        &[Err("unexpected EOF")],
    );
    check(
        &[b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n<close>"],
        &[Err("malformed HTTP response: invalid HTTP version in \"SSH-2.0-OpenSSH_9.2p1\"")],
    );
    let chunks = |lines: &str| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        format!("{head}{lines}<close>").into_bytes()
    };
    check(&[&chunks("zz\r\n")], &[Err("bad size")]);
    check(&[&chunks("1\r\nab\r\n")], &[Err("chunk longer than its size")]);
    check(&[&chunks(&"1".repeat(5000))], &[Err("line too long")]);
    let trailer = format!("T: {}\r\n", "x".repeat(1000));
    check(&[&chunks(&format!("0\r\n{}", trailer.repeat(9)))], &[Err("trailers too long")]);
    check(&[b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n<close>"], &[Err("Content-Length")]);
    let two = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n";
    check(&[two], &[Err("two lengths of the body")]);
    check(&[&known(GZIP, b"not gzip")], &[Err("gzip: ")]);
    let packed = gzip(&[b'x'; 5000]);
    check(&[&known(GZIP, &packed[..packed.len() - 9])], &[Err("unexpected EOF")]);
    check(&[&known(GZIP, &[&packed, b"garbage behind".as_slice()].concat())], &[Err("gzip: ")]);
    let endless = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &vec![b'x'; 70_000]].concat();
    check(&[&endless], &[Err("a head of more than 65536 bytes")]);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(200));
    check(&[many.as_bytes()], &[Err("too many headers")]);
    let announcing = b"HTTP/1.1 103 Early\r\n\r\n".repeat(7);
    check(&[&announcing], &[Err("too many 1xx responses")]);
}

#[test]
fn other_statuses_are_errors_and_keep_the_connection() {
    let server = check(
        &[
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
            b"HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n",
            &known("", b"ok"),
        ],
        &[
            Err("server returned HTTP status 404 Not Found"),
            Err("server returned HTTP status 500 Internal Server Error"),
            Ok("ok"),
        ],
    );
    assert_eq!(server.connections(), 1);
}

#[test]
fn the_limit_holds_for_what_is_unpacked() {
    let error = "body size limit exceeded";
    let check = |answer: &[u8], expected| {
        check_limited(102_400, &[answer], &[expected]);
    };
    check(&known(GZIP, &gzip(&vec![b'0'; 2 << 20])), Err(error));
    check(&chunked("", &[b'x'; 102_400], 1000), Err(error));
    check(&known("", &[b'x'; 102_400]), Err(error));
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", Err(error));
    // Nothing comes out, and it never ends.
    check(&known(GZIP, &gzip(b"").repeat(1_001)), Err(error));
    check(&known(GZIP, &gzip(b"").repeat(1_000)), Ok(""));
    check(&chunked("", &[b'x'; 60_000], 1), Err(error));
    let just = "x".repeat(102_399);
    check(&known("", just.as_bytes()), Ok(&just));
    check(&chunked("", just.as_bytes(), 1000), Ok(&just));
    check(&known(GZIP, &gzip(just.as_bytes())), Ok(&just));
}

#[test]
fn what_never_ends_is_left_in_time() {
    run(async {
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec();
        let server = serve(None, move |_, number| match number {
            0 => half.clone(),
            _ => known("", b"whole"),
        })
        .await;
        let mut session = client("{}").session();
        let url = server.url();
        let asked =
            tokio::time::timeout(Duration::from_millis(200), fetch(&mut session, &url, 1 << 20));
        assert!(asked.await.is_err());
        assert_eq!(fetch(&mut session, &url, 1 << 20).await.unwrap(), "whole");
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn connections_are_counted() {
    run(async {
        let server = serve_answers(vec![known("", b"ok")]).await;
        let client = Client::new(&HttpConfig::default(), &Dialer::net(1), "test");
        let (mut one, mut two) = (client.session(), client.session());
        fetch(&mut one, &server.url(), 100).await.unwrap();
        let error = fetch(&mut two, &server.url(), 100).await.unwrap_err().to_string();
        assert_eq!(error, "dial: all 1 connections for scraping are in use");
        drop(one);
        fetch(&mut two, &server.url(), 100).await.unwrap();
    });
}
