//! Prometheus' own configuration files: which load, which do not, and why.
//!
//! A valid file that uses a mechanism of discovery which is not built in has to be refused by that
//! name, at its place; so has an invalid one whose fault is within such a section.

use super::{ConfigError, Loaded, Reading, load};
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
struct Case {
    file: String,
    load: String,
    error_contains: Option<String>,
    agent_mode_error: Option<String>,
    #[serde(default)]
    uses_sd: Vec<String>,
}

/// Refused in other words: values that are not UTF-8 do not get past the reader of YAML.
fn is_not_utf8(expected: &str) -> bool {
    expected.contains("\\xff") || expected.contains("!!binary")
}

impl Case {
    fn check(&self, folder: &std::path::Path) -> Result<(), String> {
        let path = folder.join(&self.file);
        let read = |agent| load(&path, &Reading { agent, ..Reading::default() });
        if self.load == "fragment" {
            return self.check_fragment(&path);
        }
        match (self.load.as_str(), read(false)) {
            ("ok", loaded) => self.check_unbuilt(&loaded.map_err(|error| error.to_string())?)?,
            (_, Err(error)) => self.check_error(&error)?,
            (_, Ok(loaded)) if !self.uses_sd.is_empty() => self.check_unbuilt(&loaded)?,
            (_, Ok(_)) => return Err("it loaded".into()),
        }
        match (&self.agent_mode_error, read(true)) {
            (None, Err(error)) if self.load == "ok" && self.file.starts_with("agent_mode") => {
                Err(error.to_string())
            }
            (Some(expected), Err(error)) if !error.to_string().contains(expected) => {
                Err(error.to_string())
            }
            (Some(_), Ok(_)) => Err("an agent loads it".into()),
            _ => Ok(()),
        }
    }

    fn check_error(&self, error: &ConfigError) -> Result<(), String> {
        // The text holds the path under which the file was loaded.
        let place = format!("parsing YAML file testdata/{}: ", self.file);
        let expected = self.error_contains.as_deref().unwrap_or("").replace(&place, "");
        let text = error.to_string();
        let in_unbuilt = self.uses_sd.iter().any(|name| text.contains(&format!("{name}_sd")));
        if error.at.is_none() {
            return Err(format!("no place: {text}"));
        }
        if text.contains(&expected) || is_not_utf8(&expected) || in_unbuilt {
            Ok(())
        } else {
            Err(text)
        }
    }

    fn check_unbuilt(&self, loaded: &Loaded) -> Result<(), String> {
        for name in self.uses_sd.iter().filter(|name| *name != "kubernetes") {
            let key = format!("{name}_sd_configs");
            let named = |error: &&ConfigError| error.message.contains(&key);
            match loaded.unbuilt.iter().find(named) {
                Some(error) if error.at.is_some() => {}
                Some(error) => return Err(format!("no place: {error}")),
                None => return Err(format!("{key} is not refused")),
            }
        }
        Ok(())
    }

    /// A part of a file: what holds it is looked at by another case, but for targets.
    fn check_fragment(&self, path: &std::path::Path) -> Result<(), String> {
        if !self.file.starts_with("static_config") {
            return Ok(());
        }
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        match serde_saphyr::from_str::<discovery::StaticConfig>(&text) {
            Ok(_) => Err("it was read".into()),
            Err(_) => Ok(()),
        }
    }
}

#[test]
fn files_load_or_say_why_not() {
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        println!("skipped: config: no folder {}", folder.display());
        return;
    }
    let manifest = folder.join("config/manifest.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let cases: Vec<Case> = serde_saphyr::from_str(&text).unwrap();
    let failed: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            let error = case.check(&folder.join("config/files")).err()?;
            let Case { file, load, error_contains, .. } = case;
            Some(format!("{file}: {load} {error_contains:?}, but: {error}"))
        })
        .collect();
    println!("config: {} passed, {} failed", cases.len() - failed.len(), failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
