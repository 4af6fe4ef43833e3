mod mixed;

use super::*;
use crate::config::{Escaping, Features, Global, Written, accept_header};
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

fn resolve(config: &str, global: &Global) -> Job {
    let written: Written = serde_saphyr::from_str(config).unwrap();
    written.resolve(global).unwrap()
}

/// Pages of one target, one after the other, into a store.
struct Pages {
    store: MemoryStore,
    job: Job,
    format: Format,
    /// Bytes of a piece; 0 for whole pages.
    piece: usize,
    target: Target,
    ingest: Ingest,
    families: FamilyPool,
    row: Row,
    t_ms: i64,
}

impl Pages {
    fn new(config: &str) -> Self {
        Self::with(config, &Global::default())
    }

    /// With all features of the command line.
    fn featured(config: &str) -> Self {
        let features = Features {
            created_timestamp_zero_ingestion: true,
            type_and_unit_labels: false,
            exemplar_storage: true,
        };
        let mut pages = Self::with(config, &Global { features, ..Global::default() });
        pages.format = Format::OpenMetrics;
        pages
    }

    fn with(config: &str, global: &Global) -> Self {
        let job = resolve(config, global);
        let own = Labels::from_pairs([("__address__", "h:1")]);
        let discovered = discovered_labels(&job, &Labels::empty(), &own);
        let Placed::Kept(all) = place(&job, &discovered).unwrap() else { panic!("dropped") };
        let target = Target::new(&job, discovered, &all).unwrap();
        let (store, ingest, row) =
            (MemoryStore::new(), Ingest::new(&KeptByAll::default()), Row::new());
        let (families, format) = (FamilyPool::default(), Format::Text);
        Self { store, job, format, piece: 0, target, ingest, families, row, t_ms: 0 }
    }

    /// Takes a page 10 s after the one before; what it counted, or why it was refused.
    fn take(&mut self, page: &str) -> Result<Tally, String> {
        self.take_with_loss(page).map(|(tally, _)| tally)
    }

    fn take_with_loss(&mut self, page: &str) -> Result<(Tally, Option<Loss>), String> {
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
        let (mut tally, result) = match self.piece {
            0 => self.ingest.page(&mut scene, self.format, page.as_bytes()),
            piece => {
                let mut reading = self.ingest.read(&mut scene, self.format).unwrap();
                let mut rest = Vec::new();
                let mut failure = None;
                for piece in page.as_bytes().chunks(piece) {
                    rest.extend_from_slice(piece);
                    match reading.feed(&rest) {
                        Ok(used) => drop(rest.drain(..used)),
                        Err(error) => {
                            failure = Some(error);
                            break;
                        }
                    }
                }
                let read = match failure {
                    Some(failure) => reading.fail(failure),
                    None => reading.finish(&rest),
                };
                self.ingest.close(&mut scene, read)
            }
        };
        if result.is_err() {
            self.ingest.nothing(&mut scene, New::TakeBack);
        }
        let Tally { scraped, kept, added, .. } = tally;
        let up = result.is_ok();
        let report = Report { up, scraped, kept, added, ..Report::default() };
        self.ingest.commit(&mut scene, &report, &mut tally).unwrap();
        result.map(|loss| (tally, loss)).map_err(|error| error.to_string())
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
            let floats = columns.t_ms.iter().zip(&columns.values).map(|(t_ms, value)| {
                let seconds = *t_ms as f64 / 1000.0;
                let text = match model::is_stale(*value) {
                    true => format!("{seconds}:x"),
                    false => format!("{seconds}:{value}"),
                };
                (*t_ms, text)
            });
            let histograms = columns.histograms.iter().map(|(t_ms, histogram)| {
                let seconds = *t_ms as f64 / 1000.0;
                let (schema, count) = (histogram.schema, histogram.count);
                (*t_ms, format!("{seconds}:h{schema}/{count}"))
            });
            let mut samples: Vec<_> = floats.chain(histograms).collect();
            samples.sort_by_key(|(t_ms, _)| *t_ms);
            let samples = samples.into_iter().map(|(_, text)| text);
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
    assert_eq!(pages.take("a 4\nb{x=\"y\"} 5\n").unwrap().added, 1);
    pages.check("{__name__=a}", "10:1 20:1 30:NaN 40:4");
    pages.check("{__name__=b, x=y}", "10:2 20:3 30:x 40:5");
    pages.check("{__name__=c}", "20:5 30:x");
    pages.check("{__name__=up}", "10:1 20:1 30:1 40:1");
    pages.check("{__name__=scrape_samples_scraped}", "10:2 20:3 30:1 40:2");
    pages.check("{__name__=scrape_series_added}", "10:2 20:1 30:0 40:1");
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
    check(
        "sample_limit: 2",
        "ok 1\na 1\nb 1\n",
        "sample limit exceeded (samples: 3, limit: 2, first beyond it: {__name__=\"b\"",
    );
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
    pages.ingest = Ingest::new(&KeptByAll::default());
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

#[test]
fn whole_or_in_pieces_is_the_same() {
    let config = "{job_name: j, label_value_length_limit: 6, metric_relabel_configs: [
        {source_labels: [__name__], regex: drop_.*, action: drop}]}";
    let pages = [
        "# TYPE a gauge\na 1\nb{x=\"y\"} 2\ndrop_me 1\n",
        "b{x=\"y\"} 3\na 4\nc 5 15000\n",
        "a 1\na 2\nbroken }\n",
        "a 1\nb{x=\"too long\"} 2\n",
        "c 7 45000\na 8\nnew 9\n",
        "",
    ];
    let mut whole = Pages::new(config);
    let results: Vec<_> = pages.iter().map(|page| whole.take(page)).collect();
    for piece in [1, 3, 7, 1000] {
        let mut pieces = Pages::new(config);
        pieces.piece = piece;
        for (page, expected) in pages.iter().zip(&results) {
            assert_eq!(pieces.take(page), *expected, "{page:?} by {piece}");
        }
        for series in ["{__name__=a}", "{__name__=b, x=y}", "{__name__=c}", "{__name__=new}"] {
            assert_eq!(pieces.samples(series), whole.samples(series));
        }
    }
}

