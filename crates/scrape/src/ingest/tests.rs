use super::*;
use crate::config::{Escaping, Global, Written, accept_header};
use crate::target::{Placed, discovered_labels, place};
use exposition::{Format, Known, Metadata, Options, Protocol, SeriesLine, Sink};
use model::{FloatHistogram, Labels, TimeRange};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use storage::{Columns, Queryable, SelectHints};
use testkit::MemoryStore;

#[derive(Deserialize)]
struct Conformance {
    sample_labels: Vec<LabelCase>,
    accept_header: Vec<AcceptCase>,
}

#[derive(Deserialize)]
struct LabelCase {
    id: String,
    honor_labels: bool,
    target_labels: BTreeMap<String, String>,
    line: String,
    stored: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct AcceptCase {
    id: String,
    scrape_protocols: Vec<String>,
    escaping: String,
    accept: String,
}

struct Merged<'a>(&'a Labels, bool, Vec<Labels>);

impl Sink for Merged<'_> {
    type Error = String;

    fn known(&mut self, _: u32, _: f64, _: Option<i64>) -> Result<Known, String> {
        Ok(Known::Taken)
    }

    fn known_histogram(
        &mut self,
        _: u32,
        _: &FloatHistogram,
        _: Option<i64>,
    ) -> Result<Known, String> {
        Ok(Known::Taken)
    }

    fn unknown_histogram(
        &mut self,
        _: &SeriesLine<'_>,
        _: &FloatHistogram,
        _: Option<i64>,
    ) -> Result<u32, String> {
        Ok(0)
    }

    fn unknown(&mut self, series: &SeriesLine<'_>, _: f64, _: Option<i64>) -> Result<u32, String> {
        self.2.push(merge::merge(series, self.0, self.1)?);
        Ok(0)
    }

    fn metadata(&mut self, _: Metadata<'_>) {}
}

fn merged(case: &LabelCase) -> Labels {
    let target = Labels::from_pairs(&case.target_labels);
    let mut sink = Merged(&target, case.honor_labels, Vec::new());
    let page = format!("{}\n", case.line);
    let options = Options::new(Format::Text);
    exposition::parse(&options, page.as_bytes(), &mut Predictor::new(), &mut sink).unwrap();
    sink.2.pop().unwrap()
}

#[test]
fn conformance() {
    let dir = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance")),
        PathBuf::from,
    );
    if !dir.is_dir() {
        println!("skipped: labels of scraped series: no folder {}", dir.display());
        return;
    }
    let text = std::fs::read_to_string(dir.join("scrape-labels.yaml")).unwrap();
    let cases: Conformance = serde_saphyr::from_str(&text).unwrap();
    let (mut passed, mut failed) = (0, 0);
    let mut note = |id: &str, got: String, expected: String| {
        if got == expected {
            passed += 1;
        } else {
            println!("{id}: {got}, expected {expected}");
            failed += 1;
        }
    };
    for case in &cases.sample_labels {
        let expected = Labels::from_pairs(&case.stored);
        note(&case.id, merged(case).to_string(), expected.to_string());
    }
    for case in &cases.accept_header {
        let protocols = case.scrape_protocols.iter();
        let protocols: Vec<_> = protocols.map(|p| Protocol::from_name(p).unwrap()).collect();
        let got = accept_header(&protocols, Escaping::parse(&case.escaping).unwrap());
        note(&case.id, got, case.accept.clone());
    }
    println!("{passed} passed, {failed} failed");
    assert_eq!(failed, 0);
}

/// Pages of one target, one after the other, into a store.
struct Pages {
    store: MemoryStore,
    job: Job,
    target: Target,
    ingest: Ingest,
    families: FamilyPool,
    row: Row,
    t_ms: i64,
}

impl Pages {
    fn new(config: &str) -> Self {
        let written: Written = serde_saphyr::from_str(config).unwrap();
        let job = written.resolve(&Global::default()).unwrap();
        let own = Labels::from_pairs([("__address__", "h:1")]);
        let discovered = discovered_labels(&job, &Labels::empty(), &own);
        let Placed::Kept(all) = place(&job, &discovered).unwrap() else { panic!("dropped") };
        let target = Target::new(&job, discovered, &all).unwrap();
        let (store, ingest, row) = (MemoryStore::new(), Ingest::new(), Row::new());
        Self { store, job, target, ingest, families: FamilyPool::default(), row, t_ms: 0 }
    }

