//! Putting the parts together, and taking them apart again in order.
//!
//! The sockets open first, so that `/-/healthy` and `/metrics` answer while the log is replayed;
//! once the database is open, requests are served and scraping begins. At the end: discovery,
//! scrapes, requests, database; a deadline ends each, a second signal ends all.

mod database;
mod discovered;
mod host;
mod keeper;
mod reload;
mod settings;
mod signals;
mod targets;

use crate::config::{self, Loaded};
use crate::flags::{Command, Parsed, Serve};
use crate::listen::{self, Limits};
use crate::own_metrics::{Process, Reloads};
use crate::{clock, demo};
use anyhow::{Context, anyhow};
use api::{Metrics, Readiness, State};
use arc_swap::ArcSwap;
use database::Served;
use host::Server;
use keeper::Keeper;
use reload::Reloader;
use signals::{Ends, HangUps};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;
use targets::ScrapeView;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long each part may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// Why the server ended, and the code it ends with.
pub(crate) struct Failure {
    pub(crate) error: anyhow::Error,
    pub(crate) code: u8,
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), code: 1 }
    }
}

/// A configuration that cannot be used ends the start with this code, as in Prometheus.
const BAD_CONFIG: u8 = 2;

/// What the configuration comes from.
#[derive(Clone, Debug)]
enum ConfigSource {
    File(std::path::PathBuf),
    /// There is no file; this text stands for it.
    Text(String),
}

impl ConfigSource {
    fn load(&self, defaults: &scrape::Global) -> Result<Loaded, config::ConfigError> {
        match self {
            Self::File(path) => config::load(path, defaults),
            Self::Text(text) => {
                let variable = |name: &str| std::env::var(name).ok();
                config::parse(text, "built-in configuration", Path::new("."), defaults, variable)
            }
        }
    }
}

/// Serves until a signal.
pub(crate) async fn serve(parsed: Parsed) -> Result<(), Failure> {
    let flags = &parsed.cli.serve;
    let source = if parsed.config_file_given || flags.config_file.exists() {
        Some(ConfigSource::File(flags.config_file.clone()))
    } else {
        None
    };
    run(parsed, source, None).await
}

/// Serves an exporter of its own, and scrapes it, until a signal.
pub(crate) async fn demo(mut parsed: Parsed) -> Result<(), Failure> {
    let Some(Command::Demo(flags)) = &parsed.cli.command else {
        unreachable!("called for this command only")
    };
    let folder = tempfile::Builder::new().prefix("rushlight-demo-").tempdir()?;
    parsed.cli.serve.data_path = folder.path().to_owned();
    parsed.flags.insert("storage.tsdb.path".into(), folder.path().display().to_string());
    parsed.cli.serve.listen_address = vec![flags.listen_address.clone()];
    let exporter = demo::Exporter::bind()?;
    let address = exporter.address;
    let stop = CancellationToken::new();
    let exports = tokio::spawn(exporter.run(stop.clone()));
    // The address of the server is known only when it listens; run() fills it in.
    let text = demo::config(address);
    let result = run(parsed, Some(ConfigSource::Text(text)), Some(address)).await;
    stop.cancel();
    exports.await?;
    result
}

