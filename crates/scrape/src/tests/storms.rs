//! Much that changes, over the real database: nothing is lost, all that goes has ended, nothing is left.

use super::world::{BEGIN, Manner, World};
use crate::{Health, Options};
use model::metrics::{Collect, Kind, Visitor};
use model::{Labels, TimeRange};
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::{Columns, Queryable as _, SelectHints};
use testkit::MemoryStore;
use tsdb::{Db, Options as DbOptions};

fn world() -> (World, Db) {
    let db = Db::in_memory(DbOptions::default());
    let world = World::over(Arc::new(db.clone()), MemoryStore::new(), Options::default());
    (world, db)
}

/// A metric of the database's own.
struct Own<'a>(&'a str, String, f64);

impl Visitor for Own<'_> {
    fn family(&mut self, name: &str, _: Kind, _: &str) {
        self.1 = name.into();
    }

    fn sample(&mut self, _: &str, _: &[(&str, &str)], value: f64) {
        if self.1 == self.0 {
            self.2 = value;
        }
    }
}

fn own(db: &Db, name: &str) -> f64 {
    let mut own = Own(name, String::new(), f64::NAN);
    db.collect(&mut own);
    own.2
}

/// The samples of all series of a metric: seconds since the begin, and the value or the end.
fn series(db: &Db, metric: &str) -> BTreeMap<Labels, Vec<(f64, Option<f64>)>> {
    let querier = db.querier(TimeRange::ALL).unwrap();
    let hints = SelectHints { range: TimeRange::ALL, sorted: true, labels_only: false };
    let name = model::Matcher::new(model::MatchOp::Equal, model::METRIC_NAME, metric).unwrap();
    let set = querier.select(&[name], &hints).unwrap();
    let one = |i: usize| {
        let mut columns = Columns::default();
        set.read(i, TimeRange::ALL, &mut columns).unwrap();
        let times = columns.t_ms.iter().map(|t_ms| (t_ms - BEGIN * 1000) as f64 / 1000.0);
        let values =
            columns.values.iter().map(|value| (!model::is_stale(*value)).then_some(*value));
        (set.labels(i), times.zip(values).collect())
    };
    (0..set.len()).map(one).collect()
}

fn job(options: &str) -> String {
    format!("- {{job_name: j, scrape_interval: 10s, {options}}}")
}

const TARGETS: [&str; 3] = ["h:1", "h:2", "h:3"];

#[tokio::test(start_paused = true)]
async fn a_hundred_reloads_that_change_labels() {
    let (world, db) = world();
    for target in TARGETS {
        world.targets.page(target, "a 1\nb 2\n");
    }
    world.discover(&[("j", &TARGETS)]);
    let with =
        |v: usize| job(&format!("relabel_configs: [{{target_label: v, replacement: v{v}}}]"));
    world.apply(&with(0));
    world.pass(30_000).await;
    for i in 0..100_usize {
        world.apply(&with(i % 4));
        world.pass(1_000 + i as u64 * 37 % 9_000).await;
    }
    world.apply(&with(0));
    world.pass(100_000).await;
    let now = series(&db, "up").values().flatten().map(|(t, _)| *t).fold(0.0, f64::max);
    for metric in ["up", "a"] {
        let all = series(&db, metric);
        assert!(all.len() <= 12, "{metric}: {} series", all.len());
        for target in TARGETS {
            let of = |labels: &&Labels| labels.get("instance") == Some(target);
            let of: Vec<_> = all.keys().filter(of).collect();
            let mut good: Vec<f64> = of
                .iter()
                .flat_map(|labels| &all[*labels])
                .filter(|(_, value)| value.is_some())
                .map(|(t, _)| *t)
                .collect();
            good.sort_by(f64::total_cmp);
            good.dedup();
            // Other labels are another place in the interval, which may be over before it comes.
            let scrapes = now / 10.0;
            assert!(
                good.len() as f64 > scrapes * 0.4,
                "{metric} of {target}: {} times",
                good.len()
            );
            let last = good.windows(2).rev().take(8).map(|pair| pair[1] - pair[0]);
            assert!(
                last.clone().all(|step| (step - 10.0).abs() < 0.1),
                "{:?}",
                last.collect::<Vec<_>>()
            );
            for labels in of {
                let last = all[labels].last().unwrap();
                let goes_on = labels.get("v") == Some("v0");
                assert_eq!(last.1.is_some(), goes_on, "{labels} at {} of {now}", last.0);
                assert!(!goes_on || last.0 > now - 15.0, "{labels} at {} of {now}", last.0);
            }
        }
    }
    assert_eq!(own(&db, "prometheus_tsdb_head_active_appenders"), 3.0);
    assert_eq!(db.head_stats(1).series, 3 * 4 * 7);
    assert_eq!(world.metrics.panics.get(), 0);
    // Targets that are gone leave no writer.
    world.discover(&[("j", &[])]);
    world.pass(60_000).await;
    assert_eq!(own(&db, "prometheus_tsdb_head_active_appenders"), 0.0);
    let ended = |samples: &Vec<(f64, Option<f64>)>| samples.last().unwrap().1.is_none();
    assert!(series(&db, "up").values().all(ended));
}

