//! The manifests of `deploy/`.

use super::Cluster;
use super::cluster::{series, told};
use crate::harness::wait_for;
use serde_json::Value;
use std::path::Path;

fn manifests() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("is an entry").path();
        if path.extension().is_some_and(|end| end == "yaml") {
            let text = std::fs::read_to_string(&path).expect("is a text");
            let name = path.file_name().expect("is a file").to_string_lossy().into_owned();
            let objects: Vec<Value> =
                serde_saphyr::from_multiple(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            found.extend(objects.into_iter().map(|object| (name.clone(), object)));
        }
    }
    found
}

#[test]
fn manifests_hang_together() {
    let all = manifests();
    assert!(all.len() > 10, "{}", all.len());
    let of = |kind: &str| {
        let chosen = all.iter().filter(|(_, object)| object["kind"] == kind);
        chosen.map(|(file, object)| (file.as_str(), object)).collect::<Vec<_>>()
    };
    let [(_, set)] = of("StatefulSet")[..] else { panic!("one stateful set") };
    let pod = &set["spec"]["template"];
    let labels = pod["metadata"]["labels"].as_object().unwrap();
    let ports: Vec<_> = pod["spec"]["containers"][0]["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| port["name"].clone())
        .collect();
    for (file, service) in of("Service") {
        for (key, value) in service["spec"]["selector"].as_object().unwrap() {
            assert_eq!(labels.get(key), Some(value), "{file}");
        }
        for port in service["spec"]["ports"].as_array().unwrap() {
            assert!(ports.contains(&port["targetPort"]), "{file}");
            assert!(["http-web", "web"].contains(&port["name"].as_str().unwrap()), "{file}");
        }
    }
    let [(_, account)] = of("ServiceAccount")[..] else { panic!("one account") };
    let who = &account["metadata"];
    assert_eq!(pod["spec"]["serviceAccountName"], who["name"]);
    assert_eq!(set["metadata"]["namespace"], who["namespace"]);
    let roles: Vec<_> = ["ClusterRole", "Role"].into_iter().flat_map(of).collect();
    for (file, binding) in ["ClusterRoleBinding", "RoleBinding"].into_iter().flat_map(of) {
        let subject = &binding["subjects"][0];
        assert_eq!((&subject["name"], &subject["namespace"]), (&who["name"], &who["namespace"]));
        let reference = &binding["roleRef"];
        let is_it = |role: &Value| {
            role["kind"] == reference["kind"] && role["metadata"]["name"] == reference["name"]
        };
        assert!(roles.iter().any(|(at, role)| *at == file && is_it(role)), "{file}");
    }
}

/// The roles of these files.
fn roles(files: &[&str]) -> Vec<Value> {
    let all = manifests().into_iter().filter(|(file, _)| files.contains(&file.as_str()));
    all.map(|(_, object)| object).collect()
}

#[test]
fn the_roles_suffice_and_what_they_lack_is_told() {
    let cluster = Cluster::start("lightning-asr");
    let trouble = cluster.server.trouble();
    trouble.grant(&roles(&["rbac.yaml"]));
    cluster.apply("lightning-asr/objects.yaml");
    let status = || {
        let monitor = cluster.server.get("servicemonitors", "smallest", "lightning-asr")?;
        monitor.pointer("/status/bindings/0/conditions/0/status").cloned()
    };
    let server = cluster.inside();
    series(&server, "asr_active_requests", 2);
    told(&server, &["servicemonitors/status", "patch"]);
    assert_eq!(status(), None);
    drop(server);
    trouble.grant(&roles(&["rbac.yaml", "rbac-report.yaml"]));
    let server = cluster.inside();
    wait_for("the status", || status().filter(|status| status == "True"));
    assert!(!server.log().contains("/status"), "{}", server.log());
}
