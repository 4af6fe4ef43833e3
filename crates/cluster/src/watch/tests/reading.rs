//! Objects are read one by one, whatever is wrong with others, and as many as there is room for.

use super::super::object::Read;
use super::*;

#[tokio::test]
async fn one_that_cannot_be_read_harms_no_other() {
    for is_streamed in [true, false] {
        let test = Test::new().await;
        test.server.trouble().no_initial_events(!is_streamed);
        for n in 0..50 {
            let spec = if n == 23 { json!({"n": "many"}) } else { json!({"n": n}) };
            test.server.apply(&pod("a", &format!("p{n}"), &spec));
        }
        let mut pods = test.pods();
        soon(pods.synced()).await;
        let state = pods.state();
        assert_eq!((state.objects, state.unreadable, state.synced), (50, 1, true));
        assert_eq!(pods.get("a", "p24").unwrap().object.as_ref().unwrap().spec.n, 24);
        let error = pods.get("a", "p23").unwrap().object.as_ref().unwrap_err().clone();
        assert!(error.contains("many"), "{error}");
        // Out of range later, and right again.
        test.apply(&[("p23", 7)]);
        eventually(|| pods.state().unreadable == 0).await;
        test.server.apply(&pod("a", "p1", &json!({"n": 70_000})));
        eventually(|| pods.state().unreadable == 1).await;
        assert!(pods.get("a", "p1").unwrap().object.is_err());
        test.delete("p1");
        eventually(|| pods.state().unreadable == 0).await;
        assert_eq!(pods.state().error, None);
    }
}

#[tokio::test]
async fn a_null_is_nothing() {
    let test = Test::new().await;
    test.server.apply(&pod("a", "x", &json!({"n": null, "text": "null"})));
    let mut pods = test.pods();
    soon(pods.synced()).await;
    let held = pods.get("a", "x").unwrap();
    let thing = held.object.as_ref().unwrap();
    assert_eq!((thing.spec.n, thing.spec.text.as_str()), (0, "null"));
}

#[tokio::test]
async fn why_a_secret_cannot_be_read_does_not_show_it() {
    let test = Test::new().await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "spec": "hunter2",
                        "metadata": {"namespace": "a", "name": "s"}});
    test.server.apply(&secret);
    let mut secrets: Following<Thing> = test.watches.follow(&Kind::SECRETS, Scope::one("a", "s"));
    soon(secrets.synced()).await;
    let held = secrets.get("a", "s").unwrap();
    let error = held.object.as_ref().unwrap_err();
    assert!(!error.contains("hunter2"), "{error}");
    assert!(!format!("{secrets:?}").contains("hunter2"));
}

#[tokio::test]
async fn there_is_room_for_so_many() {
    let test = Test::with_pace(Pace { max_objects: 10, ..fast() }).await;
    let names: Vec<String> = (10..22).map(|n| format!("p{n}")).collect();
    for name in &names {
        test.apply(&[(name, 1)]);
    }
    let mut pods = test.pods();
    soon(pods.synced()).await;
    let state = pods.state();
    assert_eq!((state.objects, state.left_out), (10, 2));
    assert_eq!(test.metrics.counts(&Kind::PODS).left_out.get(), 2);
    // Once there is some, those that were left out are found.
    for name in &names[..3] {
        test.delete(name);
    }
    let all: Vec<String> = names[3..].iter().map(|name| format!("a/{name}=1")).collect();
    until(&mut pods, &all.join(" ")).await;
    eventually(|| pods.state().left_out == 0).await;
}

#[test]
fn metadata_that_is_odd_is_read_as_far_as_it_goes() {
    let check = |text: &str, namespace: &str, name: &str, is_read: bool| {
        let read: Read<Thing> = serde_json::from_str(text).unwrap();
        assert_eq!((read.namespace(), read.name()), (namespace, name), "{text}");
        assert_eq!(read.held.object.is_ok(), is_read, "{text}");
    };
    check(r#"{"metadata":{"name":"a","namespace":"b"}}"#, "b", "a", true);
    check(r#"{"metadata":{"name":"a","namespace":null}}"#, "", "a", true);
    check(r#"{"metadata":{"name":"a","generation":"x"}}"#, "", "a", true);
    check(r#"{"metadata":{"name":7,"namespace":"b"},"spec":{"n":-1}}"#, "b", "", false);
    check(r#"{"metadata":[]}"#, "", "", true);
    check(r#"{"spec":null}"#, "", "", true);
    check("[1]", "", "", false);
}
