//! TLS: whom we trust, who we are, and its errors in the words people know.

mod text;
mod trust;

pub(crate) use text::text_of;

use crate::config::{Material, TlsConfig, TlsVersion};
use crate::dialer::Stream;
use crate::files::{Bytes, Vault};
use crate::fresh::{Fresh, Unreadable};
use crate::{FetchError, config};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, SupportedProtocolVersion};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// What was agreed on when both sides can.
pub(crate) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Makes connections secure, by material that may change.
#[derive(Debug)]
pub(crate) struct Tls {
    config: Arc<TlsConfig>,
    enable_http2: bool,
    ready: Fresh<Ready>,
    whats: Vec<&'static str>,
}

/// All that a handshake needs. Connections made by another one are not to be used any more.
#[derive(Debug)]
pub(crate) struct Ready {
    config: Arc<ClientConfig>,
    /// The same without HTTP/2, for proxies.
    config_http1: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl Tls {
    pub(crate) fn new(config: &TlsConfig, enable_http2: bool, vault: &Vault) -> Self {
        let (mut paths, mut whats) = (Vec::<PathBuf>::new(), Vec::new());
        for (material, what) in config.materials() {
            if let Material::File(path) = material {
                paths.push(path.clone());
                whats.push(what);
            }
        }
        let ready = Fresh::new(paths, vault);
        Self { config: Arc::new(config.clone()), enable_http2, ready, whats }
    }

    /// What the files say now.
    pub(crate) async fn ready(&self) -> Result<Arc<Ready>, FetchError> {
        let (config, enable_http2) = (self.config.clone(), self.enable_http2);
        let made = self.ready.get(move |files| {
            let ready = make(&config, enable_http2, files);
            ready.map_err(|text| Trouble::Other(FetchError::Tls(text)))
        });
        made.await.map_err(|trouble| match trouble {
            Trouble::Unreadable(Unreadable { file, source }) => FetchError::Secret {
                what: self.whats.get(file).copied().unwrap_or("a file"),
                path: self.ready.path(file).display().to_string(),
                source: Arc::new(source),
            },
            Trouble::Other(error) => error,
        })
    }
}

/// A file that cannot be read, or anything else.
#[derive(Debug)]
pub(crate) enum Trouble {
    Unreadable(Unreadable),
    Other(FetchError),
}

impl From<Unreadable> for Trouble {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

impl Ready {
    /// The handshake; whether HTTP/2 was agreed on.
    pub(crate) async fn shake(
        &self,
        stream: Box<dyn Stream>,
        host: &str,
        is_proxy: bool,
    ) -> Result<(Box<dyn Stream>, bool), FetchError> {
        let asked = self.server_name.clone().filter(|_| !is_proxy);
        let name = asked.map_or_else(|| ServerName::try_from(host.to_owned()), Ok);
        let name =
            name.map_err(|_| FetchError::Tls(format!("tls: invalid server name {host:?}")))?;
        let config = if is_proxy { &self.config_http1 } else { &self.config };
        let connector = TlsConnector::from(config.clone());
        let stream =
            connector.connect(name, stream).await.map_err(|error| match text_of(&error) {
                Some(text) => FetchError::Tls(text),
                None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    FetchError::Tls("EOF".into())
                }
                None => FetchError::Io(Arc::new(error)),
            })?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        Ok((Box::new(stream), http2))
    }
}

fn make(config: &TlsConfig, enable_http2: bool, files: &[Bytes]) -> Result<Ready, String> {
    let mut files = files.iter();
    let mut pems = config.materials().into_iter().map(|(material, _)| match material {
        config::Material::Pem(pem) => {
            (Arc::new(Zeroizing::new(pem.reveal().as_bytes().to_vec())), String::new())
        }
        config::Material::File(path) => {
            let content = files.next().expect("one for each path");
            (Arc::clone(content), format!(" {}", path.display()))
        }
    });
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let ca = config.ca.as_ref().map(|_| pems.next().expect("as above"));
    let verifier: Arc<dyn ServerCertVerifier> = if config.insecure_skip_verify {
        Arc::new(trust::Anyone::new(&provider))
    } else {
        match ca {
            Some((pem, name)) => {
                let authorities = certificates(&pem);
                let authorities = authorities.filter(|some| !some.is_empty());
                let refused = || format!("unable to use specified CA cert{name}");
                trust::of_authorities(authorities.ok_or_else(refused)?, &provider)
                    .ok_or_else(refused)?
            }
            None => trust::of_system(&provider)?,
        }
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(config))
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut tls = match config.identity {
        None => builder.with_no_client_auth(),
        Some(_) => {
            let (cert, cert_name) = pems.next().expect("as above");
            let (key, key_name) = pems.next().expect("as above");
            let refused = |why: &str| {
                format!("unable to use specified client cert{cert_name} & key{key_name}: {why}")
            };
            let chain = certificates(&cert).filter(|chain| !chain.is_empty());
            let chain = chain.ok_or_else(|| refused("no certificate in PEM form"))?;
            let key = PrivateKeyDer::from_pem_slice(&key);
            let key = key.map_err(|_| refused("no private key in PEM form"))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    refused("tls: private key does not match public key")
                }
                error => refused(&error.to_string()),
            })?
        }
    };
    tls.alpn_protocols = vec![HTTP1.to_vec()];
    let config_http1 = Arc::new(tls.clone());
    if enable_http2 {
        tls.alpn_protocols.insert(0, HTTP2.to_vec());
    }
    let server_name = match &config.server_name {
        Some(name) => {
            let parsed = ServerName::try_from(name.clone());
            Some(parsed.map_err(|_| format!("tls: invalid server_name {name:?}"))?)
        }
        None => None,
    };
    Ok(Ready { config: Arc::new(tls), config_http1, server_name })
}

/// All certificates of a PEM text, or `None` when it is broken.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()
}

fn versions(config: &TlsConfig) -> Vec<&'static SupportedProtocolVersion> {
    let allowed = |version: TlsVersion| {
        config.min_version.is_none_or(|min| min <= version)
            && config.max_version.is_none_or(|max| version <= max)
    };
    let known = [
        (TlsVersion::Tls13, &rustls::version::TLS13),
        (TlsVersion::Tls12, &rustls::version::TLS12),
    ];
    known.into_iter().filter(|(version, _)| allowed(*version)).map(|(_, known)| known).collect()
}

/// What signs and encrypts.
type Provider = Arc<CryptoProvider>;
