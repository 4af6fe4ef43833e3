//! A cluster that is followed.

use super::explained_objects::ExplainedObjects;
use super::follow::{Before, Followed, Follower};
use super::snapshot::Keeper;
use super::{Cluster, Wanted, rights};
use kubernetes::Section;
use kubernetes::targets::Own;
use operator::explain::Explainer;
use operator::plan::{Options, Planner};
use operator::report::{self, Reporter};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The file of the snapshot, beside the database.
const SNAPSHOT: &str = "targets.snapshot";

/// Planner, reporter, and who follows them.
pub(super) struct Running {
    /// How the cluster is reached, and how much of it is looked at.
    own: Own,
    section: Arc<Section>,
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
        let cluster = access.identity().to_owned();
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
            report::Options { section: Arc::clone(&section) },
            Arc::clone(&of.metrics.report),
        );
        let path = of.flags.data_path.join(SNAPSHOT);
        let before = match is_first {
            true => Before::Snapshot { path: path.clone(), global },
            false => Before::Jobs(of.server.cluster.load().jobs.clone()),
        };
        let keeper = Keeper::new(&path, Arc::clone(&of.metrics.snapshot));
        let stop = CancellationToken::new();
        let follower = Follower::new(Followed {
            applied: Arc::clone(&of.applied),
            means: of.means.clone(),
            notices: Arc::clone(of.state.notices()),
            metrics: Arc::clone(&of.metrics.follow),
            keeper: Arc::new(Mutex::new(keeper)),
            // What comes behind the server's URL means nothing to the next process.
            cluster: cluster.split(' ').next().unwrap_or_default().to_owned(),
            before,
            stop: stop.clone(),
        });
        let notices = Arc::clone(of.state.notices());
        let following = [
            tokio::spawn(follower.run(planner.plans())),
            tokio::spawn(rights::tell(reporter.standing(), notices, stop.clone())),
        ];
        Self { own, section, planner, reporter, explainer, stop, following }
    }

    /// The cluster that it follows.
    pub(super) fn own(&self) -> Own {
        self.own.clone()
    }

    /// Whether what is wanted is this cluster, looked at in the same places.
    pub(super) fn is_of(&self, wanted: &Wanted) -> bool {
        let other = wanted.own();
        self.own.access.identity() == other.access.identity()
            && self.own.namespaces == other.namespaces
    }

    /// Goes by another configuration.
    pub(super) fn apply(&mut self, options: Options) {
        // The section is read anew with the file, whatever changed there.
        if self.section != options.section {
            self.section = Arc::clone(&options.section);
            self.reporter.apply(report::Options { section: Arc::clone(&options.section) });
            self.explainer.apply(Arc::clone(&options.section));
        }
        self.planner.apply(options);
    }

    /// Ends everything, and saves what is known. From the call on nothing is applied any more.
    pub(super) fn stop(self) -> impl Future<Output = ()> + Send {
        self.stop.cancel();
        async move {
            for following in self.following {
                // A panic was told when it happened.
                following.await.ok();
            }
            self.reporter.shutdown().await;
            self.planner.shutdown().await;
        }
    }
}
