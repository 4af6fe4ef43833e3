//! Proxies: HTTP, with and without a tunnel, within TLS, and SOCKS 5.

use super::*;
use tokio::net::TcpStream;

/// A proxy that answers requests itself, and opens tunnels to wherever is asked; or refuses all.
async fn proxy(tls: Option<Arc<rustls::ServerConfig>>, refusing: bool) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server { address, requests: Arc::default(), connections: Arc::default() };
    let (requests, connections) = (server.requests.clone(), server.connections.clone());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            *connections.lock().unwrap() += 1;
            let (requests, tls) = (requests.clone(), tls.clone());
            tokio::spawn(async move {
                let mut stream: Box<dyn Stream> = match tls {
                    None => Box::new(stream),
                    Some(config) => {
                        Box::new(TlsAcceptor::from(config).accept(stream).await.unwrap())
                    }
                };
                while let Some(request) = read_request(&mut stream).await {
                    requests.lock().unwrap().push(request.clone());
                    if refusing {
                        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
                                        Content-Length: 0\r\n\r\n";
                        stream.write_all(refusal).await.unwrap();
                    } else if let Some(there) = request.strip_prefix("CONNECT ") {
                        let there = there.split(' ').next().unwrap();
                        let mut there = TcpStream::connect(there).await.unwrap();
                        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
                        stream.flush().await.unwrap();
                        tokio::io::copy_bidirectional(&mut stream, &mut there).await.ok();
                        return;
                    } else {
                        stream.write_all(&known("", b"by proxy")).await.unwrap();
                        stream.flush().await.unwrap();
                    }
                }
            });
        }
    });
    server
}

/// A SOCKS 5 proxy; keeps what it was asked for.
async fn socks5(refusal: u8) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server { address, requests: Arc::default(), connections: Arc::default() };
    let requests = server.requests.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let requests = requests.clone();
            tokio::spawn(async move {
                let mut head = [0; 2];
                stream.read_exact(&mut head).await.unwrap();
                let mut methods = vec![0; head[1].into()];
                stream.read_exact(&mut methods).await.unwrap();
                let method = if methods.contains(&2) { 2 } else { 0 };
                stream.write_all(&[5, method]).await.unwrap();
                let text = async |stream: &mut TcpStream| {
                    let mut text = vec![0; stream.read_u8().await.unwrap().into()];
                    stream.read_exact(&mut text).await.unwrap();
                    String::from_utf8(text).unwrap()
                };
                let mut seen = String::new();
                if method == 2 {
                    assert_eq!(stream.read_u8().await.unwrap(), 1);
                    let (name, password) = (text(&mut stream).await, text(&mut stream).await);
                    seen = format!("{name}:{password}@");
                    stream.write_all(&[1, 0]).await.unwrap();
                }
                let mut request = [0; 4];
                stream.read_exact(&mut request).await.unwrap();
                let host = match request[3] {
                    1 => {
                        std::net::Ipv4Addr::from_bits(stream.read_u32().await.unwrap()).to_string()
                    }
                    _ => text(&mut stream).await,
                };
                let port = stream.read_u16().await.unwrap();
                requests.lock().unwrap().push(format!("{seen}{host}:{port}"));
                stream.write_all(&[5, refusal, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
                if refusal == 0 {
                    let mut there = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    tokio::io::copy_bidirectional(&mut stream, &mut there).await.ok();
                }
            });
        }
    });
    server
}

#[test]
fn plain_requests_name_the_whole_url() {
    run(async {
        let proxy = proxy(None, false).await;
        let keys = format!("proxy_url: 'http://u:p@{}'", proxy.address);
        let mut session = client(&keys).session();
        for _ in 0..2 {
            let body = fetch(&mut session, "http://a.example:90/m?x", 100).await.unwrap();
            assert_eq!(body, "by proxy");
        }
        assert_eq!(proxy.connections(), 1);
        let request = &proxy.requests()[0];
        let line = "GET http://a.example:90/m?x HTTP/1.1\r\nHost: a.example:90\r\n";
        assert!(request.starts_with(line), "{request}");
        assert!(request.contains("\r\nProxy-Authorization: Basic dTpw\r\n"), "{request}");
    });
}

