//! Certificates made on the spot, and a client that speaks TLS and shows passwords.

use super::http::{self, Response};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Who signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, as PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for these names.
    pub(crate) fn sign(&self, names: &[&str]) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names).expect("good names");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    /// Writes its own certificate.
    pub(crate) fn write(&self, path: &Path) {
        std::fs::write(path, &self.pem).expect("a writable folder");
    }
}

impl Identity {
    /// Writes `NAME.crt` and `NAME.key`.
    pub(crate) fn write(&self, folder: &Path, name: &str) {
        let write = |end: &str, text: &str| {
            std::fs::write(folder.join(format!("{name}.{end}")), text).expect("a writable folder");
        };
        write("crt", &self.certificate);
        write("key", &self.key);
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("our own")
    }
}

/// A client of a server that wants to be sure.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// What stands in `Authorization`.
    authorization: Option<String>,
}

impl Caller {
    /// Speaks plain HTTP.
    pub(crate) fn plain() -> Self {
        Self { tls: None, authorization: None }
    }

    /// Trusts this authority, and shows a certificate of its own if it has one.
    pub(crate) fn trusting(
        authority: &Authority,
        identity: Option<&Identity>,
        alpn: &[&str],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        let pem = authority.pem.as_bytes();
        roots.add(CertificateDer::from_pem_slice(pem).expect("our own")).expect("our own");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("our own");
                builder.with_client_auth_cert(vec![identity.der()], key).expect("our own")
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { tls: Some(Arc::new(config)), authorization: None }
    }

    /// The same, showing a password.
    pub(crate) fn with_password(&self, user: &str, password: &str) -> Self {
        use base64::Engine;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Self { authorization: Some(format!("Basic {pair}")), ..self.clone() }
    }

    /// A TLS connection after its handshake.
    pub(crate) fn connect(
        &self,
        address: SocketAddr,
    ) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let stream = tcp(address)?;
        let config = Arc::clone(self.tls.as_ref().expect("a client of TLS"));
        let name = ServerName::try_from("localhost").expect("a good name");
        let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    pub(crate) fn get(&self, address: SocketAddr, path: &str) -> io::Result<Response> {
        let authorization =
            self.authorization.as_ref().map(|value| format!("Authorization: {value}\r\n"));
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\r\n",
            authorization.unwrap_or_default()
        );
        let mut answer = Vec::new();
        if self.tls.is_some() {
            let mut stream = self.connect(address)?;
            stream.write_all(request.as_bytes())?;
            stream.read_to_end(&mut answer)?;
        } else {
            let mut stream = tcp(address)?;
            stream.write_all(request.as_bytes())?;
            stream.read_to_end(&mut answer)?;
        }
        http::parse(&answer)
            .ok_or_else(|| io::Error::other(String::from_utf8_lossy(&answer).into_owned()))
    }

    /// The status of an answer; 0 when there is none.
    pub(crate) fn status(&self, address: SocketAddr, path: &str) -> u16 {
        self.get(address, path).map_or(0, |response| response.status)
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}
