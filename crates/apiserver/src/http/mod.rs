//! Requests and answers.

mod discovery;
mod list;
mod path;
mod review;
mod watching;
mod write;

use crate::grants::Deed;
use crate::kinds::Kind;
use crate::server::{Shared, key};
use crate::store::Refused;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use path::Path;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request's body may be as long as this.
const MAX_BODY: usize = 4 << 20;

/// Parameters of a URL; of several with one name the first counts.
pub(crate) type Query = BTreeMap<String, String>;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let delay = shared.trouble.delayed();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if let Some((status, retry_after)) = shared.trouble.status() {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = failure(status, "InternalError", "trouble on purpose").into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        return response;
    }
    if shared.trouble.takes_garbage() {
        return (StatusCode::OK, "<html>try again later</html>").into_response();
    }
    if !shared.trouble.knows(bearer(request.headers())) {
        return failure(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized").into_response();
    }
    match route(&shared, request).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

async fn route(shared: &Arc<Shared>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let url = url::Url::parse(&format!("http://localhost{}", parts.uri))
        .map_err(|error| failure(StatusCode::BAD_REQUEST, "BadRequest", &error.to_string()))?;
    let mut query = Query::new();
    for (name, value) in url.query_pairs() {
        query.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    let body = to_bytes(body, MAX_BODY)
        .await
        .map_err(|error| failure(StatusCode::BAD_REQUEST, "BadRequest", &error.to_string()))?;
    let path = url.path().trim_end_matches('/');
    if let Some(answer) = discovery::answer(path, &shared.trouble) {
        return Ok(json_answer(StatusCode::OK, &answer));
    }
    if path.starts_with("/apis/authorization.k8s.io/v1/") {
        return review::answer(path, &body, &shared.trouble);
    }
    let path = Path::parse(path).filter(|path| shared.trouble.is_defined(path.kind));
    let path = path.ok_or_else(|| {
        failure(
            StatusCode::NOT_FOUND,
            "NotFound",
            "the server could not find the requested resource",
        )
    })?;
    let verb = verb(&parts.method, &path, &query);
    let asked = match path.is_status {
        true => format!("{verb} {}/status", path.kind.plural),
        false => format!("{verb} {}", path.kind.plural),
    };
    *shared.asked.lock().entry(asked.clone()).or_default() += 1;
    let (_, resource) = asked.split_once(' ').unwrap_or_default();
    // A list of one name is as if that one were asked for.
    let fields = query.get("fieldSelector").map_or("", String::as_str);
    let only = fields.split(',').find_map(|field| field.strip_prefix("metadata.name="));
    let name = path.name.as_deref().or(only).unwrap_or_default();
    let (group, namespace) = (path.kind.group, path.namespace.as_str());
    if !shared.trouble.is_allowed(Deed { verb, group, resource, namespace, name }) {
        return Err(forbidden(verb, &path));
    }
    match verb {
        "watch" => watching::watch(shared, &path, &query),
        "list" => {
            let delay = shared.trouble.delay_of_lists();
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            list::list(shared, &path, &query)
        }
        "get" => one(shared, &path),
        _ => write::write(shared, &path, &parts.method, &parts.headers, &query, &body),
    }
}

/// What is done, as permissions name it.
fn verb(method: &Method, path: &Path, query: &Query) -> &'static str {
    let is_set = |name: &str| query.get(name).is_some_and(|value| value == "true" || value == "1");
    match (method.as_str(), &path.name) {
        ("GET" | "HEAD", _) if is_set("watch") => "watch",
        ("GET" | "HEAD", None) => "list",
        ("GET" | "HEAD", Some(_)) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", Some(_)) => "delete",
        _ => "deletecollection",
    }
}

fn one(shared: &Shared, path: &Path) -> Result<Response, Failure> {
    let name = path.name.as_deref().unwrap_or_default();
    let key = key(path.kind, &path.namespace, name);
    match shared.store.get(path.kind, &key) {
        Some(object) => Ok(json_answer(StatusCode::OK, &object)),
        None => Err(refused(Refused::NotFound, path.kind, name)),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn json_answer(status: StatusCode, value: &Value) -> Response {
    text_answer(status, value.to_string())
}

fn text_answer(status: StatusCode, json: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(json)).into_response()
}

/// A `Status` that says what failed.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    reason: &'static str,
    message: String,
}

impl Failure {
    pub(crate) fn to_value(&self) -> Value {
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
               "message": self.message, "reason": self.reason, "code": self.status.as_u16()})
    }

    fn into_response(self) -> Response {
        json_answer(self.status, &self.to_value())
    }
}

pub(crate) fn failure(status: StatusCode, reason: &'static str, message: &str) -> Failure {
    Failure { status, reason, message: message.to_owned() }
}

pub(crate) fn gone() -> Failure {
    let message = "The provided continue parameter or resourceVersion is too old.";
    failure(StatusCode::GONE, "Expired", message)
}

fn resource(kind: &Kind) -> String {
    if kind.group.is_empty() {
        kind.plural.to_owned()
    } else {
        format!("{}.{}", kind.plural, kind.group)
    }
}

fn refused(refused: Refused, kind: &Kind, name: &str) -> Failure {
    let what = resource(kind);
    match refused {
        Refused::NotFound => {
            failure(StatusCode::NOT_FOUND, "NotFound", &format!("{what} {name:?} not found"))
        }
        Refused::AlreadyExists => failure(
            StatusCode::CONFLICT,
            "AlreadyExists",
            &format!("{what} {name:?} already exists"),
        ),
        Refused::Conflict => failure(
            StatusCode::CONFLICT,
            "Conflict",
            &format!(
                "Operation cannot be fulfilled on {what} {name:?}: the object has been modified; \
                 please apply your changes to the latest version and try again"
            ),
        ),
        Refused::Invalid(message) => failure(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", &message),
    }
}

fn forbidden(verb: &str, path: &Path) -> Failure {
    let resource = match path.is_status {
        true => format!("{}/status", path.kind.plural),
        false => path.kind.plural.to_owned(),
    };
    let scope = match path.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {namespace:?}"),
    };
    let message = format!(
        "{} is forbidden: User \"rushlight\" cannot {verb} resource {resource:?} in API group {:?} \
         {scope}",
        self::resource(path.kind),
        path.kind.group,
    );
    failure(StatusCode::FORBIDDEN, "Forbidden", &message)
}
