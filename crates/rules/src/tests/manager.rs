//! The loops of a manager, under a clock that stands still while anything is evaluated.

use super::world::{MINUTE, Sent, World, file, loaded};
use crate::manager::{Clock, Workers};
use crate::{Health, Manager, Metrics, Options, Settings};
use model::metrics::{Collect as _, Kind, Visitor};
use promql::Engine;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const START_MS: i64 = 1_700_000_000_000;

struct Running {
    manager: Manager,
    metrics: Arc<Metrics>,
    sent: Arc<Sent>,
    begin: Instant,
}

impl Running {
    fn over(world: &World, options: Options) -> Self {
        Self::at(world, options, START_MS)
    }

    fn at(world: &World, options: Options, start_ms: i64) -> Self {
        let (metrics, sent, begin) = (Arc::default(), Arc::<Sent>::default(), Instant::now());
        let store = Arc::new(world.db.clone());
        let clock = Clock::Runtime(begin, start_ms * 1_000_000);
        let manager = Manager::with(
            store.clone(),
            store,
            sent.clone(),
            Arc::clone(&metrics),
            options,
            clock,
            Workers::Runtime,
        );
        Self { manager, metrics, sent, begin }
    }

    fn apply(&self, files: &[(&str, &str)]) {
        let files = files.iter().map(|(name, text)| loaded(name, text)).collect();
        self.manager.apply(files, Settings { interval_ms: 15_000, ..Settings::default() });
    }

    async fn until(&self, seconds: u64) {
        tokio::time::sleep_until(self.begin + Duration::from_secs(seconds)).await;
    }

    fn metric(&self, name: &str, group: &str) -> f64 {
        let mut found = Found::default();
        self.metrics.collect(&mut found);
        found.samples.get(&(name.to_owned(), group.to_owned())).copied().unwrap_or(f64::NAN)
    }

    fn health(&self) -> Vec<(String, Health)> {
        let groups = self.manager.snapshot().groups.clone();
        groups.iter().map(|group| (group.name.to_string(), group.rules[0].health)).collect()
    }
}

/// Samples by name and first label.
#[derive(Default)]
struct Found {
    name: String,
    samples: BTreeMap<(String, String), f64>,
}

impl Visitor for Found {
    fn family(&mut self, name: &str, _: Kind, help: &str) {
        assert!(!help.is_empty());
        self.name = name.to_owned();
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let label = labels.first().map_or("", |(_, value)| value);
        self.samples.insert((format!("{}{suffix}", self.name), label.to_owned()), value);
    }
}

/// Times at which a series has samples, in milliseconds since the start.
fn times(world: &World, series: &str) -> Vec<i64> {
    use storage::{Queryable as _, SelectHints};
    let range = model::TimeRange::ALL;
    let querier = world.db.querier(range).unwrap();
    let matchers = [model::Matcher::equal("__name__", series)];
    let hints = SelectHints { range, sorted: false, labels_only: false };
    let set = querier.select(&matchers, &hints).unwrap();
    let mut columns = storage::Columns::default();
    for i in 0..set.len() {
        set.read(i, range, &mut columns).unwrap();
    }
    let samples = columns.t_ms.iter().zip(&columns.values);
    let live = samples.filter(|(_, value)| !model::is_stale(**value));
    live.map(|(t_ms, _)| t_ms - START_MS).collect()
}

const A: &str = "groups:\n- name: a\n  rules:\n  - {record: ra, expr: vector(1)}\n";

