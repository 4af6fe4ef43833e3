//! Rules over what a server has stored: when alerts would have fired, and a history for new rules.

use crate::harness::{Rushlight, rushlight, vector, wait_for};
use model::Labels;
use serde_json::Value;
use std::path::Path;
use storage::Columns;
use tsdb::{Batch, Db, Options};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

const RULES: &str = "
groups:
- name: lamps
  interval: 5s
  rules:
  - {record: 'house:lamp:sum', expr: sum(lamp)}
  - alert: Bright
    expr: house:lamp:sum > 10
    for: 5m
    keep_firing_for: 1m
    labels: {severity: page}
    annotations: {summary: '{{ $value }} is bright'}
  - {alert: Dark, expr: house:lamp:sum < 1}
  - {alert: Wrong, expr: lamp * on (house) lamp > 100}
";

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Two lamps of the last 30 hours, of which one was bright from 20 to 18 hours ago; the end is now.
fn lamps(folder: &Path) -> i64 {
    let now = now_ms() / SECOND * SECOND;
    let series = ["hall", "attic"].map(|room| {
        let mut columns = Columns::default();
        for t_ms in (now - 30 * HOUR..=now).step_by(15_000) {
            let is_bright = (18 * HOUR..20 * HOUR).contains(&(now - t_ms));
            columns.t_ms.push(t_ms);
            columns.values.push(if is_bright && room == "hall" { 9.0 } else { 3.0 });
        }
        let labels = [("__name__", "lamp"), ("house", "a"), ("room", room)];
        (Labels::from_pairs(labels), columns)
    });
    let (db, _) = Db::open(folder.join("data"), Options::default()).expect("a new database");
    let batch = Batch { key: "lamps".into(), apart_ms: 1, series: series.into() };
    db.import(vec![batch], now).expect("samples of the past");
    db.close().expect("a healthy disk");
    now
}

