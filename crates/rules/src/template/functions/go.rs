//! Functions of Go's `text/template`.

use super::super::value::Value;
use std::cmp::Ordering;

/// `eq` compares the first with any of the others.
pub(super) fn compare(name: &str, args: &[Value]) -> Result<Value, String> {
    let result = match name {
        "eq" if args.len() == 1 => return Err("missing argument for comparison".to_owned()),
        "eq" => {
            let mut equal = false;
            for other in &args[1..] {
                equal = is_equal(&args[0], other)?;
                if equal {
                    break;
                }
            }
            equal
        }
        "ne" => !is_equal(&args[0], &args[1])?,
        _ => {
            let order = order(&args[0], &args[1])?;
            match name {
                "lt" => order == Some(Ordering::Less),
                "le" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                // In Go these are the opposites of the others, also for what is no number.
                "gt" => !matches!(order, Some(Ordering::Less | Ordering::Equal)),
                _ => order != Some(Ordering::Less),
            }
        }
    };
    Ok(Value::Bool(result))
}

const INCOMPATIBLE: &str = "incompatible types for comparison";

/// Kinds of values that can be compared with each other.
#[derive(PartialEq)]
enum Basic {
    Bool,
    Int,
    Float,
    Text,
}

fn basic(value: &Value) -> Option<Basic> {
    Some(match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(_) | Value::Month(_) | Value::Weekday(_) => Basic::Int,
        Value::Float(_) => Basic::Float,
        Value::Text(_) => Basic::Text,
        _ => return None,
    })
}

fn is_equal(a: &Value, b: &Value) -> Result<bool, String> {
    let non_comparable =
        |value: &Value| format!("non-comparable type {value}: {}", value.type_name());
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => return Ok(a == b),
        (Value::Nothing, Value::Nothing) => return Ok(true),
        (Value::Nothing, _) | (_, Value::Nothing) => return Ok(false),
        (Value::Time(a), Value::Time(b)) => return Ok(a == b),
        (Value::Duration(a), Value::Duration(b)) => return Ok(a == b),
        _ => {}
    }
    match (basic(a), basic(b)) {
        (Some(left), Some(right)) if left == right => Ok(order(a, b)? == Some(Ordering::Equal)),
        (None, None) => match (a, b) {
            (Value::Labels(_) | Value::List(_) | Value::Map(_), _) => Err(non_comparable(a)),
            (_, Value::Labels(_) | Value::List(_) | Value::Map(_)) => Err(non_comparable(b)),
            _ => Ok(false),
        },
        _ => Err(INCOMPATIBLE.to_owned()),
    }
}

fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    let number = |value: &Value| match value {
        Value::Int(n) | Value::Month(n) | Value::Weekday(n) => Some(*n),
        _ => None,
    };
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => Ok(Some(a.cmp(&b))),
            _ if basic(a).is_none() || basic(b).is_none() => {
                Err("invalid type for comparison".to_owned())
            }
            _ if basic(a) == basic(b) => Err("invalid type for comparison".to_owned()),
            _ => Err(INCOMPATIBLE.to_owned()),
        },
    }
}

pub(super) fn len(value: &Value) -> Result<Value, String> {
    let len = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Labels(labels) => labels.len(),
        Value::Map(map) => map.len(),
        Value::Nothing => {
            return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
        }
        other => {
            return Err(format!("len of type {}", other.type_name().trim_start_matches('*')));
        }
    };
    Ok(Value::Int(i64::try_from(len).unwrap_or(i64::MAX)))
}

