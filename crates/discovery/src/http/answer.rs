//! What a server answered: a list of groups, or why it is none.

use crate::{Group, StaticConfig, listed};
use client::Response;

/// The label with the address that was asked.
const URL: &str = "__meta_url";

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("server returned HTTP status {0}")]
    Status(String),
    #[error("unsupported content type {0:?}")]
    ContentType(String),
    #[error(transparent)]
    List(#[from] listed::Error),
}

/// The groups of an answer; what is not said in JSON is not read.
pub(super) fn groups(url: &str, response: &Response) -> Result<Vec<Group>, Error> {
    if response.status != 200 {
        return Err(Error::Status(response.status_text.clone()));
    }
    let content_type = response.header("Content-Type").unwrap_or("");
    if !is_json(content_type) {
        return Err(Error::ContentType(content_type.to_owned()));
    }
    let group = |(i, config): (usize, &StaticConfig)| {
        let mut group = config.group(format!("{url}:{i}"));
        group.labels = group.labels.with(URL, url);
        group
    };
    Ok(listed::json(&response.body)?.iter().enumerate().map(group).collect())
}

/// Whether it is `application/json`, maybe with the one character set that JSON has.
fn is_json(content_type: &str) -> bool {
    let content_type = content_type.trim().to_ascii_lowercase();
    let Some(parameters) = content_type.strip_prefix("application/json") else { return false };
    let charset =
        parameters.strip_prefix(';').map(|rest| rest.trim_start().strip_prefix("charset="));
    parameters.is_empty() || matches!(charset, Some(Some("utf-8" | "\"utf-8\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_by_its_name_is_read() {
        let check = |content_type: &str, expected: bool| {
            assert_eq!(is_json(content_type), expected, "{content_type:?}");
        };
        check("application/json", true);
        check(" Application/JSON ", true);
        check("application/json;charset=utf-8", true);
        check("application/json; charset=\"UTF-8\"", true);
        check("application/json; charset=latin1", false);
        check("application/json; version=1", false);
        check("application/json;", false);
        check("application/jsonl", false);
        check("text/plain", false);
        check("", false);
    }

    fn read(status: &str, content_type: &str, body: &str) -> Result<Vec<Group>, Error> {
        let response = Response {
            status: status[..3].parse().unwrap(),
            status_text: status.to_owned(),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
        };
        groups("http://h/", &response)
    }

    #[test]
    fn a_list_becomes_groups() {
        let body = r#"[{"targets": ["a", "b"], "labels": {"x": "y", "__meta_url": "lies"}}, {}]"#;
        let groups = read("200 OK", "application/json", body).unwrap();
        let shown: Vec<_> = groups.iter().map(|g| format!("{} {}", g.source, g.labels)).collect();
        let expected = [
            r#"http://h/:0 {__meta_url="http://h/", x="y"}"#,
            r#"http://h/:1 {__meta_url="http://h/"}"#,
        ];
        assert_eq!(shown, expected);
        assert_eq!((groups[0].targets.len(), groups[1].targets.len()), (2, 0));
    }

    #[test]
    fn anything_else_says_why_not() {
        let check = |status: &str, content_type: &str, body: &str, expected: &str| {
            let error = read(status, content_type, body).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        let json = "application/json";
        check("503 Gone Home", json, "[]", "server returned HTTP status 503 Gone Home");
        check("204 No Content", json, "[]", "server returned HTTP status 204");
        check("200 OK", "text/html", "[]", "unsupported content type \"text/html\"");
        check("200 OK", json, "", "EOF");
        check("200 OK", json, "{\"targets\": []}", "invalid type: map");
        check("200 OK", json, "[null]", "nil target group item found");
        check("200 OK", json, "[{\"target\": []}]", "unknown field `target`");
        check("200 OK", json, "[{\"targets\": [1]}]", "invalid type: integer");
        check("200 OK", json, "[] []", "trailing");
    }
}
