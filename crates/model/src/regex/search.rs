//! Patterns that match anywhere in a text, as Go's `regexp` does by itself.

use super::{CACHE_LIMIT_BYTES, Error, NEST_LIMIT, SIZE_LIMIT_BYTES, expand, go_syntax};

/// A compiled pattern that matches any part of a text.
#[derive(Clone, Debug)]
pub struct Search {
    engine: ::regex::Regex,
    groups: Box<[Option<Box<str>>]>,
}

impl Search {
    /// # Errors
    /// When the pattern is not valid in Go's syntax or compiles to too large a program.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        let go_syntax::Translation { text, groups } = go_syntax::translate(pattern)?;
        let engine = ::regex::RegexBuilder::new(&text)
            .size_limit(SIZE_LIMIT_BYTES)
            .dfa_size_limit(CACHE_LIMIT_BYTES)
            .nest_limit(NEST_LIMIT)
            .build()
            .map_err(|error| Error(format!("{error}: `{pattern}`")))?;
        Ok(Self { engine, groups })
    }

    /// Whether some part of the text matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.engine.is_match(text)
    }

    /// The text with every match replaced by the template, whose references are filled as
    /// [`Regex::expand`](super::Regex::expand) does.
    #[must_use]
    pub fn replace_all(&self, text: &str, template: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for found in self.engine.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&text[end..whole.start()]);
            let group = |i: usize| found.get(i).map(|m| m.as_str());
            expand::fill(template, &self.groups, group, &mut out);
            end = whole.end();
        }
        out.push_str(&text[end..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Search;

    #[test]
    fn matches_anywhere() {
        let check = |pattern: &str, text: &str, template: &str, expected: &str| {
            let search = Search::new(pattern).unwrap();
            assert_eq!(search.replace_all(text, template), expected, "{pattern} {text}");
            assert_eq!(search.is_match(text), text != expected, "{pattern} {text}");
        };
        check("b+", "abbcb", "x", "axcx");
        check("(?P<n>[0-9])([0-9]?)", "a12b3", "<$2${n}$$>", "a<21$>b<3$>");
        check("^a$", "ba", "x", "ba");
        check("x*", "ab", "-", "-a-b-");
        assert!(Search::new("(").is_err());
    }
}
