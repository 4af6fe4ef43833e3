//! Paths and patterns of other files.

use std::path::{Component, Path, PathBuf};

/// Whether a pattern has its `*` in the last element only.
pub(super) fn is_valid_pattern(pattern: &str) -> bool {
    pattern.split_once('*').is_none_or(|(_, after)| !after.contains('/'))
}

/// A path as it is meant: relative ones begin at the folder of the file they are written in.
pub(crate) fn join(directory: &Path, path: &str) -> PathBuf {
    if path.is_empty() { PathBuf::new() } else { directory.join(path) }
}

/// The files that a pattern means, in the order of their names; none is no error, and neither is
/// a folder that is not there or may not be read. The patterns are those of Go: `*` and `?` stand
/// for characters but `/`, `[a-z]` and `[^a-z]` for one of a set, `\\` takes the next as it is.
pub(crate) fn matching(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let text = match part {
            Component::Normal(text) => text.to_str().filter(|text| text.contains(MAGIC)),
            _ => None,
        };
        found = match text {
            Some(text) => found.iter().flat_map(|folder| entries(folder, text)).collect(),
            None => found.into_iter().map(|folder| folder.join(part)).collect(),
        };
    }
    found.retain(|path| path.symlink_metadata().is_ok());
    found
}

const MAGIC: [char; 4] = ['*', '?', '[', '\\'];

fn entries(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(listed).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<_> = names.filter(|name| matches(pattern, name)).collect();
    found.sort_unstable();
    found.into_iter().map(|name| folder.join(name)).collect()
}

/// Whether a name is what a pattern means. Looks at each character of the name at most once per
/// star.
fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // Where to go on when the last star takes one more character.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        if let Some(after) = pattern.strip_prefix('*') {
            retry = Some((after, name));
            pattern = after;
            continue;
        }
        let next = name.chars().next();
        match (next, one(pattern, next)) {
            (None, _) if pattern.is_empty() => return true,
            (Some(c), Some(after)) => (pattern, name) = (after, &name[c.len_utf8()..]),
            _ => {
                let Some((after, from)) = retry else { return false };
                let Some(skipped) = from.chars().next() else { return false };
                let from = &from[skipped.len_utf8()..];
                retry = Some((after, from));
                (pattern, name) = (after, from);
            }
        }
    }
}

/// The rest of a pattern when what it begins with takes this character.
fn one(pattern: &str, c: Option<char>) -> Option<&str> {
    let c = c?;
    let mut chars = pattern.chars();
    match chars.next()? {
        '?' => Some(chars.as_str()),
        '[' => {
            let set = chars.as_str();
            let (negated, set) =
                set.strip_prefix('^').map_or((false, set), |positive| (true, positive));
            let end = set.char_indices().skip(1).find(|(_, c)| *c == ']')?.0;
            let in_set = has(&set[..end], c);
            (in_set != negated).then_some(&set[end + 1..])
        }
        '\\' => (chars.next()? == c).then_some(chars.as_str()),
        literal => (literal == c).then_some(chars.as_str()),
    }
}

/// Whether a character is in a set such as `a-z_`.
fn has(set: &str, c: char) -> bool {
    let mut rest = set.chars();
    while let Some(low) = rest.next() {
        let mut ahead = rest.clone();
        let high = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(high)) => {
                rest = ahead;
                high
            }
            _ => low,
        };
        if (low..=high).contains(&c) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_in_the_last_element() {
        let check = |pattern: &str, valid: bool| {
            assert_eq!(is_valid_pattern(pattern), valid, "{pattern}");
        };
        check("rules.yml", true);
        check("/a/b/*.yml", true);
        check("a/*", true);
        check("*", true);
        check("a/*/b.yml", false);
        check("*/*", false);
        // As in Prometheus, which asks no more of what follows the first one.
        check("a/*b*.yml", true);
    }

    #[test]
    fn names_match() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        };
        check("*.yml", "a.yml", true);
        check("*.yml", ".yml", true);
        check("*.yml", "a.yaml", false);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-c-b", false);
        check("*", "", true);
        check("?.yml", "é.yml", true);
        check("?.yml", "ab.yml", false);
        check("a", "a", true);
        check("a", "ab", false);
        check("[a-c_]*", "b1", true);
        check("[a-c_]*", "_", true);
        check("[a-c_]*", "d", false);
        check("[^a-c]", "d", true);
        check("[^a-c]", "a", false);
        check("[]]", "]", true);
        check("[a", "a", false);
        check("\\*", "*", true);
        check("\\*", "a", false);
    }

    #[test]
    fn files_are_found_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("d1")).unwrap();
        for name in ["b.yml", "a.yml", "c.txt", "d1/e.yml"] {
            std::fs::write(path(name), "").unwrap();
        }
        let check = |pattern: &str, expected: &[&str]| {
            let expected: Vec<_> = expected.iter().map(|name| path(name)).collect();
            assert_eq!(matching(&path(pattern)), expected, "{pattern}");
        };
        check("*.yml", &["a.yml", "b.yml"]);
        check("c.txt", &["c.txt"]);
        check("d.txt", &[]);
        check("none/*.yml", &[]);
        check("d?/*.yml", &["d1/e.yml"]);
    }
}
