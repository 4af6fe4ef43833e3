//! Tokens: asked for once, kept, asked for again.

use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

fn json(text: &str) -> Vec<u8> {
    known("Content-Type: application/json\r\n", text.as_bytes())
}

/// Gives out tokens by number that live so long.
async fn tokens(life: &'static str) -> Server {
    serve(None, move |_, number| {
        json(&format!(r#"{{"access_token": "t{number}", "token_type": "bearer"{life}}}"#))
    })
    .await
}

fn keys(tokens: &Server, rest: &str) -> String {
    format!("oauth2: {{client_id: me, token_url: '{}'{rest}}}", tokens.url())
}

#[test]
fn a_token_is_kept() {
    run(async {
        let tokens = tokens(r#", "expires_in": 3600"#).await;
        let server = serve_answers(vec![known("", b"page")]).await;
        let client = client(&keys(
            &tokens,
            ", client_secret: 'p w', scopes: [a, b], endpoint_params: {x: y z}",
        ));
        let sessions = (0..5).map(|_| {
            let (client, url) = (client.clone(), server.url());
            tokio::spawn(async move { fetch(&mut client.session(), &url, 100).await.unwrap() })
        });
        for session in sessions.collect::<Vec<_>>() {
            assert_eq!(session.await.unwrap(), "page");
        }
        assert_eq!(tokens.requests().len(), 1);
        let asked = &tokens.requests()[0];
        assert!(asked.starts_with("POST / HTTP/1.1\r\n"), "{asked}");
        assert!(asked.ends_with("grant_type=client_credentials&scope=a+b&x=y+z"), "{asked}");
        let basic = crate::place::basic("me", "p+w");
        assert!(asked.contains(&format!("\r\nAuthorization: {basic}\r\n")), "{asked}");
        for request in server.requests() {
            assert!(request.contains("\r\nAuthorization: Bearer t0\r\n"), "{request}");
        }
    });
}

#[test]
fn an_expired_one_and_one_of_another_secret_are_not() {
    run(async {
        let short = tokens(r#", "expires_in": "5""#).await;
        let server = serve_answers(vec![known("", b"page")]).await;
        let mut session = client(&keys(&short, "")).session();
        for _ in 0..2 {
            fetch(&mut session, &server.url(), 100).await.unwrap();
        }
        assert!(server.requests()[1].contains("Bearer t1"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        std::fs::write(&file, "first").unwrap();
        let long = tokens("").await;
        let rest = format!(", client_secret_file: '{}'", file.display());
        let mut session = client(&keys(&long, &rest)).session();
        fetch(&mut session, &server.url(), 100).await.unwrap();
        fetch(&mut session, &server.url(), 100).await.unwrap();
        assert_eq!(long.requests().len(), 1);
        std::fs::write(&file, "the second").unwrap();
        fetch(&mut session, &server.url(), 100).await.unwrap();
        assert!(long.requests()[1].contains(&crate::place::basic("me", "the+second")));
    });
}

#[test]
fn servers_that_look_at_the_form_only() {
    run(async {
        let tokens = serve(None, |request, _| match request.contains("client_secret=s") {
            true => json(r#"{"access_token": "t"}"#),
            false => b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_vec(),
        })
        .await;
        let server = serve_answers(vec![known("", b"page")]).await;
        let keys = keys(&tokens, ", client_secret: s");
        assert_eq!(fetch_once(&keys, &server.url()).await.unwrap(), "page");
        assert!(server.requests()[0].contains("Authorization: Bearer t\r\n"));
    });
}

#[test]
fn no_token_says_why() {
    let check = |answer: &'static [u8], expected: &str| {
        run(async {
            let tokens = serve_answers(vec![answer.to_vec()]).await;
            let error = fetch_once(&keys(&tokens, ""), "http://127.0.0.1:1/").await.unwrap_err();
            assert!(error.contains(expected), "{error}");
        });
    };
    check(
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nevil",
        "oauth2: cannot fetch token: 400 Bad Request\nResponse: evil",
    );
    let refused: &[u8] = b"HTTP/1.1 401 No\r\nContent-Length: 50\r\n\r\n\
        {\"error\":\"invalid_client\",\"error_description\":\"x\"}";
    check(refused, "oauth2: \"invalid_client\" \"x\"");
    check(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "oauth2: server response missing access_token",
    );
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", "oauth2: cannot parse json");
    let endless: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n";
    check(endless, "/\": body size limit exceeded (limit: 1048576 bytes)");
}

#[test]
fn a_server_of_tokens_that_is_not_there_is_named() {
    run(async {
        let keys = "oauth2: {client_id: me, token_url: 'http://u:secret@127.0.0.1:1/t'}";
        let error = fetch_once(keys, "http://127.0.0.1:2/").await.unwrap_err();
        let expected = "Post \"http://u:xxxxx@127.0.0.1:1/t\": dial tcp 127.0.0.1:1: connect: \
                        connection refused";
        assert_eq!(error, expected);
    });
}

#[test]
fn a_token_may_come_as_a_form() {
    run(async {
        let form = b"access_token=a%2Fb&token_type=bearer&expires_in=3600&scope=x";
        let kind = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
        let tokens = serve_answers(vec![known(kind, form)]).await;
        let server = serve_answers(vec![known("", b"page")]).await;
        let mut session = client(&keys(&tokens, "")).session();
        for _ in 0..2 {
            fetch(&mut session, &server.url(), 100).await.unwrap();
        }
        assert!(server.requests()[1].contains("\r\nAuthorization: Bearer a/b\r\n"));
        assert_eq!(tokens.requests().len(), 1);
    });
}

#[test]
fn signed_statements() {
    run(async {
        // Made by `openssl genrsa 2048`; protects nothing.
        const KEY: &str = include_str!("rsa.pem");
        let tokens = tokens(r#", "expires_in": 60"#).await;
        let server = serve_answers(vec![known("", b"page")]).await;
        for algorithm in ["RS256", "RS384", "RS512"] {
            let key = serde_json::to_string(KEY).unwrap();
            let keys = keys(
                &tokens,
                &format!(
                    ", grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', \
                     client_certificate_key: {key}, client_certificate_key_id: k1, scopes: [s], \
                     signature_algorithm: {algorithm}, audience: them, claims: {{sub: x}}"
                ),
            );
            assert_eq!(fetch_once(&keys, &server.url()).await.unwrap(), "page");
            let asked = tokens.requests().pop().unwrap();
            let assertion = asked.rsplit("assertion=").next().unwrap();
            assert!(
                asked.contains("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&")
            );
            let parts: Vec<_> = assertion.split('.').collect();
            let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
            let value = |part| serde_json::from_slice::<serde_json::Value>(&decode(part)).unwrap();
            let (header, claims) = (value(parts[0]), value(parts[1]));
            assert_eq!((&header["alg"], &header["kid"]), (&algorithm.into(), &"k1".into()));
            assert_eq!((&claims["iss"], &claims["aud"]), (&"me".into(), &"them".into()));
            assert_eq!((&claims["scope"], &claims["sub"]), (&"s".into(), &"x".into()));
            assert!(claims["exp"].as_u64().unwrap() > claims["iat"].as_u64().unwrap());
            verify(KEY, algorithm, &format!("{}.{}", parts[0], parts[1]), &decode(parts[2]));
        }
    });
}

fn verify(key: &str, algorithm: &str, text: &str, signed: &[u8]) {
    use ring::signature::{self as ring_signature, KeyPair as _, RsaKeyPair, UnparsedPublicKey};
    let PrivateKeyDer::Pkcs8(der) = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap() else {
        panic!("not PKCS 8");
    };
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let parameters = match algorithm {
        "RS256" => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
        _ => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
    };
    let public = UnparsedPublicKey::new(parameters, pair.public_key().as_ref());
    public.verify(text.as_bytes(), signed).unwrap();
}
