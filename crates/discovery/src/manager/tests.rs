use super::*;
use crate::ADDRESS;
use model::Labels;
use model::metrics::{Collect, Kind, Visitor};
use std::sync::atomic::AtomicUsize;

/// Hands over what a test tells it to.
struct Fake {
    identity: &'static str,
    secret: u32,
    prompt: bool,
    /// How often its identity was asked for.
    named: AtomicUsize,
    told: watch::Receiver<Option<Vec<Group>>>,
    started: AtomicUsize,
    ended: AtomicUsize,
}

type Tell = watch::Sender<Option<Vec<Group>>>;

fn fake(identity: &'static str) -> (Arc<Fake>, Tell) {
    let (tell, told) = watch::channel(None);
    let [named, started, ended] = [0; 3].map(AtomicUsize::new);
    (Arc::new(Fake { identity, secret: 0, prompt: false, named, told, started, ended }), tell)
}

impl Fake {
    fn counts(&self) -> (usize, usize) {
        (self.started.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst))
    }
}

impl Discoverer for Fake {
    fn identity(&self) -> String {
        self.named.fetch_add(1, Ordering::SeqCst);
        self.identity.to_owned()
    }

    fn same(&self, other: &dyn Discoverer) -> bool {
        (other as &dyn Any).downcast_ref().is_some_and(|other: &Self| other.secret == self.secret)
    }

    fn is_prompt(&self) -> bool {
        self.prompt
    }

    fn run(self: Arc<Self>, output: Output, stop: CancellationToken) -> Running {
        Box::pin(async move {
            self.started.fetch_add(1, Ordering::SeqCst);
            let mut told = self.told.clone();
            told.mark_changed();
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    changed = told.changed() => if changed.is_err() { break },
                }
                let groups = told.borrow_and_update().clone();
                if let Some(groups) = groups {
                    output.send(groups);
                }
            }
            self.ended.fetch_add(1, Ordering::SeqCst);
        })
    }
}

fn groups(addresses: &[&str]) -> Vec<Group> {
    let targets = addresses.iter().map(|address| Labels::from_pairs([(ADDRESS, address)]));
    vec![Group { source: "0".to_owned(), labels: Labels::empty(), targets: targets.collect() }]
}

fn job(name: &str, fakes: &[&Arc<Fake>]) -> Job {
    let discoverers = fakes.iter().map(|fake| Arc::clone(fake) as Arc<dyn Discoverer>);
    Job { name: name.to_owned(), discoverers: discoverers.collect() }
}

/// `job: address address, job: ...`
fn print(snapshot: &Snapshot) -> String {
    let address = |target: &Labels| target.get(ADDRESS).unwrap_or("?").to_owned();
    let job = |(name, groups): (&String, &Groups)| {
        let targets = groups.iter().flat_map(|group| &group.targets).map(address);
        let targets: Vec<_> = targets.collect();
        format!("{name}: {}", targets.join(" "))
    };
    snapshot.jobs.iter().map(job).collect::<Vec<_>>().join(", ")
}

type Snapshots = watch::Receiver<Arc<Snapshot>>;

/// Waits until the newest snapshot is this one; the clock is not a real one.
async fn wait_for(snapshots: &mut Snapshots, expected: &str) -> Arc<Snapshot> {
    let found = snapshots.wait_for(|snapshot| print(snapshot) == expected);
    let found = tokio::time::timeout(Duration::from_secs(3600), found).await;
    match found.map(|found| found.map(|snapshot| Arc::clone(&snapshot))) {
        Ok(Ok(snapshot)) => snapshot,
        _ => panic!("{}, not {expected}", print(&snapshots.borrow())),
    }
}

const INTERVAL: Duration = Duration::from_secs(5);

fn start() -> (Manager, Snapshots, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new("scrape"));
    let manager = Manager::start(INTERVAL, Arc::clone(&metrics));
    let snapshots = manager.snapshots();
    (manager, snapshots, metrics)
}

