//! How far two words are apart.

/// Bytes to insert, remove or replace to make one of the other (Levenshtein's distance). Takes the
/// product of both lengths in time, so callers bound them.
#[must_use]
pub fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::edits;

    #[test]
    fn counted_edits() {
        let check = |a: &str, b: &str, expected| {
            assert_eq!(edits(a.as_bytes(), b.as_bytes()), expected);
        };
        check("", "abc", 3);
        check("kitten", "sitting", 3);
        check("same", "same", 0);
    }
}