    /// Takes a page 10 s after the one before; what it counted, or why it was refused.
    fn take(&mut self, page: &str) -> Result<Tally, String> {
        self.t_ms += 10_000;
        let mut scene = Scene {
            store: &self.store,
            job: &self.job,
            target: &self.target,
            group_key: self.target.key(),
            families: &self.families,
            row: &mut self.row,
            t_ms: self.t_ms,
        };
        let (mut tally, result) = self.ingest.page(&mut scene, Format::Text, page.as_bytes());
        if result.is_err() {
            self.ingest.nothing(&mut scene);
        }
        let Tally { scraped, kept, added, .. } = tally;
        let up = result.is_ok();
        let report = Report { up, scraped, kept, added, ..Report::default() };
        self.ingest.commit(&mut scene, &report, &mut tally).unwrap();
        result.map(|_| tally).map_err(|error| error.to_string())
    }

    fn end(&mut self) {
        self.t_ms += 10_000;
        let mut scene = Scene {
            store: &self.store,
            job: &self.job,
            target: &self.target,
            group_key: self.target.key(),
            families: &self.families,
            row: &mut self.row,
            t_ms: self.t_ms,
        };
        self.ingest.end(&mut scene).unwrap();
    }

    /// All samples of a series as `seconds:value`, with `x` for the end; the target's labels are
    /// left out.
    #[track_caller]
    fn check(&self, series: &str, expected: &str) {
        assert_eq!(self.samples(series), expected, "{series}");
    }

    fn samples(&self, series: &str) -> String {
        let querier = self.store.querier(TimeRange::ALL).unwrap();
        let hints = SelectHints { range: TimeRange::ALL, sorted: true, labels_only: false };
        let set = querier.select(&[], &hints).unwrap();
        for i in 0..set.len() {
            let labels = set.labels(i);
            let own = labels.filter(|n, v| !matches!((n, v), ("job", "j") | ("instance", "h:1")));
            if own.to_string().replace('"', "") != series {
                continue;
            }
            let mut columns = Columns::default();
            set.read(i, TimeRange::ALL, &mut columns).unwrap();
            let samples = columns.t_ms.iter().zip(&columns.values).map(|(t_ms, value)| {
                let seconds = *t_ms as f64 / 1000.0;
                if model::is_stale(*value) {
                    format!("{seconds}:x")
                } else {
                    format!("{seconds}:{value}")
                }
            });
            return samples.collect::<Vec<_>>().join(" ");
        }
        "none".into()
    }
}

#[test]
fn series_come_stay_vanish_and_return() {
    let mut pages = Pages::new("{job_name: j}");
    assert_eq!(pages.take("a 1\nb{x=\"y\"} 2\n").unwrap().added, 2);
    assert_eq!(pages.take("b{x=\"y\"} 3\na 1\nc 5\n").unwrap().added, 1);
    assert_eq!(pages.take("a NaN\n").unwrap().added, 0);
    assert_eq!(pages.take("a 4\nb{x=\"y\"} 5\n").unwrap().added, 0);
    pages.check("{__name__=a}", "10:1 20:1 30:NaN 40:4");
    pages.check("{__name__=b, x=y}", "10:2 20:3 30:x 40:5");
    pages.check("{__name__=c}", "20:5 30:x");
    pages.check("{__name__=up}", "10:1 20:1 30:1 40:1");
    pages.check("{__name__=scrape_samples_scraped}", "10:2 20:3 30:1 40:2");
    pages.check("{__name__=scrape_series_added}", "10:2 20:1 30:0 40:0");
    pages.end();
    pages.check("{__name__=a}", "10:1 20:1 30:NaN 40:4 50:x");
    pages.check("{__name__=up}", "10:1 20:1 30:1 40:1 50:x");
}

#[test]
fn a_page_that_breaks_off_stores_nothing_and_ends_what_was_there() {
    let mut pages = Pages::new("{job_name: j}");
    pages.take("a 1\nb 2\n").unwrap();
    let error = pages.take("a 2\nnew 1\nb }\n").unwrap_err();
    assert!(error.contains("line 3"), "{error}");
    pages.check("{__name__=a}", "10:1 20:x");
    pages.check("{__name__=new}", "none");
    pages.check("{__name__=up}", "10:1 20:0");
    pages.check("{__name__=scrape_samples_scraped}", "10:2 20:2");
    pages.take("a 3\nnew 4\n").unwrap();
    pages.check("{__name__=a}", "10:1 20:x 30:3");
    pages.check("{__name__=new}", "30:4");
    pages.check("{__name__=b}", "10:2 20:x");
}

#[test]
fn duplicates_keep_the_first() {
    let mut pages = Pages::new("{job_name: j}");
    let page = "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\n";
    for added in [1, 0] {
        let tally = pages.take(page).unwrap();
        assert_eq!((tally.scraped, tally.kept, tally.duplicates, tally.added), (3, 3, 2, added));
    }
    pages.check("{__name__=a, x=1, y=2}", "10:1 20:1");
}

