//! The objects of an application as its state wants them.

use super::scenario::App;
use super::{Pod, State};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A slice holds so many endpoints, as the controller of a cluster makes them.
const MAX_IN_SLICE: usize = 100;

pub(super) fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace",
           "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
           "status": {"phase": "Active"}})
}

pub(super) fn node(number: usize) -> Value {
    let name = format!("node-{number}");
    json!({"apiVersion": "v1", "kind": "Node",
           "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
           "status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"},
                                    {"type": "Hostname", "address": name}],
                      "conditions": [{"type": "Ready", "status": "True"}],
                      "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}})
}

fn hash(revision: u32) -> String {
    format!("{:08x}", 0x9e37_79b9_u32.wrapping_mul(revision + 1))
}

fn owner(kind: &str, name: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name,
            "controller": true, "blockOwnerDeletion": true}])
}

pub(super) fn service(app: &App, cluster_ip: &str) -> Value {
    let labels = app.labels();
    let ports: Vec<Value> = app
        .ports
        .iter()
        .map(|(name, port)| {
            json!({"name": name, "port": port, "targetPort": name, "protocol": "TCP"})
        })
        .collect();
    json!({"apiVersion": "v1", "kind": "Service",
           "metadata": {"name": app.name, "namespace": app.namespace, "labels": labels},
           "spec": {"type": "ClusterIP", "clusterIP": cluster_ip, "clusterIPs": [cluster_ip],
                    "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                    "selector": labels, "ports": ports}})
}

pub(super) fn deployment(app: &App, revision: u32, ready: usize) -> [Value; 2] {
    let set = format!("{}-{}", app.name, hash(revision));
    let spec = json!({"replicas": app.pods, "selector": {"matchLabels": app.labels()}});
    let status = json!({"replicas": app.pods, "readyReplicas": ready});
    let of = |kind: &str, name: &str| {
        json!({"apiVersion": "apps/v1", "kind": kind, "spec": spec, "status": status,
               "metadata": {"name": name, "namespace": app.namespace, "labels": app.labels()}})
    };
    let (deployment, mut set) = (of("Deployment", &app.name), of("ReplicaSet", &set));
    set["metadata"]["ownerReferences"] = owner("Deployment", &app.name);
    [deployment, set]
}

pub(super) fn pod_name(app: &App, revision: u32, number: u64) -> String {
    format!("{}-{}-{number:05}", app.name, hash(revision))
}

pub(super) fn pod(app: &App, pod: &Pod) -> Value {
    let mut labels = app.labels();
    labels.insert("pod-template-hash".to_owned(), hash(pod.revision));
    let ports: Vec<Value> = app
        .ports
        .iter()
        .map(|(name, port)| json!({"name": name, "containerPort": port, "protocol": "TCP"}))
        .collect();
    let ready = if pod.state == State::Ready { "True" } else { "False" };
    let image = format!("registry.example.org/{}:{}", app.name, pod.revision);
    let mut object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": pod.name, "namespace": app.namespace, "labels": labels,
            "ownerReferences": owner("ReplicaSet", &format!("{}-{}", app.name, hash(pod.revision))),
        },
        "spec": {"nodeName": pod.node,
                 "containers": [{"name": app.name, "image": image, "ports": ports}]},
        "status": {"phase": if pod.state == State::Pending { "Pending" } else { "Running" },
                   "hostIP": "127.0.0.1",
                   "conditions": [{"type": "Ready", "status": ready}]},
    });
    if pod.state != State::Pending {
        let ip = pod.address.to_string();
        object["status"]["podIP"] = json!(ip);
        object["status"]["podIPs"] = json!([{"ip": ip}]);
        object["status"]["containerStatuses"] = json!([{
            "name": app.name, "ready": pod.state == State::Ready,
            "containerID": format!("containerd://{}", pod.name)}]);
    }
    if pod.state == State::Ending {
        object["metadata"]["deletionTimestamp"] = json!("2024-01-01T00:00:30Z");
    }
    object
}

fn target(app: &App, pod: &Pod) -> Value {
    json!({"kind": "Pod", "name": pod.name, "namespace": app.namespace})
}

pub(super) fn endpoints(app: &App, pods: &[Pod]) -> Value {
    let addresses = |is_wanted: &dyn Fn(&Pod) -> bool| -> Vec<Value> {
        let chosen = pods.iter().filter(|pod| is_wanted(pod));
        chosen
            .map(|pod| {
                json!({"ip": pod.address.to_string(), "nodeName": pod.node,
                       "targetRef": target(app, pod)})
            })
            .collect()
    };
    let mut subset = json!({"ports": app.ports.iter().map(|(name, port)| {
        json!({"name": name, "port": port, "protocol": "TCP"})
    }).collect::<Vec<_>>()});
    let ready = addresses(&|pod| pod.state == State::Ready);
    let not_ready = addresses(&|pod| pod.state == State::Running);
    let subsets = if ready.len() + not_ready.len() == 0 { vec![] } else { vec![&mut subset] };
    let subsets: Vec<&Value> = subsets
        .into_iter()
        .map(|subset| {
            for (key, list) in [("addresses", &ready), ("notReadyAddresses", &not_ready)] {
                if !list.is_empty() {
                    subset[key] = json!(list);
                }
            }
            &*subset
        })
        .collect();
    json!({"apiVersion": "v1", "kind": "Endpoints",
           "metadata": {"name": app.name, "namespace": app.namespace, "labels": app.labels()},
           "subsets": subsets})
}

/// All slices, by name; there is one at least.
pub(super) fn slices(app: &App, pods: &[Pod]) -> BTreeMap<String, Value> {
    let mut labels = app.labels();
    labels.insert("kubernetes.io/service-name".to_owned(), app.name.clone());
    labels.insert(
        "endpointslice.kubernetes.io/managed-by".to_owned(),
        "endpointslice-controller.k8s.io".to_owned(),
    );
    let ports: Vec<Value> = app
        .ports
        .iter()
        .map(|(name, port)| json!({"name": name, "port": port, "protocol": "TCP"}))
        .collect();
    let known: Vec<&Pod> = pods.iter().filter(|pod| pod.state != State::Pending).collect();
    let mut pieces: Vec<&[&Pod]> = known.chunks(MAX_IN_SLICE).collect();
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let slice = |(number, pods): (usize, &[&Pod])| {
        let name = format!("{}-{number:05}", app.name);
        let endpoints: Vec<Value> = pods
            .iter()
            .map(|pod| {
                json!({"addresses": [pod.address.to_string()], "nodeName": pod.node,
                       "conditions": {"ready": pod.state == State::Ready,
                                      "serving": pod.state != State::Running,
                                      "terminating": pod.state == State::Ending},
                       "targetRef": target(app, pod)})
            })
            .collect();
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "namespace": app.namespace, "labels": labels,
                         "ownerReferences": [{"apiVersion": "v1", "kind": "Service",
                                              "name": app.name, "uid": app.name,
                                              "controller": true}]},
            "addressType": "IPv4", "ports": ports, "endpoints": endpoints});
        (name, slice)
    };
    pieces.into_iter().enumerate().map(slice).collect()
}
