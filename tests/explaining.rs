//! What a page, a job and a target are told to be, for people who look for the cause.

use crate::harness::{Page, Rushlight, Target, rushlight, wait_for};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a command with something on its standard input: code, standard output, standard error.
fn pipe(mut command: Command, input: &[u8]) -> (i32, String, String) {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("it starts");
    child.stdin.take().expect("piped").write_all(input).ok(); // it may end without reading
    let output = child.wait_with_output().expect("our own child");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("no signal"), text(&output.stdout), text(&output.stderr))
}

fn check_metrics(page: &[u8], args: &[&str]) -> (i32, String, String) {
    let mut command = rushlight();
    command.args(["check", "metrics"]).args(args);
    pipe(command, page)
}

#[test]
fn check_metrics_tells_what_is_unwise() {
    let check = |page: &str, args: &[&str], expected: (i32, &str, &str)| {
        let (code, stdout, stderr) = check_metrics(page.as_bytes(), args);
        assert_eq!((code, &*stdout, &*stderr), expected, "{page} {args:?}");
    };
    let good = "# HELP a b\n# TYPE a gauge\na{c=\"1\"} 1\na{c=\"2\"} 1\n";
    let table = "Metric    Cardinality    Percentage    \n\
                 a         2              100.00%       \n\
                 Total     2              100%          \n";
    check(good, &[], (0, "", ""));
    check(good, &["--extended"], (0, table, ""));
    check("a 1\n", &[], (3, "", "a no help text\n"));
    check("a 1\n", &["--extended", "--lint=none"], (0, &table.replace(" 2 ", " 1 "), ""));
    check("", &[], (0, "", ""));
    let neither = "error: at least one of --extended or linting must be enabled\n";
    check(good, &["--lint=none"], (1, "", neither));
    let (code, _, stderr) = check_metrics(b"a{ 1\n", &[]);
    assert!(code == 1 && stderr.starts_with("error while linting: "), "{code} {stderr}");
}

/// Pages that another parser reads another way, or that it counts by the first metric of a family.
const READ_OTHERWISE: [&str; 1] = ["expfmt-fuzz-ok-3.prom"];

#[test]
fn check_metrics_says_what_promtool_says() {
    let folder = std::env::var_os("DATA_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        Into::into,
    );
    let folder = folder.join("exposition");
    if !folder.is_dir() {
        println!("skipped: check metrics: no folder {}", folder.display());
        return;
    }
    if Command::new("promtool").arg("--version").output().is_err() {
        println!("skipped: promtool is not installed");
        return;
    }
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (mut passed, mut failed, mut skipped) = (0, Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".prom") || READ_OTHERWISE.contains(&&*name) {
            continue;
        }
        let page = std::fs::read(&path).unwrap();
        let mut command = Command::new("promtool");
        command.args(["check", "metrics"]);
        let (code, _, theirs) = pipe(command, &page);
        let (our_code, _, ours) = check_metrics(&page, &[]);
        if code == 1 {
            // What no client may write, and a scrape takes.
            skipped += 1;
        } else if (code, sorted(&theirs)) == (our_code, sorted(&ours)) {
            passed += 1;
        } else {
            failed.push(format!("{name}: {our_code} {ours}\n  not {code} {theirs}"));
        }
    }
    println!("check-metrics: {passed} passed, {} failed, {skipped} skipped", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

const CONFIG: &str = "scrape_configs:
- job_name: a
  static_configs:
  - {targets: ['a:1', 'b:2', 'a:1'], labels: {x: y}}
  relabel_configs:
  - {source_labels: [__address__], regex: 'b:2', action: drop}
- job_name: files
  file_sd_configs: [{files: [none.json]}]
- job_name: other
  consul_sd_configs: [{server: 'localhost:8500'}]
";

#[test]
fn check_service_discovery_lists_targets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.yml"), CONFIG).unwrap();
    // Not every promtool is built with the third job's mechanism.
    let two_jobs = &CONFIG[..CONFIG.find("- job_name: other").unwrap()];
    std::fs::write(folder.path().join("two.yml"), two_jobs).unwrap();
    let run = |mut command: Command, job: &str| {
        let file = if command.get_program() == "promtool" { "two.yml" } else { "p.yml" };
        command.current_dir(folder.path()).args(["check", "service-discovery", file, job]);
        command.arg("--timeout=1s");
        pipe(command, b"")
    };
    // Labels that later versions have and some do not.
    let without_flags = |text: &str| -> Value {
        let mut list: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        for target in list.as_array_mut().expect("a list") {
            for key in ["discoveredLabels", "labels"] {
                let labels = target[key].as_object_mut().expect("labels");
                labels.retain(|name, _| !name.contains("histogram"));
            }
        }
        list
    };
    let (code, stdout, stderr) = run(rushlight(), "a");
    assert_eq!(code, 0, "{stderr}");
    let list = without_flags(&stdout);
    assert_eq!(list.as_array().map(Vec::len), Some(2), "{list}");
    assert_eq!(list[0]["labels"]["instance"], "a:1");
    assert_eq!(list[1]["discoveredLabels"]["__address__"], "b:2");
    assert_eq!(list[1]["labels"], json!({}));
    if Command::new("promtool").arg("--version").output().is_ok() {
        let (code, theirs, stderr) = run(Command::new("promtool"), "a");
        assert_eq!((code, without_flags(&theirs)), (0, list), "{stderr}");
    } else {
        println!("skipped: promtool is not installed");
    }
    let (code, _, stderr) = run(rushlight(), "b");
    let expected = "Job b not found. Select one of:\n\ta\n\tfiles\n\tother\n";
    assert_eq!((code, &*stderr), (1, expected));
    let (code, _, stderr) = run(rushlight(), "other");
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("p.yml:10:3: consul_sd_configs"), "{stderr}");
    let (code, stdout, _) = run(rushlight(), "files");
    assert_eq!((code, &*stdout), (0, "[]\n"));
}

