//! Versions of TLS that may be written and are not spoken any more.
//!
//! A `min_version` below what is spoken allows more than there is, which hurts nobody but those who
//! count on an old server: so it is told, with its place, and is no error. Every section with a
//! `tls_config` is looked at alike, in the text.

use super::error::place_of;
use super::tree::Walk;

/// Warnings about a file that was loaded.
pub(super) fn warnings(file: &str, text: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    // Reading the text again is for the few that have a reason.
    if !["TLS10", "TLS11"].iter().any(|old| text.contains(old)) {
        return warnings;
    }
    super::tree::walk(text, &mut |Walk { parent, key, value, location }| {
        if (parent, key) == ("tls_config", "min_version") && ["TLS10", "TLS11"].contains(&value) {
            let (line, column) = place_of(location).unwrap_or_default();
            warnings.push(format!(
                "{file}:{line}:{column}: tls_config.min_version {value} is not spoken: \
                 connections have TLS12 at least"
            ));
        }
    });
    warnings
}

#[cfg(test)]
mod tests {
    use super::warnings;

    #[test]
    fn old_versions_are_told_with_their_places() {
        let check = |text: &str, expected: &[&str]| {
            let told = warnings("p.yml", text);
            assert_eq!(told.len(), expected.len(), "{told:?}");
            for (told, expected) in told.iter().zip(expected) {
                assert!(told.starts_with(expected), "{told}");
            }
        };
        check("", &[]);
        check("tls_config: {min_version: TLS12}", &[]);
        check("# TLS10\n", &[]);
        let text = "scrape_configs:\n- job_name: TLS10\n  tls_config: {min_version: TLS10}\n  \
                    oauth2:\n    tls_config:\n      min_version: \"TLS11\"\n";
        check(text, &["p.yml:3:29: tls_config.min_version TLS10", "p.yml:6:20: tls_config"]);
        check("a: &t {min_version: TLS11}\ntls_config: *t\n", &["p.yml:"]);
    }
}
