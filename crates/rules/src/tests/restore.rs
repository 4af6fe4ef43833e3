//! `for` after a restart.

use super::world::{MINUTE, World, alerts};

const RULES: &str = "rules:\n\
    \x20 - {alert: Long, expr: x > 0, for: 30m, labels: {sev: '{{ $labels.i }}', l: v, alertname: Other}}\n\
    \x20 - {alert: Short, expr: x > 0, for: 5m}";

/// Minutes since an alert that holds from minute 100 on is pending after a restart: evaluated until
/// then, gone until then.
#[track_caller]
fn check(until: i64, back: i64, long_since: i64, short_since: i64) {
    let world = World::new();
    let mut group = world.group(RULES);
    for minute in 100..=until {
        world.put(minute * MINUTE, &[("x{i=\"1\"}", 1.0)]);
        world.good(&mut group, minute * MINUTE);
    }
    drop(group);
    let world = world.again();
    let mut group = world.group(RULES);
    group.hold_back();
    for minute in [back - 1, back] {
        world.put(minute * MINUTE, &[("x{i=\"1\"}", 1.0)]);
        world.good(&mut group, minute * MINUTE);
    }
    let end = [until * MINUTE + 1, back * MINUTE].map(|at_ms| world.query("ALERTS", at_ms).len());
    assert_eq!(end[0], 2, "nothing ended");
    assert_eq!(
        end[1],
        if back > until + 5 { 0 } else { 2 },
        "nothing is stored before it is known"
    );
    world.with_means(|means| group.restore(back * MINUTE, means));
    let since = |rule: usize| group.rules()[rule].alerts[0].active_at_ms / MINUTE;
    assert_eq!((since(0), since(1)), (long_since, short_since));
    let next = back + 1;
    world.put(next * MINUTE, &[("x{i=\"1\"}", 1.0)]);
    world.good(&mut group, next * MINUTE);
    let fires = next - long_since >= 30;
    let state = if fires { "firing" } else { "pending" };
    assert_eq!(
        alerts(&group, 0),
        [format!("{{alertname=\"Long\",i=\"1\",l=\"v\",sev=\"1\"}} {state} 1")]
    );
    assert_eq!(world.query("ALERTS", next * MINUTE).len(), 2);
}

#[test]
fn it_goes_on_where_it_was() {
    // It fired before.
    check(135, 145, 100, 144);
    check(131, 180, 100, 179);
    // It was pending, with time left: that time is not counted.
    check(110, 120, 110, 119);
    // With little time left it waits for the grace period at least.
    check(125, 140, 120, 139);
    // Away for too long.
    check(131, 200, 199, 199);
}

#[test]
fn alerts_that_ended_are_not_restored() {
    let world = World::new();
    let mut group = world.group(RULES);
    world.put(MINUTE, &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 1.0)]);
    world.good(&mut group, MINUTE);
    world.put(2 * MINUTE, &[("x{i=\"1\"}", 0.0), ("x{i=\"2\"}", 1.0)]);
    world.good(&mut group, 2 * MINUTE);
    drop(group);
    let world = world.again();
    let mut group = world.group(RULES);
    group.hold_back();
    world.put(10 * MINUTE, &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 1.0)]);
    world.good(&mut group, 10 * MINUTE);
    world.with_means(|means| group.restore(10 * MINUTE, means));
    let since: Vec<_> =
        group.rules()[0].alerts.iter().map(|alert| alert.active_at_ms / MINUTE).collect();
    assert_eq!(since, [10, 9]);
}

#[test]
fn a_reload_before_the_restore_goes_on_holding_back() {
    let world = World::new();
    let mut group = world.group(RULES);
    for minute in 1..=20 {
        world.put(minute * MINUTE, &[("x{i=\"1\"}", 1.0)]);
        world.good(&mut group, minute * MINUTE);
    }
    let world = world.again();
    let mut group = world.group(RULES);
    group.hold_back();
    world.put(30 * MINUTE, &[("x{i=\"1\"}", 1.0)]);
    world.good(&mut group, 30 * MINUTE);
    let mut newer = world.group(&format!("{RULES}\n  - {{record: r, expr: x}}"));
    newer.take_over(group);
    world.good(&mut newer, 31 * MINUTE);
    world.check("ALERTS", 31 * MINUTE, &[]);
    world.with_means(|means| newer.restore(31 * MINUTE, means));
    assert_eq!(newer.rules()[0].alerts[0].active_at_ms, 12 * MINUTE);
}
