//! Go's syntax of regular expressions, rewritten to that of the regex crate.
//!
//! Where the two differ Go decides: `\d \w \s \b` are ASCII, `{` that starts no repetition is
//! itself, as are `[a&&b]` and `\<`; `\Q..\E` quotes; octal escapes exist; flags are `imsU` only;
//! `a**`, `\C`, `\Z` and repetitions above 1000, nested ones multiplied, are refused. Everything
//! that comes out is written so that it can be read in one way only.

use super::Error;
use super::go_escape::{NOTHING, error, escape, is_posix_class, perl_class, unicode_class};
use std::fmt::Write as _;

/// A pattern in the syntax of the regex crate. Groups keep their numbers and lose their names,
/// which in Go may begin with a digit and occur twice.
#[derive(Debug)]
pub(super) struct Translation {
    pub(super) text: String,
    pub(super) groups: Box<[Option<Box<str>>]>,
}

/// Largest count of a repetition, nested ones multiplied.
const MAX_REPEAT: u32 = 1000;
/// Groups within groups.
const MAX_DEPTH: usize = 200;

pub(super) fn translate(pattern: &str) -> Result<Translation, Error> {
    let mut translator = Translator {
        pattern,
        rest: pattern,
        out: String::with_capacity(2 * pattern.len() + 16),
        groups: Vec::new(),
        open: Vec::new(),
        last: Last::Nothing,
        widest: 1,
    };
    translator.run()?;
    Ok(Translation { text: translator.out, groups: translator.groups.into() })
}

struct Translator<'p> {
    pattern: &'p str,
    /// What is not yet read.
    rest: &'p str,
    out: String,
    groups: Vec<Option<Box<str>>>,
    /// For every open group the `widest` of what was before it.
    open: Vec<u32>,
    last: Last<'p>,
    /// Largest repetition, nested ones multiplied, in the current group.
    widest: u32,
}

/// What stands left of the next operator.
#[derive(Clone, Copy)]
enum Last<'p> {
    Nothing,
    /// Something that can be repeated, and the largest repetition inside it.
    Item(u32),
    /// A repetition, from its operator on.
    Repetition(&'p str),
}

