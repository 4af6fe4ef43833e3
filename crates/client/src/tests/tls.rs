//! TLS: whom we trust, who we are, material that changes, and errors in the words people know.

use super::*;
use rcgen::date_time_ymd;
use std::path::Path;

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn trusting(authority: &Authority, rest: &str) -> String {
    let pem = serde_json::to_string(&authority.pem).unwrap();
    format!("{{enable_http2: false, tls_config: {{ca: {pem}{rest}}}}}")
}

async fn secure(config: rustls::ServerConfig) -> Server {
    serve(Some(Arc::new(config)), |_, _| known("", b"secret page")).await
}

#[test]
fn trusted_by_authority_or_by_itself() {
    run(async {
        let authority = Authority::new("ca");
        let server = secure(authority.issue(&["localhost"], |_| {}).server()).await;
        let keys = trusting(&authority, "");
        let mut session = client(&keys).session();
        for _ in 0..2 {
            assert_eq!(fetch(&mut session, &server.https(), 100).await.unwrap(), "secret page");
        }
        assert_eq!(server.connections(), 1);
        let body = fetch_once("tls_config: {insecure_skip_verify: true}", &server.https()).await;
        assert_eq!(body.unwrap(), "secret page");
        // As `openssl req -x509` makes them: an authority that shows its own certificate.
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap().pem();
        let own = Authority {
            pem: cert.clone(),
            issuer: Issuer::new(params, KeyPair::generate().unwrap()),
        };
        let server = secure(Identity { cert, key: key.serialize_pem() }.server()).await;
        assert_eq!(fetch_once(&trusting(&own, ""), &server.https()).await.unwrap(), "secret page");
        let error = fetch_once(&trusting(&own, ", server_name: x"), &server.https()).await;
        assert!(error.unwrap_err().contains("certificate is valid for localhost, not x"));
        let error = fetch_once(&keys, &server.https()).await.unwrap_err();
        assert!(error.contains("x509: certificate signed by unknown authority"), "{error}");
    });
}

#[test]
fn errors_in_known_words() {
    let authority = Authority::new("ca");
    let check = |keys: &str, identity: Identity, by_name: bool, expected: &str| {
        run(async {
            let server = secure(identity.server()).await;
            let url = if by_name { server.https() } else { format!("https://{}/", server.address) };
            let error = fetch_once(keys, &url).await.unwrap_err();
            assert!(error.contains(expected), "{error}: {expected}");
        });
    };
    let (keys, prefix) = (trusting(&authority, ""), "tls: failed to verify certificate: x509: ");
    let other = trusting(&Authority::new("other"), "");
    check(
        &other,
        authority.issue(&["localhost"], |_| {}),
        true,
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    );
    check(
        &keys,
        authority.issue(&["a.example", "b.example"], |_| {}),
        true,
        &format!("{prefix}certificate is valid for a.example, b.example, not localhost"),
    );
    check(
        &keys,
        authority.issue(&["localhost"], |_| {}),
        false,
        "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
    );
    check(
        &keys,
        authority.issue(&["10.0.0.1"], |_| {}),
        false,
        &format!("{prefix}certificate is valid for 10.0.0.1, not 127.0.0.1"),
    );
    check(
        &keys,
        authority.issue(&[], |_| {}),
        true,
        "certificate relies on legacy Common Name field, use SANs instead",
    );
    check(
        &keys,
        authority.issue(&["localhost"], |params| params.not_after = date_time_ymd(2020, 2, 3)),
        true,
        "is after 2020-02-03T00:00:00Z",
    );
    check(
        &keys,
        authority.issue(&["localhost"], |params| params.not_before = date_time_ymd(2999, 1, 1)),
        true,
        "certificate has expired or is not yet valid: current time 2",
    );
    run(async {
        let plain = serve_answers(vec![b"HTTP/1.1 400 Bad Request\r\n\r\n<close>".to_vec()]).await;
        let url = plain.https();
        let error = fetch_once(&keys, &url);
        // The server waits for the end of a request that never comes.
        let error = tokio::time::timeout(Duration::from_millis(300), error).await;
        assert!(error.is_err() || error.unwrap().is_err());
    });
}

