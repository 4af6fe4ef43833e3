//! `tls_server_config`: how TLS is spoken, by rustls.
//!
//! Versions, cipher suites and curves have the names of Go. What Go has and we have not (TLS 1.0 and
//! 1.1, CBC suites, P-521, ML-KEM) is refused by name; what nobody has is unknown.

use super::client_auth::{self, Policy};
use super::file::{Fault, Placed, below, bytes};
use client::Scalar;
use rustls::crypto::ring::{cipher_suite as suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `tls_server_config`; a key may stand in it, so it is never printed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsSection {
    cert: Option<String>,
    key: Option<String>,
    client_ca: Option<String>,
    cert_file: Option<Placed<String>>,
    key_file: Option<Placed<String>>,
    client_auth_type: Option<Placed<String>>,
    client_ca_file: Option<Placed<String>>,
    client_allowed_sans: Option<Placed<Vec<String>>>,
    min_version: Option<Placed<String>>,
    max_version: Option<Placed<String>>,
    cipher_suites: Option<Vec<Placed<String>>>,
    prefer_server_cipher_suites: Option<Scalar<bool>>,
    curve_preferences: Option<Vec<Placed<String>>>,
}

impl TlsSection {
    /// Whether certificates are spoken of at all; if not, there is no TLS.
    pub(super) fn says_anything(&self) -> bool {
        [&self.cert, &self.key, &self.client_ca].into_iter().any(Option::is_some)
            || self.named().any(|_| true)
            || self.client_auth_type.is_some()
    }

    fn named(&self) -> impl Iterator<Item = &Placed<String>> {
        [&self.cert_file, &self.key_file, &self.client_ca_file].into_iter().flatten()
    }

    /// The files it names.
    pub(super) fn files(&self, directory: &Path) -> Vec<PathBuf> {
        self.named().map(|path| below(directory, &path.value)).collect()
    }
}

fn fault(message: impl Into<String>) -> Fault {
    Fault { at: None, message: message.into() }
}

/// What speaks TLS; HTTP/2 is offered when `http2` says so.
pub(super) fn server_config(
    section: &TlsSection,
    directory: &Path,
    http2: bool,
) -> Result<ServerConfig, Fault> {
    let certificates = pem(&section.cert, &section.cert_file, directory, ["cert", "cert_file"])?
        .ok_or_else(|| fault("missing one of cert or cert_file"))?;
    let key = pem(&section.key, &section.key_file, directory, ["key", "key_file"])?
        .ok_or_else(|| fault("missing one of key or key_file"))?;
    let authorities = pem(
        &section.client_ca,
        &section.client_ca_file,
        directory,
        ["client_ca", "client_ca_file"],
    )?;

    let (provider, versions) = (Arc::new(provider(section)?), versions(section)?);
    let policy = match &section.client_auth_type {
        None => Policy::None,
        Some(name) => Policy::named(&name.value)
            .ok_or_else(|| Fault::at(name, format!("invalid ClientAuth: {}", name.value)))?,
    };
    if authorities.is_some() && policy == Policy::None {
        return Err(fault("client CA's have been configured without a Client Auth Policy"));
    }
    let names = section.client_allowed_sans.as_ref();
    if let Some(names) = names.filter(|names| !names.value.is_empty() && !policy.is_mandatory()) {
        let message = "client_allowed_sans needs client_auth_type RequireAnyClientCert or \
                       RequireAndVerifyClientCert: a client without a certificate has no names";
        return Err(Fault::at(names, message));
    }
    let names = names.map(|names| names.value.clone()).unwrap_or_default();
    let authorities = authorities.as_ref().map(Text::certificates).transpose()?;
    let verifier = client_auth::verifier(policy, authorities, names, &provider).map_err(fault)?;

    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| fault(format!("versions and cipher suites do not fit: {error}")))?
        .with_client_cert_verifier(verifier);
    let mut config =
        builder.with_single_cert(certificates.certificates()?, key.key()?).map_err(|error| {
            match error {
                rustls::Error::InconsistentKeys(_) => fault(
                    "certificate and key: tls: private key does not match public key".to_owned(),
                ),
                error => fault(format!("certificate and key: {error}")),
            }
        })?;
    config.ignore_client_order = Scalar::value(section.prefer_server_cipher_suites).unwrap_or(true);
    config.alpn_protocols = match http2 {
        true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        false => vec![b"http/1.1".to_vec()],
    };
    Ok(config)
}

/// Bytes of a PEM text, and what to call them.
struct Text {
    name: String,
    bytes: Vec<u8>,
}

