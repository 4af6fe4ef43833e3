//! One watch: what the API server says becomes what the store holds.

use super::backoff::{Backoff, spread};
use super::log::Log;
use super::metrics::Reason;
use super::object::Read;
use super::observed::observed;
use super::store::{Standing, Store};
use super::trouble::Trouble;
use super::{Key, Scope};
use futures_util::{Stream, StreamExt as _};
use kube::Api;
use kube::runtime::watcher::{self, Config, Event, InitialListStrategy, watcher};
use serde::de::DeserializeOwned;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The server is to end a watch after so many seconds: at least, and at most. Whoever watches much
/// does not begin all of it anew at the same time.
const WATCH_SECONDS: (u32, f64) = (261, 0.11);
/// A streamed list that begins so often and is never complete is asked for in pages.
const MAX_BEGINNINGS: u32 = 3;
/// Answers in a row that say the kind of known objects is gone, until it is believed.
const GONE_FOR_SURE: u32 = 2;

/// Keeps a part of a store up to date; never ends.
pub(super) async fn run<T: DeserializeOwned + Send + Sync + 'static>(
    client: kube::Client,
    store: Arc<Store<T>>,
    part: usize,
    scope: Scope,
) {
    let kind = store.kind();
    let namespace = store.namespaces().swap_remove(part);
    let log = Log::new(kind, namespace.clone().unwrap_or_default(), &scope);
    let connected = {
        let (store, log) = (Arc::clone(&store), log.clone());
        Arc::new(move || {
            if store.connected(part) {
                log.in_sync_again();
            }
        })
    };
    let client = observed(client, store.pace(), connected);
    let api: Api<Read<T>> = match &namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, kind),
        None => Api::all_with(client, kind),
    };
    let backoff = Backoff::new(store.pace());
    let mut watch = Watch { store, part, log, backoff, is_streamed: true, gone: 0 };
    loop {
        let config = watch.config(&scope);
        watch.follow(pin!(watcher(api.clone(), config))).await;
    }
}

struct Watch<T> {
    store: Arc<Store<T>>,
    part: usize,
    log: Log,
    backoff: Backoff,
    /// Whether lists are streamed.
    is_streamed: bool,
    /// Times in a row that the kind was said to be gone.
    gone: u32,
}

impl<T: DeserializeOwned + Send + Sync + 'static> Watch<T> {
    fn config(&self, scope: &Scope) -> Config {
        let (shortest, share) = WATCH_SECONDS;
        let longest = spread(Duration::from_secs(shortest.into()), share).as_secs();
        let mut config = Config::default()
            .page_size(self.store.pace().page)
            .timeout(u32::try_from(longest).unwrap_or(shortest));
        if !scope.labels.is_empty() {
            config = config.labels(&scope.labels);
        }
        if !scope.fields.is_empty() {
            config = config.fields(&scope.fields);
        }
        if self.is_streamed {
            config.initial_list_strategy = InitialListStrategy::StreamingList;
        }
        config
    }

    /// Follows a watcher until another one is needed.
    async fn follow<S>(&mut self, mut events: Pin<&mut S>)
    where
        S: Stream<Item = watcher::Result<Event<Read<T>>>>,
    {
        let (store, part) = (Arc::clone(&self.store), self.part);
        let mut beginnings = 0;
        let mut is_listing = true;
        loop {
            let next = if is_listing && self.is_streamed {
                match timeout(store.pace().stalled, events.next()).await {
                    Ok(next) => next,
                    Err(_) => return self.fall_back("nothing came"),
                }
            } else {
                events.next().await
            };
            // A watcher has no end of its own.
            let Some(event) = next else { return };
            match event {
                Ok(Event::Init) => {
                    is_listing = true;
                    beginnings += 1;
                    if self.is_streamed && beginnings > MAX_BEGINNINGS {
                        return self.fall_back("it is never complete");
                    }
                    if store.begin(part) {
                        store.counts().relists.inc();
                    }
                }
                Ok(Event::InitApply(object)) => self.apply(&object),
                Ok(Event::InitDone) => {
                    (is_listing, beginnings, self.gone) = (false, 0, 0);
                    if store.complete(part) {
                        self.log.in_sync_again();
                    }
                    self.log.listed(store.state().objects);
                    // What was gone took the room of what was left out.
                    if store.has_room_again(part) {
                        return;
                    }
                }
                Ok(Event::Apply(object)) => self.apply(&object),
                Ok(Event::Delete(object)) => {
                    store.delete(part, &object);
                    if store.has_room_again(part) {
                        return;
                    }
                }
                Err(error) => {
                    let trouble = Trouble::of(&error);
                    store.counts().failed(trouble.reason);
                    let is_odd = matches!(trouble.reason, Reason::Refused | Reason::Unreadable);
                    if is_listing && self.is_streamed && is_odd {
                        return self.fall_back(&trouble.text);
                    }
                    if self.wait(trouble, is_listing).await {
                        return;
                    }
                }
            }
        }
    }

    fn apply(&self, object: &Read<T>) {
        let kept = self.store.apply(self.part, object);
        if let Some(Err(error)) = kept.as_deref().map(|held| &held.object) {
            self.log.unreadable(&Key::new(object.namespace(), object.name()), error);
        }
    }

    /// Asks for the next lists in pages.
    fn fall_back(&mut self, why: &str) {
        self.is_streamed = false;
        self.log.not_streamed(why);
    }

    /// Tells of trouble and waits until it is time to try again. True when another watcher is needed.
    async fn wait(&mut self, trouble: Trouble, is_listing: bool) -> bool {
        let (store, part) = (&self.store, self.part);
        let slow = spread(store.pace().slow, 0.1);
        let Trouble { reason, text } = trouble;
        self.gone = if reason == Reason::Absent { self.gone + 1 } else { 0 };
        let (is_news, wait, anew) = match reason {
            Reason::Forbidden => {
                (store.failed(part, Standing::Forbidden, text.clone()), slow, false)
            }
            // Objects that are known do not go by one answer, which may be another server's; and the
            // kinds that every server has never go.
            Reason::Absent
                if !store.is_listed(part)
                    || store.kind().is_custom() && self.gone >= GONE_FOR_SURE =>
            {
                (store.absent(part, text.clone()), slow, true)
            }
            _ => {
                let is_news = store.failed(part, Standing::Behind, text.clone());
                // What has lost its place, or an event, does not find it again by going on.
                let is_lost = matches!(reason, Reason::Expired | Reason::Unreadable);
                (is_news, self.backoff.after_failure(), is_lost && !is_listing)
            }
        };
        match reason {
            _ if !is_news => {}
            Reason::Absent => self.log.absent(&text),
            _ => self.log.interrupted(&text, wait),
        }
        sleep(wait).await;
        anew
    }
}
