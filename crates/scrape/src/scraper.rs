//! One scrape of one target, from the request to the committed row.

use crate::Shared;
use crate::config::Job;
use crate::desk::{Body, Lease};
use crate::diagnosis::{Diagnosis, LimitPassed, Position, Reason};
use crate::ingest::{Ingest, Loss, New, PageError, Report, Tally};
use crate::metrics::JobMetrics;
use crate::panics::{Panicked, caught, caught_in};
use crate::target::{Health, Noted, Target};
use crate::turns::Claim;
use client::{Answer, Client, FetchError, Method, Place, Request, Session};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Bytes of a body up to which it is read as a whole; a larger one is read as it comes.
const WHOLE: usize = 256 << 10;
/// Bytes from which on a body is read in its turn, when much of it is expected to be new: lines that are
/// not known cost some twenty times as much.
const NEW_WHOLE: usize = 64 << 10;
/// Few series were new in the last scrape.
const FEW_NEW: u64 = 500;
/// Bytes of a body asked for at a time.
const PIECE: usize = 64 << 10;
/// Bytes of a body when the configuration sets no limit.
const HARD_BODY_LIMIT: u64 = 256 << 20;
/// Bytes of an answer that is no page that are kept to be shown.
const MAX_ANSWER: u64 = 64 << 10;

/// What a loop is to do.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) job: Arc<Job>,
    pub(crate) target: Arc<Target>,
    /// What the target's group is found by.
    pub(crate) group_key: Arc<str>,
    /// When set, every scrape fails with it and nobody is asked.
    pub(crate) refused: Option<Arc<str>>,
    pub(crate) metrics: Arc<JobMetrics>,
    /// How the targets of the job are asked.
    pub(crate) client: Client,
}

/// Why a scrape failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Refused(Arc<str>),
    #[error("{text}")]
    Fetch { text: String, reason: Reason, limit: Option<LimitPassed> },
    #[error("{0}")]
    ContentType(String),
    #[error(transparent)]
    Page(#[from] PageError),
    #[error("a bug ended the scrape: {0}")]
    Panic(String),
}

impl Failed {
    fn reason(&self) -> Reason {
        match self {
            Self::Refused(_) => Reason::TargetLimit,
            Self::Fetch { reason, .. } => *reason,
            Self::ContentType(_) => Reason::ContentType,
            Self::Page(error) => error.reason(),
            Self::Panic(_) => Reason::Panic,
        }
    }

    fn limit(&self) -> Option<&LimitPassed> {
        match self {
            Self::Fetch { limit, .. } => limit.as_ref(),
            Self::Page(error) => error.limit(),
            Self::Refused(_) | Self::ContentType(_) | Self::Panic(_) => None,
        }
    }

    fn position(&self) -> Option<Position> {
        match self {
            Self::Page(error) => error.position(),
            _ => None,
        }
    }
}

/// What came of asking.
type Asked = Result<(Tally, Result<Option<Loss>, PageError>), Failed>;

/// What is kept from scrape to scrape of one target.
pub(crate) struct Scraper {
    shared: Arc<Shared>,
    ingest: Ingest,
    /// How the target is asked; `None` before the first assignment.
    way: Option<Way>,
    last_start: Option<Instant>,
    /// New series in the last scrape that was read.
    added: u64,
    /// The last scrape took too long, or brought too much.
    has_overstayed: bool,
}

/// How a target is asked.
struct Way {
    job: Arc<Job>,
    session: Session,
    place: Result<Place, FetchError>,
    timeout: String,
}

impl Way {
    fn new(assignment: &Assignment, session: Session) -> Self {
        let (target, job) = (&assignment.target, assignment.job.clone());
        let url = target.url();
        let socket = target.unix_socket();
        let place = Place::new(&url.scheme, &url.authority, &url.path_and_query, socket);
        let timeout = (target.timeout().ms as f64 / 1000.0).to_string();
        Self { job, session, place, timeout }
    }

