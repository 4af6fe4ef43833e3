//! What stands where a file is meant and is none: pipes, folders, devices.

use crate::harness::{Rushlight, is_ready, rushlight, wait_for};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo is there");
    assert!(made.success());
}

#[test]
fn a_reload_refuses_what_is_no_file_and_waits_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let server = Rushlight::start(folder.path(), "global: {}\n", &["--web.enable-lifecycle"]);
    pipe(&path("pipe.yml"));
    std::fs::create_dir(path("folder.yml")).unwrap();
    let check = |config: &str, expected: &str| {
        std::fs::write(path("prometheus.yml"), config).unwrap();
        let answer = server.post("/-/reload", "");
        let text = answer.text();
        assert!(text.contains(expected), "{config}: {} {text}", answer.status);
    };
    check("scrape_config_files: [pipe.yml]\n", "pipe.yml: is a pipe, not a file");
    check("scrape_config_files: [folder.yml]\n", "folder.yml: is a directory, not a file");
    check("scrape_config_files: [/dev/zero]\n", "/dev/zero: is a device, not a file");
    check("rule_files: [pipe.yml]\n", "pipe.yml: is a pipe, not a file");
    check("global: {query_log_file: pipe.yml}\n", "pipe.yml: No such device or address");
    std::fs::remove_file(path("prometheus.yml")).unwrap();
    pipe(&path("prometheus.yml"));
    let text = server.post("/-/reload", "").text();
    assert!(text.contains("prometheus.yml: is a pipe, not a file"), "{text}");
    assert_eq!(server.get("/-/healthy").status, 200);
}

#[test]
fn files_of_the_command_line_may_be_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let check = |args: &[&str], said: &str| {
        let mut child = rushlight()
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        child.stdin.take().expect("piped").write_all(said.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    let (config, rules) = ("global: {scrape_interval: 5s}\n", "groups: []\n");
    check(&["check", "config", "/dev/stdin"], config);
    check(&["check", "rules", "/dev/stdin"], rules);
    check(&["check", "rules"], rules);
    check(&["check", "web-config", "/dev/stdin"], "basic_auth_users: {}\n");
    let fifo = folder.path().join("pipe");
    pipe(&fifo);
    let writer = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::write(fifo, config).unwrap()
    });
    check(&["check", "config", fifo.to_str().unwrap()], "");
    writer.join().unwrap();
}

#[test]
fn a_server_takes_its_configuration_from_a_pipe_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    pipe(&path);
    let writer = std::thread::spawn({
        let path = path.clone();
        move || std::fs::write(path, "scrape_configs: [{job_name: once}]\n").unwrap()
    });
    let server = Rushlight::start_on(folder.path(), &["--web.enable-lifecycle"], is_ready);
    writer.join().unwrap();
    let shown = || server.get("/api/v1/status/config").text().contains("once");
    wait_for("the configuration", || shown().then_some(()));
    let refused = server.post("/-/reload", "").text();
    assert!(refused.contains("is a pipe, not a file"), "{refused}");
    assert!(shown());
}
