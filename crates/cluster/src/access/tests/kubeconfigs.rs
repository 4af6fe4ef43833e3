//! What a kubeconfig means, and what it may not ask for.

use crate::access::kubeconfig::of_text;
use crate::access::{Access, Origin};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use client::config::{Credentials, Material, Proxy, SecretSource};
use client::{Dialer, HttpConfig};
use std::path::{Path, PathBuf};

/// A kubeconfig with these keys of a cluster and of a user, in YAML's short form.
fn text(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\npreferences: {{}}\ncurrent-context: here\n\
         contexts:\n\
         - {{name: other, context: {{cluster: none, user: none}}}}\n\
         - {{name: here, context: {{cluster: k, user: u, namespace: n}}}}\n\
         clusters:\n- {{name: k, cluster: {{{cluster}}}}}\n\
         users:\n- {{name: u, user: {{{user}}}}}\n"
    )
}

fn read(cluster: &str, user: &str) -> Result<(String, HttpConfig), String> {
    let way = of_text(&text(cluster, user), Path::new("/folder"))?;
    assert_eq!(way.namespace.as_deref(), Some("n"));
    Ok((way.server, way.http))
}

fn bearer(secret: SecretSource) -> Credentials {
    Credentials::Scheme { scheme: "Bearer".into(), secret }
}

fn file(path: &str) -> PathBuf {
    path.into()
}

#[test]
fn where_the_server_is() {
    let check = |cluster: &str, server: &str| {
        assert_eq!(read(cluster, "").unwrap().0, server);
    };
    check("server: 'https://a:6443'", "https://a:6443");
    check("server: 'https://a/k8s/clusters/c-1/'", "https://a/k8s/clusters/c-1");
    check("server: 'a:8080'", "http://a:8080");
    check("server: 'a:8080', certificate-authority: ca", "https://a:8080");
}

#[test]
fn who_asks() {
    let check = |user: &str, expected: Credentials| {
        assert_eq!(read("server: 'http://a'", user).unwrap().1.credentials, expected, "{user}");
    };
    let text = |text: &str| SecretSource::Text(text.into());
    check("", Credentials::None);
    check("token: ''", Credentials::None);
    check("token: abc", bearer(text("abc")));
    check("token: 123", bearer(text("123")));
    check("tokenFile: t", bearer(SecretSource::File(file("/folder/t"))));
    check("tokenFile: /t, token: abc", bearer(SecretSource::File(file("/t"))));
    let basic = |password| Credentials::Basic { username: text("n"), password: text(password) };
    check("username: n, password: w", basic("w"));
    check("username: n", basic(""));
    let (_, http) = read("server: 'http://a'", "token: t, as: someone, as-groups: [g, h]").unwrap();
    let names: Vec<_> = http.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Impersonate-User", "Impersonate-Group", "Impersonate-Group"]);
}

#[test]
fn whom_to_trust() {
    let packed = BASE64_STANDARD.encode("-----BEGIN");
    let pem = || Material::Pem("-----BEGIN".into());
    let tls = |cluster: &str, user: &str| {
        read(&format!("server: 'https://a', {cluster}"), user).unwrap().1.tls
    };
    assert_eq!(tls("", "").ca, None);
    assert_eq!(tls("certificate-authority: ca", "").ca, Some(Material::File(file("/folder/ca"))));
    let both = format!("certificate-authority: ca, certificate-authority-data: {packed}");
    assert_eq!(tls(&both, "").ca, Some(pem()));
    let other = tls("insecure-skip-tls-verify: true, tls-server-name: x", "");
    assert!(other.insecure_skip_verify && other.server_name.as_deref() == Some("x"));
    let user = format!("client-certificate-data: {packed}, client-key: ../key");
    assert_eq!(tls("", &user).identity, Some((pem(), Material::File(file("/folder/../key")))));
}

#[test]
fn through_whom() {
    let proxy =
        |cluster: &str| read(&format!("server: 'https://a', {cluster}"), "").unwrap().1.proxy.proxy;
    assert_eq!(proxy(""), Proxy::Environment);
    let Proxy::Url { url, except } = proxy("proxy-url: 'socks5://p:1080'") else { panic!() };
    assert_eq!((url.host.as_str(), url.port, except.as_str()), ("p", 1080, ""));
}

#[test]
fn what_cannot_be_followed_is_named() {
    let check = |text: &str, parts: &[&str]| {
        let error = of_text(text, Path::new("")).unwrap_err();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}: {parts:?}");
    };
    let of = |cluster: &str, user: &str, parts: &[&str]| {
        let server = format!("server: 'https://a', {cluster}");
        check(&text(&server, user), &[&["context \"here\""], parts].concat());
    };
    check("", &["current-context is not set"]);
    check("contexts: null\ncurrent-context: ''", &["current-context is not set"]);
    check("current-context: x", &["context \"x\" is not there"]);
    check("current-context: x\ncontexts: [{name: x}]", &["context \"x\": names no cluster"]);
    let context = "current-context: x\ncontexts: [{name: x, context: {cluster: y, user: z}}]\n";
    check(context, &["context \"x\": cluster \"y\" is not there"]);
    let cluster = format!("{context}clusters: [{{name: y, cluster: {{server: 'http://a'}}}}]");
    check(&cluster, &["context \"x\": user \"z\" is not there"]);
    check(&text("", ""), &["cluster \"k\": names no server"]);
    of("", "exec: {command: aws, args: [eks]}", &["user \"u\"", "exec", "program"]);
    of("", "auth-provider: {name: gcp}", &["user \"u\"", "auth-provider"]);
    of("", "as-user-extra: {a: [b]}", &["user \"u\"", "as-user-extra"]);
    of("", "token: a, username: b", &["user \"u\"", "exclude each other"]);
    of("", "client-key: a", &["user \"u\"", "without a client-certificate"]);
    of("", "client-certificate: a", &["user \"u\"", "without a client-key"]);
    of("", "client-certificate-data: '*'", &["client-certificate-data", "base64"]);
    of(
        "certificate-authority: a, insecure-skip-tls-verify: true",
        "",
        &["cluster \"k\"", "exclude"],
    );
    of("proxy-url: 'ftp://x'", "", &["proxy-url"]);
    // A type that is wrong does not show what stands there.
    let error = of_text(&text("server: a", "token: {hidden: word}"), Path::new("")).unwrap_err();
    assert!(!error.contains("word"), "{error}");
}

#[test]
fn the_file_is_named() {
    let check = |path: &Path, part: &str| {
        let origin = Origin::Kubeconfig(path.to_owned());
        let error = Access::new(&origin, &Dialer::net(1), "test").unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()) && error.contains(part), "{error}");
    };
    let folder = tempfile::tempdir().unwrap();
    check(&folder.path().join("none"), "No such file");
    check(folder.path(), "is a directory");
    std::fs::write(folder.path().join("config"), "current-context: x").unwrap();
    check(&folder.path().join("config"), "context \"x\" is not there");
    std::fs::write(folder.path().join("config"), text("server: 'ftp://a'", "")).unwrap();
    let origin = Origin::Kubeconfig(folder.path().join("config"));
    let error = Access::new(&origin, &Dialer::net(1), "test").unwrap_err().to_string();
    assert!(error.contains("ftp"), "{error}");
}