async fn run(
    parsed: Parsed,
    source: Option<ConfigSource>,
    exporter: Option<SocketAddr>,
) -> Result<(), Failure> {
    let process = Process::new(clock::now_ms());
    let (mut hang_ups, mut ends) = (HangUps::new()?, Ends::new()?);
    let flags = parsed.cli.serve;
    settings::warn_of_unknown_features(&flags);
    let defaults = settings::scrape_defaults(&flags);

    // A bad file should be told before anything else happens.
    if let Some(file @ ConfigSource::File(_)) = &source {
        file.load(&defaults).map_err(bad_config)?;
    }
    let addresses: Vec<SocketAddr> = flags.listen_address.iter().map(|a| a.0).collect();
    let listeners = listen::bind(&addresses).context("opening the listen address")?;
    let bound = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
    for address in &bound {
        tracing::info!(component = "web", %address, "listening");
    }
    let own = settings::own_address(bound[0]);
    let hostname = host::hostname();
    let api_settings = settings::api(&flags, own, &hostname).context("--web.external-url")?;
    let source = with_address(source, own, &api_settings.route_prefix);
    let loaded = source.load(&defaults).map_err(bad_config)?;
    warn(&loaded);

    // What answers requests.
    let readiness = Arc::new(Readiness::default());
    let (quit, reloads) = (CancellationToken::new(), Arc::new(Reloads::default()));
    let (api_metrics, view) = (Arc::new(Metrics::new()), Arc::new(ScrapeView::default()));
    let retention = settings::retention(&flags, loaded.retention);
    let engine = settings::engine(&flags, &loaded);
    let scrape_options = settings::scrape_options(&flags, &loaded, &hostname);
    let server = Arc::new(Server {
        process,
        hostname,
        flags: parsed.flags,
        retention,
        loaded: ArcSwap::from_pointee(loaded),
        reloads: Arc::clone(&reloads),
        reloader: OnceLock::new(),
        quit: quit.clone(),
        parts: RwLock::default(),
    });
    server.show(Arc::clone(&reloads) as _);
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

    // The database; signals are heard while it opens.
    let db = tokio::select! {
        db = database::open(&flags, retention) => db?,
        () = ends.next() => {
            tracing::info!(component = "server", "ended by a signal during the start");
            return Ok(());
        }
    };
    server.show(Arc::new(db.clone()));
    readiness.open(Arc::new(Served(db.clone())));
    reloads.set_ready(true);
    let keeper = Keeper::start(db.clone())?;

    // The loops.
    let scrape_metrics = Arc::new(scrape::Metrics::default());
    let discovery_metrics = Arc::new(discovery::Metrics::new("scrape"));
    server.show(Arc::clone(&scrape_metrics) as _);
    server.show(Arc::clone(&discovery_metrics) as _);
    let store = Arc::new(db.clone());
    let scrapes = Arc::new(scrape::Manager::new(store, scrape_metrics, scrape_options));
    view.set(Arc::clone(&scrapes));
    let interval = settings::duration(flags.discovery_reload_interval);
    let reloader = Arc::new(Reloader {
        source,
        flags: flags.clone(),
        server: Arc::clone(&server),
        state,
        scrapes: Arc::clone(&scrapes),
        discoverers: discovery::Manager::start(interval, Arc::clone(&discovery_metrics)),
        discovery_metrics,
        turn: tokio::sync::Mutex::default(),
    });
    reloader.start();
    server.reloader.set(Arc::downgrade(&reloader)).expect("set once, here");
    let found = reloader.discoverers.snapshots();
    let following = Arc::clone(&scrapes);
    let following = tokio::spawn(async move { following.follow(found).await });
    tracing::info!(component = "server", "ready to serve requests");
    if let Some(exporter) = exporter {
        print!("{}", demo::welcome(exporter, own, &flags.data_path));
    }

    loop {
        tokio::select! {
            // The outcome is in the log and in the metrics.
            () = hang_ups.next() => drop(reloader.reload().await),
            () = ends.next() => break,
            () = quit.cancelled() => break,
        }
    }
    tracing::info!(component = "server", "ending");
    let orderly = async {
        drop(reloader);
        if !scrapes.shutdown(GRACE).await {
            tracing::warn!(component = "scrape", "scrapes were still running at the end");
        }
        following.await?;
        readiness.stop();
        reloads.set_ready(false);
        web.stop().await;
        keeper.stop().await;
        database::close(db).await
    };
    tokio::select! {
        closed = orderly => closed?,
        () = ends.next() => return Err(anyhow!("ended at once by a second signal").into()),
    }
    tracing::info!(component = "server", "ended");
    Ok(())
}

fn bad_config(error: config::ConfigError) -> Failure {
    Failure {
        error: anyhow::Error::from(error).context("loading the configuration"),
        code: BAD_CONFIG,
    }
}

fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!(component = "config", "{warning}");
    }
}

/// The source of the configuration, with our own address where a text asks for it.
fn with_address(source: Option<ConfigSource>, own: SocketAddr, prefix: &str) -> ConfigSource {
    let text = match source {
        Some(file @ ConfigSource::File(_)) => return file,
        Some(ConfigSource::Text(text)) => text,
        None => {
            tracing::info!(
                component = "config",
                "no configuration file: the server scrapes itself"
            );
            config::SELF_SCRAPE.to_owned()
        }
    };
    let text = text.replace("{address}", &own.to_string()).replace("{prefix}", prefix);
    ConfigSource::Text(text)
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

    /// Takes no more requests, and waits for those that run.
    async fn stop(self) {
        self.stop.cancel();
        if self.serving.await.is_err() {
            tracing::error!(component = "web", "the task that accepts connections panicked");
        }
    }
}
