//! A kubeconfig: its current context, as far as it can be followed without running programs.

use super::{AccessError, Way};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use client::config::{
    Credentials, Material, Proxy, ProxyConfig, ProxyUrl, SecretSource, TlsConfig,
};
use client::{HttpConfig, Secret};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::{Path, PathBuf};

/// Bytes of a kubeconfig, which may know many clusters.
const MAX_FILE: u64 = 16 << 20;

/// The file; what is not read here concerns other programs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Kubeconfig {
    current_context: Option<String>,
    contexts: Option<Vec<NamedContext>>,
    clusters: Option<Vec<NamedCluster>>,
    users: Option<Vec<NamedUser>>,
}

#[derive(Debug, Deserialize)]
struct NamedContext {
    name: String,
    context: Option<Context>,
}

#[derive(Debug, Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Option<Cluster>,
}

#[derive(Debug, Deserialize)]
struct NamedUser {
    name: String,
    user: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Context {
    cluster: Option<String>,
    user: Option<String>,
    namespace: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Cluster {
    server: Option<String>,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    insecure_skip_tls_verify: Option<bool>,
    tls_server_name: Option<String>,
    proxy_url: Option<Secret>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct User {
    token: Option<Secret>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    exec: Option<IgnoredAny>,
    auth_provider: Option<IgnoredAny>,
    r#as: Option<String>,
    as_uid: Option<String>,
    as_groups: Option<Vec<String>>,
    as_user_extra: Option<IgnoredAny>,
}

/// The way of the current context.
pub(super) fn way(path: &Path) -> Result<Way, AccessError> {
    let unreadable = |source| AccessError::Unreadable { path: path.to_owned(), source };
    let content = client::files::read_file(path, MAX_FILE).map_err(unreadable)?;
    let text = content.into_text().map_err(unreadable)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    of_text(&text, folder)
        .map_err(|reason| AccessError::Kubeconfig { path: path.to_owned(), reason })
}

pub(super) fn of_text(text: &str, folder: &Path) -> Result<Way, String> {
    // A snippet would show what stands there, which may be a secret.
    let file: Option<Kubeconfig> =
        serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())?;
    let file = file.unwrap_or_default();
    let current = set(file.current_context).ok_or("current-context is not set")?;
    let missing = |what: &str, name: &str| format!("{what} {name:?} is not there");
    let mut contexts = file.contexts.into_iter().flatten();
    let context = contexts.find(|named| named.name == current);
    let context = context.ok_or_else(|| missing("context", &current))?.context.unwrap_or_default();
    let in_context = |error: String| format!("context {current:?}: {error}");
    let name = set(context.cluster).ok_or_else(|| in_context("names no cluster".into()))?;
    let mut clusters = file.clusters.into_iter().flatten();
    let cluster = clusters.find(|named| named.name == name);
    let cluster = cluster.ok_or_else(|| in_context(missing("cluster", &name)))?;
    let (user_name, user) = match set(context.user) {
        None => Default::default(),
        Some(name) => {
            let mut users = file.users.into_iter().flatten();
            let user = users.find(|named| named.name == name);
            let user = user.ok_or_else(|| in_context(missing("user", &name)))?;
            (name, user.user.unwrap_or_default())
        }
    };
    let in_user = |error: String| in_context(format!("user {user_name:?}: {error}"));
    let mut http = HttpConfig {
        credentials: user.credentials(folder).map_err(in_user)?,
        headers: user.impersonation().map_err(in_user)?,
        tls: TlsConfig {
            identity: user.identity(folder).map_err(in_user)?,
            ..TlsConfig::default()
        },
        ..HttpConfig::default()
    };
    let cluster = cluster.cluster.unwrap_or_default();
    let in_cluster = |error: String| in_context(format!("cluster {name:?}: {error}"));
    let server = cluster.apply(&mut http, folder).map_err(in_cluster)?;
    Ok(Way { server, http, namespace: set(context.namespace) })
}

impl Cluster {
    /// Whom to ask and whom to trust; the URL of the server.
    fn apply(self, http: &mut HttpConfig, folder: &Path) -> Result<String, String> {
        http.tls.ca = material(
            (self.certificate_authority, folder),
            ("certificate-authority-data", self.certificate_authority_data.as_deref()),
        )?;
        http.tls.insecure_skip_verify = self.insecure_skip_tls_verify.unwrap_or(false);
        http.tls.server_name = set(self.tls_server_name);
        if http.tls.insecure_skip_verify && http.tls.ca.is_some() {
            return Err(
                "a certificate-authority and insecure-skip-tls-verify exclude each other".into()
            );
        }
        let proxy = match self.proxy_url.as_ref().map(Secret::reveal).filter(|url| !url.is_empty())
        {
            // As kubectl does.
            None => Proxy::Environment,
            Some(url) => Proxy::Url {
                url: ProxyUrl::parse(url).map_err(|error| format!("proxy-url: {error}"))?,
                except: String::new(),
            },
        };
        http.proxy = ProxyConfig { proxy, ..ProxyConfig::default() };
        let server = set(self.server).ok_or("names no server")?;
        let server = server.trim_end_matches('/');
        if server.contains("://") {
            return Ok(server.to_owned());
        }
        let is_secure = http.tls != TlsConfig::default();
        Ok(format!("{}://{server}", if is_secure { "https" } else { "http" }))
    }
}

impl User {
    fn credentials(&self, folder: &Path) -> Result<Credentials, String> {
        if self.exec.is_some() {
            return Err(
                "exec: credentials made by a program are not built in; use a token, tokenFile \
                        or client certificate"
                    .into(),
            );
        }
        if self.auth_provider.is_some() {
            return Err("auth-provider: credentials of a provider are not built in; use a token, \
                        tokenFile or client certificate"
                .into());
        }
        let token = self.token.clone().filter(|token| !token.reveal().is_empty());
        let file = self.token_file.as_ref().filter(|file| !file.as_os_str().is_empty());
        // The file may change, so it is the better of two.
        let token = match (file, token) {
            (Some(file), _) => Some(SecretSource::File(folder.join(file))),
            (None, token) => token.map(SecretSource::Text),
        };
        let username = self.username.as_deref().filter(|name| !name.is_empty());
        match (token, username) {
            (Some(_), Some(_)) => Err("a token and a username exclude each other".into()),
            (Some(secret), None) => Ok(Credentials::Scheme { scheme: "Bearer".into(), secret }),
            (None, Some(username)) => Ok(Credentials::Basic {
                username: SecretSource::Text(Secret::from(username)),
                password: SecretSource::Text(self.password.clone().unwrap_or_default()),
            }),
            (None, None) => Ok(Credentials::None),
        }
    }

    /// Certificates and key.
    fn identity(&self, folder: &Path) -> Result<Option<(Material, Material)>, String> {
        let cert = material(
            (self.client_certificate.clone(), folder),
            ("client-certificate-data", self.client_certificate_data.as_deref()),
        )?;
        let key = material(
            (self.client_key.clone(), folder),
            ("client-key-data", self.client_key_data.as_ref().map(Secret::reveal)),
        )?;
        match (cert, key) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, None) => Ok(None),
            (Some(_), None) => Err("a client-certificate without a client-key".into()),
            (None, Some(_)) => Err("a client-key without a client-certificate".into()),
        }
    }

