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

/// The fields of the log lines that hold all of these texts.
fn told(server: &Rushlight, parts: &[&str]) -> String {
    wait_for(&format!("the log to tell {parts:?}"), || {
        let log = server.log();
        log.lines().find(|line| parts.iter().all(|part| line.contains(part))).map(str::to_owned)
    })
}

#[test]
fn a_reload_tells_what_changed_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    std::fs::create_dir(folder.path().join("jobs")).unwrap();
    let config = |interval: &str, password: &str, retention: &str| {
        format!(
            "global: {{scrape_interval: {interval}, query_log_file: queries.log}}\n\
             scrape_config_files: ['jobs/*.yml']\n\
             storage: {{tsdb: {{retention: {{time: {retention}}}}}}}\n\
             scrape_configs:\n\
             - job_name: kept\n  basic_auth: {{username: me, password: {password}}}\n\
             - job_name: going\n  scrape_interval: 7s\n"
        )
    };
    let server = Rushlight::start(
        folder.path(),
        &config("10s", "hunter2", "20d"),
        &["--web.enable-lifecycle"],
    );
    let yaml = server.get("/api/v1/status/config").json()["data"]["yaml"].to_string();
    assert!(yaml.contains("password: <secret>") && !yaml.contains("hunter2"), "{yaml}");
    let kept_for =
        || server.get("/api/v1/status/runtimeinfo").json()["data"]["storageRetention"].clone();
    assert_eq!(kept_for(), "20d");

    let second = config("20s", "hunter3", "30d").replace("going", "coming");
    std::fs::write(&path, second).unwrap();
    std::fs::write(folder.path().join("jobs/a.yml"), "scrape_configs: [{job_name: aside}]\n")
        .unwrap();
    // A name that is not there yet, as after a rotation.
    std::fs::rename(folder.path().join("queries.log"), folder.path().join("old.log")).unwrap();
    assert_eq!(server.post("/-/reload", "").status, 200);
    told(&server, &["settings changed", "global.scrape_interval, storage.tsdb.retention.time"]);
    told(&server, &["jobs were added", "aside, coming"]);
    told(&server, &["jobs were removed", "jobs=going"]);
    told(&server, &["a job changed", "job=kept", "basic_auth, scrape_interval"]);
    assert!(!server.log().contains("hunter"), "{}", server.log());
    assert_eq!(kept_for(), "30d");

    server.query("vector(1)");
    let log = std::fs::read_to_string(folder.path().join("queries.log")).unwrap();
    let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(line["params"]["query"], "vector(1)");
    assert_eq!(line["httpRequest"]["clientIP"], "127.0.0.1");

    // The same name in another file; nothing of it is taken.
    std::fs::write(folder.path().join("jobs/b.yml"), "scrape_configs: [{job_name: kept}]\n")
        .unwrap();
    let response = server.post("/-/reload", "");
    assert_eq!(response.status, 500);
    let text = response.text();
    assert!(
        text.contains("jobs/b.yml:1:18: found multiple scrape configs with job name"),
        "{text}"
    );
    // Where the log cannot be written to, nothing is taken either.
    std::fs::remove_file(folder.path().join("jobs/b.yml")).unwrap();
    let bad = config("20s", "x", "40d").replace("queries.log", "none/queries.log");
    std::fs::write(&path, bad).unwrap();
    let response = server.post("/-/reload", "");
    assert!(response.text().contains("global.query_log_file: "), "{}", response.text());
    assert_eq!(kept_for(), "30d");
}

#[test]
fn changed_files_are_loaded_without_being_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("jobs")).unwrap();
    let first = Target::text("first 1\n");
    let flags = ["--config.auto-reload", "--config.auto-reload-interval=1s"];
    let server = Rushlight::start(folder.path(), "scrape_config_files: ['jobs/*.yml']\n", &flags);
    let fresh = folder.path().join("fresh");
    let write = |text: &str| {
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(&fresh, folder.path().join("jobs/a.yml")).unwrap();
    };
    write(&format!("scrape_configs:\n{}", first.job("first")));
    wait_for("the job", || (!vector(&server.query("first")).is_empty()).then_some(()));
    write("scrape_configs: [{}]\n");
    told(&server, &["the configuration was not loaded", "a.yml:1:18: job_name is empty"]);
    write("scrape_configs: []\n");
    wait_for("the job's end", || server.target("first").is_none().then_some(()));

    // A file that is gone is told, and that it is back as it was.
    let path = folder.path().join("prometheus.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    let loaded = |state: &str| {
        let line = format!("\nprometheus_config_last_reload_successful {state}\n");
        wait_for(&line, || server.get("/metrics").text().contains(&line).then_some(()));
    };
    loaded("1");
    std::fs::remove_file(&path).unwrap();
    loaded("0");
    std::fs::write(&path, text).unwrap();
    loaded("1");
}