/// Code, standard output and standard error of `rushlight rules ...` about a server.
fn rules(server: &Rushlight, folder: &Path, args: &[&str]) -> (i32, String, String) {
    let url = format!("--url=http://{}", server.address);
    let mut command = rushlight();
    command.arg("rules").args(args).arg(url).arg(folder.join("rules.yml")).current_dir(folder);
    let output = command.output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("no signal"), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_backtest_tells_when_alerts_would_have_fired() {
    let folder = tempfile::tempdir().unwrap();
    let now = lamps(folder.path());
    let text = RULES.replace("interval: 5s", "interval: 10s");
    std::fs::write(folder.path().join("rules.yml"), text).unwrap();
    let server = Rushlight::start(folder.path(), "", &[]);
    let backtest = |args: &[&str]| {
        let (code, stdout, stderr) =
            rules(&server, folder.path(), &[&["backtest", "--from=-21h"], args].concat());
        let told = "no evaluation went well of: Wrong\n";
        assert_eq!((code, &*stderr), (1, told), "{stdout}");
        stdout
    };
    let answer: Value = serde_json::from_str(&backtest(&["--format=json"])).unwrap();
    let rule = |name: &str| {
        let rules = answer["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["name"] == name).unwrap()
    };
    let near = |text: &Value, expected: i64| {
        let at: jiff::Timestamp = text.as_str().unwrap().parse().unwrap();
        let late = at.as_millisecond() - expected;
        assert!((0..25 * SECOND).contains(&late), "{text} is {late} ms late");
    };
    let [bright] = &rule("Bright")["alerts"].as_array().unwrap()[..] else { panic!("{answer}") };
    near(&bright["pendingFrom"], now - 20 * HOUR);
    near(&bright["firingFrom"], now - 20 * HOUR + 5 * MINUTE);
    near(&bright["resolvedAt"], now - 18 * HOUR + MINUTE);
    assert_eq!(bright["labels"]["severity"], "page");
    assert_eq!(bright["annotations"]["summary"], "12 is bright");
    assert_eq!(rule("Dark")["alerts"], Value::Array(Vec::new()));
    let wrong = rule("Wrong");
    assert_eq!(wrong["failures"], wrong["evaluations"]);
    assert!(wrong["firstFailure"]["error"].as_str().unwrap().contains("many-to-many"), "{wrong}");

    let text = backtest(&[]);
    for part in [
        "Bright {severity=\"page\"}\n  pending ",
        "\n  summary: 12 is bright\n",
        "group lamps\n  house:lamp:sum: would record ",
        "\n  Bright: fired 1 time, 1h5",
        "\n  Dark: never fired\n",
        "\n  Wrong: never fired; ",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(vector(&server.query("house:lamp:sum")), []);
    let check = |args: &[&str], expected: &str| {
        let (code, _, stderr) = rules(&server, folder.path(), args);
        assert!(code == 1 && stderr.contains(expected), "{code} {stderr}");
    };
    check(&["backfill", "--from=-1h"], "admin APIs disabled");
    check(&["backtest", "--from=tomorrow"], "--from: \"tomorrow\" is not a time");
    check(&["backtest", "--from=-1h", "--to=-2h"], "is later than --to");
    std::fs::write(folder.path().join("rules.yml"), RULES.replace("sum(lamp)", "sum(lamp"))
        .unwrap();
    check(&["backtest", "--from=-1h"], "rules.yml:6:38: group \"lamps\", rule 1");
}

#[test]
fn a_backfill_that_is_stopped_leaves_whole_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let now = lamps(folder.path());
    // So many evaluations take their time.
    let text = RULES.replace("interval: 5s", "interval: 100ms");
    std::fs::write(folder.path().join("rules.yml"), text).unwrap();
    let server = Rushlight::start(folder.path(), "", &["--web.enable-admin-api"]);
    let mut child = rushlight()
        .args(["rules", "backfill", "--from=-29h"])
        .arg(format!("--url=http://{}", server.address))
        .arg(folder.path().join("rules.yml"))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let count = || {
        let counted = vector(&server.query("count_over_time(house:lamp:sum[30h])"));
        counted.first().map(|(_, count)| *count)
    };
    wait_for("the first pieces", count);
    let interrupt = ["-INT".to_owned(), child.id().to_string()];
    assert!(std::process::Command::new("kill").args(interrupt).status().unwrap().success());
    let code = wait_for("the end of the command", || child.try_wait().unwrap()).code();
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("stopped: what was stored stays"), "{stderr}");

    // It goes on where it was, and the turn is free again.
    let later = |args: &[&str]| {
        wait_for("a turn", || {
            let (code, stdout, _) = rules(&server, folder.path(), args);
            (code == 0).then_some(stdout)
        })
    };
    let start = (now - 29 * HOUR) as f64 / 1e3;
    let (from, to) = (format!("--from={}", start + 60.0), format!("--to={}", start + 120.0));
    let stdout = later(&["backfill", &from, &to]);
    assert!(
        stdout.contains(": 0 samples stored, 600 known") || stdout.contains(", 601 known"),
        "{stdout}"
    );
    let stored = count().unwrap();
    assert!(stored < 29.0 * 36_000.0, "{stored} is all");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_new_rule_gets_a_history_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    lamps(folder.path());
    std::fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    let config = "rule_files: [rules.yml]\n";
    let server = Rushlight::start(folder.path(), config, &["--web.enable-admin-api"]);
    wait_for("the rule to record", || {
        (!vector(&server.query("house:lamp:sum")).is_empty()).then_some(())
    });
    let (code, stdout, stderr) = rules(&server, folder.path(), &["backfill", "--from=-29h"]);
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    assert!(stdout.contains("\n3 alerting rules passed over"), "{stdout}");
    let samples = |server: &Rushlight| {
        let answer = server.query("house:lamp:sum[28h]");
        let values = answer["data"]["result"][0]["values"].as_array().expect("samples").clone();
        let value = |v: &Value| (v[0].as_f64().unwrap(), v[1].as_str().unwrap().to_owned());
        values.iter().map(value).collect::<Vec<_>>()
    };
    let found = samples(&server);
    assert!((28 * 720 - 2..=28 * 720 + 1).contains(&found.len()), "{}", found.len());
    let apart = found.windows(2).map(|pair| pair[1].0 - pair[0].0).collect::<Vec<_>>();
    assert!(apart.iter().all(|apart| (apart - 5.0).abs() < 1e-3), "{apart:?}");
    let bright = found.iter().filter(|(_, value)| value == "12").count();
    assert!((1436..=1444).contains(&bright), "{bright}");
    assert_eq!(bright + found.iter().filter(|(_, value)| value == "6").count(), found.len());

    let (code, stdout, _) = rules(&server, folder.path(), &["backfill", "--from=-28h"]);
    assert_eq!(code, 0);
    assert!(stdout.contains(": 0 samples stored, 2"), "{stdout}");
    let server = server.kill_and_restart();
    let again = samples(&server);
    let common: Vec<_> = again.iter().filter(|sample| found.contains(sample)).collect();
    assert!(common.len() + 60 > found.len(), "{} of {}", common.len(), found.len());
}