fn classic(name: &str, small: u32, large: u32) -> String {
    format!(
        "# TYPE {name} histogram\n{name}_bucket{{le=\"1\"}} {small}\n\
         {name}_bucket{{le=\"2\"}} {large}\n{name}_bucket{{le=\"+Inf\"}} {large}\n\
         {name}_sum 3\n{name}_count {large}\n"
    )
}

#[test]
fn histograms_come_stay_vanish_and_return() {
    let mut pages = Pages::new("{job_name: j, convert_classic_histograms_to_nhcb: true}");
    let tally = pages.take(&(classic("h", 1, 2) + "a 1\n")).unwrap();
    assert_eq!((tally.scraped, tally.kept, tally.added, tally.series), (2, 2, 2, 2));
    assert_eq!(pages.take(&classic("h", 1, 2)).unwrap().added, 0);
    pages.take(&classic("h", 1, 3)).unwrap();
    pages.take("a 1\n").unwrap();
    pages.take(&classic("h", 2, 4)).unwrap();
    pages.take("# TYPE h gauge\nh 5\n").unwrap();
    pages.check("{__name__=h}", "10:h-53/2 20:h-53/2 30:h-53/3 40:x 50:h-53/4 60:5");
    pages.check("{__name__=h_count}", "none");
    pages.take("broken }\n").unwrap_err();
    pages.check("{__name__=h}", "10:h-53/2 20:h-53/2 30:h-53/3 40:x 50:h-53/4 60:5 70:x");
}

#[test]
fn classic_series_beside_the_histogram() {
    let config = "{job_name: j, convert_classic_histograms_to_nhcb: true, \
                  always_scrape_classic_histograms: true}";
    let mut pages = Pages::new(config);
    pages.take(&classic("h", 1, 2)).unwrap();
    pages.check("{__name__=h}", "10:h-53/2");
    pages.check("{__name__=h_count}", "10:2");
    pages.check("{__name__=h_bucket, le=2.0}", "10:2");
}

#[test]
fn histograms_with_timestamps() {
    let mut pages = Pages::new("{job_name: j, convert_classic_histograms_to_nhcb: true}");
    let page = |small, large, t_ms: i64| -> String {
        let lines = classic("h", small, large);
        let lines = lines.lines().map(|line| match line.starts_with('#') {
            true => format!("{line}\n"),
            false => format!("{line} {t_ms}\n"),
        });
        lines.collect()
    };
    pages.take(&page(1, 2, 9000)).unwrap();
    pages.take(&page(1, 2, 9000)).unwrap();
    pages.take(&page(2, 3, 29_000)).unwrap();
    pages.check("{__name__=h}", "9:h-53/2 29:h-53/3");
}

