use super::*;

/// What the keys mean, printed, or why they are refused.
#[track_caller]
fn check(keys: &str, expected: Result<&str, &str>) {
    let got = serde_saphyr::from_str::<HttpKeys>(keys)
        .map_err(|error| error.to_string())
        .and_then(|keys| keys.config())
        .map(|config| format!("{config:?}"));
    match (&got, expected) {
        (Ok(got), Ok(part)) => assert!(got.contains(part), "{got}: {part}"),
        (Err(got), Err(part)) => assert!(got.contains(part), "{got}: {part}"),
        _ => panic!("{keys}: {got:?}, not {expected:?}"),
    }
}

#[test]
fn nothing_written() {
    let keys: HttpKeys = serde_saphyr::from_str("{}").unwrap();
    assert_eq!(keys, HttpKeys::default());
    assert_eq!(keys.config().unwrap(), HttpConfig::default());
}

#[test]
fn credentials() {
    check("basic_auth: {username: u, password: p}", Ok("Basic { username: Text(<secret>)"));
    check("basic_auth: {username: u, password_file: p}", Ok("password: File(\"p\")"));
    check("basic_auth:", Ok("credentials: None"));
    check("bearer_token: x", Ok("Scheme { scheme: \"Bearer\", secret: Text(<secret>)"));
    check("bearer_token_file: x", Ok("Scheme { scheme: \"Bearer\", secret: File(\"x\")"));
    check("authorization: {type: Digest, credentials: x}", Ok("scheme: \"Digest\""));
    check("authorization: {type: ' ', credentials: x}", Ok("scheme: \"Bearer\""));
    check(
        "{bearer_token: a, bearer_token_file: b}",
        Err("at most one of bearer_token & bearer_token_file must be configured"),
    );
    let any =
        "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured";
    check("{basic_auth: {}, bearer_token: b}", Err(any));
    check("{oauth2: {client_id: a, token_url: 'http://b'}, bearer_token_file: b}", Err(any));
    check(
        "basic_auth: {username: a, username_file: b}",
        Err("at most one of basic_auth username & username_file must be configured"),
    );
    check(
        "basic_auth: {password: a, password_file: b}",
        Err("at most one of basic_auth password & password_file must be configured"),
    );
    check(
        "{authorization: {credentials: a}, bearer_token: b}",
        Err("authorization is not compatible with bearer_token & bearer_token_file"),
    );
    check(
        "authorization: {credentials: a, credentials_file: b}",
        Err("at most one of authorization credentials & credentials_file must be configured"),
    );
    check(
        "authorization: {type: ' BaSic '}",
        Err("authorization type cannot be set to \"basic\", use \"basic_auth\" instead"),
    );
    let one = "at most one of basic_auth, oauth2 & authorization must be configured";
    check("{authorization: {}, basic_auth: {}}", Err(one));
    check("{authorization: {}, oauth2: {client_id: a, token_url: 'http://b'}}", Err(one));
    check("{basic_auth: {}, oauth2: {}}", Err(one));
}

#[test]
fn oauth2() {
    check("oauth2: {}", Err("oauth2 client_id must be configured"));
    check("oauth2: {client_id: a}", Err("oauth2 token_url must be configured"));
    check(
        "oauth2: {client_id: a, token_url: 'http://b/', client_secret: s, client_secret_file: f}",
        Err("at most one of oauth2 client_secret & client_secret_file must be configured"),
    );
    check("oauth2: {client_id: a, token_url: 'b'}", Err("token_url: relative URL"));
    check(
        "oauth2: {client_id: a, token_url: 'http://b/', secret: a}",
        Err("unknown field `secret`"),
    );
    check(
        "oauth2: {client_id: a, token_url: 'http://b/', proxy_url: 'http://c', scopes: [d]}",
        Ok("scopes: [\"d\"], endpoint_params: {}, tls: "),
    );
    let jwt = |rest: &str| {
        format!(
            "oauth2: {{client_id: a, token_url: 'http://b/', \
             grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer'{rest}}}"
        )
    };
    check(&jwt(""), Ok("signature: Rs256, issuer: \"a\", audience: \"http://b/\""));
    check(
        &jwt(", signature_algorithm: RS512, iss: i, audience: u, claims: {x: [1]}"),
        Ok("signature: Rs512, issuer: \"i\", audience: \"u\", claims: {\"x\": Array [Number(1)]}"),
    );
    check(
        &jwt(", signature_algorithm: ES256"),
        Err("valid signature algorithms are RS256, RS384 and RS512"),
    );
    check(
        &jwt(", client_certificate_key: a, client_certificate_key_file: b"),
        Err("at most one of oauth2 client_certificate_key & client_certificate_key_file"),
    );
    check("oauth2: {client_id: a, token_url: 'http://b', grant_type: x}", Err("grant_type \"x\""));
}

