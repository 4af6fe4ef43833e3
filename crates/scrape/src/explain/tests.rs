use super::*;
use crate::tests::world::{Manner, World};

const CONFIG: &str = "
- job_name: node
  scrape_interval: 10s
  keep_dropped_targets: 1
  relabel_configs:
  - {source_labels: [__address__], regex: 'drop.*', action: drop}
  - {source_labels: [__address__], regex: '(.*):.*', target_label: host}
- job_name: few
  scrape_interval: 10s
  target_limit: 1
";

async fn world() -> World {
    let world = World::new();
    world.targets.page("h:1", "a 1\n");
    world.targets.set("down:1", Manner::Close);
    world.apply(CONFIG);
    let node = ["h:1", "drop:1", "drop:2", "h:1", "bad/address", "down:1"];
    world.discover(&[("node", &node), ("few", &["f:1", "f:2"])]);
    world.pass(20_000).await;
    world
}

#[tokio::test(start_paused = true)]
async fn every_discovered_target_of_a_job_is_told() {
    let world = world().await;
    let told = explain(&world.manager.snapshot(), "node").unwrap();
    assert_eq!((told.len(), told[0].discovered, told[0].left_out), (1, 6, 0));
    let states: Vec<_> = told[0].targets.iter().map(|target| target.state.as_str()).collect();
    assert_eq!(states, ["up", "dropped", "dropped", "duplicate", "invalid", "down"]);
    let reasons: Vec<_> = told[0].targets.iter().map(|target| target.state.reason()).collect();
    assert_eq!(reasons[0], None);
    assert_eq!(reasons[1].as_deref(), Some("rule 1 of relabel_configs dropped it"));
    let hidden =
        "rule 1 of relabel_configs dropped it; keep_dropped_targets hides it from the list";
    assert_eq!(reasons[2].as_deref(), Some(hidden));
    assert_eq!(reasons[4].as_deref(), Some("\"bad/address\" is not a valid hostname"));
    assert!(reasons[5].as_deref().unwrap().contains("EOF"), "{reasons:?}");
    let up = &told[0].targets[0];
    assert_eq!(up.discovered.get("__metrics_path__"), Some("/metrics"));
    assert_eq!(up.labels.as_ref().unwrap().get("host"), Some("h"));
    let steps: Vec<_> = up.steps.iter().map(|step| (step.rule, step.outcome)).collect();
    assert_eq!(steps, [(1, Outcome::Unchanged), (2, Outcome::Changed)]);
    assert_eq!(up.steps[1].before.get("host"), None);
    assert_eq!(up.steps[1].after.get("host"), Some("h"));
    let State::Scraped { status, diagnosis } = &up.state else { panic!("{:?}", up.state) };
    assert_eq!((status.counts.series, diagnosis.is_none()), (1, true));
    let State::Scraped { diagnosis, .. } = &told[0].targets[5].state else { panic!() };
    assert_eq!(diagnosis.as_ref().unwrap().reason, crate::Reason::Fetch);
}

#[tokio::test(start_paused = true)]
async fn one_target_is_found_by_what_people_know_of_it() {
    let world = world().await;
    let snapshot = world.manager.snapshot();
    for asked in ["http://h:1/metrics", "h:1"] {
        let told = explain(&snapshot, asked).unwrap();
        assert_eq!(told[0].job, "node");
        assert!(told[0].targets.iter().all(|t| t.url.as_deref() == Some("http://h:1/metrics")));
    }
    let told = explain(&snapshot, "drop:2").unwrap();
    assert_eq!(told[0].targets.len(), 1);
    let told = explain(&snapshot, "http://f:2/metrics").unwrap();
    let reason = told[0].targets[0].state.reason();
    let expected = "the job has 2 targets and target_limit allows 1, so none is scraped";
    assert_eq!(reason.as_deref(), Some(expected));
    let error = explain(&snapshot, "nodes").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no job and no target is called \"nodes\"; did you mean \"node\"?"
    );
    assert_eq!(explain(&snapshot, "unlike-anything").unwrap_err().nearest, None);
}
