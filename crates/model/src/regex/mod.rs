//! Regular expressions in Go's (RE2) syntax, fully anchored, dot matches newline.
//!
//! A pattern is rewritten from Go's syntax to that of the regex crate (`go_syntax`), which also
//! refuses what Go refuses. Most patterns of real matchers and relabel rules are plainer than that:
//! a list of texts, a prefix, anything at all. `shape` finds these, and they are matched by
//! comparing text; an `engine` is built when a text needs one.

mod engine;
mod expand;
mod go_escape;
mod go_syntax;
mod search;
mod shape;

use engine::Engine;
pub use expand::Captures;
pub use search::Search;
use shape::Shape;
use std::fmt;
use std::sync::Arc;

/// Bytes that a compiled pattern may take.
const SIZE_LIMIT_BYTES: usize = 16 << 20;
/// Bytes of the cache that each searching thread may fill.
const CACHE_LIMIT_BYTES: usize = 1 << 20;
/// Groups within groups, ours and the wrapping included.
const NEST_LIMIT: u32 = 250;

/// Why a pattern was refused; the words are Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
pub struct Error(pub String);

/// A pattern that matches whole texts only, as `^(?s:PATTERN)$`. Clones share all there is.
#[derive(Clone)]
pub struct Regex(Arc<Parsed>);

struct Parsed {
    pattern: Box<str>,
    shape: Shape,
    prefix: Box<str>,
    /// Names of the groups, the first group first.
    groups: Box<[Option<Box<str>>]>,
    /// The pattern is one group and nothing beside it, so that group is the whole text.
    one_group: bool,
    /// Absent when the shape says all: whether a text matches and what its groups are.
    engine: Option<Engine>,
}

/// A translated pattern that matches whole texts.
fn whole(text: &str) -> String {
    format!("^(?s:{text})$")
}

impl Regex {
    /// # Errors
    /// When the pattern is not valid in Go's syntax or compiles to too large a program.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        if let Some(shape) = Shape::of_plain(pattern) {
            let prefix = shape.prefix().into();
            let groups = Box::default();
            return Ok(Self(Arc::new(Parsed {
                pattern: pattern.into(),
                shape,
                prefix,
                groups,
                one_group: false,
                engine: None,
            })));
        }
        let go_syntax::Translation { text, groups } = go_syntax::translate(pattern)?;
        let refused = |e: &dyn fmt::Display| Error(format!("{e}: `{pattern}`"));
        let parser = regex_syntax::ParserBuilder::new().nest_limit(NEST_LIMIT).build();
        let hir = { parser }.parse(&whole(&text)).map_err(|e| match e {
            regex_syntax::Error::Parse(e) => refused(e.kind()),
            e => refused(&e),
        })?;
        let (shape, prefix) = Shape::of(&hir, pattern.len());
        let one_group = groups.len() == 1 && shape::is_one_group(&hir);
        let needs_engine = matches!(shape, Shape::Other) || !(groups.is_empty() || one_group);
        let engine = needs_engine.then(|| Engine::new(pattern, &hir)).transpose()?;
        let pattern = pattern.into();
        Ok(Self(Arc::new(Parsed { pattern, shape, prefix, groups, one_group, engine })))
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.pattern
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match (&self.0.shape, &self.0.engine) {
            (Shape::Other, Some(engine)) => {
                text.starts_with(&*self.0.prefix) && engine.get(&self.0.pattern).is_match(text)
            }
            (shape, _) => shape.is_match(text),
        }
    }

    /// If the whole text matches: its groups.
    #[must_use]
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'_, 't>> {
        Captures::find(self, text)
    }

    /// If the whole text matches: the template with `$1`, `${1}`, `$name`, `${name}`, `$$` replaced
    /// as Go's `Expand` does; unknown groups are empty, and `$1_x` is the group `1_x`.
    #[must_use]
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let captures = self.captures(text)?;
        let mut out = String::new();
        captures.expand(template, &mut out);
        Some(out)
    }

    /// When the pattern is nothing but a list of plain texts, such as `a|b`, `node-[12]`, or one
    /// text: those texts, sorted and distinct.
    #[must_use]
    pub fn set_matches(&self) -> Option<&[String]> {
        match &self.0.shape {
            Shape::Set(texts) => Some(texts),
            _ => None,
        }
    }

    /// The plain text with which every match starts; may be empty.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// Whether every text matches, as with `.*`.
    #[must_use]
    pub fn matches_all(&self) -> bool {
        matches!(&self.0.shape, Shape::Affix { prefix, suffix, min_bytes: 0 }
            if prefix.is_empty() && suffix.is_empty())
    }

    /// Whether exactly the empty text does not match, as with `.+`.
    #[must_use]
    pub fn matches_all_but_empty(&self) -> bool {
        matches!(&self.0.shape, Shape::Affix { prefix, suffix, min_bytes: 1 }
            if prefix.is_empty() && suffix.is_empty())
    }
}

/// Patterns are equal when they are written the same.
impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.0.pattern == other.0.pattern
    }
}

impl Eq for Regex {}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regex").field(&self.0.pattern).finish()
    }
}

/// The pattern as written.
impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.pattern)
    }
}

#[cfg(test)]
mod tests;
