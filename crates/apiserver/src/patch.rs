//! Patches of objects: by merging (RFC 7396) and by operations (RFC 6902).

use serde_json::{Map, Value};

/// Lays one value over another; a null takes away.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { unreachable!("made one just now") };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Carries out operations, all or none.
pub(crate) fn operations(target: &mut Value, operations: &Value) -> Result<(), String> {
    let list = operations.as_array().ok_or("a JSON patch is a list")?;
    let mut changed = target.clone();
    for operation in list {
        let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
        let value = || operation.get("value").cloned().ok_or("value is missing");
        let path = text("path");
        match text("op") {
            "add" => add(&mut changed, path, value()?)?,
            "remove" => {
                take(&mut changed, path)?;
            }
            "replace" => *find(&mut changed, path)? = value()?,
            "test" => {
                if *find(&mut changed, path)? != value()? {
                    return Err(format!("testing value {path} failed"));
                }
            }
            "move" => {
                let moved = take(&mut changed, text("from"))?;
                add(&mut changed, path, moved)?;
            }
            "copy" => {
                let copied = find(&mut changed, text("from"))?.clone();
                add(&mut changed, path, copied)?;
            }
            other => return Err(format!("unknown operation {other:?}")),
        }
    }
    *target = changed;
    Ok(())
}

fn find<'a>(root: &'a mut Value, path: &str) -> Result<&'a mut Value, String> {
    root.pointer_mut(path).ok_or_else(|| format!("{path} does not exist"))
}

fn split(path: &str) -> Result<(&str, String), String> {
    let (parent, key) = path.rsplit_once('/').ok_or_else(|| format!("{path:?} is not a path"))?;
    Ok((parent, key.replace("~1", "/").replace("~0", "~")))
}

fn add(root: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *root = value;
        return Ok(());
    }
    let (parent, key) = split(path)?;
    match find(root, parent)? {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(list) if key == "-" => list.push(value),
        Value::Array(list) => {
            let at = key.parse().ok().filter(|at| *at <= list.len());
            list.insert(at.ok_or_else(|| format!("{path} is out of bounds"))?, value);
        }
        _ => return Err(format!("{parent} holds nothing")),
    }
    Ok(())
}

fn take(root: &mut Value, path: &str) -> Result<Value, String> {
    let (parent, key) = split(path)?;
    let missing = || format!("{path} does not exist");
    match find(root, parent)? {
        Value::Object(map) => map.remove(&key).ok_or_else(missing),
        Value::Array(list) => {
            let at = key.parse().ok().filter(|at| *at < list.len());
            Ok(list.remove(at.ok_or_else(missing)?))
        }
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use super::{merge, operations};
    use serde_json::json;

    #[test]
    fn merging() {
        let mut value = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut value, &json!({"a": {"b": null, "e": {"f": null, "g": 3}}, "d": [2]}));
        assert_eq!(value, json!({"a": {"c": 2, "e": {"g": 3}}, "d": [2]}));
    }

    #[test]
    fn operating() {
        let mut value = json!({"a": [{"b": 1}], "c/d": 2});
        let list = json!([{"op": "test", "path": "/a/0/b", "value": 1},
                          {"op": "add", "path": "/a/-", "value": 5},
                          {"op": "add", "path": "/a/0", "value": 4},
                          {"op": "replace", "path": "/c~1d", "value": 3},
                          {"op": "move", "from": "/a/1", "path": "/e"},
                          {"op": "copy", "from": "/e/b", "path": "/f"},
                          {"op": "remove", "path": "/a/0"}]);
        operations(&mut value, &list).unwrap();
        assert_eq!(value, json!({"a": [5], "c/d": 3, "e": {"b": 1}, "f": 1}));
        let before = value.clone();
        for bad in [
            json!([{"op": "remove", "path": "/f"}, {"op": "test", "path": "/a/0", "value": 1}]),
            json!([{"op": "add", "path": "/a/7", "value": 1}]),
            json!([{"op": "zap", "path": "/a"}]),
            json!({}),
        ] {
            assert!(operations(&mut value, &bad).is_err(), "{bad}");
            assert_eq!(value, before);
        }
    }
}
