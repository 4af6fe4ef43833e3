//! Series that bring timestamps now and then: one order of time, and ends as in Prometheus.

use super::*;

/// Takes pages, one after the other, each 10 s after the one before.
fn after(config: &str, taken: &[&str]) -> (Pages, Tally) {
    let mut pages = Pages::new(config);
    let mut all = Tally::default();
    for page in taken {
        let Ok(tally) = pages.take(page) else { continue };
        all.duplicates += tally.duplicates;
        all.out_of_order += tally.out_of_order;
        all.added += tally.added;
    }
    (pages, all)
}

/// The samples of `a`, and how many were dropped as duplicates and as out of order.
#[track_caller]
fn check(taken: &[&str], expected: &str, duplicates: u64, out_of_order: u64) {
    let (pages, tally) = after("{job_name: j}", taken);
    pages.check("{__name__=a}", expected);
    assert_eq!((tally.duplicates, tally.out_of_order), (duplicates, out_of_order), "{taken:?}");
}

#[test]
fn one_order_of_time_holds() {
    // A timestamp before what is stored, then one behind it.
    check(&["a 1\n", "a 2 9000\n", "a 3 25000\n"], "10:1 20:x 25:3", 0, 1);
    // The same time again, with another value and with the same.
    check(&["a 1\n", "a 2 10000\n"], "10:1 20:x", 1, 0);
    check(&["a 1\n", "a 1 10000\n"], "10:1 20:x", 0, 0);
    // The time of the scrape itself.
    check(&["a 1\n", "a 2 20000\n", "a 3\n"], "10:1 20:2 30:3", 0, 0);
    // In the future: what comes without a timestamp is older, and so is the end.
    check(&["b 1\n", "a 2 35000\n", "a 3\n", "a 4\n", "b 1\n"], "35:2 40:4 50:x", 0, 1);
}

#[test]
fn the_absence_of_what_had_the_time_of_the_scrape_is_the_end() {
    check(&["a 1\n", "a 2 19000\n", "b 1\n", "b 1\n"], "10:1 19:2 20:x", 0, 0);
    check(&["a 1 9000\n", "a 2\n", "b 1\n", "b 1\n"], "9:1 20:2 30:x", 0, 0);
    check(&["a 1 9000\n", "a 2\n", "a 3\n", "a 4 39000\n"], "9:1 20:2 30:3 39:4 40:x", 0, 0);
    // A page that fails is one without it.
    check(&["a 1 9000\n", "a 2\n", "b }\n", "a 3\n"], "9:1 20:2 30:x 40:3", 0, 0);
    check(&["a 1 9000\n", "b }\n", "a 3 29000\n", "b }\n"], "9:1 29:3", 0, 0);
    let (mut pages, _) = after("{job_name: j}", &["a 1 9000\nb 1\n", "a 2\nb 2\n"]);
    pages.end();
    pages.check("{__name__=a}", "9:1 20:2 30:x");
    pages.check("{__name__=b}", "10:1 20:2 30:x");
}

#[test]
fn back_and_forth() {
    let (with, without) = (["a 1 9000\n", "a 3 29000\n", "a 5 49000\n"], "a 2\n");
    check(
        &[with[0], without, with[1], without, with[2], without],
        "9:1 20:2 29:3 30:x 40:2 49:5 50:x 60:2",
        0,
        0,
    );
    // Others that bring timestamps stay in step.
    let page = |n: i64, a: &str| {
        format!("b {n} {}\nc {n} {}\n{a}\n", n * 10_000 - 9_500, n * 10_000 - 9_500)
    };
    let taken: Vec<_> = (1..9).map(|n| page(n, if n % 2 == 0 { "a 1" } else { "a 1 7" })).collect();
    let taken: Vec<_> = taken.iter().map(|page| &**page).collect();
    let (pages, tally) = after("{job_name: j}", &taken);
    pages.check("{__name__=b}", "0.5:1 10.5:2 20.5:3 30.5:4 40.5:5 50.5:6 60.5:7 70.5:8");
    assert_eq!(tally.out_of_order, 3);
    pages.check("{__name__=a}", "0.007:1 20:1 30:x 40:1 50:x 60:1 70:x 80:1");
}

#[test]
fn twice_in_a_page_is_one_series() {
    check(&["a 1\na 2\n", "a 1\na 1\n"], "10:1 20:1", 2, 0);
    // The first has the time of the scrape, the second an older one.
    let both = |n: i64| format!("a {n}\na 7 {}\n", n * 10_000 - 1_000);
    let pages: Vec<_> = (1..5).map(both).collect();
    let pages: Vec<_> = pages.iter().map(|page| &**page).collect();
    let (pages, tally) = after("{job_name: j}", &pages);
    pages.check("{__name__=a}", "10:1 20:2 30:3 40:4");
    assert_eq!(tally.out_of_order, 4);
    // The other way round both fit.
    check(&["a 1 9000\na 2\n", "a 3 19000\na 4\n"], "9:1 10:2 19:3 20:4", 0, 0);
    let types = "# TYPE h histogram\nm{le=\"1\"} 1\n# TYPE g gauge\nm{le=\"1\"} 2\n";
    let (pages, tally) = after("{job_name: j}", &[types, types]);
    pages.check("{__name__=m, le=1.0}", "10:1 20:1");
    pages.check("{__name__=m, le=1}", "none");
    assert_eq!((tally.duplicates, tally.added), (2, 1));
}

#[test]
fn tracked_timestamps_end_as_others() {
    let (pages, _) = after(
        "{job_name: j, track_timestamps_staleness: true}",
        &["a 1 9000\n", "a 2\n", "a 3 29000\n", "b 1\n", "a 4 49000\n", "b }\n", "a 5\n"],
    );
    pages.check("{__name__=a}", "9:1 20:2 29:3 40:x 49:4 60:x 70:5");
}

#[test]
fn a_series_that_was_there_is_not_added_again() {
    let (_, tally) = after("{job_name: j}", &["a 1\n", "a 2 19000\n", "a 3\n", "a 4 39000\n"]);
    assert_eq!(tally.added, 1);
}

#[test]
fn timestamps_that_are_no_longer_honoured() {
    let (mut pages, _) = after("{job_name: j}", &["a 1 9000\n", "a 2\n"]);
    pages.job.honor_timestamps = false;
    for page in ["a 3 20500\n", "a 4 4\n", "b 1\n"] {
        pages.take(page).unwrap();
    }
    pages.check("{__name__=a}", "9:1 20:2 30:3 40:4 50:x");
}
