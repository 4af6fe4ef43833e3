//! Regular expressions in Go's (RE2) syntax, fully anchored, dot matches newline.

/// Why a pattern was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
pub struct Error(pub String);

/// A compiled pattern that matches whole texts only, as `^(?s:PATTERN)$`.
#[derive(Clone, Debug)]
pub struct Regex {
    inner: ::regex::Regex,
    pattern: Box<str>,
}

impl Regex {
    /// # Errors
    /// When the pattern is not valid in Go's syntax or compiles to too large a program.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        let inner =
            ::regex::Regex::new(&format!("^(?s:{pattern})$")).map_err(|e| Error(e.to_string()))?;
        Ok(Self { inner, pattern: pattern.into() })
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.inner.is_match(text)
    }

    /// If the whole text matches: the template with `$1`, `${1}`, `$name`, `${name}`, `$$` replaced
    /// as Go's `Expand` does; unknown groups are empty.
    #[must_use]
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let captures = self.inner.captures(text)?;
        let mut out = String::new();
        captures.expand(template, &mut out);
        Some(out)
    }

    /// When the pattern is nothing but an alternation of plain texts: those texts, sorted.
    #[must_use]
    pub fn set_matches(&self) -> Option<&[String]> {
        None
    }

    /// The plain text with which every match starts; may be empty.
    #[must_use]
    pub fn prefix(&self) -> &str {
        ""
    }
}
