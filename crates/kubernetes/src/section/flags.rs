//! What of the section is a flag of the server.

use super::Section;

impl Section {
    /// Flags and their values, as if they stood on the command line: what is written there wins.
    /// Under some external URL, paths begin at the root unless `routePrefix` says otherwise, as with
    /// the Operator.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        let s = &self.settings;
        let mut flags = Vec::new();
        let mut set = |flag: &str, value: &str| {
            if !value.is_empty() {
                flags.push((flag.to_owned(), value.to_owned()));
            }
        };
        let number = |number: Option<u64>| number.map_or_else(String::new, |n| n.to_string());
        set("web.external-url", &s.external_url);
        let is_moved = !s.external_url.is_empty() && s.route_prefix.is_empty();
        set("web.route-prefix", if is_moved { "/" } else { &s.route_prefix });
        set("web.page-title", &s.web.page_title);
        set("web.max-connections", &number(s.web.max_connections));
        set("web.enable-admin-api", if s.enable_admin_api { "true" } else { "" });
        set("web.listen-address", if s.listen_local { "127.0.0.1:9090" } else { "" });
        set("query.lookback-delta", &s.query.lookback_delta);
        set("query.max-concurrency", &number(s.query.max_concurrency));
        set("query.max-samples", &number(s.query.max_samples));
        set("query.timeout", &s.query.timeout);
        set("rules.alert.for-outage-tolerance", &s.rules.alert.for_outage_tolerance);
        set("rules.alert.for-grace-period", &s.rules.alert.for_grace_period);
        set("rules.alert.resend-delay", &s.rules.alert.resend_delay);
        set("enable-feature", &s.enable_features.join(","));
        set("log.level", &s.log_level);
        set("log.format", &s.log_format);
        for argument in &s.additional_args {
            let name = argument.name.trim_start_matches('-');
            let value = if argument.value.is_empty() { "true" } else { &argument.value };
            set(name, value);
        }
        flags
    }
}
