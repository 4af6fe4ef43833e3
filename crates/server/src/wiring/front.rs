//! What answers requests, from before the database is open until the very end.

use super::host::{Server, hostname};
use super::source::ConfigSource;
use super::targets::ScrapeView;
use super::{Failure, GRACE, bad_config, settings, warn};
use crate::clock;
use crate::flags::{Parsed, Serve};
use crate::listen::{self, Limits};
use crate::own_metrics::{Process, Reloads};
use anyhow::Context;
use api::{Metrics, Readiness, State};
use arc_swap::ArcSwap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, RwLock};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The open sockets and the state behind them.
pub(super) struct Front {
    pub(super) flags: Serve,
    pub(super) source: ConfigSource,
    /// Where the process reaches itself.
    pub(super) own: SocketAddr,
    pub(super) server: Arc<Server>,
    pub(super) state: State,
    pub(super) view: Arc<ScrapeView>,
    pub(super) readiness: Arc<Readiness>,
    /// Cancelled when a client asks the process to end.
    pub(super) quit: CancellationToken,
    web: Web,
}

impl Front {
    /// Reads the configuration and opens the sockets; requests that need the database are refused
    /// for now.
    pub(super) fn open(parsed: Parsed, source: ConfigSource) -> Result<Self, Failure> {
        let process = Process::new(clock::now_ms());
        let flags = parsed.cli.serve;
        settings::warn_of_unknown_features(&flags);
        for warning in &parsed.warnings {
            tracing::warn!(component = "server", "{warning}");
        }
        if !flags.web_config_file.is_empty() {
            return Err(anyhow::anyhow!("not supported yet: --web.config.file").into());
        }
        let defaults = settings::scrape_defaults(&flags);
        // A bad file should be told before a socket is opened.
        if let ConfigSource::File(_) = source {
            source.load(&defaults).map_err(bad_config)?;
        }
        let (listeners, own) = bind(&flags)?;
        let hostname = hostname();
        let api_settings = settings::api(&flags, own, &hostname).context("--web.external-url")?;
        let source = source.with_address(own, &api_settings.route_prefix);
        let loaded = source.load(&defaults).map_err(bad_config)?;
        warn(&loaded);

        let (readiness, view) = (Arc::new(Readiness::default()), Arc::new(ScrapeView::default()));
        let (quit, api_metrics) = (CancellationToken::new(), Arc::new(Metrics::new()));
        let engine = settings::engine(&flags, &loaded);
        let server = Arc::new(Server {
            process,
            hostname,
            flags: parsed.flags,
            retention: settings::retention(&flags, loaded.retention),
            corruptions: AtomicU64::new(0),
            loaded: ArcSwap::from_pointee(loaded),
            reloads: Arc::new(Reloads::default()),
            reloader: OnceLock::new(),
            quit: quit.clone(),
            parts: RwLock::default(),
        });
        server.show(Arc::clone(&server.reloads) as _);
        server.show(Arc::clone(&api_metrics) as _);
        let state = State::new(
            Arc::clone(&readiness),
            engine,
            Arc::clone(&server) as _,
            Arc::clone(&view) as _,
            api_settings,
            api_metrics,
        );
        let web = Web::start(&flags, listeners, &state);
        Ok(Self { flags, source, own, server, state, view, readiness, quit, web })
    }

    /// Takes no more requests, and waits for those that run.
    pub(super) async fn close(self) {
        self.readiness.stop();
        self.server.reloads.set_ready(false);
        self.web.stop().await;
    }
}

fn bind(flags: &Serve) -> anyhow::Result<(Vec<TcpListener>, SocketAddr)> {
    let addresses: Vec<SocketAddr> = flags.listen_address.iter().map(|a| a.0).collect();
    let listeners = listen::bind(&addresses).context("opening the listen address")?;
    let bound = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
    for address in &bound {
        tracing::info!(component = "web", %address, "listening");
    }
    Ok((listeners, settings::own_address(bound[0])))
}

/// The HTTP server.
struct Web {
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Web {
    fn start(flags: &Serve, listeners: Vec<TcpListener>, state: &State) -> Self {
        let limits = Limits {
            max_connections: flags.max_connections,
            read_timeout: settings::duration(flags.read_timeout),
            drain: GRACE,
        };
        let stop = CancellationToken::new();
        let serving =
            tokio::spawn(listen::serve(listeners, api::router(state), limits, stop.clone()));
        Self { stop, serving }
    }

    async fn stop(self) {
        self.stop.cancel();
        if self.serving.await.is_err() {
            tracing::error!(component = "web", "the task that accepts connections panicked");
        }
    }
}
