//! From a page to an answer.

use crate::harness::{Page, Rushlight, Target, vector, wait_for};
use serde_json::json;

const PAGE: &str = "# HELP lights_total Lights lit.\n# TYPE lights_total counter\n\
                    lights_total{room=\"hall\"} 7\nlights_total{room=\"attic\"} 3\n\
                    # TYPE glow gauge\nglow 0.25\n";

#[test]
fn a_page_becomes_series_with_the_targets_labels() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text(PAGE);
    let server =
        Rushlight::start(folder.path(), &format!("scrape_configs:\n{}", target.job("house")), &[]);
    let values = wait_for("two lights", || {
        Some(vector(&server.query("lights_total"))).filter(|v| v.len() == 2)
    });
    let instance = target.address.to_string();
    let labels = |room: &str| {
        let name = "lights_total";
        json!({"__name__": name, "instance": instance, "job": "house", "room": room})
    };
    for expected in [(labels("hall"), 7.0), (labels("attic"), 3.0)] {
        assert!(values.contains(&expected), "{values:?}");
    }
    assert_eq!(vector(&server.query("up{job='house'}"))[0].1, 1.0);
    assert_eq!(vector(&server.query("scrape_samples_scraped{job='house'}"))[0].1, 3.0);
    let metadata = server.get("/api/v1/metadata?metric=lights_total").json();
    assert_eq!(
        metadata["data"]["lights_total"],
        json!([{"type": "counter", "help": "Lights lit.", "unit": ""}])
    );
}

#[test]
fn a_series_that_vanishes_is_gone_at_once_and_a_failed_scrape_ends_all() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text(PAGE);
    let server =
        Rushlight::start(folder.path(), &format!("scrape_configs:\n{}", target.job("house")), &[]);
    let lights = |n: usize| {
        wait_for(&format!("{n} lights"), || {
            (vector(&server.query("lights_total")).len() == n).then_some(())
        });
    };
    lights(2);
    target.set(Page::Text("lights_total{room=\"hall\"} 8\n".into()));
    lights(1);
    target.set(Page::Status(500, "no".into()));
    lights(0);
    assert_eq!(vector(&server.query("up{job='house'}"))[0].1, 0.0);
    target.set(Page::Text(PAGE.into()));
    lights(2);
}

#[test]
fn own_metrics_carry_the_names_dashboards_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = Rushlight::start(folder.path(), "", &[]);
    let page = server.get("/metrics").text();
    for name in [
        "process_start_time_seconds",
        "process_resident_memory_bytes",
        "prometheus_build_info",
        "prometheus_config_last_reload_successful",
        "prometheus_tsdb_head_series",
        "prometheus_tsdb_head_samples_appended_total",
        "prometheus_http_requests_total",
    ] {
        assert!(page.contains(&format!("\n{name}")), "{name} is not on the page:\n{page}");
    }
}
