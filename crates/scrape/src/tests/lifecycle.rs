//! Loops and pools over time.

use super::world::{Manner, World, jobs};
use crate::{Health, Options};
use model::metrics::{Collect, Kind, Visitor};
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::MemoryStore;

const JOB: &str = "- {job_name: j, scrape_interval: 10s, scrape_timeout: 4s}";

fn values(samples: &[(i64, Option<f64>)]) -> Vec<Option<f64>> {
    samples.iter().map(|(_, value)| *value).collect()
}

fn steps(samples: &[(i64, Option<f64>)]) -> Vec<i64> {
    samples.windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
}

#[tokio::test(start_paused = true)]
async fn every_target_keeps_its_place_in_the_interval() {
    let addresses: Vec<_> = (0..20).map(|i| format!("h{i}:1")).collect();
    let run = |seed: u64, wait: u64| {
        let addresses = addresses.clone();
        async move {
            let options = Options { offset_seed: seed, ..Options::default() };
            let world = World::with_store(MemoryStore::new(), options);
            world.pass(wait).await;
            world.apply(JOB);
            let all: Vec<_> = addresses.iter().map(String::as_str).collect();
            world.discover(&[("j", &all)]);
            world.pass(60_000).await;
            let places = addresses.iter().map(|address| {
                let up = world.samples("up", address);
                assert!(up.len() >= 6, "{up:?}");
                assert!(steps(&up).iter().all(|step| *step == 10_000), "{up:?}");
                up[0].0 % 10_000
            });
            places.collect::<Vec<_>>()
        }
    };
    let places = run(0, 0).await;
    assert_eq!(run(0, 13_337).await, places, "a restart keeps the places");
    assert_ne!(run(0x9e37_79b9_7f4a_7c15, 0).await, places, "a twin has others");
    let mut sorted = places;
    sorted.sort_unstable();
    let gaps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(gaps.max().unwrap() < 4_000, "spread over the interval: {sorted:?}");
}

#[tokio::test(start_paused = true)]
async fn hanging_targets_hurt_themselves_only() {
    let world = World::new();
    world.targets.page("good:1", "a 1\n");
    world.targets.set("silent:1", Manner::Hang);
    world.targets.set("slow:1", Manner::HangInBody);
    world.apply(JOB);
    world.discover(&[("j", &["good:1", "silent:1", "slow:1"])]);
    world.pass(40_000).await;
    let good = world.samples("up", "good:1");
    assert!(good.len() >= 4 && steps(&good).iter().all(|step| *step == 10_000), "{good:?}");
    assert!(values(&good).iter().all(|v| *v == Some(1.0)));
    for (address, text) in [
        ("silent:1", "Get \"http://silent:1/metrics\": context deadline exceeded"),
        ("slow:1", "context deadline exceeded"),
    ] {
        assert!(values(&world.samples("up", address)).iter().all(|v| *v == Some(0.0)));
        let took = world.samples("scrape_duration_seconds", address);
        assert!((took[0].1.unwrap() - 4.0).abs() < 0.01, "{took:?}");
        let status = world.target(address).status();
        assert_eq!(status.last_error.as_deref(), Some(text));
        assert_eq!(status.health, Health::Down);
    }
    assert_eq!(world.samples("a", "slow:1"), []);
}

