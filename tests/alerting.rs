//! Alerts: from a rule to those who are told, through restarts and reloads, and while nobody listens.

use crate::harness::{Page, Receiver, Rushlight, Target, vector, wait_for};
use crate::rules::groups;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

const LIT: &str = "lamp{room=\"hall\"} 5\n";
const DARK: &str = "lamp{room=\"hall\"} 0\n";
/// What the server is called by people, and by which path it is reached all the same.
const EXTERNAL: [&str; 2] = ["--web.external-url=http://example.org/prom", "--web.route-prefix=/"];

/// A rule that fires when a lamp is dark for long enough.
fn rule(hold: &str) -> String {
    format!(
        "  - alert: Dark\n    expr: lamp < 1\n    for: {hold}\n    labels: {{severity: page}}\n    \
         annotations: {{summary: '{{{{ $labels.room }}}} is at {{{{ $value }}}} on \
         {{{{ $externalLabels.cluster }}}}'}}\n"
    )
}

fn write_rules(folder: &Path, rules: &str) {
    let text = format!("groups:\n- name: lamps\n  rules:\n{rules}");
    std::fs::write(folder.join("lamps.yml"), text).expect("a writable folder");
}

fn config(target: &Target, alertmanagers: &str) -> String {
    format!(
        "global:\n  evaluation_interval: 200ms\n  external_labels: {{cluster: edge, replica: a, \
         severity: none}}\n\
         rule_files: [lamps.yml]\n\
         alerting:\n  alert_relabel_configs: [{{regex: replica, action: labeldrop}}]\n  \
         alertmanagers:\n{alertmanagers}\nscrape_configs:\n{}",
        target.job("house")
    )
}

fn fixed(address: SocketAddr) -> String {
    format!("  - path_prefix: /am\n    static_configs: [{{targets: ['{address}']}}]")
}

/// The alerts that `/api/v1/alerts` tells.
fn alerts(server: &Rushlight) -> Vec<Value> {
    let answer = server.get("/api/v1/alerts").json();
    assert_eq!(answer["status"], "success", "{answer}");
    answer["data"]["alerts"].as_array().expect("a list of alerts").clone()
}

#[track_caller]
fn in_state(server: &Rushlight, state: &str) -> Value {
    wait_for(&format!("an alert that is {state}"), || {
        alerts(server).into_iter().find(|alert| alert["state"] == state)
    })
}