#[test]
fn some_are_asked_directly() {
    run(async {
        let (proxy, direct) =
            (proxy(None, false).await, serve_answers(vec![known("", b"direct")]).await);
        let keys = format!("{{proxy_url: 'http://{}', no_proxy: '10.0.0.0/8'}}", proxy.address);
        assert_eq!(fetch_once(&keys, &direct.url()).await.unwrap(), "direct");
        let keys = format!("proxy_url: 'http://{}'", proxy.address);
        assert_eq!(fetch_once(&keys, &direct.url()).await.unwrap(), "by proxy");
    });
}

#[test]
fn tunnels() {
    run(async {
        let authority = Authority::new("ca");
        let identity = authority.issue(&["localhost"], |_| {});
        let config = Arc::new(identity.server());
        let server = serve(Some(config.clone()), |_, _| known("", b"secret page")).await;
        let pem = serde_json::to_string(&authority.pem).unwrap();
        let plain = proxy(None, false).await;
        let keys = |proxy: &str, rest: &str| {
            format!("{{bearer_token: t, proxy_url: '{proxy}'{rest}, tls_config: {{ca: {pem}}}}}")
        };
        let rest = ", proxy_connect_header: {X-Who: [me]}";
        let body =
            fetch_once(&keys(&format!("http://u:p@{}", plain.address), rest), &server.https())
                .await;
        assert_eq!(body.unwrap(), "secret page");
        let port = server.address.rsplit(':').next().unwrap();
        let request = &plain.requests()[0];
        let expected = format!(
            "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: test\r\n\
             Proxy-Authorization: Basic dTpw\r\nX-Who: me\r\n\r\n"
        );
        assert_eq!(*request, expected);
        assert!(
            server.requests()[0].contains("Bearer t") && !server.requests()[0].contains("X-Who")
        );
        let secured = proxy(Some(config), false).await;
        let url = secured.https();
        assert_eq!(fetch_once(&keys(&url, ""), &server.https()).await.unwrap(), "secret page");
        assert_eq!(fetch_once(&keys(&url, ""), "http://a.example/").await.unwrap(), "by proxy");
        let refusing = proxy(None, true).await;
        let error = fetch_once(&keys(&refusing.url(), ""), &server.https()).await.unwrap_err();
        assert_eq!(error, "Proxy Authentication Required");
        let error = fetch_once(&keys("http://127.0.0.1:1", ""), &server.https()).await.unwrap_err();
        let expected = "proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused";
        assert_eq!(error, expected);
    });
}

#[test]
fn socks() {
    run(async {
        let server = serve_answers(vec![known("", b"page")]).await;
        let port = server.address.rsplit(':').next().unwrap();
        let proxy = socks5(0).await;
        let keys =
            |login: &str, proxy: &Server| format!("proxy_url: 'socks5://{login}{}'", proxy.address);
        assert_eq!(fetch_once(&keys("", &proxy), &server.url()).await.unwrap(), "page");
        // The proxy looks up names.
        let named = format!("http://a.example:{port}/");
        assert_eq!(fetch_once(&keys("u:p@", &proxy), &named).await.unwrap(), "page");
        let asked = proxy.requests();
        assert_eq!(asked, [format!("127.0.0.1:{port}"), format!("u:p@a.example:{port}")]);
        assert!(server.requests()[0].starts_with("GET / HTTP/1.1\r\n"));
        let error = fetch_once(&keys("", &socks5(4).await), &named).await.unwrap_err();
        assert!(
            error.ends_with(&format!("->a.example:{port}: unknown error host unreachable")),
            "{error}"
        );
    });
}
