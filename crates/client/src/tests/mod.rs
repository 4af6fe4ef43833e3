//! Against servers on loopback, byte for byte where that matters.

mod bodies;
mod http2;
mod oauth2;
mod property;
mod proxies;
mod requests;
mod tls;

use crate::{Client, Dialer, FetchError, HttpConfig, HttpKeys, Method, Place, Request, Session};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::Stream;

/// An answer that ends in this closes the connection.
const CLOSE: &[u8] = b"<close>";

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let in_time = async { tokio::time::timeout(Duration::from_secs(30), test).await };
    runtime.block_on(in_time).expect("takes no more than 30 seconds")
}

fn config(keys: &str) -> HttpConfig {
    serde_saphyr::from_str::<HttpKeys>(keys).unwrap().config().unwrap()
}

fn client(keys: &str) -> Client {
    Client::new(&config(keys), &Dialer::net(100), "test")
}

/// Asks and reads all of the body, as a scrape does.
async fn fetch(session: &mut Session, url: &str, limit: u64) -> Result<String, FetchError> {
    let place = Place::parse(url)?;
    let request = Request { method: Method::Get, place: &place, headers: &[], body: &[] };
    let mut answer = session.send(&request).await?.expect_ok().await?;
    answer.set_limit(limit)?;
    let mut body = Vec::new();
    while answer.read(&mut body, 64 << 10).await? {}
    Ok(String::from_utf8(body).unwrap())
}

async fn fetch_once(keys: &str, url: &str) -> Result<String, String> {
    fetch(&mut client(keys).session(), url, 1 << 20).await.map_err(|error| error.to_string())
}

/// A server, and what it was asked.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// By name, so that certificates for names hold.
    fn https(&self) -> String {
        format!("https://localhost:{}/", self.address.rsplit(':').next().unwrap())
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

type Answering = dyn Fn(&str, usize) -> Vec<u8> + Send + Sync;

/// Answers each request by the function, which gets the request and its number.
async fn serve(
    tls: Option<Arc<rustls::ServerConfig>>,
    answer: impl Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server { address, requests: Arc::default(), connections: Arc::default() };
    let (requests, connections) = (server.requests.clone(), server.connections.clone());
    let answer: Arc<Answering> = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            *connections.lock().unwrap() += 1;
            let (requests, answer, tls) = (requests.clone(), answer.clone(), tls.clone());
            tokio::spawn(async move {
                let stream: Box<dyn Stream> = match tls {
                    None => Box::new(stream),
                    Some(config) => match TlsAcceptor::from(config).accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => return,
                    },
                };
                converse(stream, &requests, &*answer).await;
            });
        }
    });
    server
}

async fn converse(mut stream: Box<dyn Stream>, requests: &Mutex<Vec<String>>, answer: &Answering) {
    while let Some(request) = read_request(&mut stream).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let answer = answer(&request, number);
        let bytes = answer.strip_suffix(CLOSE).unwrap_or(&answer);
        // The client may have gone when it has seen enough.
        stream.write_all(bytes).await.ok();
        stream.flush().await.ok();
        if answer.ends_with(CLOSE) {
            stream.shutdown().await.ok();
            return;
        }
    }
}

async fn read_request(stream: &mut Box<dyn Stream>) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(request).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + std::str::from_utf8(&body).unwrap())
}

/// The nth request gets the nth answer, the last one ever after.
async fn serve_answers(answers: Vec<Vec<u8>>) -> Server {
    serve(None, move |_, number| answers[number.min(answers.len() - 1)].clone()).await
}

fn known(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// An authority that signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, in PEM form.
struct Identity {
    cert: String,
    key: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { cert, key: key.serialize_pem() }
    }
}

impl Identity {
    /// A server that shows this certificate.
    fn server(&self) -> rustls::ServerConfig {
        self.server_of(&[&rustls::version::TLS13, &rustls::version::TLS12], None)
    }

    fn server_of(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        clients: Option<&Authority>,
    ) -> rustls::ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = rustls::RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap())
                    .unwrap();
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    provider,
                );
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = CertificateDer::from_pem_slice(self.cert.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        builder.with_single_cert(vec![chain], key).unwrap()
    }
}
