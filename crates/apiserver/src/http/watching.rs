//! Watches: what happens, line by line.

use super::list::selector;
use super::path::Path;
use super::{Failure, Query, failure, gone};
use crate::kinds::Kind;
use crate::selector::Selector;
use crate::server::Shared;
use crate::store::Event;
use crate::trouble::Fit;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch as newest;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// A bookmark at least so often, to those who want them. A real server takes a minute.
const BOOKMARKS: Duration = Duration::from_secs(1);
/// Watches end after so long unless they say.
const LONGEST: u64 = 3600;
const GARBAGE: &[u8] = b"<html>}{</html>\n";

struct Watch {
    shared: Arc<Shared>,
    kind: &'static Kind,
    namespace: Option<String>,
    selector: Selector,
    version: u64,
    wants_bookmarks: bool,
    waiting: VecDeque<Bytes>,
    newest: newest::Receiver<u64>,
    end: Instant,
    hung_up: CancellationToken,
    fits: newest::Receiver<Option<Fit>>,
    is_over: bool,
    /// What happens next is told as garbage.
    is_garbled: bool,
    /// It does not end but breaks off.
    is_cut: bool,
}

pub(super) fn watch(shared: &Arc<Shared>, path: &Path, query: &Query) -> Result<Response, Failure> {
    let selector = selector(path, query)?;
    let is_set = |name: &str| query.get(name).is_some_and(|value| value == "true" || value == "1");
    let seconds = query.get("timeoutSeconds").and_then(|seconds| seconds.parse().ok());
    let mut watch = Watch {
        shared: Arc::clone(shared),
        kind: path.kind,
        namespace: path.only().map(str::to_owned),
        selector,
        version: 0,
        wants_bookmarks: is_set("allowWatchBookmarks"),
        waiting: VecDeque::new(),
        newest: shared.store.newest(),
        end: Instant::now() + Duration::from_secs(seconds.unwrap_or(LONGEST).clamp(1, LONGEST)),
        hung_up: shared.hang_up.lock().clone(),
        fits: shared.trouble.fits(),
        is_over: false,
        is_garbled: false,
        is_cut: false,
    };
    let from = query.get("resourceVersion").map_or("", String::as_str);
    let wants_objects = is_set("sendInitialEvents");
    if wants_objects && !shared.trouble.begins_with_objects() {
        let message = "sendInitialEvents is forbidden for watch unless the WatchList feature gate \
                       is enabled";
        return Err(failure(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message));
    }
    match from {
        _ if wants_objects => watch.begin_with_objects(true),
        "" | "0" => watch.begin_with_objects(false),
        version => {
            let version = version.parse().map_err(|_| {
                failure(StatusCode::BAD_REQUEST, "BadRequest", "resourceVersion is no number")
            })?;
            watch.version = version;
            if shared.store.since(path.kind, version).is_err() {
                if shared.trouble.refuses_old_versions() {
                    return Err(gone());
                }
                // As a real server has it: the watch begins, and its only event says so.
                watch.waiting.push_back(line("ERROR", &gone().to_value()));
                watch.is_over = true;
            }
        }
    }
    let lines = stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((line, watch))
    });
    let headers = [(header::CONTENT_TYPE, "application/json")];
    Ok((StatusCode::OK, headers, Body::from_stream(lines)).into_response())
}

impl Watch {
    fn begin_with_objects(&mut self, with_end: bool) {
        let (version, all) = self.shared.store.all(self.kind, self.namespace.as_deref());
        for object in all.iter().filter(|object| self.selector.is_match(object)) {
            self.waiting.push_back(line("ADDED", object));
        }
        self.version = version;
        if with_end {
            let mark = json!({"k8s.io/initial-events-end": "true"});
            self.waiting.push_back(self.bookmark(Some(&mark)));
        }
    }

