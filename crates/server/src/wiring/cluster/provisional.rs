//! Jobs from a snapshot: scraped while nobody knows better.

use super::super::applied::ClusterJob;
use super::snapshot::{self, Saved, SavedJob};
use crate::clock;
use discovery::{Discoverer, Groups, Output, Running};
use operator::plan::{KindState, MissingReason, MonitorKind, ObjectRef, Plan, Verdict};
use scrape::Global;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// An older snapshot is of no use: its targets have others' addresses by now.
const MAX_AGE_MS: i64 = 3_600_000;
/// Keys and values of a job, as many as it may have when it comes from the cluster.
const MAX_NODES: usize = 4_000_000;
/// What stands in a saved job for a secret that has no form as a file.
const VEILED: &str = "\"<secret>\"";
/// Clocks of machines differ by so much.
const SKEW_MS: i64 = 60_000;

/// A job from a snapshot.
pub(super) struct ProvisionalJob {
    /// Whose it is, as its name tells; `None` for those of our own settings.
    object: Option<ObjectRef>,
    pub(super) job: Arc<ClusterJob>,
}

/// The jobs of the file at a path and when they were saved, if they are of this cluster and not too
/// old. What is wrong with it is told.
pub(super) fn load(path: &Path, cluster: &str, global: &Global) -> (i64, Vec<ProvisionalJob>) {
    let file = path.display();
    let ignored = |error: &dyn std::fmt::Display| {
        let what = "the saved targets are not used";
        tracing::warn!(component = "kubernetes", %file, %error, "{what}");
        (0, Vec::new())
    };
    let saved = match snapshot::read(path) {
        Ok(None) => return (0, Vec::new()),
        Ok(Some(saved)) => saved,
        Err(error) => return ignored(&error),
    };
    if let Some(fault) = fault(&saved, cluster, clock::now_ms()) {
        return ignored(&fault);
    }
    let mut jobs = Vec::with_capacity(saved.jobs.len());
    for saved in saved.jobs {
        match job(saved, global) {
            Ok(job) => jobs.push(job),
            Err(error) => {
                let what = "a saved job is not used";
                tracing::warn!(component = "kubernetes", %file, %error, "{what}");
            }
        }
    }
    (saved.saved_at_ms, jobs)
}

fn fault(saved: &Saved, cluster: &str, now_ms: i64) -> Option<&'static str> {
    match now_ms.saturating_sub(saved.saved_at_ms) {
        _ if saved.cluster != cluster => Some("they are of another cluster"),
        age_ms if age_ms > MAX_AGE_MS => Some("they are older than an hour"),
        age_ms if age_ms < -SKEW_MS => Some("they are of the future"),
        _ => None,
    }
}

fn job(saved: SavedJob, global: &Global) -> Result<ProvisionalJob, String> {
    let SavedJob { text, groups } = saved;
    if text.contains(VEILED) {
        // Whoever is asked with it may shut us out.
        let begin = &text[..text.floor_char_boundary(80)];
        return Err(format!("it needs a secret, and those are not saved: {begin}..."));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_events: 2 * MAX_NODES },
    };
    let config: scrape::Config =
        serde_saphyr::from_str_with_options(&text, options).map_err(|error| error.to_string())?;
    let job = config.resolve(global).map_err(|error| error.to_string())?;
    let groups = groups.into_iter().map(|group| group.0).collect();
    let source = Arc::new(SavedTargets { job: job.name.clone(), groups });
    let job = Arc::new(ClusterJob { text, job: Arc::new(job), sources: vec![source] });
    Ok(ProvisionalJob::new(job))
}