    /// Asks for the page; the answer may be of any status.
    async fn send(&mut self) -> Result<Answer<'_>, FetchError> {
        let Self { job, session, place, timeout } = self;
        let place = place.as_ref().map_err(FetchError::clone)?;
        let encoding = if job.enable_compression { "gzip" } else { "identity" };
        let headers = [
            ("Accept", job.accept.as_str()),
            ("Accept-Encoding", encoding),
            ("X-Prometheus-Scrape-Timeout-Seconds", timeout),
        ];
        session.send(&Request { method: Method::Get, place, headers: &headers, body: &[] }).await
    }
}

/// How far asking came before time was over.
#[derive(Default)]
struct Stage {
    /// Set when the head of the answer came.
    in_body: bool,
    /// Room for the body, taken when there is one: targets that do not answer hold none.
    lease: Option<Lease>,
}

impl Scraper {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            ingest: Ingest::new(&shared.kept),
            shared,
            way: None,
            last_start: None,
            added: u64::MAX,
            has_overstayed: false,
        }
    }

    /// Takes note of new settings; what lines became is kept unless they decide that.
    pub(crate) fn assign(&mut self, assignment: &Assignment) {
        let job = &assignment.job;
        let old = self.way.take();
        let session = match old {
            Some(old) => {
                if !reads_alike(&old.job, job) {
                    self.ingest.forget();
                }
                self.last_start = None;
                if old.job.http == job.http { old.session } else { assignment.client.session() }
            }
            None => assignment.client.session(),
        };
        self.way = Some(Way::new(assignment, session));
    }

    /// Scrapes once; `at_ns` is the time its samples get.
    pub(crate) async fn scrape(&mut self, assignment: &Assignment, at_ns: i64) {
        let started = Instant::now();
        if let Some(last) = self.last_start.replace(started) {
            let length = started.duration_since(last).as_secs_f64();
            self.shared.metrics.observe_interval(assignment.target.interval(), length);
        }
        let mut stage = Stage::default();
        let asked = match &assignment.refused {
            Some(refused) => Err(Failed::Refused(refused.clone())),
            None => {
                let patience = assignment.target.timeout().ms.unsigned_abs();
                let deadline = started + Duration::from_millis(patience);
                let asking = caught_in(self.ask(assignment, at_ns, deadline, &mut stage));
                match timeout_at(deadline, asking).await {
                    Ok(Ok(asked)) => asked,
                    Ok(Err(panicked)) => Err(self.begin_anew(assignment, panicked)),
                    Err(_) => Err(late(&assignment.target, &stage)),
                }
            }
        };
        let reported = caught(|| self.report(assignment, at_ns, started, stage, asked));
        let Err(panicked) = reported else { return };
        let failed = self.begin_anew(assignment, panicked);
        let text = failed.to_string();
        let again = || self.report(assignment, at_ns, started, Stage::default(), Err(failed));
        if let Err(panicked) = caught(again) {
            self.begin_anew(assignment, panicked);
            let error = text.into();
            let (reason, limit, body) = (Reason::Panic, None, None);
            let diagnosis = Diagnosis { at_ns, reason, error, limit, body };
            let noted = Noted { at_ns, ..Noted::default() };
            show(&assignment.target, &noted, &Tally::default(), Some(diagnosis));
        }
    }

    /// Ends all series of the target.
    pub(crate) fn end(&mut self, assignment: &Assignment, at_ns: i64) {
        let mut lease = self.shared.desk.lease();
        let shared = self.shared.clone();
        let mut scene = shared.scene(assignment, &mut lease.row, at_ns);
        match caught(|| self.ingest.end(&mut scene)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(target = assignment.target.scrape_url(), %error, "cannot end series");
            }
            Err(panicked) => drop(self.begin_anew(assignment, panicked)),
        }
    }

    /// After a panic: counts and tells it, and begins as if the target had not been met before.
    #[cold]
    fn begin_anew(&mut self, assignment: &Assignment, panicked: Panicked) -> Failed {
        self.shared.metrics.panics.inc();
        let Panicked(panic) = panicked;
        let (job, url) = (assignment.target.job(), assignment.target.scrape_url());
        tracing::error!(job, url, panic, "a bug ended a scrape");
        self.ingest = Ingest::new(&self.shared.kept);
        self.way = None;
        (self.added, self.has_overstayed) = (u64::MAX, false);
        let last_start = self.last_start;
        self.assign(assignment);
        self.last_start = last_start;
        Failed::Panic(panic)
    }

    /// Asks the target and reads its page into the row. A page that is not whole by the deadline is
    /// given up then.
    ///
    /// Cancel safe: nothing is stored before the report.
    async fn ask(
        &mut self,
        assignment: &Assignment,
        at_ns: i64,
        deadline: Instant,
        stage: &mut Stage,
    ) -> Asked {
        let shared = self.shared.clone();
        let way = self.way.as_mut().expect("assigned before");
        let target = &assignment.target;
        let mut answer = way.send().await.map_err(|error| failed(&error, target, 0))?;
        stage.in_body = true;
        let (body, row, share) = stage.lease.insert(shared.desk.lease()).parts();
        let fetched = |body: &Body, error: FetchError| failed(&error, target, body.came());
        if answer.status() != 200 {
            let text = FetchError::Status(answer.status_text()).to_string();
            look_at(answer, body).await;
            return Err(Failed::Fetch { text, reason: Reason::Status, limit: None });
        }
        let limit = match assignment.job.limits.body_bytes {
            0 => HARD_BODY_LIMIT,
            limit => limit,
        };
        answer.set_limit(limit).map_err(|error| fetched(body, error))?;
        let mut is_more = true;
        while is_more && body.bytes.len() <= WHOLE {
            is_more = answer.read(&mut body.bytes, PIECE).await.map_err(|e| fetched(body, e))?;
            if !share.hold(body.bytes.len()) {
                return Err(no_room(body));
            }
        }
        let mut scene = shared.scene(assignment, row, at_ns);
        if body.came() == 0 {
            // Of any type.
            return Ok(self.ingest.page(&mut scene, exposition::Format::Text, &[]));
        }
        let chosen = exposition::negotiate(answer.content_type(), assignment.job.fallback);
        let (format, warning) = chosen.map_err(Failed::ContentType)?;
        if let Some(warning) = warning {
            tracing::debug!(target = assignment.target.scrape_url(), warning, "content type");
        }
        if !is_more {
            let is_new = self.added > FEW_NEW && body.bytes.len() > NEW_WHOLE;
            let ingest = &mut self.ingest;
            let mut read = || ingest.page(&mut scene, format, &body.bytes);
            return Ok(match is_new {
                true => shared.desk.turn(Claim::Whole).await.work(read),
                false => read(),
            });
        }
        let mut reading = match self.ingest.read(&mut scene, format) {
            Ok(reading) => reading,
            Err(error) => return Ok((Tally::default(), Err(error))),
        };
        let claim = shared.desk.turns.claim(self.has_overstayed);
        let mut is_more = true;
        let read = loop {
            let Ok(turn) = timeout_at(deadline, shared.desk.turn(claim)).await else {
                reading.interrupt();
                return Err(late_in_body());
            };
            if !is_more {
                break turn.work(|| reading.finish(body.rest()));
            }
            match turn.work(|| reading.feed(body.rest())) {
                Ok(used) => body.consume(used),
                Err(failure) => break reading.fail(failure),
            }
            let Ok(came) = timeout_at(deadline, answer.read(&mut body.bytes, PIECE)).await else {
                reading.interrupt();
                return Err(late_in_body());
            };
            is_more = came.map_err(|error| fetched(body, error))?;
            if !share.hold(body.bytes.len()) {
                return Err(no_room(body));
            }
        };
        Ok(self.ingest.close(&mut scene, read))
    }

    /// Stores the row with the series about the scrape, and shows how it went; waits for nothing.
    fn report(
        &mut self,
        assignment: &Assignment,
        at_ns: i64,
        started: Instant,
        stage: Stage,
        asked: Asked,
    ) {
        let shared = self.shared.clone();
        let (mut tally, result) = match asked {
            Ok((tally, result)) => (tally, result.map_err(Failed::Page)),
            Err(failed) => (Tally::default(), Err(failed)),
        };
        if matches!(result, Ok(_) | Err(Failed::Page(_))) {
            self.added = tally.added.max(tally.refused);
        }
        self.has_overstayed = matches!(
            result,
            Err(Failed::Fetch { reason: Reason::Timeout | Reason::BodySizeLimit, .. })
        );
        let mut lease = stage.lease.unwrap_or_else(|| shared.desk.lease());
        let body_bytes = match &result {
            Err(Failed::Fetch { reason: Reason::BodySizeLimit, .. }) => -1.0,
            Err(Failed::Fetch { .. } | Failed::Refused(_)) => 0.0,
            _ => lease.body.came() as f64,
        };
        let (body, row, _) = lease.parts();
        let mut scene = shared.scene(assignment, row, at_ns);
        match &result {
            Ok(_) => {}
            Err(Failed::Fetch { reason: Reason::Timeout, .. }) => {
                self.ingest.nothing(&mut scene, New::Keep);
            }
            Err(_) => self.ingest.nothing(&mut scene, New::TakeBack),
        }
        let duration_seconds = started.elapsed().as_secs_f64();
        let Tally { scraped, kept, added, .. } = tally;
        let up = result.is_ok();
        let report = Report { up, duration_seconds, scraped, kept, added, body_bytes };
        let stored = self.ingest.commit(&mut scene, &report, &mut tally);
        shared.metrics.count(&tally);
        let noted = Noted {
            up,
            at_ns,
            duration_seconds,
            scraped,
            kept,
            series: up.then_some(tally.series),
            added,
            refused: tally.refused + tally.over_limit,
            body_bytes: body.came(),
        };
        let trouble = trouble(result, stored.map_err(|error| error.to_string()));
        let diagnosis = trouble.map(|trouble| self.diagnose(assignment, at_ns, body, up, trouble));
        show(&assignment.target, &noted, &tally, diagnosis);
    }

    /// Counts, writes down and keeps what went wrong.
    #[cold]
    fn diagnose(
        &self,
        assignment: &Assignment,
        at_ns: i64,
        body: &Body,
        up: bool,
        trouble: Trouble,
    ) -> Diagnosis {
        let Trouble { reason, error, limit, position } = trouble;
        let (shared, target) = (&self.shared, &assignment.target);
        assignment.metrics.count_trouble(reason);
        if !up {
            match reason {
                Reason::BodySizeLimit => shared.metrics.exceeded_body_size.inc(),
                Reason::SampleLimit => shared.metrics.exceeded_sample_limit.inc(),
                Reason::BucketLimit => shared.metrics.exceeded_bucket_limit.inc(),
                Reason::LabelLimit => shared.metrics.exceeded_label_limits.inc(),
                _ => {}
            }
        }
        if let Some(path) = assignment.job.failure_log.as_deref().filter(|_| !up) {
            let url = target.scrape_url();
            shared.failure_logs.write(path, at_ns, target.job(), &url, &error);
        }
        let body = if up { None } else { shared.excerpts.keep(body.seen(), position) };
        Diagnosis { at_ns, reason, error: error.into(), limit, body }
    }
}

