//! Ways to sign requests to the clouds: `sigv4`, `azuread`, `google_iam`.

use client::{Scalar, Secret};
use serde::Deserialize;
use std::path::PathBuf;

/// `sigv4`, of Amazon.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SigV4 {
    #[serde(rename = "region")]
    _region: Option<String>,
    access_key: Option<String>,
    secret_key: Option<Secret>,
    #[serde(rename = "profile")]
    _profile: Option<String>,
    #[serde(rename = "role_arn")]
    _role_arn: Option<String>,
    #[serde(rename = "external_id")]
    _external_id: Option<String>,
    #[serde(rename = "use_fips_sts_endpoint")]
    _use_fips_sts_endpoint: Option<Scalar<bool>>,
}

impl SigV4 {
    pub(super) fn check(&self) -> Result<(), String> {
        let secret = self.secret_key.as_ref().map_or("", Secret::reveal);
        if text(&self.access_key).is_empty() != secret.is_empty() {
            return Err("must provide a AWS SigV4 Access key and Secret Key if credentials are \
                        specified in the SigV4 config"
                .into());
        }
        Ok(())
    }
}

/// `google_iam`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GoogleIam {
    #[serde(rename = "credentials_file")]
    _credentials_file: Option<PathBuf>,
}

/// `azuread`: exactly one way to prove who we are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AzureAd {
    managed_identity: Option<ManagedIdentity>,
    workload_identity: Option<WorkloadIdentity>,
    oauth: Option<OAuth>,
    sdk: Option<Sdk>,
    certificate: Option<Certificate>,
    cloud: Option<String>,
    scope: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ManagedIdentity {
    client_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WorkloadIdentity {
    client_id: Option<String>,
    tenant_id: Option<String>,
    #[serde(rename = "token_file_path")]
    _token_file_path: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OAuth {
    client_id: Option<String>,
    client_secret: Option<Secret>,
    tenant_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sdk {
    #[serde(rename = "tenant_id")]
    _tenant_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Certificate {
    client_id: Option<String>,
    tenant_id: Option<String>,
    certificate_path: Option<PathBuf>,
    #[serde(rename = "certificate_key_path")]
    _certificate_key_path: Option<PathBuf>,
    #[serde(rename = "certificate_password")]
    _certificate_password: Option<Secret>,
    #[serde(rename = "send_certificate_chain")]
    _send_certificate_chain: Option<Scalar<bool>>,
}

impl AzureAd {
    pub(super) fn check(&self) -> Result<(), String> {
        if !["", "AzureChina", "AzureGovernment", "AzurePublic"].contains(&text(&self.cloud)) {
            return Err("must provide a cloud in the Azure AD config".into());
        }
        let ways = [
            self.managed_identity.is_some(),
            self.workload_identity.is_some(),
            self.oauth.is_some(),
            self.sdk.is_some(),
            self.certificate.is_some(),
        ];
        match ways.iter().filter(|way| **way).count() {
            0 => {
                return Err("must provide an Azure Managed Identity, Azure Workload Identity, \
                            Azure OAuth, Azure Certificate or Azure SDK in the Azure AD config"
                    .into());
            }
            1 => {}
            _ => {
                return Err(
                    "cannot provide multiple authentication methods in the Azure AD config".into(),
                );
            }
        }
        self.check_identities()?;
        let allowed = |c: char| {
            c.is_ascii_alphanumeric()
                || c.is_whitespace()
                || matches!(c, '_' | ':' | '/' | '.' | '-')
        };
        if text(&self.scope).chars().all(allowed) {
            Ok(())
        } else {
            Err("the provided scope contains invalid characters".into())
        }
    }

    fn check_identities(&self) -> Result<(), String> {
        if let Some(managed) = &self.managed_identity {
            uuid(&managed.client_id, "Managed Identity client_id", true)?;
        }
        if let Some(workload) = &self.workload_identity {
            needed(text(&workload.client_id), "Workload Identity client_id")?;
            needed(text(&workload.tenant_id), "Workload Identity tenant_id")?;
            uuid(&workload.client_id, "Workload Identity client_id", false)?;
            uuid(&workload.tenant_id, "Workload Identity tenant_id", false)?;
        }
        if let Some(oauth) = &self.oauth {
            needed(text(&oauth.client_id), "OAuth client_id")?;
            let secret = oauth.client_secret.as_ref().map_or("", Secret::reveal);
            needed(secret, "OAuth client_secret")?;
            needed(text(&oauth.tenant_id), "OAuth tenant_id")?;
            uuid(&oauth.client_id, "OAuth client_id", false)?;
        }
        if let Some(certificate) = &self.certificate {
            needed(text(&certificate.client_id), "Certificate client_id")?;
            needed(text(&certificate.tenant_id), "Certificate tenant_id")?;
            let path = certificate.certificate_path.as_deref().and_then(|path| path.to_str());
            needed(path.unwrap_or(""), "Certificate certificate_path")?;
            uuid(&certificate.client_id, "Certificate client_id", false)?;
        }
        Ok(())
    }
}

fn text(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("")
}

fn needed(value: &str, what: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err(format!("must provide an Azure {what} in the Azure AD config"));
    }
    Ok(())
}

/// Whether this is 32 hexadecimal digits in groups, as a UUID is written.
fn uuid(value: &Option<String>, what: &str, may_be_empty: bool) -> Result<(), String> {
    let value = text(value);
    let value = value.strip_prefix("urn:uuid:").unwrap_or(value);
    let value = value.strip_prefix('{').and_then(|v| v.strip_suffix('}')).unwrap_or(value);
    let groups: Vec<usize> = value.split('-').map(str::len).collect();
    let is_uuid = (groups == [8, 4, 4, 4, 12] || groups == [32])
        && value.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if is_uuid || (may_be_empty && value.is_empty()) {
        Ok(())
    } else {
        Err(format!("the provided Azure {what} is invalid"))
    }
}
