//! Subcommands, as a person types them.

use crate::harness::{Rushlight, Target, rushlight, vector, wait_for};

fn run(args: &[&str]) -> (bool, String) {
    let output = rushlight().args(args).output().expect("the binary starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), text + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn check_config_accepts_what_the_server_takes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    std::fs::write(&path, "scrape_configs: [{job_name: a}]\n").unwrap();
    let (ok, text) = run(&["check", "config", path.to_str().unwrap()]);
    assert!(ok, "{text}");
    assert!(text.contains("SUCCESS"), "{text}");
}

#[test]
fn a_script_is_run_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.test");
    let script = "load 1m\n  a{b=\"c\"} 1+1x5\n\neval instant at 5m sum(a)\n  {} 6\n\n\
                  eval instant at 5m sum(a)\n  {} 7\n";
    std::fs::write(&path, script).unwrap();
    let (ok, text) = run(&["test", "promql", path.to_str().unwrap()]);
    assert!(!ok, "one case is wrong on purpose: {text}");
    assert!(text.lines().any(|l| l == "1 passed, 1 failed"), "{text}");
    assert!(text.contains("a.test:7"), "the failure has no place: {text}");
}

#[test]
fn our_own_scripts_pass_over_the_real_store() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/promql");
    let (ok, text) = run(&["test", "promql", folder]);
    println!("{text}");
    assert!(ok && text.lines().any(|l| l.ends_with(" passed, 0 failed")), "{text}");
}

