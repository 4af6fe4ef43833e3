//! Trees to YAML, so that what is read back is the same; and where each line comes from.

use super::tree::{Kind, Node, Place};
use serde_json::Value;

/// A text that was written from a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// Of each line: the column of what stands there, and its place in the text it comes from.
    pub(crate) origins: Vec<Option<(u64, Place)>>,
}

impl Written {
    /// Writes a tree as a block.
    pub(crate) fn new(tree: &Node) -> Self {
        let mut written = Self::default();
        match &tree.kind {
            Kind::Map(entries) if !entries.is_empty() => written.block(tree, 0, false),
            Kind::List(items) if !items.is_empty() => written.block(tree, 0, false),
            _ => {
                written.scalar(tree);
                written.end(None);
            }
        }
        written
    }

    /// Adds a comment line in front.
    pub(crate) fn with_comment(mut self, comment: &str) -> Self {
        self.text = format!("# {comment}\n{}", self.text);
        self.origins.insert(0, None);
        self
    }

    /// Where the thing at a place of this text stood.
    pub(crate) fn origin(&self, (line, column): Place) -> Option<Place> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let (begin, (line, origin)) = (*self.origins.get(index)?)?;
        Some((line, origin + column.saturating_sub(begin)))
    }

    /// A map or a list, each entry on lines of its own; the first one where the line is already
    /// begun, if it is.
    fn block(&mut self, node: &Node, depth: usize, is_begun: bool) {
        let column = |depth: usize| u64::try_from(2 * depth).unwrap_or(0) + 1;
        match &node.kind {
            Kind::Map(entries) => {
                for (i, entry) in entries.iter().enumerate() {
                    if i > 0 || !is_begun {
                        self.indent(depth);
                    }
                    self.quoted(&entry.key);
                    self.text.push(':');
                    let origin = entry.at.map(|at| (column(depth), at));
                    self.below(&entry.value, depth, origin);
                }
            }
            Kind::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    if i > 0 || !is_begun {
                        self.indent(depth);
                    }
                    self.text.push_str("- ");
                    if is_block(item) {
                        self.block(item, depth + 1, true);
                    } else {
                        self.scalar(item);
                        self.end(item.at.map(|at| (column(depth) + 2, at)));
                    }
                }
            }
            _ => unreachable!("only maps and lists are blocks"),
        }
    }

    fn below(&mut self, value: &Node, depth: usize, origin: Option<(u64, Place)>) {
        if is_block(value) {
            self.end(origin);
            self.block(value, depth + 1, false);
        } else {
            self.text.push(' ');
            self.scalar(value);
            self.end(origin);
        }
    }

    fn indent(&mut self, depth: usize) {
        self.text.extend(std::iter::repeat_n("  ", depth));
    }

    fn end(&mut self, origin: Option<(u64, Place)>) {
        self.text.push('\n');
        self.origins.push(origin);
    }

    fn scalar(&mut self, node: &Node) {
        match &node.kind {
            Kind::Null => self.text.push_str("null"),
            Kind::Plain(text) => self.text.push_str(text),
            Kind::Text(text) => self.quoted(text),
            // Empty ones have the same form in YAML and JSON.
            Kind::List(_) => self.text.push_str("[]"),
            Kind::Map(_) => self.text.push_str("{}"),
        }
    }

    /// A text, quoted unless it can only be read as a text.
    fn quoted(&mut self, text: &str) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
        let is_text = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/'))
            && text.chars().all(plain)
            && model::scalar::truth(text).is_none()
            && model::scalar::float(text).is_none()
            && !text.eq_ignore_ascii_case("null");
        if is_text {
            self.text.push_str(text);
        } else {
            // A JSON string is a YAML string.
            self.text.push_str(&Value::from(text).to_string());
        }
    }
}

fn is_block(node: &Node) -> bool {
    match &node.kind {
        Kind::Map(entries) => !entries.is_empty(),
        Kind::List(items) => !items.is_empty(),
        _ => false,
    }
}