    /// Headers of one who acts for another.
    fn impersonation(&self) -> Result<Vec<(String, SecretSource)>, String> {
        if self.as_user_extra.is_some() {
            return Err("as-user-extra is not built in".into());
        }
        let header = |name: &str, value: &String| {
            (format!("Impersonate-{name}"), SecretSource::Text(Secret::from(value.as_str())))
        };
        let mut headers: Vec<_> = self.r#as.iter().map(|name| header("User", name)).collect();
        headers.extend(self.as_uid.iter().map(|uid| header("Uid", uid)));
        headers.extend(self.as_groups.iter().flatten().map(|group| header("Group", group)));
        headers.retain(
            |(_, value)| !matches!(value, SecretSource::Text(text) if text.reveal().is_empty()),
        );
        Ok(headers)
    }
}

fn set(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// What stands in a file or, which goes before it, in place.
fn material(
    (file, folder): (Option<PathBuf>, &Path),
    (name, data): (&str, Option<&str>),
) -> Result<Option<Material>, String> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        let packed: String = data.split_ascii_whitespace().collect();
        let pem =
            BASE64_STANDARD.decode(packed).map_err(|_| format!("{name}: is not in base64"))?;
        let pem = String::from_utf8(pem).map_err(|_| format!("{name}: is not in PEM form"))?;
        return Ok(Some(Material::Pem(Secret::from(pem.as_str()))));
    }
    let file = file.filter(|file| !file.as_os_str().is_empty());
    Ok(file.map(|file| Material::File(folder.join(file))))
}
