//! Credentials, certificates and proxies.

use super::assets::either;
use super::classes;
use super::{Context, Reason};
use crate::resources::http::{Authorization, BasicAuth, Http, OAuth2, Proxy, TlsConfig};
use crate::resources::meta::{KeyRef, SecretOrConfigMap};
use crate::resources::settings::ScrapeClass;
use crate::yaml::{Fields, Yaml};

/// What a client is told besides the shared keys.
#[derive(Clone, Copy, Default)]
pub(super) struct Bearer<'a> {
    pub(super) secret: Option<&'a KeyRef>,
    pub(super) file: &'a str,
}

/// The keys of a client; the class fills up what the object leaves open.
pub(super) fn keys(
    out: &mut Fields,
    http: &Http,
    bearer: Bearer<'_>,
    class: Option<&ScrapeClass>,
    namespace: &str,
    cx: &Context<'_>,
) -> Result<(), Reason> {
    let token = bearer.secret.filter(|key| !key.name.is_empty());
    let ways = [
        http.basic_auth.is_some(),
        http.authorization.is_some(),
        http.oauth2.is_some(),
        token.is_some() || !bearer.file.is_empty(),
    ];
    if ways.iter().filter(|is_used| **is_used).count() > 1 {
        return Err("at most one of authorization, basicAuth, bearerTokenSecret and oauth2 \
                    may be set"
            .into());
    }
    if !bearer.file.is_empty() {
        cx.may_name("bearerTokenFile", bearer.file)?;
        out.set("bearer_token_file", bearer.file);
    }
    if let Some(key) = token {
        let given = cx.assets.given(namespace, key);
        let given = given.map_err(|error| format!("bearerTokenSecret: {error}"))?;
        given.set(out, "bearer_token");
    }
    if let Some(basic) = &http.basic_auth {
        out.set("basic_auth", basic_auth(basic, namespace, cx)?);
    }
    // The object's own way wins over that of its class.
    let class_for_header = class.filter(|_| ways == [false, ways[1], false, false]);
    let header = classes::authorization(http.authorization.as_ref(), class_for_header);
    if let Some(header) = header {
        out.set("authorization", authorization(&header, namespace, cx)?);
    }
    if let Some(oauth2) = &http.oauth2 {
        out.set("oauth2", self::oauth2(oauth2, namespace, cx)?);
    }
    if let Some(tls) = &http.tls_config {
        may_name_files(tls, cx)?;
    }
    if let Some(tls) = classes::tls(http.tls_config.as_ref(), class) {
        out.set_fields("tls_config", self::tls(&tls, namespace, cx)?);
    }
    proxy(out, &http.proxy, namespace, cx)?;
    out.set_some("follow_redirects", http.follow_redirects);
    out.set_some("enable_http2", http.enable_http2);
    Ok(())
}

fn basic_auth(basic: &BasicAuth, namespace: &str, cx: &Context<'_>) -> Result<Fields, Reason> {
    let mut out = Fields::default();
    for (name, key) in [("username", &basic.username), ("password", &basic.password)] {
        if !key.name.is_empty() {
            let given = cx.assets.given(namespace, key);
            given.map_err(|error| format!("basicAuth.{name}: {error}"))?.set(&mut out, name);
        }
    }
    Ok(out)
}

fn authorization(
    header: &Authorization,
    namespace: &str,
    cx: &Context<'_>,
) -> Result<Fields, Reason> {
    let kind = header.kind.trim();
    if kind.eq_ignore_ascii_case("basic") {
        return Err("authorization.type: Basic is asked for by basicAuth".into());
    }
    let mut out = Fields::default();
    out.set("type", if kind.is_empty() { "Bearer" } else { kind });
    match header.credentials.as_ref().filter(|key| !key.name.is_empty()) {
        Some(key) => {
            let given = cx.assets.given(namespace, key);
            let given = given.map_err(|error| format!("authorization.credentials: {error}"))?;
            given.set(&mut out, "credentials");
        }
        None if header.credentials_file.is_empty() => {
            return Err("authorization.credentials: is required".into());
        }
        None => out.set("credentials_file", header.credentials_file.as_str()),
    }
    Ok(out)
}

fn oauth2(oauth2: &OAuth2, namespace: &str, cx: &Context<'_>) -> Result<Fields, Reason> {
    let mut out = Fields::default();
    let id = either(cx.assets, namespace, &oauth2.client_id, "oauth2.clientId")?;
    out.set("client_id", id.ok_or("oauth2.clientId: is required")?);
    let secret = cx.assets.given(namespace, &oauth2.client_secret);
    let secret = secret.map_err(|error| format!("oauth2.clientSecret: {error}"))?;
    secret.set(&mut out, "client_secret");
    if oauth2.token_url.is_empty() {
        return Err("oauth2.tokenUrl: is required".into());
    }
    out.set("token_url", oauth2.token_url.as_str());
    out.set_list("scopes", &oauth2.scopes);
    let mut params = Fields::default();
    for (name, value) in &oauth2.endpoint_params {
        params.set(name, value);
    }
    out.set_fields("endpoint_params", params);
    proxy(&mut out, &oauth2.proxy, namespace, cx)?;
    if let Some(tls) = &oauth2.tls_config {
        may_name_files(tls, cx).map_err(|error| format!("oauth2.{error}"))?;
        out.set_fields("tls_config", self::tls(tls, namespace, cx)?);
    }
    Ok(out)
}