#[test]
fn targets_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (Target::text("a 1\nb 2\n"), Target::text("a 1\nb{ 2\nc 3\n"));
    let many = Target::text("a 1\nb 2\nc 3\n");
    let config = format!(
        "scrape_configs:\n{}  relabel_configs:\n  - {{target_label: room, replacement: hall}}\n  \
         - {{source_labels: [__address__], regex: 'x:.*', action: drop}}\n{}{}  sample_limit: 2\n",
        good.job("good").replace("targets: [", "targets: ['x:1', "),
        bad.job("bad"),
        many.job("many"),
    );
    let server = Rushlight::start(folder.path(), &config, &[]);
    for (job, health) in [("good", "up"), ("bad", "down"), ("many", "down")] {
        wait_for(job, || server.target(job).filter(|t| t["health"] == health));
    }
    let url = format!("--server=http://{}", server.address);
    let run = |args: &[&str]| {
        let mut command = rushlight();
        command.args(["explain", "target", &url]).args(args);
        pipe(command, b"")
    };
    let check = |args: &[&str], parts: &[&str]| {
        let (code, stdout, stderr) = run(args);
        assert_eq!(code, 0, "{stderr}");
        for part in parts {
            assert!(stdout.contains(part), "{part:?} is not in:\n{stdout}");
        }
    };
    let good_url = format!("http://{}/metrics", good.address);
    let head = "job good - 2 targets: 1 dropped, 1 up\n";
    let dropped = "DROPPED x:1\n  why         rule 2 of relabel_configs dropped it\n";
    let up = format!("\nUP {good_url}\n  scraped     20");
    let steps = "  rule 1      changed: action: replace, target_label: room, replacement: \"hall\"\n\
                 \x20             + room=\"hall\"\n\
                 \x20 rule 2      unchanged: action: drop, source_labels: [__address__], regex: x:.*\n";
    check(&["good"], &[head, dropped, &up, steps, "  brought     2 samples, "]);
    check(&[&good_url], &["job good - 1 of 2 targets: 1 up\n", &up]);
    check(&[&good.address.to_string()], &[&up]);
    check(&["good", "--state=dropped"], &[head, dropped]);
    check(&["good", "--limit=1"], &[dropped, "and 1 more target; "]);
    let page = "       1 | a 1\n         2 | b{ 2\n           |    ^\n         3 | c 3\n";
    check(&["bad"], &["job bad - 1 target: 1 down\n", "  place       line 2, column ", page]);
    let beyond = "  limit       sample_limit allows 2, found 3\n  beyond it   {__name__=\"c\", ";
    check(&["many"], &["  why         sample limit exceeded", beyond]);
    let (code, _, stderr) = run(&["god"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("did you mean \"good\"?"), "{stderr}");

    let (_, json, _) = run(&["bad", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["jobs"][0]["targets"][0]["diagnosis"]["reason"], "syntax");
    let listed = server.target("many").expect("it is there");
    assert_eq!(listed["diagnosis"]["limit"]["option"], "sample_limit");
    assert!(listed["diagnosis"].get("page").is_none());
    assert!(server.target("good").expect("there")["scrapes"]["total"].as_u64() > Some(0));

    bad.set(Page::Text("a 1\n".into()));
    wait_for("the end of the trouble", || server.target("bad").filter(|t| t["health"] == "up"));
    check(&["bad"], &["UP http://", "  last failed ", ", since mended\n"]);
}

/// Whatever goes wrong with them, passwords, tokens and secret headers stand nowhere.
#[test]
fn no_secret_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "hush-file\n").unwrap();
    let page = Target::text("a 1\n");
    let (good, gone) = (page.address, "127.0.0.1:1");
    let job = |name: &str, address: &str, keys: &str| {
        format!(
            "- job_name: {name}\n  scrape_interval: 500ms\n  scrape_timeout: 400ms\n  {keys}\n  \
             static_configs: [{{targets: ['{address}']}}]\n"
        )
    };
    let good = good.to_string();
    let ways = [
        ("basic", "basic_auth: {username: u, password: hush-basic}"),
        ("bearer", "authorization: {credentials: hush-bearer}"),
        ("file", "authorization: {credentials_file: token}"),
        ("headers", "http_headers: {X-Key: {secrets: [hush-header]}}"),
        ("proxy", "proxy_url: 'http://u:hush-proxy@127.0.0.1:1'"),
        ("connect", "proxy_url: 'http://127.0.0.1:1'\n  proxy_connect_header: {P: [hush-connect]}"),
        (
            "oauth2",
            "oauth2: {client_id: i, client_secret: hush-oauth, \
             token_url: 'http://u:hush-url@127.0.0.1:1/t', endpoint_params: {p: seen}}",
        ),
    ];
    let mut config = "scrape_configs:\n".to_owned();
    for (name, keys) in ways {
        config.push_str(&job(&format!("{name}-good"), &good, keys));
        config.push_str(&job(&format!("{name}-gone"), gone, keys));
    }
    config.push_str(
        "- job_name: found\n  http_sd_configs:\n  - url: 'http://u:hush-sd@127.0.0.1:1/t'\n    \
         basic_auth: {username: u, password: hush-basic}\n",
    );
    let server = Rushlight::start(folder.path(), &config, &["--log.level=debug"]);
    for (name, _) in ways {
        for kind in ["good", "gone"] {
            let job = format!("{name}-{kind}");
            wait_for(&job, || server.target(&job).filter(|t| t["health"] != "unknown"));
        }
    }
    let mut shown = vec![("log".to_owned(), server.log())];
    let paths = ["targets", "status/config", "status/flags", "targets/metadata", "scrape_pools"];
    let paths = paths.map(|path| format!("/api/v1/{path}"));
    let explained = ways.iter().flat_map(|(name, _)| {
        ["good", "gone"].map(|kind| format!("/api/v1/explain/target?target={name}-{kind}"))
    });
    let more = ["/metrics".to_owned(), "/api/v1/explain/target?target=found".to_owned()];
    for path in paths.into_iter().chain(explained).chain(more) {
        let response = server.get(&path);
        assert_eq!(response.status, 200, "{path}");
        shown.push((path, response.text()));
    }
    for (where_it_is, text) in shown {
        assert!(text.len() > 2, "{where_it_is} is empty");
        let found =
            text.find("hush").map(|at| &text[at.saturating_sub(100)..text.len().min(at + 50)]);
        assert_eq!(found, None, "{where_it_is}");
    }
}