#[tokio::test(start_paused = true)]
async fn a_bad_answer_turns_up_to_0_with_a_reason() {
    let world = World::new();
    world.apply(JOB);
    world.discover(&[("j", &["h:1"])]);
    let ok = |kind: &str, body: &str| {
        let len = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\n\r\n{body}")
    };
    let cases = [
        (Manner::Close, "Get \"http://h:1/metrics\": EOF"),
        (Manner::Raw("garbage\r\n\r\n".into()), "malformed HTTP response"),
        (
            Manner::Raw(ok("text/html", "<html>")),
            "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol",
        ),
        (
            Manner::Raw("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na 1\n".into()),
            "sending blank Content-Type and no fallback_scrape_protocol specified for target",
        ),
        (Manner::Page("<html>\n".into()), "(line 1, column 1)"),
        (
            Manner::Raw(ok("application/openmetrics-text; version=1.0.0", "a 1\n")),
            "data does not end with # EOF",
        ),
        (
            Manner::Raw("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".into()),
            "server returned HTTP status 503 Busy",
        ),
    ];
    for (manner, expected) in cases {
        world.targets.page("h:1", "a 1\n");
        world.pass(10_000).await;
        assert_eq!(world.target("h:1").status().health, Health::Up, "before {expected}");
        world.targets.set("h:1", manner);
        world.pass(10_000).await;
        let status = world.target("h:1").status();
        let error = status.last_error.as_deref().unwrap_or_default();
        assert!(error.contains(expected), "{error:?}, expected {expected:?}");
        let last = |metric| world.samples(metric, "h:1").last().unwrap().1;
        assert_eq!((last("up"), last("a")), (Some(0.0), None), "{expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_is_a_good_scrape() {
    let world = World::new();
    world.targets.page("h:1", "");
    world.apply(JOB);
    world.discover(&[("j", &["h:1"])]);
    world.pass(10_000).await;
    assert_eq!(world.target("h:1").status().health, Health::Up);
}

#[tokio::test(start_paused = true)]
async fn the_series_of_a_gone_target_end_after_one_more_interval() {
    let world = World::new();
    world.targets.page("h:1", "a 1\n");
    world.apply(JOB);
    world.discover(&[("j", &["h:1"])]);
    world.pass(20_000).await;
    let before = world.samples("up", "h:1");
    world.discover(&[("j", &[])]);
    assert!(world.manager.snapshot().pools[0].active.is_empty());
    world.pass(10_000).await;
    assert_eq!(world.samples("up", "h:1"), before, "not yet");
    world.pass(15_000).await;
    for metric in ["up", "a", "scrape_duration_seconds"] {
        let after = world.samples(metric, "h:1");
        assert_eq!(after.len(), before.len() + 1);
        let end = after[before.len()];
        assert_eq!(end, (before.last().unwrap().0 + 10_000, None), "the time of the next scrape");
    }
    world.discover(&[("j", &["h:1"])]);
    world.pass(10_000).await;
    assert_eq!(world.samples("a", "h:1").last().unwrap().1, Some(1.0), "and it may return");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_returns_in_time_does_not_end() {
    let world = World::new();
    world.targets.page("h:1", "a 1\n");
    world.apply(JOB);
    world.discover(&[("j", &["h:1"])]);
    world.pass(20_000).await;
    world.discover(&[("j", &[])]);
    world.pass(12_000).await;
    world.discover(&[("j", &["h:1"])]);
    world.pass(30_000).await;
    assert!(values(&world.samples("a", "h:1")).iter().all(|v| *v == Some(1.0)));
    assert!(steps(&world.samples("a", "h:1")).iter().all(|step| step % 10_000 == 0));
}

#[tokio::test(start_paused = true)]
async fn a_removed_job_ends_and_may_return() {
    let world = World::new();
    world.targets.page("h:1", "a 1\n");
    world.apply(JOB);
    world.discover(&[("j", &["h:1"])]);
    world.pass(20_000).await;
    world.apply("[]");
    assert!(world.manager.snapshot().pools.is_empty());
    world.pass(30_000).await;
    let ended = world.samples("up", "h:1");
    assert_eq!(ended.last().unwrap().1, None);
    world.apply(JOB);
    world.pass(20_000).await;
    let after = world.samples("up", "h:1");
    assert_eq!(values(&after[ended.len()..]), [Some(1.0), Some(1.0)]);
}

#[tokio::test(start_paused = true)]
async fn a_reload_leaves_what_did_not_change_alone() {
    let world = World::new();
    world.targets.page("h:1", "a 1\nb 1\n");
    world.apply(JOB);
    world.discover(&[("j", &["h:1"])]);
    world.pass(20_000).await;
    let target = world.target("h:1");
    for _ in 0..15 {
        // Far more often than once an interval: a restarted loop would never get to scrape.
        world.apply(JOB);
        world.discover(&[("j", &["h:1"])]);
        world.pass(1_000).await;
    }
    assert!(std::sync::Arc::ptr_eq(&target, &world.target("h:1")));
    assert!(steps(&world.samples("up", "h:1")).iter().all(|step| *step == 10_000));
    assert_eq!(*world.targets.connections.lock().unwrap(), 1);

    let rule = "{source_labels: [__name__], regex: b, action: drop}";
    world.apply(&format!(
        "- {{job_name: j, scrape_interval: 5s, metric_relabel_configs: [{rule}]}}"
    ));
    assert_eq!(world.target("h:1").status().health, Health::Up, "known from before");
    world.pass(20_000).await;
    let up = world.samples("up", "h:1");
    assert_eq!(steps(&up[up.len() - 3..]), [5_000, 5_000]);
    assert_eq!(world.samples("b", "h:1").last().unwrap().1, None, "dropped from now on");
    assert_eq!(world.samples("a", "h:1").last().unwrap().1, Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn too_many_targets_fail_without_being_asked() {
    let world = World::new();
    world.targets.page("h:1", "a 1\n");
    world.targets.page("h:2", "a 1\n");
    world.apply("- {job_name: j, scrape_interval: 10s, target_limit: 1}");
    world.discover(&[("j", &["h:1"])]);
    world.pass(10_000).await;
    world.discover(&[("j", &["h:1", "h:2"])]);
    world.pass(10_000).await;
    assert_eq!(values(&world.samples("a", "h:1")), [Some(1.0), None]);
    assert_eq!(values(&world.samples("up", "h:2")), [Some(0.0)]);
    let error = world.target("h:2").status().last_error.clone();
    let expected = "target_limit exceeded (number of targets: 2, limit: 1)";
    assert_eq!(error.as_deref(), Some(expected));
    world.discover(&[("j", &["h:1"])]);
    world.pass(10_000).await;
    assert_eq!(world.samples("a", "h:1").last().unwrap().1, Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_loops_but_not_series() {
    let world = World::new();
    world.targets.page("h:1", "a 1\n");
    world.targets.set("h:2", Manner::Hang);
    world.apply(JOB);
    world.discover(&[("j", &["h:1", "h:2"])]);
    world.pass(20_000).await;
    assert!(world.manager.shutdown(Duration::from_secs(1)).await);
    let before = world.samples("up", "h:1");
    world.pass(60_000).await;
    assert_eq!(world.samples("up", "h:1"), before);
    assert!(values(&before).iter().all(|v| *v == Some(1.0)));
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_shows_targets_and_why_others_were_dropped() {
    let world = World::new();
    let rule = |regex, action| {
        format!("{{source_labels: [__address__], regex: '{regex}', action: {action}}}")
    };
    world.apply(&format!(
        "- {{job_name: j, keep_dropped_targets: 1, relabel_configs: [{}]}}\n- job_name: empty\n",
        rule("drop.*", "drop"),
    ));
    world.discover(&[("j", &["keep:1", "drop:1", "drop:2", "keep:1", "bad/address"])]);
    let snapshot = world.manager.snapshot();
    let names: Vec<_> = snapshot.pools.iter().map(|pool| pool.job.as_str()).collect();
    assert_eq!(names, ["empty", "j"]);
    let pool = &snapshot.pools[1];
    assert_eq!((pool.active.len(), pool.dropped.len(), pool.dropped_total), (1, 1, 2));
    assert_eq!(pool.dropped[0].get("__address__"), Some("drop:1"));
    let target = &pool.active[0];
    assert_eq!(target.labels().to_string(), r#"{instance="keep:1", job="j"}"#);
    assert_eq!(target.discovered_labels().get("__scrape_interval__"), Some("1m"));
    assert_eq!((target.interval().ms, target.timeout().ms), (60_000, 10_000));
    assert_eq!(target.status().health, Health::Unknown);
}

#[tokio::test(start_paused = true)]
async fn honor_labels_over_the_whole_way() {
    let world = World::new();
    world.targets.page("h:1", "a{job=\"mine\",instance=\"\"} 1\n");
    world.apply("- {job_name: j, scrape_interval: 10s, honor_labels: true}");
    world.discover(&[("j", &["h:1"])]);
    world.pass(10_000).await;
    let names = |name: &str| {
        use model::TimeRange;
        use storage::Queryable as _;
        let querier = world.store.querier(TimeRange::ALL).unwrap();
        querier.label_values(name, storage::LabelQuery::default()).unwrap()
    };
    assert_eq!(names("job"), ["j", "mine"]);
    assert_eq!(names("exported_job"), Vec::<String>::new());
}

#[derive(Default)]
struct Told {
    family: String,
    samples: BTreeMap<String, f64>,
}

impl Visitor for Told {
    fn family(&mut self, name: &str, _: Kind, _: &str) {
        self.family = name.into();
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<_> = labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
        self.samples.insert(format!("{}{suffix}{{{}}}", self.family, labels.join(",")), value);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_counted() {
    let world = World::new();
    world.targets.page("h:1", "# TYPE a gauge\na 1\na 2\n");
    world.targets.page("h:2", "a 1\nb 1\n");
    world.targets.page("h:3", "0123456789\n");
    world.apply(
        "- {job_name: j, scrape_interval: 10s}\n- {job_name: k, scrape_interval: 5s, sample_limit: 1}\n\
         - {job_name: l, scrape_interval: 10s, body_size_limit: 10B}",
    );
    world.discover(&[("j", &["h:1"]), ("k", &["h:2"]), ("l", &["h:3"])]);
    world.pass(30_000).await;
    let mut told = Told::default();
    world.metrics.collect(&mut told);
    let check = |name: &str, expected: f64| {
        assert_eq!(told.samples.get(name).copied(), Some(expected), "{name}");
    };
    check("prometheus_target_scrape_pools_total{}", 3.0);
    check("prometheus_target_scrape_pool_targets{scrape_job=j}", 1.0);
    check("prometheus_target_scrape_pool_sync_total{scrape_job=j}", 1.0);
    check("prometheus_target_sync_length_seconds_count{scrape_job=j}", 1.0);
    check("prometheus_target_sync_failed_total{scrape_job=j}", 0.0);
    check("prometheus_target_scrapes_sample_duplicate_timestamp_total{}", 3.0);
    check("prometheus_target_scrapes_exceeded_sample_limit_total{}", 6.0);
    check("prometheus_target_scrapes_exceeded_body_size_limit_total{}", 3.0);
    check("prometheus_target_interval_length_seconds_count{interval=10s}", 4.0);
    check("prometheus_target_interval_length_seconds{interval=5s,quantile=0.99}", 5.0);
    check("prometheus_target_metadata_cache_entries{scrape_job=j}", 1.0);
    check("rushlight_target_scrape_failures_total{scrape_job=k,reason=sample_limit}", 6.0);
    check("rushlight_target_scrape_failures_total{scrape_job=l,reason=body_size_limit}", 3.0);
    assert_eq!(jobs(JOB).len(), 1);
}
