//! How to reach a server: credentials, TLS, proxies.

use super::meta::{KeyRef, SecretOrConfigMap};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The keys of a client, as they stand in many places.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Http {
    /// User and password.
    pub basic_auth: Option<BasicAuth>,
    /// A header of another kind.
    pub authorization: Option<Authorization>,
    /// Tokens from a server.
    pub oauth2: Option<OAuth2>,
    /// Certificates.
    pub tls_config: Option<TlsConfig>,
    /// A proxy between.
    #[serde(flatten)]
    pub proxy: Proxy,
    /// Whether redirects are followed.
    pub follow_redirects: Option<bool>,
    /// Whether HTTP/2 is spoken.
    #[serde(rename = "enableHttp2", alias = "enableHTTP2")]
    pub enable_http2: Option<bool>,
}

/// User and password.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct BasicAuth {
    /// Where the user's name is.
    pub username: KeyRef,
    /// Where the password is.
    pub password: KeyRef,
}

/// A header with credentials.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Authorization {
    /// `Bearer` when it is empty.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the credentials are.
    pub credentials: Option<KeyRef>,
    /// In a scrape class: the file that holds them.
    pub credentials_file: String,
}

/// Tokens from a server, by the grant of client credentials.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OAuth2 {
    /// Who asks.
    pub client_id: SecretOrConfigMap,
    /// Its secret.
    pub client_secret: KeyRef,
    /// Whom to ask.
    pub token_url: String,
    /// For what.
    pub scopes: Vec<String>,
    /// Further parameters.
    pub endpoint_params: BTreeMap<String, String>,
    /// Certificates for that server.
    pub tls_config: Option<TlsConfig>,
    /// A proxy to that server.
    #[serde(flatten)]
    pub proxy: Proxy,
}

/// A proxy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Proxy {
    /// Where it is.
    pub proxy_url: Option<String>,
    /// For whom it is not used.
    pub no_proxy: Option<String>,
    /// Whether the environment says where it is.
    pub proxy_from_environment: Option<bool>,
    /// Headers for it.
    pub proxy_connect_header: BTreeMap<String, Vec<KeyRef>>,
}

/// Certificates and names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TlsConfig {
    /// Who may sign the server's certificate.
    pub ca: SecretOrConfigMap,
    /// Our certificate.
    pub cert: SecretOrConfigMap,
    /// Its key.
    pub key_secret: Option<KeyRef>,
    /// The name in the server's certificate.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: Option<bool>,
    /// `TLS10` to `TLS13`.
    pub min_version: Option<String>,
    /// `TLS10` to `TLS13`.
    pub max_version: Option<String>,
    /// A file instead of `ca`.
    pub ca_file: String,
    /// A file instead of `cert`.
    pub cert_file: String,
    /// A file instead of `keySecret`.
    pub key_file: String,
}
