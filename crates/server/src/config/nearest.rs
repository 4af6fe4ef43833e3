//! What somebody may have meant.

use model::edits;

/// The word with the fewest edits from `text`; none when all need more than a third of it.
pub(crate) fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (edits, word) = words.map(|word| (edits(text.as_bytes(), word.as_bytes()), word)).min()?;
    (edits <= text.len().div_ceil(3)).then_some(word)
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
