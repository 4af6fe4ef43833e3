use super::*;
use crate::sections::Section;
use crate::{ADDRESS, Job, Manager, Metrics};
use client::Dialer;
use std::borrow::Borrow;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server on loopback that answers as a test told it, and keeps what it was asked.
struct Fixture {
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Arc<Mutex<Vec<String>>>,
    url: String,
    metrics: Arc<Metrics>,
}

fn answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn list(body: &str) -> Vec<u8> {
    answer("200 OK", "application/json; charset=utf-8", body)
}

impl Fixture {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sd?a=b", listener.local_addr().unwrap());
        let (answer, asked) = (Arc::new(Mutex::new(list("[]"))), Arc::new(Mutex::new(Vec::new())));
        let (answers, asking) = (Arc::clone(&answer), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answers, asking) = (Arc::clone(&answers), Arc::clone(&asking));
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while stream.read_buf(&mut request).await.is_ok_and(|len| len > 0) {
                        if request.ends_with(b"\r\n\r\n") {
                            let text = String::from_utf8(std::mem::take(&mut request)).unwrap();
                            asking.lock().unwrap().push(text);
                            let answer = answers.lock().unwrap().clone();
                            // Who has enough goes away.
                            stream.write_all(&answer).await.ok();
                        }
                    }
                });
            }
        });
        Self { answer, asked, url, metrics: Arc::new(Metrics::new("scrape")) }
    }

    fn answers(&self, answer: Vec<u8>) {
        *self.answer.lock().unwrap() = answer;
    }

    /// With further lines of the section.
    fn discovery(&self, more: &str) -> Arc<HttpDiscovery> {
        let text = format!("url: '{}'\n{more}\n", self.url);
        let config: HttpSdConfig = serde_saphyr::from_str(&text).unwrap();
        let means = Means::new(Arc::clone(&self.metrics), Dialer::net(8), "test/1");
        Arc::new(HttpDiscovery::new(config, means))
    }

    fn server(&self, more: &str) -> Server {
        Server::new(self.discovery(more)).unwrap()
    }
}

fn print<G: Borrow<Group>>(groups: &[G]) -> String {
    let group = |group: &G| {
        let group = group.borrow();
        let target = |target: &model::Labels| target.get(ADDRESS).unwrap().to_owned();
        group.targets.iter().map(target).collect::<Vec<_>>().join(" ")
    };
    groups.iter().map(group).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_request_says_who_asks_for_what_and_how_often() {
    let fixture = Fixture::new().await;
    let more = "refresh_interval: 1m30s\nbasic_auth: {username: u, password: p}\n\
                http_headers: {X-Own: {values: [v]}}";
    assert_eq!(fixture.server(more).refresh().await, Some(Vec::new()));
    let asked = fixture.asked.lock().unwrap().remove(0);
    assert!(asked.starts_with("GET /sd?a=b HTTP/1.1\r\n"), "{asked}");
    for line in [
        "accept: application/json",
        "user-agent: test/1",
        "x-prometheus-refresh-interval-seconds: 90",
        "authorization: basic dtpw",
        "x-own: v",
    ] {
        assert!(asked.to_lowercase().contains(&format!("\r\n{line}\r\n")), "{line}: {asked}");
    }
}

#[tokio::test]
async fn whatever_is_no_list_is_counted_and_taken_for_nothing() {
    let fixture = Fixture::new().await;
    let mut server = fixture.server("refresh_interval: 500ms\nfollow_redirects: false");
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 1000]].concat();
    let odd = [
        answer("500 Oh No", "application/json", "[]"),
        answer("302 Found\r\nLocation: /", "application/json", "[]"),
        answer("200 OK", "text/html", "[]"),
        list("{}"),
        list("[{\"targets\": [\"a\"]}"),
        list("[{\"targets\": [\"a\"], \"x\": 1}]"),
        list("[null]"),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".to_vec(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_BODY_BYTES + 1).into_bytes(),
        b"no HTTP at all\r\n\r\n".to_vec(),
        endless,
        Vec::new(),
    ];
    for (i, answer) in odd.into_iter().enumerate() {
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        fixture.answers(answer);
        assert_eq!(server.refresh().await, None, "{shown}");
        assert_eq!(fixture.metrics.http_failures.get(), i as u64 + 1, "{shown}");
    }
    fixture.answers(list("[{\"targets\": [\"a\"]}]"));
    assert_eq!(print(&server.refresh().await.unwrap()), "a");
}

