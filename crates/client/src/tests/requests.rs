//! What is sent, to whom, and what is followed.

use super::*;
use crate::files::Vault;

fn moved(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 3\r\n\r\nout").into_bytes()
}

#[test]
fn the_request() {
    run(async {
        let server = serve_answers(vec![known("", b"")]).await;
        let client =
            client("{basic_auth: {username: u, password: p}, http_headers: {X: {values: [y]}}}");
        let place = Place::parse(&(server.url() + "m?a=b")).unwrap();
        let headers = [("Accept", "text/plain")];
        let mut session = client.session();
        let get = Request { method: Method::Get, place: &place, headers: &headers, body: &[] };
        session.send(&get).await.unwrap().skip().await;
        let post = Request { method: Method::Post, place: &place, headers: &[], body: b"told" };
        session.send(&post).await.unwrap().skip().await;
        let address = &server.address;
        let expected = [
            format!(
                "GET /m?a=b HTTP/1.1\r\nHost: {address}\r\nUser-Agent: test\r\n\
                 Accept: text/plain\r\nAuthorization: Basic dTpw\r\nX: y\r\n\r\n"
            ),
            format!(
                "POST /m?a=b HTTP/1.1\r\nHost: {address}\r\nUser-Agent: test\r\n\
                 Content-Length: 4\r\nAuthorization: Basic dTpw\r\nX: y\r\n\r\ntold"
            ),
        ];
        assert_eq!(server.requests(), expected);
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn single_answers() {
    run(async {
        let server = serve(None, |request, _| match request.starts_with("GET") {
            true => known("X-A: b\r\nContent-Type: text/plain\r\n", b"got"),
            false => {
                b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nbusy".to_vec()
            }
        })
        .await;
        let client = client("{}");
        let got = client.get(&server.url(), &[], 100).await.unwrap();
        assert_eq!(
            (got.status, got.body.as_slice(), got.header("x-a")),
            (200, b"got".as_slice(), Some("b"))
        );
        let told = client.post(&server.url(), &[("Content-Type", "x/y")], b"z", 100).await.unwrap();
        assert_eq!(
            (told.status_text.as_str(), told.header("retry-after")),
            ("503 Busy", Some("3"))
        );
        assert!(!told.is_success());
        let error = client.get(&server.url(), &[], 3).await.unwrap_err();
        assert!(matches!(error, FetchError::BodyLimit(3)), "{error}");
        // The refused body stays on its connection, which is closed.
        assert_eq!(server.connections(), 1);
        let login = format!("http://u:p@{}/", server.address);
        client.get(&login, &[], 100).await.unwrap();
        assert!(server.requests()[3].contains("\r\nAuthorization: Basic dTpw\r\n"));
    });
}

#[test]
fn redirects_are_followed() {
    run(async {
        let server = serve(None, |request, _| match request.split(' ').nth(1) {
            Some("/") => moved("/other?a=b"),
            Some("/other?a=b") => known("", b"here"),
            Some("/round") => moved("/round"),
            _ => moved("ftp://x/"),
        })
        .await;
        assert_eq!(fetch_once("{}", &server.url()).await.unwrap(), "here");
        assert_eq!(server.connections(), 1);
        let error = fetch_once("follow_redirects: false", &server.url()).await.unwrap_err();
        assert_eq!(error, "server returned HTTP status 302 Found");
        let error = fetch_once("{}", &(server.url() + "round")).await.unwrap_err();
        assert_eq!(error, "stopped after 10 redirects");
        let error = fetch_once("{}", &(server.url() + "ftp")).await.unwrap_err();
        assert_eq!(error, "unsupported protocol scheme \"ftp\"");
    });
}

#[test]
fn what_is_told_is_told_again_where_it_belongs() {
    run(async {
        let server = serve(None, |request, _| match request.split(' ').nth(1) {
            Some("/see") => {
                b"HTTP/1.1 303 See\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n".to_vec()
            }
            Some("/go") => b"HTTP/1.1 307 Go\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n".to_vec(),
            _ => known("", b""),
        })
        .await;
        let client = client("{}");
        client.post(&(server.url() + "see"), &[], b"x", 100).await.unwrap();
        client.post(&(server.url() + "go"), &[], b"x", 100).await.unwrap();
        let requests = server.requests();
        assert!(requests[1].starts_with("GET /a ") && !requests[1].ends_with('x'), "{requests:?}");
        assert!(requests[3].starts_with("POST /b ") && requests[3].ends_with("\r\n\r\nx"));
    });
}

#[test]
fn credentials_do_not_follow_to_another_host() {
    run(async {
        let second = serve_answers(vec![known("", b"page")]).await;
        let first = serve_answers(vec![moved(&second.url())]).await;
        let keys = "{bearer_token: s3cret, http_headers: {X-A: {values: [one, two]}}}";
        assert_eq!(fetch_once(keys, &first.url()).await.unwrap(), "page");
        let (first, second) = (&first.requests()[0], &second.requests()[0]);
        assert!(first.contains("\r\nAuthorization: Bearer s3cret\r\nX-A: one\r\nX-A: two\r\n"));
        assert!(!second.contains("s3cret") && !second.contains("X-A"), "{second}");
    });
}

#[test]
fn secret_files_are_read_when_they_change() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "one\n").unwrap();
        let server = serve_answers(vec![known("", b"")]).await;
        let keys = format!("authorization: {{credentials_file: '{}'}}", file.display());
        let mut session = client(&keys).session();
        fetch(&mut session, &server.url(), 100).await.unwrap();
        std::fs::write(&file, "second").unwrap();
        fetch(&mut session, &server.url(), 100).await.unwrap();
        std::fs::write(dir.path().join("new"), "swapped").unwrap();
        std::fs::rename(dir.path().join("new"), &file).unwrap();
        fetch(&mut session, &server.url(), 100).await.unwrap();
        for (request, secret) in server.requests().iter().zip(["one", "second", "swapped"]) {
            assert!(request.contains(&format!("Authorization: Bearer {secret}\r\n")), "{request}");
        }
        std::fs::remove_file(&file).unwrap();
        let error = fetch(&mut session, &server.url(), 100).await.unwrap_err().to_string();
        assert!(error.starts_with("unable to read authorization credentials file /"), "{error}");
        std::fs::write(&file, "split\nin two").unwrap();
        let error = fetch(&mut session, &server.url(), 100).await.unwrap_err().to_string();
        assert_eq!(error, "header \"Authorization\" has a value that cannot be sent");
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        let error = fetch(&mut session, &server.url(), 100).await.unwrap_err().to_string();
        assert!(error.ends_with("is a directory, not a file"), "{error}");
    });
}

