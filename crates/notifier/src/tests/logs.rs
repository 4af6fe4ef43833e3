//! What people read about Alertmanagers that are in trouble, and how often.

use super::world::{Manner, World, set};
use crate::Options;
use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    /// Lines of this thread, on which everything in a test runs; `None` when nobody wants them.
    static CAUGHT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Sees to it that lines can be caught. Called before there are any: what logs is asked but once
/// whether somebody listens.
pub(super) fn listen() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| tracing::subscriber::set_global_default(Lines).unwrap());
}

/// The lines since the last call, from the first call on.
fn take() -> Vec<String> {
    CAUGHT.replace(Some(Vec::new())).unwrap_or_default()
}

struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("notifier")
    }

    fn event(&self, event: &Event<'_>) {
        CAUGHT.with_borrow_mut(|lines| {
            let Some(lines) = lines else { return };
            let mut line = Line(event.metadata().level().to_string());
            event.record(&mut line);
            lines.push(line.0);
        });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_once_a_minute_and_its_end_once() {
    take();
    let world = World::of(&["a:1"]);
    world.alertmanagers.set("a:1", Manner::Answer("500 Internal Server Error", ""));
    world.send(&[("X", 4)]);
    world.pass(600).await;
    let told = take();
    assert!((9..=11).contains(&told.len()), "{told:#?}");
    assert_eq!(
        told[0],
        "ERROR message=alerts not told, tried again alertmanager=\"http://a:1/api/v2/alerts\" \
         count=1 attempts=1 error=\"bad response status 500 Internal Server Error: why\""
    );
    world.alertmanagers.set("a:1", Manner::Hang);
    world.pass(120).await;
    let told = take().pop().unwrap();
    let silent = "error=\"Post \\\"http://a:1/api/v2/alerts\\\": context deadline exceeded\"";
    assert!(told.ends_with(silent), "{told}");
    world.alertmanagers.set("a:1", Manner::Take);
    world.pass(60).await;
    let told = take();
    let back: Vec<_> = told.iter().filter(|line| line.starts_with("INFO")).collect();
    let [back] = back[..] else { panic!("{told:?}") };
    let expected = "INFO message=Alertmanager takes alerts again alertmanager=\"http://a:1";
    assert!(back.starts_with(expected), "{back}");
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_is_told() {
    take();
    let world = World::with(Options { queue_capacity: 2, ..Options::default() });
    world.apply([set("s")]);
    world.discover(&[("s", &["a:1"])]);
    for (i, name) in ["A", "B", "C", "D", "E"].into_iter().enumerate() {
        world.send(&[(name, i64::try_from(i).unwrap())]);
    }
    let url = "alertmanager=\"http://a:1/api/v2/alerts\"";
    let full = "WARN message=queue of alerts full, the oldest are dropped";
    assert_eq!(take(), [format!("{full} {url} count=1")]);
    world.alertmanagers.set("a:1", Manner::Answer("401 Unauthorized", ""));
    world.pass(1).await;
    let refused = "ERROR message=alerts refused, dropped";
    let labels = "example={alertname=\"D\", severity=\"page\"}";
    let told = take().pop().unwrap().replace('\\', "").replace("\"{", "{").replace("}\"", "}");
    let why = "error=\"bad response status 401 Unauthorized: why\"";
    assert_eq!(told, format!("{refused} {url} count=2 {labels} {why}"));
    world.alertmanagers.set("a:1", Manner::Hang);
    world.send(&[("F", 1)]);
    world.notifier.shutdown(std::time::Duration::from_secs(1)).await;
    let given_up = "WARN message=alerts not told before the end, dropped";
    assert_eq!(take().pop().unwrap(), format!("{given_up} {url} count=1"));
}
