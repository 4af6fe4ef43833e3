//! Cross-origin requests: browsers elsewhere may read, if `--web.cors.origin` allows.

use crate::State;
use axum::extract::{self, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use model::regex::Regex;

/// Adds the headers of CORS to the answer.
pub(crate) async fn cors(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.run(request).await;
    allow(response.headers_mut(), origin, &state.settings.cors_origin);
    response
}

/// Answers the question of a browser whether it may ask: any `OPTIONS` below the API.
pub(crate) async fn preflight(request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    next.run(request).await
}

fn allow(headers: &mut HeaderMap, origin: Option<HeaderValue>, allowed: &Regex) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return };
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if allowed.as_str() == ".*" {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else if origin.to_str().is_ok_and(|origin| allowed.is_match(origin)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_matched_whole() {
        let check = |pattern: &str, origin: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            let regex = Regex::new(pattern).unwrap();
            allow(&mut headers, Some(HeaderValue::from_str(origin).unwrap()), &regex);
            let got = headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            assert_eq!(got.map(|value| value.to_str().unwrap()), expected, "{pattern} {origin}");
        };
        check(".*", "http://x", Some("*"));
        check("https://(a|b)", "https://a", Some("https://a"));
        check("https://(a|b)", "https://a.evil", None);
    }
}
