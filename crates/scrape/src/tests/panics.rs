//! Bugs that end a scrape, wherever they are met: the loop goes on, and others do not notice.

use super::world::{Manner, World};
use crate::{Health, Options, Reason};
use model::Labels;
use std::sync::{Arc, Mutex};
use storage::{AppendError, Appendable, Appended, Column, Exemplar, Group, GroupSpec, Row};
use testkit::MemoryStore;

/// Where the store panics, while somebody wants it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// When this series is opened.
    Column,
    /// When a row with a value of one is stored.
    Append,
    /// Whenever a row is stored.
    Always,
}

#[derive(Clone)]
struct Buggy {
    store: MemoryStore,
    place: Arc<Mutex<Option<Place>>>,
}

struct BuggyGroup {
    group: Box<dyn Group>,
    place: Arc<Mutex<Option<Place>>>,
    is_of_bad: bool,
}

impl Appendable for Buggy {
    fn open_group(&self, spec: &GroupSpec) -> Result<Box<dyn Group>, AppendError> {
        let is_of_bad = spec.common.get("instance") == Some("bad:1");
        Ok(Box::new(BuggyGroup {
            group: self.store.open_group(spec)?,
            place: self.place.clone(),
            is_of_bad,
        }))
    }
}

impl BuggyGroup {
    fn panics_at(&self, place: Place) -> bool {
        self.is_of_bad && *self.place.lock().unwrap() == Some(place)
    }
}

impl Group for BuggyGroup {
    fn column(&mut self, labels: &Labels) -> Result<(Column, bool), AppendError> {
        let is_bug = self.panics_at(Place::Column) && labels.metric_name() == "bug";
        assert!(!is_bug, "a bug for the test, at {labels}");
        self.group.column(labels)
    }

    fn find(&self, labels: &Labels) -> Option<Column> {
        self.group.find(labels)
    }

    fn new_columns(&self) -> usize {
        self.group.new_columns()
    }

    fn take_back(&mut self) -> Option<Column> {
        self.group.take_back()
    }

    fn newest(&self, labels: &Labels) -> Option<(i64, f64)> {
        self.group.newest(labels)
    }

    fn append(&mut self, row: &Row) -> Result<Appended, AppendError> {
        let is_bug = self.panics_at(Place::Append) && row.len() > 5;
        assert!(!is_bug && !self.panics_at(Place::Always), "a bug for the test, in a row");
        self.group.append(row)
    }

    fn add_exemplars(&mut self, column: Column, all: &[Exemplar]) -> Result<usize, AppendError> {
        self.group.add_exemplars(column, all)
    }
}

/// A target whose scrapes end in a bug for a while, beside one whose do not.
async fn check(place: Place, page: String, during: &[(i64, Option<f64>)]) {
    let store = MemoryStore::new();
    let buggy = Buggy { store: store.clone(), place: Arc::default() };
    let world = World::over(Arc::new(buggy.clone()), store, Options::default());
    world.targets.page("good:1", "a 1\n");
    world.targets.page("bad:1", &page);
    world.apply("- {job_name: j, scrape_interval: 10s}");
    world.discover(&[("j", &["good:1", "bad:1"])]);
    world.pass(10_000).await;
    *buggy.place.lock().unwrap() = Some(place);
    world.targets.page("bad:1", &(page.clone() + "bug 1\n"));
    world.pass(20_000).await;
    let (target, status) = (world.target("bad:1"), world.target("bad:1").status());
    assert_eq!(status.health, Health::Down, "{place:?}");
    let error = status.last_error.unwrap();
    assert!(error.starts_with("a bug ended the scrape: a bug for the test"), "{error}");
    let diagnosis = target.diagnosis().unwrap();
    assert_eq!((diagnosis.reason, &*diagnosis.error), (Reason::Panic, &*error));
    if place == Place::Column && page.len() < 100 {
        assert!(diagnosis.body.as_ref().unwrap().text().contains("bug 1"));
    }
    let panics = world.metrics.panics.get();
    assert_eq!(panics, if place == Place::Always { 4 } else { 2 }, "{place:?}");
    *buggy.place.lock().unwrap() = None;
    world.pass(20_000).await;
    let status = world.target("bad:1").status();
    assert_eq!((status.health, status.last_error), (Health::Up, None), "{place:?}");
    assert_eq!(world.metrics.panics.get(), panics);
    let all = world.samples("a", "bad:1");
    let values: Vec<_> = all.iter().map(|(_, value)| *value).collect();
    let expected: Vec<_> = [(0, Some(1.0))].iter().chain(during).map(|(_, value)| *value).collect();
    assert_eq!(values, [&expected[..], &[Some(1.0), Some(1.0)]].concat(), "{place:?}");
    assert_eq!(world.samples("bug", "bad:1").len(), 2);
    assert_eq!(world.samples("a", "good:1").len(), 5);
    assert!(world.manager.shutdown(std::time::Duration::from_secs(1)).await);
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_reading_costs_the_scrape() {
    check(Place::Column, "a 1\n".into(), &[(0, None)]).await;
    // Read in pieces.
    let large: String =
        (0..20_000).map(|i| format!("metric_number_{i}{{l=\"v\"}} {i}\n")).collect();
    check(Place::Column, "a 1\n".to_owned() + &large, &[(0, None)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_storing_costs_the_scrape() {
    check(Place::Append, "a 1\n".into(), &[(0, None)]).await;
    // Nothing can be stored, so nothing ends.
    check(Place::Always, "a 1\n".into(), &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_goes_after_a_bug_leaves_nothing_behind() {
    let store = MemoryStore::new();
    let buggy = Buggy { store: store.clone(), place: Arc::default() };
    let world = World::over(Arc::new(buggy.clone()), store, Options::default());
    world.targets.set("bad:1", Manner::Page("a 1\nbug 1\n".into()));
    world.apply("- {job_name: j, scrape_interval: 10s}");
    world.discover(&[("j", &["bad:1"])]);
    world.pass(10_000).await;
    *buggy.place.lock().unwrap() = Some(Place::Always);
    world.discover(&[("j", &[])]);
    // Ending its series panics as well.
    world.pass(60_000).await;
    assert!(world.metrics.panics.get() > 0);
    *buggy.place.lock().unwrap() = None;
    world.discover(&[("j", &["bad:1"])]);
    world.pass(10_000).await;
    assert_eq!(world.target("bad:1").status().health, Health::Up);
}
