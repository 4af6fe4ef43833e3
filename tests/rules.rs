//! Recording rules: from a rule file to series, and through reloads.

use crate::harness::{Page, Rushlight, Target, vector, wait_for};
use serde_json::Value;
use std::path::Path;

/// A server whose rules come from `rules/*.yml`, evaluated every 200 ms.
fn start(folder: &Path, target: &Target) -> Rushlight {
    start_with(folder, target, &["--web.enable-lifecycle"])
}

fn start_with(folder: &Path, target: &Target, flags: &[&str]) -> Rushlight {
    let config = format!(
        "global: {{evaluation_interval: 200ms}}\nrule_files: ['rules/*.yml']\n\
         scrape_configs:\n{}",
        target.job("house")
    );
    Rushlight::start(folder, &config, flags)
}

fn write_rules(folder: &Path, file: &str, groups: &str) {
    let rules = folder.join("rules");
    std::fs::create_dir_all(&rules).expect("a writable folder");
    let text = format!("groups:\n{groups}");
    std::fs::write(rules.join(file), text).expect("a writable folder");
}

/// The groups that `/api/v1/rules` tells, in its order.
pub(crate) fn groups(server: &Rushlight) -> Vec<Value> {
    let answer = server.get("/api/v1/rules").json();
    assert_eq!(answer["status"], "success", "{answer}");
    answer["data"]["groups"].as_array().expect("a list of groups").clone()
}

/// The values of a query that has an answer within the time of patience.
fn seen(server: &Rushlight, query: &str) -> Vec<f64> {
    wait_for(query, || {
        let found = vector(&server.query(query));
        (!found.is_empty()).then(|| found.into_iter().map(|(_, value)| value).collect())
    })
}

#[test]
fn what_a_rule_records_is_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text("lamp{room=\"hall\"} 3\nlamp{room=\"attic\"} 4\n");
    write_rules(
        folder.path(),
        "lamps.yml",
        "- name: lamps\n  labels: {floor: all}\n  rules:\n  \
         - {record: 'house:lamp:sum', expr: sum(lamp)}\n  \
         - {record: 'house:lamp:twice', expr: '2 * house:lamp:sum', labels: {floor: none}}\n",
    );
    let server = start(folder.path(), &target);
    // The first good evaluation is told and its series can be queried, in this order.
    wait_for("an evaluation that found the lamps", || {
        let all = groups(&server);
        let rule = &all.first()?["rules"][0];
        assert_ne!(rule["health"], "err", "{rule}");
        let recorded = vector(&server.query("house:lamp:sum"));
        (rule["health"] == "ok" && !recorded.is_empty()).then_some(())
    });
    assert_eq!(seen(&server, "house:lamp:sum{floor='all'}"), [7.0]);
    // A rule sees what those before it recorded, at the same time.
    assert_eq!(seen(&server, "house:lamp:twice{floor='none'}"), [14.0]);
    let late = "timestamp(house:lamp:twice) == on() timestamp(house:lamp:sum)";
    seen(&server, late);

    let all = groups(&server);
    assert_eq!(all.len(), 1, "{all:?}");
    let file = folder.path().join("rules/lamps.yml").display().to_string();
    assert_eq!((&all[0]["name"], &all[0]["file"]), (&"lamps".into(), &file.into()));
    assert_eq!(all[0]["interval"], 0.2);
    let rule = &all[0]["rules"][1];
    assert_eq!(rule["name"], "house:lamp:twice");
    assert_eq!(rule["query"], "2 * house:lamp:sum");
    assert_eq!((&rule["type"], &rule["health"]), (&"recording".into(), &"ok".into()));

    // What is gone is gone with the next evaluation, not after the lookback.
    target.set(Page::Text("door 1\n".into()));
    wait_for("the end of the recorded series", || {
        vector(&server.query("house:lamp:sum or house:lamp:twice")).is_empty().then_some(())
    });
    let page = server.get("/metrics").text();
    for name in [
        "prometheus_rule_evaluations_total",
        "prometheus_rule_evaluation_failures_total",
        "prometheus_rule_group_iterations_total",
        "prometheus_rule_group_iterations_missed_total",
        "prometheus_rule_group_last_duration_seconds",
        "prometheus_rule_group_rules",
        "prometheus_notifications_alertmanagers_discovered",
        "prometheus_notifications_queue_capacity",
        "prometheus_sd_updates_total{name=\"notify\"}",
    ] {
        assert!(page.contains(&format!("\n{name}")), "{name} is not on the page");
    }
}

