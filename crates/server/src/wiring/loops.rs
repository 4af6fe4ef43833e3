//! What runs by a clock of its own: the database's upkeep, discovery, scrapes.

use super::database::{self, Served};
use super::front::{Front, STARTING};
use super::keeper::Keeper;
use super::reload::Reloader;
use super::{GRACE, settings};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::task::JoinHandle;
use tsdb::Db;

/// Connections to those who are asked for lists of targets; beyond, asking fails until the next
/// refresh.
const MAX_DISCOVERY_CONNECTIONS: usize = 256;

/// The running loops.
pub(super) struct Loops {
    pub(super) reloader: Arc<Reloader>,
    scrapes: Arc<scrape::Manager>,
    /// Hands what discovery finds to the scrapes.
    following: JoinHandle<()>,
    keeper: Keeper,
    db: Db,
}

impl Loops {
    /// The database is open: requests are served and targets scraped from now on.
    pub(super) fn start(front: &Front, db: Db) -> std::io::Result<Self> {
        let server = &front.server;
        server.show(Arc::new(db.clone()));
        let keeper = Keeper::start(db.clone())?;

        let scrape_metrics = Arc::new(scrape::Metrics::default());
        let discovery_metrics = Arc::new(discovery::Metrics::new("scrape"));
        server.show(Arc::clone(&scrape_metrics) as _);
        server.show(Arc::clone(&discovery_metrics) as _);
        let options =
            settings::scrape_options(&front.flags, &server.loaded.load(), &server.hostname);
        let discovery_means = discovery::Means::new(
            Arc::clone(&discovery_metrics),
            client::Dialer::net(MAX_DISCOVERY_CONNECTIONS),
            &options.user_agent,
        );
        let scrapes = scrape::Manager::new(Arc::new(db.clone()), scrape_metrics, options);
        let scrapes = Arc::new(scrapes);
        front.view.set(Arc::clone(&scrapes));

        let interval = settings::duration(front.flags.discovery_reload_interval);
        let discoverers = discovery::Manager::start(interval, discovery_metrics);
        let found = discoverers.snapshots();
        let reloader = Arc::new(Reloader {
            source: front.source.clone(),
            flags: front.flags.clone(),
            server: Arc::clone(server),
            state: front.state.clone(),
            scrapes: Arc::clone(&scrapes),
            db: db.clone(),
            discoverers,
            discovery_means,
            fingerprint: AtomicU64::new(0),
            turn: tokio::sync::Mutex::default(),
        });
        reloader.start().map_err(std::io::Error::other)?;
        server.reloader.set(Arc::downgrade(&reloader)).expect("loops start once");
        // Who is ready can be told to reload.
        front.readiness.open(Arc::new(Served(db.clone())));
        server.reloads.set_ready(true);
        front.state.notices().remove(STARTING);
        let following = Arc::clone(&scrapes);
        let following = tokio::spawn(async move { following.follow(found).await });
        Ok(Self { reloader, scrapes, following, keeper, db })
    }

    /// Ends them in order: discovery, scrapes, requests, database.
    pub(super) async fn stop(self, front: Front) -> anyhow::Result<()> {
        let Self { reloader, scrapes, following, keeper, db } = self;
        // The last owner of discovery: dropping it stops it.
        drop(reloader);
        if !scrapes.shutdown(GRACE).await {
            tracing::warn!(component = "scrape", "scrapes were still running at the end");
        }
        following.await?;
        front.close().await;
        keeper.stop().await;
        database::close(db).await
    }
}
