//! What people read of targets.

use super::super::text::show;
use api::explain::{
    Diagnosis, ExplainedJob, ExplainedTarget, Explanation, LabelMap, LimitPassed, Page, Position,
    Scrapes, Step,
};

fn labels(pairs: &[(&str, &str)]) -> LabelMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[track_caller]
fn check(jobs: Vec<ExplainedJob>, expected: &str) {
    assert_eq!(show(&Explanation { asked: "x".into(), jobs }), expected);
}

#[test]
fn a_target_that_is_well() {
    let before = labels(&[("__address__", "a:1"), ("gone", "1"), ("other", "1")]);
    let after = labels(&[("__address__", "a:1"), ("new", "2"), ("other", "2")]);
    let step = |rule, outcome: &str, after: &LabelMap| Step {
        rule,
        text: "action: replace".into(),
        outcome: outcome.into(),
        before: before.clone(),
        after: after.clone(),
    };
    let target = ExplainedTarget {
        state: "up".into(),
        scrape_url: Some("http://a:1/metrics".into()),
        labels: Some(labels(&[("instance", "a:1")])),
        source: "0".into(),
        discovered_labels: labels(&[("__address__", "a:1")]),
        steps: vec![step(1, "changed", &after), step(2, "unchanged", &before)],
        scrapes: Some(Scrapes {
            last_scrape: Some("2026-01-01T00:00:00Z".into()),
            last_scrape_duration: 0.0123,
            total: 7,
            samples: 3,
            samples_kept: 2,
            series: 2,
            series_added_total: 5,
            body_bytes: 2048,
            ..Scrapes::default()
        }),
        ..ExplainedTarget::default()
    };
    let job = ExplainedJob {
        job: "node".into(),
        discovered: 3,
        states: [("up".into(), 1)].into(),
        targets: vec![target],
        left_out: 0,
    };
    check(
        vec![job],
        "job node - 1 of 3 targets: 1 up\n\
         \n\
         UP http://a:1/metrics\n\
         \x20 scraped     2026-01-01T00:00:00Z, took 12.3 ms\n\
         \x20 brought     3 samples, 2 kept after relabeling, 2.0 KiB of body\n\
         \x20 series      2, 0 new in the last scrape, 5 new over time\n\
         \x20 labels      {instance=\"a:1\"}\n\
         \x20 found by    0\n\
         \x20 discovered  {__address__=\"a:1\"}\n\
         \x20 rule 1      changed: action: replace\n\
         \x20             - gone=\"1\"\n\
         \x20             other: \"1\" -> \"2\"\n\
         \x20             + new=\"2\"\n\
         \x20 rule 2      unchanged: action: replace\n",
    );
}

#[test]
fn a_target_in_trouble() {
    let target = ExplainedTarget {
        state: "down".into(),
        reason: Some("no\u{1b}[2J".into()),
        scrape_url: Some("http://a:1/metrics".into()),
        scrapes: Some(Scrapes {
            last_scrape: Some("then".into()),
            last_scrape_duration: 1.5,
            total: 7,
            failed: 2,
            samples: 1,
            samples_kept: 1,
            samples_refused: 3,
            body_bytes: 1,
            ..Scrapes::default()
        }),
        diagnosis: Some(Diagnosis {
            current: true,
            limit: Some(LimitPassed {
                option: "sample_limit".into(),
                allowed: 10,
                measured: 11,
                series: Some("s{a=\"b\"}".into()),
            }),
            page: Some(Page {
                position: Some(Position { line: 2, column: 3, offset: 6 }),
                came: 10,
                text: "a 1\nb x\n".into(),
                ..Page::default()
            }),
            ..Diagnosis::default()
        }),
        source: "0".into(),
        ..ExplainedTarget::default()
    };
    let dropped = ExplainedTarget {
        state: "dropped".into(),
        discovered_labels: labels(&[("__address__", "a:1")]),
        source: "0".into(),
        ..ExplainedTarget::default()
    };
    let mended = ExplainedTarget {
        state: "up".into(),
        source: "0".into(),
        diagnosis: Some(Diagnosis {
            at: "then".into(),
            error: "it hung".into(),
            page: Some(Page { text: "<html>".into(), came: 6, ..Page::default() }),
            ..Diagnosis::default()
        }),
        scrapes: Some(Scrapes::default()),
        ..ExplainedTarget::default()
    };
    let job = ExplainedJob {
        job: "node".into(),
        discovered: 4,
        states: [("down".into(), 1), ("dropped".into(), 1), ("up".into(), 1)].into(),
        targets: vec![target, dropped, mended],
        left_out: 1,
    };
    check(
        vec![job, ExplainedJob { job: "b".into(), ..ExplainedJob::default() }],
        "job node - 3 of 4 targets: 1 down, 1 dropped, 1 up\n\
         \n\
         DOWN http://a:1/metrics\n\
         \x20 why         no\\u{1b}[2J\n\
         \x20 limit       sample_limit allows 10, found 11\n\
         \x20 beyond it   s{a=\"b\"}\n\
         \x20 place       line 2, column 3, byte 6 of the page; 10 bytes came\n\
         \x20        1 | a 1\n\
         \x20        2 | b x\n\
         \x20          |   ^\n\
         \x20 scraped     then, took 1.5 s; 2 of 7 failed\n\
         \x20 brought     1 sample, 3 refused, 1 byte of body\n\
         \x20 series      0, 0 new in the last scrape, 0 new over time\n\
         \x20 found by    0\n\
         \x20 discovered  {}\n\
         \n\
         DROPPED a:1\n\
         \x20 found by    0\n\
         \x20 discovered  {__address__=\"a:1\"}\n\
         \n\
         UP \n\
         \x20 last failed it hung at then, since mended\n\
         \x20 answer      6 bytes came, beginning with\n\
         \x20   | <html>\n\
         \x20 scrapes     none yet\n\
         \x20 found by    0\n\
         \x20 discovered  {}\n\
         \n\
         and 1 more target; --limit shows more of them, --state fewer\n\
         \n\
         job b - discovery found no targets\n",
    );
}
