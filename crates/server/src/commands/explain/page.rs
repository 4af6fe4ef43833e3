//! The lines of a page around a place that did not fit.

use api::explain::Page;

/// Lines shown before the place, and behind it.
const LINES_BEFORE: usize = 3;
const LINES_BEHIND: usize = 1;
/// Lines of an answer that has no such place.
const LINES_OF_ANSWER: usize = 10;
/// Bytes shown of a line, and how many of them before the place.
const MAX_LINE: usize = 160;
const MAX_BEFORE: usize = 120;

/// The lines around the place, with their numbers and a mark below the place; else the first ones.
pub(super) fn lines(page: &Page) -> Vec<String> {
    let Some(at) = page.position else {
        let lines = page.text.lines().take(LINES_OF_ANSWER);
        return lines.map(|line| format!("| {}", &line[..end_of(line, MAX_LINE)])).collect();
    };
    let place = usize::try_from(page.start).map_or(0, |start| at.offset.saturating_sub(start));
    let place = end_of(&page.text, place);
    let line_start = page.text[..place].rfind('\n').map_or(0, |newline| newline + 1);
    let mut out = Vec::new();
    let before: Vec<&str> = page.text[..line_start].lines().collect();
    let shown = before.len().min(LINES_BEFORE);
    for (back, line) in (1..=shown).rev().zip(&before[before.len() - shown..]) {
        out.push(numbered(at.line.saturating_sub(back), line));
    }
    let line = page.text[line_start..].lines().next().unwrap_or("");
    let column = place - line_start;
    let from = end_of(line, column.saturating_sub(MAX_BEFORE));
    out.push(numbered(at.line, &line[from..]));
    let width = line[from..end_of(line, column)].chars().count();
    out.push(format!("{:6} | {:width$}^", "", ""));
    let behind = page.text[line_start..].lines().skip(1).take(LINES_BEHIND);
    out.extend((1..).zip(behind).map(|(n, line)| numbered(at.line.saturating_add(n), line)));
    out
}

fn numbered(number: usize, line: &str) -> String {
    format!("{number:>6} | {}", &line[..end_of(line, MAX_LINE)])
}

/// The end of a character at or before a number of bytes.
fn end_of(text: &str, len: usize) -> usize {
    (0..=len.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::explain::Position;

    #[track_caller]
    fn check(text: &str, start: u64, place: Option<(usize, usize)>, expected: &[&str]) {
        let position = place.map(|(line, offset)| Position { line, column: 1, offset });
        let page = Page { position, start, came: 0, text: text.to_owned() };
        assert_eq!(lines(&page), expected);
    }

    #[test]
    fn the_place_is_marked() {
        let page = "a 1\nb 2\nc 3\nd 4\ne x\nf 6\ng 7\n";
        let expected = [
            "     2 | b 2",
            "     3 | c 3",
            "     4 | d 4",
            "     5 | e x",
            "       |   ^",
            "     6 | f 6",
        ];
        check(page, 0, Some((5, 18)), &expected);
        check(page, 1000, Some((5, 1018)), &expected);
        check("x", 0, Some((1, 0)), &["     1 | x", "       | ^"]);
        check("é{\n", 0, Some((1, 2)), &["     1 | é{", "       |  ^"]);
        check("", 0, Some((0, 7)), &["     0 | ", "       | ^"]);
        check(
            "a\nb",
            9,
            Some((usize::MAX, 0)),
            &[&format!("{} | a", usize::MAX), "       | ^", &format!("{} | b", usize::MAX)],
        );
        let long = format!("{}!{}", "x".repeat(500), "y".repeat(500));
        let [line, mark] = &lines(&Page {
            position: Some(Position { line: 1, column: 501, offset: 500 }),
            text: long,
            ..Page::default()
        })[..] else {
            panic!("one line")
        };
        assert_eq!(line.find('!'), mark.find('^'));
        assert_eq!(line.len(), 9 + MAX_LINE);
    }

    #[test]
    fn an_answer_without_a_place_is_begun() {
        check("<html>\nno", 0, None, &["| <html>", "| no"]);
        assert_eq!(
            lines(&Page { text: "\n".repeat(1000), ..Page::default() }).len(),
            LINES_OF_ANSWER
        );
    }
}