/// `index x 1 2` is `x[1][2]`.
pub(super) fn index(value: &Value, keys: &[Value]) -> Result<Value, String> {
    if let Value::Nothing = value {
        return Err("index of untyped nil".to_owned());
    }
    let mut value = value.clone();
    for key in keys {
        value = match (&value, key) {
            (Value::Labels(labels), Value::Text(name)) => {
                Value::text(labels.get(&**name).map_or("", String::as_str))
            }
            (Value::Map(map), Value::Text(name)) => {
                map.get(&**name).cloned().unwrap_or(Value::Nothing)
            }
            (Value::List(items), Value::Int(i)) => at(items, *i, "slice")?.clone(),
            (Value::Text(text), Value::Int(i)) => {
                Value::Int(i64::from(*at(text.as_bytes(), *i, "string")?))
            }
            (Value::Nothing, _) => return Err("index of untyped nil".to_owned()),
            (Value::Labels(_) | Value::Map(_), key) => {
                return Err(format!("value has type {}; should be string", key.type_name()));
            }
            (Value::List(_) | Value::Text(_), key) => {
                return Err(format!("cannot index slice/array with type {}", key.type_name()));
            }
            (other, _) => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(value)
}

fn at<'a, T>(items: &'a [T], i: i64, kind: &str) -> Result<&'a T, String> {
    let found = usize::try_from(i).ok().and_then(|i| items.get(i));
    found.ok_or_else(|| match usize::try_from(i) {
        // One past the end is found out a step later.
        Ok(i) if i == items.len() => format!("reflect: {kind} index out of range"),
        _ => format!("index out of range: {i}"),
    })
}

/// `slice x 1 2` is `x[1:2]`.
pub(super) fn slice(value: &Value, bounds: &[Value]) -> Result<Value, String> {
    if bounds.len() > 3 {
        return Err(format!("too many slice indexes: {}", bounds.len()));
    }
    let len = match value {
        Value::Text(_) if bounds.len() == 3 => {
            return Err("cannot 3-index slice a string".to_owned());
        }
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Nothing => return Err("slice of untyped nil".to_owned()),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let bound = |i: usize, otherwise: usize| match bounds.get(i) {
        None => Ok(otherwise),
        Some(Value::Int(bound)) => usize::try_from(*bound)
            .ok()
            .filter(|bound| *bound <= len)
            .ok_or_else(|| format!("index out of range: {bound}")),
        Some(other) => Err(format!("cannot index slice/array with type {}", other.type_name())),
    };
    let (from, to, capacity) = (bound(0, 0)?, bound(1, len)?, bound(2, len)?);
    for (low, high) in [(from, to), (to, capacity)] {
        if low > high {
            return Err(format!("invalid slice index: {low} > {high}"));
        }
    }
    match value {
        Value::Text(text) => Ok(Value::text(String::from_utf8_lossy(&text.as_bytes()[from..to]))),
        Value::List(items) => Ok(Value::List(items[from..to].into())),
        _ => unreachable!("refused above"),
    }
}

/// With a space between two values of which neither is a text.
pub(super) fn print(args: &[Value]) -> String {
    let mut out = String::new();
    for (i, value) in args.iter().enumerate() {
        let is_text = |value: &Value| matches!(value, Value::Text(_));
        if i > 0 && !is_text(value) && !is_text(&args[i - 1]) {
            out.push(' ');
        }
        out.push_str(&shown(value));
    }
    out
}

/// With a space between any two, and a line feed.
pub(super) fn println(args: &[Value]) -> String {
    args.iter().map(shown).collect::<Vec<_>>().join(" ") + "\n"
}

/// What functions that escape work on.
pub(super) fn eval_args(args: &[Value]) -> String {
    match args {
        [Value::Nothing] => "<no value>".to_owned(),
        args => print(args),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Nothing => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_greater_than_any() {
        let check = |name: &str, expected: bool| {
            let compared = compare(name, &[Value::Float(f64::NAN), Value::Float(1.0)]);
            assert!(matches!(compared, Ok(Value::Bool(is)) if is == expected), "{name}");
        };
        check("gt", true);
        check("ge", true);
        check("lt", false);
        check("le", false);
        check("eq", false);
        check("ne", true);
    }
}
