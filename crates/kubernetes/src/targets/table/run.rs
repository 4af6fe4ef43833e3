//! Keeping a table: follows the stores and those who come and go.

use super::super::members::{MemberId, Wish};
use super::super::metrics::Metrics;
use super::super::references::{Reference, Referred};
use super::super::role::Role as Found;
use super::super::stores::{Changed, Stores, Subject};
use super::Keeping;
use super::rows::Rows;
use cluster::watch::{Changes, Key, Kind, Watches};
use discovery::kubernetes::Role;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Changes are told after so long without another one…
const QUIET: Duration = Duration::from_millis(200);
/// …but after so long at the latest.
const PATIENCE: Duration = Duration::from_secs(1);
/// Rows that are made before others get a turn.
const AT_ONCE: usize = 32;

/// A table without its rows.
pub(in super::super) type Rest = (Keeping, Vec<(MemberId, Wish)>);

/// Where a table stands.
enum Standing {
    /// Not all objects are known.
    Starting,
    /// Some may not be read, or are of a kind that the server does not know: why.
    Refused(String),
    /// The role has to be found in another way.
    Elsewhere,
    /// All were known; they stay so when the API server goes away.
    Ready,
}

/// A table that is kept.
pub(in super::super) struct Run<R: Found> {
    subject: Subject,
    keeping: Keeping,
    rows: Rows<R>,
    standing: Standing,
    /// The stores that have told of their first objects.
    begun: BTreeSet<Option<Referred>>,
    /// Rows to be made again.
    stale: BTreeSet<Key>,
    /// When the first of them became so, and the last.
    since: Option<(Instant, Instant)>,
    metrics: Arc<Metrics>,
}

impl<R: Found> Run<R> {
    /// Begins to watch, for those who are there already.
    pub(in super::super) fn new(
        subject: Subject,
        watches: &Watches,
        (keeping, members): Rest,
        metrics: Arc<Metrics>,
    ) -> Self {
        let stores = Stores::follow(&subject, watches);
        let mut rows = Rows::new(subject.attach, stores, Arc::clone(&metrics));
        rows.join(members);
        let (standing, begun) = (Standing::Starting, BTreeSet::new());
        let (stale, since) = (BTreeSet::new(), None);
        Self { subject, keeping, rows, standing, begun, stale, since, metrics }
    }

    /// Keeps the table until it is given up, or the role has to be found in another way: then what is
    /// left of it.
    pub(in super::super) async fn run(mut self) -> Option<Rest> {
        self.metrics.tables(R::NAME).add(1.0);
        let mut goes_on = true;
        while !matches!(self.standing, Standing::Elsewhere) {
            let due = self.since.map(|(first, last)| (first + PATIENCE).min(last + QUIET));
            tokio::select! {
                is_news = self.keeping.news() => {
                    goes_on = is_news;
                    if !goes_on {
                        break;
                    }
                    self.meet().await;
                }
                changed = self.rows.stores.changes() => self.follow(changed).await,
                () = until(due) => self.catch_up().await,
            }
        }
        self.metrics.tables(R::NAME).add(-1.0);
        goes_on.then(|| (self.keeping, self.rows.members.into_wishes()))
    }

    /// Lets members come and go. Those who are new get their groups at once.
    async fn meet(&mut self) {
        let (joining, leaving) = self.keeping.take();
        for id in leaving {
            self.rows.leave(id);
        }
        if joining.is_empty() {
            return;
        }
        self.rows.join(joining);
        match self.standing {
            Standing::Starting | Standing::Elsewhere => {}
            Standing::Refused(_) => self.refuse(),
            Standing::Ready => {
                for (i, key) in self.rows.all().iter().enumerate() {
                    pause(i).await;
                    self.rows.assign(key);
                }
                self.rows.tell();
            }
        }
    }

    /// Takes note of what has changed.
    async fn follow(&mut self, changed: Changed) {
        if !matches!(self.standing, Standing::Ready) {
            self.begun.insert(changed.kind);
            return self.stand().await;
        }
        let before = self.stale.len();
        match (changed.changes, changed.kind) {
            (Changes::All, _) => self.stale.extend(self.rows.all()),
            (Changes::Keys(keys), None) => self.stale.extend(keys),
            (Changes::Keys(keys), Some(kind)) => {
                for key in keys {
                    if kind == Referred::Pod && !self.rows.stores.has_pod(&key) {
                        // Its addresses go with what says them, a moment later, and are not
                        // something else until then.
                        continue;
                    }
                    let rows = self.rows.referring(&Reference { kind, key });
                    self.stale.extend(rows.iter().cloned());
                }
            }
        }
        if self.stale.len() > before {
            let now = Instant::now();
            let (first, _) = self.since.unwrap_or((now, now));
            self.since = Some((first, now));
        }
    }

    /// Looks whether all objects are known, or some may not be read.
    async fn stand(&mut self) {
        let states = self.rows.stores.states();
        let refused = states.iter().find_map(|(kind, state)| {
            // What of one namespace is known already says nothing of another.
            let why = if state.synced || !state.settled {
                return None;
            } else if state.absent {
                "the API server does not know this kind"
            } else if !state.forbidden.is_empty() {
                "get, list and watch are forbidden"
            } else {
                return None;
            };
            let resource = if kind.group.is_empty() {
                kind.plural.to_owned()
            } else {
                format!("{}.{}", kind.plural, kind.group)
            };
            let places: Vec<_> =
                state.forbidden.iter().filter(|place| !place.is_empty()).cloned().collect();
            let places =
                if places.is_empty() { "the cluster".to_owned() } else { places.join(", ") };
            Some((*kind, format!("{resource} in {places}: {why}")))
        });
        if let Some((kind, why)) = refused {
            let is_selected = |role| self.subject.selectors.iter().any(|s| s.role == Some(role));
            if *kind == Kind::ENDPOINTS && !is_selected(Role::Endpoints) {
                tracing::info!(
                    component = "kubernetes",
                    reason = why,
                    "targets of the role endpoints are made of EndpointSlices from now on"
                );
                self.standing = Standing::Elsewhere;
                return;
            }
            let is_new = !matches!(&self.standing, Standing::Refused(known) if *known == why);
            if is_new {
                let role = self.subject.role;
                tracing::error!(
                    component = "kubernetes",
                    %role,
                    error = why,
                    "targets cannot be found in the cluster"
                );
                self.standing = Standing::Refused(why);
            }
            self.refuse();
        } else if states.iter().all(|(_, state)| state.synced) && self.begun.len() == states.len() {
            // None of them is still to tell that everything is new.
            self.standing = Standing::Ready;
            self.rows.members.iter_mut().for_each(|member| member.failed = None);
            self.stale = self.rows.all();
            self.catch_up().await;
        }
    }

    /// Tells all members who were not told yet that there is nothing.
    fn refuse(&mut self) {
        for member in self.rows.members.iter_mut() {
            if member.failed.is_none() {
                member.failed = Some(member.wish.metrics.config_failed());
            }
        }
        self.rows.tell_nothing();
    }

    /// Makes the stale rows again and tells who has to know.
    async fn catch_up(&mut self) {
        self.since = None;
        for (i, key) in std::mem::take(&mut self.stale).iter().enumerate() {
            pause(i).await;
            self.rows.remake(key);
        }
        self.rows.tell();
    }
}

/// Lets others have a turn now and then.
async fn pause(i: usize) {
    if i % AT_ONCE == AT_ONCE - 1 {
        tokio::task::yield_now().await;
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
