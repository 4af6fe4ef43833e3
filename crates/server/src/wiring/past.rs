//! Rules over history, as the API asks for them: over the database, on the caller's thread, which gives
//! way to all others.

use super::host::Server;
use super::settings;
use crate::clock;
use crate::flags::Serve;
use api::history::{
    Backfill, BackfilledRule, Backtest, Evaluated, Failure, History, Job, Progress, TestedAlert,
    TestedAlerts, TestedRecord, TestedRule, Watch, rfc3339,
};
use api::{ApiError, Kind};
use model::Labels;
use model::float;
use promql::Control;
use rules::file::{Options, RuleFile};
use rules::history::{
    BackfillError, Episode, Past, Progress as Step, Recorded, Stopped, Tally, Tested,
};
use rules::{LoadedFile, RuleKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tsdb::{Batch, Db, ImportError, Imported};

/// Evaluations of a rule at most: a year of every 15 seconds, and more.
const MAX_STEPS: i64 = 4_000_000;
/// How nice the thread is to others; nobody can be nicer.
const NICE: i32 = 19;
/// Time between two lines about progress.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Evaluates rules over the database.
pub(super) struct OverHistory {
    pub(super) db: Db,
    pub(super) server: Arc<Server>,
    pub(super) flags: Serve,
    pub(super) external_url: String,
}

impl OverHistory {
    /// What both questions begin with.
    fn prepare(&self, job: &Job) -> Result<(Vec<LoadedFile>, rules::Settings), ApiError> {
        // One that may not be nicer is as fast as others.
        rustix::process::setpriority_process(None, NICE).ok();
        let loaded = self.server.loaded.load();
        let mut settings = settings::rules(&self.flags, &loaded, &self.external_url);
        settings.interval_ms = job.interval_ms.unwrap_or(settings.interval_ms);
        let options = Options { features: job.features, ..Options::default() };
        let (mut files, mut faults) = (Vec::new(), Vec::new());
        for file in &job.files {
            match RuleFile::parse(&file.text, &options) {
                Ok(groups) => {
                    let name = known_name(&file.name, &loaded.rule_files);
                    files.push(LoadedFile { name, groups: Arc::new(groups) });
                }
                Err(found) => {
                    let name = &file.name;
                    faults.extend(found.iter().map(|fault| format!("{name}:{fault}")));
                }
            }
        }
        if !faults.is_empty() {
            return Err(ApiError::bad_data(faults.join("\n")));
        }
        for group in files.iter().flat_map(|file| &file.groups.groups) {
            let interval_ms = group.interval_ms.unwrap_or(settings.interval_ms).max(1);
            if (job.to_ms - job.from_ms) / interval_ms > MAX_STEPS {
                let name = &group.name;
                let message = format!("group {name:?}: more than {MAX_STEPS} evaluations");
                return Err(ApiError::bad_data(message));
            }
        }
        Ok((files, settings))
    }

    fn past<'a>(
        &self,
        job: &'a Job,
        (files, settings): &'a (Vec<LoadedFile>, rules::Settings),
        control: &'a Control,
    ) -> Past<'a> {
        let (from_ms, to_ms, engine) = (job.from_ms, job.to_ms, &job.engine);
        let store = Arc::new(self.db.clone());
        Past { files, settings, engine, store, from_ms, to_ms, control }
    }
}

impl History for OverHistory {
    fn backtest(&self, job: &Job, watch: &mut dyn Watch) -> Result<Backtest, ApiError> {
        let control = watch.control().clone();
        let prepared = self.prepare(job)?;
        let past = self.past(job, &prepared, &control);
        let tested = rules::history::backtest(&past, &mut telling(watch)).map_err(stopped)?;
        let rules = tested.into_iter().map(|tested| self::tested(tested, &job.files)).collect();
        let stored_from = self.db.oldest_ms().filter(|oldest_ms| *oldest_ms > job.from_ms);
        Ok(Backtest { from: job.from_ms, to: job.to_ms, stored_from, rules })
    }

