//! `--web.config.file`: TLS, users, headers, and their change while the server runs.

use crate::harness::{Authority, Caller, Response, Rushlight, rushlight, wait_for};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const CONFIG: &str = "scrape_configs: []\n";

fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).expect("a hash")
}

fn write(folder: &TempDir, text: &str) -> String {
    let path = folder.path().join("web.yml");
    std::fs::write(&path, text).expect("a writable folder");
    format!("--web.config.file={}", path.display())
}

/// Starts a server that this client can ask.
#[track_caller]
fn start(folder: &TempDir, web: &str, flags: &[&str], caller: &Caller) -> Rushlight {
    let flag = write(folder, web);
    let flags = [&[flag.as_str()], flags].concat();
    Rushlight::start_until(folder.path(), CONFIG, &flags, |address| {
        caller.status(address, "/-/ready") == 200
    })
}

/// The name of a header and its value, as it stands in an answer.
fn has(response: &Response, line: &str) -> bool {
    response.head.to_ascii_lowercase().lines().any(|l| l == line.to_ascii_lowercase())
}

#[test]
fn users_guard_every_path() {
    let folder = tempfile::tempdir().unwrap();
    let web = format!(
        "basic_auth_users:\n  alice: {}\n  bob: {}\nhttp_server_config:\n  headers:\n    \
         X-Frame-Options: deny\n",
        hash("wonder"),
        hash("builder")
    );
    let plain = Caller::plain();
    let alice = plain.with_password("alice", "wonder");
    let server = start(&folder, &web, &[], &alice);
    let address = server.address;
    for path in ["/metrics", "/-/healthy", "/-/ready", "/", "/api/v1/query?query=1", "/nowhere"] {
        let refused = plain.get(address, path).unwrap();
        assert_eq!(refused.status, 401, "{path}");
        assert_eq!(refused.text(), "Unauthorized\n");
        assert!(has(&refused, "www-authenticate: basic"), "{path}: {}", refused.head);
        assert!(has(&refused, "x-frame-options: deny"), "{path}: {}", refused.head);
        for (user, password) in [("alice", "builder"), ("carol", "wonder"), ("", ""), ("bob", "")] {
            let caller = plain.with_password(user, password);
            assert_eq!(caller.status(address, path), 401, "{path} {user}");
        }
        let passed = alice.get(address, path).unwrap();
        assert_ne!(passed.status, 401, "{path}");
        assert!(has(&passed, "x-frame-options: deny"), "{path}: {}", passed.head);
    }
    assert_eq!(plain.with_password("bob", "builder").status(address, "/metrics"), 200);
}

#[test]
fn users_and_headers_change_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let users = |password: &str| format!("basic_auth_users: {{alice: {}}}\n", hash(password));
    let plain = Caller::plain();
    let (old, new) = (plain.with_password("alice", "old"), plain.with_password("alice", "new"));
    let server = start(&folder, &users("old"), &[], &old);
    let address = server.address;
    assert_eq!(new.status(address, "/metrics"), 401);
    write(&folder, &users("new"));
    wait_for("the new password", || (new.status(address, "/metrics") == 200).then_some(()));
    assert_eq!(old.status(address, "/metrics"), 401);

    // A bad file changes nothing but what people are told.
    write(&folder, "basic_auth_users: {alice: no-hash}\n");
    let gauge = |value: u8| format!("rushlight_web_config_last_reload_successful {value}");
    let shows = |line: &str| new.get(address, "/metrics").unwrap().text().contains(line);
    wait_for("the bad file in the metrics", || shows(&gauge(0)).then_some(()));
    assert_eq!(old.status(address, "/metrics"), 401);
    assert!(server.log().contains("no-hash") || server.log().contains("web.yml:1:"), "no place");
    let notices = || new.get(address, "/api/v1/notifications").unwrap().json()["data"].clone();
    let text = notices()[0]["text"].as_str().unwrap_or_default().to_owned();
    assert!(text.contains("web configuration"), "{text}");

    write(&folder, "http_server_config: {headers: {X-XSS-Protection: '0'}}\n");
    let line = "x-xss-protection: 0";
    wait_for("no users", || plain.get(address, "/").ok().filter(|r| has(r, line)));
    assert!(shows(&gauge(1)));
    assert_eq!(notices(), serde_json::json!([]));

    // TLS does not come or go by a slip.
    let authority = Authority::new();
    authority.sign(&["localhost"]).write(folder.path(), "server");
    write(&folder, "tls_server_config: {cert_file: server.crt, key_file: server.key}\n");
    wait_for("a word about TLS", || {
        assert_eq!(plain.status(address, "/-/ready"), 200);
        server.log().contains("takes a restart").then_some(())
    });
}

