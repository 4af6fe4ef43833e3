//! Values of kube-prometheus-stack in place of a file; and what a configuration says of flags.

use super::{ConfigError, Loaded, Reading, reading};
use kubernetes::Section;
use kubernetes::values::{Imported, NoteKind, Options, import};
use std::path::Path;

/// Reads values, and the configuration that they mean. What the chart passes over, and what nobody
/// knows, is a warning.
pub(crate) fn load_values(
    path: &Path,
    options: &Options,
    how: &Reading,
) -> Result<Loaded, ConfigError> {
    let text = if how.once { reading::text_once(path) } else { reading::file_text(path) }?;
    let file = path.display().to_string();
    let imported = import(&text, options).map_err(|fault| ConfigError {
        at: fault.place,
        ..ConfigError::of_file(&file, fault.message)
    })?;
    parse_values(&imported, &file, path.parent().unwrap_or(Path::new("")), how)
}

/// Reads the configuration that values mean. Errors tell the places of the values.
pub(crate) fn parse_values(
    imported: &Imported,
    file: &str,
    directory: &Path,
    how: &Reading,
) -> Result<Loaded, ConfigError> {
    let mut refused = imported.refused().map(|note| {
        let message = format!("{}: {}", note.path, note.text);
        ConfigError { at: note.place, ..ConfigError::of_file(file, message) }
    });
    if let Some(mut error) = refused.next() {
        for other in refused {
            error.message.push('\n');
            error.message.push_str(&other.to_string());
        }
        return Err(error);
    }
    let variable = |name: &str| std::env::var(name).ok();
    let loaded = super::parse(&imported.config, file, directory, how, variable);
    let in_values = |error: ConfigError| match error.file == file {
        true => ConfigError { at: error.at.and_then(|at| imported.origin(at)), ..error },
        false => error,
    };
    let mut loaded = loaded.map_err(in_values)?;
    loaded.unbuilt = loaded.unbuilt.into_iter().map(in_values).collect();
    let told = imported.notes.iter();
    let told = told.filter(|note| matches!(note.kind, NoteKind::WrongPlace | NoteKind::Unknown));
    loaded.warnings.extend(told.map(|note| format!("{file}:{note}")));
    Ok(loaded)
}

/// What a file's section says of flags; nothing when it cannot be read.
pub(crate) fn flags_of_file(path: &Path) -> Vec<(String, String)> {
    let text = reading::file_text(path).unwrap_or_default();
    // Most files have no such section, and need not be read once more.
    let section = text.contains("kubernetes").then(|| Section::read(&text).ok()?).flatten();
    section.map(|section| section.flags()).unwrap_or_default()
}

/// What values say of flags; nothing when they cannot be read.
pub(crate) fn flags_of_values(path: &Path, options: &Options) -> Vec<(String, String)> {
    let text = reading::file_text(path).unwrap_or_default();
    import(&text, options).map(|imported| imported.flags).unwrap_or_default()
}