/// A text that stands in the section or in a file it names, but not in both.
fn pem(
    inline: &Option<String>,
    file: &Option<Placed<String>>,
    directory: &Path,
    [name, file_name]: [&str; 2],
) -> Result<Option<Text>, Fault> {
    match (inline.as_deref().filter(|text| !text.is_empty()), file) {
        (Some(_), Some(file)) if !file.value.is_empty() => {
            Err(Fault::at(file, format!("only one of {name} and {file_name} may be given")))
        }
        (Some(text), _) => Ok(Some(Text { name: name.to_owned(), bytes: text.into() })),
        (None, Some(file)) if !file.value.is_empty() => {
            let path = below(directory, &file.value);
            let bytes = bytes(&path).map_err(|error| {
                Fault::at(file, format!("{file_name}: {}: {error}", path.display()))
            })?;
            Ok(Some(Text { name: format!("{file_name} {}", path.display()), bytes }))
        }
        (None, _) => Ok(None),
    }
}

impl Text {
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Fault> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(fault(format!("{}: no certificate in it", self.name))),
            Err(error) => Err(fault(format!("{}: {error}", self.name))),
        }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, Fault> {
        // What the library says about a key could quote it.
        PrivateKeyDer::from_pem_slice(&self.bytes)
            .map_err(|_| fault(format!("{}: no private key in it", self.name)))
    }
}

/// Names of Go, and the version if we have it.
static VERSIONS: &[(&str, Option<&SupportedProtocolVersion>)] =
    &[("TLS10", None), ("TLS11", None), ("TLS12", Some(&TLS12)), ("TLS13", Some(&TLS13))];

fn versions(section: &TlsSection) -> Result<Vec<&'static SupportedProtocolVersion>, Fault> {
    let place = |name: &Option<Placed<String>>, default: usize| match name {
        None => Ok(default),
        Some(name) => match VERSIONS.iter().position(|(known, _)| *known == name.value) {
            None => Err(Fault::at(name, format!("unknown TLS version: {}", name.value))),
            Some(at) if VERSIONS[at].1.is_none() => {
                Err(Fault::at(name, format!("not built in: {}, as it is not safe", name.value)))
            }
            Some(at) => Ok(at),
        },
    };
    let (least, most) = (place(&section.min_version, 2)?, place(&section.max_version, 3)?);
    if least > most {
        return Err(fault("min_version is above max_version"));
    }
    let mut versions: Vec<_> = VERSIONS[least..=most].iter().filter_map(|(_, v)| *v).collect();
    // Go takes the suites of TLS 1.3 as given; a list that names only those leaves none for 1.2.
    let suites = section.cipher_suites.iter().flatten();
    let for_12 = |name: &Placed<String>| {
        let known = SUITES.iter().find(|(known, _)| *known == name.value);
        known.is_some_and(|(_, suite)| suite.is_some_and(|s| s.tls13().is_none()))
    };
    if suites.clone().next().is_some() && !suites.clone().any(for_12) {
        versions.retain(|version| version.version != ProtocolVersion::TLSv1_2);
        if versions.is_empty() {
            return Err(fault("cipher_suites holds no suite for TLS12"));
        }
    }
    Ok(versions)
}

/// Names of Go, and the suite if we have it.
static SUITES: &[(&str, Option<SupportedCipherSuite>)] = &[
    ("TLS_AES_128_GCM_SHA256", Some(suite::TLS13_AES_128_GCM_SHA256)),
    ("TLS_AES_256_GCM_SHA384", Some(suite::TLS13_AES_256_GCM_SHA384)),
    ("TLS_CHACHA20_POLY1305_SHA256", Some(suite::TLS13_CHACHA20_POLY1305_SHA256)),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        Some(suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        Some(suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Some(suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Some(suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", None),
];

/// Names of Go, and the group if we have it.
static CURVES: &[(&str, Option<&dyn SupportedKxGroup>)] = &[
    ("CurveP256", Some(kx_group::SECP256R1)),
    ("CurveP384", Some(kx_group::SECP384R1)),
    ("CurveP521", None),
    ("X25519", Some(kx_group::X25519)),
    ("X25519MLKEM768", None),
];

/// What does the arithmetic, in the order of the section.
fn provider(section: &TlsSection) -> Result<CryptoProvider, Fault> {
    let mut provider = default_provider();
    let suites = section.cipher_suites.as_deref().unwrap_or_default();
    if !suites.is_empty() {
        let chosen = chosen(suites, SUITES, "cipher")?;
        provider.cipher_suites.retain(|suite| suite.tls13().is_some());
        provider.cipher_suites.extend(chosen.into_iter().filter(|s| s.tls13().is_none()));
    }
    let curves = section.curve_preferences.as_deref().unwrap_or_default();
    if !curves.is_empty() {
        provider.kx_groups = chosen(curves, CURVES, "curve")?;
    }
    Ok(provider)
}

fn chosen<T: Copy>(
    names: &[Placed<String>],
    known: &[(&str, Option<T>)],
    what: &str,
) -> Result<Vec<T>, Fault> {
    let one = |name: &Placed<String>| match known.iter().find(|(k, _)| *k == name.value) {
        Some((_, Some(found))) => Ok(*found),
        Some((_, None)) => Err(Fault::at(name, format!("not built in: {what} {}", name.value))),
        None => Err(Fault::at(name, format!("unknown {what}: {}", name.value))),
    };
    names.iter().map(one).collect()
}
