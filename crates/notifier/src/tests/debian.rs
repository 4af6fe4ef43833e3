//! A real Alertmanager, as Debian packages it: what we tell is what it knows.
//!
//! Skipped with a line when `prometheus-alertmanager` is not installed. It listens on loopback only,
//! on a port the system chooses, without a cluster, and keeps its files in a temporary folder.

use super::world::{set, snapshot};
use crate::{AlertmanagerSet, Metrics, Notifier, Options, Settings};
use client::{Client, Dialer, HttpConfig};
use model::{Alert, Labels};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

const PROGRAM: &str = "prometheus-alertmanager";
const DEADLINE: Duration = Duration::from_secs(20);
/// All alerts go nowhere.
const CONFIG: &str = "{route: {receiver: nobody}, receivers: [{name: nobody}]}";

struct Real {
    process: Child,
    /// Host and port.
    address: String,
    _folder: TempDir,
    http: Client,
}

impl Drop for Real {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Real {
    /// Starts one that listens there; `None` when there is no such program.
    fn start(listen: &str, prefix: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("am.yml"), CONFIG).unwrap();
        let process = Command::new(PROGRAM)
            .args(["--config.file=am.yml", "--storage.path=data", "--cluster.listen-address="])
            .arg(format!("--web.listen-address={listen}"))
            .arg(format!("--web.route-prefix={prefix}"))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = match process {
            Ok(process) => process,
            Err(error) => {
                println!("skipped: a real Alertmanager: {PROGRAM}: {error}");
                return None;
            }
        };
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let told = "msg=\"Listening on\" address=";
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, address) = line.split_once(told)?;
            Some(address.trim().to_owned())
        });
        // It must not wait for somebody who reads its log.
        std::thread::spawn(move || lines.for_each(drop));
        let http = Client::new(&HttpConfig::default(), &Dialer::net(4), "test");
        let address = address.expect("it tells where it listens");
        Some(Self { process, address, _folder: folder, http })
    }

    /// All alerts it shows, those that have ended not among them.
    async fn alerts(&self, prefix: &str) -> Vec<Value> {
        let url = format!("http://{}{prefix}/api/v2/alerts", self.address);
        let answer = self.http.get(&url, &[], 1 << 20).await.unwrap();
        assert!(answer.is_success(), "{answer:?}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Waits until it shows these, in the order of their names.
    async fn shows(&self, prefix: &str, names: &[&str]) -> Vec<Value> {
        let shown = async {
            loop {
                let mut alerts = self.alerts(prefix).await;
                alerts.sort_by_key(|alert| name(alert).to_owned());
                if alerts.iter().map(name).eq(names.iter().copied()) {
                    return alerts;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, shown).await.expect("in time")
    }
}

fn name(alert: &Value) -> &str {
    alert["labels"]["alertname"].as_str().unwrap()
}

async fn until(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, met).await.expect("in time");
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn rfc3339(t_ms: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(t_ms).unwrap())
}

fn alert(name: &str, starts_at_ms: i64, ends_at_ms: i64) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", name), ("weird", "ü \"<&>\\\n")]),
        annotations: vec![
            ("empty".into(), String::new()),
            ("summary".into(), "x > 1 & \"y\"\nnext ünd".into()),
        ],
        starts_at_ms,
        ends_at_ms,
        generator_url: "http://here:9090/graph?g0.expr=up%7Bjob%3D%22a%22%7D&g0.tab=1".into(),
    }
}

fn notifier(set: AlertmanagerSet, address: &str) -> (Notifier, Arc<Metrics>) {
    let metrics = Arc::<Metrics>::default();
    let notifier = Notifier::new(Options::default(), Arc::clone(&metrics));
    notifier.apply(Settings {
        external_labels: Labels::from_pairs([("cluster", "c1")]),
        sets: vec![set],
        ..Settings::default()
    });
    notifier.set_targets(&snapshot(&[("s", &[address])]));
    (notifier, metrics)
}

