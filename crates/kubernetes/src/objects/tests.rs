//! Objects as they are read, and what they take.

use super::*;
use crate::resources::meta::NameOrNumber;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[track_caller]
fn check_refused<T: DeserializeOwned + Debug>(json: &str, part: &str) {
    let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
    assert!(error.contains(part), "{json}: {error}");
}

#[test]
fn maps_are_in_order_and_the_last_of_a_name_counts() {
    let check = |json: &str, expected: &[(&str, &str)]| {
        let map: Map = read(json);
        assert_eq!(map.iter().collect::<Vec<_>>(), expected, "{json}");
        assert_eq!((map.len(), map.is_empty()), (expected.len(), expected.is_empty()));
        for (name, text) in expected {
            assert_eq!(map.get(name), Some(*text), "{json}");
        }
        assert_eq!(map.get("other"), None);
    };
    check("null", &[]);
    check("{}", &[]);
    check(r#"{"b":"2","a":"1","c":null}"#, &[("a", "1"), ("b", "2"), ("c", "")]);
    check(r#"{"b":"2","a":"1","b":"3","a":"4","b":"5"}"#, &[("a", "4"), ("b", "5")]);
    check_refused::<Map>(r#"{"a":{}}"#, "map");
    check_refused::<Map>(r#"["a"]"#, "sequence");
}

#[test]
fn what_kubectl_keeps_is_not_kept() {
    let meta: ObjectMeta = read(
        r#"{"annotations":{"b":"1","kubectl.kubernetes.io/last-applied-configuration":"{}","a":"2"},
            "labels":{"kubectl.kubernetes.io/last-applied-configuration":"label"},"managedFields":[{}]}"#,
    );
    assert_eq!(meta.annotations.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "1")]);
    assert_eq!(meta.labels.len(), 1);
}

#[test]
fn a_null_is_nothing() {
    // As servers have it for a service without pods.
    let slice: EndpointSlice =
        read(r#"{"metadata":{"name":"a","labels":null},"endpoints":null,"ports":null}"#);
    assert_eq!((slice.endpoints.len(), slice.ports.len(), &*slice.metadata.name), (0, 0, "a"));
    let slice: EndpointSlice = read(
        r#"{"endpoints":[{"addresses":null,"conditions":null,"targetRef":null,"zone":null}],
            "ports":[{"port":null}]}"#,
    );
    assert_eq!((slice.endpoints[0].addresses.len(), slice.ports[0].port), (0, None));
    let pod: Pod = read(
        r#"{"metadata":null,"spec":{"nodeName":null,"containers":[{"name":"a","ports":
            [{"containerPort":null,"name":null}]}]},"status":{"conditions":null,"podIP":null}}"#,
    );
    assert_eq!((pod.spec.containers[0].ports[0].container_port, pod.status.ready), (0, None));
    let node: Node = read(r#"{"spec":null,"status":{"daemonEndpoints":{"kubeletEndpoint":null}}}"#);
    assert_eq!(node.status.daemon_endpoints.kubelet_endpoint.port, 0);
    let service: Service =
        read(r#"{"spec":{"ports":[{"port":80,"targetPort":null}],"selector":null},"status":null}"#);
    assert_eq!(service.spec.ports[0].target_port, None);
    let ingress: Ingress = read(r#"{"spec":{"rules":[{"host":null,"http":null}],"tls":null}}"#);
    assert!(ingress.spec.rules[0].http.is_none());
    let owner: Owner = read(r#"{"controller":null}"#);
    assert!(!owner.controller);
}

#[test]
fn what_is_looked_at_is_read() {
    let service: Service = read(
        r#"{"spec":{"selector":{"app":"a"},"ports":[{"port":1,"targetPort":"http"},
            {"port":2,"targetPort":8080}]}}"#,
    );
    let ports: Vec<_> = service.spec.ports.iter().map(|port| port.target_port.clone()).collect();
    let name = NameOrNumber::Name("http".to_owned());
    assert_eq!(ports, [Some(name), Some(NameOrNumber::Number(8080))]);
    assert_eq!(service.spec.selector.get("app"), Some("a"));
    let pod: Pod = read(
        r#"{"status":{"conditions":[{"type":"Initialized","status":"True","lastProbeTime":null},
            {"type":"Ready","status":"False"}]}}"#,
    );
    assert_eq!(pod.status.ready.as_deref(), Some("False"));
}

