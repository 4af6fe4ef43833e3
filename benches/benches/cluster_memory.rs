//! Bytes of resident memory per object of a cluster that is kept: pods as an API server has them, with
//! all that is of no interest, the addresses of services, and services. It prints and ends.
//!
//! A server, and whoever keeps its objects, are processes of their own, so that only the latter's
//! memory is counted: `cargo bench -p benches --bench cluster_memory`.

use apiserver::ApiServer;
use client::{Dialer, HttpConfig};
use cluster::access::{Access, Origin};
use cluster::watch::{Following, Kind, Metrics, Scope, Watches};
use kubernetes::objects::{EndpointSlice, Pod, Service};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

const APPS: u32 = 1_000;
const PODS_OF_APP: u32 = 10;
const NAMESPACES: u32 = 20;
const NODES: u32 = 100;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    match (value("--serve="), value("--keep=")) {
        (Some(lists), _) => runtime.block_on(serve(lists == "paged")),
        (_, Some(url)) => runtime.block_on(keep(url)),
        _ => ["streamed", "paged"].into_iter().for_each(measure),
    }
}

/// Starts both and shows what the second one says.
fn measure(lists: &str) {
    let own = std::env::current_exe().expect("this program");
    let mut server = Command::new(&own)
        .arg(format!("--serve={lists}"))
        .stdout(Stdio::piped())
        .stdin(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let mut url = String::new();
    let out = server.stdout.take().expect("is piped");
    BufReader::new(out).read_line(&mut url).expect("the server says where it is");
    println!("{lists} lists of {} pods", APPS * PODS_OF_APP);
    // Freed memory goes back at once, so that what is left is what is kept.
    let kept = Command::new(own)
        .arg(format!("--keep={}", url.trim()))
        .env("MALLOC_ARENA_MAX", "1")
        .env("MALLOC_MMAP_THRESHOLD_", "32768")
        .env("MALLOC_TRIM_THRESHOLD_", "4096")
        .status();
    assert!(kept.expect("this program starts").success(), "objects were kept");
    server.kill().expect("the server runs");
    server.wait().expect("the server ends");
}

/// Serves a cluster until it is killed.
async fn serve(is_paged: bool) {
    let server = ApiServer::start().await.expect("a port is free");
    server.trouble().no_initial_events(is_paged);
    let mut bytes = 0;
    for app in 0..APPS {
        for number in 0..PODS_OF_APP {
            let pod = pod(app, number);
            bytes += pod.to_string().len();
            server.apply(&pod);
        }
        for suffix in ["", "-headless"] {
            server.apply(&service(app, suffix));
            server.apply(&slice(app, suffix));
        }
    }
    eprintln!("bytes of JSON per pod: {}", bytes / (APPS * PODS_OF_APP) as usize);
    println!("{}", server.url());
    std::future::pending::<()>().await;
}

async fn keep(url: &str) {
    let origin = Origin::At { url: url.to_owned(), http: HttpConfig::default() };
    let access = Access::new(&origin, &Dialer::net(64), "rushlight/bench").expect("a URL");
    let watches = Watches::new(access.client(), Arc::new(Metrics::default()));
    let pods = kept::<Pod>(&watches, &Kind::PODS, "pod", |_| 1).await;
    let slices = kept(&watches, &Kind::ENDPOINT_SLICES, "endpoint", of_slice).await;
    let services = kept::<Service>(&watches, &Kind::SERVICES, "service", |_| 1).await;
    drop((pods, slices, services));
}

fn of_slice(slice: &EndpointSlice) -> usize {
    slice.endpoints.len()
}

/// Keeps all objects of a kind and prints the memory per thing.
async fn kept<T: DeserializeOwned + Send + Sync + 'static>(
    watches: &Watches,
    kind: &'static Kind,
    name: &str,
    things: fn(&T) -> usize,
) -> Following<T> {
    let (before, begun) = (resident("VmRSS:"), Instant::now());
    let mut following = watches.follow::<T>(kind, Scope::all());
    following.synced().await;
    let took = begun.elapsed();
    let mut count = 0;
    following.for_each(|_, held| count += held.object.as_ref().map_or(0, things));
    assert_eq!(following.state().unreadable, 0);
    let (after, peak) = (resident("VmRSS:"), resident("VmHWM:"));
    println!(
        "{name}: {count} kept in {took:.1?}, {:.0} bytes each; {:.1} MiB resident, {:.1} MiB at most",
        (after - before) / count as f64,
        after / 1048576.0,
        peak / 1048576.0,
    );
    following
}

/// A figure of this process in bytes.
fn resident(figure: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(figure));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) * 1024.0
}

