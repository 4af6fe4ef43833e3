//! What became of the targets of an object's jobs: relabeling, limits, scrapes.

use super::facts::{Facts, ScrapedJob};
use super::remedies;
use super::text::{count, list};
use super::{Check, Example, MAX_EXAMPLES, Outcome, Targets, relabeling};
use discovery::ADDRESS;
use kubernetes::resources::monitors::Limits;
use kubernetes::resources::relabel::Relabel;
use scrape::{Diagnosis, Explained, Explanation, Health, LimitPassed, State};
use std::sync::Arc;

/// Is any target left by relabeling?
pub(super) const RELABELING: &str = "relabeling";
/// Does it stay within its limits?
pub(super) const LIMITS: &str = "limits";
/// Do its targets answer?
pub(super) const SCRAPES: &str = "scrapes";

/// Lines about single targets.
const MAX_DETAILS: usize = 5;

/// Where an object says what holds for one of its jobs.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    /// `spec.endpoints[0]`
    pub(super) at: String,
    /// `spec.endpoints[0].path`
    pub(super) path: String,
    /// `spec.endpoints[0].scheme`
    pub(super) scheme: String,
    /// `spec.endpoints[0].relabelings`
    pub(super) relabelings: String,
    /// Its rules.
    pub(super) rules: &'a [Relabel],
    /// Its limits.
    pub(super) limits: &'a Limits,
}

/// The checks of one job; `blocked` is the check that failed before, if one did.
pub(super) fn job(
    job: Option<&ScrapedJob>,
    fields: &Fields<'_>,
    blocked: Option<&'static str>,
) -> [Check; 3] {
    let explanation = job.and_then(|job| job.explanation.as_ref());
    let found = explanation.filter(|explanation| explanation.discovered > 0);
    let is_kept = |target: &Explained| is_kept(&target.state);
    let has_kept = found.is_some_and(|found| found.targets.iter().any(is_kept));
    if let (false, Some(because)) = (has_kept, blocked) {
        return [RELABELING, LIMITS, SCRAPES].map(|check| Check::skipped(check, because));
    }
    let Some(found) = found else {
        let message = match explanation {
            None => "nothing is scraped for it yet",
            Some(_) => "discovery has found no targets for it yet",
        };
        let first = Check::unknown(RELABELING, message);
        return [first, Check::skipped(LIMITS, RELABELING), Check::skipped(SCRAPES, RELABELING)];
    };
    let relabeled = relabeling::check(found, fields);
    if !has_kept {
        let because = relabeled.check;
        return [relabeled, Check::skipped(LIMITS, because), Check::skipped(SCRAPES, because)];
    }
    [relabeled, limits(found, fields), scrapes(found, fields)]
}

/// Whether relabeling left a target that is one.
pub(super) fn is_kept(state: &State) -> bool {
    matches!(state, State::Scraped { .. } | State::OverTargetLimit { .. })
}

/// What went wrong with the last scrape of a target.
fn trouble(target: &Explained) -> Option<(&Arc<Diagnosis>, bool)> {
    match &target.state {
        State::Scraped { status, diagnosis: Some(diagnosis) } if status.last_error.is_some() => {
            Some((diagnosis, status.health == Health::Down))
        }
        _ => None,
    }
}

fn limits(found: &Explanation, fields: &Fields<'_>) -> Check {
    let over = found.targets.iter().find_map(|target| match &target.state {
        State::OverTargetLimit { targets, limit } => Some((*targets, *limit)),
        _ => None,
    });
    if let Some((targets, limit)) = over {
        let message = format!(
            "{} and targetLimit allows {limit}, so none is scraped",
            count(targets, "target")
        );
        let fix = raise("targetLimit", fields.limits.target_limit, limit, targets as u64);
        return Check::fail(LIMITS, message, fix);
    }
    let passed: Vec<_> = found
        .targets
        .iter()
        .filter_map(|target| Some((target, trouble(target)?.0.limit.as_ref()?)))
        .collect();
    let Some((target, limit)) = passed.first() else {
        return Check::pass(LIMITS, "no limit is passed");
    };
    let (field, own) = field_of(limit, fields.limits);
    let LimitPassed { allowed, measured, series, .. } = limit;
    let message = match passed.len() {
        1 => format!("{} passes {field}: {measured}, allowed are {allowed}", name(target)),
        n => format!(
            "{n} targets pass {field}; {} by {measured} where {allowed} are allowed",
            name(target)
        ),
    };
    let series = series.as_ref().map(|series| format!("first beyond it: {series}"));
    Check::fail(LIMITS, message, raise(field, own, *allowed, *measured)).with(series)
}

/// The field of an object for a limit, and what it says there.
fn field_of(limit: &LimitPassed, own: &Limits) -> (&'static str, Option<u64>) {
    match limit.option {
        "target_limit" => ("targetLimit", own.target_limit),
        "sample_limit" => ("sampleLimit", own.sample_limit),
        "label_limit" => ("labelLimit", own.label_limit),
        "label_name_length_limit" => ("labelNameLengthLimit", own.label_name_length_limit),
        "label_value_length_limit" => ("labelValueLengthLimit", own.label_value_length_limit),
        "native_histogram_bucket_limit" => {
            ("nativeHistogramBucketLimit", own.native_histogram_bucket_limit)
        }
        "body_size_limit" => {
            let bytes = own.body_size_limit.as_deref().map(model::size::parse_bytes);
            ("bodySizeLimit", bytes.and_then(Result::ok))
        }
        other => (other, None),
    }
}

