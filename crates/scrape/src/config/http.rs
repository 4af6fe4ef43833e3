//! How a target is greeted: credentials and extra headers, as written in the file.

use super::yaml::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `basic_auth`: a name and a password, each in place or in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    pub(crate) username: Option<String>,
    pub(crate) username_file: Option<PathBuf>,
    pub(crate) password: Option<Secret>,
    pub(crate) password_file: Option<PathBuf>,
}

/// `authorization`: a scheme and credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    #[serde(rename = "type")]
    pub(crate) scheme: Option<String>,
    pub(crate) credentials: Option<Secret>,
    pub(crate) credentials_file: Option<PathBuf>,
}

/// One entry of `http_headers`: values in place, secret ones, and ones in files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderValues {
    pub(crate) values: Option<Vec<String>>,
    pub(crate) secrets: Option<Vec<Secret>>,
    pub(crate) files: Option<Vec<PathBuf>>,
}

/// A secret in place, or in a file that is read anew for every use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    Text(Secret),
    File(PathBuf),
}

/// The credentials that go with every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Credentials {
    #[default]
    None,
    Basic {
        username: SecretSource,
        password: SecretSource,
    },
    Scheme {
        scheme: String,
        secret: SecretSource,
    },
}

/// Headers that are set by us or by another option.
const RESERVED_HEADERS: [&str; 19] = [
    "accept-charset",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "host",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "set-cookie",
    "transfer-encoding",
    "user-agent",
    "x-prometheus-scrape-timeout-seconds",
];

pub(super) struct Written<'a> {
    pub(super) basic_auth: Option<&'a BasicAuth>,
    pub(super) authorization: Option<&'a Authorization>,
    pub(super) bearer_token: Option<&'a Secret>,
    pub(super) bearer_token_file: Option<&'a Path>,
}

impl Written<'_> {
    /// Decides which credentials were meant; refuses what excludes each other.
    pub(super) fn credentials(&self) -> Result<Credentials, String> {
        let token = self.bearer_token.filter(|t| !t.reveal().is_empty());
        let token_file = self.bearer_token_file.filter(|p| !p.as_os_str().is_empty());
        if token.is_some() && token_file.is_some() {
            return Err("at most one of bearer_token & bearer_token_file must be configured".into());
        }
        let bearer = token.is_some() || token_file.is_some();
        if self.basic_auth.is_some() && bearer {
            return Err("at most one of basic_auth, oauth2, bearer_token & bearer_token_file \
                        must be configured"
                .into());
        }
        if self.authorization.is_some() && bearer {
            return Err(
                "authorization is not compatible with bearer_token & bearer_token_file".into()
            );
        }
        match (self.basic_auth, self.authorization) {
            (Some(_), Some(_)) => {
                Err("at most one of basic_auth, oauth2 & authorization must be configured".into())
            }
            (Some(basic), None) => basic.credentials(),
            (None, Some(authorization)) => authorization.credentials(),
            (None, None) if bearer => Ok(Credentials::Scheme {
                scheme: "Bearer".into(),
                secret: source(token.cloned(), token_file.map(Path::to_path_buf)),
            }),
            (None, None) => Ok(Credentials::None),
        }
    }
}

impl BasicAuth {
    fn credentials(&self) -> Result<Credentials, String> {
        if set(self.username.as_deref()) && self.username_file.is_some() {
            return Err(
                "at most one of basic_auth username & username_file must be configured".into()
            );
        }
        if set(self.password.as_ref().map(Secret::reveal)) && self.password_file.is_some() {
            return Err(
                "at most one of basic_auth password & password_file must be configured".into()
            );
        }
        let username = self.username.as_deref().map(Secret::from);
        Ok(Credentials::Basic {
            username: source(username, self.username_file.clone()),
            password: source(self.password.clone(), self.password_file.clone()),
        })
    }
}

impl Authorization {
    fn credentials(&self) -> Result<Credentials, String> {
        if set(self.credentials.as_ref().map(Secret::reveal)) && self.credentials_file.is_some() {
            return Err("at most one of authorization credentials & credentials_file must be \
                        configured"
                .into());
        }
        let scheme = self.scheme.as_deref().map_or("", str::trim);
        if scheme.eq_ignore_ascii_case("basic") {
            return Err(
                r#"authorization type cannot be set to "basic", use "basic_auth" instead"#.into()
            );
        }
        Ok(Credentials::Scheme {
            scheme: if scheme.is_empty() { "Bearer".into() } else { scheme.into() },
            secret: source(self.credentials.clone(), self.credentials_file.clone()),
        })
    }
}

fn set(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn source(text: Option<Secret>, file: Option<PathBuf>) -> SecretSource {
    match file.filter(|file| !file.as_os_str().is_empty()) {
        Some(file) => SecretSource::File(file),
        None => SecretSource::Text(text.unwrap_or_default()),
    }
}

/// The extra headers in the order of their names; values in place come before secrets and files.
pub(super) fn headers(
    written: &BTreeMap<String, HeaderValues>,
) -> Result<Vec<(String, SecretSource)>, String> {
    let mut headers = Vec::new();
    for (name, values) in written {
        let reserved = RESERVED_HEADERS.iter().any(|r| r.eq_ignore_ascii_case(name));
        if reserved || http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(format!("setting header {name:?} is not allowed"));
        }
        let texts = values.values.iter().flatten().map(|v| Secret::from(v.as_str()));
        let texts = texts.chain(values.secrets.iter().flatten().cloned());
        for text in texts {
            if http::HeaderValue::from_str(text.reveal()).is_err() {
                return Err(format!("header {name:?} has a value that cannot be sent"));
            }
            headers.push((name.clone(), SecretSource::Text(text)));
        }
        let files = values.files.iter().flatten();
        headers.extend(files.map(|file| (name.clone(), SecretSource::File(file.clone()))));
    }
    Ok(headers)
}

/// Joins the files that are named relative to the config file with its directory.
pub(super) fn resolve(file: &mut Option<PathBuf>, directory: &Path) {
    if let Some(path) = file.as_mut().filter(|path| !path.as_os_str().is_empty()) {
        *path = directory.join(&*path);
    }
}
