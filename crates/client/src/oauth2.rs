//! Tokens of OAuth2: asked for when there is none, kept until they expire.

use crate::client::Client;
use crate::config::{Grant, HttpConfig, OAuth2, SecretSource, Signature};
use crate::dialer::Dialer;
use crate::fresh::{Fresh, Unreadable};
use crate::greeting::text_of;
use crate::place::{basic, without_password};
use crate::tls::Trouble;
use crate::{FetchError, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{self, RsaEncoding, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

/// Bytes of an answer with a token.
const MAX_ANSWER: u64 = 1 << 20;
/// Bytes of an answer without one that are shown.
const SHOWN: usize = 512;
/// Types of an answer that is written as a form, not as JSON.
const FORMS: [&str; 2] = ["application/x-www-form-urlencoded", "text/plain"];
/// So much earlier is a token taken for expired.
const EARLY: Duration = Duration::from_secs(10);
/// How long a statement of ours holds.
const STATEMENT_SECONDS: u64 = 3600;

/// Has a token, or gets one.
pub(crate) struct Tokens {
    oauth2: Arc<OAuth2>,
    client: Client,
    secret: Fresh<Zeroizing<String>>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// Set when the server wants to know us from the form, not from a header.
    in_form: bool,
}

struct Token {
    header: Arc<str>,
    /// What it was asked for with.
    secret: Arc<Zeroizing<String>>,
    expires: Option<Instant>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// What a server of tokens answers.
#[derive(Default, Deserialize)]
struct Granted {
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    token_type: String,
    expires_in: Option<Value>,
}

/// What it answers when it gives none.
#[derive(Deserialize)]
struct Refused {
    error: String,
    error_description: Option<String>,
}

impl Tokens {
    pub(crate) fn new(oauth2: &OAuth2, dialer: &Dialer, user_agent: &str) -> Self {
        let config = HttpConfig {
            tls: oauth2.tls.clone(),
            proxy: oauth2.proxy.clone(),
            ..HttpConfig::default()
        };
        let source = oauth2.secret();
        let paths = match source {
            SecretSource::File(path) => vec![path.clone()],
            SecretSource::Text(_) => Vec::new(),
        };
        Self {
            client: Client::new(&config, dialer, user_agent),
            oauth2: Arc::new(oauth2.clone()),
            secret: Fresh::new(paths, &dialer.vault),
            held: Mutex::default(),
        }
    }

    /// What goes into `Authorization`. One at a time asks for a token; others wait for it.
    ///
    /// Cancel safe: then the next one asks.
    // Boxed, since asking is done by a client, which might have tokens itself.
    pub(crate) fn token(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<Arc<str>, FetchError>> + Send + '_>> {
        Box::pin(async {
            let secret = self.secret().await?;
            let mut held = self.held.lock().await;
            if let Some(token) = &held.token
                && Arc::ptr_eq(&token.secret, &secret)
                && token.expires.is_none_or(|expires| Instant::now() < expires)
            {
                return Ok(token.header.clone());
            }
            let granted = self.ask(&secret, &mut held.in_form).await?;
            let kind = match granted.token_type.as_str() {
                kind if kind.is_empty() || kind.eq_ignore_ascii_case("bearer") => "Bearer",
                kind => kind,
            };
            let header = format!("{kind} {}", granted.access_token);
            if http::HeaderValue::from_str(&header).is_err() {
                return Err(FetchError::OAuth2("token cannot be sent".into()));
            }
            let header: Arc<str> = header.into();
            let expires = granted
                .expires_in
                .as_ref()
                .and_then(seconds)
                .map(|life| Instant::now() + life.saturating_sub(EARLY));
            held.token = Some(Token { header: header.clone(), secret, expires });
            Ok(header)
        })
    }

    async fn secret(&self) -> Result<Arc<Zeroizing<String>>, FetchError> {
        let oauth2 = self.oauth2.clone();
        let made = self.secret.get(move |files| match (files.first(), oauth2.secret()) {
            (Some(content), _) => Ok(text_of(content)),
            (None, SecretSource::Text(text)) => Ok(Zeroizing::new(text.reveal().to_owned())),
            (None, SecretSource::File(_)) => unreachable!("its content comes first"),
        });
        made.await.map_err(|trouble| match trouble {
            Trouble::Unreadable(Unreadable { file, source }) => FetchError::Secret {
                what: "oauth2 client secret file",
                path: self.secret.path(file).display().to_string(),
                source: Arc::new(source),
            },
            Trouble::Other(error) => error,
        })
    }

    async fn ask(&self, secret: &str, in_form: &mut bool) -> Result<Granted, FetchError> {
        let first = self.ask_once(secret, *in_form).await?;
        if first.is_success() || !matches!(self.oauth2.grant, Grant::ClientCredentials { .. }) {
            return granted(&first);
        }
        // The server may not look at the header, or not at the form.
        let second = self.ask_once(secret, !*in_form).await?;
        if second.is_success() {
            *in_form = !*in_form;
            return granted(&second);
        }
        granted(&first)
    }

    async fn ask_once(&self, secret: &str, in_form: bool) -> Result<Response, FetchError> {
        let OAuth2 { client_id, grant, token_url, scopes, endpoint_params, .. } = &*self.oauth2;
        let mut authorization = None;
        let mut pairs = Vec::new();
        let mut push = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        match grant {
            Grant::ClientCredentials { .. } => {
                push("grant_type", "client_credentials");
                if !scopes.is_empty() {
                    push("scope", &scopes.join(" "));
                }
                if in_form {
                    push("client_id", client_id);
                    if !secret.is_empty() {
                        push("client_secret", secret);
                    }
                } else {
                    let escape = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                    authorization = Some(basic(&escape(client_id), &escape(secret)));
                }
            }
            Grant::JwtBearer { .. } => {
                let (oauth2, key) = (self.oauth2.clone(), Zeroizing::new(secret.to_owned()));
                // Signing takes a millisecond.
                let signed = tokio::task::spawn_blocking(move || statement(&oauth2, &key));
                let signed = signed.await.map_err(|error| FetchError::OAuth2(error.to_string()))?;
                push("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                push("assertion", &signed.map_err(FetchError::OAuth2)?);
            }
        }
        pairs.extend(endpoint_params.clone());
        let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
        let mut headers = vec![
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "application/json"),
        ];
        if let Some(authorization) = &authorization {
            headers.push(("Authorization", authorization));
        }
        let asked = self.client.post(token_url, &headers, form.as_bytes(), MAX_ANSWER).await;
        asked.map_err(|error| FetchError::Token {
            url: without_password(token_url).into_owned(),
            source: Box::new(error),
        })
    }
}

fn granted(response: &Response) -> Result<Granted, FetchError> {
    if !response.is_success() {
        if let Ok(Refused { error, error_description }) = serde_json::from_slice(&response.body) {
            let description = error_description.filter(|description| !description.is_empty());
            let description = description.map_or_else(String::new, |text| format!(" {text:?}"));
            return Err(FetchError::OAuth2(format!("{error:?}{description}")));
        }
        let body = String::from_utf8_lossy(&response.body[..response.body.len().min(SHOWN)]);
        let text = format!("cannot fetch token: {}\nResponse: {body}", response.status_text);
        return Err(FetchError::OAuth2(text));
    }
    let kind = response.header("Content-Type").unwrap_or("").split(';').next().unwrap_or("").trim();
    let granted = if FORMS.iter().any(|form| kind.eq_ignore_ascii_case(form)) {
        granted_in_form(&response.body)
    } else {
        serde_json::from_slice(&response.body)
            .map_err(|error| FetchError::OAuth2(format!("cannot parse json: {error}")))?
    };
    if granted.access_token.is_empty() {
        return Err(FetchError::OAuth2("server response missing access_token".into()));
    }
    Ok(granted)
}

/// As servers answered before the standard.
fn granted_in_form(body: &[u8]) -> Granted {
    let mut granted = Granted::default();
    for (name, value) in url::form_urlencoded::parse(body) {
        match &*name {
            "access_token" => granted.access_token = value.into_owned(),
            "token_type" => granted.token_type = value.into_owned(),
            "expires_in" => granted.expires_in = Some(Value::String(value.into_owned())),
            _ => {}
        }
    }
    granted
}

/// A number, or one in quotes; 0 is no time at all, as in Go.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    (seconds > 0).then(|| Duration::from_secs(seconds.min(u64::from(u32::MAX))))
}

/// A signed statement (RFC 7523): header, claims and signature.
fn statement(oauth2: &OAuth2, key: &str) -> Result<String, String> {
    let Grant::JwtBearer { key_id, signature, issuer, audience, claims, .. } = &oauth2.grant else {
        return Err("not a grant with a statement".into());
    };
    let (name, encoding): (_, &'static dyn RsaEncoding) = match signature {
        Signature::Rs256 => ("RS256", &signature::RSA_PKCS1_SHA256),
        Signature::Rs384 => ("RS384", &signature::RSA_PKCS1_SHA384),
        Signature::Rs512 => ("RS512", &signature::RSA_PKCS1_SHA512),
    };
    let refused = |why: &str| format!("private key should be a PEM or plain PKCS1 or PKCS8: {why}");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|e| refused(&e.to_string()))?;
    let pair = match &key {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err("private key is not of RSA".into()),
    };
    let pair = pair.map_err(|error| refused(&error.to_string()))?;
    let mut header = Map::from_iter([
        ("alg".to_owned(), Value::from(name)),
        ("typ".to_owned(), Value::from("JWT")),
    ]);
    if !key_id.is_empty() {
        header.insert("kid".into(), Value::from(key_id.as_str()));
    }
    let now = seconds_since_epoch();
    let mut content = Map::from_iter([
        ("iss".to_owned(), Value::from(issuer.as_str())),
        ("aud".to_owned(), Value::from(audience.as_str())),
        ("iat".to_owned(), Value::from(now.saturating_sub(EARLY.as_secs()))),
        ("exp".to_owned(), Value::from(now + STATEMENT_SECONDS)),
    ]);
    if !oauth2.scopes.is_empty() {
        content.insert("scope".into(), Value::from(oauth2.scopes.join(" ")));
    }
    content.extend(claims.iter().map(|(name, value)| (name.clone(), value.clone())));
    let encode =
        |part: Map<String, Value>| BASE64_URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
    let mut text = format!("{}.{}", encode(header), encode(content));
    let mut signed = vec![0; pair.public().modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signed)
        .map_err(|error| error.to_string())?;
    text.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signed, &mut text);
    Ok(text)
}

#[expect(clippy::disallowed_methods, reason = "a statement says when it was made")]
fn seconds_since_epoch() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
