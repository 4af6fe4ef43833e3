//! The name that comes nearest to one that is not there.

use model::edits;

/// Names that are looked at.
const MAX_NAMES: usize = 5_000;
/// Bytes of a name that are looked at.
const MAX_LEN: usize = 200;

/// The name with the fewest edits to `asked`, if they are at most a third of its length; one that
/// holds it as a part comes before all others.
pub(super) fn nearest(asked: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let asked = &asked.as_bytes()[..asked.len().min(MAX_LEN)];
    if asked.is_empty() {
        return None;
    }
    let most = asked.len().div_ceil(3);
    let mut best: Option<(usize, String)> = None;
    for name in names.take(MAX_NAMES) {
        let bytes = &name.as_bytes()[..name.len().min(MAX_LEN)];
        let is_part = asked.len() > 2 && bytes.windows(asked.len()).any(|part| part == asked);
        let edits = if is_part { 0 } else { edits(asked, bytes) };
        if edits <= most && best.as_ref().is_none_or(|(least, _)| edits < *least) {
            best = Some((edits, name));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_edits_or_a_part() {
        let check = |asked: &str, expected: Option<&str>| {
            let names = ["node", "kube-state-metrics", "http://10.0.0.1:9100/metrics"];
            let found = nearest(asked, names.iter().map(|name| (*name).to_owned()));
            assert_eq!(found.as_deref(), expected, "{asked}");
        };
        check("nod", Some("node"));
        check("kube-state-metric", Some("kube-state-metrics"));
        check("10.0.0.1", Some("http://10.0.0.1:9100/metrics"));
        check("http://10.0.0.2:9100/metrics", Some("http://10.0.0.1:9100/metrics"));
        check("nothing-like-it", None);
        check("", None);
        check(&"x".repeat(100_000), None);
    }
}