const TLS: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";

#[test]
fn tls_is_spoken_and_certificates_rotate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let first = authority.sign(&["localhost"]);
    first.write(folder.path(), "server");
    let caller = Caller::trusting(&authority, None, &[]);
    let server = start(&folder, TLS, &[], &caller);
    let address = server.address;
    assert_eq!(caller.status(address, "/api/v1/query?query=1"), 200);
    assert_eq!(Caller::plain().status(address, "/-/ready"), 400, "plain HTTP is not spoken");
    let stranger = Caller::trusting(&Authority::new(), None, &[]);
    assert_eq!(stranger.status(address, "/-/ready"), 0);
    let shown = || {
        let stream = caller.connect(address).ok()?;
        stream.conn.peer_certificates().map(|chain| chain[0].clone().into_owned())
    };
    assert_eq!(shown(), Some(first.der()));

    let second = authority.sign(&["localhost"]);
    // Between the two writes the files do not fit; the old ones stay.
    std::fs::write(folder.path().join("server.crt"), &second.certificate).unwrap();
    wait_for("a word about the key", || {
        assert_eq!(shown(), Some(first.der()));
        server.log().contains("not loaded").then_some(())
    });
    second.write(folder.path(), "server");
    wait_for("the second certificate", || shown().filter(|der| *der == second.der()));
    assert!(server.stop().success());
}

#[test]
fn http_2_is_offered_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.sign(&["localhost"]).write(folder.path(), "server");
    let both = Caller::trusting(&authority, None, &["h2", "http/1.1"]);
    let one = Caller::trusting(&authority, None, &["http/1.1"]);
    let server = start(&folder, TLS, &[], &one);
    let chosen = |caller: &Caller| {
        let stream = caller.connect(server.address).ok()?;
        stream.conn.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned())
    };
    assert_eq!(chosen(&both).as_deref(), Some("h2"));
    assert_eq!(chosen(&one).as_deref(), Some("http/1.1"));
    let (status, body) = get_2(&both, server.address, "/-/ready");
    assert_eq!((status, body.as_str()), (200, "Prometheus Server is Ready.\n"));

    write(&folder, &format!("{TLS}http_server_config: {{http2: false}}\n"));
    wait_for("HTTP/1.1 alone", || (chosen(&both).as_deref() == Some("http/1.1")).then_some(()));
}

/// A request over HTTP/2.
fn get_2(caller: &Caller, address: SocketAddr, path: &str) -> (u16, String) {
    use http_body_util::{BodyExt, Empty};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let tls = caller.tls.clone().expect("a client of TLS");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.expect("accepted");
        let name = rustls::pki_types::ServerName::try_from("localhost").expect("a good name");
        let stream =
            tokio_rustls::TlsConnector::from(tls).connect(name, stream).await.expect("TLS");
        let io = TokioIo::new(stream);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
        tokio::spawn(connection);
        let request = http::Request::get(format!("https://localhost{path}"))
            .body(Empty::<bytes::Bytes>::new())
            .expect("a good request");
        let response = sender.send_request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    })
}

