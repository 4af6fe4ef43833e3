//! The life of alerts, their series and what is sent about them.

use super::world::{MINUTE, World, alerts, shown};
use crate::ActiveGroup;
use model::stale_marker;

/// Evaluates a rule minute by minute; for each the value, what the alert is then, and what is sent.
#[track_caller]
fn check_life(rule: &str, life: &[(f64, &str, &[&str])]) {
    let world = World::new();
    let mut group = world.group(&format!("rules:\n  - {rule}"));
    for (minute, (value, state, sent)) in (1..).zip(life) {
        let at_ms = minute * MINUTE;
        world.put(at_ms, &[("x{i=\"1\"}", *value)]);
        world.good(&mut group, at_ms);
        let states: Vec<_> =
            group.rules()[0].alerts.iter().map(|a| a.state.as_str().to_owned()).collect();
        assert_eq!(states.join(" "), *state, "minute {minute}");
        let told: Vec<_> = world
            .sent
            .take()
            .iter()
            .map(|a| format!("{} {}", a.starts_at_ms / MINUTE, a.ends_at_ms / MINUTE))
            .collect();
        assert_eq!(told, *sent, "minute {minute}");
        let series: Vec<_> = world.query("ALERTS", at_ms);
        let expected = state.split(' ').filter(|s| !s.is_empty());
        let expected =
            expected.map(|s| format!("ALERTS{{alertname=\"A\",alertstate=\"{s}\",i=\"1\"}} 1"));
        assert_eq!(series, expected.collect::<Vec<_>>(), "minute {minute}");
        assert_eq!(world.query("ALERTS_FOR_STATE", at_ms).len(), series.len(), "minute {minute}");
    }
}

#[test]
fn from_pending_to_resolved() {
    check_life(
        "{alert: A, expr: x > 0, for: 2m}",
        &[
            (0.0, "", &[]),
            (1.0, "pending", &[]),
            (1.0, "pending", &[]),
            (1.0, "firing", &["4 8"]),
            (2.0, "firing", &[]),
            (2.0, "firing", &["4 10"]),
            (0.0, "", &["4 7"]),
            (0.0, "", &[]),
            (0.0, "", &["4 7"]),
            (1.0, "pending", &[]),
            (0.0, "", &[]),
            (1.0, "pending", &[]),
            (1.0, "pending", &[]),
            (1.0, "firing", &["14 18"]),
        ],
    );
    check_life(
        "{alert: A, expr: x > 0}",
        &[(1.0, "firing", &["1 5"]), (0.0, "", &["1 2"]), (1.0, "firing", &["3 7"])],
    );
    check_life(
        "{alert: A, expr: x > 0, keep_firing_for: 2m}",
        &[
            (1.0, "firing", &["1 5"]),
            (0.0, "firing", &[]),
            (0.0, "firing", &["1 7"]),
            (1.0, "firing", &[]),
            (0.0, "firing", &["1 9"]),
            (0.0, "firing", &[]),
            (0.0, "", &["1 7"]),
        ],
    );
    // What is pending is not kept.
    check_life(
        "{alert: A, expr: x > 0, for: 1m, keep_firing_for: 5m}",
        &[(1.0, "pending", &[]), (0.0, "", &[]), (stale_marker(), "", &[])],
    );
}

#[test]
fn resolved_ones_are_told_for_a_quarter_of_an_hour() {
    let world = World::new();
    let mut group = world.group("rules:\n  - {alert: A, expr: x > 0}");
    world.put(MINUTE, &[("x", 1.0)]);
    world.good(&mut group, MINUTE);
    assert_eq!(world.sent.take().len(), 1);
    let mut told = Vec::new();
    for minute in 2..40 {
        world.put(minute * MINUTE, &[("x", 0.0)]);
        world.good(&mut group, minute * MINUTE);
        for alert in world.sent.take() {
            assert_eq!(alert.ends_at_ms, 2 * MINUTE);
            told.push(minute);
        }
    }
    assert_eq!(told, [2, 4, 6, 8, 10, 12, 14, 16]);
}

#[test]
fn long_intervals_decide_when_alerts_end_by_themselves() {
    let world = World::new();
    let text = "groups:\n- name: g\n  interval: 5m\n  rules:\n  - {alert: A, expr: vector(1)}";
    let mut group = world.group(text);
    world.good(&mut group, MINUTE);
    assert_eq!(world.sent.take()[0].ends_at_ms, 21 * MINUTE);
}