#[tokio::test(start_paused = true)]
async fn groups_are_evaluated_at_their_places() {
    let world = World::new();
    let running = Running::over(&world, Options::default());
    assert!(running.manager.snapshot().groups.is_empty());
    let b = "groups:\n- name: b\n  interval: 20s\n  rules:\n  - {record: rb, expr: vector(1)}\n\
             - name: c\n  rules:\n  - {alert: C, expr: vector(1)}";
    running.apply(&[("z.yml", A), ("a.yml", b)]);
    let names = |running: &Running| -> Vec<String> {
        let groups = running.manager.snapshot().groups.clone();
        groups.iter().map(|group| format!("{} {}", group.file, group.name)).collect()
    };
    assert_eq!(names(&running), ["a.yml b", "a.yml c", "z.yml a"]);
    assert!(running.health().iter().all(|(_, health)| *health == Health::Unknown));
    running.until(61).await;
    assert!(running.health().iter().all(|(_, health)| *health == Health::Good));
    let (ra, rb) = (times(&world, "ra"), times(&world, "rb"));
    assert_eq!((ra.len(), rb.len()), (4, 3));
    assert!(ra.windows(2).all(|pair| pair[1] - pair[0] == 15_000), "{ra:?}");
    assert!(rb.windows(2).all(|pair| pair[1] - pair[0] == 20_000), "{rb:?}");
    assert_eq!(running.metric("prometheus_rule_group_iterations_total", "z.yml;a"), 4.0);
    assert_eq!(running.metric("prometheus_rule_evaluations_total", "a.yml;b"), 3.0);
    assert_eq!(running.metric("prometheus_rule_group_iterations_missed_total", "z.yml;a"), 0.0);
    assert_eq!(running.metric("prometheus_rule_group_interval_seconds", "a.yml;b"), 20.0);
    assert_eq!(running.metric("prometheus_rule_group_rules", "a.yml;c"), 1.0);
    assert_eq!(running.metric("prometheus_rule_group_last_evaluation_samples", "z.yml;a"), 1.0);
    assert_eq!(running.metric("prometheus_rule_evaluation_duration_seconds_count", ""), 11.0);
    assert_eq!(running.metric("rushlight_rule_group_delay_seconds_count", ""), 11.0);
    assert!(running.metric("rushlight_rule_group_delay_seconds_sum", "") < 0.1);
    assert_eq!(running.sent.take().len(), 1);
    let group = running.manager.snapshot().groups[2].clone();
    let last_ms = group.last_evaluation_ns.unwrap() / 1_000_000 - START_MS;
    assert_eq!(last_ms, *ra.last().unwrap());
    // The place is the same for whoever comes next.
    let later = Running::at(&world, Options::default(), START_MS + 61_000);
    assert!(running.manager.shutdown(Duration::from_secs(1)).await);
    later.apply(&[("z.yml", A)]);
    sleep(Duration::from_secs(15)).await;
    let again = times(&world, "ra");
    assert_eq!(again.last().unwrap() - ra.last().unwrap(), 15_000);
}

