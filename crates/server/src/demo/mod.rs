//! `rushlight demo`: a small exporter with living metrics of a speech service on GPUs, scraped
//! every second together with the server itself, with rules over them.

mod exporter;
mod world;

pub(crate) use exporter::Exporter;

use std::net::SocketAddr;
use std::path::Path;

/// Its rules, as a file.
pub(crate) const RULES: &str = include_str!("rules.yml");

/// The configuration that scrapes the exporter and the server, whose address is filled in later.
pub(crate) fn config(exporter: SocketAddr, rules: &Path) -> String {
    format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\n  external_labels:\n    \
         source: demo\nrule_files: [{rules:?}]\nscrape_configs:\n  - job_name: lightning-asr\n    static_configs:\n      \
         - targets: [\"{exporter}\"]\n  - job_name: rushlight\n    static_configs:\n      \
         - targets: [\"{{address}}\"]\n"
    )
}

/// What to look at, for a terminal.
pub(crate) fn welcome(exporter: SocketAddr, server: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    let queries = [
        "up",
        "asr_active_requests",
        "rate(asr_total_requests[30s])",
        "histogram_quantile(0.95, sum by (le) (rate(asr_request_duration_seconds_bucket[1m])))",
        "avg by (gpu) (DCGM_FI_DEV_GPU_UTIL)",
        "pod:asr_requests:rate30s",
    ];
    let mut text = format!(
        "\nThe demo runs.\n\n  server    http://{server}   (API below /api/v1; a Prometheus data \
         source for Grafana)\n  exporter  http://{exporter}/metrics\n  data      {folder}   (gone \
         at the end)\n\nGive it some seconds, then try\n\n"
    );
    for query in queries {
        text.push_str(&format!(
            "  curl -s 'http://{server}/api/v1/query' --data-urlencode 'query={query}'\n"
        ));
    }
    text.push_str(&format!(
        "\n  curl -s 'http://{server}/api/v1/targets?state=active'\n  \
         rushlight query instant http://{server} 'sum(asr_active_requests)'\n\nTwo rules record, and \
         an alert comes and goes:\n\n  \
         curl -s 'http://{server}/api/v1/rules'\n  curl -s 'http://{server}/api/v1/alerts'\n\nEnd \
         it with Ctrl-C.\n"
    ));
    text
}
