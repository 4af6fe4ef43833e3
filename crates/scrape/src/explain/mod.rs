//! What became of every target that discovery found, and why: its labels, what each rule did to
//! them, and what state it is in.
//!
//! Nothing is kept for this. A published [`PoolView`] holds what discovery said and the job that it
//! was said to, so the way of a target is walked again when somebody asks.

mod nearest;
mod rule;
#[cfg(test)]
mod tests;

use crate::config::Job;
use crate::diagnosis::Diagnosis;
use crate::manager::{PoolView, Snapshot};
use crate::target::{self, Placed, Status, Target};
use foldhash::{HashMap, HashSet};
use model::Labels;
use model::relabel;
use std::sync::Arc;

/// Targets that one answer tells of; more are only counted.
const MAX_TARGETS: usize = 10_000;

/// What is known of the targets of one job.
#[derive(Debug)]
pub struct Explanation {
    /// The job's name.
    pub job: String,
    /// How many targets discovery found for it.
    pub discovered: usize,
    /// Those that were asked for, in the order of discovery.
    pub targets: Vec<Explained>,
    /// How many more of them there are than are told of.
    pub left_out: usize,
}

/// The way of one target.
#[derive(Debug)]
pub struct Explained {
    /// The group of discovery it comes from, such as a file and a number.
    pub source: String,
    /// Its labels before relabeling, the job's defaults among them.
    pub discovered: Labels,
    /// What each rule of `relabel_configs` did, up to the one that dropped it.
    pub steps: Vec<Step>,
    /// The labels its series carry, if it got so far.
    pub labels: Option<Labels>,
    /// Where it is asked, if it got so far.
    pub url: Option<String>,
    /// What became of it.
    pub state: State,
}

/// One rule at work on one target.
#[derive(Debug)]
pub struct Step {
    /// Its number in `relabel_configs`, from 1.
    pub rule: usize,
    /// The rule as it could stand in the file, without what is default.
    pub text: String,
    /// The labels it was given.
    pub before: Labels,
    /// The labels it left; as before when it drops the target.
    pub after: Labels,
    /// What it did.
    pub outcome: Outcome,
}

/// What a rule did to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: it did not match, or set what was there already.
    Unchanged,
    /// It set, renamed or removed labels.
    Changed,
    /// It dropped the target.
    Dropped,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Dropped => "dropped",
        }
    }
}

/// What became of a discovered target.
#[derive(Debug)]
pub enum State {
    /// It is asked; how that goes.
    Scraped {
        /// How the last scrape went.
        status: Status,
        /// What went wrong when it last did.
        diagnosis: Option<Arc<Diagnosis>>,
    },
    /// Nobody is asked, since the job has more targets than it may; every scrape fails.
    OverTargetLimit {
        /// How many targets there are.
        targets: usize,
        /// How many there may be.
        limit: u64,
    },
    /// A rule dropped it.
    Dropped {
        /// The rule's number in `relabel_configs`, from 1.
        rule: usize,
        /// Whether `keep_dropped_targets` hides it from the list of dropped targets.
        hidden: bool,
    },
    /// It cannot be scraped.
    Invalid {
        /// Why.
        error: String,
    },
    /// It has the same labels and the same URL as another one before it.
    Duplicate,
}

impl State {
    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Scraped { status, .. } => status.health.as_str(),
            Self::OverTargetLimit { .. } => "over target limit",
            Self::Dropped { .. } => "dropped",
            Self::Invalid { .. } => "invalid",
            Self::Duplicate => "duplicate",
        }
    }

    /// Why the target is in this state, as a sentence; `None` when all is well.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Scraped { status, .. } => status.last_error.as_deref().map(str::to_owned),
            Self::OverTargetLimit { targets, limit } => Some(format!(
                "the job has {targets} targets and target_limit allows {limit}, so none is scraped"
            )),
            Self::Dropped { rule, hidden } => Some(format!(
                "rule {rule} of relabel_configs dropped it{}",
                if *hidden { "; keep_dropped_targets hides it from the list" } else { "" }
            )),
            Self::Invalid { error } => Some(error.clone()),
            Self::Duplicate => {
                Some("another target before it has the same labels and URL".to_owned())
            }
        }
    }
}

/// Nothing fits what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no job and no target is called {asked:?}{}", nearest_text(.nearest))]
pub struct NotFound {
    /// What was asked for.
    pub asked: String,
    /// The job or the URL that comes nearest.
    pub nearest: Option<String>,
}

fn nearest_text(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean {nearest:?}?"))
}

