//! Any bytes, in any pieces: never a panic, and the same as in one piece.

use super::bodies::{chunked, gzip};
use super::*;
use proptest::prelude::*;
use tokio::io::DuplexStream;

/// Asks a server within the process that sends these bytes in pieces of these lengths, then closes.
fn fetch_bytes(answer: &[u8], pieces: &[usize]) -> Result<Vec<u8>, String> {
    let (answer, pieces) = (answer.to_vec(), pieces.to_vec());
    let dialer = Dialer::within(move |_| {
        let (near, far) = tokio::io::duplex(1 << 20);
        tokio::spawn(send(far, answer.clone(), pieces.clone()));
        Box::new(near)
    });
    run(async move {
        let mut session = Client::new(&HttpConfig::default(), &dialer, "test").session();
        let place = Place::parse("http://h/").unwrap();
        let request = Request { method: Method::Get, place: &place, headers: &[], body: &[] };
        let mut body = Vec::new();
        let mut answer = session.send(&request).await.map_err(|error| error.to_string())?;
        answer.set_limit(1 << 20).map_err(|error| error.to_string())?;
        while answer.read(&mut body, 1000).await.map_err(|error| error.to_string())? {}
        Ok(body)
    })
}

async fn send(mut far: DuplexStream, answer: Vec<u8>, pieces: Vec<usize>) {
    let mut rest = answer.as_slice();
    let mut lengths = pieces.iter().cycle();
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(rest.len().min(*lengths.next().unwrap()));
        if far.write_all(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
        rest = tail;
    }
    far.shutdown().await.ok();
    // Reads what was asked, so that the other side does not see a broken pipe.
    let mut asked = Vec::new();
    far.read_buf(&mut asked).await.ok();
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..50_usize, 1..8)
}

/// Lines as they come in heads, whole and broken.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "Content-Length: 5",
        "Content-Length: 99999999999999999999",
        "Content-Length: 5, 5",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Content-Encoding: gzip",
        "Connection: close",
        "Connection: keep-alive, x",
        "Location: http://[::1",
        "Location: /a",
        "Content-Type: text/plain; version=0.0.4",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 100 Continue",
        "HTTP/1.0 204 ",
        "HTTP/1.1 301 Moved",
        "5",
        "ffffffffffffffff",
        "0",
        ": x",
        "",
    ]);
    prop_oneof![
        4 => known.prop_map(|line| line.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_answer_is_an_answer_or_an_error(
        lines in prop::collection::vec(line(), 0..12),
        bare in any::<bool>(),
        pieces in pieces(),
    ) {
        let mut answer = b"HTTP/1.1 200 OK\r\n".to_vec();
        for line in lines {
            answer.extend_from_slice(&line);
            answer.extend_from_slice(if bare { b"\n" } else { b"\r\n" });
        }
        let whole = fetch_bytes(&answer, &[answer.len()]);
        let cut = fetch_bytes(&answer, &pieces);
        prop_assert_eq!(whole.is_ok(), cut.is_ok());
        if let (Ok(whole), Ok(cut)) = (whole, cut) {
            prop_assert_eq!(whole, cut);
        }
    }

    #[test]
    fn bodies_come_whole(
        body in prop::collection::vec(any::<u8>(), 0..5000),
        size in 1..2000_usize,
        packed in any::<bool>(),
        in_chunks in any::<bool>(),
        split in 0..5000_usize,
        pieces in pieces(),
    ) {
        let (first, second) = body.split_at(split.min(body.len()));
        let (headers, wire) = match packed {
            true => ("Content-Encoding: gzip\r\n", [gzip(first), gzip(second)].concat()),
            false => ("", body.clone()),
        };
        let answer = match in_chunks {
            true => chunked(headers, &wire, size),
            false => known(headers, &wire),
        };
        prop_assert_eq!(fetch_bytes(&answer, &pieces).unwrap(), body);
    }

    #[test]
    fn broken_packing_is_an_error_or_a_body(
        text in prop::collection::vec(any::<u8>(), 0..500),
        at in 0..600_usize,
        bits in 1..255_u8,
        pieces in pieces(),
    ) {
        let mut wire = gzip(&text);
        let at = at % wire.len();
        wire[at] ^= bits;
        // Flags and times of the head may change without harm.
        if let Ok(body) = fetch_bytes(&known("Content-Encoding: gzip\r\n", &wire), &pieces) {
            prop_assert_eq!(body, text);
        }
    }
}