#[tokio::test]
async fn it_knows_what_it_was_told() {
    let Some(real) = Real::start("127.0.0.1:0", "/team") else { return };
    let set = AlertmanagerSet { path_prefix: "team".into(), ..set("s") };
    let (notifier, _) = notifier(set, &real.address);
    let (begun, minute) = (now_ms(), 60_000);
    let (starts, ends) = (begun - 5 * minute, begun + 4 * minute);
    notifier.send(vec![alert("Fires", starts, ends)]);
    let [shown] = real.shows("/team", &["Fires"]).await.try_into().unwrap();
    let told = json!({
        "labels": shown["labels"],
        "annotations": shown["annotations"],
        "startsAt": shown["startsAt"],
        "endsAt": shown["endsAt"],
        "generatorURL": shown["generatorURL"],
        "state": shown["status"]["state"],
    });
    assert_eq!(
        told,
        json!({
            "labels": {"alertname": "Fires", "cluster": "c1", "weird": "ü \"<&>\\\n"},
            "annotations": {"empty": "", "summary": "x > 1 & \"y\"\nnext ünd"},
            "startsAt": rfc3339(starts),
            "endsAt": rfc3339(ends),
            "generatorURL": "http://here:9090/graph?g0.expr=up%7Bjob%3D%22a%22%7D&g0.tab=1",
            "state": "active",
        })
    );
    // It ends, and another one goes on.
    notifier.send(vec![alert("Fires", starts, begun - 1), alert("Other", starts, ends)]);
    real.shows("/team", &["Other"]).await;
    assert!(notifier.shutdown(DEADLINE).await);
}

#[tokio::test]
async fn its_own_tool_shows_them() {
    let Some(real) = Real::start("127.0.0.1:0", "/") else { return };
    let (notifier, _) = notifier(set("s"), &real.address);
    let begun = now_ms();
    notifier.send(vec![alert("Fires", begun - 1000, begun + 240_000)]);
    // All is told before the end.
    assert!(notifier.shutdown(DEADLINE).await);
    let url = format!("--alertmanager.url=http://{}", real.address);
    let run = Command::new("amtool").args([&url, "alert", "query", "--output=json"]).output();
    let output = run.expect("it comes with the program");
    assert!(output.status.success(), "{output:?}");
    let alerts: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(alerts.iter().map(name).collect::<Vec<_>>(), ["Fires"]);
    assert_eq!(alerts[0]["annotations"]["summary"], "x > 1 & \"y\"\nnext ünd");
}

#[tokio::test]
async fn one_alert_it_refuses_takes_no_others_with_it() {
    let Some(real) = Real::start("127.0.0.1:0", "/") else { return };
    let (notifier, metrics) = notifier(set("s"), &real.address);
    let counts = metrics.alertmanager(&notifier.alertmanagers().active[0]);
    let begun = now_ms();
    let (starts, ends) = (begun - 1000, begun + 240_000);
    let mut no_url = alert("NoUrl", starts, ends);
    no_url.generator_url = "no url at all".into();
    let mut bad_name = alert("BadName", starts, ends);
    bad_name.labels = bad_name.labels.with("not.legacy", "x");
    let mut alerts: Vec<_> = (0..9).map(|i| alert(&format!("A{i}"), starts, ends)).collect();
    alerts.insert(3, no_url);
    alerts.insert(7, bad_name);
    notifier.send(alerts);
    assert!(notifier.shutdown(DEADLINE).await);
    assert_eq!(real.alerts("").await.len(), 9);
    assert_eq!((counts.sent.get(), counts.dropped.get()), (9, 2));
}

#[tokio::test]
async fn it_hears_after_an_outage_what_it_missed() {
    let Some(real) = Real::start("127.0.0.1:0", "/") else { return };
    let address = real.address.clone();
    let (notifier, metrics) = notifier(set("s"), &address);
    let counts = metrics.alertmanager(&notifier.alertmanagers().active[0]);
    let begun = now_ms();
    let (starts, ends) = (begun - 1000, begun + 240_000);
    notifier.send(vec![alert("Ends", starts, ends), alert("Stays", starts, ends)]);
    real.shows("", &["Ends", "Stays"]).await;
    // It shows them before it has answered.
    until(|| counts.sent.get() == 2).await;
    drop(real);
    // While it is down one ends, one goes on, one begins.
    notifier.send(vec![
        alert("Ends", starts, now_ms()),
        alert("Stays", starts, ends + 1),
        alert("Begins", begun, ends),
    ]);
    until(|| counts.errors.get() > 0).await;
    let real = Real::start(&address, "/").expect("it was there before");
    real.shows("", &["Begins", "Stays"]).await;
    assert!(notifier.shutdown(DEADLINE).await);
    // The one that ended was told too.
    assert_eq!((counts.sent.get(), counts.dropped.get()), (5, 0));
}
