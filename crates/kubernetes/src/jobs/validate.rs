//! What fields may say.

use super::Reason;
use crate::resources::relabel::Relabel;
use model::duration::Duration;
use model::names::NameScheme;
use model::regex::Regex;

const PROTOCOLS: [&str; 5] = [
    "PrometheusProto",
    "OpenMetricsText0.0.1",
    "OpenMetricsText1.0.0",
    "PrometheusText0.0.4",
    "PrometheusText1.0.0",
];
const ACTIONS: [&str; 11] = [
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
];

/// A format of pages.
pub(super) fn protocol(field: &str, name: &str) -> Result<(), Reason> {
    if PROTOCOLS.contains(&name) {
        return Ok(());
    }
    Err(format!("{field}: {name:?} is none of {}", PROTOCOLS.join(", ")))
}

/// Formats, each once.
pub(super) fn protocols(names: &[String]) -> Result<(), Reason> {
    for (i, name) in names.iter().enumerate() {
        protocol("scrapeProtocols", name)?;
        if names[..i].contains(name) {
            return Err(format!("scrapeProtocols: {name} stands there twice"));
        }
    }
    Ok(())
}

/// A size such as `10MB`.
pub(super) fn size(field: &str, text: &str) -> Result<(), Reason> {
    match model::size::parse_bytes(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{field}: {error}")),
    }
}

fn duration(field: &str, text: &str) -> Result<Option<i64>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let duration = Duration::parse(text).map_err(|error| format!("{field}: {error}"))?;
    Ok(Some(duration.ms))
}

/// Interval and timeout of a job; a timeout may not be longer than the interval that holds.
pub(super) fn times(
    (field, interval): (&str, &str),
    timeout: &str,
    global: &str,
) -> Result<(), Reason> {
    let global = if global.is_empty() { "30s" } else { global };
    let of_all = Duration::parse(global).map_or(30_000, |duration| duration.ms);
    let own = duration(field, interval)?;
    let Some(timeout_ms) = duration("scrapeTimeout", timeout)? else { return Ok(()) };
    if timeout_ms > own.unwrap_or(of_all) {
        let interval = if own.is_some() { interval } else { global };
        return Err(format!("scrapeTimeout: {timeout} is longer than the interval of {interval}"));
    }
    Ok(())
}

/// `http` or `https`, in any case of letters.
pub(super) fn scheme(field: &str, scheme: &str) -> Result<String, Reason> {
    match scheme.to_ascii_lowercase() {
        lower if lower == "http" || lower == "https" => Ok(lower),
        _ => Err(format!("{field}: {scheme:?} is neither http nor https")),
    }
}

/// Relabeling rules.
pub(super) fn relabelings(field: &str, rules: &[Relabel]) -> Result<(), Reason> {
    for (i, rule) in rules.iter().enumerate() {
        relabeling(rule).map_err(|error| format!("{field}[{i}]: {error}"))?;
    }
    Ok(())
}

fn relabeling(rule: &Relabel) -> Result<(), Reason> {
    let action = rule.action.to_ascii_lowercase();
    let action = if action.is_empty() { "replace" } else { action.as_str() };
    if !ACTIONS.contains(&action) {
        return Err(format!("unknown action {:?}", rule.action));
    }
    Regex::new(&rule.regex).map_err(|error| format!("regex {:?}: {error}", rule.regex))?;
    if action == "hashmod" && rule.modulus == 0 {
        return Err("action hashmod needs a modulus".into());
    }
    let needs_target = ["replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"];
    if needs_target.contains(&action) && rule.target_label.is_empty() {
        return Err(format!("action {action} needs a targetLabel"));
    }
    let target = rule.target_label.as_str();
    let may_be_template = action == "replace" && target.contains('$');
    if !target.is_empty() && !may_be_template && !NameScheme::Utf8.is_label_name(target) {
        return Err(format!("{target:?} is not the name of a label"));
    }
    let has_replacement = rule.replacement.as_deref().is_some_and(|text| text != "$1");
    let has_separator = rule.separator.as_deref().is_some_and(|text| text != ";");
    let has_regex = !rule.regex.is_empty() && rule.regex != "(.*)";
    let only = |others: &[bool], what: &str| {
        if others.contains(&true) {
            Err(format!("action {action} takes {what} only"))
        } else {
            Ok(())
        }
    };
    match action {
        "keepequal" | "dropequal" => only(
            &[has_regex, rule.modulus != 0, has_separator, has_replacement],
            "sourceLabels and targetLabel",
        ),
        "labeldrop" | "labelkeep" => only(
            &[
                !rule.source_labels.is_empty(),
                !target.is_empty(),
                rule.modulus != 0,
                has_separator,
                has_replacement,
            ],
            "regex",
        ),
        "lowercase" | "uppercase" if has_replacement => {
            Err(format!("action {action} takes no replacement"))
        }
        _ => Ok(()),
    }
}
