//! The router over storage in memory.

use crate::Settings;
use model::regex::Regex;
use std::time::Duration;

/// Settings as without any flag.
pub(crate) fn settings() -> Settings {
    Settings {
        query_timeout: Duration::from_secs(120),
        query_max_concurrency: 20,
        features: promql::Features::default(),
        page_title: "test".into(),
        enable_lifecycle: false,
        enable_admin_api: false,
        cors_origin: Regex::new(".*").expect("a good pattern"),
        external_url: "http://localhost:9090".into(),
        route_prefix: String::new(),
        listen_port: 9090,
        data_dir: "data".into(),
    }
}
