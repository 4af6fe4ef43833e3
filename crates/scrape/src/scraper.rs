//! One scrape of one target, from the request to the committed row.

use crate::Shared;
use crate::client::{Ask, Client, FetchError, Page};
use crate::config::Job;
use crate::desk::Lease;
use crate::ingest::{Ingest, PageError, Report, Scene, Tally};
use crate::target::{Health, Status, Target};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Bytes of a page from which on it is long work.
const LONG_PAGE: usize = 1 << 20;
/// The same for a page of which much is expected to be new.
const NEW_PAGE: usize = 64 << 10;
/// Few series were new in the last scrape.
const FEW_NEW: u64 = 500;

/// What a loop is to do.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) job: Arc<Job>,
    pub(crate) target: Arc<Target>,
    /// When set, every scrape fails with it and nobody is asked.
    pub(crate) refused: Option<Arc<str>>,
}

/// Why a scrape failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Refused(Arc<str>),
    #[error("{text}")]
    Fetch { text: String, body_limit: bool },
    #[error("{0}")]
    ContentType(String),
    #[error(transparent)]
    Page(#[from] PageError),
}

/// What is kept from scrape to scrape of one target.
pub(crate) struct Scraper {
    shared: Arc<Shared>,
    client: Client,
    ingest: Ingest,
    job: Option<Arc<Job>>,
    last_start: Option<Instant>,
    /// New series in the last scrape that was read.
    added: u64,
}