#[tokio::test(start_paused = true)]
async fn what_is_new_comes_at_once_and_what_changes_waits() {
    let (manager, mut snapshots, metrics) = start();
    let ((one, tell_one), (two, tell_two)) = (fake("1"), fake("2"));
    let begin = Instant::now();
    manager.apply(vec![job("a", &[&one, &two])]);
    wait_for(&mut snapshots, "a: ").await;
    tell_one.send_replace(Some(groups(&["x"])));
    wait_for(&mut snapshots, "a: x").await;
    tell_two.send_replace(Some(groups(&["y"])));
    wait_for(&mut snapshots, "a: x y").await;
    assert_eq!(begin.elapsed(), Duration::ZERO);

    let updates = metrics.updates.get();
    for i in 0..10 {
        tell_one.send_replace(Some(groups(&[&format!("x{i}")])));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    wait_for(&mut snapshots, "a: x9 y").await;
    let waited = begin.elapsed();
    assert!(waited >= INTERVAL && waited < INTERVAL + Duration::from_millis(10), "{waited:?}");
    assert_eq!(metrics.updates.get(), updates + 1);

    tokio::time::sleep(10 * INTERVAL).await;
    assert_eq!(metrics.updates.get(), updates + 1);
    let quiet = Instant::now();
    tell_two.send_replace(Some(groups(&["z"])));
    wait_for(&mut snapshots, "a: x9 z").await;
    assert_eq!(quiet.elapsed(), Duration::ZERO);
    manager.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_prompt_waits_less() {
    let (manager, mut snapshots, metrics) = start();
    let ((one, tell_one), (mut two, tell_two)) = (fake("1"), fake("2"));
    Arc::get_mut(&mut two).expect("nobody else has it").prompt = true;
    for tell in [&tell_one, &tell_two] {
        tell.send_replace(Some(groups(&["x"])));
    }
    manager.apply(vec![job("a", &[&one, &two])]);
    wait_for(&mut snapshots, "a: x x").await;
    let (begin, updates) = (Instant::now(), metrics.updates.get());
    // The other one waits no longer either.
    tell_one.send_replace(Some(groups(&["y"])));
    tell_two.send_replace(Some(groups(&["y"])));
    wait_for(&mut snapshots, "a: y y").await;
    let waited = begin.elapsed();
    assert!(waited >= PROMPT && waited < PROMPT + Duration::from_millis(10), "{waited:?}");
    assert_eq!(metrics.updates.get(), updates + 1);
    let begin = Instant::now();
    tell_one.send_replace(Some(groups(&["z"])));
    wait_for(&mut snapshots, "a: z y").await;
    assert!(begin.elapsed() >= INTERVAL, "{:?}", begin.elapsed());
    manager.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_discoverer_is_named_once() {
    let (manager, mut snapshots, _) = start();
    let ((one, tell_one), (equal, _)) = (fake("1"), fake("1"));
    tell_one.send_replace(Some(groups(&["x"])));
    for _ in 0..3 {
        manager.apply(vec![job("a", &[&one]), job("b", &[&equal])]);
        wait_for(&mut snapshots, "a: x, b: x").await;
    }
    let named = |fake: &Arc<Fake>| fake.named.load(Ordering::SeqCst);
    assert_eq!((named(&one), named(&equal)), (1, 1));
    manager.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn equal_configurations_share_one_run_and_survive_a_reload() {
    let (manager, mut snapshots, _) = start();
    let ((one, tell_one), (same, _)) = (fake("1"), fake("1"));
    tell_one.send_replace(Some(groups(&["x"])));
    manager.apply(vec![job("a", &[&one]), job("b", &[&same])]);
    let before = wait_for(&mut snapshots, "a: x, b: x").await;
    assert_eq!((one.counts(), same.counts()), ((1, 0), (0, 0)));

    let (two, tell_two) = fake("2");
    tell_two.send_replace(Some(groups(&["y"])));
    manager.apply(vec![job("b", &[&same]), job("c", &[&two])]);
    let after = wait_for(&mut snapshots, "b: x, c: y").await;
    assert_eq!((one.counts(), same.counts()), ((1, 0), (0, 0)));
    assert!(Arc::ptr_eq(&before.jobs["b"], &after.jobs["b"]));

    manager.apply(vec![]);
    wait_for(&mut snapshots, "").await;
    manager.shutdown().await;
    assert_eq!((one.counts(), two.counts()), ((1, 1), (1, 1)));
}

#[tokio::test(start_paused = true)]
async fn what_differs_in_its_secret_only_is_another_run() {
    let (manager, mut snapshots, _) = start();
    let ((one, tell_one), (mut two, tell_two)) = (fake("1"), fake("1"));
    Arc::get_mut(&mut two).expect("nobody else has it").secret = 1;
    tell_one.send_replace(Some(groups(&["x"])));
    tell_two.send_replace(Some(groups(&["y"])));
    manager.apply(vec![job("a", &[&one]), job("b", &[&two])]);
    wait_for(&mut snapshots, "a: x, b: y").await;
    manager.apply(vec![job("a", &[&two])]);
    wait_for(&mut snapshots, "a: y").await;
    manager.shutdown().await;
    assert_eq!((one.counts(), two.counts()), ((1, 1), (1, 1)));
}

#[tokio::test(start_paused = true)]
async fn old_targets_stay_until_their_successor_found_its_own() {
    let (manager, mut snapshots, _) = start();
    let ((old, tell_old), (stays, tell_stays)) = (fake("old"), fake("stays"));
    tell_old.send_replace(Some(groups(&["x"])));
    tell_stays.send_replace(Some(groups(&["y"])));
    manager.apply(vec![job("a", &[&old, &stays])]);
    wait_for(&mut snapshots, "a: x y").await;

    let ((new, tell_new), (newer, tell_newer)) = (fake("new"), fake("newer"));
    manager.apply(vec![job("a", &[&new, &stays])]);
    wait_for(&mut snapshots, "a: y x").await;
    tell_stays.send_replace(Some(groups(&["y2"])));
    wait_for(&mut snapshots, "a: y2 x").await;
    // A second reload in between changes nothing about that.
    manager.apply(vec![job("a", &[&newer, &stays])]);
    tell_stays.send_replace(Some(groups(&["y3"])));
    wait_for(&mut snapshots, "a: y3 x").await;
    tell_newer.send_replace(Some(groups(&["z"])));
    wait_for(&mut snapshots, "a: z y3").await;
    drop(tell_new);
    manager.shutdown().await;
    assert_eq!((old.counts(), new.counts(), newer.counts()), ((1, 1), (1, 1), (1, 1)));
}

#[tokio::test(start_paused = true)]
async fn a_job_without_targets_left_is_empty() {
    let (manager, mut snapshots, _) = start();
    let (one, tell_one) = fake("1");
    tell_one.send_replace(Some(groups(&["x"])));
    manager.apply(vec![job("a", &[&one])]);
    wait_for(&mut snapshots, "a: x").await;
    tell_one.send_replace(Some(Vec::new()));
    wait_for(&mut snapshots, "a: ").await;
    manager.apply(vec![job("a", &[])]);
    wait_for(&mut snapshots, "a: ").await;
    drop(manager);
    let ended = async { while snapshots.changed().await.is_ok() {} };
    assert!(tokio::time::timeout(INTERVAL, ended).await.is_ok(), "dropping it ends it");
}

#[derive(Default)]
struct Lines(Vec<String>, String);

impl Visitor for Lines {
    fn family(&mut self, name: &str, _kind: Kind, _help: &str) {
        name.clone_into(&mut self.1);
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push(format!("{}{suffix}{} {value}", self.1, Labels::from_pairs(labels.to_vec())));
    }
}

#[tokio::test(start_paused = true)]
async fn counts_are_told() {
    let (manager, mut snapshots, metrics) = start();
    let ((one, tell_one), (two, tell_two)) = (fake("1"), fake("2"));
    tell_one.send_replace(Some(groups(&["x", "y"])));
    tell_two.send_replace(Some(groups(&["z"])));
    manager.apply(vec![job("a", &[&one, &two]), job("b", &[&two])]);
    wait_for(&mut snapshots, "a: x y z, b: z").await;
    metrics.refreshed("dns", Duration::from_secs(1), true);
    metrics.refreshed("dns", Duration::from_millis(500), false);
    metrics.set_modified([("/a/b.json", Some(12.5)), ("/a/c.json", None)]);
    let mut lines = Lines::default();
    metrics.collect(&mut lines);
    lines.0.retain(|line| !line.starts_with("prometheus_sd_updates_total"));
    assert_eq!(
        lines.0,
        [
            r#"prometheus_sd_received_updates_total{name="scrape"} 2"#,
            "prometheus_sd_file_read_errors_total{} 0",
            "prometheus_sd_file_watcher_errors_total{} 0",
            "prometheus_sd_http_failures_total{} 0",
            "prometheus_sd_dns_lookups_total{} 0",
            "prometheus_sd_dns_lookup_failures_total{} 0",
            "prometheus_sd_file_scan_duration_seconds_sum{} 0",
            "prometheus_sd_file_scan_duration_seconds_count{} 0",
            r#"prometheus_sd_file_mtime_seconds{filename="/a/b.json"} 12.5"#,
            r#"prometheus_sd_refresh_failures_total{mechanism="dns"} 1"#,
            r#"prometheus_sd_refresh_failures_total{mechanism="http"} 0"#,
            r#"prometheus_sd_refresh_duration_seconds_sum{mechanism="dns"} 1.5"#,
            r#"prometheus_sd_refresh_duration_seconds_count{mechanism="dns"} 2"#,
            r#"prometheus_sd_refresh_duration_seconds_sum{mechanism="http"} 0"#,
            r#"prometheus_sd_refresh_duration_seconds_count{mechanism="http"} 0"#,
            r#"prometheus_sd_failed_configs{name="scrape"} 0"#,
            r#"prometheus_sd_discovered_targets{config="a", name="scrape"} 3"#,
            r#"prometheus_sd_discovered_targets{config="b", name="scrape"} 1"#,
        ]
    );
    manager.shutdown().await;
}
