//! Selectors of labels and fields, as they stand in URLs.

use serde_json::Value;

/// Conditions that must all hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    labels: Vec<Condition>,
    fields: Vec<Condition>,
}

#[derive(Clone, Debug)]
struct Condition {
    key: String,
    is: Is,
}

#[derive(Clone, Debug)]
enum Is {
    In(Vec<String>),
    NotIn(Vec<String>),
    There,
    NotThere,
}

impl Selector {
    /// Reads both texts; an empty one selects all.
    pub(crate) fn new(labels: &str, fields: &str) -> Result<Self, String> {
        let mut selector = Self::default();
        for part in parts(labels) {
            selector.labels.push(
                condition(part)
                    .ok_or_else(|| format!("unable to parse requirement: found {part:?}"))?,
            );
        }
        for part in parts(fields) {
            let condition = condition(part).filter(|condition| {
                matches!(&condition.is, Is::In(values) | Is::NotIn(values) if values.len() == 1)
            });
            selector.fields.push(condition.ok_or_else(|| {
                format!("invalid selector: {fields:?}; can't understand {part:?}")
            })?);
        }
        Ok(selector)
    }

    pub(crate) fn is_match(&self, object: &Value) -> bool {
        let label = |key: &str| {
            let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
            labels.and_then(|labels| labels.get(key)).and_then(Value::as_str)
        };
        let labels = self.labels.iter().all(|condition| condition.holds(label(&condition.key)));
        labels
            && self.fields.iter().all(|condition| {
                let path = format!("/{}", condition.key.replace('.', "/"));
                condition.holds(Some(object.pointer(&path).and_then(Value::as_str).unwrap_or("")))
            })
    }
}

impl Condition {
    fn holds(&self, value: Option<&str>) -> bool {
        match (&self.is, value) {
            (Is::There, value) => value.is_some(),
            (Is::NotThere, value) => value.is_none(),
            (Is::In(values), Some(value)) => values.iter().any(|one| one == value),
            (Is::In(_), None) => false,
            (Is::NotIn(values), Some(value)) => values.iter().all(|one| one != value),
            (Is::NotIn(_), None) => true,
        }
    }
}

/// The parts between commas that are not inside of parentheses.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

fn condition(part: &str) -> Option<Condition> {
    let with = |key: &str, is: Is| {
        let key = key.trim();
        (!key.is_empty()).then(|| Condition { key: key.to_owned(), is })
    };
    let list = |text: &str| -> Option<Vec<String>> {
        let inside = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inside.split(',').map(|value| value.trim().to_owned()).collect())
    };
    if let Some((key, value)) = part.split_once("!=") {
        return with(key, Is::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return with(key, Is::In(vec![value.trim().to_owned()]));
    }
    if let Some((key, values)) = part.split_once(" notin ") {
        return with(key, Is::NotIn(list(values)?));
    }
    if let Some((key, values)) = part.split_once(" in ") {
        return with(key, Is::In(list(values)?));
    }
    match part.strip_prefix('!') {
        Some(key) => with(key, Is::NotThere),
        None => with(part, Is::There),
    }
}

#[cfg(test)]
mod tests {
    use super::Selector;
    use serde_json::json;

    #[test]
    fn what_is_selected() {
        let object = json!({"metadata": {"name": "a", "labels": {"app": "x", "tier": ""}},
                            "status": {"phase": "Running"}});
        let check = |labels: &str, fields: &str, expected: bool| {
            let selector = Selector::new(labels, fields).unwrap();
            assert_eq!(selector.is_match(&object), expected, "{labels:?} {fields:?}");
        };
        check("", "", true);
        check("app=x", "", true);
        check("app==x,tier=", "", true);
        check("app!=x", "", false);
        check("none!=x", "", true);
        check("app in (y, x),tier", "", true);
        check("app notin (y,x)", "", false);
        check("!none", "", true);
        check("!app", "", false);
        check("", "metadata.name=a", true);
        check("", "status.phase!=Running,status.phase!=Failed", false);
        check("", "spec.nodeName=", true);
        for (labels, fields) in [("=x", ""), ("app in x", ""), ("", "metadata.name"), ("", "!a")] {
            assert!(Selector::new(labels, fields).is_err(), "{labels:?} {fields:?}");
        }
    }
}
