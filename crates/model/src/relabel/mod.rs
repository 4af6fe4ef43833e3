//! Relabeling: rules that rewrite, keep or drop label sets.
//!
//! A rule is checked once, when it is made from its [`RawRule`]; after that nothing about it can
//! fail. Rules that change nothing cost a match and no memory.

use crate::labels::LabelsBuilder;
use crate::names::{NameScheme, write_quoted};
use crate::regex::{self, Captures, Regex};
use md5::{Digest, Md5};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Sets the target label from the expanded replacement.
    #[default]
    Replace,
    /// Drops what does not match.
    Keep,
    /// Drops what matches.
    Drop,
    /// Drops what differs from the target label.
    KeepEqual,
    /// Drops what equals the target label.
    DropEqual,
    /// Sets the target label to a hash of the source, modulo the modulus.
    HashMod,
    /// Copies labels whose name matches to the expanded replacement.
    LabelMap,
    /// Removes labels whose name matches.
    LabelDrop,
    /// Removes labels whose name does not match.
    LabelKeep,
    /// Sets the target label to the source in lower case.
    Lowercase,
    /// Sets the target label to the source in upper case.
    Uppercase,
}

impl Action {
    const ALL: [Self; 11] = [
        Self::Replace,
        Self::Keep,
        Self::Drop,
        Self::KeepEqual,
        Self::DropEqual,
        Self::HashMod,
        Self::LabelMap,
        Self::LabelDrop,
        Self::LabelKeep,
        Self::Lowercase,
        Self::Uppercase,
    ];

    /// The name in configuration files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::KeepEqual => "keepequal",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::LabelMap => "labelmap",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }

    /// Reads a name in any letter case.
    ///
    /// # Errors
    /// When there is no such action.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let lower = name.to_lowercase();
        let action = Self::ALL.into_iter().find(|action| action.as_str() == lower);
        action.ok_or_else(|| match name {
            "" => Error::EmptyAction,
            name => Error::UnknownAction(name.to_owned()),
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a rule was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The action is the empty text.
    #[error("relabel action cannot be empty")]
    EmptyAction,
    /// There is no action of that name.
    #[error("unknown relabel action {0:?}")]
    UnknownAction(String),
    /// The regular expression does not parse.
    #[error(transparent)]
    Regex(#[from] regex::Error),
    /// A source label has an invalid name.
    #[error("{} is not a valid label name", Quoted(.0))]
    SourceLabel(String),
    /// `hashmod` without a modulus.
    #[error("relabel configuration for hashmod requires non-zero modulus")]
    NoModulus,
    /// The action writes or compares a label and none is named.
    #[error("relabel configuration for {0} action requires 'target_label' value")]
    NoTarget(Action),
    /// The target label has an invalid name.
    #[error("{} is invalid 'target_label' for {action} action", Quoted(target))]
    InvalidTarget {
        /// The name as written.
        target: String,
        /// The action of the rule.
        action: Action,
    },
    /// The replacement can never become a label name.
    #[error("{} is invalid 'replacement' for {action} action", Quoted(replacement))]
    InvalidReplacement {
        /// The template as written.
        replacement: String,
        /// The action of the rule.
        action: Action,
    },
    /// The action has no use for a replacement.
    #[error("'replacement' can not be set for {0} action")]
    ReplacementSet(Action),
    /// The action compares two values and takes no other field.
    #[error("{0} action requires only 'source_labels' and `target_label`, and no other fields")]
    OnlySourceAndTarget(Action),
    /// The action looks at names and takes no other field.
    #[error("{0} action requires only 'regex', and no other fields")]
    OnlyRegex(Action),
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted(f, self.0)
    }
}

/// A rule as written in a configuration file; `None` is a field that is not there.
/// A field that is there without a value, such as `regex:`, is the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRule {
    /// Labels whose values are joined to the source text.
    pub source_labels: Option<Vec<String>>,
    /// Between the source values; `;` if absent.
    pub separator: Option<String>,
    /// `(.*)` if absent.
    pub regex: Option<String>,
    /// For `hashmod`.
    pub modulus: Option<u64>,
    /// The label that is written or compared.
    pub target_label: Option<String>,
    /// `$1` if absent.
    pub replacement: Option<String>,
    /// The name of an [`Action`] in any letter case; `replace` if absent.
    pub action: Option<String>,
}

const SEPARATOR: &str = ";";
const REGEX: &str = "(.*)";
const REPLACEMENT: &str = "$1";

/// One rule, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Labels whose values are joined to the source text.
    pub source_labels: Vec<String>,
    /// Between the source values.
    pub separator: String,
    /// Matched against the source text or the label names.
    pub regex: Regex,
    /// For `hashmod`; not 0 there.
    pub modulus: u64,
    /// The label that is written or compared.
    pub target_label: String,
    /// The template of the new value or name.
    pub replacement: String,
    /// What to do.
    pub action: Action,
    /// Which names may be written.
    pub scheme: NameScheme,
}

