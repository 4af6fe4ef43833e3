//! Reload: on SIGHUP and over HTTP; a bad file keeps the old configuration and says why.

use crate::harness::{Rushlight, Target, vector, wait_for};

#[test]
fn a_good_file_is_taken_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    let (first, second) = (Target::text("first 1\n"), Target::text("second 2\n"));
    let config = format!("scrape_configs:\n{}", first.job("first"));
    let server = Rushlight::start(folder.path(), &config, &["--web.enable-lifecycle"]);
    let seen = |query: &str| {
        wait_for(query, || (!vector(&server.query(query)).is_empty()).then_some(()));
    };
    seen("first");

    std::fs::write(&path, format!("{config}{}", second.job("second"))).unwrap();
    let response = server.post("/-/reload", "");
    assert_eq!((response.status, response.text()), (200, String::new()));
    seen("second");

    std::fs::write(&path, "scrape_configs: [{job_name: x, colour: red}]\n").unwrap();
    let response = server.post("/-/reload", "");
    assert_eq!(response.status, 500);
    assert!(response.text().contains("colour"), "{}", response.text());
    let failed = "\nprometheus_config_last_reload_successful 0";
    assert!(server.get("/metrics").text().contains(failed));
    assert_eq!(vector(&server.query("first")).len() + vector(&server.query("second")).len(), 2);

    std::fs::write(&path, format!("scrape_configs:\n{}", second.job("second"))).unwrap();
    server.signal("HUP");
    wait_for("the first job's end", || server.target("first").is_none().then_some(()));
    seen("second");
}

#[test]
fn targets_from_a_file_follow_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Target::text("first 1\n"), Target::text("second 2\n"));
    let list = folder.path().join("targets.yml");
    let write = |target: &Target| {
        let text = format!("[{{targets: ['{}'], labels: {{place: edge}}}}]", target.address);
        let fresh = folder.path().join("fresh");
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(fresh, &list).unwrap();
    };
    write(&first);
    let config = "scrape_configs:\n- job_name: files\n  scrape_interval: 200ms\n  \
                  scrape_timeout: 200ms\n  file_sd_configs: [{files: [targets.yml]}]\n";
    let server = Rushlight::start(folder.path(), config, &[]);
    let seen = |query: &str| {
        wait_for(query, || (!vector(&server.query(query)).is_empty()).then_some(()));
    };
    seen("first{place='edge'}");
    write(&second);
    seen("second{place='edge'}");
}
