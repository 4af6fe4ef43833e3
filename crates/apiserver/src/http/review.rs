//! What one may do.

use super::{Failure, failure, json_answer};
use crate::grants::Deed;
use crate::trouble::Trouble;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

/// Answers a `SelfSubjectAccessReview`.
pub(super) fn answer(path: &str, body: &[u8], trouble: &Trouble) -> Result<Response, Failure> {
    if !path.ends_with("/selfsubjectaccessreviews") {
        let message = "the server could not find the requested resource";
        return Err(failure(StatusCode::NOT_FOUND, "NotFound", message));
    }
    let mut review: Value = serde_json::from_slice(body)
        .map_err(|error| failure(StatusCode::BAD_REQUEST, "BadRequest", &error.to_string()))?;
    let text = |name: &str| {
        let path = format!("/spec/resourceAttributes/{name}");
        review.pointer(&path).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (mut resource, part) = (text("resource"), text("subresource"));
    if !part.is_empty() {
        resource = format!("{resource}/{part}");
    }
    let (verb, group, namespace) = (text("verb"), text("group"), text("namespace"));
    let deed = Deed {
        verb: &verb,
        group: &group,
        resource: &resource,
        namespace: &namespace,
        name: &text("name"),
    };
    let is_allowed = trouble.is_allowed(deed);
    review["status"] = json!({"allowed": is_allowed});
    Ok(json_answer(StatusCode::CREATED, &review))
}
