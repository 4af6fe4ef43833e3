//! Bad input: a clear error with its place, and nobody else is hurt.

use crate::harness::{Page, Rushlight, Target, rushlight, vector, wait_for};

fn fails(args: &[&str]) -> String {
    let output = rushlight().args(args).output().expect("the binary starts");
    assert!(!output.status.success(), "{args:?} was accepted");
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn an_unknown_flag_is_named_with_its_nearest_match() {
    let error = fails(&["--storage.tsdb.pth=x"]);
    assert!(error.contains("--storage.tsdb.pth"), "{error}");
    assert!(error.contains("--storage.tsdb.path"), "{error}");
}

#[test]
fn a_wrong_config_names_field_and_line() {
    let check = |config: &str, expected: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prometheus.yml");
        std::fs::write(&path, config).unwrap();
        let path = path.to_str().unwrap();
        for args in [vec!["check", "config", path], vec!["--config.file", path]] {
            let error = fails(&args);
            for part in expected {
                assert!(error.contains(part), "{args:?} does not say {part:?}:\n{error}");
            }
        }
    };
    check("global:\n  scrape_intervall: 5s\n", &["scrape_intervall", "prometheus.yml", "2"]);
    check("scrape_configs:\n- job_name: a\n  colour: red\n", &["colour", "3"]);
    check("scrape_configs:\n- job_name: a\n  scrape_interval: soon\n", &["soon", "3"]);
    check("scrape_configs:\n- job_name: a\n- job_name: a\n", &["job name", "a"]);
    check("scrape_configs:\n- job_name: a\n  consul_sd_configs: [{}]\n", &["consul"]);
    check("remote_write:\n- url: http://127.0.0.1/\n", &["remote_write"]);
}

#[test]
fn a_bad_target_turns_only_its_own_up_to_zero() {
    let folder = tempfile::tempdir().unwrap();
    let good = Target::text("ok 1\n");
    let early = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nok 1\n";
    let bad = [
        ("garbage", Target::text("ok 1\nthis is {not a page\n"), "parsing"),
        ("refusing", Target::start(Page::Status(503, "no".into())), "503"),
        ("hanging", Target::start(Page::Hang), "context deadline exceeded"),
        ("early", Target::start(Page::Raw(early.to_vec())), ""),
        ("nonsense", Target::start(Page::Raw(b"\x00\xff\x00".to_vec())), ""),
    ];
    let jobs: String = bad.iter().map(|(name, target, _)| target.job(name)).collect();
    let config = format!("scrape_configs:\n{}{jobs}", good.job("good"));
    let server = Rushlight::start(folder.path(), &config, &[]);
    for (name, _, expected) in &bad {
        let error = wait_for(&format!("the error of {name}"), || {
            let target = server.target(name)?;
            let error = target["lastError"].as_str()?.to_owned();
            (target["health"] == "down" && !error.is_empty()).then_some(error)
        });
        assert!(error.contains(expected), "{name}: {error:?} does not say {expected:?}");
        wait_for(&format!("up of {name}"), || {
            let up = vector(&server.query(&format!("up{{job='{name}'}}")));
            up.first().is_some_and(|(_, value)| *value == 0.0).then_some(())
        });
    }
    assert_eq!(vector(&server.query("up{job='good'}"))[0].1, 1.0);
    assert_eq!(vector(&server.query("ok"))[0].1, 1.0);
}

#[test]
fn a_wrong_query_answers_400_with_its_position() {
    let folder = tempfile::tempdir().unwrap();
    let server = Rushlight::start(folder.path(), "", &[]);
    let response = server.get("/api/v1/query?query=sum(up");
    assert_eq!(response.status, 400);
    let answer = response.json();
    assert_eq!(answer["errorType"], "bad_data");
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("invalid parameter \"query\": 1:"), "{error}");
    assert!(error.contains("parse error"), "{error}");
}