#[test]
fn custom_resources_are_printed_as_a_configuration() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/kubernetes/speech.yaml");
    let output = rushlight().args(["kubernetes", "render", file]).output().unwrap();
    let (out, told) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!output.status.success(), "one monitor is broken on purpose");
    let broken = "left out: PodMonitor smallest/broken: podMetricsEndpoints[0]: scrapeTimeout: 1m is \
                  longer than the interval of 30s\n";
    assert_eq!(told, broken);
    let odd = tempfile::tempdir().unwrap();
    let file = odd.path().join("odd.yaml");
    let text = "kind: ServiceMonitor\nmetadata: {name: a}\nspec: {endpoint: [{port: web}]}\n---\n\
                kind: ScrapeConfig\napiVersion: configs.example.com/v1\n---\njust text\n";
    std::fs::write(&file, text).unwrap();
    let output = rushlight().args(["kubernetes", "render"]).arg(&file).output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    let expected = "warning: ServiceMonitor default/a: it has no endpoints, so it makes no jobs\n\
                    passed over: 1 of kind (no object), which makes no jobs\n\
                    passed over: 1 of kind ScrapeConfig.configs.example.com, which makes no jobs\n";
    assert_eq!(told, expected);
    for line in [
        "job_name: serviceMonitor/smallest/lightning-asr/0",
        "credentials: open sesame",
        "job_name: probe/smallest/front",
        "target_label: team",
    ] {
        assert!(out.contains(line), "{line} is not in:\n{out}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    std::fs::write(&path, &out).unwrap();
    let (ok, text) = run(&["check", "config", "--syntax-only", path.to_str().unwrap()]);
    assert!(ok, "{text}");
}

#[test]
fn query_prints_what_promtool_prints() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text("lamp{room=\"hall\"} 3\n");
    let config = format!("scrape_configs:\n{}", target.job("house"));
    let server = Rushlight::start(folder.path(), &config, &[]);
    wait_for("the lamp", || (!vector(&server.query("lamp")).is_empty()).then_some(()));
    let url = format!("http://{}", server.address);
    let ours = run(&["query", "instant", &url, "sum(lamp)"]);
    assert!(ours.0 && ours.1.starts_with("{} => 3 @["), "{ours:?}");
    if std::process::Command::new("promtool").arg("--version").output().is_err() {
        println!("skipped: promtool is not installed");
        return;
    }
    let promtool = |args: &[&str]| {
        let output = std::process::Command::new("promtool").args(args).output().unwrap();
        assert!(output.status.success(), "promtool {args:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(promtool(&["query", "instant", &url, "sum(lamp)"]).starts_with("{} => 3 @["));
    assert!(promtool(&["query", "series", "--match=lamp", &url]).contains("room=\"hall\""));
    assert!(promtool(&["query", "labels", &url, "room"]).contains("hall"));
    assert!(promtool(&["query", "range", &url, "lamp"]).contains("lamp{"));
    let help = std::process::Command::new("promtool").args(["check", "--help"]).output().unwrap();
    if !String::from_utf8_lossy(&help.stdout).contains("check healthy") {
        println!("skipped: this promtool has no check healthy");
        return;
    }
    promtool(&["check", "healthy", "--url", &url]);
    promtool(&["check", "ready", "--url", &url]);
}

#[test]
fn the_demo_shows_living_metrics() {
    let demo = Rushlight::demo();
    let requests = "sum(rate(asr_request_duration_seconds_count{job='lightning-asr'}[10s])) > 0";
    wait_for("requests of the demo", || (!vector(&demo.query(requests)).is_empty()).then_some(()));
    assert_eq!(vector(&demo.query("asr_active_requests")).len(), 2);
    assert_eq!(vector(&demo.query("DCGM_FI_DEV_GPU_UTIL")).len(), 2);
    assert_eq!(vector(&demo.query("count(up == 1)"))[0].1, 2.0);
    wait_for("what the demo records", || {
        (vector(&demo.query("pod:asr_requests:rate30s > 0")).len() == 2).then_some(())
    });
    let rules = demo.get("/api/v1/rules").json()["data"]["groups"][0]["rules"].clone();
    let rules = rules.as_array().expect("a list of rules");
    assert!(rules.len() == 3 && rules.iter().all(|rule| rule["health"] == "ok"), "{rules:?}");
    assert_eq!(rules[2]["type"], "alerting");
    assert!(demo.stop().success());
}

#[test]
fn the_version_is_told_in_the_shape_tools_read() {
    let (ok, text) = run(&["--version"]);
    assert!(ok && text.starts_with("prometheus, version 3."), "{text}");
}

/// Runs `check config` in a folder with these files: the code it ends with, and what it prints.
fn check_config(files: &[(&str, &str)], args: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a writable folder");
    }
    let output = rushlight()
        .current_dir(folder.path())
        .args(["check", "config"])
        .args(args)
        .output()
        .expect("the binary starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("no signal ends it"), text(&output.stdout), text(&output.stderr))
}

#[test]
fn check_config_looks_at_what_files_name() {
    let check = |files: &[(&str, &str)], args: &[&str], code: i32, parts: &[&str]| {
        let mut all = args.to_vec();
        all.push("p.yml");
        let (got, stdout, stderr) = check_config(files, &all);
        let text = format!("{stdout}{stderr}");
        assert_eq!(got, code, "{files:?} {args:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{files:?} {args:?}: {text}");
        }
    };
    let good = "scrape_configs: [{job_name: a, static_configs: [{targets: ['a:1']}]}]\n";
    let success =
        ["Checking p.yml\n", " SUCCESS: p.yml is valid prometheus config file syntax\n\n"];
    check(&[("p.yml", good)], &[], 0, &success);
    check(
        &[("p.yml", "x: 1\n")],
        &[],
        1,
        &["  FAILED: parsing YAML file p.yml:1:1: field x not found"],
    );

    let tls = "scrape_configs: [{job_name: a, tls_config: {cert_file: c, key_file: k}}]\n";
    let missing = "error checking client cert file \"c\": stat c: no such file or directory";
    check(&[("p.yml", tls)], &[], 1, &[missing]);
    check(&[("p.yml", tls)], &["--syntax-only"], 0, &success);
    check(&[("p.yml", tls), ("c", ""), ("k", "")], &[], 0, &success);
    let token = "scrape_configs: [{job_name: a, bearer_token_file: t}]\n";
    check(
        &[("p.yml", token)],
        &[],
        1,
        &["error checking authorization credentials or bearer token"],
    );

    let lists = "scrape_configs: [{job_name: a, file_sd_configs: [{files: ['*.json']}]}]\n";
    let none = "  WARNING: file \"*.json\" for file_sd in scrape job \"a\" does not exist\n";
    check(&[("p.yml", lists)], &[], 0, &[none]);
    check(&[("p.yml", lists), ("a.json", "{")], &[], 1, &["checking SD file \"*.json\""]);
    check(
        &[("p.yml", lists), ("a.json", "[{\"targets\": [\"http://a\"]}]")],
        &[],
        1,
        &["\"http://a\" is not a valid hostname"],
    );

    let other = "scrape_configs: [{job_name: b, scrape_interval: 1s, scrape_timeout: 2s}]\n";
    let names = [("p.yml", "scrape_config_files: [b.yml]\n"), ("b.yml", other)];
    check(&names, &[], 1, &["b.yml:1:18: scrape timeout greater than scrape interval"]);
    check(&names, &["--syntax-only"], 0, &success);

    let rules = "alerting: {alertmanagers: [{}]}\n";
    check(&[("p.yml", rules)], &[], 0, &success);
    let listed = "alerting: {alertmanagers: [{file_sd_configs: [{files: [am.json]}]}]}\n";
    let none = "  WARNING: file \"am.json\" for file_sd in alertmanager config does not exist\n";
    check(&[("p.yml", listed)], &[], 0, &[none]);
    check(&[("p.yml", listed), ("am.json", "{")], &[], 1, &["checking SD file \"am.json\""]);
    let urls = "[{\"targets\": [\"http://a\"]}]";
    check(&[("p.yml", listed), ("am.json", urls)], &[], 1, &["is not a valid hostname"]);
    check(&[("p.yml", rules)], &["--syntax-only"], 0, &success);
    check(
        &[("p.yml", rules)],
        &["--syntax-only", "--agent"],
        1,
        &["p.yml:1:11: field alerting is not allowed in agent mode"],
    );
    let remote = "remote_write: [{url: 'http://a'}]\n";
    check(&[("p.yml", remote)], &[], 1, &["p.yml:1:16: remote_write is not built in"]);

    let slow = "scrape_configs: [{job_name: a, scrape_interval: 10m}]\n";
    let complaint = "data point will be marked as stale - job: a, interval: 10m";
    let lint = "--lint=too-long-scrape-interval";
    check(&[("p.yml", slow)], &["--lint-fatal"], 0, &success);
    check(&[("p.yml", slow)], &[lint], 0, &[complaint]);
    check(&[("p.yml", slow)], &["--lint=all", "--lint-fatal"], 3, &[complaint]);
    check(&[("p.yml", slow)], &[lint, "--lint-fatal", "--query.lookback-delta=20m"], 0, &success);
    check(&[("p.yml", slow)], &["--lint=none,all", "--lint-fatal"], 0, &success);
}

#[test]
fn check_config_reads_the_rules_that_it_names() {
    let check = |files: &[(&str, &str)], args: &[&str], code: i32, parts: &[&str]| {
        let mut all = args.to_vec();
        all.push("p.yml");
        let (got, stdout, stderr) = check_config(files, &all);
        let text = format!("{stdout}{stderr}");
        assert_eq!(got, code, "{files:?} {args:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{part}\n{files:?} {args:?}: {text}");
        }
    };
    let good = "groups: [{name: g, rules: [{record: a, expr: b}]}]\n";
    let twice = "groups: [{name: g, rules: [{record: a, expr: b}, {record: a, expr: c}]}]\n";
    let config = ("p.yml", "rule_files: [r.yml]\n");
    let success = [
        "  SUCCESS: 1 rule files found\n SUCCESS: p.yml is valid prometheus config file syntax\n\n",
        "Checking r.yml\n  SUCCESS: 1 rules found\n\n",
    ];
    check(&[config, ("r.yml", good)], &[], 0, &success);
    check(&[config], &[], 1, &["  FAILED: \"r.yml\" does not point to an existing file\n"]);
    check(&[config], &["--syntax-only"], 0, &[" SUCCESS: p.yml is valid"]);
    check(&[config, ("r.yml", "groups: 1\n")], &[], 1, &["Checking r.yml\n", "  FAILED:\nr.yml:"]);
    let complaint = "lint error 1 duplicate rule(s) found.";
    check(&[config, ("r.yml", twice)], &[], 0, &[complaint]);
    check(&[config, ("r.yml", twice)], &["--lint-fatal"], 3, &[complaint]);
    check(&[config, ("r.yml", twice)], &["--lint=none", "--lint-fatal"], 0, &["2 rules found"]);
    let many = ("p.yml", "rule_files: ['*.rules', 'none*']\n");
    check(
        &[many, ("b.rules", good), ("a.rules", good)],
        &[],
        0,
        &[
            "  SUCCESS: 2 rule files found\n",
            "Checking a.rules\n  SUCCESS: 1 rules found\n\nChecking b.rules\n",
        ],
    );
    let both = ("p.yml", "rule_files: [r.yml]\nremote_read: [{url: 'http://a'}]\n");
    check(&[both, ("r.yml", good)], &[], 1, &["p.yml:2:15: remote_read is not built in"]);
}

#[test]
fn check_config_prints_what_promtool_prints() {
    let folders = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/config");
    let folders = std::fs::read_dir(folders).unwrap().map(|entry| entry.unwrap().path());
    for folder in folders.filter(|path| path.is_dir()) {
        let check = |command: &mut std::process::Command| {
            let args = ["check", "config", "prometheus.yml"];
            let output = command.current_dir(&folder).args(args).output().ok()?;
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            Some((printed, output.status.code(), output.stderr.is_empty()))
        };
        let ours = check(&mut rushlight()).expect("the binary starts");
        let expected = std::fs::read_to_string(folder.join("expected")).unwrap();
        assert_eq!(ours.0, expected, "{}", folder.display());
        match check(&mut std::process::Command::new("promtool")) {
            Some(theirs) => assert_eq!(ours, theirs, "{}", folder.display()),
            None => println!("skipped: promtool is not installed"),
        }
    }
}
