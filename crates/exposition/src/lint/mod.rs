//! What is unwise about the names on a page of text: the problems that `promtool check metrics`
//! reports, in its words.
//!
//! A page is read as a scrape would read it, then each family that has samples is judged. Lines are
//! gathered into families as clients mean them: `_count` and `_sum` belong to the summary or the
//! histogram of that name, `_bucket` to the histogram.

mod families;
mod units;

use families::{Families, Family};

use crate::error::{Failure, SyntaxError};
use crate::negotiate::Format;
use crate::options::Options;
use crate::parser::parse;
use crate::predictor::Predictor;
use crate::sink::FamilyType;

/// Something unwise about a family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The family.
    pub metric: String,
    /// What is unwise, in the words users of promtool know.
    pub text: String,
}

/// The problems of a page in the text format, by family and text. What each sample of a family does
/// wrong is there once for each.
///
/// # Errors
/// When the page cannot be read.
pub fn lint(page: &[u8]) -> Result<Vec<Problem>, SyntaxError> {
    let families = read(page)?;
    let mut problems = Vec::new();
    for (name, family) in families.with_samples() {
        let texts = judge(name, family);
        problems.extend(texts.into_iter().map(|text| Problem { metric: name.to_owned(), text }));
    }
    problems.sort();
    Ok(problems)
}

/// How many series each family of a page has, by its name.
///
/// # Errors
/// When the page cannot be read.
pub fn series_by_family(page: &[u8]) -> Result<Vec<(String, usize)>, SyntaxError> {
    let families = read(page)?;
    Ok(families.with_samples().map(|(name, family)| (name.to_owned(), family.series)).collect())
}

fn read(page: &[u8]) -> Result<Families, SyntaxError> {
    let mut families = Families::default();
    let options = Options::new(Format::Text);
    match parse(&options, page, &mut Predictor::new(), &mut families) {
        Ok(()) => Ok(families),
        Err(Failure::Syntax(error)) => Err(error),
        Err(Failure::Sink(never)) => match never {},
    }
}

const BAD_METRIC_CASE: &str = "metric names should be written in 'snake_case' not 'camelCase'";
const BAD_LABEL_CASE: &str = "label names should be written in 'snake_case' not 'camelCase'";

fn judge(name: &str, family: &Family) -> Vec<String> {
    let kind = family.kind;
    let mut texts: Vec<String> = Vec::new();
    let mut add = |is_wrong: bool, text: &str| {
        if is_wrong {
            texts.push(text.to_owned());
        }
    };
    add(!family.has_help, "no help text");
    add(name.contains(':'), "metric names should not contain ':'");
    add(is_camel_case(name), BAD_METRIC_CASE);
    add(
        kind == FamilyType::Counter && !name.ends_with("_total"),
        "counter metrics should have \"_total\" suffix",
    );
    if kind != FamilyType::Unknown {
        add(
            kind != FamilyType::Counter && name.ends_with("_total"),
            "non-counter metrics should not have \"_total\" suffix",
        );
        add(
            kind != FamilyType::Gauge && name.ends_with("_timestamp_seconds"),
            "non-gauge metrics should not have \"_timestamp_seconds\" suffix",
        );
        let (is_histogram, is_summary) =
            (kind == FamilyType::Histogram, kind == FamilyType::Summary);
        add(
            !is_histogram && name.ends_with("_bucket"),
            "non-histogram metrics should not have \"_bucket\" suffix",
        );
        for suffix in ["_count", "_sum"] {
            let text = format!(
                "non-histogram and non-summary metrics should not have \"{suffix}\" suffix"
            );
            add(!is_histogram && !is_summary && name.ends_with(suffix), &text);
        }
        for label in family.labels() {
            add(
                !is_histogram && label == "le",
                "non-histogram metrics should not have \"le\" label",
            );
            add(
                !is_summary && label == "quantile",
                "non-summary metrics should not have \"quantile\" label",
            );
        }
    }
    for label in family.labels() {
        add(is_camel_case(label), BAD_LABEL_CASE);
    }
    let lower = name.to_lowercase();
    for word in ["counter", "gauge", "summary", "histogram", "gauge_histogram"] {
        let text = format!("metric name should not include type '{word}'");
        add(has_word(&lower, word), &text);
    }
    for abbreviation in units::ABBREVIATIONS {
        add(has_word(&lower, abbreviation), "metric names should not contain abbreviated units");
    }
    if let Some((unit, base)) = units::find(name).filter(|(unit, base)| unit != base) {
        add(true, &format!("use base unit {base:?} instead of {unit:?}"));
    }
    for _ in 0..family.duplicates {
        add(true, "metric not unique");
    }
    texts
}

