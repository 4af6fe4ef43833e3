//! `kubectl` as the judge, where it is installed.

use super::{monitor, with_server};
use crate::ApiServer;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

fn kubectl(server: &ApiServer) -> Command {
    let mut command = Command::new("kubectl");
    command.args(["--server", &server.url()]).env("KUBECONFIG", "/dev/null");
    // What it learns about a server it keeps at home.
    command.env("HOME", std::env::temp_dir().join(format!("kubectl-{}", std::process::id())));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end; standard output, or standard error when it failed.
fn run(server: &ApiServer, args: &[&str], input: &str) -> Result<String, String> {
    let mut child = kubectl(server).args(args).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn it_gets_watches_applies_and_patches() {
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        println!("skipped: kubectl against the server: it is not installed");
        return;
    }
    with_server(|server, _| {
        server.apply(&monitor("m", "x"));
        let get = |args: &[&str]| {
            run(server, &[&["get", "-n", "a", "servicemonitor"], args].concat(), "")
        };
        let table = get(&[]).unwrap();
        assert!(table.starts_with("NAME") && table.contains("\nm "), "{table}");
        assert_eq!(get(&["m", "-o", "jsonpath={.metadata.labels.app}"]).unwrap(), "x");
        assert_eq!(get(&["-l", "app=y", "-o", "name"]).unwrap(), "");
        assert!(get(&["none"]).unwrap_err().contains("(NotFound)"));

        let mut watch =
            kubectl(server).args(["get", "smon", "-n", "a", "-w", "--no-headers"]).spawn().unwrap();
        let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().starts_with("m "));
        let yaml = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\n\
                    metadata: {name: second, namespace: a}\nspec: {jobLabel: app}\n";
        let apply = ["apply", "--validate=false", "-f", "-"];
        let told = run(server, &apply, yaml).unwrap();
        assert_eq!(told.trim(), "servicemonitor.monitoring.coreos.com/second created");
        assert!(lines.next().unwrap().unwrap().starts_with("second "));
        watch.kill().unwrap();
        watch.wait().unwrap();
        let told = run(server, &apply, &yaml.replace("app", "tier")).unwrap();
        assert_eq!(told.trim(), "servicemonitor.monitoring.coreos.com/second configured");
        let patch = r#"{"status":{"bindings":[{"name":"here"}]},"spec":{"jobLabel":"no"}}"#;
        let patched =
            ["patch", "smon", "second", "-n", "a", "--type=merge", "--subresource=status"];
        run(server, &[&patched[..], &["-p", patch]].concat(), "").unwrap();
        let both = "jsonpath={.status.bindings[0].name} {.spec.jobLabel}";
        assert_eq!(get(&["second", "-o", both]).unwrap(), "here tier");
        let raw =
            ["get", "--raw", "/apis/monitoring.coreos.com/v1/namespaces/a/servicemonitors/second"];
        assert!(run(server, &raw, "").unwrap().contains("\"jobLabel\":\"tier\""));
        run(server, &["delete", "smon", "second", "-n", "a"], "").unwrap();
        assert_eq!(server.get("servicemonitors", "a", "second"), None);
    });
}