#[tokio::test(start_paused = true)]
async fn labels_that_change_and_change_back() {
    let check = |away_ms: u64, ends: bool| async move {
        let (world, db) = world();
        world.targets.page("h:1", "a 1\n");
        world.discover(&[("j", &["h:1"])]);
        world.apply(&job(""));
        world.pass(30_000).await;
        world.apply(&job("relabel_configs: [{target_label: v, replacement: w}]"));
        world.pass(away_ms).await;
        world.apply(&job(""));
        world.pass(40_000).await;
        let all = series(&db, "a");
        let first = all.iter().find(|(labels, _)| labels.get("v").is_none()).unwrap().1;
        let ended = first.iter().filter(|(_, value)| value.is_none()).count();
        assert_eq!(ended, usize::from(ends), "{away_ms}: {first:?}");
        assert!(first.last().unwrap().1.is_some());
        for (_, samples) in all.iter().filter(|(labels, _)| labels.get("v").is_some()) {
            assert!(samples.last().unwrap().1.is_none(), "{away_ms}: {samples:?}");
        }
    };
    check(500, false).await;
    check(9_000, false).await;
    check(45_000, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_sample_limit_that_is_passed_now_and_then() {
    let (world, db) = world();
    world.apply(&job("sample_limit: 3"));
    world.discover(&[("j", &["h:1"])]);
    for i in 0..40 {
        let fresh: String = (0..50).map(|n| format!("fresh{{n=\"{i}_{n}\"}} 1\n")).collect();
        let page = if i % 2 == 0 { "a 1\nb 2\n".to_owned() } else { "a 1\n".to_owned() + &fresh };
        world.targets.page("h:1", &page);
        world.pass(10_000).await;
        let expected = if i % 2 == 0 { Health::Up } else { Health::Down };
        assert_eq!(world.target("h:1").status().health, expected, "{i}");
    }
    // The two series and the report; nothing of the pages that were refused.
    assert_eq!(db.head_stats(1).series, 7);
    for metric in ["a", "b"] {
        let samples = series(&db, metric).into_values().next().unwrap();
        let shown: Vec<bool> = samples.iter().map(|(_, value)| value.is_some()).collect();
        assert_eq!(shown, [true, false].repeat(20), "{metric}");
    }
    // Half of a page is no better.
    world.targets.page("h:1", &("a 1\nc 1\nd 1\n".to_owned() + "broken }\n"));
    world.pass(10_000).await;
    assert_eq!(db.head_stats(1).series, 7);
    world.apply(&job("label_limit: 4"));
    world.targets.page("h:1", "a 1\nc 1\nd{x=\"1\",y=\"2\"} 1\n");
    world.pass(10_000).await;
    assert_eq!(db.head_stats(1).series, 7);
    world.apply(&job("body_size_limit: 1MB"));
    let large: String =
        (0..50_000).map(|n| format!("large{{n=\"{n}\",x=\"value\"}} 1\n")).collect();
    world.targets.page("h:1", &large);
    world.pass(20_000).await;
    assert_eq!(world.target("h:1").status().health, Health::Down);
    assert_eq!(db.head_stats(1).series, 7);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_answers_in_another_format_each_time() {
    let (world, db) = world();
    world.apply(&job(""));
    world.discover(&[("j", &["h:1"])]);
    let answer = |content_type: &str, body: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: ");
        Manner::Raw(format!("{head}{}\r\n\r\n{body}", body.len()))
    };
    // A gauge `a` of 2, and a counter `c_total` of 2.
    let value = "\t\0\0\0\0\0\0\0@";
    let family = |name: &str, kind: char, field: char| {
        let metric = format!("{field}\t{value}");
        let name_len = char::from(u8::try_from(name.len()).unwrap());
        let text = format!("\n{name_len}{name}\u{18}{kind}\"\u{b}{metric}");
        format!("{}{text}", char::from(u8::try_from(text.len()).unwrap()))
    };
    let message = family("a", '\u{1}', '\u{12}') + &family("c_total", '\0', '\u{1a}');
    let protobuf = "application/vnd.google.protobuf; \
                    proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let answers = [
        answer(
            "text/plain; version=0.0.4",
            "# TYPE a gauge\na 2\n# TYPE c_total counter\nc_total 2\n",
        ),
        answer(
            "application/openmetrics-text; version=1.0.0",
            "# TYPE a gauge\na 2\n# TYPE c counter\nc_total 2\n# EOF\n",
        ),
        answer(protobuf, &message),
    ];
    for i in 0..12 {
        world.targets.set("h:1", answers[[0, 1, 2, 1, 0, 2][i % 6]].clone());
        world.pass(10_000).await;
        let status = world.target("h:1").status();
        assert_eq!((status.health, status.last_error), (Health::Up, None), "{i}");
        assert_eq!((status.counts.series, status.counts.added), (2, if i == 0 { 2 } else { 0 }));
    }
    for metric in ["a", "c_total"] {
        let all = series(&db, metric);
        assert_eq!(all.len(), 1, "{all:?}");
        let samples = all.into_values().next().unwrap();
        let values: Vec<_> = samples.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [Some(2.0); 12], "{metric}");
    }
}

