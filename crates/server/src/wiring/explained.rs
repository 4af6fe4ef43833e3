//! What scraping tells of the way of its targets, in the shape of the API.

use api::explain::{
    Choice, Diagnosis, ExplainedJob, ExplainedTarget, LabelMap, LimitPassed, Page, Position,
    Scrapes, Step,
};
use model::Labels;
use scrape::{Excerpt, Explained, Explanation, State, Status};

/// Counts the states of all targets, and tells of those that were chosen.
pub(super) fn job(found: &Explanation, choice: &Choice) -> ExplainedJob {
    let Explanation { job, discovered, targets, left_out } = found;
    let mut told = ExplainedJob {
        job: job.clone(),
        discovered: *discovered,
        left_out: *left_out,
        ..ExplainedJob::default()
    };
    for found in targets {
        let state = found.state.as_str();
        *told.states.entry(state.to_owned()).or_default() += 1;
        if !choice.state.is_empty() && choice.state != state {
            continue;
        }
        if told.targets.len() < choice.limit {
            told.targets.push(target(found));
        } else {
            told.left_out += 1;
        }
    }
    told
}

fn target(found: &Explained) -> ExplainedTarget {
    let (scrapes, diagnosis) = match &found.state {
        State::Scraped { status, diagnosis } => (
            Some(self::scrapes(status)),
            diagnosis.as_deref().map(|last| self::diagnosis(last, status, true)),
        ),
        _ => (None, None),
    };
    ExplainedTarget {
        state: found.state.as_str().to_owned(),
        reason: found.state.reason(),
        scrape_url: found.url.clone(),
        labels: found.labels.as_ref().map(labels),
        source: found.source.clone(),
        discovered_labels: labels(&found.discovered),
        steps: found.steps.iter().map(step).collect(),
        scrapes,
        diagnosis,
    }
}

fn step(step: &scrape::Step) -> Step {
    Step {
        rule: step.rule,
        text: step.text.clone(),
        outcome: step.outcome.as_str().to_owned(),
        before: labels(&step.before),
        after: labels(&step.after),
    }
}

fn labels(labels: &Labels) -> LabelMap {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(super) fn scrapes(status: &Status) -> Scrapes {
    let counts = &status.counts;
    Scrapes {
        last_scrape: status.last_scrape_ns.map(time),
        last_scrape_duration: status.last_duration_seconds,
        total: counts.scrapes,
        failed: counts.failures,
        samples: counts.scraped,
        samples_kept: counts.kept,
        samples_refused: counts.refused,
        series: counts.series,
        series_added: counts.added,
        series_added_total: counts.added_total,
        body_bytes: counts.body_bytes,
    }
}

/// The last thing that went wrong, with what is kept of the page or without.
pub(super) fn diagnosis(last: &scrape::Diagnosis, status: &Status, with_page: bool) -> Diagnosis {
    Diagnosis {
        current: status.last_error.is_some(),
        at: time(last.at_ns),
        reason: last.reason.as_str().to_owned(),
        error: last.error.to_string(),
        limit: last.limit.as_ref().map(|limit| LimitPassed {
            option: limit.option.to_owned(),
            allowed: limit.allowed,
            measured: limit.measured,
            series: limit.series.clone(),
        }),
        page: last.body.as_ref().filter(|_| with_page).map(page),
    }
}

fn page(excerpt: &Excerpt) -> Page {
    Page {
        position: excerpt.position.map(|at| {
            let scrape::Position { line, column, offset } = at;
            Position { line, column, offset }
        }),
        start: excerpt.start,
        came: excerpt.came,
        text: excerpt.text().into_owned(),
    }
}

/// RFC 3339.
fn time(t_ns: i64) -> String {
    let at = jiff::Timestamp::from_nanosecond(t_ns.into());
    at.map_or_else(|_| String::new(), |at| at.to_string())
}
