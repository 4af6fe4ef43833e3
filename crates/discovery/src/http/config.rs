//! One of `http_sd_configs`.

use crate::sections::Section;
use client::{DurationText, HttpKeys, without_password};
use model::duration::Duration;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A server that lists targets.
#[derive(Clone, PartialEq)]
pub struct HttpSdConfig {
    /// What is asked.
    pub url: String,
    /// How often.
    pub refresh_interval: Duration,
    /// How.
    pub keys: HttpKeys,
}

client::section! {
    struct Written {
        keys {
            url: String,
            refresh_interval: Option<DurationText>,
        }
        parts {
            http: HttpKeys,
        }
    }
}

/// Without passwords.
impl fmt::Debug for HttpSdConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, refresh_interval, keys } = self;
        let mut shown = f.debug_struct("HttpSdConfig");
        shown.field("url", &without_password(url)).field("refresh_interval", refresh_interval);
        shown.field("keys", keys).finish()
    }
}

impl Section for HttpSdConfig {
    const KEY: &str = "http_sd_configs";
}

impl<'de> Deserialize<'de> for HttpSdConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let refresh_interval = written.refresh_interval.map_or(Self::REFRESH_INTERVAL, |d| d.0);
        check_url(&written.url).map_err(D::Error::custom)?;
        if refresh_interval.ms <= 0 {
            let text = "refresh_interval of HTTP service discovery must be greater than 0";
            return Err(D::Error::custom(text));
        }
        let config = Self { url: written.url, refresh_interval, keys: written.http };
        config.keys.config().map_err(D::Error::custom)?;
        Ok(config)
    }
}

impl HttpSdConfig {
    /// How often a server is asked if nothing else is said.
    pub const REFRESH_INTERVAL: Duration = Duration::from_ms(60_000);
}

fn check_url(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("URL is missing".to_owned());
    }
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err("URL scheme must be 'http' or 'https'".to_owned());
    }
    match url::Url::parse(text) {
        Err(url::ParseError::EmptyHost) => Err("host is missing in URL".to_owned()),
        Err(error) => Err(format!("parse {:?}: {error}", super::without_password(text))),
        // Read leniently, any text behind the scheme has a host; not so by whom we want to match.
        Ok(_) if !has_host(text) => Err("host is missing in URL".to_owned()),
        Ok(_) => Ok(()),
    }
}

fn has_host(text: &str) -> bool {
    let rest = text.split_once(':').and_then(|(_, rest)| rest.strip_prefix("//")).unwrap_or("");
    rest.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty())
}