/// Something that went wrong.
struct Trouble {
    reason: Reason,
    error: String,
    limit: Option<LimitPassed>,
    position: Option<Position>,
}

/// What went wrong, if anything did.
fn trouble(result: Result<Option<Loss>, Failed>, stored: Result<(), String>) -> Option<Trouble> {
    match (result, stored) {
        (Err(failed), _) => {
            let (reason, position) = (failed.reason(), failed.position());
            let (error, limit) = (failed.to_string(), failed.limit().cloned());
            Some(Trouble { reason, error, limit, position })
        }
        (Ok(_), Err(error)) => {
            Some(Trouble { reason: Reason::Storage, error, limit: None, position: None })
        }
        (Ok(loss), Ok(())) => loss.map(|Loss { reason, text, limit }| Trouble {
            reason,
            error: text,
            limit,
            position: None,
        }),
    }
}

/// Why there is no page; errors before the body name the request.
fn failed(error: &FetchError, target: &Target, came: u64) -> Failed {
    let text = match error.names_request() {
        true => format!("Get \"{}\": {error}", target.scrape_url()),
        false => error.to_string(),
    };
    match *error {
        FetchError::BodyLimit(allowed) => {
            let (option, measured) = ("body_size_limit", came.max(allowed));
            let limit = Some(LimitPassed { option, allowed, measured, series: None });
            Failed::Fetch { text, reason: Reason::BodySizeLimit, limit }
        }
        _ => Failed::Fetch { text, reason: Reason::Fetch, limit: None },
    }
}

