//! An HTTP client as it is configured: the keys in the file, and what they mean.
//!
//! [`HttpKeys`] is the part that many sections share; [`HttpKeys::config`] decides what was meant and
//! refuses what excludes each other, in the words of Prometheus. [`HttpConfig`] is the outcome, equal
//! when it means the same, and without secrets when printed.

mod auth;
mod headers;
mod oauth2;
mod proxy;
#[cfg(test)]
mod tests;
mod tls;

pub use auth::{Authorization, BasicAuth, Credentials, SecretSource};
pub use headers::{HeaderValues, is_reserved_header};
pub use oauth2::{Grant, OAuth2, OAuth2Keys, Signature};
pub(crate) use proxy::unescape;
pub use proxy::{Proxy, ProxyConfig, ProxyKeys, ProxyScheme, ProxyUrl};
pub use tls::{Material, TlsConfig, TlsKeys, TlsVersion};

use crate::{Scalar, Secret};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

crate::section! {
    /// The keys of an HTTP client, as they stand inline in a section.
    #[derive(Clone, Debug, PartialEq)]
    pub struct HttpKeys {
        keys {
            /// Name and password.
            pub basic_auth: Option<BasicAuth>,
            /// Any other credentials.
            pub authorization: Option<Authorization>,
            /// The old spelling of `authorization.credentials`.
            pub bearer_token: Option<Secret>,
            /// The old spelling of `authorization.credentials_file`.
            pub bearer_token_file: Option<PathBuf>,
            /// Credentials that are asked for at a server of tokens.
            pub oauth2: Option<OAuth2Keys>,
            /// Whom to trust and who we are.
            pub tls_config: Option<TlsKeys>,
            /// Whether a redirect is followed; yes unless written.
            pub follow_redirects: Option<Scalar<bool>>,
            /// Whether HTTP/2 is spoken over TLS when the server can; yes unless written.
            pub enable_http2: Option<Scalar<bool>>,
            /// Further headers.
            pub http_headers: Option<BTreeMap<String, Option<HeaderValues>>>,
        }
        parts {
            /// Through whom to connect.
            pub proxy: ProxyKeys,
        }
    }
}

/// How to ask somebody over HTTP.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct HttpConfig {
    /// What goes into the `Authorization` header.
    pub credentials: Credentials,
    /// Further headers, each with one value.
    pub headers: Vec<(String, SecretSource)>,
    /// Whom to trust and who we are.
    pub tls: TlsConfig,
    /// Through whom to connect.
    pub proxy: ProxyConfig,
    /// Whether a redirect is followed.
    pub follow_redirects: bool,
    /// Whether HTTP/2 is spoken over TLS when the server can.
    pub enable_http2: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            credentials: Credentials::None,
            headers: Vec::new(),
            tls: TlsConfig::default(),
            proxy: ProxyConfig::default(),
            follow_redirects: true,
            enable_http2: true,
        }
    }
}

impl HttpConfig {
    /// The files it names, each with what it holds.
    #[must_use]
    pub fn files(&self) -> Vec<(&Path, &'static str)> {
        let secrets = crate::greeting::sources(self).into_iter();
        let mut files: Vec<_> = secrets
            .filter_map(|(source, what)| match source {
                SecretSource::File(path) => Some((path.as_path(), what)),
                SecretSource::Text(_) => None,
            })
            .collect();
        let mut tls = vec![&self.tls];
        if let Credentials::OAuth2(oauth2) = &self.credentials {
            if let SecretSource::File(path) = oauth2.secret() {
                files.push((path, "oauth2 client secret file"));
            }
            tls.push(&oauth2.tls);
        }
        for (material, what) in tls.into_iter().flat_map(TlsConfig::materials) {
            if let Material::File(path) = material {
                files.push((path, what));
            }
        }
        files
    }
}

impl HttpKeys {
    /// What the keys mean.
    ///
    /// # Errors
    /// When they exclude each other or ask for what cannot be.
    pub fn config(&self) -> Result<HttpConfig, String> {
        Ok(HttpConfig {
            credentials: self.credentials()?,
            tls: self
                .tls_config
                .as_ref()
                .map_or_else(|| Ok(TlsConfig::default()), TlsKeys::config)?,
            proxy: self.proxy.config()?,
            headers: headers::resolve(self.http_headers.as_ref())?,
            follow_redirects: Scalar::value(self.follow_redirects).unwrap_or(true),
            enable_http2: Scalar::value(self.enable_http2).unwrap_or(true),
        })
    }

    /// Joins the files that are named relative to the config file with its directory.
    pub fn set_directory(&mut self, directory: &Path) {
        join(&mut self.bearer_token_file, directory);
        if let Some(basic) = &mut self.basic_auth {
            join(&mut basic.username_file, directory);
            join(&mut basic.password_file, directory);
        }
        if let Some(authorization) = &mut self.authorization {
            join(&mut authorization.credentials_file, directory);
        }
        if let Some(oauth2) = &mut self.oauth2 {
            oauth2.set_directory(directory);
        }
        if let Some(tls) = &mut self.tls_config {
            tls.set_directory(directory);
        }
        for values in self.http_headers.iter_mut().flat_map(BTreeMap::values_mut).flatten() {
            for file in values.files.iter_mut().flatten() {
                *file = directory.join(&*file);
            }
        }
    }
}

fn join(file: &mut Option<PathBuf>, directory: &Path) {
    if let Some(path) = file.as_mut().filter(|path| !path.as_os_str().is_empty()) {
        *path = directory.join(&*path);
    }
}

fn is_set(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn is_file(file: Option<&PathBuf>) -> bool {
    file.is_some_and(|file| !file.as_os_str().is_empty())
}