impl Scraper {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let client = Client::new(shared.dialer.clone());
        Self { shared, client, ingest: Ingest::new(), job: None, last_start: None, added: u64::MAX }
    }

    /// Takes note of a job's new settings; what lines became is kept unless they decide that.
    pub(crate) fn assign(&mut self, job: &Arc<Job>) {
        if let Some(old) = self.job.replace(job.clone()) {
            let same = old.metric_relabel == job.metric_relabel
                && old.honor_labels == job.honor_labels
                && old.honor_timestamps == job.honor_timestamps
                && old.name_scheme == job.name_scheme
                && old.limits.labels == job.limits.labels
                && old.limits.label_name_bytes == job.limits.label_name_bytes
                && old.limits.label_value_bytes == job.limits.label_value_bytes;
            if !same {
                self.ingest.forget();
            }
            self.client = Client::new(self.shared.dialer.clone());
            self.last_start = None;
        }
    }

    /// Scrapes once; `at_ns` is the time its samples get.
    pub(crate) async fn scrape(&mut self, assignment: &Assignment, at_ns: i64) {
        let started = Instant::now();
        let metrics = self.shared.metrics.clone();
        if let Some(last) = self.last_start.replace(started) {
            let length = started.duration_since(last).as_secs_f64();
            metrics.observe_interval(assignment.target.interval(), length);
        }
        let fetched = self.fetch(assignment).await;
        let length = fetched.as_ref().map_or(0, |page| page.lease.buffers.body().len());
        // Lines that are not known cost some twenty times as much.
        let max_length = if self.added > FEW_NEW { NEW_PAGE } else { LONG_PAGE };
        if length > max_length {
            let desk = self.shared.desk.clone();
            desk.long_work(|| self.finish(assignment, at_ns, started, fetched)).await;
        } else {
            self.finish(assignment, at_ns, started, fetched);
        }
    }

    /// Ends all series of the target.
    pub(crate) fn end(&mut self, assignment: &Assignment, at_ns: i64) {
        let mut lease = self.shared.desk.lease();
        let mut scene = self.shared.scene(assignment, &mut lease, at_ns);
        if let Err(error) = self.ingest.end(&mut scene) {
            tracing::warn!(target = assignment.target.scrape_url(), %error, "cannot end series");
        }
    }

    async fn fetch(&mut self, assignment: &Assignment) -> Result<Page, Failed> {
        if let Some(refused) = &assignment.refused {
            return Err(Failed::Refused(refused.clone()));
        }
        let Assignment { job, target, .. } = assignment;
        let ask = Ask { job, target, user_agent: &self.shared.options.user_agent };
        let patience = Duration::from_millis(target.timeout().ms.unsigned_abs());
        let fetched = timeout(patience, self.client.fetch(&ask, &self.shared.desk)).await;
        let (text, names_request, body_limit) = match fetched {
            Ok(Ok(page)) => return Ok(page),
            Ok(Err(error)) => {
                let body_limit = matches!(error, FetchError::BodyLimit(_));
                (error.to_string(), error.names_request(), body_limit)
            }
            Err(_) => ("context deadline exceeded".to_owned(), !self.client.was_in_body(), false),
        };
        let text =
            if names_request { format!("Get \"{}\": {text}", target.scrape_url()) } else { text };
        Err(Failed::Fetch { text, body_limit })
    }

    /// From the fetched page to the row, without waiting for anything.
    fn finish(
        &mut self,
        assignment: &Assignment,
        at_ns: i64,
        started: Instant,
        fetched: Result<Page, Failed>,
    ) {
        let shared = self.shared.clone();
        let mut tally = Tally::default();
        let mut body_bytes = 0.0;
        let (mut lease, result) = match fetched {
            Ok(Page { content_type, mut lease }) => {
                body_bytes = lease.buffers.body().len() as f64;
                let result = self.read(assignment, &content_type, &mut lease, at_ns, &mut tally);
                (lease, result)
            }
            Err(failed) => (shared.desk.lease(), Err(failed)),
        };
        if matches!(result, Err(Failed::Fetch { body_limit: true, .. })) {
            body_bytes = -1.0;
        }
        let mut scene = shared.scene(assignment, &mut lease, at_ns);
        if result.is_err() {
            self.ingest.nothing(&mut scene);
        }
        let duration_seconds = started.elapsed().as_secs_f64();
        let Tally { scraped, kept, added, .. } = tally;
        let up = result.is_ok();
        let report = Report { up, duration_seconds, scraped, kept, added, body_bytes };
        let stored = self.ingest.commit(&mut scene, &report, &mut tally);
        drop(lease);
        shared.metrics.count(&tally);
        let error: Option<String> = match (&result, &stored) {
            (Err(failed), _) => {
                self.count_failure(failed);
                Some(failed.to_string())
            }
            (Ok(()), Err(error)) => Some(error.to_string()),
            (Ok(()), Ok(())) => None,
        };
        publish(&assignment.target, up, at_ns, duration_seconds, error, &tally);
    }

    fn read(
        &mut self,
        assignment: &Assignment,
        content_type: &str,
        lease: &mut Lease,
        at_ns: i64,
        tally: &mut Tally,
    ) -> Result<(), Failed> {
        let (format, warning) = exposition::negotiate(content_type, assignment.job.fallback)
            .map_err(Failed::ContentType)?;
        if let Some(warning) = warning {
            tracing::debug!(target = assignment.target.scrape_url(), warning, "content type");
        }
        let shared = self.shared.clone();
        let scratch = &mut **lease;
        let mut scene = Scene {
            store: &*shared.store,
            job: &assignment.job,
            target: &assignment.target,
            families: &shared.families,
            row: &mut scratch.row,
            t_ms: at_ns.div_euclid(1_000_000),
        };
        let (counted, result) = self.ingest.page(&mut scene, format, scratch.buffers.body());
        *tally = counted;
        self.added = counted.added.max(counted.refused);
        Ok(result?)
    }

    fn count_failure(&self, failed: &Failed) {
        let metrics = &self.shared.metrics;
        match failed {
            Failed::Fetch { body_limit: true, .. } => metrics.exceeded_body_size.inc(),
            Failed::Page(PageError::SampleLimit { .. }) => metrics.exceeded_sample_limit.inc(),
            Failed::Page(PageError::LabelLimit(_)) => metrics.exceeded_label_limits.inc(),
            _ => {}
        }
    }
}

/// Shows the API how it went, and the log when that is news.
fn publish(
    target: &Target,
    up: bool,
    at_ns: i64,
    duration_seconds: f64,
    error: Option<String>,
    tally: &Tally,
) {
    let health = if up { Health::Up } else { Health::Down };
    let before = target.status.load();
    match &error {
        Some(error) => {
            tracing::debug!(job = target.job(), url = target.scrape_url(), error, "scrape failed");
        }
        None if before.health == Health::Down => {
            tracing::debug!(job = target.job(), url = target.scrape_url(), "target is up again");
        }
        None => {}
    }
    let dropped = tally.duplicates + tally.out_of_order + tally.out_of_bounds + tally.refused;
    if dropped > 0 {
        tracing::debug!(job = target.job(), url = target.scrape_url(), ?tally, "samples dropped");
    }
    target.status.store(Arc::new(Status {
        health,
        last_scrape_ns: Some(at_ns),
        last_duration_seconds: duration_seconds,
        last_error: error.map(Into::into),
    }));
}
