//! Lists, whole or in pieces.

use super::path::Path;
use super::{Failure, Query, failure, gone, text_answer};
use crate::selector::Selector;
use crate::server::Shared;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn list(shared: &Shared, path: &Path, query: &Query) -> Result<Response, Failure> {
    let selector = selector(path, query)?;
    let (now, all) = shared.store.all(path.kind, path.only());
    let limit = match query.get("limit").map(|limit| limit.parse::<usize>()) {
        None | Some(Ok(0)) => usize::MAX,
        Some(Ok(limit)) => limit,
        Some(Err(error)) => {
            return Err(failure(StatusCode::BAD_REQUEST, "BadRequest", &error.to_string()));
        }
    };
    // A piece goes on behind the last name of the one before, and is of its version.
    let (version, after) = match query.get("continue").filter(|token| !token.is_empty()) {
        None => (now, None),
        Some(token) => {
            let (version, after) = token.split_once(':').ok_or_else(gone)?;
            let version: u64 = version.parse().map_err(|_| gone())?;
            shared.store.since(path.kind, version).map_err(|_| gone())?;
            (version, Some(after.to_owned()))
        }
    };
    let rest: Vec<&Arc<Value>> = all
        .iter()
        .filter(|object| selector.is_match(object))
        .filter(|object| after.as_deref().is_none_or(|after| place(object).as_str() > after))
        .collect();
    let piece = &rest[..rest.len().min(limit)];
    let mut meta = json!({"resourceVersion": version.to_string()});
    if piece.len() < rest.len() {
        let last = piece.last().map(|object| place(object)).unwrap_or_default();
        meta["continue"] = json!(format!("{version}:{last}"));
        meta["remainingItemCount"] = json!(rest.len() - piece.len());
    }
    let items: Vec<String> = piece.iter().map(|object| object.to_string()).collect();
    let text = format!(
        "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{meta},\"items\":[{}]}}",
        path.kind.kind,
        path.kind.api_version(),
        items.join(",")
    );
    Ok(text_answer(StatusCode::OK, text))
}

/// What of the kind is wanted: one name, or what the selectors say.
pub(super) fn selector(path: &Path, query: &Query) -> Result<Selector, Failure> {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let mut fields = text("fieldSelector").to_owned();
    if let Some(name) = &path.name {
        fields = format!("{fields},metadata.name={name}");
    }
    Selector::new(text("labelSelector"), &fields)
        .map_err(|message| failure(StatusCode::BAD_REQUEST, "BadRequest", &message))
}

/// Namespace and name, in the order of lists.
fn place(object: &Value) -> String {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", text("/metadata/namespace"), text("/metadata/name"))
}