/// The object that a job is named after: `serviceMonitor/<namespace>/<name>/<index>`.
fn object(job: &str) -> Option<ObjectRef> {
    let mut parts = job.split('/');
    let (kind, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some(ObjectRef {
        kind: MonitorKind::parse(kind)?,
        namespace: namespace.into(),
        name: name.into(),
    })
}

impl ProvisionalJob {
    pub(super) fn new(job: Arc<ClusterJob>) -> Self {
        Self { object: object(&job.job.name), job }
    }

    /// Whether a plan knows too little of it to replace it.
    pub(super) fn outlives(&self, plan: &Plan) -> bool {
        if plan.is_complete {
            return false;
        }
        let Some(object) = &self.object else { return true };
        let is_listed = plan.kinds.get(&object.kind).is_some_and(|kind: &KindState| {
            kind.is_synced || kind.is_absent || kind.forbidden.is_some()
        });
        if !is_listed {
            return true;
        }
        // What it refers to may not have been read yet.
        match plan.objects.get(object).and_then(|state| state.verdict.as_ref()) {
            Some(Verdict::Waiting(waiting)) => waiting
                .missing
                .iter()
                .any(|missing| matches!(missing.why, MissingReason::NotRead(_))),
            _ => false,
        }
    }
}

/// Finds what was found before.
struct SavedTargets {
    job: String,
    groups: Groups,
}

impl Discoverer for SavedTargets {
    fn identity(&self) -> String {
        format!("targets.snapshot {}", self.job)
    }

    fn same(&self, other: &dyn Discoverer) -> bool {
        let other = (other as &dyn std::any::Any).downcast_ref::<Self>();
        other.is_some_and(|other| other.groups == self.groups)
    }

    fn run(self: Arc<Self>, output: Output, _stop: CancellationToken) -> Running {
        Box::pin(async move { output.send_shared(Arc::clone(&self.groups)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_named_after_their_objects() {
        let check = |job: &str, expected: Option<(MonitorKind, &str, &str)>| {
            let found = object(job);
            let found =
                found.as_ref().map(|object| (object.kind, &*object.namespace, &*object.name));
            assert_eq!(found, expected, "{job}");
        };
        check("serviceMonitor/a/b/0", Some((MonitorKind::ServiceMonitor, "a", "b")));
        check("podMonitor/a/b/11", Some((MonitorKind::PodMonitor, "a", "b")));
        check("probe/a/b", Some((MonitorKind::Probe, "a", "b")));
        check("scrapeConfig/a/b", Some((MonitorKind::ScrapeConfig, "a", "b")));
        check("node", None);
        check("a/b/c", None);
    }

    #[test]
    fn what_stands_for_a_secret_is_told_nobody() {
        let check = |keys: &str, expected: bool| {
            let text = format!("{{\"job_name\":\"j\"{keys}}}").into();
            let job = job(SavedJob { text, groups: Vec::new() }, &Global::default());
            assert_eq!(job.is_ok(), expected, "{keys}");
        };
        check("", true);
        check(r#","basic_auth":{"username":"u","password_file":"/f"}"#, true);
        check(r#","basic_auth":{"username":"u","password":"<secret>"}"#, false);
    }

    #[test]
    fn a_snapshot_is_of_one_cluster_and_one_hour() {
        let check = |cluster: &str, age_ms: i64, expected: Option<&str>| {
            let saved = Saved::new(1_000_000_000, "here", Vec::new());
            assert_eq!(fault(&saved, cluster, 1_000_000_000 + age_ms), expected, "{age_ms}");
        };
        check("here", 0, None);
        check("here", 3_600_000, None);
        check("here", 3_600_001, Some("they are older than an hour"));
        check("here", -60_000, None);
        check("here", -60_001, Some("they are of the future"));
        check("there", 0, Some("they are of another cluster"));
    }

    #[test]
    fn a_plan_that_knows_better_replaces_it() {
        let job = |name: &str| {
            let text = format!("{{\"job_name\":\"{name}\"}}").into();
            job(SavedJob { text, groups: Vec::new() }, &Global::default()).unwrap()
        };
        let check = |name: &str, plan: &Plan, expected: bool| {
            assert_eq!(job(name).outlives(plan), expected, "{name} {plan:?}");
        };
        let plan = |kind: KindState| Plan {
            kinds: [(MonitorKind::Probe, kind)].into(),
            ..Plan::default()
        };
        let whole = Plan { is_complete: true, ..Plan::default() };
        check("probe/a/b", &whole, false);
        check("additional", &whole, false);
        check("additional", &Plan::default(), true);
        check("probe/a/b", &Plan::default(), true);
        let synced = plan(KindState { is_synced: true, ..KindState::default() });
        check("probe/a/b", &synced, false);
        check("podMonitor/a/b/0", &synced, true);
        check("probe/a/b", &plan(KindState { is_absent: true, ..KindState::default() }), false);
        let error = Some("connection refused".to_owned());
        check("probe/a/b", &plan(KindState { error, ..KindState::default() }), true);
    }
}
