//! Telling objects what became of them: their statuses, and Events about those that are not valid.
//!
//! A [`Reporter`] follows plans. What an object is told is its `Outcome`; it is kept as a binding in its
//! status, of which only our own is ever touched (`bindings`), and written when it says something else
//! than before, a few objects a second. Statuses are written where we may, where the definition of the
//! kind has them, and only while no `Prometheus` object has our name: else its operator would write the
//! same binding. `writeBack: off` ends Events, too. Nothing is written on shutdown; an object that is no
//! longer selected loses our binding.
//!
//! Before that, and again while something is missing, the reporter asks for all permissions that the
//! configuration needs. [`Standing`] says which are missing, with the rules to add.

mod bindings;
mod check;
mod events;
mod metrics;
mod needs;
mod outcome;
mod requests;
mod standing;
#[cfg(test)]
mod tests;
mod writer;

pub use metrics::Metrics;
pub use standing::{Standing, Writing};

use crate::plan::Plan;
use cluster::access::Access;
use kubernetes::Section;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use writer::Writer;

/// The group of the kinds that are told something.
const GROUP: &str = "monitoring.coreos.com";
/// The name of an instance that nobody gave one.
const DEFAULT_NAME: &str = "rushlight";

/// What a reporter goes by.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who we are, whether statuses are written, and what is looked at.
    pub section: Arc<Section>,
}

/// Who we are, as bindings name it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Instance {
    /// Empty when nobody knows it.
    namespace: String,
    name: String,
}

impl Instance {
    fn of(section: &Section, own_namespace: Option<&str>) -> Self {
        let or = |text: &str, other: &str| if text.is_empty() { other } else { text }.to_owned();
        Self {
            namespace: or(&section.instance.namespace, own_namespace.unwrap_or_default()),
            name: or(&section.instance.name, DEFAULT_NAME),
        }
    }
}

/// Follows plans and tells objects what became of them.
#[derive(Debug)]
pub struct Reporter {
    options: watch::Sender<Options>,
    standing: watch::Receiver<Arc<Standing>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Reporter {
    /// Begins to follow plans.
    #[must_use]
    pub fn start(
        access: Access,
        plans: watch::Receiver<Arc<Plan>>,
        options: Options,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (options, heard) = watch::channel(options);
        let (tell, standing) = watch::channel(Arc::default());
        let stop = CancellationToken::new();
        let writer = Writer::new(access, plans, heard, tell, metrics).run();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            // A write that is cut off may have been heard; the next reporter looks before it writes.
            stopped.run_until_cancelled(writer).await;
        });
        Self { options, standing, stop, task }
    }

    /// Goes by other options from now on. A binding of an instance with another name is left.
    pub fn apply(&self, options: Options) {
        self.options.send_replace(options);
    }

    /// What may be done in the cluster, and what is done there.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Arc<Standing>> {
        self.standing.clone()
    }

    /// Ends. What objects were told stays.
    pub async fn shutdown(self) {
        self.stop.cancel();
        // A task that panicked has ended, too.
        self.task.await.ok();
    }
}
