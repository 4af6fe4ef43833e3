//! Names that come near to one that is not there.

use model::edits;

/// Names that are looked at.
const MAX_NAMES: usize = 10_000;
/// Bytes of a name that are looked at.
const MAX_LEN: usize = 100;

/// The name with the fewest edits to `asked`, if it is near at all; one that holds it as a part, or is a
/// part of it, comes before all others.
pub fn nearest<'a>(asked: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.take(MAX_NAMES).filter_map(|name| Some((distance(asked, name)?, name)));
    near.min_by_key(|(edits, name)| (*edits, name.len())).map(|(_, name)| name)
}

/// Edits from one name to the other, if they are at most a third of the longer one; a part of the
/// other is none away.
pub(super) fn distance(a: &str, b: &str) -> Option<usize> {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let (a, b) = (cut(&a), cut(&b));
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let is_part = |long: &[u8], short: &[u8]| {
        short.len() > 2 && long.windows(short.len()).any(|part| part == short)
    };
    if is_part(a, b) || is_part(b, a) {
        return Some(0);
    }
    let edits = edits(a, b);
    (edits <= a.len().max(b.len()).div_ceil(3) && edits < a.len().max(b.len())).then_some(edits)
}

fn cut(name: &str) -> &[u8] {
    &name.as_bytes()[..name.len().min(MAX_LEN)]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn few_edits_or_a_part() {
        let check = |asked: &str, expected: Option<&str>| {
            let names = ["voice-gateway", "lightning-asr", "web"];
            assert_eq!(nearest(asked, names.into_iter()), expected, "{asked}");
        };
        check("lightning", Some("lightning-asr"));
        check("lightning-asr-metrics", Some("lightning-asr"));
        check("lightening_asr", Some("lightning-asr"));
        check("Voice-Gatway", Some("voice-gateway"));
        check("wbe", None);
        check("something-else", None);
        check("", None);
        check(&"x".repeat(100_000), None);
    }
}
