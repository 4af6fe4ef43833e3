//! Why a configuration was refused, and where.

use super::nearest::nearest;
use serde_saphyr::Location;

/// Why a configuration was refused; tells the file and, where there is one, the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}{message}", place(*.at))]
pub(crate) struct ConfigError {
    pub(crate) file: String,
    /// Line and column, from 1.
    pub(crate) at: Option<Place>,
    pub(crate) message: String,
}

/// A line and a column, from 1.
pub(crate) type Place = (u64, u64);

fn place(at: Option<Place>) -> String {
    at.map_or_else(|| " ".to_owned(), |(line, column)| format!("{line}:{column}: "))
}

pub(super) fn place_of(location: Location) -> Option<Place> {
    (location != Location::UNKNOWN).then(|| (location.line(), location.column()))
}

impl ConfigError {
    /// About a file as a whole.
    pub(super) fn of_file(file: &str, message: impl ToString) -> Self {
        Self { file: file.to_owned(), at: None, message: message.to_string() }
    }

    pub(super) fn at(file: &str, location: Location, message: impl ToString) -> Self {
        Self { at: place_of(location), ..Self::of_file(file, message) }
    }

    /// What the reader of YAML says, without the place, which we write in front.
    pub(crate) fn of_yaml(file: &str, error: &serde_saphyr::Error) -> Self {
        Self { at: error.location().and_then(place_of), ..Self::of_file(file, bare(error)) }
    }
}

fn bare(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    // What follows speaks of places, or of settings of the library.
    let ends = [" (defined at ", " at line ", ", set DuplicateKeyPolicy", "; use from_"];
    let end = ends.iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
    let line = &line[..end];
    let plain = PLAIN.iter().find(|(begin, _)| line.starts_with(begin));
    let known = || plain.map_or(line, |(_, plain)| plain).to_owned();
    unknown_field(line).unwrap_or_else(known)
}

/// What the library says in terms of types and events, for people who write files.
const PLAIN: [(&str, &str); 9] = [
    ("invalid u", "expected a whole number of 0 or more"),
    ("invalid i64", "expected a whole number"),
    ("invalid floating point", "expected a number"),
    ("invalid boolean", "expected true or false"),
    ("expected sequence start", "expected a list"),
    ("expected mapping start", "expected a map"),
    ("cannot deserialize null into string", "expected a text, not null"),
    ("cannot deserialize tagged scalar into string", "expected a text"),
    ("recursive references", "an anchor holds itself"),
];

/// An unknown field as Prometheus says it, with the nearest known one instead of all of them.
fn unknown_field(message: &str) -> Option<String> {
    let (field, known) = message.strip_prefix("unknown field `")?.split_once('`')?;
    let known = known.split_once("expected").map_or("", |(_, known)| known);
    let words = known.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let nearest = nearest(field, words.filter(|word| word.len() > 3));
    let hint = nearest.map_or_else(String::new, |near| format!(" (the nearest is {near})"));
    Some(format!("field {field} not found in type{hint}"))
}