#[tokio::test(start_paused = true)]
async fn trailers_behind_a_body() {
    let (world, db) = world();
    world.apply(&job(""));
    world.discover(&[("j", &["h:1"])]);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n";
    let check = async |trailers: &str, good: bool| {
        let answer = format!("{head}Trailer: X-Sum\r\n\r\n4\r\na 1\n\r\n0\r\n{trailers}\r\n");
        world.targets.set("h:1", Manner::Raw(answer));
        world.pass(20_000).await;
        let status = world.target("h:1").status();
        assert_eq!(status.health == Health::Up, good, "{trailers:?}: {:?}", status.last_error);
    };
    check("X-Sum: 17\r\n", true).await;
    check("X-Sum: 17\r\nX-More: a b c\r\n", true).await;
    check("", true).await;
    // All of them on one connection.
    assert_eq!(*world.targets.connections.lock().unwrap(), 1);
    check(&"X-Long: y\r\n".repeat(20_000), false).await;
    check("X-Sum: 17\r\n", true).await;
    assert!(series(&db, "a").into_values().next().unwrap().len() >= 8);
}

#[tokio::test(start_paused = true)]
async fn another_seed_moves_who_begins_after_it() {
    const ONE: u64 = 1_234_567_890_123;
    const TWO: u64 = 9_876_543_210_987;
    let place = async |seeds: [u64; 2]| {
        let options = Options { offset_seed: seeds[0], ..Options::default() };
        let world = World::with_store(MemoryStore::new(), options);
        world.targets.page("old:1", "a 1\n");
        world.targets.page("new:1", "a 1\n");
        world.apply(&job(""));
        world.discover(&[("j", &["old:1"])]);
        world.pass(30_000).await;
        world.manager.set_offset_seed(seeds[1]);
        world.apply(&job(""));
        world.discover(&[("j", &["old:1", "new:1"])]);
        world.pass(40_000).await;
        ["old:1", "new:1"].map(|address| {
            let up = world.samples("up", address);
            assert!(up.windows(2).all(|pair| pair[1].0 - pair[0].0 == 10_000), "{up:?}");
            up[0].0 % 10_000
        })
    };
    let ([old_of_one, new_of_one], [old_of_two, new_of_two]) =
        (place([ONE, ONE]).await, place([TWO, TWO]).await);
    assert_eq!(place([ONE, TWO]).await, [old_of_one, new_of_two]);
    assert!(old_of_one != old_of_two && new_of_one != new_of_two);
}
