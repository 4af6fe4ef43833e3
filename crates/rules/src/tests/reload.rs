//! A group goes on where an older version was.

use super::world::{MINUTE, World, alerts};
use crate::ActiveGroup;

/// Replaces the group by another version and evaluates that.
fn replace(world: &World, group: ActiveGroup, text: &str, at_ms: i64) -> ActiveGroup {
    let mut newer = world.group(text);
    newer.take_over(group);
    world.good(&mut newer, at_ms);
    newer
}

fn begin(world: &World, text: &str) -> ActiveGroup {
    world.put(MINUTE, &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 2.0)]);
    let mut group = world.group(text);
    world.good(&mut group, MINUTE);
    group
}

#[test]
fn series_of_rules_that_are_gone_end_and_others_go_on() {
    // Before, after, and what is there then.
    let check = |before: &str, after: &str, expected: &[&str]| {
        let world = World::new();
        let group = begin(&world, &format!("rules:{before}"));
        let group = replace(&world, group, &format!("rules:{after}"), 2 * MINUTE);
        world.check("{__name__=~\"r.?\"}", 2 * MINUTE, expected);
        // No gap before.
        let before = world.query("{__name__=~\"r.?\"}", MINUTE);
        assert_eq!(world.query("{__name__=~\"r.?\"}", 2 * MINUTE - 1), before);
        replace(&world, group, &format!("rules:{after}"), 3 * MINUTE);
        world.check("{__name__=~\"r.?\"}", 3 * MINUTE, expected);
    };
    let (r, s) = ("\n  - {record: r, expr: sum(x)}", "\n  - {record: rs, expr: sum(x)}");
    check(r, &format!("{s}{r}"), &["r 3", "rs 3"]);
    check(&format!("{s}{r}"), r, &["r 3"]);
    check(r, s, &["rs 3"]);
    // Another query: what it no longer gives ends.
    check("\n  - {record: r, expr: x}", "\n  - {record: r, expr: 'x{i=\"2\"}'}", &["r{i=\"2\"} 2"]);
    // Other labels make another rule; its series go on where they are the same.
    let other = "\n  - {record: r, expr: 'x{i=\"2\"}', labels: {i: '2'}}";
    check("\n  - {record: r, expr: x}", other, &["r{i=\"2\"} 2"]);
    // Of two of one name, the one with the same query is the same.
    let (a, b) = ("\n  - {record: r, expr: 'x{i=\"1\"}'}", "\n  - {record: r, expr: 'x{i=\"2\"}'}");
    check(&format!("{a}{b}"), b, &["r{i=\"2\"} 2"]);
    check(&format!("{a}{b}"), &format!("{b}{a}"), &["r{i=\"1\"} 1", "r{i=\"2\"} 2"]);
    check(&format!("{a}{a}"), a, &["r{i=\"1\"} 1"]);
}

#[test]
fn alerts_keep_their_time() {
    let check = |after: &str, expected: &str| {
        let world = World::new();
        let group = begin(&world, "rules:\n  - {alert: A, expr: 'x > 1', for: 2m}");
        let mut group = replace(&world, group, &format!("rules:\n  - {after}"), 2 * MINUTE);
        world.put(3 * MINUTE, &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 3.0)]);
        world.good(&mut group, 3 * MINUTE);
        assert_eq!(alerts(&group, 0).join(" "), expected, "{after}");
        let states: Vec<_> = group.rules()[0].alerts.iter().map(|a| a.state.as_str()).collect();
        let stored = world.query("ALERTS", 3 * MINUTE);
        assert_eq!(stored.len(), states.len(), "{stored:?}");
        for (stored, state) in stored.iter().zip(states) {
            assert!(stored.contains(state), "{stored}");
        }
    };
    check("{alert: A, expr: 'x > 1', for: 2m}", "{alertname=\"A\",i=\"2\"} firing 3");
    check("{alert: A, expr: 'x > 1.5', for: 2m}", "{alertname=\"A\",i=\"2\"} firing 3");
    check("{alert: A, expr: 'x > 1', for: 3m}", "{alertname=\"A\",i=\"2\"} pending 3");
    check(
        "{alert: A, expr: 'x > 1', for: 2m, labels: {l: v}}",
        "{alertname=\"A\",i=\"2\",l=\"v\"} pending 3",
    );
    check("{alert: B, expr: 'x > 1', for: 2m}", "{alertname=\"B\",i=\"2\"} pending 3");
    check("{alert: A, expr: 'x > 5', for: 2m}", "");
}

#[test]
fn a_query_that_fails_at_first_ends_nothing() {
    let world = World::new();
    let group = begin(&world, "rules:\n  - {record: r, expr: x}");
    let mut newer = world.group("rules:\n  - {record: r, expr: x * on() y}");
    newer.take_over(group);
    world.put(2 * MINUTE, &[("y", 1.0)]);
    assert_eq!(world.evaluate(&mut newer, 2 * MINUTE).failed(), 1);
    assert_eq!(world.query("r", 2 * MINUTE).len(), 2);
    let end = model::stale_marker();
    world.put(3 * MINUTE, &[("x{i=\"1\"}", end), ("x{i=\"2\"}", 2.0), ("y", 1.0)]);
    world.good(&mut newer, 3 * MINUTE);
    world.check("r", 3 * MINUTE, &["r 2"]);
}

#[test]
fn queries_that_never_went_well_leave_no_series_behind() {
    let world = World::new();
    let mut group = begin(&world, "rules:\n  - {record: r, expr: x}");
    for (minute, failing) in [(2, "x * on() x"), (3, "x + on() x")] {
        let mut newer = world.group(&format!("rules:\n  - {{record: r, expr: {failing}}}"));
        newer.take_over(group);
        assert_eq!(world.evaluate(&mut newer, minute * MINUTE).failed(), 1);
        group = newer;
    }
    replace(&world, group, "rules:\n  - {record: r, expr: count(x)}", 4 * MINUTE);
    world.check("r", 4 * MINUTE, &["r 2"]);
}

#[test]
fn a_group_that_is_gone_ends_but_for_what_moved() {
    let world = World::new();
    let text = "rules:\n  - {record: r, expr: x}\n  - {record: rs, expr: sum(x)}";
    let mut old = begin(&world, text);
    let mut new = ActiveGroup::new(
        "other.yml",
        &super::world::file("rules:\n  - {record: r, expr: x}").groups[0],
        &world.settings,
    );
    world.good(&mut new, 2 * MINUTE);
    world.good(&mut new, 3 * MINUTE);
    // The marker comes late, at a time at which the other one goes on.
    world.with_means(|means| old.end(2 * MINUTE + 30_000, means));
    for at_ms in [MINUTE, 2 * MINUTE, 2 * MINUTE + 40_000, 3 * MINUTE] {
        assert_eq!(world.query("r", at_ms).len(), 2, "{at_ms}");
    }
    world.check("rs", 2 * MINUTE, &["rs 3"]);
    world.check("rs", 3 * MINUTE, &[]);
}

#[test]
fn whoever_comes_back_is_not_ended() {
    let world = World::new();
    let text = "rules:\n  - {record: r, expr: x}";
    let mut old = begin(&world, text);
    let mut again = world.group(text);
    world.good(&mut again, 2 * MINUTE);
    world.with_means(|means| old.end(3 * MINUTE, means));
    assert_eq!(world.query("r", 3 * MINUTE).len(), 2);
    world.good(&mut again, 4 * MINUTE);
    assert_eq!(world.query("r", 4 * MINUTE).len(), 2);
}
