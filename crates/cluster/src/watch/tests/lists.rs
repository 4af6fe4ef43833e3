//! What is there comes as one list, and goes on from there.

use super::*;

#[tokio::test]
async fn a_list_comes_in_pages_where_it_cannot_be_streamed() {
    let test = Test::new().await;
    test.server.trouble().no_initial_events(true);
    test.apply(&[("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5), ("f", 6), ("g", 7)]);
    let mut pods = test.pods();
    soon(pods.synced()).await;
    assert_eq!(seen(&pods), "a/a=1 a/b=2 a/c=3 a/d=4 a/e=5 a/f=6 a/g=7");
    assert_eq!(test.asked("list"), 3, "three and three and one");
    test.apply(&[("h", 8)]);
    until(&mut pods, "a/a=1 a/b=2 a/c=3 a/d=4 a/e=5 a/f=6 a/g=7 a/h=8").await;
    assert_eq!(test.relists(), 0);
}

#[tokio::test]
async fn a_list_is_streamed_where_it_can_be() {
    let test = Test::new().await;
    test.apply(&[("a", 1), ("b", 2)]);
    let mut pods = test.pods();
    soon(pods.synced()).await;
    assert_eq!(seen(&pods), "a/a=1 a/b=2");
    assert_eq!((test.asked("list"), test.asked("watch")), (0, 1));
    let held = pods.get("a", "b").unwrap();
    let object = test.server.get("pods", "a", "b").unwrap();
    assert_eq!(&*held.meta.uid, object["metadata"]["uid"].as_str().unwrap());
    assert_eq!(
        &*held.meta.resource_version,
        object["metadata"]["resourceVersion"].as_str().unwrap()
    );
    assert_eq!(held.meta.generation, 1);
    assert_eq!(
        pods.state(),
        super::super::WatchState {
            synced: true,
            settled: true,
            objects: 2,
            ..super::super::WatchState::default()
        }
    );
}

#[tokio::test]
async fn a_streamed_list_that_never_comes_is_asked_for_in_pages() {
    let test = Test::with_pace(Pace { stalled: Duration::from_millis(200), ..fast() }).await;
    test.server.trouble().hang_watches(true);
    test.apply(&[("a", 1)]);
    let mut pods = test.pods();
    soon(pods.synced()).await;
    assert_eq!(seen(&pods), "a/a=1");
    assert_eq!(test.asked("list"), 1);
}

#[tokio::test]
async fn what_happens_later_is_told_object_by_object() {
    let test = Test::new().await;
    test.apply(&[("a", 1), ("b", 2)]);
    let mut pods = test.pods();
    assert_eq!(soon(pods.changes()).await, Changes::All);
    test.apply(&[("b", 3)]);
    assert_eq!(soon(pods.changes()).await, keys(["b"]));
    test.apply(&[("c", 4)]);
    assert_eq!(soon(pods.changes()).await, keys(["c"]));
    test.delete("a");
    assert_eq!(soon(pods.changes()).await, keys(["a"]));
    assert_eq!(seen(&pods), "a/b=3 a/c=4");
    assert_eq!(test.metrics.events(&Kind::PODS), [3, 1, 1]);
}

#[tokio::test]
async fn a_watch_that_ends_goes_on_where_it_was() {
    let test = Test::new().await;
    test.apply(&[("a", 1)]);
    let mut pods = test.pods();
    soon(pods.synced()).await;
    for n in 2..5 {
        let watches = test.asked("watch");
        test.server.hang_up();
        test.apply(&[("a", n)]);
        until(&mut pods, &format!("a/a={n}")).await;
        assert_eq!(test.asked("watch"), watches + 1);
    }
    assert_eq!((test.asked("list"), test.relists()), (0, 0));
    assert_eq!(pods.state().error, None, "an end is nothing unusual");
}

#[tokio::test]
async fn what_was_missed_is_found_by_a_list() {
    for is_streamed in [true, false] {
        let test = Test::new().await;
        test.server.trouble().no_initial_events(!is_streamed);
        test.apply(&[("a", 1), ("b", 2), ("c", 3)]);
        let mut pods = test.pods();
        assert_eq!(soon(pods.changes()).await, Changes::All);
        let before = pods.get("a", "b").unwrap();
        // All of this is one moment for those who watch.
        test.delete("a");
        test.apply(&[("c", 4), ("d", 5)]);
        test.server.forget();
        until(&mut pods, "a/b=2 a/c=4 a/d=5").await;
        assert_eq!(test.relists(), 1);
        assert!(Arc::ptr_eq(&before, &pods.get("a", "b").unwrap()), "is the same as before");
        test.apply(&[("b", 6)]);
        until(&mut pods, "a/b=6 a/c=4 a/d=5").await;
        assert_eq!(test.relists(), 1);
    }
}

#[tokio::test]
async fn selectors_are_the_servers() {
    let test = Test::new().await;
    test.apply(&[("a", 1), ("b", 2)]);
    let mut one: Following<Thing> = test.watches.follow(&Kind::PODS, Scope::one("a", "b"));
    soon(one.synced()).await;
    assert_eq!(seen(&one), "a/b=2");
    let mut labelled = pod("a", "c", &json!({"n": 3}));
    labelled["metadata"]["labels"] = json!({"app": "x"});
    test.server.apply(&labelled);
    let scope = Scope { labels: "app=x".to_owned(), ..Scope::all() };
    let mut some: Following<Thing> = test.watches.follow(&Kind::PODS, scope);
    soon(some.synced()).await;
    assert_eq!(seen(&some), "a/c=3");
    labelled["metadata"]["labels"] = json!({"app": "y"});
    test.server.apply(&labelled);
    until(&mut some, "").await;
}

#[tokio::test]
async fn kinds_of_the_cluster_have_no_namespace() {
    let test = Test::new().await;
    test.server.apply(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "box"},
                              "spec": {"n": 1}}));
    let scope = Scope::of_namespaces(["a", "b"]);
    let mut nodes: Following<Thing> = test.watches.follow(&Kind::NODES, scope);
    soon(nodes.synced()).await;
    assert_eq!(seen(&nodes), "box=1");
    assert_eq!(test.server.asked("watch", "nodes"), 1);
}
