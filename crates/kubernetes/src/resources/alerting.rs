//! Alertmanagers of a cluster, as the `Prometheus` object names them.

use super::http::{Authorization, BasicAuth, Proxy, TlsConfig};
use super::meta::NameOrNumber;
use super::relabel::Relabel;
use serde::Deserialize;

/// Whom to tell of alerts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Alerting {
    /// Services of Alertmanagers.
    pub alertmanagers: Vec<AlertmanagerService>,
}

/// The Service of some Alertmanagers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AlertmanagerService {
    /// Where it is; our own namespace when it is empty.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: Option<NameOrNumber>,
    /// `http` or `https`.
    pub scheme: String,
    /// What stands before the paths of the API.
    pub path_prefix: String,
    /// Certificates.
    pub tls_config: Option<TlsConfig>,
    /// User and password.
    pub basic_auth: Option<BasicAuth>,
    /// A header with credentials.
    pub authorization: Option<Authorization>,
    /// The file of a token.
    pub bearer_token_file: String,
    /// `v2`.
    pub api_version: String,
    /// How long telling them may take.
    pub timeout: String,
    /// Whether HTTP/2 is spoken.
    #[serde(rename = "enableHttp2")]
    pub enable_http2: Option<bool>,
    /// A proxy between.
    #[serde(flatten)]
    pub proxy: Proxy,
    /// Rules for their labels.
    pub relabelings: Vec<Relabel>,
    /// Rules for the labels of alerts that they are told.
    pub alert_relabelings: Vec<Relabel>,
}
