//! `remote_write` and `remote_read`: endpoints that are sent to, or asked.

use super::cloud_auth::{AzureAd, GoogleIam, SigV4};
use super::headers::{self, AUTHORIZATION_HAS_KEYS, Headers};
use client::{DurationText, HttpKeys, Scalar};
use model::names::NameScheme;
use scrape::config::RelabelConfig;
use serde::Deserialize;
use std::collections::BTreeMap;

client::section! {
    /// One of `remote_write`.
    #[derive(Debug)]
    pub(super) struct RemoteWrite {
        keys {
            url: Option<String>,
            pub(super) name: String,
            remote_timeout: Option<DurationText>,
            headers: Headers,
            write_relabel_configs: Vec<Option<RelabelConfig>>,
            send_exemplars: Scalar<bool>,
            send_native_histograms: Scalar<bool>,
            round_robin_dns: Scalar<bool>,
            failed_request_logging: Scalar<bool>,
            protobuf_message: Option<String>,
            queue_config: QueueConfig,
            metadata_config: MetadataConfig,
            sigv4: Option<SigV4>,
            azuread: Option<AzureAd>,
            google_iam: Option<GoogleIam>,
        }
        parts { http: HttpKeys, }
    }
}

/// What is left out has its default, which is in order; so only what is written is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct QueueConfig {
    capacity: Option<Scalar<i64>>,
    max_shards: Option<Scalar<i64>>,
    min_shards: Option<Scalar<i64>>,
    max_samples_per_send: Option<Scalar<i64>>,
    #[serde(rename = "batch_send_deadline")]
    _batch_send_deadline: Option<DurationText>,
    min_backoff: Option<DurationText>,
    max_backoff: Option<DurationText>,
    #[serde(rename = "retry_on_http_429")]
    _retry_on_http_429: Option<Scalar<bool>>,
    #[serde(rename = "sample_age_limit")]
    _sample_age_limit: Option<DurationText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MetadataConfig {
    #[serde(rename = "send")]
    _send: Option<Scalar<bool>>,
    #[serde(rename = "send_interval")]
    _send_interval: Option<DurationText>,
    #[serde(rename = "max_samples_per_send")]
    _max_samples_per_send: Option<Scalar<i64>>,
}

impl RemoteWrite {
    pub(super) fn check(&self, scheme: NameScheme) -> Result<(), String> {
        check_url(self.url.as_deref(), "remote_write")?;
        if self.write_relabel_configs.iter().any(Option::is_none) {
            return Err("empty or null relabeling rule in remote write config".into());
        }
        headers::check(&self.headers, AUTHORIZATION_HAS_KEYS)?;
        match self.protobuf_message.as_deref() {
            None | Some("prometheus.WriteRequest" | "io.prometheus.write.v2.Request") => {}
            Some(other) => {
                return Err(format!(
                    "invalid protobuf_message value: unknown type for remote write protobuf \
                     message {other}, supported: prometheus.WriteRequest, \
                     io.prometheus.write.v2.Request"
                ));
            }
        }
        self.http.config()?;
        self.queue_config.check()?;
        self.check_auth()?;
        for rule in self.write_relabel_configs.iter().flatten() {
            rule.rule(scheme)?;
        }
        Ok(())
    }

    fn check_auth(&self) -> Result<(), String> {
        self.sigv4.as_ref().map_or(Ok(()), SigV4::check)?;
        self.azuread.as_ref().map_or(Ok(()), AzureAd::check)?;
        let authorization = self.http.authorization.is_some()
            || self.http.bearer_token.is_some()
            || self.http.bearer_token_file.is_some();
        let ways = [
            ("basic_auth", self.http.basic_auth.is_some()),
            ("authorization", authorization),
            ("oauth2", self.http.oauth2.is_some()),
            ("sigv4", self.sigv4.is_some()),
            ("azuread", self.azuread.is_some()),
            ("google_iam", self.google_iam.is_some()),
        ];
        let ways: Vec<_> = ways.iter().filter(|(_, way)| *way).map(|(name, _)| *name).collect();
        if ways.len() > 1 {
            return Err(format!(
                "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam \
                 must be configured. Currently configured: [{}]",
                ways.join(" ")
            ));
        }
        Ok(())
    }
}

impl QueueConfig {
    fn check(&self) -> Result<(), String> {
        let or = |written, default| Scalar::value(written).unwrap_or(default);
        let (max_shards, min_shards) = (or(self.max_shards, 50), or(self.min_shards, 1));
        let positive = |value: i64, key: &str| match value {
            1.. => Ok(()),
            _ => Err(format!("remote write queue {key} must be positive")),
        };
        positive(max_shards, "max_shards")?;
        positive(min_shards, "min_shards")?;
        if min_shards > max_shards {
            return Err("remote write queue min_shards must not be greater than max_shards".into());
        }
        positive(or(self.max_samples_per_send, 2000), "max_samples_per_send")?;
        positive(or(self.capacity, 10_000), "capacity")?;
        let backoff = |written: Option<DurationText>, default| written.map_or(default, |d| d.0.ms);
        if backoff(self.max_backoff, 5_000) < backoff(self.min_backoff, 30) {
            return Err("remote write queue max_backoff must not be less than min_backoff".into());
        }
        Ok(())
    }
}

client::section! {
    /// One of `remote_read`.
    #[derive(Debug)]
    pub(super) struct RemoteRead {
        keys {
            url: Option<String>,
            pub(super) name: String,
            remote_timeout: Option<DurationText>,
            chunked_read_limit: Option<Scalar<u64>>,
            headers: Headers,
            read_recent: Scalar<bool>,
            required_matchers: Option<BTreeMap<String, Option<String>>>,
            filter_external_labels: Option<Scalar<bool>>,
        }
        parts { http: HttpKeys, }
    }
}

impl RemoteRead {
    pub(super) fn check(&self) -> Result<(), String> {
        check_url(self.url.as_deref(), "remote_read")?;
        headers::check(&self.headers, AUTHORIZATION_HAS_KEYS)?;
        for name in self.required_matchers.iter().flat_map(BTreeMap::keys) {
            if !NameScheme::Utf8.is_label_name(name) {
                return Err(format!("{name:?} is not a valid label name"));
            }
        }
        self.http.config().map(|_| ())
    }
}

fn check_url(url: Option<&str>, section: &str) -> Result<(), String> {
    let Some(text) = url else { return Err(format!("url for {section} is empty")) };
    // Go takes a relative one too.
    let base = url::Url::parse("http://localhost").expect("it is a URL");
    match base.join(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("parse {text:?}: {error}")),
    }
}
