//! Label matchers: `=`, `!=`, `=~`, `!~`.

use crate::labels::Labels;
use crate::names::{write_label_name, write_quoted};
use crate::regex::{self, Regex};
use std::fmt;

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, fully anchored
    Regex,
    /// `!~`, fully anchored
    NotRegex,
}

impl MatchOp {
    /// The operator as written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A condition on one label; an absent label has the empty value.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: Box<str>,
    op: MatchOp,
    value: Box<str>,
    regex: Option<Regex>,
}

impl Matcher {
    /// # Errors
    /// When a regular expression does not parse in Go's syntax or is too large.
    pub fn new(op: MatchOp, name: &str, value: &str) -> Result<Self, regex::Error> {
        let regex = match op {
            MatchOp::Regex | MatchOp::NotRegex => Some(Regex::new(value)?),
            MatchOp::Equal | MatchOp::NotEqual => None,
        };
        Ok(Self { name: name.into(), op, value: value.into(), regex })
    }

    /// `name="value"`, which cannot fail.
    #[must_use]
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.into(), op: MatchOp::Equal, value: value.into(), regex: None }
    }

    /// The label's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operator.
    #[must_use]
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// The value or pattern as written.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The compiled pattern of a regex matcher.
    #[must_use]
    pub fn regex(&self) -> Option<&Regex> {
        self.regex.as_ref()
    }

    /// Whether a label value satisfies the condition.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match (self.op, &self.regex) {
            (MatchOp::Equal, _) => value == &*self.value,
            (MatchOp::NotEqual, _) => value != &*self.value,
            (MatchOp::Regex, Some(regex)) => regex.is_match(value),
            (MatchOp::NotRegex, Some(regex)) => !regex.is_match(value),
            (MatchOp::Regex | MatchOp::NotRegex, None) => unreachable!("compiled by new"),
        }
    }

    /// Whether a label set satisfies the condition.
    #[must_use]
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.get(&self.name).unwrap_or(""))
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op && self.name == other.name && self.value == other.value
    }
}

impl Eq for Matcher {}

/// `name="value"`, as in a selector.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_label_name(f, &self.name)?;
        f.write_str(self.op.as_str())?;
        write_quoted(f, &self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(op: MatchOp, pattern: &str, yes: &[&str], no: &[&str]) {
        let matcher = Matcher::new(op, "l", pattern).unwrap();
        for (values, expected) in [(yes, true), (no, false)] {
            for value in values {
                assert_eq!(matcher.matches(value), expected, "{matcher} on {value:?}");
                let labels = Labels::from_pairs([("k", "x"), ("l", *value)]);
                assert_eq!(matcher.matches_labels(&labels), expected, "{matcher} on {labels}");
            }
        }
    }

    #[test]
    fn an_absent_label_is_an_empty_one() {
        check(MatchOp::Equal, "a", &["a"], &["", "ab"]);
        check(MatchOp::Equal, "", &[""], &["a"]);
        check(MatchOp::NotEqual, "a", &["", "ab"], &["a"]);
        check(MatchOp::Regex, "a|b.*", &["a", "b", "bc"], &["", "ab"]);
        check(MatchOp::Regex, ".*", &["", "a"], &[]);
        check(MatchOp::NotRegex, ".+", &[""], &["a"]);
        check(MatchOp::NotRegex, "a|b.*", &["", "ab"], &["a", "b", "bc"]);
    }

    #[test]
    fn prints_as_in_a_selector_and_refuses_bad_patterns() {
        let text = |op, name, value| Matcher::new(op, name, value).unwrap().to_string();
        assert_eq!(text(MatchOp::Equal, "a", "x\"y"), r#"a="x\"y""#);
        assert_eq!(text(MatchOp::NotEqual, "a.b", "x"), r#""a.b"!="x""#);
        assert_eq!(text(MatchOp::Regex, "a", "x.*"), r#"a=~"x.*""#);
        assert_eq!(text(MatchOp::NotRegex, "a", "\\d"), r#"a!~"\\d""#);
        assert!(Matcher::new(MatchOp::Regex, "a", "(").is_err());
        assert!(Matcher::new(MatchOp::Equal, "a", "(").is_ok());
        assert_eq!(Matcher::equal("a", "b"), Matcher::new(MatchOp::Equal, "a", "b").unwrap());
    }
}
