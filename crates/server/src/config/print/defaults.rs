//! What Prometheus prints where nothing was written.

use serde_json::{Value, json};

/// Adds the keys of an object that are not there, or have no value.
pub(super) fn fill(section: &mut Value, defaults: &Value) {
    let Value::Object(section) = section else { return };
    for (key, default) in defaults.as_object().into_iter().flatten() {
        let value = section.entry(key.as_str()).or_insert(Value::Null);
        if value.is_null() {
            *value = default.clone();
        }
    }
}

/// The setting of Go's collector, which the environment may change.
pub(super) fn runtime() -> Value {
    let gogc = std::env::var("GOGC").ok().and_then(|text| match text.as_str() {
        "off" => Some(-1),
        text => text.parse::<i64>().ok(),
    });
    json!({"gogc": gogc.unwrap_or(75)})
}

pub(super) fn otlp() -> Value {
    json!({
        "translation_strategy": "UnderscoreEscapingWithSuffixes",
        "label_name_underscore_sanitization": true,
        "label_name_preserve_multiple_underscores": true,
    })
}

/// The keys of an HTTP client; the old spelling of a token becomes the new one.
pub(super) fn http_keys(section: &mut Value) {
    fill(section, &json!({"follow_redirects": true, "enable_http2": true}));
    let Value::Object(keys) = section else { return };
    for (old, new) in [("bearer_token", "credentials"), ("bearer_token_file", "credentials_file")] {
        if let Some(token) = keys.remove(old).filter(|token| !token.is_null()) {
            keys.insert("authorization".into(), json!({new: token}));
        }
    }
    if let Some(authorization) = keys.get_mut("authorization") {
        fill(authorization, &json!({"type": "Bearer"}));
    }
}

/// The keys of each rule in the lists of rules that a section holds.
pub(super) fn relabel_rules(section: &mut Value) {
    let lists = [
        "relabel_configs",
        "metric_relabel_configs",
        "alert_relabel_configs",
        "write_relabel_configs",
    ];
    let Value::Object(section) = section else { return };
    for list in lists {
        for rule in section.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(regex) = rule.get_mut("regex").filter(|regex| regex.is_null()) {
                *regex = "".into();
            }
            if let Some(Value::String(action)) = rule.get_mut("action") {
                action.make_ascii_lowercase();
            }
            fill(
                rule,
                &json!({
                    "separator": ";", "regex": "(.*)", "replacement": "$1", "action": "replace",
                }),
            );
        }
    }
}

/// The keys of each mechanism of discovery that is built in.
pub(super) fn discovery(section: &mut Value) {
    let Value::Object(section) = section else { return };
    let mechanisms = [
        ("file_sd_configs", json!({"refresh_interval": "5m"}), false),
        ("http_sd_configs", json!({"refresh_interval": "1m"}), true),
        ("dns_sd_configs", json!({"refresh_interval": "30s", "type": "SRV"}), false),
        ("kubernetes_sd_configs", json!({}), true),
    ];
    for (key, defaults, is_http) in mechanisms {
        for item in section.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            if is_http {
                http_keys(item);
            }
            fill(item, &defaults);
        }
    }
}