#[test]
fn since_when_it_holds_is_stored_in_seconds() {
    let world = World::new();
    let mut group = world.group("rules:\n  - {alert: A, expr: vector(1), for: 5m, labels: {l: v}}");
    world.good(&mut group, 61_500);
    world.good(&mut group, 90_000);
    let expected = "ALERTS_FOR_STATE{alertname=\"A\",l=\"v\"} 61";
    world.check("ALERTS_FOR_STATE", 90_000, &[expected]);
    assert_eq!(group.rules()[0].alerts[0].active_at_ms, 61_500);
}

#[test]
fn labels_and_annotations_are_filled_in() {
    let mut world = World::new();
    world.settings.external_labels = super::world::labels("{cluster=\"c\"}");
    world.settings.external_url = "http://p/x".into();
    world.put(MINUTE, &[("x{i=\"1\",job=\"j\"}", 0.95), ("y{z=\"1\"}", 7.0)]);
    let mut group = world.group(
        "rules:\n\
         \x20 - alert: A\n\
         \x20   expr: x > 0.5\n\
         \x20   labels: {sev: '{{ if gt $value 0.9 }}page{{ else }}mail{{ end }}', i: '', job: '', gone: '{{ $labels.none }}'}\n\
         \x20   annotations:\n\
         \x20     a: '{{ $labels.job }} {{ $value | humanizePercentage }} {{ $labels.__name__ }} {{ $externalLabels.cluster }}'\n\
         \x20     b: plain\n\
         \x20     c: '{{ with query \"y\" }}{{ . | first | value }}{{ end }} {{ externalURL }}'\n\
         \x20     d: '{{ query \"y +\" }}'\n\
         \x20     e: '{{ $labels.none }}'\n\
         \x20     f: '{{ range query \"scalar(y)\" }}{{ .Value }}{{ end }}'",
    );
    let evaluated = world.evaluate(&mut group, MINUTE);
    assert_eq!((evaluated.failed(), evaluated.rules[0].failed_expansions), (0, 1));
    let sent = world.sent.take();
    assert_eq!(shown(&sent[0].labels), "{alertname=\"A\",sev=\"page\"}");
    assert_eq!(sent[0].generator_url, "http://p/x/graph?g0.expr=x+%3E+0.5&g0.tab=1");
    let texts: Vec<_> = sent[0].annotations.iter().map(|(n, t)| format!("{n}={t}")).collect();
    assert_eq!(texts[..3], ["a=j 95% x c", "b=plain", "c=7 http://p/x"]);
    assert!(texts[3].starts_with("d=<error expanding template: error executing template __alert_A: template: __alert_A:1:"), "{}", texts[3]);
    assert_eq!(texts[4..], ["e=", "f=7"]);
    // Texts follow the value, and what they ask for, from evaluation to evaluation.
    world.put(2 * MINUTE, &[("x{i=\"1\",job=\"j\"}", 0.95), ("y{z=\"1\"}", 8.0)]);
    world.good(&mut group, 2 * MINUTE);
    assert_eq!(group.rules()[0].alerts[0].annotations[2].1, "8 http://p/x");
    world.put(3 * MINUTE, &[("x{i=\"1\",job=\"j\"}", 0.6), ("y{z=\"1\"}", 8.0)]);
    world.good(&mut group, 3 * MINUTE);
    assert_eq!(alerts(&group, 0), ["{alertname=\"A\",sev=\"mail\"} firing 0.6"]);
    let resolved: Vec<_> = world.sent.take().iter().map(|a| shown(&a.labels)).collect();
    assert_eq!(resolved.len(), 2, "one is over, another begins");
}

#[test]
fn only_what_changed_is_filled_in_again() {
    let world = World::new();
    let mut group =
        world.group("rules:\n  - {alert: A, expr: x, annotations: {v: '{{ $value }}'}}");
    let expansions = |group: &mut ActiveGroup, minute: i64, a: f64, b: f64| {
        world.put(minute * MINUTE, &[("x{i=\"1\"}", a), ("x{i=\"2\"}", b)]);
        let count = world.evaluate(group, minute * MINUTE).rules[0].expansions;
        let rules = group.rules();
        let texts = rules[0].alerts.iter().map(|alert| alert.annotations[0].1.clone());
        assert_eq!(texts.collect::<Vec<_>>(), [a.to_string(), b.to_string()]);
        count
    };
    assert_eq!(expansions(&mut group, 1, 1.0, 2.0), 2);
    assert_eq!(expansions(&mut group, 2, 1.0, 2.0), 0);
    assert_eq!(expansions(&mut group, 3, 1.0, 3.0), 1);
    // A query that fails fills in nothing.
    let stopped = promql::Control::default();
    stopped.cancel();
    let evaluated = world.with_means(|means| {
        group.evaluate(4 * MINUTE, &crate::Means { control: &stopped, ..*means })
    });
    assert_eq!((evaluated.failed(), evaluated.rules[0].expansions), (1, 0));
}

