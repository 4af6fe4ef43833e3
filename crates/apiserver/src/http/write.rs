//! Creating, changing and deleting objects.

use super::path::Path;
use super::{Failure, Query, failure, json_answer, refused};
use crate::patch;
use crate::server::{Shared, key};
use crate::store::Refused;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};

pub(super) fn write(
    shared: &Shared,
    path: &Path,
    method: &Method,
    headers: &HeaderMap,
    query: &Query,
    body: &[u8],
) -> Result<Response, Failure> {
    match (method.as_str(), &path.name) {
        ("POST", None) => create(shared, path, query, body),
        ("PUT", Some(name)) => {
            let object = read(body)?;
            let change = |old: &mut Value| {
                *old = object;
                Ok(())
            };
            changed(shared, path, name, change)
        }
        ("PATCH", Some(name)) => patched(shared, path, name, headers, body),
        ("DELETE", Some(name)) => {
            let key = key(path.kind, &path.namespace, name);
            let last = shared.store.delete(path.kind, &key);
            let last = last.map_err(|error| refused(error, path.kind, name))?;
            Ok(json_answer(StatusCode::OK, &last))
        }
        _ => Err(failure(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )),
    }
}

/// JSON, or the YAML of `kubectl apply` as far as that is JSON.
fn read(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| failure(StatusCode::BAD_REQUEST, "BadRequest", &error.to_string()))
}

fn create(shared: &Shared, path: &Path, query: &Query, body: &[u8]) -> Result<Response, Failure> {
    let mut object = read(body)?;
    let text = |object: &Value, field: &str| {
        object.pointer(&format!("/metadata/{field}")).and_then(Value::as_str).map(str::to_owned)
    };
    let name = match (text(&object, "name"), text(&object, "generateName")) {
        (Some(name), _) if !name.is_empty() => name,
        (_, Some(prefix)) => format!("{prefix}{}", shared.store.version() + 1),
        _ => {
            let message = "name or generateName is required".to_owned();
            return Err(refused(Refused::Invalid(message), path.kind, ""));
        }
    };
    let key = key(path.kind, &path.namespace, &name);
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.insert("name".into(), json!(name));
        if path.kind.is_namespaced {
            meta.insert("namespace".into(), json!(key.0));
        }
    }
    if query.get("dryRun").is_some_and(|dry| !dry.is_empty()) {
        return Ok(json_answer(StatusCode::CREATED, &object));
    }
    let created = shared.store.create(path.kind, key, object);
    let created = created.map_err(|error| refused(error, path.kind, &name))?;
    Ok(json_answer(StatusCode::CREATED, &created))
}

fn changed(
    shared: &Shared,
    path: &Path,
    name: &str,
    change: impl FnOnce(&mut Value) -> Result<(), Refused>,
) -> Result<Response, Failure> {
    let key = key(path.kind, &path.namespace, name);
    let changed = shared.store.change(path.kind, &key, path.is_status, change);
    let changed = changed.map_err(|error| refused(error, path.kind, name))?;
    Ok(json_answer(StatusCode::OK, &changed))
}

fn patched(
    shared: &Shared,
    path: &Path,
    name: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Failure> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let patch = read(body)?;
    match kind.split(';').next().unwrap_or("").trim() {
        "application/json-patch+json" => changed(shared, path, name, |old| {
            patch::operations(old, &patch).map_err(Refused::Invalid)
        }),
        // Lists of custom kinds have no keys, so theirs are laid over as a whole.
        "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            changed(shared, path, name, |old| {
                patch::merge(old, &patch);
                Ok(())
            })
        }
        "application/apply-patch+yaml" => {
            let key = key(path.kind, &path.namespace, name);
            if shared.store.get(path.kind, &key).is_none() && !path.is_status {
                return create(shared, path, &Query::new(), body);
            }
            changed(shared, path, name, |old| {
                patch::merge(old, &patch);
                Ok(())
            })
        }
        other => Err(failure(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            &format!("the body of the request was in an unknown format: {other}"),
        )),
    }
}
