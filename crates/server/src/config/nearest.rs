//! What somebody may have meant.

/// The word with the fewest edits from `text`; none when all need more than a third of it.
pub(crate) fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (edits, word) = words.map(|word| (edits(text, word), word)).min()?;
    (edits <= text.len().div_ceil(3)).then_some(word)
}

/// How many letters to insert, delete or replace (Levenshtein's distance).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_recognised() {
        let check = |text: &str, expected: Option<&str>| {
            let words = ["scrape_interval", "scrape_timeout", "consul_sd_configs"];
            assert_eq!(nearest(text, words.into_iter()), expected, "{text}");
        };
        check("scrape_intervall", Some("scrape_interval"));
        check("scrap_timeout", Some("scrape_timeout"));
        check("consult_sd_configs", Some("consul_sd_configs"));
        check("colour", None);
    }
}
