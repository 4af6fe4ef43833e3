//! What must not be shown.

use super::Pairs;
use serde_json::Value;

/// Keys whose text is a secret, or texts in a list or a map below.
const SECRETS: &[&str] = &[
    "access_token",
    "auth_token",
    "bearer_token",
    "certificate_password",
    "client_certificate_key",
    "client_secret",
    "credentials",
    "key",
    "password",
    "proxy_connect_header",
    "secret_key",
    "secrets",
    "token",
];
/// Maps whose keys are the user's own: names of labels or of parameters.
const OF_THE_USER: &[&str] = &[
    "claims",
    "externalLabels",
    "external_labels",
    "headers",
    "labels",
    "matchLabels",
    "params",
    "required_matchers",
];
const SECRET: &str = "<secret>";

pub(super) fn mask_pairs(pairs: &mut Pairs) {
    for (key, value) in pairs {
        mask_at(key, value, false);
    }
}

/// Replaces what must not be shown.
pub(super) fn mask(value: &mut Value) {
    mask_below(value, false);
}

fn mask_at(key: &str, value: &mut Value, secret: bool) {
    if !OF_THE_USER.contains(&key) {
        mask_below(value, secret || SECRETS.contains(&key));
        if let Value::String(text) = value {
            hide_password(text);
        }
    }
}

fn mask_below(value: &mut Value, secret: bool) {
    match value {
        Value::Object(map) => {
            // The key of a Secret, or that of a label in a selector: a name.
            let names_a_key = map.contains_key("name") || map.contains_key("operator");
            for (key, value) in map {
                if key != "key" || !names_a_key {
                    mask_at(key, value, secret);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| mask_below(value, secret)),
        Value::String(text) if secret && !text.is_empty() => *value = SECRET.into(),
        Value::Number(_) | Value::Bool(_) if secret => *value = SECRET.into(),
        _ => {}
    }
}

/// A URL with a password keeps the rest, as in Go.
fn hide_password(text: &mut String) {
    let Some((scheme, rest)) = text.split_once("://") else { return };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let Some((user, _)) = authority.rsplit_once('@') else { return };
    if let Some((name, _)) = user.split_once(':') {
        *text = format!("{scheme}://{name}:xxxxx{}", &rest[user.len()..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_and_nothing_else() {
        let check = |mut value: Value, expected: Value| {
            mask(&mut value);
            assert_eq!(value, expected);
        };
        check(
            json!({"password": "x", "username": "u"}),
            json!({"password": SECRET, "username": "u"}),
        );
        check(json!({"password": ""}), json!({"password": ""}));
        check(json!({"password": 12}), json!({"password": SECRET}));
        check(
            json!({"http_headers": {"a": {"secrets": ["x"], "values": ["y"]}}}),
            json!({"http_headers": {"a": {"secrets": [SECRET], "values": ["y"]}}}),
        );
        check(json!({"labels": {"key": "x"}}), json!({"labels": {"key": "x"}}));
        for named in [json!({"name": "a", "key": "b"}), json!({"key": "a", "operator": "Exists"})] {
            check(named.clone(), named);
        }
        check(
            json!({"proxy_connect_header": {"a": ["b"]}}),
            json!({"proxy_connect_header": {"a": [SECRET]}}),
        );
        check(json!({"url": "http://u:p@h:1/x@y"}), json!({"url": "http://u:xxxxx@h:1/x@y"}));
        check(json!({"url": "http://u@h/a:b@c"}), json!({"url": "http://u@h/a:b@c"}));
    }
}