#[test]
fn the_dates_of_a_certificate_that_vouches_for_itself() {
    run(async {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = date_time_ymd(2021, 4, 5);
        let key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap().pem();
        let own = Authority {
            pem: cert.clone(),
            issuer: Issuer::new(params, KeyPair::generate().unwrap()),
        };
        let server = secure(Identity { cert, key: key.serialize_pem() }.server()).await;
        let error = fetch_once(&trusting(&own, ""), &server.https()).await.unwrap_err();
        assert!(error.contains("is after 2021-04-05T00:00:00Z"), "{error}");
    });
}

#[test]
fn whoever_is_not_verified_may_show_anything() {
    run(async {
        // As certificates of version 1, or with keys that are too short, are to us.
        let key = PrivateKeyDer::try_from(KeyPair::generate().unwrap().serialize_der()).unwrap();
        let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
        let chain = vec![CertificateDer::from(b"not understood".to_vec())];
        let shown = Arc::new(rustls::sign::CertifiedKey::new(chain, key));
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let server = rustls::ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(shown.clone())));
            let server = secure(server).await;
            let keys = "{enable_http2: false, tls_config: {insecure_skip_verify: true}}";
            assert_eq!(fetch_once(keys, &server.https()).await.unwrap(), "secret page");
            assert!(fetch_once("{}", &server.https()).await.is_err());
        }
    });
}

#[test]
fn names_and_versions() {
    run(async {
        let authority = Authority::new("ca");
        let named = secure(authority.issue(&["a.example"], |_| {}).server()).await;
        let body =
            fetch_once(&trusting(&authority, ", server_name: a.example"), &named.https()).await;
        assert_eq!(body.unwrap(), "secret page");
        let identity = authority.issue(&["localhost"], |_| {});
        let old = secure(identity.server_of(&[&rustls::version::TLS12], None)).await;
        let new = secure(identity.server_of(&[&rustls::version::TLS13], None)).await;
        let fetch = async |rest: &str, server: &Server| {
            fetch_once(&trusting(&authority, rest), &server.https()).await
        };
        assert!(fetch(", max_version: TLS12", &old).await.is_ok());
        assert!(fetch(", min_version: TLS10, max_version: TLS13", &old).await.is_ok());
        assert!(fetch(", min_version: TLS13", &new).await.is_ok());
        let error = fetch(", min_version: TLS13", &old).await.unwrap_err();
        assert!(error.contains("remote error: tls: protocol version not supported"), "{error}");
        let error = fetch(", max_version: TLS12", &new).await.unwrap_err();
        assert!(error.contains("remote error: tls: protocol version not supported"), "{error}");
    });
}

