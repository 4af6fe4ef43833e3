//! The address of a target as people outside of this machine reach it.

use crate::state::Settings;
use url::Url;

/// Replaces a host that means "this machine" by the host of our external URL; of our own listener
/// also scheme and port.
pub(super) fn global_url(target: &str, settings: &Settings) -> String {
    let (Ok(mut url), Ok(external)) = (Url::parse(target), Url::parse(&settings.external_url))
    else {
        return target.to_owned();
    };
    if !matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        return target.to_owned();
    }
    let own = url.port_or_known_default() == Some(settings.listen_port);
    // These setters refuse only URLs without a host, and both have one.
    if own {
        url.set_scheme(external.scheme()).ok();
        url.set_port(external.port()).ok();
    }
    url.set_host(external.host_str()).ok();
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::settings;

    #[test]
    fn only_this_machine_is_renamed() {
        let mut settings = settings();
        settings.external_url = "https://prom.example.com/p".into();
        settings.listen_port = 9090;
        let check = |target: &str, expected: &str| {
            assert_eq!(global_url(target, &settings), expected);
        };
        check("http://10.0.0.1:9100/metrics", "http://10.0.0.1:9100/metrics");
        check("http://localhost:9090/metrics", "https://prom.example.com/metrics");
        check("http://127.0.0.1:9100/metrics?a=b", "http://prom.example.com:9100/metrics?a=b");
        check("http://[::1]:9100/metrics", "http://prom.example.com:9100/metrics");
    }
}
