//! Values and what is told of them, for each file of the fixtures.

use super::{NoteKind, Options, import};
use crate::section::{Kind, Node, Section, join};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/kubernetes/values")
}

/// What the first line says of release and namespace.
fn options(text: &str) -> Options {
    let words: Vec<_> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    let after = |flag: &str| {
        let at = words.iter().position(|word| *word == flag)?;
        words.get(at + 1).map(|word| (*word).to_owned())
    };
    Options { release: after("--release"), namespace: after("--namespace") }
}

fn told(text: &str) -> String {
    let imported = match import(text, &options(text)) {
        Ok(imported) => imported,
        Err(fault) => return format!("{fault}\n"),
    };
    let mut out = String::new();
    for note in &imported.notes {
        writeln!(out, "{:?} {note}", note.kind).expect("a string takes text");
    }
    for (flag, value) in &imported.flags {
        writeln!(out, "--{flag}={value}").expect("a string takes text");
    }
    out + &imported.config
}

#[test]
fn files_are_told_of_as_written_beside_them() {
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .expect("the fixtures are there")
        .map(|entry| entry.expect("can be read").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 10);
    let mut wrong = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).expect("can be read");
        let (got, beside) = (told(&text), path.with_extension("told"));
        if std::env::var_os("UPDATE_TOLD").is_some() {
            std::fs::write(&beside, &got).expect("can be written");
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        if got != expected {
            wrong.push(format!("{}:\n{got}\nbut expected:\n{expected}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_made_is_a_section_that_says_the_same() {
    for entry in std::fs::read_dir(folder()).expect("the fixtures are there") {
        let path = entry.expect("can be read").path();
        let text = std::fs::read_to_string(&path).expect("can be read");
        let Ok(imported) = import(&text, &options(&text)) else { continue };
        let name = path.display();
        if imported.refused().next().is_some() || path.extension() != Some("yaml".as_ref()) {
            continue;
        }
        let section = Section::read(&imported.config);
        let section = section.unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        assert_eq!(section.expect("there is a section").flags(), imported.flags, "{name}");
    }
}

#[test]
fn lines_lead_back_to_the_values() {
    let text = std::fs::read_to_string(folder().join("lightning-asr.yaml")).expect("can be read");
    let imported = import(&text, &Options::default()).unwrap();
    let check = |what: &str| {
        let find = |text: &str| {
            let (line, found) =
                text.lines().enumerate().find(|(_, line)| line.contains(what)).expect(what);
            let column = found.find(what).expect("found just now");
            (line as u64 + 1, column as u64 + 1)
        };
        assert_eq!(imported.origin(find(&imported.config)), Some(find(&text)), "{what}");
    };
    for what in ["retentionSize", "scrape_interval", "record: asr:streams", "severity"] {
        check(what);
    }
}

/// The chart's own values, when somebody has them: they are not ours to keep.
#[test]
fn every_value_of_the_chart_is_known() {
    let Some(path) = std::env::var_os("KPS_VALUES") else {
        println!("skipped: values of the chart: KPS_VALUES names no file");
        return;
    };
    let text = std::fs::read_to_string(path).expect("can be read");
    for options in
        [Options::default(), Options { release: Some("kps".into()), namespace: Some("m".into()) }]
    {
        let imported = import(&text, &options).expect("are values");
        for note in &imported.notes {
            let is_fine = !matches!(note.kind, NoteKind::Unknown | NoteKind::WrongPlace);
            assert!(is_fine && !note.kind.is_refused(), "{note}");
        }
        let mut paths = Vec::new();
        leaves(&Node::read(&text).expect("is YAML"), String::new(), &mut paths);
        println!("{} values, {} notes", paths.len(), imported.notes.len());
        for path in paths {
            let covers = |note: &str| {
                path.strip_prefix(note).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            assert!(imported.notes.iter().any(|note| covers(&note.path)), "{path}");
        }
        Section::read(&imported.config).expect("is a section");
    }
}

fn leaves(node: &Node, path: String, found: &mut Vec<String>) {
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            for entry in entries {
                leaves(&entry.value, join(&path, &entry.key), found);
            }
        }
        _ => found.push(path),
    }
}
