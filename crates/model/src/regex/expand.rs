//! What a match captured, and templates filled from it.

use super::Regex;

/// The groups of one match.
#[derive(Debug)]
pub struct Captures<'r, 't> {
    regex: &'r Regex,
    text: &'t str,
    found: Option<::regex::Captures<'t>>,
}

impl<'r, 't> Captures<'r, 't> {
    pub(super) fn find(regex: &'r Regex, text: &'t str) -> Option<Self> {
        // The shape is the cheaper question where it can be asked.
        if !regex.is_match(text) {
            return None;
        }
        let parsed = &*regex.0;
        let found = match &parsed.engine {
            Some(engine) if !parsed.groups.is_empty() && !parsed.one_group => {
                Some(engine.get(&parsed.pattern).captures(text)?)
            }
            _ => None,
        };
        Some(Self { regex, text, found })
    }

    /// A group by its number, 0 for the whole text; `None` if the pattern has no such group or it
    /// took no part in the match.
    #[must_use]
    pub fn get(&self, group: usize) -> Option<&'t str> {
        match &self.found {
            Some(found) => found.get(group).map(|m| m.as_str()),
            None if group == 0 || group == 1 && self.regex.0.one_group => Some(self.text),
            None => None,
        }
    }

    /// The first group of that name that took part in the match. Go allows a name twice.
    #[must_use]
    pub fn name(&self, name: &str) -> Option<&'t str> {
        named(name, &self.regex.0.groups, |i| self.get(i))
    }

    /// Appends the template with its references replaced, see [`Regex::expand`].
    pub fn expand(&self, template: &str, out: &mut String) {
        fill(template, &self.regex.0.groups, |i| self.get(i), out);
    }
}

/// Appends a template with its references replaced by groups of a match.
pub(super) fn fill<'t>(
    template: &str,
    groups: &[Option<Box<str>>],
    group: impl Fn(usize) -> Option<&'t str>,
    out: &mut String,
) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = reference(after) {
            out.push_str(referred(name, groups, &group).unwrap_or(""));
            rest = after;
        } else {
            // Not a reference after all.
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
}

fn referred<'t>(
    name: &str,
    groups: &[Option<Box<str>>],
    group: impl Fn(usize) -> Option<&'t str>,
) -> Option<&'t str> {
    let is_number = name.bytes().all(|b| b.is_ascii_digit());
    if is_number && (name == "0" || !name.starts_with('0')) && name.len() < 9 {
        return group(name.parse().ok()?);
    }
    named(name, groups, group)
}

fn named<'t>(
    name: &str,
    groups: &[Option<Box<str>>],
    group: impl Fn(usize) -> Option<&'t str>,
) -> Option<&'t str> {
    let named = groups.iter().enumerate();
    let mut named = named.filter(|(_, group)| group.as_deref() == Some(name));
    named.find_map(|(i, _)| group(i + 1))
}

/// Splits the text behind a `$` into the name it refers to and the rest.
fn reference(text: &str) -> Option<(&str, &str)> {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    let braced = text.strip_prefix('{');
    let text = braced.unwrap_or(text);
    let (name, rest) = text.split_at(text.find(|c| !in_name(c)).unwrap_or(text.len()));
    if name.is_empty() {
        return None;
    }
    if braced.is_some() { Some((name, rest.strip_prefix('}')?)) } else { Some((name, rest)) }
}