#[track_caller]
fn ms(time: &Value) -> i64 {
    let text = time.as_str().expect("a time");
    text.parse::<jiff::Timestamp>().expect("a time of RFC 3339").as_millisecond()
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[test]
fn an_alert_is_pending_then_fires_and_is_resolved() {
    let folder = tempfile::tempdir().unwrap();
    let (target, receiver) = (Target::text(LIT), Receiver::start());
    write_rules(folder.path(), &rule("1s"));
    let flags = [EXTERNAL[0], EXTERNAL[1], "--rules.alert.resend-delay=1s"];
    let config = config(&target, &fixed(receiver.address));
    let server = Rushlight::start(folder.path(), &config, &flags);
    wait_for("the lamp", || (!vector(&server.query("lamp")).is_empty()).then_some(()));
    let known = wait_for("the Alertmanager", || {
        let answer = server.get("/api/v1/alertmanagers").json();
        let active = answer["data"]["activeAlertmanagers"].as_array().unwrap().clone();
        active.first().cloned()
    });
    assert_eq!(known["url"], format!("http://{}/am/api/v2/alerts", receiver.address));
    assert!(alerts(&server).is_empty());

    target.set(Page::Text(DARK.into()));
    let pending = in_state(&server, "pending");
    let own = json!({
        "alertname": "Dark", "instance": target.address.to_string(), "job": "house",
        "room": "hall", "severity": "page",
    });
    assert_eq!(pending["labels"], own);
    assert_eq!(pending["annotations"], json!({"summary": "hall is at 0 on edge"}));
    assert_eq!(pending["value"], "0e+00");
    assert!(receiver.alerts().is_empty(), "nobody is told before it fires");
    let series = |state: &str| vector(&server.query(&format!("ALERTS{{alertstate='{state}'}}")));
    wait_for("the series of the state", || (!series("pending").is_empty()).then_some(()));

    let firing = in_state(&server, "firing");
    assert_eq!(firing["activeAt"], pending["activeAt"]);
    let first = wait_for("a notification", || receiver.got().into_iter().next());
    assert!(first.head.starts_with("POST /am/api/v2/alerts HTTP/1.1\r\n"), "{}", first.head);
    let head = first.head.to_ascii_lowercase();
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
    let [alert] = first.alerts.as_slice() else { panic!("one alert: {:?}", first.alerts) };
    let starts_at = alert["startsAt"].clone();
    let expected = json!({
        "labels": {
            "alertname": "Dark", "cluster": "edge", "instance": target.address.to_string(),
            "job": "house", "room": "hall", "severity": "page",
        },
        "annotations": {"summary": "hall is at 0 on edge"},
        "startsAt": starts_at, "endsAt": alert["endsAt"],
        "generatorURL": "http://example.org/prom/graph?g0.expr=lamp+%3C+1&g0.tab=1",
    });
    assert_eq!(*alert, expected);
    // It is taken as ended when it is not told again for four times the delay.
    assert_eq!(ms(&alert["endsAt"]) - ms(&starts_at), 4_000);
    assert!(ms(&starts_at) - ms(&pending["activeAt"]) >= 1_000, "{alert} {pending}");
    wait_for("the series of the state", || (!series("firing").is_empty()).then_some(()));
    assert!(series("pending").is_empty());
    wait_for("the notification again", || (receiver.alerts().len() > 1).then_some(()));

    target.set(Page::Text(LIT.into()));
    let resolved = wait_for("the notification of the end", || {
        receiver.alerts().into_iter().find(|alert| ms(&alert["endsAt"]) <= now_ms())
    });
    assert_eq!(resolved["startsAt"], starts_at);
    assert_eq!(resolved["labels"], expected["labels"]);
    wait_for("the end of the alert", || alerts(&server).is_empty().then_some(()));
    wait_for("the end of its series", || {
        vector(&server.query("ALERTS or ALERTS_FOR_STATE")).is_empty().then_some(())
    });
    assert_eq!(groups(&server)[0]["rules"][0]["state"], "inactive");
}

#[test]
fn how_long_an_alert_waits_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text(DARK);
    write_rules(folder.path(), &rule("1h"));
    let server = Rushlight::start(folder.path(), &config(&target, "    []"), &[]);
    let since = ms(&in_state(&server, "pending")["activeAt"]);
    // The log is written every second; what is older than two survives.
    let rows = "count_over_time(ALERTS_FOR_STATE[1m]) >= 15";
    wait_for(rows, || (!vector(&server.query(rows)).is_empty()).then_some(()));
    let server = server.kill_and_restart();
    let restarted = now_ms();
    let restored = wait_for("the alert to wait on", || {
        let alert = alerts(&server).into_iter().next()?;
        // Until the state is restored it is as if it began now.
        (ms(&alert["activeAt"]) < restarted - 1_000).then_some(alert)
    });
    assert_eq!(restored["state"], "pending");
    // The time of the pause does not count; seconds are stored.
    assert!(ms(&restored["activeAt"]) >= since - 1_000, "{restored} {since}");
}

#[test]
fn a_reload_leaves_waiting_alerts_alone() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text(DARK);
    write_rules(folder.path(), &rule("1h"));
    let flags = ["--web.enable-lifecycle"];
    let server = Rushlight::start(folder.path(), &config(&target, "    []"), &flags);
    let pending = in_state(&server, "pending");
    // The group changes, the rule does not.
    write_rules(folder.path(), &format!("  - {{record: lit, expr: lamp}}\n{}", rule("1h")));
    assert_eq!(server.post("/-/reload", "").status, 200);
    wait_for("the new rule", || (!vector(&server.query("lit")).is_empty()).then_some(()));
    assert_eq!(alerts(&server)[0]["activeAt"], pending["activeAt"]);

    // A file that cannot be used changes nothing.
    write_rules(folder.path(), "  - {alert: Dark}\n");
    let response = server.post("/-/reload", "");
    assert_eq!(response.status, 500);
    assert!(response.text().contains("lamps.yml:4:13: "), "{}", response.text());
    assert_eq!(alerts(&server)[0]["activeAt"], pending["activeAt"]);
    assert_eq!(groups(&server)[0]["rules"].as_array().unwrap().len(), 2);
}