#[tokio::test]
async fn a_list_without_end_is_given_up() {
    let fixture = Fixture::new().await;
    let mut server = fixture.server("refresh_interval: 2m");
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[".to_vec();
    fixture.answers([head, vec![b' '; 100 << 20]].concat());
    assert_eq!(server.refresh().await, None);
    assert!(server.complaint.contains("limit"), "{}", server.complaint);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failure() {
    let fixture = Fixture::new().await;
    let mut server = fixture.server("refresh_interval: 20s");
    let config =
        HttpSdConfig { url: "http://127.0.0.1:1/".to_owned(), ..server.discovery.config.clone() };
    let means = server.discovery.means.clone();
    server = Server::new(Arc::new(HttpDiscovery::new(config, means))).unwrap();
    assert_eq!(server.refresh().await, None);
    assert!(server.complaint.contains("connection refused"), "{}", server.complaint);
}

#[tokio::test]
async fn targets_follow_the_list_and_stay_while_there_is_none() {
    let fixture = Fixture::new().await;
    fixture.answers(list(r#"[{"targets": ["a", "b"]}, {"targets": ["c"]}]"#));
    let manager = Manager::start(Duration::from_millis(1), Arc::clone(&fixture.metrics));
    let mut snapshots = manager.snapshots();
    let discovery = fixture.discovery("refresh_interval: 20ms");
    manager.apply(vec![Job { name: "j".to_owned(), discoverers: vec![discovery] }]);
    let mut wait_for = async |expected: &str| {
        let found = snapshots
            .wait_for(|found| found.jobs.get("j").is_some_and(|groups| print(groups) == expected));
        let found = timeout(Duration::from_secs(20), found).await;
        let found = found.unwrap_or_else(|_| panic!("{expected} is found")).unwrap();
        found.jobs["j"].iter().map(|group| group.source.clone()).collect::<Vec<_>>()
    };
    let sources = wait_for("a b, c").await;
    assert_eq!(sources, [0, 1].map(|i| format!("{}:{i}", fixture.url)));
    fixture.answers(answer("500 Oh No", "application/json", "[]"));
    while fixture.metrics.http_failures.get() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    wait_for("a b, c").await;
    fixture.answers(list(r#"[{"targets": ["d"]}]"#));
    wait_for("d").await;
    fixture.answers(list("[]"));
    wait_for("").await;
    manager.shutdown().await;
    assert_eq!(HttpSdConfig::KEY, "http_sd_configs");
}

#[test]
fn the_log_shows_no_passwords() {
    let check = |url: &str, expected: &str| assert_eq!(without_password(url), expected);
    check("http://h/a:b@c", "http://h/a:b@c");
    check("http://u@h", "http://u@h");
    check("https://u:s:t@h:1/p?q=a@b", "https://u:xxxxx@h:1/p?q=a@b");
    check("", "");
    let error = serde_saphyr::from_str::<HttpSdConfig>("url: 'http://u:secret@[h'").unwrap_err();
    let error = error.to_string();
    assert!(error.contains("u:xxxxx@[h") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn labels_show_no_passwords() {
    let fixture = Fixture::new().await;
    fixture.answers(list("[{\"targets\": [\"a\"]}]"));
    let mut server = fixture.server("");
    let url = fixture.url.replace("http://", "http://u:secret@");
    let config = HttpSdConfig { url, ..server.discovery.config.clone() };
    let means = server.discovery.means.clone();
    server = Server::new(Arc::new(HttpDiscovery::new(config, means))).unwrap();
    let found = format!("{:?}", server.refresh().await.unwrap());
    assert!(found.contains("//u:xxxxx@") && !found.contains("secret"), "{found}");
    let asked = fixture.asked.lock().unwrap().remove(0);
    assert!(asked.contains("Authorization: Basic dTpzZWNyZXQ="), "{asked}");
}
