//! What is known of the objects of the cluster that is followed, in the shape of the API.

use super::super::ruled::RulesView;
use super::super::targets::ScrapeView;
use api::Boxed;
use api::explain::{
    Check, CheckOutcome, NotExplained, ObjectExplanation, ObjectTarget, ObjectTargets, Objects,
};
use operator::explain::{Explainer, Explanation, Outcome, Run, parse_kind};
use operator::plan::MonitorKind;
use std::sync::Arc;

/// What can be explained, for who asks for something else.
const KINDS: &str = "servicemonitor, podmonitor, probe, scrapeconfig and prometheusrule";

/// Asks an explainer about objects, and scraping and rules about what runs of them.
pub(super) struct ExplainedObjects {
    pub(super) explainer: Explainer,
    pub(super) views: Views,
}

/// What runs.
#[derive(Clone)]
pub(super) struct Views {
    pub(super) targets: Arc<ScrapeView>,
    pub(super) rules: Arc<RulesView>,
}

impl Objects for ExplainedObjects {
    fn explain(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Boxed<'_, Result<ObjectExplanation, NotExplained>> {
        let Some(known) = parse_kind(kind) else {
            let error = format!("objects of kind {kind:?} cannot be explained, only {KINDS}");
            return Box::pin(async { Err(NotExplained::NotFound(error)) });
        };
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Box::pin(async move {
            let Views { targets, rules } = &self.views;
            let run = Run { scrapes: targets.snapshot(), rules: rules.snapshot() };
            let explained = self.explainer.explain(known, &namespace, &name, run).await;
            let explained = explained.map_err(|error| NotExplained::NotFound(error.to_string()))?;
            Ok(told(known, namespace, name, explained))
        })
    }
}

fn told(
    kind: MonitorKind,
    namespace: String,
    name: String,
    explained: Explanation,
) -> ObjectExplanation {
    let Explanation { verdict, checks, jobs, targets } = explained;
    let checks = checks.into_iter().map(|check| Check {
        check: check.check.to_owned(),
        outcome: match check.outcome {
            Outcome::Pass => CheckOutcome::Pass,
            Outcome::Fail => CheckOutcome::Fail,
            Outcome::Unknown => CheckOutcome::Unknown,
            Outcome::Skipped => CheckOutcome::Skipped,
        },
        message: check.message,
        fix: check.fix,
        details: check.details,
    });
    let examples = targets.examples.into_iter().map(|example| ObjectTarget {
        job: example.job,
        target: example.target,
        state: example.state.to_owned(),
        reason: example.reason,
    });
    ObjectExplanation {
        kind: kind.as_str().to_owned(),
        namespace,
        name,
        verdict,
        checks: checks.collect(),
        jobs,
        targets: ObjectTargets {
            discovered: targets.discovered,
            states: targets.states.into_iter().map(|(state, n)| (state.to_owned(), n)).collect(),
            examples: examples.collect(),
        },
    }
}
