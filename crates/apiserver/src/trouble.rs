//! What goes wrong on purpose.

use crate::grants::{Deed, Grant};
use crate::kinds::Kind;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::watch;

/// What goes wrong on purpose; may be changed at any time.
#[derive(Debug, Default)]
pub struct Trouble {
    inner: Mutex<Inner>,
    is_hung: watch::Sender<bool>,
    /// What running watches do once; each is a new version.
    fit: watch::Sender<Option<Fit>>,
}

/// What a watch does once, before it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Half a line, and the connection is cut.
    HalfLine,
    /// A line that is no JSON.
    Garbage,
    /// The next event is no JSON; the watch goes on.
    GarbledEvent,
    /// An event that tells of an error: code and reason.
    Error(u16, String),
}

/// Who may not do what, where.
type Forbidden = (Option<String>, String, String);

#[derive(Debug, Default)]
struct Inner {
    status: Option<(u16, Option<u64>)>,
    delay: Duration,
    delay_of_lists: Duration,
    garbage: u32,
    forbidden: HashSet<Forbidden>,
    /// What may be done; everything when nobody said.
    grants: Option<Vec<Grant>>,
    tokens: Option<HashSet<String>>,
    missing: HashSet<&'static str>,
    no_initial_events: bool,
    refuses_old_versions: bool,
    is_twice: bool,
}

impl Trouble {
    /// All requests are answered so, with a `Retry-After` in seconds maybe; `None` ends it.
    pub fn answer_with(&self, status: Option<(u16, Option<u64>)>) {
        self.inner.lock().status = status;
    }

    /// So many of the next requests are answered by what is no JSON, as some proxies do.
    pub fn answer_garbage(&self, requests: u32) {
        self.inner.lock().garbage = requests;
    }

    /// All requests are answered so much later.
    pub fn delay(&self, delay: Duration) {
        self.inner.lock().delay = delay;
    }

    /// Each piece of a list is answered so much later.
    pub fn delay_lists(&self, delay: Duration) {
        self.inner.lock().delay_of_lists = delay;
    }

    /// Who asks may not do this anywhere: a verb and the plural of a kind; `*` for any verb.
    pub fn forbid(&self, verb: &str, plural: &str) {
        self.inner.lock().forbidden.insert((None, verb.to_owned(), plural.to_owned()));
    }

    /// Who asks may do it again.
    pub fn allow(&self, verb: &str, plural: &str) {
        self.inner.lock().forbidden.remove(&(None, verb.to_owned(), plural.to_owned()));
    }

    /// Who asks may not do this in a namespace, and so not in all of them at once.
    pub fn forbid_in(&self, namespace: &str, verb: &str, plural: &str) {
        let place = Some(namespace.to_owned());
        self.inner.lock().forbidden.insert((place, verb.to_owned(), plural.to_owned()));
    }

    /// Who asks may do it again.
    pub fn allow_in(&self, namespace: &str, verb: &str, plural: &str) {
        let place = Some(namespace.to_owned());
        self.inner.lock().forbidden.remove(&(place, verb.to_owned(), plural.to_owned()));
    }

    /// Who asks may do only what the roles among these objects allow.
    pub fn grant(&self, objects: &[Value]) {
        self.inner.lock().grants = Some(objects.iter().flat_map(Grant::of).collect());
    }

    /// Only these tokens are good from now on.
    pub fn tokens<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) {
        self.inner.lock().tokens = Some(tokens.into_iter().map(str::to_owned).collect());
    }

    /// The definition of a custom kind is not there; objects of it stay.
    pub fn undefine(&self, plural: &'static str) {
        self.inner.lock().missing.insert(plural);
    }

    /// It is there again.
    pub fn define(&self, plural: &'static str) {
        self.inner.lock().missing.remove(plural);
    }

    /// Watches cannot begin with what is there, as before Kubernetes 1.32.
    pub fn no_initial_events(&self, no: bool) {
        self.inner.lock().no_initial_events = no;
    }

    /// Watches from a version that is no longer known are not begun to tell so, but answered 410, as by
    /// some servers that only speak like Kubernetes.
    pub fn refuse_old_versions(&self, is_so: bool) {
        self.inner.lock().refuses_old_versions = is_so;
    }

    /// Watches tell everything twice.
    pub fn tell_twice(&self, is_twice: bool) {
        self.inner.lock().is_twice = is_twice;
    }

    /// Watches send no byte more and do not end, until it is over; what happened meanwhile comes then.
    pub fn hang_watches(&self, is_hung: bool) {
        self.is_hung.send_replace(is_hung);
    }

    /// All watches that run do this, and end, if it does not say otherwise.
    pub fn fit(&self, fit: Fit) {
        self.fit.send_replace(Some(fit));
    }

    pub(crate) fn status(&self) -> Option<(u16, Option<u64>)> {
        self.inner.lock().status
    }

    /// Whether this request is answered by garbage.
    pub(crate) fn takes_garbage(&self) -> bool {
        let mut inner = self.inner.lock();
        let is_so = inner.garbage > 0;
        inner.garbage = inner.garbage.saturating_sub(1);
        is_so
    }

    pub(crate) fn delayed(&self) -> Duration {
        self.inner.lock().delay
    }

    pub(crate) fn delay_of_lists(&self) -> Duration {
        self.inner.lock().delay_of_lists
    }

    pub(crate) fn is_allowed(&self, deed: Deed) -> bool {
        let inner = self.inner.lock();
        let is_forbidden = inner.forbidden.iter().any(|(place, verb, what)| {
            let is_here = |place: &str| place == deed.namespace || deed.namespace.is_empty();
            let is_here = place.as_deref().is_none_or(is_here);
            is_here && what == deed.resource && (verb == deed.verb || verb == "*")
        });
        let grants = inner.grants.as_ref();
        !is_forbidden && grants.is_none_or(|grants| grants.iter().any(|grant| grant.allows(deed)))
    }

    pub(crate) fn knows(&self, token: Option<&str>) -> bool {
        let inner = self.inner.lock();
        inner.tokens.as_ref().is_none_or(|all| token.is_some_and(|token| all.contains(token)))
    }

    pub(crate) fn is_defined(&self, kind: &Kind) -> bool {
        !kind.is_custom || !self.inner.lock().missing.contains(kind.plural)
    }

    pub(crate) fn begins_with_objects(&self) -> bool {
        !self.inner.lock().no_initial_events
    }

    pub(crate) fn refuses_old_versions(&self) -> bool {
        self.inner.lock().refuses_old_versions
    }

    pub(crate) fn is_twice(&self) -> bool {
        self.inner.lock().is_twice
    }

    pub(crate) async fn until_not_hung(&self) {
        // The sender is our own, so that it does not end meanwhile.
        self.is_hung.subscribe().wait_for(|is_hung| !is_hung).await.ok();
    }

    pub(crate) fn fits(&self) -> watch::Receiver<Option<Fit>> {
        self.fit.subscribe()
    }
}
