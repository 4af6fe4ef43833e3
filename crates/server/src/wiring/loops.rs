//! What runs by a clock of its own: the database's upkeep, discovery, scrapes, rules.

use super::alarms::Alarms;
use super::applied::Applied;
use super::cluster::{Cluster, Reach};
use super::database::{self, Served};
use super::front::{Front, STARTING};
use super::keeper::Keeper;
use super::past::OverHistory;
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
    cluster: Arc<Cluster>,
    scrapes: Arc<scrape::Manager>,
    alarms: Arc<Alarms>,
    /// Hand what discovery finds to the scrapes, and to those who tell of alerts.
    following: [JoinHandle<()>; 2],
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
        let found_by = ["scrape", "notify"].map(|name| Arc::new(discovery::Metrics::new(name)));
        server.show(Arc::clone(&scrape_metrics) as _);
        server.show(Arc::new(discovery::Together(found_by.to_vec())));
        let [discovery_metrics, alarm_metrics] = found_by;
        let reach = Reach::new(&front.flags.kubernetes_folder);
        let vault = reach.vault();
        let options =
            settings::scrape_options(&front.flags, &server.loaded.load(), &server.hostname, vault);
        let means = |metrics: &Arc<discovery::Metrics>| {
            let dialer = client::Dialer::net(MAX_DISCOVERY_CONNECTIONS);
            reach.means(discovery::Means::new(Arc::clone(metrics), dialer, &options.user_agent))
        };
        let (discovery_means, alarm_means) = (means(&discovery_metrics), means(&alarm_metrics));
        let scrapes = scrape::Manager::new(Arc::new(db.clone()), scrape_metrics, options);
        let scrapes = Arc::new(scrapes);
        front.views.targets.set(Arc::clone(&scrapes));

        let alarms = Arc::new(Alarms::start(front, &db, alarm_means));
        front.state.set_history(Arc::new(OverHistory {
            db: db.clone(),
            server: Arc::clone(server),
            flags: front.flags.clone(),
            external_url: front.external_url.clone(),
        }));

        let interval = settings::duration(front.flags.discovery_reload_interval);
        let discoverers = discovery::Manager::start(interval, discovery_metrics);
        let applied = Arc::new(Applied::new(
            Arc::clone(&scrapes),
            Arc::clone(&alarms),
            discoverers,
            Arc::clone(&server.cluster),
        ));
        let found = applied.found();
        let cluster = Arc::new(Cluster::new(front, reach, discovery_means.clone(), &applied));
        let reloader = Arc::new(Reloader {
            source: front.source.clone(),
            flags: front.flags.clone(),
            server: Arc::clone(server),
            state: front.state.clone(),
            scrapes: Arc::clone(&scrapes),
            alarms: Arc::clone(&alarms),
            db: db.clone(),
            applied,
            cluster: Arc::clone(&cluster),
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
        let followers = (Arc::clone(&scrapes), Arc::clone(&alarms));
        let following = [
            tokio::spawn(async move { followers.0.follow(found).await }),
            tokio::spawn(async move { followers.1.follow().await }),
        ];
        Ok(Self { reloader, cluster, scrapes, alarms, following, keeper, db })
    }

    /// Ends them in order: what follows the cluster, discovery, scrapes, rules, notifications, requests, database.
    pub(super) async fn stop(self, front: Front) -> anyhow::Result<()> {
        let Self { reloader, cluster, scrapes, alarms, following, keeper, db } = self;
        cluster.stop().await;
        // Watches end once no discoverer looks at them.
        reloader.applied.end_discovery();
        drop(reloader);
        if !scrapes.shutdown(GRACE).await {
            tracing::warn!(component = "scrape", "scrapes were still running at the end");
        }
        alarms.stop().await;
        for following in following {
            following.await?;
        }
        cluster.close().await;
        front.close().await;
        keeper.stop().await;
        database::close(db).await
    }
}
