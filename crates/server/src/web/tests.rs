//! Files good and bad, with certificates made here.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use std::fs;
use tempfile::TempDir;

/// A folder with `cert.pem`, `key.pem`, `other-key.pem` and `ca.pem`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let certificate = params.self_signed(&key).unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("cert.pem", certificate.pem());
    write("ca.pem", certificate.pem());
    write("key.pem", key.serialize_pem());
    write("other-key.pem", other.serialize_pem());
    write("empty.pem", String::new());
    folder
}

fn load_text(folder: &TempDir, text: &str) -> Result<WebConfig, String> {
    let path = folder.path().join("web.yml");
    fs::write(&path, text).unwrap();
    load(&path, false).map_err(|error| error.to_string())
}

/// A section with certificate and key, and more.
fn tls(more: &str) -> String {
    format!("tls_server_config: {{cert_file: cert.pem, key_file: key.pem, {more}}}")
}

#[test]
fn good_files() {
    let folder = folder();
    let check = |text: &str, is_tls: bool| match load_text(&folder, text) {
        Ok(config) => assert_eq!(config.tls.is_some(), is_tls, "{text}"),
        Err(error) => panic!("{text}: {error}"),
    };
    check("", false);
    check("{}", false);
    check("# nothing\n", false);
    check("tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n", false);
    check("tls_server_config: {}", false);
    check("tls_server_config: {min_version: TLS13}", false);
    check(&tls(""), true);
    check(&tls("client_auth_type: NoClientCert"), true);
    check(&tls("client_auth_type: RequestClientCert"), true);
    check(&tls("client_auth_type: RequireAnyClientCert, client_allowed_sans: [a, b]"), true);
    check(&tls("client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem"), true);
    check(&tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem"), true);
    check(&tls("min_version: TLS13, max_version: TLS13"), true);
    check(&tls("max_version: TLS12, prefer_server_cipher_suites: false"), true);
    check(&tls("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]"), true);
    check(&tls("cipher_suites: [TLS_AES_128_GCM_SHA256]"), true);
    check(&tls("cipher_suites: [], curve_preferences: []"), true);
    check(&tls("curve_preferences: [CurveP256, X25519, CurveP384]"), true);
    check("http_server_config: {http2: false}", false);
    check(
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    \
         X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1; mode=block\n    \
         Strict-Transport-Security: max-age=1\n    Content-Security-Policy: \"\"\n",
        false,
    );
    check("basic_auth_users: {}", false);
    check(
        "basic_auth_users:\n  alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze\n",
        false,
    );
    check("rate_limit: {interval: 1s, burst: 20}", false);
    check("rate_limit: {interval: 0s}", false);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let indented = |text: String| text.replace('\n', "\n    ");
    let inline = format!(
        "tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}\n  client_ca: |\n    {}\n  \
         client_auth_type: RequireAndVerifyClientCert\n",
        indented(read("cert.pem")),
        indented(read("key.pem")),
        indented(read("ca.pem")),
    );
    check(&inline, true);
}

#[test]
fn bad_files_tell_what_and_where() {
    let folder = folder();
    let check = |text: &str, parts: &[&str]| {
        let Err(error) = load_text(&folder, text) else { panic!("loaded: {text}") };
        for part in parts {
            assert!(error.contains(part), "{text}\n  {error}\n  lacks {part}");
        }
    };
    check("foo: 1", &["web.yml:1:", "field foo not found in type"]);
    check("tls_server_config: {cert_fil: x}", &["cert_fil", "cert_file"]);
    check("basic_auth_users:\n  a: x\n", &["web.yml:2:", "a", "bcrypt"]);
    check("basic_auth_users: {a: $2y$04$short}", &["bcrypt"]);
    let costly = "$2y$31$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze";
    check(&format!("basic_auth_users: {{a: {costly}}}"), &["cost 31"]);
    check("basic_auth_users: {a: x, a: y}", &["web.yml:1:"]);
    check("tls_server_config: {cert_file: cert.pem}", &["1:", "missing one of key or key_file"]);
    check("tls_server_config: {key_file: key.pem}", &["missing one of cert or cert_file"]);
    check("tls_server_config: {client_auth_type: RequestClientCert}", &["missing one of cert"]);
    check("tls_server_config:\n  cert_file: no.pem\n  key_file: key.pem\n", &["2:", "no.pem"]);
    check(
        "tls_server_config: {cert_file: cert.pem, key_file: other-key.pem}",
        &["certificate and key: tls: private key does not match public key"],
    );
    check("tls_server_config: {cert_file: empty.pem, key_file: key.pem}", &["no certificate"]);
    check("tls_server_config: {cert_file: cert.pem, key_file: cert.pem}", &["no private key"]);
    check(&tls("cert: x"), &["only one of cert and cert_file"]);
    check(&tls("client_ca_file: ca.pem"), &["without a Client Auth Policy"]);
    check(&tls("client_auth_type: Foo"), &["invalid ClientAuth: Foo"]);
    check(
        &tls("client_auth_type: RequireAndVerifyClientCert, client_ca_file: empty.pem"),
        &["no certificate"],
    );
    check(
        &tls("client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem, \
              client_allowed_sans: [a]"),
        &["client_allowed_sans needs"],
    );
    check(&tls("min_version: TLS11"), &["1:", "not built in: TLS11"]);
    check(&tls("min_version: TLS9"), &["unknown TLS version: TLS9"]);
    check(&tls("min_version: TLS13, max_version: TLS12"), &["above"]);
    check(&tls("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]"), &["not built in: cipher"]);
    check(&tls("cipher_suites: [A]"), &["1:", "unknown cipher: A"]);
    check(
        &tls("cipher_suites: [TLS_AES_128_GCM_SHA256], max_version: TLS12"),
        &["no suite for TLS12"],
    );
    check(&tls("curve_preferences: [CurveP521]"), &["not built in: curve CurveP521"]);
    check(&tls("curve_preferences: [z]"), &["unknown curve: z"]);
    check(
        "http_server_config:\n  headers:\n    Foo: a\n",
        &["3:", "HTTP header \"Foo\" can not be configured"],
    );
    check(
        "http_server_config: {headers: {X-Frame-Options: a}}",
        &["invalid value for X-Frame-Options. Expected one of: [\"deny\" \"sameorigin\"], but got"],
    );
    check("http_server_config: {headers: {X-XSS-Protection: \"a\\nb\"}}", &["X-XSS-Protection"]);
    check("http_server_config: {http2: maybe}", &["1:"]);
    check("rate_limit: {interval: soon}", &["1:"]);
    check("[]", &["1:"]);
    check(":", &["1:"]);
}

#[test]
fn a_file_that_is_being_written_opens_nothing() {
    let folder = folder();
    let path = folder.path().join("web.yml");
    let user =
        "basic_auth_users: {a: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}";
    fs::write(&path, user).unwrap();
    let current = Current::open(&path, |_| {}).unwrap();
    let check = |text: Option<&str>, expected: bool| {
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        current.look();
        assert_eq!(current.is_guarded(), expected, "{text:?}");
    };
    check(Some(""), true);
    check(Some(user), true);
    check(Some("basic_auth_users:"), true);
    check(Some("{}"), true);
    check(None, false);
    check(Some(user), true);
}

#[test]
fn a_key_is_never_told() {
    let folder = folder();
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ=";
    let text = format!(
        "tls_server_config:\n  cert_file: cert.pem\n  key: |\n    -----BEGIN PRIVATE KEY-----\n    \
         {secret}\n    -----END PRIVATE KEY-----\n"
    );
    let Err(error) = load_text(&folder, &text) else { panic!("loaded") };
    assert!(!error.contains(secret), "{error}");
}
