//! Values of the chart kube-prometheus-stack, and the configuration they mean.
//!
//! [`import`] reads a values file as people hand it to Helm: the chart's values at the top, or below
//! the key of a subchart. What they say of scraping, rules, alerts and storage becomes a
//! configuration file of ours with a section `kubernetes`; about each value there is a [`Note`].
//! What the chart takes when nothing is written is taken here too: selectors by the label of the
//! release, ten days of retention, the chart's own Alertmanager.
//!
//! Whoever writes values for the chart may rely on what its templates make of them: an empty value is
//! none, a number may stand in quotes, and the release's name may stand in braces.

mod chart;
mod find;
mod fit;
mod names;
mod spec;
#[cfg(test)]
mod tests;
mod top;

use crate::section::{Entry, Fault, KEY, Kind, Node, Place, Section, Written};
use names::Names;
use std::fmt;

/// What values alone do not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The name of the release; without it objects are selected whatever their release.
    pub release: Option<String>,
    /// The namespace of the release.
    pub namespace: Option<String>,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteKind {
    /// It is used.
    Used,
    /// Nothing is to be done with it here.
    Meaningless,
    /// Not ours to do, but somebody's: volumes, memory, objects that the chart makes.
    Deployment,
    /// The chart passes over it where it stands.
    WrongPlace,
    /// Neither the chart nor we know it.
    Unknown,
    /// It asks for what is not built in.
    Unsupported,
    /// It cannot be what it is.
    Wrong,
}

impl NoteKind {
    /// Whether such values cannot be imported.
    #[must_use]
    pub fn is_refused(self) -> bool {
        matches!(self, Self::Unsupported | Self::Wrong)
    }
}

/// What became of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The keys that lead to it.
    pub path: String,
    /// What became of it.
    pub kind: NoteKind,
    /// In words.
    pub text: String,
    /// Line and column from 1; none for what is not written.
    pub place: Option<Place>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        write!(f, "{}: {}", self.path, self.text)
    }
}

/// What values mean.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The text of a configuration file. It says all that the values say.
    pub config: String,
    /// What of it is a flag of the server.
    pub flags: Vec<(String, String)>,
    /// About each value, in the order of the file; then about what is not written.
    pub notes: Vec<Note>,
    written: Written,
}

impl Imported {
    /// Notes about values that cannot be imported: with any, the configuration is not what was meant.
    pub fn refused(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.kind.is_refused())
    }

    /// Where in the values stands what stands at a place of the configuration.
    #[must_use]
    pub fn origin(&self, at: Place) -> Option<Place> {
        self.written.origin(at)
    }
}

/// Reads values.
///
/// # Errors
/// When the text is not YAML, or nothing in it is a value of the chart.
pub fn import(text: &str, options: &Options) -> Result<Imported, Fault> {
    let tree = Node::read(text).map_err(|error| Fault {
        place: error.at,
        path: String::new(),
        message: error.message,
    })?;
    let found = find::chart(&tree)?;
    let mut importer = Importer {
        names: Names::new(found.values, options),
        notes: Vec::new(),
        section: Vec::new(),
        origins: Vec::new(),
    };
    importer.beside(&tree, &found);
    importer.chart(found.values, &found.path);
    Ok(importer.finish())
}

/// Turns values into a section, key by key.
struct Importer {
    names: Names,
    notes: Vec<Note>,
    /// The keys of the section.
    section: Vec<Entry>,
    /// From keys of the section to paths of values.
    origins: Vec<(String, String)>,
}

impl Importer {
    fn note(
        &mut self,
        entry_at: Option<Place>,
        path: &str,
        kind: NoteKind,
        text: impl Into<String>,
    ) {
        let note = Note { path: path.to_owned(), kind, text: text.into(), place: entry_at };
        self.notes.push(note);
    }

    /// Sets a key of the section; the first value of a key stays.
    fn set(&mut self, key: &str, at: Option<Place>, value: Node, path: &str) {
        if self.section.iter().all(|entry| entry.key != key) {
            self.section.push(Entry { key: key.to_owned(), at, value });
            self.origins.push((key.to_owned(), path.to_owned()));
        }
    }

    fn finish(mut self) -> Imported {
        let section = Node::from(Kind::Map(self.section));
        let flags = match Section::of_node(&section) {
            Ok(section) => section.flags(),
            Err(faults) => {
                for fault in faults {
                    let path = values_path(&fault.path, &self.origins);
                    let told = |note: &Note| note.kind.is_refused() && note.path == path;
                    if !self.notes.iter().any(told) {
                        let (kind, text) = (NoteKind::Wrong, fault.message);
                        self.notes.push(Note { path, kind, text, place: fault.place });
                    }
                }
                Vec::new()
            }
        };
        let wrong = self.notes.iter().filter(|note| note.kind == NoteKind::Wrong);
        let wrong: Vec<String> = wrong.map(|note| note.path.clone()).collect();
        self.notes.retain(|note| note.kind != NoteKind::Used || !wrong.contains(&note.path));
        // Those without a place come last.
        self.notes.sort_by_key(|note| note.place.unwrap_or((u64::MAX, 0)));
        let file = Entry { key: KEY.to_owned(), at: None, value: section };
        let written = Written::new(&Kind::Map(vec![file]).into())
            .with_comment("Made from values of kube-prometheus-stack.");
        Imported { config: written.text.clone(), flags, notes: self.notes, written }
    }
}

/// The path of a value, from that of the section's key.
fn values_path(path: &str, origins: &[(String, String)]) -> String {
    let own = path.strip_prefix(KEY).unwrap_or(path).trim_start_matches('.');
    let end = own.find(['.', '[']).unwrap_or(own.len());
    let (key, rest) = own.split_at(end);
    let origin = origins.iter().find(|(known, _)| known == key);
    match origin {
        Some((_, origin)) => {
            // Of a list that has another name, the rest is the same.
            let rest =
                if key == "alerting" { rest.trim_start_matches(".alertmanagers") } else { rest };
            format!("{origin}{rest}")
        }
        None => own.to_owned(),
    }
}