impl<'p> Translator<'p> {
    fn run(&mut self) -> Result<(), Error> {
        while let Some(c) = self.rest.chars().next() {
            match c {
                '(' => self.open_group()?,
                ')' => self.close_group()?,
                '|' => {
                    self.skip(1);
                    self.out.push('|');
                    self.last = Last::Nothing;
                }
                '*' | '+' | '?' => {
                    let from = self.rest;
                    self.skip(1);
                    self.repeat(from, c.encode_utf8(&mut [0; 4]), 1)?;
                }
                '{' => self.counted_repeat()?,
                '^' => self.item_of(1, "(?:^)"),
                '$' => self.item_of(1, "(?:$)"),
                '.' => self.item_of(1, "."),
                '[' => {
                    self.class()?;
                    self.last = Last::Item(1);
                }
                '\\' => self.backslash()?,
                c => {
                    self.skip(c.len_utf8());
                    self.literal(c);
                }
            }
        }
        if self.open.is_empty() { Ok(()) } else { error("missing closing )", self.pattern) }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    /// Reads so many bytes and writes an item for them.
    fn item_of(&mut self, bytes: usize, item: &str) {
        self.skip(bytes);
        self.out.push_str(item);
        self.last = Last::Item(1);
    }

    fn literal(&mut self, c: char) {
        push_char(&mut self.out, c);
        self.last = Last::Item(1);
    }

    /// A character by number; half of a surrogate pair is in no text.
    fn literal_code(&mut self, code: u32) {
        match char::from_u32(code) {
            Some(c) => self.literal(c),
            None => self.item_of(0, NOTHING),
        }
    }

    fn open_group(&mut self) -> Result<(), Error> {
        if self.open.len() >= MAX_DEPTH {
            return error("expression nests too deeply", self.pattern);
        }
        let from = self.rest;
        let name = from.strip_prefix("(?P<").or_else(|| from.strip_prefix("(?<"));
        if let Some(name) = name {
            let Some((name, rest)) = name.split_once('>') else {
                return error("invalid named capture", from);
            };
            let is_valid = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if name.is_empty() || !is_valid {
                return error("invalid named capture", &from[..from.len() - rest.len()]);
            }
            self.rest = rest;
            self.groups.push(Some(name.into()));
            self.out.push('(');
        } else if from.starts_with("(?") {
            if !self.flags()? {
                return Ok(());
            }
        } else {
            self.skip(1);
            self.groups.push(None);
            self.out.push('(');
        }
        self.open.push(self.widest);
        (self.widest, self.last) = (1, Last::Nothing);
        Ok(())
    }

    /// `(?flags)` or `(?flags:`; whether it opens a group. What is switched off wins.
    fn flags(&mut self) -> Result<bool, Error> {
        let from = self.rest;
        let (mut on, mut off) = (String::new(), String::new());
        let (mut minus, mut after_minus) = (false, false);
        for (at, c) in from.char_indices().skip(2) {
            match c {
                'i' | 'm' | 's' | 'U' => {
                    let flags = if minus { &mut off } else { &mut on };
                    if !flags.contains(c) {
                        flags.push(c);
                    }
                    after_minus |= minus;
                }
                '-' if !minus => minus = true,
                ':' | ')' if !minus || after_minus => {
                    on.retain(|flag| !off.contains(flag));
                    self.skip(at + 1);
                    let dash = if off.is_empty() { "" } else { "-" };
                    if c == ':' {
                        self.push_all(&["(?", &on, dash, &off, ":"]);
                    } else if !(on.is_empty() && off.is_empty()) {
                        self.push_all(&["(?", &on, dash, &off, ")"]);
                        self.last = Last::Nothing;
                    }
                    return Ok(c == ':');
                }
                c => {
                    let read = &from[..at + c.len_utf8()];
                    return error("invalid or unsupported Perl syntax", read);
                }
            }
        }
        error("missing closing )", self.pattern)
    }

    fn push_all(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.out.push_str(part));
    }

    fn close_group(&mut self) -> Result<(), Error> {
        let Some(before) = self.open.pop() else {
            return error("unexpected )", self.pattern);
        };
        self.skip(1);
        self.out.push(')');
        self.last = Last::Item(self.widest);
        self.widest = self.widest.max(before);
        Ok(())
    }

    /// An operator behind an item, already read; then maybe a `?` that makes it lazy.
    fn repeat(&mut self, from: &'p str, operator: &str, times: u32) -> Result<(), Error> {
        let lazy = self.rest.starts_with('?');
        if lazy {
            self.skip(1);
        }
        let read = |from: &'p str, rest: &str| &from[..from.len() - rest.len()];
        let inner = match self.last {
            Last::Item(inner) => inner,
            Last::Repetition(before) => {
                let both = read(before, self.rest);
                return error("invalid nested repetition operator", both);
            }
            Last::Nothing => {
                return error("missing argument to repetition operator", read(from, self.rest));
            }
        };
        let widest = inner.saturating_mul(times);
        if widest > MAX_REPEAT {
            return error("invalid repeat count", read(from, self.rest));
        }
        self.widest = self.widest.max(widest);
        self.push_all(&[operator, if lazy { "?" } else { "" }]);
        self.last = Last::Repetition(from);
        Ok(())
    }

