//! The demo's exporter: the world on a page, on a port of the system's choice.

use super::world::World;
use crate::listen;
use crate::web::Current;
use axum::Router;
use axum::http::header;
use axum::routing::get;
use exposition::Protocol;
use exposition::encode::{TextEncoder, content_type};
use model::metrics::Collect;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// An exporter that is bound, but does not serve yet.
pub(crate) struct Exporter {
    listener: TcpListener,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Exporter {
    /// Takes a free port of the loopback device.
    pub(crate) fn bind() -> std::io::Result<Self> {
        let mut listeners = listen::bind(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 0))])?;
        let listener = listeners.pop().expect("one address, one listener");
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Serves, and lets the world turn, until the token is cancelled.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let world = Arc::new(World::new());
        let shown = Arc::clone(&world);
        let page = get(move || {
            let mut page = TextEncoder::new(Protocol::Text0);
            shown.collect(&mut page);
            let head = [(header::CONTENT_TYPE, content_type(Protocol::Text0))];
            std::future::ready((head, page.finish()))
        });
        let router = Router::new().route("/metrics", page);
        let limits = listen::Limits {
            max_connections: 16,
            read_timeout: Duration::from_secs(60),
            drain: Duration::from_millis(100),
        };
        let plain = Arc::new(Current::plain());
        let turn = async {
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            for second in 0_u32.. {
                seconds.tick().await;
                world.step(f64::from(second));
            }
        };
        tokio::select! {
            () = listen::serve(vec![self.listener], router, plain, limits, stop.clone()) => {}
            () = turn => {}
        }
    }
}