#[test]
fn clients_show_who_they_are() {
    run(async {
        let (authority, clients) = (Authority::new("ca"), Authority::new("clients"));
        let identity = authority.issue(&["localhost"], |_| {});
        let versions: &[&[&'static rustls::SupportedProtocolVersion]] =
            &[&[&rustls::version::TLS12], &[&rustls::version::TLS13]];
        let (own, foreign) = (clients.issue(&["me"], |_| {}), authority.issue(&["me"], |_| {}));
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        for versions in versions {
            let server = secure(identity.server_of(versions, Some(&clients))).await;
            let keys = |identity: &Identity| {
                let (cert, key) = (quoted(&identity.cert), quoted(&identity.key));
                trusting(&authority, &format!(", cert: {cert}, key: {key}"))
            };
            assert_eq!(fetch_once(&keys(&own), &server.https()).await.unwrap(), "secret page");
            let error = fetch_once(&keys(&foreign), &server.https()).await.unwrap_err();
            assert!(error.contains("remote error: tls: "), "{error}");
            let error = fetch_once(&trusting(&authority, ""), &server.https()).await.unwrap_err();
            assert!(
                error.contains("remote error: tls: certificate required")
                    || error.contains("remote error: tls: "),
                "{error}"
            );
        }
        let mixed = format!(", cert: {}, key: {}", quoted(&own.cert), quoted(&foreign.key));
        let server = secure(identity.server()).await;
        let error = fetch_once(&trusting(&authority, &mixed), &server.https()).await.unwrap_err();
        assert!(error.contains("private key does not match public key"), "{error}");
        let error = fetch_once("tls_config: {ca: nothing}", &server.https()).await.unwrap_err();
        assert_eq!(error, "unable to use specified CA cert");
        let error = fetch_once("tls_config: {ca_file: /no/ca}", &server.https()).await.unwrap_err();
        assert!(
            error.starts_with("unable to read CA cert file /no/ca: open /no/ca: no such file"),
            "{error}"
        );
    });
}

#[test]
fn files_may_change() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (Authority::new("first"), Authority::new("second"));
        let ca = write(dir.path(), "ca", &first.pem);
        let own = first.issue(&["me"], |_| {});
        let cert = write(dir.path(), "cert", &own.cert);
        let key = write(dir.path(), "key", &own.key);
        let keys = format!("tls_config: {{ca_file: {ca}, cert_file: {cert}, key_file: {key}}}");
        let identity = first.issue(&["localhost"], |_| {});
        let server = secure(identity.server_of(&[&rustls::version::TLS12], Some(&first))).await;
        let mut session = client(&keys).session();
        fetch(&mut session, &server.https(), 100).await.unwrap();
        fetch(&mut session, &server.https(), 100).await.unwrap();
        assert_eq!(server.connections(), 1);
        // Another authority: the connection of old is not used any more.
        write(dir.path(), "ca", &second.pem);
        let error = fetch(&mut session, &server.https(), 100).await.unwrap_err().to_string();
        assert!(error.contains("signed by unknown authority"), "{error}");
        write(dir.path(), "ca", &format!("{}{}", second.pem, first.pem));
        fetch(&mut session, &server.https(), 100).await.unwrap();
        let renewed = second.issue(&["me"], |_| {});
        write(dir.path(), "cert", &renewed.cert);
        write(dir.path(), "key", &renewed.key);
        let error = fetch(&mut session, &server.https(), 100).await.unwrap_err().to_string();
        assert!(error.contains("remote error: tls: "), "{error}");
        std::fs::remove_file(&key).unwrap();
        let error = fetch(&mut session, &server.https(), 100).await.unwrap_err().to_string();
        assert!(error.starts_with("unable to read client key file"), "{error}");
    });
}

#[test]
fn redirects_may_lead_to_tls() {
    run(async {
        let authority = Authority::new("ca");
        let server = secure(authority.issue(&["localhost"], |_| {}).server()).await;
        let there = server.https();
        let first = serve(None, move |_, _| {
            format!("HTTP/1.1 301 Moved\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n").into()
        })
        .await;
        let body = fetch_once(&trusting(&authority, ""), &first.url()).await;
        assert_eq!(body.unwrap(), "secret page");
    });
}

#[test]
fn a_second_handshake_is_short() {
    run(async {
        let authority = Authority::new("ca");
        let config = Arc::new(authority.issue(&["localhost"], |_| {}).server());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let kinds = Arc::<Mutex<Vec<_>>>::default();
        let seen = kinds.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let stream = TlsAcceptor::from(config.clone()).accept(stream).await.unwrap();
                seen.lock().unwrap().push(stream.get_ref().1.handshake_kind().unwrap());
                let closing = |_: &str, _| [&known("", b"page"), CLOSE].concat();
                converse(Box::new(stream), &Mutex::default(), &closing).await;
            }
        });
        let client = client(&trusting(&authority, ""));
        // Two targets of one job.
        for _ in 0..2 {
            fetch(&mut client.session(), &url, 100).await.unwrap();
        }
        use rustls::HandshakeKind::{Full, Resumed};
        assert_eq!(*kinds.lock().unwrap(), [Full, Resumed]);
    });
}