#[test]
fn clients_show_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    authority.sign(&["localhost"]).write(folder.path(), "server");
    authority.write(&folder.path().join("ca.crt"));
    let caller = |signer: &Authority, names: &[&str]| {
        Caller::trusting(&authority, Some(&signer.sign(names)), &[])
    };
    let nobody = Caller::trusting(&authority, None, &[]);
    let (good, wrong_name) = (caller(&authority, &["robot"]), caller(&authority, &["human"]));
    let foreign = caller(&other, &["robot"]);
    let web = |more: &str| {
        format!("tls_server_config: {{cert_file: server.crt, key_file: server.key, {more}}}\n")
    };
    let policy = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt";
    let server = start(&folder, &web(policy), &[], &good);
    let address = server.address;
    // As nobody, with a known certificate, with another name, with a foreign one.
    let seen = || [&nobody, &good, &wrong_name, &foreign].map(|c| c.status(address, "/-/ready"));
    assert_eq!(seen(), [0, 200, 200, 0]);
    let check = |more: &str, expected: [u16; 4]| {
        write(&folder, &web(more));
        wait_for(more, || (seen() == expected).then_some(()));
    };
    check(&format!("{policy}, client_allowed_sans: [robot, other]"), [0, 200, 0, 0]);
    check("client_auth_type: RequireAnyClientCert", [0, 200, 200, 200]);
    check("client_auth_type: RequireAnyClientCert, client_allowed_sans: [robot]", [0, 200, 0, 200]);
    check("client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.crt", [200, 200, 200, 0]);
    check("client_auth_type: RequestClientCert", [200; 4]);
    check(&format!("{policy}, max_version: TLS12"), [0, 200, 200, 0]);
    check("client_auth_type: NoClientCert", [200; 4]);
}

#[test]
fn clients_that_never_finish_a_handshake_hurt_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.sign(&["localhost"]).write(folder.path(), "server");
    let caller = Caller::trusting(&authority, None, &[]);
    let flags = ["--web.max-connections=8", "--web.read-timeout=3s"];
    let server = start(&folder, TLS, &flags, &caller);
    let silent = |n: usize| -> Vec<TcpStream> {
        (0..n).map(|_| TcpStream::connect(server.address).expect("accepted")).collect()
    };
    // While there is a place left, nobody waits.
    let begin = Instant::now();
    let mut some = silent(7);
    assert_eq!(caller.status(server.address, "/-/ready"), 200);
    assert!(begin.elapsed() < Duration::from_secs(3), "waited for others: {:?}", begin.elapsed());
    // Handshakes count as connections, and end.
    some.extend(silent(3));
    assert_eq!(caller.status(server.address, "/-/ready"), 200);
    some[0].set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    some[0].write_all(&[0x16]).ok(); // it may be closed already
    let end = some[0].read(&mut [0; 16]);
    assert!(matches!(end, Ok(0) | Err(_)), "still open: {end:?}");
}

#[test]
fn a_bad_file_ends_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let check = |web: &str, part: &str| {
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, CONFIG).unwrap();
        let output = rushlight()
            .args([&write(&folder, web), &format!("--config.file={}", config.display())])
            .args(["--web.listen-address=127.0.0.1:0"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.contains(part), "{log}");
    };
    check("tls_server_config: {cert_file: no.crt, key_file: no.key}", "no.crt");
    check("basic_auth_users:\n  alice: secret\n", "web.yml:2:");
    check("colour: blue", "field colour not found");
}

#[test]
fn files_are_checked_as_promtool_checks_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let good = file("good.yml", "http_server_config: {http2: false}\n");
    let bad = file("bad.yml", "http_server_config: {headers: {Foo: a}}\n");
    let check = |files: &[&str], code: i32, lines: &[&str]| {
        let output = rushlight().args(["check", "web-config"]).args(files).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    };
    let fine = format!("{good} SUCCESS");
    let fault = format!("{bad} FAILED: {bad}:1:37: HTTP header \"Foo\" can not be configured");
    check(&[&good], 0, &[&fine]);
    check(&[&bad, &good], 1, &[&fault, &fine]);
    let missing = format!("{}/none.yml", folder.path().display());
    let told = format!("{missing} FAILED: {missing}: No such file or directory (os error 2)");
    check(&[&missing], 1, &[&told]);
}