#[tokio::test(start_paused = true)]
async fn reloads_disturb_nobody_and_keep_what_is_known() {
    let world = World::new();
    let running = Running::over(&world, Options::default());
    let with_alert = "groups:\n- name: a\n  rules:\n  - {record: ra, expr: vector(1)}\n\
                      \x20 - {alert: L, expr: vector(1), for: 40s}\n";
    let more = format!("{with_alert}  - {{record: rb, expr: vector(2)}}\n");
    running.apply(&[("f", with_alert)]);
    for second in 1..40 {
        running.until(second).await;
        running.apply(&[("f", with_alert)]);
    }
    let since =
        |running: &Running| running.manager.snapshot().groups[0].rules[1].alerts[0].active_at_ms;
    let before = since(&running);
    running.apply(&[("f", &more)]);
    running.until(80).await;
    assert_eq!(since(&running), before);
    assert_eq!(running.manager.snapshot().groups[0].rules[1].state().as_str(), "firing");
    let ra = times(&world, "ra");
    assert!(ra.windows(2).all(|pair| pair[1] - pair[0] == 15_000), "{ra:?}");
    assert!(ra.len() >= 5);
    assert!(times(&world, "rb").len() >= 2);
    // Without the alert and the second recording.
    running.apply(&[("f", A)]);
    running.until(100).await;
    assert_eq!(world.query("ra", START_MS + 100_000).len(), 1);
    assert_eq!(world.query("rb", START_MS + 100_000).len(), 0);
    assert_eq!(world.query("ALERTS", START_MS + 100_000).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn groups_that_are_gone_end_late_and_those_that_move_do_not() {
    let world = World::new();
    let running = Running::over(&world, Options::default());
    let b = "groups:\n- name: b\n  rules:\n  - {record: rb, expr: vector(1)}\n";
    running.apply(&[("f", A), ("g", b)]);
    running.until(31).await;
    // One moves to another file, one goes.
    running.apply(&[("moved", A)]);
    assert_eq!(running.manager.snapshot().groups.len(), 1);
    assert!(running.metric("prometheus_rule_group_rules", "g;b").is_nan());
    running.until(59).await;
    assert_eq!(world.query("rb", START_MS + 59_000).len(), 1, "not yet");
    running.until(90).await;
    assert_eq!(world.query("rb", START_MS + 59_000).len(), 0, "at the time after it went");
    assert_eq!(world.query("rb", START_MS + 31_000).len(), 1);
    for second in (16..90).step_by(3) {
        assert_eq!(world.query("ra", START_MS + second * 1000).len(), 1, "{second}");
    }
    // It comes back before its end.
    running.apply(&[("moved", A), ("g", b)]);
    running.until(120).await;
    running.apply(&[("moved", A)]);
    running.until(130).await;
    running.apply(&[("moved", A), ("g", b)]);
    running.until(200).await;
    for second in (106..200).step_by(3) {
        assert_eq!(world.query("rb", START_MS + second * 1000).len(), 1, "{second}");
    }
    assert!(running.metric("prometheus_rule_evaluations_total", "g;b") > 3.0);
}

#[tokio::test(start_paused = true)]
async fn rules_that_move_between_groups_have_no_gap() {
    let world = World::new();
    let running = Running::over(&world, Options::default());
    let group = |name: &str, interval: &str, rules: &[&str]| {
        let rules = rules.iter().map(|r| format!("\n  - {{record: {r}, expr: vector(1)}}"));
        let rules = rules.collect::<String>();
        format!("groups:\n- name: {name}\n  interval: {interval}\n  rules:{rules}\n")
    };
    running.apply(&[
        ("f", &group("a", "15s", &["stays", "moves", "goes"])),
        ("g", &group("b", "40s", &["other"])),
        ("h", &group("c", "15s", &["far"])),
    ]);
    running.until(81).await;
    running.apply(&[
        ("f", &group("a", "15s", &["stays"])),
        ("g", &group("b", "40s", &["other", "moves", "far"])),
    ]);
    running.until(300).await;
    for second in (81..300).step_by(2) {
        for series in ["stays", "moves", "far"] {
            let found = world.query(series, START_MS + second * 1000);
            assert_eq!(found.len(), 1, "{series} at {second}");
        }
    }
    world.check("goes", START_MS + 97_000, &[]);
    // The same, looked at while it happens.
    running.apply(&[
        ("f", &group("a", "15s", &["stays", "moves", "far"])),
        ("g", &group("b", "40s", &["other"])),
    ]);
    for second in (300..500).step_by(2) {
        running.until(second).await;
        let at_ms = START_MS + i64::try_from(second).unwrap() * 1000;
        for series in ["stays", "moves", "far"] {
            assert_eq!(world.query(series, at_ms).len(), 1, "{series} at {second}");
        }
    }
    // What moved and then went ends.
    running.apply(&[("f", &group("a", "15s", &["stays"]))]);
    running.until(700).await;
    world.check("{__name__=~'moves|far|other'}", START_MS + 600_000, &[]);
}

#[tokio::test(start_paused = true)]
async fn since_when_alerts_hold_survives_a_restart() {
    let world = World::new();
    let text = "groups:\n- name: g\n  rules:\n  - {alert: L, expr: vector(1), for: 30m}\n";
    let running = Running::over(&world, Options::default());
    running.apply(&[("f", text)]);
    running.until(20 * 60).await;
    let since =
        |running: &Running| running.manager.snapshot().groups[0].rules[0].alerts[0].active_at_ms;
    let before = since(&running) / 1000 * 1000;
    assert!(running.manager.shutdown(Duration::from_secs(1)).await);
    let end = *times(&world, "ALERTS").last().unwrap();
    assert_eq!(world.query("ALERTS", START_MS + end + 1000).len(), 1, "no end at a shutdown");
    let down_ms = START_MS + end;
    let later = Running::at(&world, Options::default(), START_MS + 25 * MINUTE);
    later.apply(&[("f", text)]);
    later.until(16).await;
    assert!(since(&later) > START_MS + 25 * MINUTE, "not before the second evaluation");
    later.until(31).await;
    let restored = since(&later);
    let away = START_MS + 25 * MINUTE + 31_000 - down_ms;
    assert!((before..before + away + 1).contains(&restored), "{before} {restored}");
    assert!(restored < START_MS + 10 * MINUTE);
    assert_eq!(times(&world, "ALERTS").last(), Some(&end), "held back until then");
    later.until(60).await;
    assert!(times(&world, "ALERTS").last() > Some(&end));
}

/// Hangs while it is asked for `hang`.
struct Slow(tsdb::Db);
impl storage::Queryable for Slow {
    fn querier(
        &self,
        range: model::TimeRange,
    ) -> Result<Arc<dyn storage::Querier>, storage::Error> {
        Ok(Arc::new(SlowQuerier(self.0.querier(range)?)))
    }
}
struct SlowQuerier(Arc<dyn storage::Querier>);
impl storage::Querier for SlowQuerier {
    fn select(
        &self,
        matchers: &[model::Matcher],
        hints: &storage::SelectHints,
    ) -> Result<Box<dyn storage::SeriesSet>, storage::Error> {
        if matchers.iter().any(|matcher| matcher.value() == "hang") {
            let (_never, wait) = std::sync::mpsc::sync_channel::<()>(0);
            wait.recv_timeout(Duration::from_millis(300)).ok();
        }
        self.0.select(matchers, hints)
    }
    fn label_names(&self, query: storage::LabelQuery<'_>) -> Result<Vec<String>, storage::Error> {
        self.0.label_names(query)
    }
    fn label_values(
        &self,
        name: &str,
        query: storage::LabelQuery<'_>,
    ) -> Result<Vec<String>, storage::Error> {
        self.0.label_values(name, query)
    }
}
/// A manager on the system's clock whose store is slow.
fn slow(options: Options, text: &str) -> Running {
    let world = World::new();
    world.put(Clock::System.now_ns() / 1_000_000, &[("hang", 1.0)]);
    let metrics = Arc::<Metrics>::default();
    let manager = Manager::new(
        Arc::new(Slow(world.db.clone())),
        Arc::new(world.db.clone()),
        Arc::<Sent>::default(),
        metrics.clone(),
        options,
    );
    manager.apply(vec![loaded("f", text)], Settings::default());
    Running { manager, metrics, sent: Arc::default(), begin: Instant::now() }
}

#[tokio::test]
async fn one_that_hangs_is_late_alone_and_is_stopped() {
    let options = Options { query_timeout: Duration::from_millis(100), ..Options::default() };
    let quick = (0..8).map(|i| {
        format!("- name: q{i}\n  interval: 50ms\n  rules:\n  - {{record: q{i}, expr: vector(1)}}\n")
    });
    let hang = (0..8).map(|i| {
        format!(
            "- name: h{i}\n  interval: 50ms\n  rules:\n  - {{record: h{i}, expr: hang + {i}}}\n"
        )
    });
    let text = format!("groups:\n{}{}", quick.collect::<String>(), hang.collect::<String>());
    let running = slow(options, &text);
    let deadline = Instant::now() + Duration::from_secs(60);
    let count = |name: &str, group: &str| running.metric(name, &format!("f;{group}"));
    loop {
        let evaluated = |group: &str| count("prometheus_rule_evaluations_total", group);
        let done = (0..8).all(|i| evaluated(&format!("h{i}")) >= 2.0);
        if done {
            break;
        }
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(20)).await;
    }
    for i in 0..8 {
        let (quick, hang) = (format!("q{i}"), format!("h{i}"));
        let iterations = count("prometheus_rule_evaluations_total", &quick);
        assert!(iterations >= 4.0, "{quick}: {iterations}");
        assert!(count("prometheus_rule_group_iterations_missed_total", &hang) >= 1.0);
        assert!(count("prometheus_rule_evaluation_failures_total", &hang) >= 2.0);
    }
    let snapshot = running.manager.snapshot();
    let hung = snapshot.groups.iter().find(|group| *group.name == *"h0").unwrap();
    let error = hung.rules[0].last_error.as_deref();
    assert_eq!(error, Some("query timed out in query execution"));
    assert!(running.manager.shutdown(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn a_shutdown_cancels_what_takes_too_long() {
    let text = "groups:\n- name: h\n  interval: 20ms\n  rules:\n  - {record: h, expr: hang}\n";
    let running = slow(Options::default(), text);
    sleep(Duration::from_millis(60)).await;
    assert!(running.manager.shutdown(Duration::from_millis(1)).await);
    let error = running.manager.snapshot().groups[0].rules[0].last_error.clone();
    assert_eq!(error.as_deref(), Some("query was canceled in query execution"));
}

#[tokio::test(start_paused = true)]
async fn an_engine_is_asked_for_every_time() {
    let world = World::new();
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = asked.clone();
    let engine = move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Engine::default()
    };
    let options =
        Options { engine: Arc::new(engine), concurrent_evals: Some(2), ..Options::default() };
    let running = Running::over(&world, options);
    assert_eq!(file(A).rule_count(), 1);
    running.apply(&[("f", A)]);
    running.until(31).await;
    assert!(asked.load(std::sync::atomic::Ordering::Relaxed) >= 2);
}

#[tokio::test]
async fn reloads_in_quick_succession_lose_nothing() {
    let world = World::new();
    let (store, metrics) = (Arc::new(world.db.clone()), Arc::<Metrics>::default());
    let outbox = Arc::<Sent>::default();
    let options = Options { concurrent_evals: Some(2), ..Options::default() };
    let manager = Manager::new(store.clone(), store, outbox, metrics.clone(), options);
    // Groups come and go, change and move between files, each in its own rhythm.
    let files = |round: usize| {
        let groups = (0..12).map(|i| {
            let is_there = (round / (i % 4 + 1)).is_multiple_of(2);
            let change = round / 3 % 2;
            let text = format!(
                "groups:\n- name: g{i}\n  interval: 10ms\n  rules:\n\
                 \x20 - {{record: r{i}, expr: vector({i} + {change} * 0)}}\n\
                 \x20 - {{alert: A{i}, expr: r{i} >= 0, labels: {{change: c{change}}}}}\n"
            );
            let file = format!("f{}", (i + round / 5) % 3);
            is_there.then_some((file, text))
        });
        let mut files = BTreeMap::<String, String>::new();
        for (file, text) in groups.flatten() {
            let known = files.entry(file).or_insert_with(|| "groups:\n".to_owned());
            known.push_str(text.trim_start_matches("groups:\n"));
        }
        files.iter().map(|(file, text)| loaded(file, text)).collect::<Vec<_>>()
    };
    for round in 0..60 {
        manager.apply(files(round), Settings::default());
        sleep(Duration::from_millis(7)).await;
    }
    manager.apply(files(0), Settings::default());
    let begin_ns = Clock::System.now_ns();
    let running = Running { manager, metrics, sent: Arc::default(), begin: Instant::now() };
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let groups = running.manager.snapshot().groups.clone();
        assert_eq!(groups.len(), 12);
        let errors = groups.iter().flat_map(|group| &group.rules);
        let errors: Vec<_> = errors.filter_map(|rule| rule.last_error.clone()).collect();
        let is_new = |ns: Option<i64>| ns.is_some_and(|ns| ns > begin_ns + 200_000_000);
        if groups.iter().all(|group| is_new(group.last_evaluation_ns)) {
            assert!(errors.is_empty(), "{errors:?}");
            break;
        }
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(20)).await;
    }
    let now_ms = Clock::System.now_ns() / 1_000_000;
    assert_eq!(world.query("{__name__=~\"r[0-9]+\"}", now_ms).len(), 12);
    let change = world.query("ALERTS{change='c0'}", now_ms);
    assert_eq!(change.len(), 12, "{change:?}");
    assert!(running.manager.shutdown(Duration::from_secs(10)).await);
}