#[test]
fn sockets_in_the_file_system() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket").display().to_string();
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            converse(Box::new(stream), &Mutex::default(), &|_, _| known("", b"local")).await;
        });
        let place = Place::new("http", "any", "/m", Some(&path)).unwrap();
        let request = Request { method: Method::Get, place: &place, headers: &[], body: &[] };
        let mut session = client("{}").session();
        let mut body = Vec::new();
        let mut answer = session.send(&request).await.unwrap();
        while answer.read(&mut body, 100).await.unwrap() {}
        assert_eq!(body, b"local");
        let missing = Place::new("http", "any", "/m", Some("/no/socket")).unwrap();
        let request = Request { place: &missing, ..request };
        let error = session.send(&request).await.err().unwrap().to_string();
        assert_eq!(error, "dial unix /no/socket: connect: no such file or directory");
    });
}

#[test]
fn nobody_listens() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let error = fetch_once("{}", &format!("http://{address}/")).await.unwrap_err();
        assert_eq!(error, format!("dial tcp {address}: connect: connection refused"));
    });
}

#[test]
fn nobody_slips_lines_into_a_request() {
    run(async {
        let server = serve_answers(vec![known("", b"")]).await;
        let mut session = client("{}").session();
        let mut check = async |path: &str, headers: &[(&str, &str)], expected: &str| {
            let place = Place::new("http", &server.address, path, None).unwrap();
            let request = Request { method: Method::Get, place: &place, headers, body: &[] };
            let error = session.send(&request).await.err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("/a b", &[], "invalid character in URL \"/a b\"").await;
        check("/a\r\nX: y", &[], "invalid character in URL").await;
        check("/a", &[("X", "y\r\nZ: z")], "header \"X\" has a value").await;
        assert_eq!(server.requests().len(), 0);
    });
}

#[test]
fn secrets_in_a_vault_are_read_when_they_change() {
    run(async {
        let server = serve_answers(vec![known("", b"page")]).await;
        let (vault, elsewhere) = (Vault::default(), Vault::default());
        let path = Vault::path("secret", "here", "login", "password");
        let keys = format!("basic_auth: {{username: me, password_file: '{}'}}", path.display());
        let dialer = Dialer::net(100).with_vault(&vault);
        let mut session = Client::new(&config(&keys), &dialer, "test").session();
        let mut told = async || {
            let fetched = fetch(&mut session, &server.url(), 100).await;
            fetched.map_err(|error| error.to_string())?;
            let last = server.requests().pop().unwrap();
            let header = last.lines().find_map(|line| line.strip_prefix("Authorization: "));
            Ok::<_, String>(header.unwrap().to_owned())
        };
        let shown = path.display();
        let none = format!(
            "unable to read basic auth password file {shown}: open {shown}: no such file or directory"
        );
        assert_eq!(told().await, Err(none.clone()));
        vault.put(&path, b"one\n");
        assert_eq!(told().await.unwrap(), "Basic bWU6b25l");
        vault.put(&path, b"two");
        elsewhere.put(&path, b"three");
        assert_eq!(told().await.unwrap(), "Basic bWU6dHdv");
        vault.remove(&path);
        assert_eq!(told().await, Err(none));
    });
}
