//! What answers requests, from before the database is open until the very end.

use super::host::{Server, hostname};
use super::ruled::{AlertmanagersView, RulesView};
use super::settings::{self, AskedBy};
use super::source::ConfigSource;
use super::targets::ScrapeView;
use super::{Failure, GRACE, bad_config, warn};
use crate::clock;
use crate::config::Reading;
use crate::flags::{Parsed, Serve};
use crate::listen::{self, Limits};
use crate::own_metrics::{Process, Reloads};
use crate::web;
use anyhow::Context;
use api::{Metrics, NoticeBoard, Parts, Readiness, State};
use arc_swap::ArcSwap;
use axum::middleware::from_fn_with_state;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, RwLock};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Notices of the board, for people.
pub(super) const STARTING: &str = "The server is starting: its log is being replayed.";
pub(super) const ENDING: &str = "The server is shutting down.";
pub(super) const RELOAD_FAILED: &str = "Configuration reload has failed.";
const BAD_WEB_CONFIG: &str = "The changed web configuration file is bad; the old one stays in use.";

/// What the API sees of the loops, once they run.
#[derive(Default)]
pub(super) struct Views {
    pub(super) targets: Arc<ScrapeView>,
    pub(super) rules: Arc<RulesView>,
    pub(super) alertmanagers: Arc<AlertmanagersView>,
}

/// The open sockets and the state behind them.
pub(super) struct Front {
    pub(super) flags: Serve,
    pub(super) source: ConfigSource,
    /// Where the process reaches itself.
    pub(super) own: SocketAddr,
    /// Where people reach it, without a slash at the end.
    pub(super) external_url: String,
    pub(super) server: Arc<Server>,
    pub(super) state: State,
    pub(super) views: Views,
    pub(super) readiness: Arc<Readiness>,
    /// Evaluates rules.
    pub(super) rules_engine: promql::Engine,
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
        // A later load of a file that was a pipe is refused: it would be an empty one.
        let reading = Reading { once: true, ..settings::reading(&flags) };
        let budget = settings::budget(&flags);
        let board = Arc::new(NoticeBoard::new(flags.max_notification_subscribers));
        // A bad file should be told before a socket is opened.
        let web = open_web_config(&flags, &board)?;
        if matches!(source, ConfigSource::Text(_)) && web.is_guarded() {
            let what = "the server cannot scrape itself over TLS or with users by the built-in \
                        configuration; give it a --config.file that says how";
            tracing::warn!(component = "config", "{what}");
        }
        let early = match source {
            ConfigSource::File(_) | ConfigSource::Values(..) => {
                Some(source.load(&reading).map_err(bad_config)?)
            }
            ConfigSource::Text(_) => None,
        };
        let (listeners, own) = bind(&flags)?;
        let hostname = hostname();
        let api_settings = settings::api(&flags, own, &hostname).context("--web.external-url")?;
        let source = source.with_address(own, &api_settings.route_prefix);
        let loaded = match early {
            Some(loaded) => loaded,
            None => source.load(&reading).map_err(bad_config)?,
        };
        warn(&loaded);

        let (readiness, views) = (Arc::new(Readiness::default()), Views::default());
        let (quit, api_metrics) = (CancellationToken::new(), Arc::new(Metrics::new()));
        board.post(STARTING, clock::now_ms());
        let engine = |asked_by| {
            settings::engine(&flags, asked_by, parsed.max_samples_given, budget, &loaded)
        };
        let (engine, rules_engine) = (engine(AskedBy::People), engine(AskedBy::Rules));
        let external_url = api_settings.external_url.clone();
        let server = Arc::new(Server {
            process,
            hostname,
            flags: parsed.flags,
            budget,
            retention: ArcSwap::from_pointee(settings::retention(&flags, loaded.retention)),
            corruptions: AtomicU64::new(0),
            loaded: ArcSwap::from_pointee(loaded),
            cluster: Arc::default(),
            reloads: Arc::new(Reloads::default()),
            reloader: OnceLock::new(),
            quit: quit.clone(),
            parts: RwLock::default(),
        });
        server.show(Arc::clone(&server.reloads) as _);
        server.show(Arc::clone(&api_metrics) as _);
        server.show(Arc::clone(&web) as _);
        let parts = Parts {
            host: Arc::clone(&server) as _,
            targets: Arc::clone(&views.targets) as _,
            rules: Arc::clone(&views.rules) as _,
            alertmanagers: Arc::clone(&views.alertmanagers) as _,
        };
        let state =
            State::new(Arc::clone(&readiness), engine, parts, api_settings, api_metrics, board);
        let web = Web::start(&flags, listeners, &state, web);
        Ok(Self {
            flags,
            source,
            own,
            external_url,
            server,
            state,
            views,
            readiness,
            rules_engine,
            quit,
            web,
        })
    }

    /// Takes no more requests, and waits for those that run.
    pub(super) async fn close(self) {
        self.readiness.stop();
        self.server.reloads.set_ready(false);
        // Those who follow would hold the end up.
        self.state.notices().close();
        if tokio::time::timeout(GRACE, self.state.close_history()).await.is_err() {
            tracing::warn!(component = "rules", "rules were still evaluated over history");
        }
        self.web.stop().await;
    }
}

/// Reads `--web.config.file`; a change that cannot be used is posted on the board.
fn open_web_config(flags: &Serve, board: &Arc<NoticeBoard>) -> anyhow::Result<Arc<web::Current>> {
    if flags.web_config_file.is_empty() {
        return Ok(Arc::new(web::Current::plain()));
    }
    let board = Arc::clone(board);
    let tell = move |error: Option<&str>| match error {
        Some(_) => board.post(BAD_WEB_CONFIG, clock::now_ms()),
        None => board.remove(BAD_WEB_CONFIG),
    };
    let path = Path::new(&flags.web_config_file);
    let web = web::Current::open(path, tell).context("--web.config.file")?;
    tracing::info!(component = "web", tls = web.is_tls(), "the web configuration was loaded");
    Ok(Arc::new(web))
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
    fn start(
        flags: &Serve,
        listeners: Vec<TcpListener>,
        state: &State,
        config: Arc<web::Current>,
    ) -> Self {
        let limits = Limits {
            max_connections: flags.max_connections,
            read_timeout: settings::read_timeout(flags),
            drain: GRACE,
        };
        let stop = CancellationToken::new();
        let guarded = web::Guarded::new(Arc::clone(&config));
        let router = api::router(state).layer(from_fn_with_state(guarded, web::guard));
        let serving = listen::serve(listeners, router, config, limits, stop.clone());
        let serving = tokio::spawn(serving);
        Self { stop, serving }
    }

    async fn stop(self) {
        self.stop.cancel();
        if self.serving.await.is_err() {
            tracing::error!(component = "web", "the task that accepts connections panicked");
        }
    }
}
