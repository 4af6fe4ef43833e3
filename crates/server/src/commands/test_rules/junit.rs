//! Reports as JUnit's XML, for those who show the results of builds.

use std::fmt::Write as _;

/// What became of a file.
#[derive(Debug, Default)]
pub(super) struct Suite {
    /// Its path.
    pub(super) name: String,
    /// When its tests were run, if it could be read.
    pub(super) time: Option<String>,
    /// Why it could not be read.
    pub(super) error: Option<String>,
    /// Its tests.
    pub(super) cases: Vec<Case>,
}

/// What became of a test.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// None for success.
    pub(super) failures: Vec<String>,
}

impl Suite {
    pub(super) fn failed(&self) -> bool {
        self.error.is_some() || self.cases.iter().any(|case| !case.failures.is_empty())
    }
}

/// All suites as one document.
pub(super) fn xml(suites: &[Suite]) -> String {
    let mut out = String::from("<testsuites>");
    for suite in suites {
        let (name, time) = (escaped(&suite.name), suite.time.as_deref().unwrap_or_default());
        let failures: usize = suite.cases.iter().map(|case| case.failures.len()).sum();
        let errors = usize::from(suite.error.is_some());
        let tests = suite.cases.len() + errors;
        write!(
            out,
            "<testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" \
             errors=\"{errors}\" skipped=\"0\" timestamp=\"{time}\">"
        )
        .expect("a string takes text");
        for case in &suite.cases {
            write!(out, "<testcase name=\"{}\">", escaped(&case.name))
                .expect("a string takes text");
            for failure in &case.failures {
                write!(out, "<failure>{}</failure>", escaped(failure))
                    .expect("a string takes text");
            }
            out.push_str("</testcase>");
        }
        if let Some(error) = &suite.error {
            // A file without tests has one that could not be run.
            let error = escaped(error);
            write!(out, "<testcase name=\"unknown\"><error>{error}</error></testcase>")
                .expect("a string takes text");
        }
        out.push_str("</testsuite>");
    }
    out + "</testsuites>"
}

/// What XML cannot say, such as colours, becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tests_and_failures_are_told() {
        let failures = vec!["    expr: \"a<b\",\n        got: nil".to_owned()];
        let suites = [
            Suite {
                name: "a.yml".to_owned(),
                time: Some("2026-01-02T03:04:05".to_owned()),
                error: None,
                cases: vec![
                    Case { name: "good".to_owned(), failures: Vec::new() },
                    Case { name: "bad \u{1b}[0m".to_owned(), failures },
                ],
            },
            Suite {
                name: "b.yml".to_owned(),
                error: Some("no such file".to_owned()),
                ..Suite::default()
            },
        ];
        assert_eq!(
            xml(&suites),
            "<testsuites>\
             <testsuite name=\"a.yml\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" \
             timestamp=\"2026-01-02T03:04:05\">\
             <testcase name=\"good\"></testcase>\
             <testcase name=\"bad \u{fffd}[0m\"><failure>    expr: &#34;a&lt;b&#34;,&#xA;        \
             got: nil</failure></testcase></testsuite>\
             <testsuite name=\"b.yml\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" \
             timestamp=\"\"><testcase name=\"unknown\"><error>no such file</error></testcase>\
             </testsuite></testsuites>"
        );
    }
}
