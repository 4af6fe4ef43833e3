//! OAuth2 as it is configured: where tokens are asked for, and as whom.

use super::{ProxyConfig, ProxyKeys, SecretSource, TlsConfig, TlsKeys, is_file, is_set, join};
use crate::Secret;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const CLIENT_CREDENTIALS: &str = "client_credentials";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

crate::section! {
    /// An `oauth2` section.
    #[derive(Clone, Debug, PartialEq)]
    pub struct OAuth2Keys {
        keys {
            client_id: Option<String>,
            client_secret: Option<Secret>,
            client_secret_file: Option<PathBuf>,
            client_certificate_key_id: Option<String>,
            client_certificate_key: Option<Secret>,
            client_certificate_key_file: Option<PathBuf>,
            grant_type: Option<String>,
            signature_algorithm: Option<String>,
            iss: Option<String>,
            audience: Option<String>,
            claims: Option<BTreeMap<String, Value>>,
            scopes: Option<Vec<String>>,
            token_url: Option<String>,
            endpoint_params: Option<BTreeMap<String, Option<String>>>,
            tls_config: Option<TlsKeys>,
        }
        parts {
            proxy: ProxyKeys,
        }
    }
}

/// Where tokens are asked for, and as whom.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct OAuth2 {
    /// Who we are.
    pub client_id: String,
    /// How we prove it.
    pub grant: Grant,
    /// Whom to ask.
    pub token_url: String,
    /// What the token shall allow.
    pub scopes: Vec<String>,
    /// Further parameters of the question.
    pub endpoint_params: BTreeMap<String, String>,
    /// Whom to trust while asking.
    pub tls: TlsConfig,
    /// Through whom to ask.
    pub proxy: ProxyConfig,
}

/// How a client proves who it is.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Grant {
    /// With a secret that both know.
    ClientCredentials {
        /// The secret.
        secret: SecretSource,
    },
    /// With a statement that is signed.
    JwtBearer {
        /// A key for RSA, in PEM form.
        key: SecretSource,
        /// The name of the key.
        key_id: String,
        /// How it signs.
        signature: Signature,
        /// Who states it; the client unless written.
        issuer: String,
        /// Whom it is for; the one who gives tokens unless written.
        audience: String,
        /// What else it states.
        claims: BTreeMap<String, Value>,
    },
}

/// How a statement is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signature {
    /// RSA with SHA-256
    Rs256,
    /// RSA with SHA-384
    Rs384,
    /// RSA with SHA-512
    Rs512,
}

impl OAuth2 {
    /// The secret, or the key.
    pub(crate) fn secret(&self) -> &SecretSource {
        match &self.grant {
            Grant::ClientCredentials { secret } | Grant::JwtBearer { key: secret, .. } => secret,
        }
    }
}

impl OAuth2Keys {
    pub(super) fn config(&self) -> Result<OAuth2, String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let refuse = |text: &str| Err(text.to_owned());
        if !is_set(self.client_id.as_deref()) {
            return refuse("oauth2 client_id must be configured");
        }
        if !is_set(self.token_url.as_deref()) {
            return refuse("oauth2 token_url must be configured");
        }
        let token_url = text(&self.token_url);
        let url = url::Url::parse(&token_url).map_err(|e| format!("oauth2 token_url: {e}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("oauth2 token_url: URL scheme must be 'http' or 'https'");
        }
        let both = |text: &Option<Secret>, file| {
            is_set(text.as_ref().map(Secret::reveal)) && is_file(file)
        };
        if both(&self.client_secret, self.client_secret_file.as_ref()) {
            return refuse(
                "at most one of oauth2 client_secret & client_secret_file must be configured",
            );
        }
        if both(&self.client_certificate_key, self.client_certificate_key_file.as_ref()) {
            return refuse(
                "at most one of oauth2 client_certificate_key & client_certificate_key_file must \
                 be configured using grant-type=urn:ietf:params:oauth:grant-type:jwt-bearer",
            );
        }
        Ok(OAuth2 {
            grant: self.grant()?,
            client_id: text(&self.client_id),
            token_url,
            scopes: self.scopes.clone().unwrap_or_default(),
            endpoint_params: (self.endpoint_params.iter().flatten())
                .map(|(key, value)| (key.clone(), value.clone().unwrap_or_default()))
                .collect(),
            tls: self
                .tls_config
                .as_ref()
                .map_or_else(|| Ok(TlsConfig::default()), TlsKeys::config)?,
            proxy: self.proxy.config()?,
        })
    }

    fn grant(&self) -> Result<Grant, String> {
        match self.grant_type.as_deref().unwrap_or("") {
            "" | CLIENT_CREDENTIALS => Ok(Grant::ClientCredentials {
                secret: SecretSource::of(
                    self.client_secret.as_ref(),
                    self.client_secret_file.as_ref(),
                ),
            }),
            JWT_BEARER => {
                let signature = match self.signature_algorithm.as_deref().unwrap_or("") {
                    "" | "RS256" => Signature::Rs256,
                    "RS384" => Signature::Rs384,
                    "RS512" => Signature::Rs512,
                    _ => return Err("valid signature algorithms are RS256, RS384 and RS512".into()),
                };
                let or = |own: &Option<String>, other: &Option<String>| {
                    let own = own.as_ref().filter(|own| !own.is_empty());
                    own.or(other.as_ref()).cloned().unwrap_or_default()
                };
                Ok(Grant::JwtBearer {
                    key: SecretSource::of(
                        self.client_certificate_key.as_ref(),
                        self.client_certificate_key_file.as_ref(),
                    ),
                    key_id: self.client_certificate_key_id.clone().unwrap_or_default(),
                    signature,
                    issuer: or(&self.iss, &self.client_id),
                    audience: or(&self.audience, &self.token_url),
                    claims: self.claims.clone().unwrap_or_default(),
                })
            }
            other => Err(format!(
                "oauth2 grant_type {other:?} is not one of {CLIENT_CREDENTIALS} and {JWT_BEARER}"
            )),
        }
    }

    pub(super) fn set_directory(&mut self, directory: &Path) {
        join(&mut self.client_secret_file, directory);
        join(&mut self.client_certificate_key_file, directory);
        if let Some(tls) = &mut self.tls_config {
            tls.set_directory(directory);
        }
    }
}
