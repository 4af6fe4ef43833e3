//! Queries and what they gave.

use super::super::exec::Host;
use super::super::value::{Sample, Value};
use std::rc::Rc;

pub(super) fn query(expr: &str, host: &dyn Host) -> Result<Value, String> {
    let samples = host.query(expr)?;
    Ok(Value::List(samples.into_iter().map(|sample| Value::Sample(Rc::new(sample))).collect()))
}

pub(super) fn first(list: &Value) -> Result<Value, String> {
    if let Value::Nothing = list {
        return Err(EMPTY.to_owned());
    }
    let Value::List(items) = list else { return Err(super::wrong(list, "template.queryResult")) };
    items.first().cloned().ok_or_else(|| EMPTY.to_owned())
}

const EMPTY: &str = "first() called on vector with no elements";

fn sample(value: &Value) -> Result<&Sample, String> {
    match value {
        Value::Sample(sample) => Ok(sample),
        Value::Nothing => {
            Err("runtime error: invalid memory address or nil pointer dereference".to_owned())
        }
        other => Err(super::wrong(other, "*template.sample")),
    }
}

pub(super) fn label(name: &str, value: &Value) -> Result<Value, String> {
    Ok(Value::text(sample(value)?.labels.get(name).map_or("", String::as_str)))
}

pub(super) fn value(of: &Value) -> Result<Value, String> {
    Ok(Value::Float(sample(of)?.value))
}

/// Stable, so that equal labels keep their order.
pub(super) fn sort_by_label(name: &str, list: &Value) -> Result<Value, String> {
    if let Value::Nothing = list {
        return Ok(Value::List(Rc::new([])));
    }
    let Value::List(items) = list else { return Err(super::wrong(list, "template.queryResult")) };
    let mut sorted = items.to_vec();
    let key = |item: &Value| match item {
        Value::Sample(sample) => sample.labels.get(name).cloned().unwrap_or_default(),
        _ => String::new(),
    };
    sorted.sort_by_cached_key(key);
    Ok(Value::List(sorted.into()))
}