#[test]
fn a_bad_rule_file_keeps_the_old_rules() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text("lamp 3\n");
    let write = |file: &str, groups: &str| write_rules(folder.path(), file, groups);
    write("a.yml", "- name: a\n  rules: [{record: 'a:lamp', expr: lamp}]\n");
    let server = start(folder.path(), &target);
    seen(&server, "a:lamp");

    write(
        "b.yml",
        "- name: b\n  rules:\n  - {record: 'b:lamp', expr: 'sum(lamp'}\n  - {record: x}\n",
    );
    let response = server.post("/-/reload", "");
    assert_eq!(response.status, 500);
    let text = response.text();
    for part in [
        "rules/b.yml:4:30: group \"b\", rule 1, \"b:lamp\": could not parse expression: ",
        "rules/b.yml:5:14: group \"b\", rule 2, \"x\": field 'expr' must be set in rule",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(server.get("/metrics").text().contains("\nprometheus_config_last_reload_successful 0"));
    let evaluated = || groups(&server)[0]["lastEvaluation"].clone();
    let before = evaluated();
    wait_for("the old rules to go on", || (evaluated() != before).then_some(()));
    assert_eq!(groups(&server).len(), 1);

    write("b.yml", "- name: b\n  rules: [{record: 'b:lamp', expr: 'sum(lamp)'}]\n");
    write("a.yml", "- name: a\n  rules: [{record: 'a:lamp', expr: 2 * lamp}]\n");
    assert_eq!(server.post("/-/reload", "").status, 200);
    seen(&server, "b:lamp");
    seen(&server, "a:lamp == 6");
    let log = server.log();
    let told = |parts: &[&str]| log.lines().any(|line| parts.iter().all(|p| line.contains(p)));
    assert!(told(&["rule files were added", "rules/b.yml"]), "{log}");
    assert!(told(&["rule groups changed", "rules/a.yml;a"]), "{log}");

    // What a removed group recorded ends with it.
    std::fs::remove_file(folder.path().join("rules/a.yml")).unwrap();
    assert_eq!(server.post("/-/reload", "").status, 200);
    wait_for("the end of the series", || vector(&server.query("a:lamp")).is_empty().then_some(()));
    assert_eq!(groups(&server).len(), 1);
}

#[test]
fn a_rule_that_fails_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text("lamp{room=\"hall\"} 3\nlamp{room=\"attic\"} 4\n");
    write_rules(
        folder.path(),
        "a.yml",
        "- name: a\n  rules:\n  - {record: bad, expr: 'lamp * on() group_left() lamp'}\n  \
         - {record: good, expr: count(lamp)}\n\
         - name: b\n  limit: 1\n  rules:\n  - {record: many, expr: lamp}\n",
    );
    let server = start(folder.path(), &target);
    seen(&server, "good");
    let rules = wait_for("both failures", || {
        let rules: Vec<Value> = groups(&server)
            .iter()
            .flat_map(|group| group["rules"].as_array().expect("a list of rules").clone())
            .collect();
        (rules[0]["health"] == "err" && rules[2]["health"] == "err").then_some(rules)
    });
    assert_eq!(rules[1]["health"], "ok");
    let error = |i: usize| rules[i]["lastError"].as_str().unwrap().to_owned();
    assert!(error(0).contains("many-to-many matching not allowed"), "{}", error(0));
    assert!(error(2).contains("exceeded limit of 1 with 2 series"), "{}", error(2));
    assert!(vector(&server.query("bad or many")).is_empty());
}

#[test]
fn a_changed_rule_file_is_loaded_without_being_told() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text("lamp 3\n");
    let flags = ["--config.auto-reload", "--config.auto-reload-interval=1s"];
    let server = start_with(folder.path(), &target, &flags);
    assert!(groups(&server).is_empty());
    write_rules(folder.path(), "a.yml", "- name: a\n  rules: [{record: one, expr: lamp}]\n");
    seen(&server, "one");
    write_rules(folder.path(), "a.yml", "- name: a\n  rules: [{record: two, expr: lamp}]\n");
    seen(&server, "two");
    wait_for("the end of the other", || vector(&server.query("one")).is_empty().then_some(()));
}

#[test]
fn independent_rules_may_be_evaluated_together() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text("lamp 3\n");
    let mut rules = String::from("- name: a\n  rules:\n");
    for i in 0..20 {
        rules.push_str(&format!("  - {{record: 'r{i}', expr: lamp + {i}}}\n"));
    }
    rules.push_str("  - {record: last, expr: r0 + r19}\n");
    write_rules(folder.path(), "a.yml", &rules);
    let flags = ["--enable-feature=concurrent-rule-eval", "--rules.max-concurrent-evals=3"];
    let server = start_with(folder.path(), &target, &flags);
    assert_eq!(seen(&server, "last"), [25.0]);
    assert_eq!(vector(&server.query("{__name__=~'r[0-9]+'}")).len(), 20);
}