#[test]
fn a_value_of_a_wrong_type_is_refused() {
    let port = |value: &str| {
        format!(r#"{{"spec":{{"containers":[{{"ports":[{{"containerPort":{value}}}]}}]}}}}"#)
    };
    read::<Pod>(&port("65535"));
    check_refused::<Pod>(&port("65536"), "65536");
    check_refused::<Pod>(&port("-1"), "-1");
    check_refused::<Pod>(&port("\"http\""), "http");
    check_refused::<Pod>(r#"{"metadata":{"labels":{"a":1}}}"#, "integer");
    check_refused::<Pod>(r#"{"status":{"phase":["Running"]}}"#, "sequence");
    check_refused::<EndpointSlice>(r#"{"endpoints":[{"conditions":{"ready":"yes"}}]}"#, "yes");
    check_refused::<Service>(r#"{"spec":{"ports":{}}}"#, "map");
}

#[test]
fn what_pods_have_in_common_is_kept_once() {
    let pod = |name: &str| -> Pod {
        read(&format!(
            r#"{{"metadata":{{"name":"{name}","labels":{{"app":"a","tier":"{name}"}},
                "ownerReferences":[{{"kind":"ReplicaSet","name":"r","controller":true}}]}},
                "spec":{{"containers":[{{"name":"c","image":"i","ports":[{{"containerPort":1}}]}}]}}}}"#
        ))
    };
    let (one, two) = (pod("one"), pod("two"));
    assert_eq!(one.spec.containers.as_ptr(), two.spec.containers.as_ptr());
    assert_eq!(one.metadata.owner_references.as_ptr(), two.metadata.owner_references.as_ptr());
    assert_eq!(one.metadata.labels.get("tier"), Some("one"));
    assert_eq!(two.metadata.labels.get("tier"), Some("two"));
    assert_eq!(one.metadata.labels, pod("one").metadata.labels);
}

#[test]
fn what_is_packed_is_written_as_it_was() {
    let check = |text: &str| {
        let json = format!("{text:?}");
        assert_eq!(read::<Address>(&json).to_string(), text);
        assert_eq!(read::<Address>(&json).is_empty(), text.is_empty());
        assert_eq!(read::<Uid>(&json).to_string(), text);
        let status = |name: &str, id: &str| format!(r#"{{"name":{name:?},"containerID":{id:?}}}"#);
        let status: PodStatus = read(&format!(
            r#"{{"containerStatuses":[{},{}],"initContainerStatuses":[{},{}]}}"#,
            status("a", text),
            status("b", "cri-o://x"),
            status("a", "of init"),
            status("c", text),
        ));
        let id = |name, is_init| status.container_id(name, is_init);
        assert_eq!(id("a", false).as_deref(), Some(text));
        assert_eq!(id("b", false).as_deref(), Some("cri-o://x"));
        assert_eq!(id("a", true).as_deref(), Some("of init"));
        assert_eq!(id("c", true).as_deref(), Some(text));
        assert_eq!((id("c", false), id("d", true)), (None, None));
    };
    let digits = "0123456789abcdef".repeat(4);
    for text in
        ["", "10.0.0.7", "010.0.0.7", "10.0.0.7 ", "10.0.0", "fd00::7", "lamp.example.org", "é"]
    {
        check(text);
    }
    check("3b2a6f0e-8c1d-4e5f-9a0b-1c2d3e4f5a6b");
    check("3B2A6F0E-8C1D-4E5F-9A0B-1C2D3E4F5A6B");
    check("3b2a6f0e-8c1d-4e5f-9a0b1-c2d3e4f5a6b");
    check("3b2a6f0e-8c1d-4e5f-9a0b-1c2d3e4f5a6g");
    for runtime in ["containerd://", "cri-o://", "docker://", "pod://", ""] {
        check(&format!("{runtime}{digits}"));
        check(&format!("{runtime}{}", digits.to_uppercase()));
        check(&format!("{runtime}{digits}0"));
        check(&format!("{runtime}{}", &digits[1..]));
    }
}

#[test]
fn endpoints_have_few_addresses() {
    for expected in [&[][..], &["10.0.0.1"], &["10.0.0.1", "10.0.0.2"]] {
        let endpoint: SliceEndpoint = read(&format!(r#"{{"addresses":{expected:?}}}"#));
        let written: Vec<String> = endpoint.addresses.iter().map(Address::to_string).collect();
        assert_eq!(written, expected);
    }
}

/// The sizes that the memory of a cluster follows from; texts and what lists hold come on top.
#[test]
fn sizes_are_known() {
    let sizes = [
        size_of::<Text>(),
        size_of::<Option<Text>>(),
        size_of::<Address>(),
        size_of::<Pod>(),
        size_of::<SliceEndpoint>(),
    ];
    assert_eq!(sizes, [16, 16, 16, 280, 136]);
}
