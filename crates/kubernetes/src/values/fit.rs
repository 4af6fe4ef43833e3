//! Values in the form in which the section has them.

use crate::section::{Entry, Kind, Node, Shape};

/// The value without keys that the shape does not know, and with numbers and truth values out of
/// their quotes.
pub(super) fn fit(node: &Node, shape: Shape) -> Node {
    let kind = match (shape, &node.kind) {
        (Shape::Truth | Shape::Whole | Shape::Signed, Kind::Text(text)) => {
            Kind::Plain(text.clone())
        }
        (Shape::List(item), Kind::List(items)) => {
            Kind::List(items.iter().map(|node| fit(node, *item)).collect())
        }
        (Shape::Map(value), Kind::Map(entries)) => {
            let fitted =
                |entry: &Entry| Entry { value: fit(&entry.value, *value), ..entry.clone() };
            Kind::Map(entries.iter().map(fitted).collect())
        }
        (Shape::Object(fields) | Shape::Additional(fields), Kind::Map(entries)) => {
            let fitted = entries.iter().filter_map(|entry| {
                let field = fields.iter().find(|field| field.name == entry.key)?;
                Some(Entry { value: fit(&entry.value, field.shape), ..entry.clone() })
            });
            Kind::Map(fitted.collect())
        }
        (_, kind) => kind.clone(),
    };
    Node { at: node.at, kind }
}