    fn backfill(&self, job: &Job, watch: &mut dyn Watch) -> Result<Backfill, ApiError> {
        if let Some(oldest_ms) = self.db.oldest_kept_ms(clock::now_ms())
            && job.from_ms < oldest_ms
        {
            let oldest = rfc3339::text(oldest_ms);
            let cause =
                format!("samples are kept from {oldest} on; what is older would be dropped");
            return Err(ApiError::parameter("from", cause));
        }
        let control = watch.control().clone();
        let prepared = self.prepare(job)?;
        let past = self.past(job, &prepared, &control);
        let mut all = Imported::default();
        let take =
            |recorded: Vec<Recorded>| -> Result<(), ImportError> {
                let batches = recorded
                    .into_iter()
                    .map(|Recorded { key, apart_ms, series }| Batch { key, apart_ms, series });
                let piece = self.db.import(batches.collect(), clock::now_ms())?;
                all.samples += piece.samples;
                all.known += piece.known;
                all.blocks += piece.blocks;
                Ok(())
            };
        let done = rules::history::backfill(&past, &mut telling(watch), take);
        tracing::info!(
            component = "rules",
            from = %rfc3339::text(job.from_ms),
            to = %rfc3339::text(job.to_ms),
            samples = all.samples,
            known = all.known,
            blocks = all.blocks,
            is_whole = done.is_ok(),
            "rules were recorded over history"
        );
        let done = done.map_err(|error| match error {
            BackfillError::Stopped(why) => stopped(why),
            BackfillError::Store(ImportError::Db(error)) => ApiError::internal(error),
            BackfillError::Store(error) => ApiError::new(Kind::Execution, error.to_string()),
        })?;
        let rules = done.into_iter().map(|done| {
            let samples = done.tally.samples;
            BackfilledRule { rule: evaluated(done.tally, &job.files), samples }
        });
        let all_rules = prepared.0.iter().flat_map(|file| &file.groups.groups);
        let kinds = all_rules.flat_map(|group| group.rules.iter().map(|rule| &rule.kind));
        Ok(Backfill {
            from: job.from_ms,
            to: job.to_ms,
            rules: rules.collect(),
            alerting_rules: kinds.filter(|kind| **kind != rules::file::Kind::Record).count() as u64,
            samples: all.samples,
            known: all.known,
            blocks: all.blocks as u64,
        })
    }
}

/// The name by which the server knows a file, so that its groups have their places in time.
fn known_name(name: &str, loaded: &[LoadedFile]) -> String {
    let path = std::fs::canonicalize(name).ok();
    let same = loaded.iter().find(|known| {
        known.name == name || (path.is_some() && std::fs::canonicalize(&known.name).ok() == path)
    });
    same.map_or(name, |known| &known.name).to_owned()
}

fn telling(watch: &mut dyn Watch) -> impl FnMut(Step<'_>) -> bool {
    let mut last: Option<Instant> = None;
    move |step| {
        if last.is_some_and(|last| last.elapsed() < TELL_EVERY) {
            return true;
        }
        last = Some(Instant::now());
        let at = rfc3339::text(step.at_ms.div_euclid(1000) * 1000);
        let doing = format!("{at} {}: {}", step.group, step.rule);
        watch.tell(Progress { done: step.done, doing })
    }
}

fn stopped(why: Stopped) -> ApiError {
    let kind = match why {
        Stopped::Canceled => Kind::Canceled,
        Stopped::TooMuch(_) => Kind::Execution,
    };
    ApiError::new(kind, why.to_string())
}

fn evaluated(tally: Tally, files: &[api::history::File]) -> Evaluated {
    // People know a file by the name they gave.
    let given = files.iter().find(|file| {
        file.name == *tally.file
            || std::fs::canonicalize(&*tally.file).ok().as_deref() == Some(file.name.as_ref())
    });
    Evaluated {
        file: given.map_or_else(|| tally.file.to_string(), |file| file.name.clone()),
        group: tally.group.to_string(),
        name: tally.rule.name.clone(),
        query: tally.rule.query.clone(),
        evaluations: tally.evaluations,
        failures: tally.failures,
        first_failure: tally
            .first_failure
            .map(|(at, error)| Failure { at, error: error.to_string() }),
    }
}

fn tested(tested: Tested, files: &[api::history::File]) -> TestedRule {
    let Tested { tally, raised } = tested;
    let samples = tally.samples;
    let kind = tally.rule.kind.clone();
    let rule = evaluated(tally, files);
    let (RuleKind::Alerting { for_ms, keep_firing_for_ms, .. }, Some(raised)) = (kind, raised)
    else {
        return TestedRule::Recording(TestedRecord { rule, samples });
    };
    TestedRule::Alerting(TestedAlerts {
        rule,
        duration: for_ms as f64 / 1e3,
        keep_firing_for: keep_firing_for_ms as f64 / 1e3,
        alerts: raised.episodes.into_iter().map(alert).collect(),
        omitted: raised.omitted,
    })
}

fn alert(episode: Episode) -> TestedAlert {
    let mut value = String::new();
    float::write_json(&mut value, episode.value).expect("a string takes text");
    TestedAlert {
        labels: map(&episode.labels),
        annotations: episode.annotations.iter().cloned().collect(),
        value,
        pending_from: episode.pending_from_ms,
        firing_from: episode.firing_from_ms,
        resolved_at: episode.resolved_at_ms,
        at_start: episode.at_start,
    }
}

fn map(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