const LATE: &str = "context deadline exceeded";

fn late(target: &Target, stage: &Stage) -> Failed {
    if stage.in_body {
        return late_in_body();
    }
    let text = format!("Get \"{}\": {LATE}", target.scrape_url());
    Failed::Fetch { text, reason: Reason::Timeout, limit: None }
}

fn late_in_body() -> Failed {
    Failed::Fetch { text: LATE.to_owned(), reason: Reason::Timeout, limit: None }
}

fn no_room(body: &Body) -> Failed {
    let len = body.bytes.len();
    let text = format!("no memory for {len} bytes of a body besides those of other targets");
    Failed::Fetch { text, reason: Reason::Fetch, limit: None }
}

/// Reads an answer that is no page, as far as it is small, to show it and to keep the connection.
async fn look_at(mut answer: Answer<'_>, body: &mut Body) {
    if answer.set_limit(MAX_ANSWER).is_err() {
        return;
    }
    // The status is the error, whatever becomes of the body.
    while matches!(answer.read(&mut body.bytes, PIECE).await, Ok(true)) {}
}

/// Whether lines mean the same under both jobs.
fn reads_alike(a: &Job, b: &Job) -> bool {
    a.metric_relabel == b.metric_relabel
        && a.honor_labels == b.honor_labels
        && a.honor_timestamps == b.honor_timestamps
        && a.name_scheme == b.name_scheme
        && a.limits.labels == b.limits.labels
        && a.limits.label_name_bytes == b.limits.label_name_bytes
        && a.limits.label_value_bytes == b.limits.label_value_bytes
        && a.sample_limit_mode == b.sample_limit_mode
        && a.features == b.features
}

/// Shows the API how it went, and the log when that is news.
fn show(target: &Target, noted: &Noted, tally: &Tally, diagnosis: Option<Diagnosis>) {
    let vitals = target.vitals();
    match &diagnosis {
        Some(diagnosis) => {
            let (job, url, error) = (target.job(), target.scrape_url(), &*diagnosis.error);
            tracing::debug!(job, url, error, "scrape failed");
        }
        None if vitals.health() == Health::Down => {
            tracing::debug!(job = target.job(), url = target.scrape_url(), "target is up again");
        }
        None => {}
    }
    let dropped = tally.duplicates + tally.out_of_order + tally.out_of_bounds;
    if dropped > 0 {
        tracing::debug!(job = target.job(), url = target.scrape_url(), ?tally, "samples dropped");
    }
    vitals.note(noted, diagnosis);
}
