//! Functions of Go's `text/template`.

use super::super::value::Value;
use std::cmp::Ordering;

/// `eq` compares the first with any of the others.
pub(super) fn compare(name: &str, args: &[Value]) -> Result<Value, String> {
    let result = match name {
        "eq" => {
            let mut equal = false;
            for other in &args[1..] {
                equal |= is_equal(&args[0], other)?;
            }
            equal
        }
        "ne" => !is_equal(&args[0], &args[1])?,
        _ => {
            let order = order(&args[0], &args[1])?;
            match name {
                "lt" => order == Some(Ordering::Less),
                "le" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                "gt" => order == Some(Ordering::Greater),
                _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            }
        }
    };
    Ok(Value::Bool(result))
}

const INCOMPATIBLE: &str = "incompatible types for comparison";

fn is_equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Nothing, Value::Nothing) => Ok(true),
        (Value::Nothing, _) | (_, Value::Nothing) => Ok(false),
        (Value::Labels(_) | Value::List(_) | Value::Map(_), _) => {
            Err(format!("non-comparable type {}: {}", a, a.type_name()))
        }
        _ => Ok(order(a, b)? == Some(Ordering::Equal)),
    }
}

fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    match (a, b) {
        (Value::Int(a) | Value::Duration(a), Value::Int(b) | Value::Duration(b)) => {
            Ok(Some(a.cmp(b)))
        }
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
        (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_), _) => {
            Err(INCOMPATIBLE.to_owned())
        }
        _ => Err("invalid type for comparison".to_owned()),
    }
}

pub(super) fn len(value: &Value) -> Result<Value, String> {
    let len = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Labels(labels) => labels.len(),
        Value::Map(map) => map.len(),
        Value::Nothing => return Err("len of nil pointer".to_owned()),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Value::Int(i64::try_from(len).unwrap_or(i64::MAX)))
}

/// `index x 1 2` is `x[1][2]`.
pub(super) fn index(value: &Value, keys: &[Value]) -> Result<Value, String> {
    let mut value = value.clone();
    for key in keys {
        value = match (&value, key) {
            (Value::Labels(_) | Value::Map(_), Value::Text(name)) => value.field(name)?,
            (Value::List(items), Value::Int(i)) => at(items, *i)?.clone(),
            (Value::Text(text), Value::Int(i)) => Value::Int(i64::from(*at(text.as_bytes(), *i)?)),
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

fn at<T>(items: &[T], i: i64) -> Result<&T, String> {
    let found = usize::try_from(i).ok().and_then(|i| items.get(i));
    found.ok_or_else(|| format!("index out of range: {i}"))
}

/// `slice x 1 2` is `x[1:2]`.
pub(super) fn slice(value: &Value, bounds: &[Value]) -> Result<Value, String> {
    let len = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
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
    let (from, to) = (bound(0, 0)?, bound(1, len)?);
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
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

fn shown(value: &Value) -> String {
    match value {
        Value::Nothing => "<nil>".to_owned(),
        other => other.to_string(),
    }
}