#[test]
fn a_histogram_with_too_many_buckets_fails_the_scrape() {
    let config = "{job_name: j, convert_classic_histograms_to_nhcb: true, \
                  native_histogram_bucket_limit: 1}";
    let mut pages = Pages::new(config);
    let one = "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
    pages.take(one).unwrap();
    for _ in 0..2 {
        let error = pages.take(&(classic("h", 1, 2) + "a 1\n")).unwrap_err();
        assert!(error.starts_with("histogram bucket limit exceeded (metric: {__name__=\"h\""));
        assert!(error.ends_with("buckets: 2, limit: 1)"), "{error}");
    }
    pages.take(one).unwrap();
    pages.check("{__name__=h}", "10:h-53/1 20:x 40:h-53/1");
    pages.check("{__name__=a}", "none");
    pages.check("{__name__=scrape_samples_scraped}", "10:1 20:2 30:2 40:1");
    pages.check("{__name__=scrape_series_added}", "10:1 20:0 30:0 40:0");
}

#[test]
fn the_sample_limit_does_not_count_duplicates_and_dropped_series() {
    let config = "{job_name: j, sample_limit: 2, metric_relabel_configs: [
        {source_labels: [__name__], regex: drop_.*, action: drop}]}";
    let mut pages = Pages::new(config);
    for _ in 0..2 {
        pages.take("a 1\na 2\ndrop_me 1\nb 1\na 3\n").unwrap();
    }
    pages.check("{__name__=scrape_samples_post_metric_relabeling}", "10:4 20:4");
}

#[test]
fn a_sample_limit_again_and_again() {
    let mut pages = Pages::new("{job_name: j, sample_limit: 2}");
    let good = "a 1\nb 1\n";
    let bad = "c 1\na 1\nb 1\n";
    for page in [good, bad, bad, good, bad, good] {
        assert_eq!(pages.take(page).is_ok(), page == good);
    }
    pages.check("{__name__=a}", "10:1 20:x 40:1 50:x 60:1");
    pages.check("{__name__=c}", "none");
    pages.take("c 1\na 1\n").unwrap();
    pages.check("{__name__=c}", "70:1");
    pages.check("{__name__=b}", "10:1 20:x 40:1 50:x 60:1 70:x");
}

#[test]
fn a_soft_sample_limit_keeps_what_is_known() {
    let mut pages = Pages::new("{job_name: j, sample_limit: 3, sample_limit_mode: soft}");
    assert_eq!(pages.take_with_loss("a 1\nb 1\n").unwrap().1, None);
    for _ in 0..2 {
        // The new ones stand before the known ones.
        let (tally, loss) = pages.take_with_loss("x 1\ny 1\nz 1\na 2\nb 2\n").unwrap();
        assert_eq!((tally.over_limit, tally.series, tally.kept), (2, 3, 5));
        let loss = loss.unwrap();
        assert_eq!(loss.reason, Reason::SampleLimit);
        assert!(loss.text.contains("2 samples of new series refused (samples: 5, limit: 3, soft"));
    }
    pages.check("{__name__=a}", "10:1 20:2 30:2");
    pages.check("{__name__=x}", "20:1 30:1");
    pages.check("{__name__=y}", "none");
    pages.check("{__name__=up}", "10:1 20:1 30:1");
    // Lines that are not remembered any more are still known series.
    pages.ingest.memory.clear();
    let tally = pages.take("y 1\nz 1\nx 1\na 3\nb 3\n").unwrap();
    assert_eq!((tally.over_limit, tally.series), (2, 3));
    // Room comes back when some have been away for a while.
    for _ in 0..4 {
        pages.take("y 1\na 4\n").unwrap();
    }
    assert!(pages.samples("{__name__=y}").ends_with(":1"), "{}", pages.samples("{__name__=y}"));
}

#[test]
fn beginnings_become_zeros() {
    let mut pages = Pages::featured("{job_name: j}");
    let page = |value: u32, created: f64| {
        format!("# TYPE c counter\nc_total {value}\nc_created {created}\n# EOF\n")
    };
    pages.t_ms = 10_000_000;
    pages.take(&page(5, 10_004.0)).unwrap();
    pages.take(&page(6, 10_004.0)).unwrap();
    // Began anew between the scrapes.
    pages.take(&page(1, 10_025.0)).unwrap();
    // Long ago, and in the future.
    pages.take("# TYPE d counter\nd_total 1\nd_created 10\n# EOF\n").unwrap();
    pages.take("# TYPE e counter\ne_total 1\ne_created 99999\n# EOF\n").unwrap();
    pages.check("{__name__=c_total}", "10004:0 10010:5 10020:6 10025:0 10030:1 10040:x");
    pages.check("{__name__=c_created}", "none");
    pages.check("{__name__=d_total}", "10040:1 10050:x");
    pages.check("{__name__=e_total}", "10050:1");
    // A restart does not make zeros among samples that are there.
    pages.ingest = Ingest::new(&KeptByAll::default());
    pages.take(&page(9, 10_033.0)).unwrap();
    assert!(pages.samples("{__name__=c_total}").ends_with("10040:x 10060:9"));
}

