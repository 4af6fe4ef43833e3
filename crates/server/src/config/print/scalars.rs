//! Numbers and truth values in one spelling, whatever they were written as: `1e3` as 1000, `yes` as
//! true. A tree alone cannot tell them from texts of that form, their keys do.

use super::super::tree;
use model::scalar;
use serde_json::Value;

/// Keys whose values are truth values.
const TRUTHS: [&str; 35] = [
    "always_scrape_classic_histograms",
    "convert_classic_histograms_to_nhcb",
    "convert_histograms_to_nhcb",
    "cronjob",
    "deployment",
    "enable_compression",
    "enable_http2",
    "extra_scrape_metrics",
    "failed_request_logging",
    "filter_external_labels",
    "follow_redirects",
    "honor_labels",
    "honor_timestamps",
    "insecure",
    "insecure_skip_verify",
    "job",
    "keep_identifying_resource_attributes",
    "label_name_preserve_multiple_underscores",
    "label_name_underscore_sanitization",
    "namespace",
    "node",
    "own_namespace",
    "promote_all_resource_attributes",
    "promote_scope_metadata",
    "proxy_from_environment",
    "read_recent",
    "retry_on_http_429",
    "round_robin_dns",
    "scrape_native_histograms",
    "send",
    "send_certificate_chain",
    "send_exemplars",
    "send_native_histograms",
    "track_timestamps_staleness",
    "use_fips_sts_endpoint",
];

/// Keys whose values are whole numbers.
const WHOLES: [&str; 16] = [
    "capacity",
    "chunked_read_limit",
    "gogc",
    "keep_dropped_targets",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "max_exemplars",
    "max_samples_per_send",
    "max_shards",
    "min_shards",
    "modulus",
    "native_histogram_bucket_limit",
    "port",
    "sample_limit",
    "target_limit",
];

/// Keys whose values are numbers with fractions.
const FLOATS: [&str; 4] = [
    "native_histogram_min_bucket_factor",
    "percentage",
    "sampling_fraction",
    "stale_series_compaction_threshold",
];

/// Keys under which people choose the keys.
const CHOSEN: [&str; 11] = [
    "claims",
    "endpoint_params",
    "externalLabels",
    "external_labels",
    "headers",
    "http_headers",
    "labels",
    "matchLabels",
    "params",
    "proxy_connect_header",
    "required_matchers",
];

/// The tree of a text that was loaded.
pub(super) fn read(text: &str) -> Value {
    let mut tree = tree::read(text);
    spell(&mut tree);
    tree
}

fn spell(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(spell),
        Value::Object(pairs) => {
            for (key, value) in pairs {
                match value {
                    Value::String(text) => {
                        if let Some(number) = meant(key, text) {
                            *value = number;
                        }
                    }
                    value if !CHOSEN.contains(&key.as_str()) => spell(value),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn meant(key: &str, text: &str) -> Option<Value> {
    if TRUTHS.contains(&key) {
        return scalar::truth(text).map(Value::from);
    }
    if WHOLES.contains(&key) {
        let signed = || scalar::signed(text).map(Value::from);
        return scalar::unsigned(text).map(Value::from).or_else(signed);
    }
    FLOATS.contains(&key).then(|| scalar::float(text).map(Value::from)).flatten()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn numbers_and_truths_have_one_spelling() {
        let check = |text: &str, expected: &str| {
            assert_eq!(read(text).to_string(), expected, "{text}");
        };
        check("a: [{sample_limit: 1e3, b: 1e3}]", r#"{"a":[{"b":"1e3","sample_limit":1000}]}"#);
        check(
            "honor_labels: On\nhonor_timestamps: n",
            r#"{"honor_labels":true,"honor_timestamps":false}"#,
        );
        check("labels: {port: 010, job: y}", r#"{"labels":{"job":"y","port":"010"}}"#);
        check("port: 010", r#"{"port":8}"#);
        check("sampling_fraction: .5", r#"{"sampling_fraction":0.5}"#);
    }
}