    /// `{n}`, `{n,}` or `{n,m}`; any other `{` is itself.
    fn counted_repeat(&mut self) -> Result<(), Error> {
        let from = self.rest;
        let Some((min, max, rest)) = counts(&from[1..]) else {
            self.skip(1);
            self.literal('{');
            return Ok(());
        };
        self.rest = rest;
        let operator = &from[..from.len() - rest.len()];
        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
            return error("invalid repeat count", operator);
        }
        let times = max.unwrap_or(min).max(1);
        self.repeat(from, operator, times)
    }

    fn backslash(&mut self) -> Result<(), Error> {
        let from = self.rest;
        match from[1..].chars().next() {
            Some('A') => self.item_of(2, "\\A"),
            Some('z') => self.item_of(2, "\\z"),
            Some('b') => self.item_of(2, "(?-u:\\b)"),
            Some('B') => self.item_of(2, "(?-u:\\B)"),
            Some('Q') => {
                self.skip(2);
                let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                quoted.chars().for_each(|c| self.literal(c));
            }
            _ => {
                if let Some((class, negated, rest)) = perl_class(from) {
                    self.push_all(&[if negated { "[^" } else { "[" }, class, "]"]);
                    (self.rest, self.last) = (rest, Last::Item(1));
                } else if let Some((class, rest)) = unicode_class(from)? {
                    self.push_all(&[&class]);
                    (self.rest, self.last) = (rest, Last::Item(1));
                } else {
                    let (code, rest) = escape(from)?;
                    self.rest = rest;
                    self.literal_code(code);
                }
            }
        }
        Ok(())
    }

    /// `[...]`
    fn class(&mut self) -> Result<(), Error> {
        let from = self.rest;
        self.skip(1);
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.skip(1);
            self.out.push('^');
        }
        // A class of surrogates alone has no members, but something must stand there.
        let empty_at = self.out.len();
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest.find(":]")
            {
                let name = &self.rest[..end + 2];
                if !is_posix_class(name[2..end].trim_start_matches('^')) {
                    return error("invalid character class range", name);
                }
                self.skip(name.len());
                self.out.push_str(name);
            } else if let Some((class, negated, rest)) = perl_class(self.rest) {
                self.push_all(&[if negated { "[^" } else { "[" }, class, "]"]);
                self.rest = rest;
            } else if let Some((class, rest)) = unicode_class(self.rest)? {
                self.push_all(&[&class]);
                self.rest = rest;
            } else {
                self.range(from)?;
            }
        }
        if self.out.len() == empty_at {
            self.out.push_str(NOTHING);
        }
        self.out.push(']');
        self.skip(1);
        Ok(())
    }

    /// One character or two with a dash between.
    fn range(&mut self, class: &'p str) -> Result<(), Error> {
        let from = self.rest;
        let (low, rest) = class_char(from, class)?;
        let mut high = low;
        self.rest = rest;
        if let Some(after) = rest.strip_prefix('-')
            && !after.is_empty()
            && !after.starts_with(']')
        {
            (high, self.rest) = class_char(after, class)?;
            if high < low {
                let read = &from[..from.len() - self.rest.len()];
                return error("invalid character class range", read);
            }
        }
        // Surrogates are in no text.
        let low = if char::from_u32(low).is_none() { 0xe000 } else { low };
        let high = if char::from_u32(high).is_none() { 0xd7ff } else { high };
        if low <= high {
            write!(self.out, "\\x{{{low:x}}}-\\x{{{high:x}}}").expect("a string takes text");
        }
        Ok(())
    }
}

fn push_char(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() {
        out.push(c);
    } else {
        write!(out, "\\x{:02x}", u32::from(c)).expect("a string takes text");
    }
}

/// The numbers of `n}`, `n,}` or `n,m}` and what follows.
fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (min, rest) = number(text)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, Some(min), rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = number(rest)?;
    Some((min, Some(max), rest.strip_prefix('}')?))
}

/// Decimal digits without a leading zero; numbers too large to hold are just large.
fn number(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}

/// A character inside a class.
fn class_char<'p>(text: &'p str, class: &'p str) -> Result<(u32, &'p str), Error> {
    match text.chars().next() {
        None => error("missing closing ]", class),
        Some('\\') => escape(text),
        Some(c) => Ok((u32::from(c), &text[c.len_utf8()..])),
    }
}
