//! Two lists of alerts as one tree, coloured for a terminal: green is what came besides, red is what
//! did not come, yellow is what came otherwise.

use super::failure::AlertText;
use model::names::write_quoted;
use std::collections::BTreeMap;

const MISSING: &str = "\x1b[0;31m";
const UNEXPECTED: &str = "\x1b[0;32m";
const CHANGED: &str = "\x1b[0;33m";
const PLAIN: &str = "";
const RESET: &str = "\x1b[0m";

/// Alerts side by side: the first with the first, the second with the second. No alert at all is one
/// without labels.
pub(super) fn alerts(expected: &[AlertText], got: &[AlertText]) -> String {
    let trees = |alerts: &[AlertText]| match alerts {
        [] => vec![tree(&AlertText::default())],
        alerts => alerts.iter().map(tree).collect(),
    };
    let (expected, got) = (trees(expected), trees(got));
    let mut painter = Painter { out: String::new(), level: 0, colour: PLAIN };
    let pairs = (0..expected.len().max(got.len())).map(|i| (expected.get(i), got.get(i)));
    painter.within('[', ']', pairs, |painter, (expected, got)| painter.alert(expected, got));
    painter.out
}

/// Texts by name, in two parts.
type Tree = BTreeMap<&'static str, BTreeMap<String, String>>;

fn tree(alert: &AlertText) -> Tree {
    let texts = |pairs: &[(String, String)]| pairs.iter().cloned().collect();
    let parts = [("Annotations", &alert.annotations), ("Labels", &alert.labels)];
    parts.into_iter().map(|(name, pairs)| (name, texts(pairs))).collect()
}

struct Painter {
    out: String,
    level: usize,
    colour: &'static str,
}

impl Painter {
    fn paint(&mut self, colour: &'static str) {
        if self.colour != colour {
            self.out.push_str(if self.colour == PLAIN { "" } else { RESET });
            self.out.push_str(colour);
            self.colour = colour;
        }
    }

    /// Begins a line; colours end with each line.
    fn line(&mut self) {
        let colour = self.colour;
        self.paint(PLAIN);
        self.out.push('\n');
        self.out.push_str(&"    ".repeat(self.level));
        self.paint(colour);
    }

    fn quoted(&mut self, text: &str) {
        write_quoted(&mut self.out, text).expect("a string takes text");
    }

    /// Items between brackets, a line each; in the colour at hand, to which it comes back after each.
    fn within<T>(
        &mut self,
        open: char,
        close: char,
        items: impl ExactSizeIterator<Item = T>,
        mut one: impl FnMut(&mut Self, T),
    ) {
        let (colour, count) = (self.colour, items.len());
        self.out.push(open);
        self.level += 1;
        for (i, item) in items.enumerate() {
            self.line();
            one(self, item);
            self.paint(colour);
            self.out.push_str(if i + 1 < count { "," } else { "" });
        }
        self.level -= 1;
        if count > 0 {
            self.line();
        }
        self.out.push(close);
    }

    fn alert(&mut self, expected: Option<&Tree>, got: Option<&Tree>) {
        self.paint(colour_of(expected.is_some(), got.is_some()));
        let none = Tree::new();
        let (expected, got) = (expected.unwrap_or(&none), got.unwrap_or(&none));
        let parts: Vec<_> = if expected.is_empty() { got } else { expected }.keys().collect();
        self.within('{', '}', parts.into_iter(), |painter, part| {
            painter.quoted(part);
            painter.out.push_str(": ");
            painter.texts(expected.get(part), got.get(part));
        });
    }

    fn texts(
        &mut self,
        expected: Option<&BTreeMap<String, String>>,
        got: Option<&BTreeMap<String, String>>,
    ) {
        // An alert that is there on one side only has its colour already.
        let both = expected.is_some() && got.is_some();
        let none = BTreeMap::new();
        let (expected, got) = (expected.unwrap_or(&none), got.unwrap_or(&none));
        let mut names: Vec<_> = expected.keys().chain(got.keys()).collect();
        names.sort_unstable();
        names.dedup();
        self.within('{', '}', names.into_iter(), |painter, name| {
            let (expected, got) = (expected.get(name), got.get(name));
            if both {
                painter.paint(colour_of(expected.is_some(), got.is_some()));
            }
            painter.quoted(name);
            painter.out.push_str(": ");
            match (expected, got) {
                (Some(expected), Some(got)) if expected != got => {
                    painter.paint(CHANGED);
                    painter.quoted(expected);
                    painter.out.push_str(" => ");
                    painter.quoted(got);
                }
                (Some(text), _) | (None, Some(text)) => painter.quoted(text),
                (None, None) => {}
            }
        });
    }
}

fn colour_of(expected: bool, got: bool) -> &'static str {
    match (expected, got) {
        (true, false) => MISSING,
        (false, true) => UNEXPECTED,
        _ => PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> AlertText {
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        AlertText { labels: pairs(labels), annotations: pairs(annotations) }
    }

    fn check(expected: &[AlertText], got: &[AlertText], text: &str) {
        let shown = alerts(expected, got)
            .replace(MISSING, "<-")
            .replace(UNEXPECTED, "<+")
            .replace(CHANGED, "<~")
            .replace(RESET, ">");
        assert_eq!(shown, text);
    }

    #[test]
    fn what_differs_has_its_colour() {
        check(
            &[alert(&[("a", "1"), ("b", "2")], &[("t", "x")])],
            &[alert(&[("a", "1"), ("c", "3")], &[("t", "y")])],
            r#"[
    {
        "Annotations": {
            "t": <~"x" => "y">
        },
        "Labels": {
            "a": "1",
            <-"b": "2">,
            <+"c": "3">
        }
    }
]"#,
        );
    }

    #[test]
    fn a_whole_alert_has_its_colour_line_by_line() {
        let one = alert(&[("a", "1")], &[]);
        check(
            std::slice::from_ref(&one),
            &[one.clone(), alert(&[("a", "2")], &[])],
            r#"[
    {
        "Annotations": {},
        "Labels": {
            "a": "1"
        }
    },
    <+{>
        <+"Annotations": {},>
        <+"Labels": {>
            <+"a": "2">
        <+}>
    <+}>
]"#,
        );
    }

    #[test]
    fn no_alert_is_one_without_labels() {
        check(
            &[alert(&[("a", "1")], &[])],
            &[],
            r#"[
    {
        "Annotations": {},
        "Labels": {
            <-"a": "1">
        }
    }
]"#,
        );
    }
}