    fn bookmark(&self, annotations: Option<&Value>) -> Bytes {
        let mut meta = json!({"resourceVersion": self.version.to_string()});
        if let Some(annotations) = annotations {
            meta["annotations"] = annotations.clone();
        }
        let object = json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(),
                            "metadata": meta});
        line("BOOKMARK", &object)
    }

    /// The next line; none at the end.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let line = self.line().await;
        let (shared, hung_up) = (Arc::clone(&self.shared), self.hung_up.clone());
        hung_up.run_until_cancelled(shared.trouble.until_not_hung()).await?;
        if line.is_none() && self.is_cut {
            // What was written shall have left before.
            tokio::time::sleep(Duration::from_millis(50)).await;
            return Some(Err(io::Error::other("cut on purpose")));
        }
        line.map(Ok)
    }

    fn has(&mut self, fit: &Fit) {
        self.is_over = !matches!(fit, Fit::GarbledEvent);
        match fit {
            Fit::HalfLine => {
                self.is_cut = true;
                self.waiting.push_back(Bytes::from_static(b"{\"type\":\"MODIFIED\",\"obj"));
            }
            Fit::Garbage => self.waiting.push_back(Bytes::from_static(GARBAGE)),
            Fit::GarbledEvent => self.is_garbled = true,
            Fit::Error(code, reason) => {
                let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
                                    "status": "Failure", "message": "trouble on purpose",
                                    "reason": reason, "code": code});
                self.waiting.push_back(line("ERROR", &status));
            }
        }
    }

    async fn line(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Some(line);
            }
            if self.is_over {
                return None;
            }
            self.newest.borrow_and_update();
            let since = self.shared.store.since(self.kind, self.version);
            // A fit comes before all that happens after it.
            if self.fits.has_changed().is_ok_and(|has_changed| has_changed) {
                let fit = self.fits.borrow_and_update().clone();
                if let Some(fit) = fit {
                    self.has(&fit);
                }
                continue;
            }
            match since {
                Ok((version, events)) => {
                    self.version = version;
                    let times = if self.shared.trouble.is_twice() { 2 } else { 1 };
                    let mut seen: Vec<_> =
                        events.iter().filter_map(|event| self.seen(event)).collect();
                    if let Some(first) = seen.first_mut()
                        && std::mem::take(&mut self.is_garbled)
                    {
                        *first = Bytes::from_static(GARBAGE);
                    }
                    self.waiting
                        .extend(seen.into_iter().flat_map(|line| std::iter::repeat_n(line, times)));
                }
                Err(_) => {
                    self.waiting.push_back(line("ERROR", &gone().to_value()));
                    self.is_over = true;
                }
            }
            if !self.waiting.is_empty() {
                continue;
            }
            tokio::select! {
                () = self.hung_up.cancelled() => return None,
                Ok(()) = self.fits.changed() => self.fits.mark_changed(),
                () = sleep_until(self.end) => return None,
                changed = timeout(BOOKMARKS, self.newest.changed()) => match changed {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    Err(_) if self.wants_bookmarks => {
                        let bookmark = self.bookmark(None);
                        self.waiting.push_back(bookmark);
                    }
                    Err(_) => {}
                },
            }
        }
    }

    /// An event as this watch sees it: what comes to be selected is new, what no longer is has gone.
    fn seen(&self, event: &Event) -> Option<Bytes> {
        let is_here = |object: &Value| {
            let own = object.pointer("/metadata/namespace").and_then(Value::as_str);
            self.namespace.as_deref().is_none_or(|wanted| own == Some(wanted))
                && self.selector.is_match(object)
        };
        let was = event.before.as_deref().is_some_and(is_here);
        let is = event.what != "DELETED" && is_here(&event.object);
        match (was, is) {
            (false, true) => Some(line("ADDED", &event.object)),
            (true, true) => Some(line("MODIFIED", &event.object)),
            (true, false) => Some(line("DELETED", &event.object)),
            (false, false) => None,
        }
    }
}

fn line(what: &str, object: &Value) -> Bytes {
    format!("{{\"type\":\"{what}\",\"object\":{object}}}\n").into()
}
