//! The URL of a target, put together and escaped as Go's `net/url` does.

use model::Labels;
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(super) const PARAM_PREFIX: &str = "__param_";

/// A target's URL in the pieces a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetUrl {
    /// `http`
    pub(crate) scheme: String,
    /// Host and port as the target's address has them.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path_and_query: String,
}

impl TargetUrl {
    /// From the labels of a target; parameters in its labels replace the first value of the job's.
    pub(super) fn of_labels(labels: &Labels, params: &BTreeMap<String, Vec<String>>) -> Self {
        let mut params = params.clone();
        for (name, value) in labels {
            let Some(key) = name.strip_prefix(PARAM_PREFIX) else { continue };
            let values = params.entry(key.to_owned()).or_default();
            match values.first_mut() {
                Some(first) => value.clone_into(first),
                None => values.push(value.to_owned()),
            }
        }
        let path = labels.get("__metrics_path__").unwrap_or("");
        let mut path_and_query = String::new();
        if !path.starts_with('/') {
            path_and_query.push('/');
        }
        escape(&mut path_and_query, path, b"-_.~$&+,/:;=@", false);
        let mut separator = '?';
        for (key, value) in params.iter().flat_map(|(k, vs)| vs.iter().map(move |v| (k, v))) {
            path_and_query.push(separator);
            escape(&mut path_and_query, key, b"-_.~", true);
            path_and_query.push('=');
            escape(&mut path_and_query, value, b"-_.~", true);
            separator = '&';
        }
        let mut authority = String::new();
        let address = labels.get(discovery::ADDRESS).unwrap_or("");
        escape(&mut authority, address, b"-_.~!$&'()*+,;=:[]<>\"", false);
        let scheme = labels.get("__scheme__").unwrap_or("").to_owned();
        Self { scheme, authority, path_and_query }
    }
}

impl std::fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path_and_query)
    }
}

fn escape(out: &mut String, text: &str, kept: &[u8], plus_for_space: bool) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else if byte == b' ' && plus_for_space {
            out.push('+');
        } else {
            write!(out, "%{byte:02X}").expect("a string takes text");
        }
    }
}