/// Digits that look random and are the same each time.
fn hex(seed: u64, digits: usize) -> String {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::new();
    while text.len() < digits {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text += &format!("{state:016x}");
    }
    text.truncate(digits);
    text
}

fn uid(seed: u64) -> String {
    let hex = hex(seed, 32);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn namespace(app: u32) -> String {
    format!("team-{:02}", app % NAMESPACES)
}

fn app_name(app: u32) -> String {
    format!("checkout-service-{app:04}")
}

fn id(app: u32, number: u32) -> u64 {
    u64::from(app) * 1000 + u64::from(number)
}

fn ip(app: u32, number: u32) -> String {
    let n = app * PODS_OF_APP + number;
    format!("10.{}.{}.{}", 64 + n / 65536, n / 256 % 256, n % 256)
}

fn pod_name(app: u32, number: u32) -> String {
    let suffix = &hex(id(app, number), 5);
    format!("{}-{}-{suffix}", app_name(app), hex(u64::from(app), 10))
}

fn node(app: u32, number: u32) -> String {
    format!("ip-10-0-{}.eu-central-1.compute.internal", (app * 7 + number * 13) % NODES)
}

fn labels(app: u32) -> Value {
    json!({"app.kubernetes.io/name": app_name(app), "app.kubernetes.io/instance": app_name(app),
           "app.kubernetes.io/version": "1.42.0", "app.kubernetes.io/component": "backend",
           "app.kubernetes.io/part-of": format!("shop-{}", app % 10),
           "app.kubernetes.io/managed-by": "Helm"})
}

/// Who wrote which fields: the longest part of many objects.
fn managed_fields() -> Value {
    let fields = |names: &[&str]| {
        let all: serde_json::Map<String, Value> = names
            .iter()
            .map(|name| (format!("f:{name}"), json!({".": {}, "f:name": {}, "f:value": {}})))
            .collect();
        Value::Object(all)
    };
    let entry = |manager: &str, names: &[&str]| {
        json!({"manager": manager, "operation": "Update", "apiVersion": "v1",
               "time": "2024-05-01T10:00:00Z", "fieldsType": "FieldsV1",
               "fieldsV1": {"f:metadata": fields(names), "f:spec": fields(names),
                            "f:status": fields(names)}})
    };
    let names = ["annotations", "labels", "containers", "conditions", "volumes", "tolerations"];
    json!([
        entry("kube-controller-manager", &names),
        entry("kubelet", &names),
        entry("calico", &names[..3])
    ])
}

fn container(name: &str, app: u32, ports: &Value) -> Value {
    let env: Vec<Value> = (0..15)
        .map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("value {n} of {app}")}))
        .collect();
    let probe = json!({"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
                       "initialDelaySeconds": 5, "periodSeconds": 10, "failureThreshold": 3});
    json!({"name": name, "image": format!("registry.example.org/shop/{name}:1.42.{}", app % 7),
           "imagePullPolicy": "IfNotPresent", "env": env, "ports": ports,
           "command": ["/bin/server", "--config=/etc/server/config.yaml", "--log.level=info"],
           "resources": {"limits": {"cpu": "1", "memory": "1Gi"},
                         "requests": {"cpu": "100m", "memory": "256Mi"}},
           "livenessProbe": probe, "readinessProbe": probe,
           "securityContext": {"allowPrivilegeEscalation": false,
                               "capabilities": {"drop": ["ALL"]}},
           "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
           "volumeMounts": [{"name": "config", "mountPath": "/etc/server", "readOnly": true},
                            {"name": "kube-api-access", "readOnly": true,
                             "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]})
}

fn container_status(name: &str, seed: u64) -> Value {
    json!({"name": name, "ready": true, "started": true, "restartCount": 0,
           "image": format!("registry.example.org/shop/{name}:1.42.0"),
           "imageID": format!("registry.example.org/shop/{name}@sha256:{}", hex(7, 64)),
           "containerID": format!("containerd://{}", hex(seed, 64)),
           "state": {"running": {"startedAt": "2024-05-01T10:00:05Z"}}, "lastState": {}})
}

/// A pod of two containers and one that ran before, of a deployment by a chart.
fn pod(app: u32, number: u32) -> Value {
    let (seed, name) = (id(app, number), app_name(app));
    let mut own = labels(app);
    own["pod-template-hash"] = json!(hex(u64::from(app), 10));
    let ports = json!([{"name": "http", "containerPort": 8080, "protocol": "TCP"},
                       {"name": "metrics", "containerPort": 9090, "protocol": "TCP"}]);
    let proxy = json!([{"name": "http-envoy-prom", "containerPort": 15090, "protocol": "TCP"}]);
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "lastProbeTime": null,
               "lastTransitionTime": "2024-05-01T10:00:10Z"})
    };
    let conditions =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": pod_name(app, number), "namespace": namespace(app), "labels": own,
            "generateName": format!("{name}-{}-", hex(u64::from(app), 10)),
            "annotations": {
                "checksum/config": hex(u64::from(app), 64),
                "cni.projectcalico.org/containerID": hex(seed + 1, 64),
                "cni.projectcalico.org/podIP": format!("{}/32", ip(app, number)),
                "cni.projectcalico.org/podIPs": format!("{}/32", ip(app, number)),
                "kubectl.kubernetes.io/restartedAt": "2024-05-01T09:59:00Z",
                "prometheus.io/scrape": "true", "prometheus.io/port": "9090",
            },
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet",
                                 "name": format!("{name}-{}", hex(u64::from(app), 10)),
                                 "uid": uid(u64::from(app)), "controller": true,
                                 "blockOwnerDeletion": true}],
            "managedFields": managed_fields(),
        },
        "spec": {
            "nodeName": node(app, number), "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
            "containers": [container("server", app, &ports), container("istio-proxy", app, &proxy)],
            "initContainers": [container("istio-init", app, &json!([]))],
            "serviceAccountName": name, "schedulerName": "default-scheduler", "priority": 0,
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists",
                             "effect": "NoExecute", "tolerationSeconds": 300}],
            "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 100, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname",
                 "labelSelector": {"matchLabels": labels(app)}}}]}},
            "volumes": [{"name": "config", "configMap": {"name": name, "defaultMode": 420}},
                        {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
                            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                            {"configMap": {"name": "kube-root-ca.crt",
                             "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}],
        },
        "status": {
            "phase": "Running", "qosClass": "Burstable", "startTime": "2024-05-01T10:00:00Z",
            "hostIP": format!("10.0.0.{}", (app * 7 + number * 13) % NODES),
            "hostIPs": [{"ip": "10.0.0.1"}], "podIP": ip(app, number),
            "podIPs": [{"ip": ip(app, number)}],
            "conditions": conditions.map(condition),
            "containerStatuses": [container_status("server", seed * 3),
                                  container_status("istio-proxy", seed * 3 + 1)],
            "initContainerStatuses": [container_status("istio-init", seed * 3 + 2)],
        },
    })
}