impl Rule {
    /// Checks a rule and fills in what it leaves out.
    ///
    /// # Errors
    /// When the rule lacks a field that its action needs, has one that its action cannot use, or
    /// a name or pattern is invalid.
    pub fn new(raw: RawRule, scheme: NameScheme) -> Result<Self, Error> {
        let has_other_pattern = raw.regex.is_some();
        let action = raw.action.as_deref().map_or(Ok(Action::Replace), Action::parse)?;
        let or = |field: Option<String>, default: &str| field.unwrap_or_else(|| default.to_owned());
        let rule = Self {
            source_labels: raw.source_labels.unwrap_or_default(),
            separator: or(raw.separator, SEPARATOR),
            regex: Regex::new(raw.regex.as_deref().unwrap_or(REGEX))?,
            modulus: raw.modulus.unwrap_or(0),
            target_label: or(raw.target_label, ""),
            replacement: or(raw.replacement, REPLACEMENT),
            action,
            scheme,
        };
        rule.check(has_other_pattern)?;
        Ok(rule)
    }

    /// The same rule where other names may be written.
    ///
    /// # Errors
    /// When a name in it is none there.
    pub fn under(&self, scheme: NameScheme) -> Result<Self, Error> {
        let rule = Self { scheme, ..self.clone() };
        // Whether a pattern was written does not depend on names.
        rule.check(false)?;
        Ok(rule)
    }

    fn check(&self, has_other_pattern: bool) -> Result<(), Error> {
        let Self { action, scheme, .. } = *self;
        let target = self.target_label.as_str();
        let has_other_separator = self.separator != SEPARATOR;
        let has_other_replacement = self.replacement != REPLACEMENT;
        let compares = matches!(action, Action::KeepEqual | Action::DropEqual);
        let changes_case = matches!(action, Action::Lowercase | Action::Uppercase);
        let writes = changes_case || matches!(action, Action::Replace | Action::HashMod);
        if let Some(name) = self.source_labels.iter().find(|name| !scheme.is_label_name(name)) {
            return Err(Error::SourceLabel(name.clone()));
        }
        if action == Action::HashMod && self.modulus == 0 {
            return Err(Error::NoModulus);
        }
        if writes || compares {
            if target.is_empty() {
                return Err(Error::NoTarget(action));
            }
            let is_template = action == Action::Replace && target.contains('$');
            let is_valid = match is_template {
                true => is_name_template(target, scheme),
                false => scheme.is_label_name(target),
            };
            if !is_valid {
                return Err(Error::InvalidTarget { target: target.to_owned(), action });
            }
        }
        if (changes_case || compares) && has_other_replacement {
            return Err(Error::ReplacementSet(action));
        }
        if compares && (has_other_pattern || has_other_separator || self.modulus != 0) {
            return Err(Error::OnlySourceAndTarget(action));
        }
        match action {
            Action::LabelMap if !is_name_template(&self.replacement, scheme) => {
                Err(Error::InvalidReplacement { replacement: self.replacement.clone(), action })
            }
            Action::LabelDrop | Action::LabelKeep
                if !self.source_labels.is_empty()
                    || !target.is_empty()
                    || has_other_separator
                    || has_other_replacement
                    || self.modulus != 0 =>
            {
                Err(Error::OnlyRegex(action))
            }
            _ => Ok(()),
        }
    }

    /// The values of the source labels, joined; in `joined` if there are several.
    fn source<'a>(&self, labels: &'a LabelsBuilder, joined: &'a mut String) -> &'a str {
        match self.source_labels.as_slice() {
            [] => "",
            [one] => labels.get(one).unwrap_or(""),
            several => {
                joined.clear();
                for (i, name) in several.iter().enumerate() {
                    if i > 0 {
                        joined.push_str(&self.separator);
                    }
                    joined.push_str(labels.get(name).unwrap_or(""));
                }
                joined
            }
        }
    }