/// The keys of a proxy.
pub(super) fn proxy(
    out: &mut Fields,
    proxy: &Proxy,
    namespace: &str,
    cx: &Context<'_>,
) -> Result<(), Reason> {
    let has = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let from_environment = proxy.proxy_from_environment == Some(true);
    if from_environment && (has(&proxy.proxy_url) || has(&proxy.no_proxy)) {
        return Err("proxyFromEnvironment excludes proxyUrl and noProxy".into());
    }
    if has(&proxy.no_proxy) && !has(&proxy.proxy_url) {
        return Err("noProxy: needs proxyUrl".into());
    }
    if !proxy.proxy_connect_header.is_empty() && !from_environment && !has(&proxy.proxy_url) {
        return Err("proxyConnectHeader: needs proxyUrl or proxyFromEnvironment".into());
    }
    out.set_some("proxy_url", proxy.proxy_url.as_deref());
    out.set_some("no_proxy", proxy.no_proxy.as_deref());
    out.set_some("proxy_from_environment", proxy.proxy_from_environment);
    let mut headers = Fields::default();
    for (name, keys) in &proxy.proxy_connect_header {
        let mut values: Vec<Yaml> = Vec::with_capacity(keys.len());
        for key in keys {
            let text = cx.assets.header(namespace, key);
            values.push(text.map_err(|error| format!("proxyConnectHeader: {error}"))?.into());
        }
        headers.set(name, values);
    }
    out.set_fields("proxy_connect_header", headers);
    Ok(())
}

/// Whether an object may name the files it does; those of a class are our own.
fn may_name_files(tls: &TlsConfig, cx: &Context<'_>) -> Result<(), Reason> {
    let files =
        [("caFile", &tls.ca_file), ("certFile", &tls.cert_file), ("keyFile", &tls.key_file)];
    let mut named = files.into_iter().filter(|(_, file)| !file.is_empty());
    named.try_for_each(|(field, file)| cx.may_name(&format!("tlsConfig.{field}"), file))
}

fn tls(tls: &TlsConfig, namespace: &str, cx: &Context<'_>) -> Result<Fields, Reason> {
    let mut out = Fields::default();
    out.set_some("insecure_skip_verify", tls.insecure_skip_verify);
    let file = |reference: &SecretOrConfigMap,
                written: &str,
                field: &str|
     -> Result<Option<String>, Reason> {
        if !written.is_empty() && !reference.is_empty() {
            return Err(format!("tlsConfig.{field}: {field} and {field}File exclude each other"));
        }
        if !written.is_empty() {
            return Ok(Some(written.to_owned()));
        }
        let in_field = |error| format!("tlsConfig.{field}: {error}");
        let path = |key, is_secret| cx.assets.path(namespace, key, is_secret).map_err(in_field);
        match (&reference.secret, &reference.config_map) {
            (Some(_), Some(_)) => {
                Err(format!("tlsConfig.{field}: secret and configMap exclude each other"))
            }
            (Some(key), None) => path(key, true).map(Some),
            (None, Some(key)) => path(key, false).map(Some),
            (None, None) => Ok(None),
        }
    };
    let ca = file(&tls.ca, &tls.ca_file, "ca")?;
    let cert = file(&tls.cert, &tls.cert_file, "cert")?;
    let key = match (&tls.key_secret, tls.key_file.as_str()) {
        (Some(_), file) if !file.is_empty() => {
            return Err("tlsConfig.keySecret: keySecret and keyFile exclude each other".into());
        }
        (Some(key), _) => {
            let path = cx.assets.path(namespace, key, true);
            Some(path.map_err(|error| format!("tlsConfig.keySecret: {error}"))?)
        }
        (None, "") => None,
        (None, file) => Some(file.to_owned()),
    };
    if cert.is_some() != key.is_some() {
        return Err("tlsConfig: certificate and key go together".into());
    }
    out.set_some("ca_file", ca);
    out.set_some("cert_file", cert);
    out.set_some("key_file", key);
    out.set_some("server_name", tls.server_name.as_deref().filter(|name| !name.is_empty()));
    for (name, version) in [("min_version", &tls.min_version), ("max_version", &tls.max_version)] {
        if let Some(version) = version {
            if !["TLS10", "TLS11", "TLS12", "TLS13"].contains(&version.as_str()) {
                return Err(format!("tlsConfig: {version:?} is not a version of TLS"));
            }
            out.set(name, version.as_str());
        }
    }
    Ok(out)
}