#[test]
fn rules_drop_and_rename() {
    let config = "{job_name: j, metric_relabel_configs: [
        {source_labels: [__name__], regex: drop_.*, action: drop},
        {source_labels: [__name__], regex: gone, target_label: __name__, replacement: ''},
        {source_labels: [x], target_label: z, replacement: 'new-$1'}]}";
    let mut pages = Pages::new(config);
    for _ in 0..2 {
        let tally = pages.take("drop_me 1\na{x=\"1\"} 2\n").unwrap();
        assert_eq!((tally.scraped, tally.kept), (2, 1));
    }
    pages.check("{__name__=a, x=1, z=new-1}", "10:2 20:2");
    let error = pages.take("gone 1\n").unwrap_err();
    assert_eq!(error, "missing metric name (__name__ label)");
}

#[test]
fn limits_refuse_the_whole_page() {
    let check = |config: &str, page: &str, expected: &str| {
        let mut pages = Pages::new(&format!("{{job_name: j, {config}}}"));
        pages.take("ok 1\n").unwrap();
        for _ in 0..2 {
            let error = pages.take(page).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        pages.check("{__name__=ok}", "10:1 20:x");
        pages.take("ok 2\n").unwrap();
        pages.check("{__name__=ok}", "10:1 20:x 40:2");
        pages.check("{__name__=up}", "10:1 20:0 30:0 40:1");
    };
    check("sample_limit: 2", "ok 1\na 1\nb 1\n", "sample limit exceeded (samples: 3, limit: 2)");
    check(
        "label_limit: 3",
        "ok{a=\"b\"} 1\n",
        "label_limit exceeded (metric: ok, number of labels: 4",
    );
    check(
        "label_name_length_limit: 8",
        "ok{ninechars=\"\"} 1\nok{ninechars=\"x\"} 1\n",
        "label_name_length_limit exceeded (metric: ok, label name: ninechars, length: 9, limit: 8)",
    );
    check(
        "label_value_length_limit: 3",
        "ok{a=\"four\"} 1\n",
        "label_value_length_limit exceeded (metric: ok, label name: a, value: \"four\"",
    );
    check(
        "metric_name_validation_scheme: legacy",
        "{\"a.b\"} 1\n",
        "invalid metric name or label names",
    );
    check(
        "honor_labels: false",
        "ok{a=\"1\",a=\"2\"} 1\n",
        "label name \"a\" is not unique: invalid sample",
    );
}

#[test]
fn a_limited_page_counts_all_its_samples() {
    let mut pages = Pages::new("{job_name: j, sample_limit: 1}");
    pages.take("a 1\nb 1\nc 1\n").unwrap_err();
    pages.check("{__name__=scrape_samples_scraped}", "10:3");
    pages.check("{__name__=scrape_samples_post_metric_relabeling}", "10:3");
    pages.check("{__name__=scrape_series_added}", "10:0");
}

#[test]
fn timestamps_of_the_page() {
    let mut pages = Pages::new("{job_name: j}");
    pages.take("a 1 9000\nb 2 9000\nc 3\n").unwrap();
    // b says the same again, c has no timestamp, d lags behind.
    pages.take("a 2 19000\nb 2 9000\nc 4\nd 1 5000\n").unwrap();
    let tally = pages.take("a 3 18000\nb 9 9000\nd 2 15000\ne 1 900000000\n").unwrap();
    assert_eq!((tally.out_of_order, tally.duplicates, tally.out_of_bounds), (1, 1, 1));
    pages.check("{__name__=a}", "9:1 19:2");
    pages.check("{__name__=b}", "9:2");
    pages.check("{__name__=c}", "10:3 20:4 30:x");
    pages.check("{__name__=d}", "5:1 15:2");
    pages.check("{__name__=e}", "none");
}

#[test]
fn timestamps_long_ago_are_refused() {
    let mut pages = Pages::new("{job_name: j}");
    pages.t_ms = 4_000_000;
    let tally = pages.take("a 1 410000\nb 1 409999\nc 1 0\n").unwrap();
    assert_eq!(tally.out_of_bounds, 2);
    pages.check("{__name__=a}", "410:1");
    pages.check("{__name__=b}", "none");
    // Told again when it is too old by now.
    assert_eq!(pages.take("a 1 410000\n").unwrap().out_of_bounds, 0);
}

#[test]
fn a_page_that_did_not_change_over_a_restart() {
    let mut pages = Pages::new("{job_name: j}");
    pages.take("a 1 9000\nb 2 9000\n").unwrap();
    pages.ingest = Ingest::new();
    let tally = pages.take("a 1 9000\nb 2 9000\nc 3 9000\n").unwrap();
    assert_eq!((tally.out_of_order, tally.duplicates), (0, 0));
    pages.take("a 4 29000\nb 5 29000\nc 6 29000\n").unwrap();
    pages.check("{__name__=a}", "9:1 29:4");
    pages.check("{__name__=b}", "9:2 29:5");
    pages.check("{__name__=c}", "9:3 29:6");
}

#[test]
fn timestamps_are_ignored_when_not_honoured() {
    let mut pages = Pages::new("{job_name: j, honor_timestamps: false}");
    pages.take("a 1 9000\n").unwrap();
    pages.take("a 2 9000\n").unwrap();
    pages.take("b 1 9000\n").unwrap();
    pages.check("{__name__=a}", "10:1 20:2 30:x");
}

#[test]
fn tracked_series_with_timestamps_end() {
    let mut pages = Pages::new("{job_name: j, track_timestamps_staleness: true}");
    pages.take("a 1 9000\nb 1 9500\n").unwrap();
    pages.take("b 2 19500\n").unwrap();
    pages.take("a 5 29000\nb }\n").unwrap_err();
    pages.check("{__name__=a}", "9:1 20:x");
    pages.check("{__name__=b}", "9.5:1 19.5:2 30:x");
    pages.take("a 5 39000\n").unwrap();
    pages.check("{__name__=a}", "9:1 20:x 39:5");
    pages.end();
    pages.check("{__name__=a}", "9:1 20:x 39:5 50:x");
}

#[test]
fn many_timestamps_become_loose_series() {
    let mut pages = Pages::new("{job_name: j}");
    let page = |round: i64| -> String {
        (0..40).map(|i| format!("m{{i=\"{i}\"}} {round} {}\n", round * 10_000 - i * 7)).collect()
    };
    for round in 1..=3 {
        pages.take(&page(round)).unwrap();
    }
    for i in [0, 7, 8, 39] {
        let times = [1, 2, 3].map(|r| format!("{}:{r}", (r * 10_000 - i * 7) as f64 / 1000.0));
        pages.check(&format!("{{__name__=m, i={i}}}"), &times.join(" "));
    }
}

#[test]
fn a_series_may_begin_to_bring_timestamps_and_stop() {
    let mut pages = Pages::new("{job_name: j}");
    pages.take("a 1\n").unwrap();
    pages.take("a 2 19000\n").unwrap();
    pages.take("a 3\n").unwrap();
    pages.check("{__name__=a}", "10:1 19:2 20:x 30:3");
    // Both at once: the one without a timestamp is known first.
    let tally = pages.take("b 1\nb 2 39000\n").unwrap();
    assert_eq!(tally.scraped, 2);
}

#[test]
fn several_samples_of_a_series_in_one_page() {
    let mut pages = Pages::new("{job_name: j}");
    pages.take("a 1 1000\na 2 2000\na 3 3000\nb 1 2500\n").unwrap();
    pages.check("{__name__=a}", "1:1 2:2 3:3");
    pages.check("{__name__=b}", "2.5:1");
}

#[test]
fn a_page_may_speak_of_up_itself() {
    let mut pages = Pages::new("{job_name: j}");
    pages.take("up 7\n").unwrap();
    pages.take("up }\n").unwrap_err();
    pages.check("{__name__=up}", "10:7 20:0");
}

#[test]
fn further_report_series_on_request() {
    let mut pages = Pages::new("{job_name: j, extra_scrape_metrics: true, sample_limit: 5}");
    pages.take("a 1\n").unwrap();
    pages.check("{__name__=scrape_timeout_seconds}", "10:10");
    pages.check("{__name__=scrape_sample_limit}", "10:5");
    pages.check("{__name__=scrape_body_size_bytes}", "10:0");
}

#[test]
fn metadata_is_published() {
    let mut pages = Pages::new("{job_name: j}");
    pages.take("# HELP b text\n# TYPE b counter\nb 1\n# TYPE a gauge\na 1\n").unwrap();
    let families = pages.target.families();
    let told: Vec<_> = families.iter().map(|f| (&*f.name, f.kind.as_str(), &*f.help)).collect();
    assert_eq!(told, [("a", "gauge", ""), ("b", "counter", "text")]);
    pages.take("# HELP b text\n# TYPE b counter\nb 1\n# TYPE a counter\na 1\n").unwrap();
    let later = pages.target.families();
    assert_eq!(later[0].kind.as_str(), "counter");
    assert!(std::sync::Arc::ptr_eq(&families[1], &later[1]), "what did not change is shared");
}