    /// Applies one rule; false when it drops the set.
    fn apply(&self, labels: &mut LabelsBuilder, joined: &mut String) -> bool {
        let target = self.target_label.as_str();
        match self.action {
            Action::Keep => return self.regex.is_match(self.source(labels, joined)),
            Action::Drop => return !self.regex.is_match(self.source(labels, joined)),
            Action::KeepEqual | Action::DropEqual => {
                let equal = self.source(labels, joined) == labels.get(target).unwrap_or("");
                return equal == (self.action == Action::KeepEqual);
            }
            Action::Replace => self.replace(labels, joined),
            Action::HashMod => {
                let hash = Md5::digest(self.source(labels, joined));
                let last = hash.last_chunk().expect("an MD5 hash has 16 bytes");
                let rest = u64::from_be_bytes(*last) % self.modulus;
                labels.set(target, &rest.to_string());
            }
            Action::Lowercase => {
                let lower: String = self.source(labels, joined).chars().map(lower).collect();
                labels.set(target, &lower);
            }
            Action::Uppercase => {
                let upper: String = self.source(labels, joined).chars().map(upper).collect();
                labels.set(target, &upper);
            }
            Action::LabelMap => {
                let copy = |(name, value): (&str, &str)| {
                    let name = self.regex.expand(name, &self.replacement)?;
                    (!name.is_empty()).then(|| (name, value.to_owned()))
                };
                let copies: Vec<_> = labels.iter().filter_map(copy).collect();
                for (name, value) in copies {
                    labels.set(&name, &value);
                }
            }
            Action::LabelDrop => {
                labels.retain(|name, _| !self.regex.is_match(name));
            }
            Action::LabelKeep => {
                labels.retain(|name, _| self.regex.is_match(name));
            }
        }
        true
    }

    fn replace(&self, labels: &mut LabelsBuilder, joined: &mut String) {
        let source = self.source(labels, joined);
        let Some(captures) = self.regex.captures(source) else { return };
        let target = match self.target_label.contains('$') {
            true => Cow::Owned(expand(&captures, &self.target_label).into_owned()),
            false => Cow::Borrowed(self.target_label.as_str()),
        };
        if !self.scheme.is_label_name(&target) {
            return;
        }
        let value = expand(&captures, &self.replacement);
        if labels.get(&target).unwrap_or("") != value {
            // The value may be borrowed from the label that is written.
            let value = value.into_owned();
            labels.set(&target, &value);
        }
    }
}

/// A template with its references replaced; the two most common ones are borrowed.
fn expand<'a>(captures: &Captures<'_, 'a>, template: &'a str) -> Cow<'a, str> {
    if template == REPLACEMENT {
        return Cow::Borrowed(captures.get(1).unwrap_or(""));
    }
    if !template.contains('$') {
        return Cow::Borrowed(template);
    }
    let mut out = String::new();
    captures.expand(template, &mut out);
    Cow::Owned(out)
}

/// Whether the template can become a label name: classic names are made of letters, digits,
/// underscores and references, and begin with no digit.
fn is_name_template(template: &str, scheme: NameScheme) -> bool {
    if scheme == NameScheme::Utf8 {
        return !template.is_empty();
    }
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let after_name = |text: &str| text.find(|c| !in_name(c)).unwrap_or(text.len());
    let mut rest = template;
    if rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    while !rest.is_empty() {
        let reference = rest.strip_prefix('$');
        let braced = reference.and_then(|text| text.strip_prefix('{'));
        let text = braced.or(reference).unwrap_or(rest);
        let end = after_name(text);
        let tail = &text[end..];
        let tail = if braced.is_some() { tail.strip_prefix('}') } else { Some(tail) };
        match tail {
            Some(tail) if end > 0 => rest = tail,
            _ => return false,
        }
    }
    true
}

/// One character for one character, as Go's `strings.ToLower`.
fn lower(c: char) -> char {
    match c {
        '\u{130}' => 'i',
        c => only(c.to_lowercase()).unwrap_or(c),
    }
}

/// One character for one character, as Go's `strings.ToUpper`: `ß` stays, and Greek letters with
/// an iota below become their title case.
fn upper(c: char) -> char {
    let up = |by| char::from_u32(u32::from(c) + by);
    let title = match c {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => up(8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => up(9),
        _ => None,
    };
    title.or_else(|| only(c.to_uppercase())).unwrap_or(c)
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    if chars.next().is_none() { first } else { None }
}

/// Patterns of rules, each text once: what matching it takes is then built once for all rules.
#[derive(Debug, Default)]
pub struct Patterns(HashMap<String, Regex>);

impl Patterns {
    /// Lets rules share patterns that are written the same, with each other and with rules before.
    pub fn share(&mut self, rules: &mut [Rule]) {
        for rule in rules {
            match self.0.get(rule.regex.as_str()) {
                Some(same) => rule.regex = same.clone(),
                None => {
                    self.0.insert(rule.regex.as_str().to_owned(), rule.regex.clone());
                }
            }
        }
    }
}

/// Applies rules in order; false when the set was dropped (the builder is then unspecified).
#[must_use]
pub fn apply(rules: &[Rule], labels: &mut LabelsBuilder) -> bool {
    let mut joined = String::new();
    rules.iter().all(|rule| rule.apply(labels, &mut joined))
}

#[cfg(test)]
mod tests;
