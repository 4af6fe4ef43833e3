//! Followers share watches, and each has a place of its own in the changes.

use super::*;

#[tokio::test]
async fn those_who_follow_the_same_share_one_watch() {
    let test = Test::new().await;
    test.apply(&[("a", 1)]);
    let (mut first, mut second) = (test.pods(), test.pods());
    let mut third = first.clone();
    for pods in [&mut first, &mut second, &mut third] {
        assert_eq!(soon(pods.changes()).await, Changes::All);
        assert_eq!(seen(pods), "a/a=1");
    }
    assert_eq!(test.asked("watch"), 1);
    test.apply(&[("b", 2)]);
    assert_eq!(soon(first.changes()).await, keys(["b"]));
    test.apply(&[("c", 3)]);
    assert_eq!(soon(first.changes()).await, keys(["c"]));
    assert_eq!(soon(second.changes()).await, keys(["b", "c"]), "told together");
    // Another scope, and another view of the same objects, are other watches.
    let scope = Scope::of_namespaces(["a"]);
    let mut other: Following<Thing> = test.watches.follow(&Kind::PODS, scope);
    let mut values: Following<Value> = test.watches.follow(&Kind::PODS, Scope::all());
    soon(other.synced()).await;
    soon(values.synced()).await;
    assert_eq!(test.asked("watch"), 3);
    let held = values.get("a", "c").unwrap();
    assert_eq!(held.object.as_ref().unwrap()["spec"]["n"], json!(3));
}

#[tokio::test]
async fn the_last_to_leave_ends_the_watch() {
    let test = Test::new().await;
    test.apply(&[("a", 1)]);
    let mut first = test.pods();
    let second = first.clone();
    soon(first.synced()).await;
    drop(first);
    test.apply(&[("a", 2)]);
    let mut second = second;
    until(&mut second, "a/a=2").await;
    let tasks = test.watches.tasks();
    assert_eq!(tasks.len(), 1);
    drop(second);
    eventually(|| tasks.is_empty()).await;
    // Whoever comes later finds a new one.
    test.apply(&[("a", 3)]);
    let mut third = test.pods();
    soon(third.synced()).await;
    assert_eq!(seen(&third), "a/a=3");
    assert_eq!(test.asked("watch"), 2);
}

#[tokio::test]
async fn too_many_changes_are_all() {
    let test = Test::with_pace(Pace { max_changes: 3, ..fast() }).await;
    let mut asks = test.pods();
    let mut never_asks = test.pods();
    assert_eq!(soon(asks.changes()).await, Changes::All);
    assert_eq!(soon(never_asks.changes()).await, Changes::All);
    for (n, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        test.apply(&[(name, u16::try_from(n).unwrap())]);
        assert_eq!(soon(asks.changes()).await, keys([name]));
    }
    assert_eq!(soon(never_asks.changes()).await, Changes::All);
    // The same object again and again is one change.
    for n in 10..20 {
        test.apply(&[("a", n)]);
        assert_eq!(soon(asks.changes()).await, keys(["a"]));
    }
    assert_eq!(soon(never_asks.changes()).await, keys(["a"]));
}

#[tokio::test]
async fn shutdown_ends_all_and_leaves_what_is_known() {
    let test = Test::new().await;
    test.apply(&[("a", 1)]);
    let mut pods = test.pods();
    soon(pods.synced()).await;
    soon(test.watches.shutdown()).await;
    assert!(test.watches.tasks().is_empty());
    assert_eq!(seen(&pods), "a/a=1");
}

#[tokio::test]
async fn several_namespaces_are_one_view() {
    let test = Test::new().await;
    for (namespace, n) in [("a", 1), ("b", 2), ("c", 3)] {
        test.server.apply(&pod(namespace, "x", &json!({"n": n})));
    }
    let scope = Scope::of_namespaces(["a", "b"]);
    let mut pods: Following<Thing> = test.watches.follow(&Kind::PODS, scope);
    assert_eq!(soon(pods.changes()).await, Changes::All);
    assert_eq!(seen(&pods), "a/x=1 b/x=2");
    assert_eq!(test.asked("watch"), 2);
    test.server.apply(&pod("b", "y", &json!({"n": 4})));
    until(&mut pods, "a/x=1 b/x=2 b/y=4").await;
    // A new list of both finds what is gone in either.
    test.server.delete("pods", "a", "x");
    test.server.forget();
    until(&mut pods, "b/x=2 b/y=4").await;
}