/// Explains all targets of a job, by its name, or one target, by its URL, by host and port, or by its
/// label `instance`; by whichever fits first.
///
/// # Errors
/// When nothing fits, with what comes nearest.
pub fn explain(snapshot: &Snapshot, asked: &str) -> Result<Vec<Explanation>, NotFound> {
    if let Some(pool) = snapshot.pools.iter().find(|pool| pool.job == asked) {
        return Ok(vec![explain_pool(pool, |_| true)]);
    }
    let by: [&dyn Fn(&Explained) -> bool; 3] = [
        &|target| target.url.as_deref() == Some(asked),
        &|target| target.discovered.get(discovery::ADDRESS) == Some(asked),
        &|target| target.labels.as_ref().is_some_and(|l| l.get("instance") == Some(asked)),
    ];
    for fits in by {
        let all = snapshot.pools.iter().map(|pool| explain_pool(pool, fits));
        let found: Vec<_> = all.filter(|found| !found.targets.is_empty()).collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let urls = snapshot.pools.iter().flat_map(|pool| &pool.active).map(|t| t.scrape_url());
    let names = snapshot.pools.iter().map(|pool| pool.job.clone());
    let nearest = nearest::nearest(asked, names.chain(urls));
    Err(NotFound { asked: asked.to_owned(), nearest })
}

fn explain_pool(pool: &PoolView, fits: impl Fn(&Explained) -> bool) -> Explanation {
    let mut explanation =
        Explanation { job: pool.job.clone(), discovered: 0, targets: Vec::new(), left_out: 0 };
    let Some(job) = &pool.ground.job else { return explanation };
    let active = pool.active.iter().map(|target| (target.key(), target)).collect();
    let mut way = Way { job, pool, active, seen: HashSet::default(), dropped: 0 };
    for group in &*pool.ground.groups {
        for own in &group.targets {
            explanation.discovered += 1;
            let mut explained = way.explain(&group.source, &group.labels, own);
            if !fits(&explained) {
                continue;
            }
            if explanation.targets.len() == MAX_TARGETS {
                explanation.left_out += 1;
                continue;
            }
            explained.steps = steps(job, &explained.discovered);
            if let State::Dropped { rule, .. } = &mut explained.state {
                // The rule that dropped it ends its way.
                *rule = explained.steps.len();
            }
            explanation.targets.push(explained);
        }
    }
    explanation
}

/// The way of targets through a job.
struct Way<'a> {
    job: &'a Job,
    pool: &'a PoolView,
    active: HashMap<&'a str, &'a Arc<Target>>,
    seen: HashSet<String>,
    dropped: u64,
}

impl Way<'_> {
    /// What becomes of a target; the rules' steps are for those who are asked for.
    fn explain(&mut self, source: &str, group: &Labels, own: &Labels) -> Explained {
        let discovered = target::discovered_labels(self.job, group, own);
        let mut explained = Explained {
            source: source.to_owned(),
            discovered,
            steps: Vec::new(),
            labels: None,
            url: None,
            state: State::Duplicate,
        };
        let placed = target::place(self.job, &explained.discovered);
        let made = match placed {
            Ok(Placed::Kept(all)) => Target::new(self.job, explained.discovered.clone(), &all),
            Ok(Placed::Dropped) => {
                self.dropped += 1;
                let keep = self.job.keep_dropped_targets;
                let hidden = keep > 0 && self.dropped > keep;
                explained.state = State::Dropped { rule: 0, hidden };
                return explained;
            }
            Err(error) => Err(error),
        };
        match made {
            Ok(target) => {
                explained.labels = Some(target.labels().clone());
                explained.url = Some(target.scrape_url());
                if self.seen.insert(target.key().to_owned()) {
                    explained.state = self.state(&target);
                }
            }
            Err(error) => explained.state = State::Invalid { error: error.to_string() },
        }
        explained
    }

    fn state(&self, target: &Target) -> State {
        if let Some((targets, limit)) = self.pool.ground.over_limit {
            return State::OverTargetLimit { targets, limit };
        }
        let known = self.active.get(target.key());
        let target = known.map_or(target, |known| known);
        State::Scraped { status: target.status(), diagnosis: target.diagnosis() }
    }
}

/// What each rule does, up to the one that drops the target.
fn steps(job: &Job, discovered: &Labels) -> Vec<Step> {
    let mut labels = discovered.to_builder();
    let mut before = discovered.clone();
    let mut steps = Vec::with_capacity(job.relabel.len());
    for (number, rule) in (1..).zip(&job.relabel) {
        let kept = relabel::apply(std::slice::from_ref(rule), &mut labels);
        let after = if kept { labels.build() } else { before.clone() };
        let outcome = match kept {
            false => Outcome::Dropped,
            true if after == before => Outcome::Unchanged,
            true => Outcome::Changed,
        };
        // Most rules change nothing, so most steps share their labels.
        let after = if outcome == Outcome::Unchanged { before.clone() } else { after };
        let text = rule::text(rule);
        steps.push(Step { rule: number, text, before, after: after.clone(), outcome });
        if !kept {
            break;
        }
        before = after;
    }
    steps
}
