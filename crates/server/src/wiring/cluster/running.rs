//! A cluster that is followed.

use super::explained_objects::ExplainedObjects;
use super::follow::{Before, Followed, Follower};
use super::snapshot::Keeper;
use super::{Cluster, Wanted, rights};
use operator::explain::Explainer;
use operator::plan::{Options, Planner};
use operator::report::{self, Reporter};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The file of the snapshot, beside the database.
const SNAPSHOT: &str = "targets.snapshot";

/// Planner, reporter, and who follows them.
pub(super) struct Running {
    /// How the cluster is reached, and how much of it is looked at.
    cluster: String,
    namespaces: BTreeSet<String>,
    planner: Planner,
    reporter: Reporter,
    explainer: Explainer,
    stop: CancellationToken,
    following: [JoinHandle<()>; 2],
}

impl Running {
    /// Begins. The first one takes what a former process saved, others go on with the jobs of the one
    /// before until they know their own.
    pub(super) fn start(of: &Cluster, wanted: Wanted, options: Options, is_first: bool) -> Self {
        let own = wanted.own();
        let Wanted { section, access } = wanted;
        let (cluster, namespaces) = (access.identity().to_owned(), own.namespaces);
        tracing::info!(component = "kubernetes", %cluster, "monitors and rules are followed");
        let global = options.global.clone();
        let watches = of.reach.clusters().watches().expect("the cluster was set before");
        let vault = of.reach.vault();
        let planner = Planner::start(watches.clone(), vault, Arc::clone(&of.metrics.plan));
        planner.apply(options);
        let explainer = Explainer::new(planner.plans(), watches, Arc::clone(&section));
        let objects = ExplainedObjects { explainer: explainer.clone(), views: of.views.clone() };
        of.state.set_objects(Some(Arc::new(objects)));
        let reporter = Reporter::start(
            access,
            planner.plans(),
            report::Options { section },
            Arc::clone(&of.metrics.report),
        );
        let path = of.flags.data_path.join(SNAPSHOT);
        let before = match is_first {
            true => Before::Snapshot { path: path.clone(), global },
            false => Before::Jobs(of.server.cluster.load().jobs.clone()),
        };
        let follower = Follower::new(Followed {
            applied: Arc::clone(&of.applied),
            means: of.means.clone(),
            notices: Arc::clone(of.state.notices()),
            metrics: Arc::clone(&of.metrics.follow),
            keeper: Keeper::new(&path, Arc::clone(&of.metrics.snapshot)),
            // What comes behind the server's URL means nothing to the next process.
            cluster: cluster.split(' ').next().unwrap_or_default().to_owned(),
            before,
        });
        let stop = CancellationToken::new();
        let notices = Arc::clone(of.state.notices());
        let following = [
            tokio::spawn(follower.run(planner.plans(), stop.clone())),
            tokio::spawn(rights::tell(reporter.standing(), notices, stop.clone())),
        ];
        Self { cluster, namespaces, planner, reporter, explainer, stop, following }
    }

    /// Whether what is wanted is this cluster, looked at in the same places.
    pub(super) fn is_of(&self, wanted: &Wanted) -> bool {
        self.cluster == wanted.access.identity() && self.namespaces == wanted.own().namespaces
    }

    /// Goes by another configuration.
    pub(super) fn apply(&self, options: Options) {
        self.reporter.apply(report::Options { section: Arc::clone(&options.section) });
        self.explainer.apply(Arc::clone(&options.section));
        self.planner.apply(options);
    }

    /// Ends everything, and saves what is known.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        for following in self.following {
            // A panic was told when it happened.
            following.await.ok();
        }
        self.reporter.shutdown().await;
        self.planner.shutdown().await;
    }
}