#[test]
fn alerts_arrive_once_somebody_listens_again() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text(DARK);
    write_rules(folder.path(), &rule("0s"));
    let address = Receiver::nowhere();
    let flags = ["--rules.alert.resend-delay=500ms"];
    let config = config(&target, &fixed(address));
    let server = Rushlight::start(folder.path(), &config, &flags);
    in_state(&server, "firing");
    let counted = |name: &str| {
        let page = server.get("/metrics").text();
        let lines = page.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum::<f64>()
    };
    let errors = || counted("prometheus_notifications_errors_total");
    wait_for("two failures to tell", || (errors() >= 2.0).then_some(()));
    // Rules and scrapes go on meanwhile.
    let evaluations = "prometheus_rule_group_iterations_total";
    let before = counted(evaluations);
    wait_for("evaluations", || (counted(evaluations) > before + 2.0).then_some(()));
    assert_eq!(vector(&server.query("up"))[0].1, 1.0);

    let receiver = Receiver::at(address);
    receiver.answer(500);
    wait_for("a notification", || receiver.alerts().into_iter().next());
    let failed = errors();
    wait_for("the answer 500 to count", || (errors() > failed).then_some(()));
    receiver.answer(200);
    let sent = receiver.got().len();
    let alert = wait_for("a notification that is taken", || {
        receiver.got().get(sent + 1).map(|notification| notification.alerts[0].clone())
    });
    assert_eq!(alert["labels"]["alertname"], "Dark");
    let failed = errors();
    let sent = receiver.got().len();
    wait_for("more notifications", || (receiver.got().len() > sent + 1).then_some(()));
    assert_eq!(errors(), failed);
}

#[test]
fn whom_to_tell_is_discovered() {
    let folder = tempfile::tempdir().unwrap();
    let (target, first, second) = (Target::text(DARK), Receiver::start(), Receiver::start());
    write_rules(folder.path(), &rule("0s"));
    let list = folder.path().join("am.json");
    let write = |address: SocketAddr| {
        let fresh = folder.path().join("fresh");
        std::fs::write(&fresh, format!("[{{\"targets\": [\"{address}\", \"gone:1\"]}}]")).unwrap();
        std::fs::rename(fresh, &list).unwrap();
    };
    write(first.address);
    let found = "  - file_sd_configs: [{files: [am.json]}]\n    relabel_configs:\n    \
                 - {source_labels: [__address__], regex: 'gone:.*', action: drop}\n    \
                 - {target_label: __alerts_path__, replacement: /other}";
    let config = config(&target, found);
    let server = Rushlight::start(folder.path(), &config, &["--rules.alert.resend-delay=200ms"]);
    let notification = wait_for("a notification", || first.got().into_iter().next());
    assert!(notification.head.starts_with("POST /other HTTP/1.1"), "{}", notification.head);
    let known = server.get("/api/v1/alertmanagers").json()["data"].clone();
    let url = |address: SocketAddr| json!([{"url": format!("http://{address}/other")}]);
    assert_eq!(known["activeAlertmanagers"], url(first.address));
    assert_eq!(known["droppedAlertmanagers"].as_array().unwrap().len(), 1, "{known}");
    write(second.address);
    wait_for("a notification of the other", || second.got().into_iter().next());
    let known = server.get("/api/v1/alertmanagers").json()["data"].clone();
    assert_eq!(known["activeAlertmanagers"], url(second.address));
    assert!(server.stop().success());
}

#[test]
fn what_waits_is_sent_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (target, receiver) = (Target::text(LIT), Receiver::start());
    write_rules(folder.path(), &rule("0s"));
    let config = config(&target, &fixed(receiver.address));
    let server = Rushlight::start(folder.path(), &config, &[]);
    target.set(Page::Text(DARK.into()));
    in_state(&server, "firing");
    assert!(server.stop().success());
    assert_eq!(receiver.alerts()[0]["labels"]["alertname"], "Dark");
}
