use super::{Checks, Failure, Reason, RowStore, run};
use std::convert::Infallible;
use testkit::MemoryStore;

#[track_caller]
fn check(script: &str, passed: usize, failures: &[(usize, &str)]) {
    let mut store = RowStore::new(|| Ok::<_, Infallible>(MemoryStore::new())).unwrap();
    let report = run(script, &mut store, Checks::default());
    let shown = |failure: &Failure| (failure.line, failure.reason.to_string());
    let got: Vec<_> = report.failures.iter().map(shown).collect();
    let got: Vec<_> = got.iter().map(|(line, reason)| (*line, reason.as_str())).collect();
    assert_eq!((report.passed, &*got), (passed, failures));
}

#[test]
fn a_run_goes_on_after_failures() {
    check(
        "load 1m\n\
         \tup{job=\"a\"} 1 2 3\n\
         \tup{job='b'} 4+1x2\n\
         # a comment ends the block\n\
         eval instant at 1m up\n  up{job=\"a\"} 2\n  up{job=\"b\"} 5\n\n\
         eval instant at 1m up{job=\"a\"}\n  up{job=\"a\"} 7\n\n\
         eval instant at 1m 1 + 1\n  2\n\
         clear\n\
         eval instant at 1m up\n\n\
         nonsense\n\n\
         eval instant at 1m up{\n  expect fail regex: parse error\n\n\
         eval instant at 1m 1 +\n  expect no_warn\n",
        4,
        &[
            (9, "{__name__=\"up\", job=\"a\"}: expected 7, got 2"),
            (17, "not a command"),
            (22, "1:4: parse error: unexpected end of input"),
        ],
    );
}

#[test]
fn what_cannot_be_stored_is_said() {
    check(
        "load 1m\n  f 1 2 3\n  c@st -30s _x2\n  c 1 2 3\n\n\
         eval instant at 1m f\n  f 2\n\n\
         eval instant at 1m c\n  c 2\n",
        1,
        &[(9, "needs start timestamps")],
    );
}

#[test]
fn histograms_are_compared() {
    check(
        "load 1m\n  h {{count:3 sum:5 buckets:[1 2]}}+{{count:1 buckets:[0 1]}}x3\n\n\
         eval instant at 1m h\n  h {{count:4 sum:5 buckets:[1 3 0]}}\n\n\
         eval instant at 1m h\n  h {{count:4 sum:5 buckets:[1 3] counter_reset_hint:not_reset}}\n\n\
         eval range from 0 to 2m step 1m h\n  \
         h {{count:3 sum:5 buckets:[1 2]}}+{{count:1 buckets:[0 1]}}x2\n\n\
         eval instant at 1m h\n  h 4\n",
        3,
        &[(13, "{__name__=\"h\"}: expected 4, got a histogram")],
    );
}

#[test]
fn classic_histograms_are_converted() {
    check(
        "load_with_nhcb 1m\n  h_bucket{le=\"1\"} 2 4\n  h_bucket{le=\"+Inf\"} 3 6\n  h_sum 7 8\n\n\
         eval instant at 1m h\n  h {{schema:-53 count:6 sum:8 custom_values:[1] buckets:[4 2]}}\n",
        1,
        &[],
    );
}

#[test]
fn a_wrong_line_is_the_failure_of_its_command() {
    check("load 1m\n  a 1 x\n  b 1\n", 0, &[(1, "not a value: \"x\"")]);
    check("load x\n", 0, &[(1, "not a valid duration string: \"x\"")]);
    check("eval at 1m a\n  a 1\n", 0, &[(1, "expected instant or range, got \"at\"")]);
    let fault = "expected one value, got 2 (line 2)";
    check("eval instant at 1m a\n  a 1 2\n", 0, &[(1, fault)]);
}

#[test]
fn reasons_can_be_matched() {
    let mut store = RowStore::new(|| Ok::<_, Infallible>(MemoryStore::new())).unwrap();
    let script = "load 1m\n  c@st 0\n  c 1\n\neval instant at 0 c\n  c 1\n";
    let report = run(script, &mut store, Checks::default());
    let need = super::Need::StartTimestamps;
    assert!(matches!(report.failures[..], [Failure { reason: Reason::Needs(n), .. }] if n == need));
}
