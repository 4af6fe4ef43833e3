//! What people read about Alertmanagers that are in trouble, and how often.

use super::world::{Manner, World, set};
use crate::Options;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    /// Of this thread, on which everything in a test runs.
    fn catch() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let guard = tracing::subscriber::set_default(lines.clone());
        (lines, guard)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("notifier")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
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
    let (lines, _guard) = Lines::catch();
    let world = World::of(&["a:1"]);
    world.alertmanagers.set("a:1", Manner::Answer("500 Internal Server Error", ""));
    world.send(&[("X", 4)]);
    world.pass(600).await;
    let told = lines.take();
    assert!((9..=11).contains(&told.len()), "{told:#?}");
    assert_eq!(
        told[0],
        "ERROR message=alerts not told, tried again alertmanager=\"http://a:1/api/v2/alerts\" \
         count=1 attempts=1 error=\"bad response status 500 Internal Server Error: why\""
    );
    world.alertmanagers.set("a:1", Manner::Hang);
    world.pass(120).await;
    let told = lines.take().pop().unwrap();
    let silent = "error=\"Post \\\"http://a:1/api/v2/alerts\\\": context deadline exceeded\"";
    assert!(told.ends_with(silent), "{told}");
    world.alertmanagers.set("a:1", Manner::Take);
    world.pass(60).await;
    let told = lines.take();
    let back: Vec<_> = told.iter().filter(|line| line.starts_with("INFO")).collect();
    let [back] = back[..] else { panic!("{told:?}") };
    let expected = "INFO message=Alertmanager takes alerts again alertmanager=\"http://a:1";
    assert!(back.starts_with(expected), "{back}");
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_is_told() {
    let (lines, _guard) = Lines::catch();
    let world = World::with(Options { queue_capacity: 2, ..Options::default() });
    world.apply([set("s")]);
    world.discover(&[("s", &["a:1"])]);
    for (i, name) in ["A", "B", "C", "D", "E"].into_iter().enumerate() {
        world.send(&[(name, i64::try_from(i).unwrap())]);
    }
    let url = "alertmanager=\"http://a:1/api/v2/alerts\"";
    let full = "WARN message=queue of alerts full, the oldest are dropped";
    assert_eq!(lines.take(), [format!("{full} {url} count=1")]);
    world.alertmanagers.set("a:1", Manner::Answer("401 Unauthorized", ""));
    world.pass(1).await;
    let refused = "ERROR message=alerts refused, dropped";
    let labels = "example={alertname=\"D\", severity=\"page\"}";
    let told =
        lines.take().pop().unwrap().replace('\\', "").replace("\"{", "{").replace("}\"", "}");
    let why = "error=\"bad response status 401 Unauthorized: why\"";
    assert_eq!(told, format!("{refused} {url} count=2 {labels} {why}"));
    world.alertmanagers.set("a:1", Manner::Hang);
    world.send(&[("F", 1)]);
    world.notifier.shutdown(std::time::Duration::from_secs(1)).await;
    let given_up = "WARN message=alerts not told before the end, dropped";
    assert_eq!(lines.take().pop().unwrap(), format!("{given_up} {url} count=1"));
}