#[test]
fn requests_have_a_rate() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Caller::plain();
    let server = start(&folder, "http_server_config: {http2: true}\n", &[], &plain);
    write(&folder, "rate_limit: {interval: 1h, burst: 3}\n");
    wait_for("too many", || (plain.status(server.address, "/-/ready") == 429).then_some(()));
    write(&folder, "rate_limit: {interval: 0s}\n");
    wait_for("no rate", || (plain.status(server.address, "/-/ready") == 200).then_some(()));
}

#[test]
fn flags_have_doubles_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let output = |name: &str, value: &str, args: &[&str]| {
        let mut command = rushlight();
        let output = command.env(name, value).args(args).current_dir(folder.path()).output();
        let output = output.expect("the binary starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = output("RUSHLIGHT_QUERY_TIMEOUT", "soon", &[]);
    assert!(code == Some(2) && text.contains("RUSHLIGHT_QUERY_TIMEOUT"), "{code:?} {text}");
    let (code, text) = output("RUSHLIGHT_WEB_CONFIG_FILE", "none.yml", &[]);
    assert!(code == Some(1) && text.contains("none.yml"), "{code:?} {text}");
    // Commands are not servers.
    let (code, _) = output("RUSHLIGHT_QUERY_TIMEOUT", "soon", &["completions", "fish"]);
    assert_eq!(code, Some(0));
}

#[test]
fn bash_completes_names_with_dots() {
    let folder = tempfile::tempdir().unwrap();
    let script = rushlight().args(["completions", "bash"]).output().unwrap().stdout;
    std::fs::write(folder.path().join("rushlight"), script).unwrap();
    let complete = |words: &str| {
        let run = format!(
            "source ./rushlight; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             _rushlight rushlight \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let bash = std::process::Command::new("bash")
            .args(["-c", &run])
            .current_dir(folder.path())
            .output();
        bash.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Ok(found) = complete("rushlight --storage.tsdb.ret") else {
        println!("skipped: bash is not installed");
        return;
    };
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, ["--storage.tsdb.retention.time", "--storage.tsdb.retention.size"]);
    let levels = complete("rushlight --log.level w").unwrap_or_default();
    assert_eq!(levels.trim(), "warn");
    let commands = complete("rushlight check web").unwrap_or_default();
    assert_eq!(commands.trim(), "web-config");
}

#[test]
fn notifications_tell_of_a_bad_reload_and_of_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--web.max-notifications-subscribers=1"];
    let server = Rushlight::start(folder.path(), CONFIG, &flags);
    let list = || server.get("/api/v1/notifications").json()["data"].clone();
    assert_eq!(list(), serde_json::json!([]));
    let mut live = follow(server.address);
    assert_eq!(server.get("/api/v1/notifications/live").status, 204, "one follower at most");
    let path = folder.path().join("prometheus.yml");
    reload(&server, &path, "nonsense: 1\n");
    let failed = wait_for("the failed reload", || list()[0]["text"].as_str().map(str::to_owned));
    assert!(failed.contains("reload"), "{failed}");
    assert!(live.next().contains("\"active\":true"));
    reload(&server, &path, CONFIG);
    assert!(live.next().contains("\"active\":false"));
    assert_eq!(list(), serde_json::json!([]));
    server.signal("TERM");
    assert!(live.next().contains("shutting down"));
    assert!(server.stop().success());
}

fn reload(server: &Rushlight, path: &Path, config: &str) {
    std::fs::write(path, config).expect("a writable folder");
    server.signal("HUP");
}

/// A client that follows the notifications.
struct Live(std::io::BufReader<TcpStream>);

fn follow(address: SocketAddr) -> Live {
    let mut stream = TcpStream::connect(address).expect("accepted");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a good timeout");
    write!(stream, "GET /api/v1/notifications/live HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut live = Live(std::io::BufReader::new(stream));
    assert!(live.line().contains("200"), "no stream");
    live
}

impl Live {
    fn line(&mut self) -> String {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut self.0, &mut line).expect("a line");
        line
    }

    /// The next event.
    fn next(&mut self) -> String {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "the stream ended");
            if let Some(data) = line.strip_prefix("data:") {
                return data.to_owned();
            }
        }
    }
}
