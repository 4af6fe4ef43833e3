//! What goes wrong on purpose.

use crate::kinds::Kind;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::time::Duration;

/// What goes wrong on purpose; may be changed at any time.
#[derive(Debug, Default)]
pub struct Trouble(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    status: Option<(u16, Option<u64>)>,
    delay: Duration,
    forbidden: HashSet<(String, String)>,
    tokens: Option<HashSet<String>>,
    missing: HashSet<&'static str>,
    no_initial_events: bool,
}

impl Trouble {
    /// All requests are answered so, with a `Retry-After` in seconds maybe; `None` ends it.
    pub fn answer_with(&self, status: Option<(u16, Option<u64>)>) {
        self.0.lock().status = status;
    }

    /// All requests are answered so much later.
    pub fn delay(&self, delay: Duration) {
        self.0.lock().delay = delay;
    }

    /// Who asks may not do this: a verb and the plural of a kind; `*` for any verb.
    pub fn forbid(&self, verb: &str, plural: &str) {
        self.0.lock().forbidden.insert((verb.to_owned(), plural.to_owned()));
    }

    /// Who asks may do it again.
    pub fn allow(&self, verb: &str, plural: &str) {
        self.0.lock().forbidden.remove(&(verb.to_owned(), plural.to_owned()));
    }

    /// Only these tokens are good from now on.
    pub fn tokens<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) {
        self.0.lock().tokens = Some(tokens.into_iter().map(str::to_owned).collect());
    }

    /// The definition of a custom kind is not there; objects of it stay.
    pub fn undefine(&self, plural: &'static str) {
        self.0.lock().missing.insert(plural);
    }

    /// It is there again.
    pub fn define(&self, plural: &'static str) {
        self.0.lock().missing.remove(plural);
    }

    /// Watches cannot begin with what is there, as before Kubernetes 1.32.
    pub fn no_initial_events(&self, no: bool) {
        self.0.lock().no_initial_events = no;
    }

    pub(crate) fn status(&self) -> Option<(u16, Option<u64>)> {
        self.0.lock().status
    }

    pub(crate) fn delayed(&self) -> Duration {
        self.0.lock().delay
    }

    pub(crate) fn is_allowed(&self, verb: &str, plural: &str) -> bool {
        let inner = self.0.lock();
        let is_forbidden =
            |verb: &str| inner.forbidden.contains(&(verb.to_owned(), plural.to_owned()));
        !is_forbidden(verb) && !is_forbidden("*")
    }

    pub(crate) fn knows(&self, token: Option<&str>) -> bool {
        let inner = self.0.lock();
        inner.tokens.as_ref().is_none_or(|all| token.is_some_and(|token| all.contains(token)))
    }

    pub(crate) fn is_defined(&self, kind: &Kind) -> bool {
        !kind.is_custom || !self.0.lock().missing.contains(kind.plural)
    }

    pub(crate) fn begins_with_objects(&self) -> bool {
        !self.0.lock().no_initial_events
    }
}
