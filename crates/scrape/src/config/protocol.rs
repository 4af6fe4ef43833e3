//! Exposition formats by the names of the config file, and the `Accept` header that asks for them.

use exposition::Protocol;
use model::names::NameScheme;
use std::fmt;

/// What targets are asked for unless the configuration says otherwise, best first.
pub const DEFAULT_PROTOCOLS: [Protocol; 4] =
    [Protocol::OpenMetrics1, Protocol::OpenMetrics0, Protocol::Text1, Protocol::Text0];

/// The protocol of a name in the config file; an unknown name is told with those there are.
pub(super) fn parse(name: &str) -> Result<Protocol, String> {
    Protocol::from_name(name).ok_or_else(|| {
        let mut known = Protocol::ALL.map(Protocol::name);
        known.sort_unstable();
        format!("unknown scrape protocol {name}, supported: [{}]", known.join(" "))
    })
}

/// How a target is asked to write names outside of the classic character sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escaping {
    /// Unchanged, between quotes.
    AllowUtf8,
    /// Every odd character as `_`.
    Underscores,
    /// Dots as `_dot_`.
    Dots,
    /// Reversible: `U__` and code points.
    Values,
}

impl Escaping {
    /// # Errors
    /// When there is no such scheme.
    pub fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "allow-utf-8" => Self::AllowUtf8,
            "underscores" => Self::Underscores,
            "dots" => Self::Dots,
            "values" => Self::Values,
            other => {
                return Err(format!(
                    "unknown global name escaping method specified, must be one of 'allow-utf-8', \
                     'underscores', 'dots', or 'values', got {other:?}"
                ));
            }
        })
    }

    /// The default under a naming scheme.
    #[must_use]
    pub fn of_scheme(scheme: NameScheme) -> Self {
        match scheme {
            NameScheme::Utf8 => Self::AllowUtf8,
            NameScheme::Legacy => Self::Underscores,
        }
    }
}

impl fmt::Display for Escaping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        })
    }
}

/// The `Accept` header: each format with a falling weight, then anything at all.
#[must_use]
pub fn accept_header(protocols: &[Protocol], escaping: Escaping) -> String {
    let mut header = String::new();
    // Weights are tenths; the first is one above the number of formats the file can name.
    let mut weight = Protocol::ALL.len() + 1;
    for protocol in protocols {
        header.push_str(protocol.accept());
        if matches!(protocol, Protocol::OpenMetrics1 | Protocol::Text1) {
            header.push_str(&format!(";escaping={escaping}"));
        }
        header.push_str(&format!(";q=0.{weight},"));
        weight -= 1;
    }
    header.push_str(&format!("*/*;q=0.{weight}"));
    header
}

/// Reads a list of names; refuses an empty list, unknown names and duplicates in any letter case.
pub(super) fn parse_list(names: &[String]) -> Result<Vec<Protocol>, String> {
    if names.is_empty() {
        return Err("scrape_protocols cannot be empty".into());
    }
    for (i, name) in names.iter().enumerate() {
        if names[..i].iter().any(|other| other.eq_ignore_ascii_case(name)) {
            let list = names.join(" ");
            return Err(format!("duplicated protocol in scrape_protocols, got [{list}]"));
        }
        parse(name).map_err(|e| format!("scrape_protocols: {e}"))?;
    }
    names.iter().map(|name| parse(name)).collect()
}
