//! Putting the parts together, and taking them apart again in order.
//!
//! The sockets open first, so that `/-/healthy` and `/metrics` answer while the log is replayed;
//! once the database is open, requests are served, and scrapes and rules begin. At the end: clusters,
//! discovery, scrapes, rules, notifications, requests, database; a deadline ends each, a second signal
//! ends all. What the cargo feature `kubernetes` adds is in [`cluster`].

#![cfg_attr(
    not(feature = "kubernetes"),
    expect(dead_code, reason = "some of it is there for clusters only")
)]

mod alarms;
mod applied;
mod auto_reload;
mod changes;
#[cfg(feature = "kubernetes")]
pub(crate) mod cluster;
#[cfg(not(feature = "kubernetes"))]
#[path = "cluster/absent.rs"]
pub(crate) mod cluster;
mod database;
mod discovered;
mod explained;
mod front;
mod host;
mod keeper;
mod loops;
mod past;
mod query_log;
mod reload;
mod ruled;
mod settings;
mod signals;
mod source;
mod targets;

use crate::clock;
use crate::config::{ConfigError, Loaded};
use crate::demo::{self, Exporter};
use crate::flags::{Command, Parsed};
use anyhow::anyhow;
use auto_reload::AutoReload;
use front::Front;
use loops::Loops;
use signals::{Ends, HangUps};
use source::ConfigSource;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long each part may take to end.
const GRACE: Duration = Duration::from_secs(10);
/// A configuration that cannot be used ends the start with this code, as in Prometheus.
const BAD_CONFIG: u8 = 2;

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

fn bad_config(error: ConfigError) -> Failure {
    let error = anyhow::Error::from(error).context("loading the configuration");
    Failure { error, code: BAD_CONFIG }
}

fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!(component = "config", "{warning}");
    }
}

/// Serves until a signal.
pub(crate) async fn serve(parsed: Parsed) -> Result<(), Failure> {
    let file = &parsed.cli.serve.config_file;
    let source = if let Some(values) = &parsed.cli.serve.kps_values {
        ConfigSource::Values(values.clone(), parsed.cli.serve.kps())
    } else if parsed.config_file_given || file.exists() {
        ConfigSource::File(file.clone())
    } else {
        ConfigSource::without_file(&parsed.cli.serve.kubernetes_folder)
    };
    run(parsed, source, None).await
}

/// Serves an exporter of its own, and scrapes it, until a signal.
pub(crate) async fn demo(mut parsed: Parsed) -> Result<(), Failure> {
    let Some(Command::Demo(flags)) = &parsed.cli.command else {
        unreachable!("called for this command only")
    };
    let folder = tempfile::Builder::new().prefix("rushlight-demo-").tempdir()?;
    let (data, rules) = (folder.path().join("data"), folder.path().join("rules.yml"));
    std::fs::write(&rules, demo::RULES)?;
    parsed.flags.insert("storage.tsdb.path".into(), data.display().to_string());
    parsed.cli.serve.data_path = data;
    parsed.flags.insert("web.listen-address".into(), flags.listen_address.0.to_string());
    parsed.cli.serve.listen_address = vec![flags.listen_address.clone()];
    let exporter = Exporter::bind()?;
    let address = exporter.address;
    let stop = CancellationToken::new();
    let exports = tokio::spawn(exporter.run(stop.clone()));
    let source = ConfigSource::Text(demo::config(address, &rules));
    let result = run(parsed, source, Some(address)).await;
    stop.cancel();
    exports.await?;
    result
}

/// Serves until a signal; tells where to look when there is a demo's exporter.
async fn run(
    parsed: Parsed,
    source: ConfigSource,
    exporter: Option<SocketAddr>,
) -> Result<(), Failure> {
    let (mut hang_ups, mut ends) = (HangUps::new()?, Ends::new()?);
    let front = Front::open(parsed, source)?;
    let db = tokio::select! {
        db = database::open(&front.flags, &front.server) => db?,
        () = ends.next() => {
            tracing::info!(component = "server", "ended by a signal during the start");
            return Ok(());
        }
    };
    let loops = Loops::start(&front, db)?;
    tracing::info!(component = "server", "ready to serve requests");
    if let Some(exporter) = exporter {
        print!("{}", demo::welcome(exporter, front.own, &front.flags.data_path));
    }
    let mut files = AutoReload::new(&front.flags);
    loop {
        tokio::select! {
            // The outcome is in the log and in the metrics.
            () = hang_ups.next() => drop(loops.reloader.reload().await),
            () = files.changed(&loops.reloader) => drop(loops.reloader.reload().await),
            () = ends.next() => break,
            () = front.quit.cancelled() => break,
        }
    }
    tracing::info!(component = "server", "ending");
    front.state.notices().post(front::ENDING, clock::now_ms());
    tokio::select! {
        ended = loops.stop(front) => ended?,
        () = ends.second() => return Err(anyhow!("ended at once by a second signal").into()),
    }
    tracing::info!(component = "server", "ended");
    Ok(())
}
