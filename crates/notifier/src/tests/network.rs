//! Over the network: one that is not there, comes, goes, and comes again.

use super::world::{alert, read, set, snapshot};
use crate::{Metrics, Notifier, Options, Settings};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than any pause.
const DEADLINE: Duration = Duration::from_secs(20);

fn listen(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(16).unwrap()
}

/// Takes all, and hands over what it took.
fn serve(listener: TcpListener, heard: mpsc::Sender<Vec<Value>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            while let Some((_, alerts)) = read(&mut stream).await {
                heard.send(alerts).await.unwrap();
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
        }
    })
}

#[tokio::test]
async fn down_and_up_and_down_and_up() {
    // Its port is taken, but nobody listens.
    let place = TcpSocket::new_v4().unwrap();
    place.set_reuseaddr(true).unwrap();
    place.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = place.local_addr().unwrap();
    let (sender, mut heard) = mpsc::channel(8);
    let metrics = Arc::<Metrics>::default();
    let notifier = Notifier::new(Options::default(), Arc::clone(&metrics));
    notifier.apply(Settings { sets: vec![set("s")], ..Settings::default() });
    notifier.set_targets(&snapshot(&[("s", &[address.to_string().as_str()])]));
    let url = notifier.alertmanagers().active[0].clone();
    let counts = metrics.alertmanager(&url);
    notifier.send(vec![alert("X", 4)]);
    let refused = async {
        while counts.errors.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, refused).await.unwrap();
    drop(place);
    let server = serve(listen(address), sender.clone());
    let alerts = timeout(DEADLINE, heard.recv()).await.unwrap().unwrap();
    assert_eq!(alerts[0]["labels"]["alertname"], "X");
    // The kept connection ends with the server, which is there again at once: no attempt fails.
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    let errors = counts.errors.get();
    let server = serve(listen(address), sender);
    notifier.send(vec![alert("Y", 4)]);
    let alerts = timeout(DEADLINE, heard.recv()).await.unwrap().unwrap();
    assert_eq!(alerts[0]["labels"]["alertname"], "Y");
    assert_eq!(counts.errors.get(), errors);
    assert!(notifier.shutdown(DEADLINE).await);
    assert_eq!((counts.sent.get(), counts.dropped.get()), (2, 0));
    server.abort();
}