#[test]
fn beginnings_of_series_with_timestamps() {
    let mut pages = Pages::featured("{job_name: j}");
    let page = |value: u32, t: u32, created: u32| {
        format!("# TYPE c counter\nc_total {value} {t}\nc_created {created} {t}\n# EOF\n")
    };
    pages.take(&page(5, 9, 4)).unwrap();
    pages.take(&page(6, 19, 4)).unwrap();
    pages.take(&page(1, 29, 25)).unwrap();
    pages.check("{__name__=c_total}", "4:0 9:5 19:6 25:0 29:1");
}

fn exemplars(pages: &Pages, metric: &str) -> Vec<(i64, f64, String)> {
    use storage::ExemplarQueryable as _;
    let name = model::Matcher::new(model::MatchOp::Equal, model::METRIC_NAME, metric).unwrap();
    let found = pages.store.exemplars(&[vec![name]], TimeRange::ALL).unwrap();
    let all = found.iter().flat_map(|series| &series.exemplars);
    all.map(|e| (e.t_ms, e.value, e.labels.get("id").unwrap_or("").to_owned())).collect()
}

#[test]
fn exemplars_are_stored_once() {
    let mut pages = Pages::featured("{job_name: j}");
    let page = |exemplar: &str| format!("# TYPE c counter\nc_total 1{exemplar}\n# EOF\n");
    pages.take(&page(" # {id=\"1\"} 0.5 7")).unwrap();
    pages.take(&page(" # {id=\"1\"} 0.5 7")).unwrap();
    pages.take(&page(" # {id=\"2\"} 0.6")).unwrap();
    pages.take(&page(" # {id=\"2\"} 0.6")).unwrap();
    let tally = pages.take(&page(" # {id=\"3\"} 0.7 5")).unwrap();
    assert_eq!(tally.exemplars_out_of_order, 1);
    let long = format!(" # {{id=\"{}\"}} 1", "x".repeat(130));
    assert_eq!(pages.take(&page(&long)).unwrap().exemplars_out_of_order, 0);
    // Of a page that is refused, nothing is stored.
    pages.take("# TYPE c counter\nc_total 1 # {id=\"4\"} 1\nbroken }\n").unwrap_err();
    let expected = [(7000, 0.5, "1".to_owned()), (30_000, 0.6, "2".to_owned())];
    assert_eq!(exemplars(&pages, "c_total"), expected);
}

#[test]
fn exemplars_wait_for_their_feature() {
    let mut pages = Pages::new("{job_name: j}");
    pages.format = Format::OpenMetrics;
    pages.take("# TYPE c counter\nc_total 1 # {id=\"1\"} 0.5 7\n# EOF\n").unwrap();
    assert_eq!(exemplars(&pages, "c_total"), []);
}

#[test]
fn families_that_are_gone_are_forgotten_after_ten_scrapes() {
    let mut pages = Pages::new("{job_name: j}");
    let names = |pages: &Pages| {
        let families = pages.target.families();
        families.iter().map(|family| family.name.to_string()).collect::<Vec<_>>().join(" ")
    };
    let (both, one) = ("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n", "# TYPE a gauge\na 1\n");
    for _ in 0..5 {
        pages.take(both).unwrap();
    }
    for _ in 0..9 {
        pages.take(one).unwrap();
        assert_eq!(names(&pages), "a b");
    }
    for _ in 0..8 {
        pages.take(one).unwrap();
    }
    assert_eq!(names(&pages), "a");
    pages.take(both).unwrap();
    assert_eq!(names(&pages), "a b");
    // One that comes and goes stays.
    for round in 0..30 {
        pages.take(if round % 5 == 0 { both } else { one }).unwrap();
        assert_eq!(names(&pages), "a b");
    }
}

#[test]
fn types_and_units_as_labels() {
    let features = Features { type_and_unit_labels: true, ..Features::default() };
    let mut pages = Pages::with("{job_name: j}", &Global { features, ..Global::default() });
    pages.take("# TYPE a counter\na{__type__=\"x\"} 1\n").unwrap();
    pages.check("{__name__=a, __type__=counter}", "10:1");
}
