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
        "load 1m\n  h {{count:1}}x3\n  f 1 2 3\n  c@st -30s _x2\n  c 1 2 3\n\n\
         eval instant at 1m f\n  f 2\n\n\
         eval instant at 1m h\n  h {{count:1}}\n\n\
         eval instant at 1m h + f\n  expect info\n\n\
         eval instant at 1m c\n  c 2\n",
        1,
        &[
            (10, "needs native histograms"),
            (13, "needs native histograms"),
            (16, "needs start timestamps"),
        ],
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
    let script = "load 1m\n  h {{}}\n\neval instant at 0 h\n  h {{}}\n";
    let report = run(script, &mut store, Checks::default());
    let need = super::Need::NativeHistograms;
    assert!(matches!(report.failures[..], [Failure { reason: Reason::Needs(n), .. }] if n == need));
}
