//! TLS as it is configured: whom to trust, who we are, which versions.

use super::{is_file, is_set, join};
use crate::{Scalar, Secret};
use serde::Deserialize;
use serde::de::Error as _;
use std::path::{Path, PathBuf};

/// A `tls_config` section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsKeys {
    ca: Option<String>,
    ca_file: Option<PathBuf>,
    cert: Option<String>,
    cert_file: Option<PathBuf>,
    key: Option<Secret>,
    key_file: Option<PathBuf>,
    server_name: Option<String>,
    insecure_skip_verify: Option<Scalar<bool>>,
    min_version: Option<TlsVersion>,
    max_version: Option<TlsVersion>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// `TLS10`, which is no longer spoken.
    Tls10,
    /// `TLS11`, which is no longer spoken.
    Tls11,
    /// `TLS12`
    Tls12,
    /// `TLS13`
    Tls13,
}

impl<'de> Deserialize<'de> for TlsVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "TLS10" => Ok(Self::Tls10),
            "TLS11" => Ok(Self::Tls11),
            "TLS12" => Ok(Self::Tls12),
            "TLS13" => Ok(Self::Tls13),
            other => Err(D::Error::custom(format_args!("unknown TLS version: {other}"))),
        }
    }
}

/// Certificates or a key in PEM form: in place, or in a file that is read again when it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Material {
    /// In place.
    Pem(Secret),
    /// In a file.
    File(PathBuf),
}

/// What a `tls_config` means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsConfig {
    /// Whom to trust; the system's authorities when nothing is named.
    pub ca: Option<Material>,
    /// Who we are: certificates and key.
    pub identity: Option<(Material, Material)>,
    /// The name to ask for and to verify instead of the host's.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: bool,
    /// No older version than this.
    pub min_version: Option<TlsVersion>,
    /// No newer version than this.
    pub max_version: Option<TlsVersion>,
}

impl TlsConfig {
    /// All that is in PEM form, each with what a file of it holds: authorities, certificate, key.
    pub(crate) fn materials(&self) -> Vec<(&Material, &'static str)> {
        let mut all: Vec<_> = self.ca.iter().map(|ca| (ca, "CA cert file")).collect();
        if let Some((cert, key)) = &self.identity {
            all.push((cert, "client cert file"));
            all.push((key, "client key file"));
        }
        all
    }
}

impl TlsKeys {
    /// What the section means.
    ///
    /// # Errors
    /// When keys exclude each other, one half of a pair is missing, or versions leave nothing that
    /// can be spoken.
    pub fn config(&self) -> Result<TlsConfig, String> {
        let exclusive = |text: bool, file: Option<&PathBuf>, name: &str| {
            if text && is_file(file) {
                return Err(format!("at most one of {name} and {name}_file must be configured"));
            }
            Ok(text || is_file(file))
        };
        let ca = exclusive(is_set(self.ca.as_deref()), self.ca_file.as_ref(), "ca")?;
        let cert = exclusive(is_set(self.cert.as_deref()), self.cert_file.as_ref(), "cert")?;
        let key = self.key.as_ref().map(Secret::reveal);
        let key = exclusive(is_set(key), self.key_file.as_ref(), "key")?;
        let missing = |half: &str, other: &str| {
            Err(format!(
                "exactly one of {half} or {half}_file must be configured when a client {other} is \
                 configured"
            ))
        };
        match (cert, key) {
            (true, false) => return missing("key", "certificate"),
            (false, true) => return missing("cert", "key"),
            _ => {}
        }
        self.check_versions()?;
        let text = |text: Option<&str>| text.map(Secret::from);
        let material = |pem: Option<Secret>, file: Option<&PathBuf>| match file {
            Some(file) if is_file(Some(file)) => Material::File(file.clone()),
            _ => Material::Pem(pem.unwrap_or_default()),
        };
        Ok(TlsConfig {
            ca: ca.then(|| material(text(self.ca.as_deref()), self.ca_file.as_ref())),
            identity: cert.then(|| {
                (
                    material(text(self.cert.as_deref()), self.cert_file.as_ref()),
                    material(self.key.clone(), self.key_file.as_ref()),
                )
            }),
            server_name: self.server_name.clone().filter(|name| !name.is_empty()),
            insecure_skip_verify: Scalar::value(self.insecure_skip_verify).unwrap_or(false),
            min_version: self.min_version,
            max_version: self.max_version,
        })
    }

    fn check_versions(&self) -> Result<(), String> {
        if let (Some(min), Some(max)) = (self.min_version, self.max_version)
            && max < min
        {
            return Err("tls_config.max_version must be greater than or equal to \
                        tls_config.min_version if both are specified"
                .into());
        }
        match self.max_version {
            Some(TlsVersion::Tls10) => Err("tls_config.max_version TLS10 is not built in: \
                                            TLS12 is the oldest that is spoken"
                .into()),
            Some(TlsVersion::Tls11) => Err("tls_config.max_version TLS11 is not built in: \
                                            TLS12 is the oldest that is spoken"
                .into()),
            _ => Ok(()),
        }
    }

    /// Joins the files that are named relative to the config file with its directory.
    pub fn set_directory(&mut self, directory: &Path) {
        for file in [&mut self.ca_file, &mut self.cert_file, &mut self.key_file] {
            join(file, directory);
        }
    }
}