/// Whether a word stands in a name behind an underscore, at its end or before another one.
fn has_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let behind = &name[at + word.len()..];
        name[..at].ends_with('_') && (behind.is_empty() || behind.starts_with('_'))
    })
}

fn is_camel_case(name: &str) -> bool {
    name.as_bytes().windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(page: &str, expected: &[(&str, &str)]) {
        let problems = lint(page.as_bytes()).unwrap();
        let problems: Vec<_> = problems.iter().map(|p| (&*p.metric, &*p.text)).collect();
        assert_eq!(problems, expected, "{page}");
    }

    /// A good family of a name and type, with samples.
    fn check_name(name: &str, kind: &str, expected: &[&str]) {
        let page = format!("# HELP {name} x\n# TYPE {name} {kind}\n{name} 1\n");
        let expected: Vec<_> = expected.iter().map(|text| (name, *text)).collect();
        check(&page, &expected);
    }

    #[test]
    fn names() {
        check_name("x_seconds", "gauge", &[]);
        check_name("x_total", "counter", &[]);
        check_name("x", "counter", &["counter metrics should have \"_total\" suffix"]);
        check_name("x_total", "gauge", &["non-counter metrics should not have \"_total\" suffix"]);
        check_name("x_total", "untyped", &[]);
        check_name(
            "x_milliseconds",
            "gauge",
            &["use base unit \"seconds\" instead of \"milliseconds\""],
        );
        check_name("x_days_old", "gauge", &["use base unit \"seconds\" instead of \"days\""]);
        check_name("thermometers", "gauge", &[]);
        check_name("x_ms", "gauge", &["metric names should not contain abbreviated units"]);
        check_name("x_ms_b_y", "gauge", &["metric names should not contain abbreviated units"; 2]);
        check_name("a:b", "gauge", &["metric names should not contain ':'"]);
        check_name(
            "aB",
            "gauge",
            &["metric names should be written in 'snake_case' not 'camelCase'"],
        );
        check_name("a_gauge", "gauge", &["metric name should not include type 'gauge'"]);
        check_name("a_Counter_x", "gauge", &["metric name should not include type 'counter'"]);
        check_name(
            "a_count",
            "gauge",
            &["non-histogram and non-summary metrics should not have \"_count\" suffix"],
        );
        check_name(
            "a_bucket",
            "gauge",
            &["non-histogram metrics should not have \"_bucket\" suffix"],
        );
        check_name(
            "a_timestamp_seconds",
            "summary",
            &["non-gauge metrics should not have \"_timestamp_seconds\" suffix"],
        );
    }

    #[test]
    fn families_and_labels() {
        check("a 1\n", &[("a", "no help text")]);
        check("# HELP a\na 1\n", &[("a", "no help text")]);
        check("# HELP a b\n# TYPE a gauge\n", &[]);
        check(
            "# HELP a b\na{c=\"1\"} 1\na{c=\"2\"} 2\na{c=\"1\"} 3\n",
            &[("a", "metric not unique")],
        );
        let histogram = "# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n\
            h_sum 1\nh_count 1\n";
        check(histogram, &[]);
        assert_eq!(series_by_family(histogram.as_bytes()), Ok(vec![("h".to_owned(), 4)]));
        check(
            &histogram.replace("histogram", "gauge"),
            &[("h_bucket", "no help text"), ("h_count", "no help text"), ("h_sum", "no help text")],
        );
        let labels = "# HELP g x\n# TYPE g gauge\ng{le=\"1\",aB=\"c\"} 1\ng{quantile=\"1\"} 1\n";
        check(
            labels,
            &[
                ("g", "label names should be written in 'snake_case' not 'camelCase'"),
                ("g", "non-histogram metrics should not have \"le\" label"),
                ("g", "non-summary metrics should not have \"quantile\" label"),
            ],
        );
        assert!(lint(b"a{").is_err());
    }
}
