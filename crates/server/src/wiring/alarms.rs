//! Rules, and those who are told of alerts: what runs by a clock of its own besides scrapes.

use super::front::Front;
use super::ruled::Outbox;
use super::{GRACE, discovered, settings};
use crate::config::Loaded;
use crate::flags::Serve;
use notifier::Notifier;
use rules::LoadedFile;
use std::sync::Arc;
use tsdb::Db;

/// The rules, the notifier, and who finds the Alertmanagers.
pub(super) struct Alarms {
    rules: Arc<rules::Manager>,
    notifier: Arc<Notifier>,
    discoverers: discovery::Manager,
    discovery_means: discovery::Means,
    flags: Serve,
    /// Where people reach this server.
    external_url: String,
}

impl Alarms {
    /// Nothing is evaluated and nobody is known before a configuration is applied.
    pub(super) fn start(front: &Front, db: &Db, discovery_means: discovery::Means) -> Self {
        let (flags, server) = (&front.flags, &front.server);
        let notifier_metrics = Arc::new(notifier::Metrics::default());
        server.show(Arc::clone(&notifier_metrics) as _);
        let options = settings::notifier_options(flags);
        let notifier = Arc::new(Notifier::new(options, notifier_metrics));
        front.views.alertmanagers.set(Arc::clone(&notifier));

        let rule_metrics = Arc::new(rules::Metrics::default());
        server.show(Arc::clone(&rule_metrics) as _);
        let (engine, shown) = (front.rules_engine.clone(), Arc::clone(server));
        let engine = move || {
            let mut engine = engine.clone();
            engine.options.default_step_ms = shown.loaded.load().evaluation_interval_ms;
            engine
        };
        let options = rules::Options {
            engine: Arc::new(engine),
            query_timeout: settings::duration(flags.query_timeout),
            concurrent_evals: settings::concurrent_evals(flags),
        };
        let store = || Arc::new(db.clone());
        let outbox = Arc::new(Outbox::new(Arc::clone(&notifier)));
        let rules = rules::Manager::new(store(), store(), outbox, rule_metrics, options);
        let rules = Arc::new(rules);
        front.views.rules.set(Arc::clone(&rules));

        let interval = settings::duration(flags.discovery_reload_interval);
        let metrics = Arc::clone(&discovery_means.metrics);
        Self {
            rules,
            notifier,
            discoverers: discovery::Manager::start(interval, metrics),
            discovery_means,
            flags: flags.clone(),
            external_url: front.external_url.clone(),
        }
    }

    /// Who finds the Alertmanagers of a configuration.
    ///
    /// # Errors
    /// When a source cannot be asked as it is told to be.
    pub(super) fn sources(&self, loaded: &Loaded) -> Result<Vec<discovery::Job>, String> {
        discovered::alertmanagers(loaded, &self.discovery_means)
    }

    /// Follows the rules of a configuration, and some more; groups that did not change go on
    /// undisturbed.
    pub(super) fn evaluate(&self, loaded: &Loaded, more: &[LoadedFile]) {
        let settings = settings::rules(&self.flags, loaded, &self.external_url);
        let files = loaded.rule_files.iter().chain(more);
        self.rules.apply(files.cloned().collect(), settings);
    }

    /// Follows whom a configuration tells of alerts.
    pub(super) fn tell(&self, loaded: &Loaded, alertmanagers: Vec<discovery::Job>) {
        self.notifier.apply(settings::notifier(loaded));
        self.discoverers.apply(alertmanagers);
    }

    /// Tells the notifier what is found, until [`stop`](Self::stop).
    pub(super) async fn follow(&self) {
        self.notifier.follow(self.discoverers.snapshots()).await;
    }

    /// Ends the rules, then tells what is still to be told.
    pub(super) async fn stop(&self) {
        if !self.rules.shutdown(GRACE).await {
            tracing::warn!(component = "rules", "rules were still evaluated at the end");
        }
        if !self.notifier.shutdown(GRACE).await {
            tracing::warn!(component = "notifier", "alerts were not told at the end");
        }
    }
}