fn service(app: u32, suffix: &str) -> Value {
    let cluster_ip = if suffix.is_empty() { ip(app, 255) } else { "None".to_owned() };
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": format!("{}{suffix}", app_name(app)), "namespace": namespace(app),
                     "labels": labels(app), "managedFields": managed_fields(),
                     "annotations": {"meta.helm.sh/release-name": app_name(app),
                                     "meta.helm.sh/release-namespace": namespace(app)}},
        "spec": {"type": "ClusterIP", "clusterIP": cluster_ip, "clusterIPs": [cluster_ip],
                 "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                 "selector": {"app.kubernetes.io/name": app_name(app)},
                 "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"},
                           {"name": "metrics", "port": 9090, "targetPort": 9090,
                            "protocol": "TCP"}]},
        "status": {"loadBalancer": {}},
    })
}

fn slice(app: u32, suffix: &str) -> Value {
    let mut own = labels(app);
    own["kubernetes.io/service-name"] = json!(format!("{}{suffix}", app_name(app)));
    own["endpointslice.kubernetes.io/managed-by"] = json!("endpointslice-controller.k8s.io");
    let endpoints: Vec<Value> = (0..PODS_OF_APP)
        .map(|number| {
            json!({"addresses": [ip(app, number)], "nodeName": node(app, number),
                   "zone": format!("eu-central-1{}", ["a", "b", "c"][number as usize % 3]),
                   "conditions": {"ready": true, "serving": true, "terminating": false},
                   "targetRef": {"kind": "Pod", "namespace": namespace(app),
                                 "name": pod_name(app, number), "uid": uid(id(app, number))}})
        })
        .collect();
    let name = format!("{}{suffix}-{}", app_name(app), hex(u64::from(app) + 5, 5));
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": name, "namespace": namespace(app), "labels": own,
                     "annotations": {"endpoints.kubernetes.io/last-change-trigger-time":
                                     format!("2024-05-01T10:{:02}:{:02}Z", app / 60 % 60, app % 60)},
                     "ownerReferences": [{"apiVersion": "v1", "kind": "Service",
                                          "name": format!("{}{suffix}", app_name(app)),
                                          "uid": uid(u64::from(app)), "controller": true,
                                          "blockOwnerDeletion": true}],
                     "managedFields": managed_fields()},
        "endpoints": endpoints,
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"},
                  {"name": "metrics", "port": 9090, "protocol": "TCP"}],
    })
}