#[test]
fn tls() {
    check("tls_config: {insecure_skip_verify: true}", Ok("insecure_skip_verify: true"));
    check("tls_config: {ca: PEM}", Ok("ca: Some(Pem(<secret>))"));
    check("tls_config: {cert_file: c, key: PEM}", Ok("Some((File(\"c\"), Pem(<secret>)))"));
    check("tls_config: {ca: a, ca_file: b}", Err("at most one of ca and ca_file must be"));
    check("tls_config: {cert: a, cert_file: b}", Err("at most one of cert and cert_file must be"));
    check("tls_config: {key: a, key_file: b}", Err("at most one of key and key_file must be"));
    check(
        "tls_config: {cert_file: b}",
        Err("exactly one of key or key_file must be configured when a client certificate is"),
    );
    check(
        "tls_config: {key: b}",
        Err("exactly one of cert or cert_file must be configured when a client key is configured"),
    );
    check("tls_config: {min_version: TLS09}", Err("unknown TLS version: TLS09"));
    check("tls_config: {min_version: TLS10, max_version: TLS12}", Ok("max_version: Some(Tls12)"));
    check("tls_config: {max_version: TLS11}", Err("max_version TLS11 is not built in"));
    check(
        "tls_config: {min_version: TLS13, max_version: TLS12}",
        Err("tls_config.max_version must be greater than or equal to tls_config.min_version"),
    );
    check("tls_config: {cafile: b}", Err("unknown field `cafile`"));
}

#[test]
fn proxies() {
    check("proxy_url: http://u:p@host:3128", Ok("Url { url: Http host:3128, except: \"\" }"));
    check("proxy_url: https://host", Ok("url: Https host:443"));
    check("proxy_url: socks5://host", Ok("url: Socks5 host:1080"));
    check("proxy_url: ftp://host", Err("unknown scheme \"ftp\""));
    check("{proxy_url: 'http://h', no_proxy: 'a,b'}", Ok("except: \"a,b\""));
    check("proxy_from_environment: true", Ok("proxy: Environment"));
    check("no_proxy: a", Err("if no_proxy is configured, proxy_url must also be configured"));
    check(
        "{proxy_from_environment: true, proxy_url: 'http://h'}",
        Err("if proxy_from_environment is configured, proxy_url must not be configured"),
    );
    check(
        "{proxy_from_environment: true, no_proxy: h}",
        Err("if proxy_from_environment is configured, no_proxy must not be configured"),
    );
    check(
        "proxy_connect_header: {A: [b]}",
        Err("if proxy_connect_header is configured, proxy_url or proxy_from_environment must also"),
    );
    check(
        "{proxy_url: 'http://h', proxy_connect_header: {A: [b]}}",
        Ok("connect_headers: [(\"A\", <secret>)]"),
    );
    let url = ProxyUrl::parse("socks5h://us%40er:p%3Aw@[::1]:99").unwrap();
    assert_eq!((url.host.as_str(), url.port), ("::1", 99));
    let (name, password) = url.login.unwrap();
    assert_eq!((name.as_str(), password.reveal()), ("us@er", "p:w"));
}

#[test]
fn headers() {
    check(
        "http_headers: {X-A: {values: [a], secrets: [b], files: [c]}}",
        Ok("[(\"X-A\", Text(<secret>)), (\"X-A\", Text(<secret>)), (\"X-A\", File(\"c\"))]"),
    );
    check(
        "http_headers: {AUTHORIZATION: {values: [a]}}",
        Err("setting header \"Authorization\" is"),
    );
    check("http_headers: {user-agent: {values: [a]}}", Err("setting header \"User-Agent\" is not"));
    check("http_headers: {X-A: {values: [\"a\\nb\"]}}", Err("has a value that cannot be sent"));
    check("http_headers: {X-A: {value: [a]}}", Err("unknown field `value`"));
}

#[test]
fn files_are_found_from_the_directory_of_the_config_file() {
    let mut keys: HttpKeys = serde_saphyr::from_str(
        "{bearer_token_file: a, tls_config: {ca_file: b, cert_file: /c, key_file: d}, \
          http_headers: {X: {files: [e]}}}",
    )
    .unwrap();
    keys.set_directory(Path::new("/etc/x"));
    let config = keys.config().unwrap();
    let files: Vec<_> = config.files().iter().map(|(path, _)| path.display().to_string()).collect();
    assert_eq!(files, ["/etc/x/a", "/etc/x/e", "/etc/x/b", "/c", "/etc/x/d"]);
    let printed = format!("{config:?}");
    for file in ["/etc/x/a", "/etc/x/b", "\"/c\"", "/etc/x/d", "/etc/x/e"] {
        assert!(printed.contains(file), "{file}: {printed}");
    }
}
