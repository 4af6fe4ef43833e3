//! The engine of a pattern, built when a text needs it first.
//!
//! Building takes hundreds of microseconds and ten KiB or more, and most of many patterns meet only
//! texts that their shape or prefix already answers for. A pattern that could be too large is built
//! at once, so that it is refused where it is written.

use super::{CACHE_LIMIT_BYTES, Error, NEST_LIMIT, SIZE_LIMIT_BYTES, go_syntax};
use regex_syntax::hir::{Class, Hir, HirKind};
use std::sync::OnceLock;

/// Up to so many states a program is surely smaller than the limit: one takes a hundred bytes at most.
const SURELY_SMALL_STATES: usize = 20_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Engine(OnceLock<::regex::Regex>);

impl Engine {
    /// The engine of a pattern whose parsed form is `hir`.
    ///
    /// # Errors
    /// When the program is too large.
    pub(super) fn new(pattern: &str, hir: &Hir) -> Result<Self, Error> {
        let engine = Self::default();
        if states(hir) > SURELY_SMALL_STATES {
            let refused = |e: ::regex::Error| match e {
                ::regex::Error::CompiledTooBig(_) => "expression too large".to_owned(),
                e => e.to_string(),
            };
            let error = |e| Error(format!("{}: `{pattern}`", refused(e)));
            let built = build(pattern, SIZE_LIMIT_BYTES).map_err(error)?;
            engine.0.set(built).expect("nobody has seen it yet");
        }
        Ok(engine)
    }

    pub(super) fn get(&self, pattern: &str) -> &::regex::Regex {
        let build = || build(pattern, usize::MAX).expect("it was parsed before, and is small");
        self.0.get_or_init(build)
    }

    #[cfg(test)]
    pub(super) fn is_built(&self) -> bool {
        self.0.get().is_some()
    }
}

fn build(pattern: &str, size_limit: usize) -> Result<::regex::Regex, ::regex::Error> {
    let translated = go_syntax::translate(pattern).map(|translation| translation.text);
    let text = translated.map_err(|error| ::regex::Error::Syntax(error.to_string()))?;
    ::regex::RegexBuilder::new(&super::whole(&text))
        .size_limit(size_limit)
        .dfa_size_limit(CACHE_LIMIT_BYTES)
        .nest_limit(NEST_LIMIT)
        .build()
}

/// At least as many states as the program of a pattern will have.
fn states(hir: &Hir) -> usize {
    /// A range of characters becomes some sequences of ranges of bytes.
    const OF_A_RANGE: usize = 32;
    let sum = |parts: &[Hir]| {
        parts.iter().fold(parts.len() + 1, |sum, part| sum.saturating_add(states(part)))
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Unicode(class)) => OF_A_RANGE * class.ranges().len() + 1,
        HirKind::Class(Class::Bytes(class)) => class.ranges().len() + 1,
        HirKind::Capture(group) => states(&group.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            states(&repetition.sub).saturating_add(2).saturating_mul(most)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Regex;

    /// Whether the engine is there before, and after the text was looked at.
    #[track_caller]
    fn check(pattern: &str, text: &str, expected: (bool, bool)) {
        let regex = Regex::new(pattern).unwrap();
        let is_built = || regex.0.engine.as_ref().is_some_and(super::Engine::is_built);
        let before = is_built();
        let clone = regex.clone();
        drop(clone.captures(text));
        assert_eq!((before, is_built()), expected, "{pattern} {text}");
    }

    #[test]
    fn an_engine_is_built_when_it_must_be() {
        check("a|b", "a", (false, false));
        check("job_(.+)_7", "other", (false, false));
        check("job_(.+)_7", "job_x_8", (false, false));
        check("job_(.+)_7", "job_x_7", (false, true));
        check("host-[0-9]+.*", "node-1", (false, false));
        check("host-[0-9]+.*", "host-1", (false, true));
        // Large enough to be looked at when it is written.
        check("(\\pL{30}x){2}", "other", (true, true));
    }
}