#[test]
fn a_limit_forgets_alerts() {
    let world = World::new();
    let text = "groups:\n- name: g\n  limit: 1\n  rules:\n  - {alert: A, expr: x > 0, for: 2m}";
    let mut group = world.group(text);
    world.put(MINUTE, &[("x{i=\"1\"}", 1.0)]);
    world.good(&mut group, MINUTE);
    world.put(2 * MINUTE, &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 1.0)]);
    assert_eq!(world.evaluate(&mut group, 2 * MINUTE).failed(), 1);
    assert!(group.rules()[0].alerts.is_empty());
    world.put(3 * MINUTE, &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 0.0)]);
    world.good(&mut group, 3 * MINUTE);
    assert_eq!(group.rules()[0].alerts[0].active_at_ms, 3 * MINUTE);
}

#[test]
fn a_failure_leaves_alerts_as_they_are() {
    let world = World::new();
    let text = "rules:\n  - {alert: A, expr: x * on() y > 0, for: 2m}";
    let mut group = world.group(text);
    for minute in 1..4 {
        world.put(minute * MINUTE, &[("x", 1.0), ("y{a=\"1\"}", 1.0)]);
        if minute == 2 {
            let text = "rules:\n  - {alert: A, expr: x, labels: {a: ''}}";
            let mut other = world.group(text);
            world.good(&mut other, minute * MINUTE + 1);
            continue;
        }
        world.good(&mut group, minute * MINUTE);
    }
    assert_eq!(alerts(&group, 0), ["{alertname=\"A\"} firing 1"]);
    world.put(4 * MINUTE, &[("x", 1.0), ("y{a=\"1\"}", 1.0), ("y{a=\"2\"}", 1.0)]);
    assert_eq!(world.evaluate(&mut group, 4 * MINUTE).failed(), 1);
    assert_eq!(alerts(&group, 0), ["{alertname=\"A\"} firing 1"]);
    assert_eq!(world.query("ALERTS", 4 * MINUTE).len(), 1);
}

#[test]
fn texts_that_are_no_templates_say_so() {
    let world = World::new();
    let mut file = super::world::file("rules:\n  - {alert: A, expr: vector(1)}");
    // Labels of a group are not read as templates before.
    file.groups[0].labels = model::Labels::from_pairs([("l", "{{ nofunc }}")]);
    let mut group = ActiveGroup::new("f", &file.groups[0], &world.settings);
    world.good(&mut group, MINUTE);
    let expected = "<error expanding template: error parsing template __alert_A: template: \
                    __alert_A:1: function \"nofunc\" not defined>";
    assert_eq!(group.rules()[0].alerts[0].labels.get("l"), Some(expected));
}

#[test]
fn a_panic_is_the_error_of_its_rule() {
    /// Panics at the first row of a rule.
    struct Trap<'a>(&'a tsdb::Db);
    impl storage::Appendable for Trap<'_> {
        fn open_group(
            &self,
            spec: &storage::GroupSpec,
        ) -> Result<Box<dyn storage::Group>, storage::AppendError> {
            assert!(!spec.key.contains(";trap;"), "trapped");
            self.0.open_group(spec)
        }
    }
    let world = World::new();
    let mut group = world
        .group("rules:\n  - {record: trap, expr: vector(1)}\n  - {record: r, expr: vector(1)}");
    let evaluated = world.with_means(|means| {
        let trap = Trap(&world.db);
        group.evaluate(MINUTE, &crate::Means { sink: &trap, ..*means })
    });
    assert_eq!(evaluated.rules[0].error.as_deref(), Some("panic: trapped"));
    assert_eq!(evaluated.failed(), 1);
    world.check("r", MINUTE, &["r 1"]);
    world.good(&mut group, 2 * MINUTE);
    world.check("trap", 2 * MINUTE, &["trap 1"]);
}