/// Who sets a limit: the object, or our own settings for all.
fn raise(field: &str, own: Option<u64>, allowed: u64, measured: u64) -> String {
    if own == Some(allowed) {
        return format!("raise spec.{field} above {measured}, or expose less");
    }
    let enforced = format!("enforced{}{}", field[..1].to_ascii_uppercase(), &field[1..]);
    format!("raise {field} or {enforced} in our configuration above {measured}, or expose less")
}

fn scrapes(found: &Explanation, fields: &Fields<'_>) -> Check {
    let (mut up, mut down, mut waiting, mut lossy) = (0, Vec::new(), 0, Vec::new());
    for target in &found.targets {
        let State::Scraped { status, .. } = &target.state else { continue };
        match status.health {
            Health::Unknown => waiting += 1,
            Health::Down => down.push(target),
            Health::Up => {
                up += 1;
                if status.last_error.is_some() {
                    lossy.push(target);
                }
            }
        }
    }
    let all = up + down.len() + waiting;
    let line = |target: &&Explained| {
        format!("{}: {}", name(target), target.state.reason().unwrap_or_default())
    };
    if let [first, rest @ ..] = &*down {
        let message = match down.len() {
            1 if all == 1 => format!("the only target is down: {}", line(first)),
            down => format!("{down} of {all} targets are down; {}", line(first)),
        };
        let fix = match trouble(first) {
            Some((diagnosis, _)) => remedies::of(diagnosis, first, fields),
            None => format!("ask {} by hand", name(first)),
        };
        return Check::fail(SCRAPES, message, fix).with(rest.iter().take(MAX_DETAILS).map(line));
    }
    if all == 0 {
        return Check::skipped(SCRAPES, LIMITS);
    }
    let details = lossy.iter().take(MAX_DETAILS).map(line);
    if waiting > 0 {
        let message = match up {
            0 => format!("{} not been scraped yet", has(all)),
            up => format!("{up} of {all} targets are up, the others not scraped yet"),
        };
        return Check::unknown(SCRAPES, message).with(details);
    }
    let message = match all {
        1 => "the target is up".to_owned(),
        all => format!("all {all} targets are up"),
    };
    Check::pass(SCRAPES, message).with(details)
}

fn has(targets: usize) -> String {
    format!("{} {}", count(targets, "target"), if targets == 1 { "has" } else { "have" })
}

/// How a target is called: by its URL, or its address when it has none.
pub(super) fn name(target: &Explained) -> &str {
    target.url.as_deref().or_else(|| target.discovered.get(ADDRESS)).unwrap_or("")
}

/// The targets of all jobs.
pub(super) fn targets(facts: &Facts) -> Targets {
    let mut out = Targets::default();
    let mut all = Vec::new();
    for job in &facts.jobs {
        let Some(explanation) = &job.explanation else { continue };
        out.discovered += explanation.discovered;
        for target in &explanation.targets {
            *out.states.entry(target.state.as_str()).or_default() += 1;
            all.push((weight(&target.state), &job.name, target));
        }
    }
    all.sort_by_key(|(weight, ..)| *weight);
    out.examples = all
        .into_iter()
        .take(MAX_EXAMPLES)
        .map(|(_, job, target)| Example {
            job: job.clone(),
            target: name(target).to_owned(),
            state: target.state.as_str(),
            reason: target.state.reason(),
        })
        .collect();
    out
}

/// Trouble comes first, what was dropped last.
fn weight(state: &State) -> u8 {
    match state {
        State::Scraped { status, .. } => match status.health {
            Health::Down => 0,
            Health::Up if status.last_error.is_some() => 1,
            Health::Unknown => 3,
            Health::Up => 4,
        },
        State::OverTargetLimit { .. } => 1,
        State::Invalid { .. } => 2,
        State::Duplicate => 5,
        State::Dropped { .. } => 6,
    }
}

/// The outcome as a sentence.
pub(super) fn verdict(facts: &Facts, checks: &[Check], targets: &Targets) -> String {
    let title = facts.title();
    let failed = checks.iter().find(|check| check.failed());
    let unknown = checks.iter().find(|check| check.outcome == Outcome::Unknown);
    if facts.object.kind == crate::plan::MonitorKind::PrometheusRule {
        return match (failed, unknown) {
            (Some(failed), _) => format!("{title}: {}", failed.message),
            (None, Some(unknown)) => format!("{title}: {}", unknown.message),
            (None, None) => format!("{title} is well: {}", last(checks)),
        };
    }
    let in_state = |state: &str| targets.states.get(state).copied().unwrap_or(0);
    let kept = in_state("up") + in_state("down") + in_state("unknown");
    match (kept, failed, unknown) {
        (0, Some(failed), _) => format!("{title} has no targets: {}", failed.message),
        (0, None, Some(unknown)) => format!("{title} has no targets yet: {}", unknown.message),
        (0, None, None) => format!("{title} has no targets"),
        (_, Some(failed), _) => {
            let states = ["up", "down", "unknown"].into_iter();
            let states = states.filter(|state| in_state(state) > 0);
            let states = list(states.map(|state| format!("{} {state}", in_state(state))));
            format!("{title} has {} ({states}): {}", count(kept, "target"), failed.message)
        }
        (kept, None, Some(unknown)) => {
            format!("{title} has {}: {}", count(kept, "target"), unknown.message)
        }
        (kept, None, None) => format!("{title} is well: {} up", count(kept, "target")),
    }
}

fn last(checks: &[Check]) -> &str {
    checks.last().map_or("", |check| &check.message)
}
