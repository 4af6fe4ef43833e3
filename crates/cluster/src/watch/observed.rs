//! A client that tells when a watch goes on.
//!
//! kube's watcher tells of objects and of errors, but not that it has come through again after an
//! error, nor of bookmarks; a quiet kind would seem out of sync for as long as nothing happens to it.

use super::Pace;
use super::backoff::Backoff;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use kube::client::Body;
use parking_lot::Mutex;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tower::Service;

/// Told of each watch that goes on from what is known.
pub(super) type Connected = Arc<dyn Fn() + Send + Sync>;

/// The client of one watch.
pub(super) fn observed(client: kube::Client, pace: &Pace, connected: Connected) -> kube::Client {
    let gaps = Gaps { shortest: pace.first, backoff: Backoff::new(pace), begun: None };
    let namespace = client.default_namespace().to_owned();
    let service = Observed { client, connected, gaps: Arc::new(Mutex::new(gaps)) };
    kube::Client::new(service, namespace)
}

struct Observed {
    client: kube::Client,
    connected: Connected,
    gaps: Arc<Mutex<Gaps>>,
}

impl Service<Request<Body>> for Observed {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, kube::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), kube::Error>> {
        // The inner client waits for itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let query = request.uri().query().unwrap_or_default();
        let is_set =
            |name: &str| query.split('&').any(|pair| pair.split_once('=') == Some((name, "true")));
        let is_watch = is_set("watch");
        let goes_on = is_watch && !is_set("sendInitialEvents");
        let (client, connected) = (self.client.clone(), Arc::clone(&self.connected));
        let gaps = Arc::clone(&self.gaps);
        Box::pin(async move {
            if is_watch {
                let wait = gaps.lock().wait();
                sleep(wait).await;
                gaps.lock().begun = Some(Instant::now());
            }
            let response = client.send(request).await?;
            if goes_on && response.status().is_success() {
                connected();
            }
            Ok(response)
        })
    }
}

/// Time between the beginnings of watches: a server that ends each at once is not asked without end.
struct Gaps {
    shortest: Duration,
    backoff: Backoff,
    begun: Option<Instant>,
}

impl Gaps {
    /// How long to wait before a watch is begun.
    fn wait(&mut self) -> Duration {
        match self.begun.map(|begun| begun.elapsed()) {
            Some(lasted) if lasted < self.shortest => self.backoff.after_failure(),
            _ => Duration::ZERO,
        }
    }
}
