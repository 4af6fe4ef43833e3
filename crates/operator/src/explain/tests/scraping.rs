//! Targets: who dropped them, which limit they pass, why they are down.

use super::super::facts::Facts;
use super::service_monitor::ASR;
use super::world::{World, all_down, all_up, over_limit, targets, world};
use scrape::{Health, Reason, State};

fn asr() -> World {
    world(ASR)
}

fn relabelings(rules: &str) -> World {
    asr().edit("[{port: metrics}]", &format!("[{{port: metrics, relabelings: [{rules}]}}]"))
}

#[test]
fn a_rule_of_the_object_drops_all() {
    let rule = "{sourceLabels: [__meta_kubernetes_pod_container_name], regex: web, action: keep}";
    let explanation = relabelings(&format!("{{targetLabel: a, replacement: b}}, {rule}")).fails(
        "relabeling",
        "the only target is dropped by rule 14, spec.endpoints[0].relabelings[1]",
        "correct or remove spec.endpoints[0].relabelings[1]: action: keep, source_labels: \
         [__meta_kubernetes_pod_container_name], regex: web",
    );
    assert_eq!(
        explanation.details("relabeling"),
        [
            "1 dropped by rule 14, spec.endpoints[0].relabelings[1]: action: keep, source_labels: \
             [__meta_kubernetes_pod_container_name], regex: web",
            "10.0.0.1:2269 has __meta_kubernetes_pod_container_name=\"asr\"",
        ]
    );
    assert_eq!(explanation.targets.states, [("dropped", 1)].into());
    assert_eq!(explanation.targets.examples[0].target, "10.0.0.1:2269");
}

#[test]
fn a_rule_of_every_form_is_known_again() {
    for rule in [
        "{sourceLabels: [a, b], separator: '/', regex: 'x(.*)', action: Keep}",
        "{sourceLabels: [namespace], regex: smallest, action: drop}",
        "{sourceLabels: [pod], targetLabel: namespace, action: keepequal}",
    ] {
        let explanation = relabelings(rule).explained();
        let check = explanation.checks.iter().find(|check| check.check == "relabeling").unwrap();
        let message = "the only target is dropped by rule 13, spec.endpoints[0].relabelings[0]";
        assert_eq!(check.message, message, "{rule}");
    }
}

#[test]
fn a_rule_makes_targets_that_are_none() {
    let rule = "{targetLabel: __address__, replacement: 'a/b'}";
    let explanation = relabelings(rule).fails(
        "relabeling",
        "no valid target: 10.0.0.1:2269 has \"a/b\" is not a valid hostname",
        "correct what spec.endpoints[0].relabelings makes of __address__",
    );
    assert_eq!(explanation.targets.states, [("invalid", 1)].into());
}

#[test]
fn pods_that_have_ended() {
    let ended = asr().edit("phase: Running", "phase: Failed");
    ended.fails(
        "relabeling",
        "the only target is dropped by rule 10, which drops Pods that have ended",
        "start the Pods again; those that have ended are only scraped with filterRunning: false",
    );
}

#[test]
fn other_shards_have_the_targets() {
    let shards = "
kind: Prometheus
metadata: {name: k8s, namespace: monitoring}
spec: {shards: 1000000, serviceDiscoveryRole: EndpointSlice}
";
    asr().and(shards).fails(
        "relabeling",
        "the only target is dropped by rule 15, which keeps the targets of our shard",
        "look at the other shards, or set shards: 1 in our configuration",
    );
}

#[test]
fn rules_of_a_scrape_class() {
    let class = "
kind: Prometheus
metadata: {name: k8s, namespace: monitoring}
spec:
  serviceDiscoveryRole: EndpointSlice
  scrapeClasses:
  - {name: all, default: true, relabelings: [{sourceLabels: [pod], regex: 'x', action: keep}]}
";
    asr().and(class).fails(
        "relabeling",
        "the only target is dropped by rule 13, of a scrape class or of our settings",
        "look for this rule in scrapeClasses: action: keep, source_labels: [pod], regex: x",
    );
}

#[test]
fn some_targets_are_dropped() {
    let second = "ports: [{name: metrics, port: 2269}, {name: grpc, port: 9000}]\nendpoints";
    let world = asr().edit("ports: [{name: metrics, port: 2269}]\nendpoints", second);
    let explanation = world.given(all_up).passes();
    assert_eq!(
        explanation.details("relabeling"),
        [
            "1 dropped by rule 3, which keeps the port of spec.endpoints[0]: action: keep, source_labels: \
          [__meta_kubernetes_endpointslice_port_name], regex: metrics"
        ]
    );
}

#[test]
fn limits_that_are_passed() {
    let limit = |field: &str| {
        asr().edit("  endpoints: [{port", &format!("  {field}\n  endpoints: [{{port"))
    };
    let explanation = limit("sampleLimit: 10").given(over_limit("sample_limit", 10, 11)).fails(
        "limits",
        "http://10.0.0.1:2269/metrics passes sampleLimit: 11, allowed are 10",
        "raise spec.sampleLimit above 11, or expose less",
    );
    assert_eq!(explanation.details("limits"), ["first beyond it: asr_total_requests{}"]);
    let scrapes = explanation.checks.last().unwrap();
    assert_eq!(scrapes.fix.as_deref(), Some("raise the limit, see \"limits\""));
    limit("sampleLimit: 100").given(over_limit("sample_limit", 10, 11)).fails(
        "limits",
        "http://10.0.0.1:2269/metrics passes sampleLimit: 11, allowed are 10",
        "raise sampleLimit or enforcedSampleLimit in our configuration above 11, or expose less",
    );
    limit("bodySizeLimit: 1KB").given(over_limit("body_size_limit", 1024, 2000)).fails(
        "limits",
        "http://10.0.0.1:2269/metrics passes bodySizeLimit: 2000, allowed are 1024",
        "raise spec.bodySizeLimit above 2000, or expose less",
    );
    asr().given(over_limit("label_limit", 3, 4)).fails(
        "limits",
        "http://10.0.0.1:2269/metrics passes labelLimit: 4, allowed are 3",
        "raise labelLimit or enforcedLabelLimit in our configuration above 4, or expose less",
    );
    let over = |facts: &mut Facts| {
        for target in targets(facts) {
            target.state = State::OverTargetLimit { targets: 7, limit: 5 };
        }
    };
    let explanation = limit("targetLimit: 5").given(over).fails(
        "limits",
        "7 targets and targetLimit allows 5, so none is scraped",
        "raise spec.targetLimit above 7, or expose less",
    );
    assert_eq!(explanation.targets.states, [("over target limit", 1)].into());
}

#[track_caller]
fn check_down(reason: Reason, error: &'static str, fix: &str) {
    let message = format!("the only target is down: http://10.0.0.1:2269/metrics: {error}");
    let explanation = asr().given(all_down(reason, error)).fails("scrapes", &message, fix);
    let verdict = "ServiceMonitor smallest/lightning-asr has 1 target (1 down): ";
    assert_eq!(explanation.verdict, format!("{verdict}{message}"));
}

#[test]
fn targets_that_cannot_be_reached() {
    let check = |error, fix| check_down(Reason::Fetch, error, fix);
    check(
        "dial tcp 10.0.0.1:2269: connect: connection refused",
        "nothing listens at 10.0.0.1:2269: let the process listen on that port of all addresses \
         (0.0.0.0, not 127.0.0.1), or correct the port",
    );
    check(
        "dial tcp 10.0.0.1:2269: connect: no route to host",
        "no way leads to 10.0.0.1:2269: look for a NetworkPolicy that keeps us out, or for a node that \
         is gone",
    );
    check(
        "dial tcp: lookup asr: no such host",
        "the name of 10.0.0.1:2269 is not known: correct the address",
    );
    check(
        "EOF",
        "the target closes the connection: look at its log; if it speaks TLS, write \
                  spec.endpoints[0].scheme: https",
    );
    check("something else", "ask http://10.0.0.1:2269/metrics by hand from a Pod of ours");
    check_down(
        Reason::Timeout,
        "context deadline exceeded",
        "the target takes too long: raise spec.endpoints[0].scrapeTimeout (at most the interval), or \
         make the page smaller; if it never answers, look for a NetworkPolicy that keeps us out",
    );
}

#[test]
fn targets_with_tls() {
    let check = |error, fix| check_down(Reason::Fetch, error, fix);
    check(
        "tls: first record does not look like a TLS handshake",
        "the target speaks plain HTTP: write spec.endpoints[0].scheme: http",
    );
    check(
        "malformed HTTP response: x",
        "if the target speaks TLS, write spec.endpoints[0].scheme: https",
    );
    check(
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "name who signs its certificate in spec.endpoints[0].tlsConfig.ca, or set \
         spec.endpoints[0].tlsConfig.insecureSkipVerify: true",
    );
    check(
        "tls: failed to verify certificate: x509: certificate is valid for a, not 10.0.0.1",
        "write the name in its certificate as spec.endpoints[0].tlsConfig.serverName",
    );
    check(
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
        "renew the certificate of 10.0.0.1:2269",
    );
    check(
        "remote error: tls: certificate required",
        "it asks for a certificate of ours: give one by spec.endpoints[0].tlsConfig.cert and \
         spec.endpoints[0].tlsConfig.keySecret",
    );
    check(
        "oauth2: cannot fetch token: 401 Unauthorized",
        "look at spec.endpoints[0].oauth2: its tokenUrl and its secret",
    );
}

#[test]
fn targets_that_answer_something_else() {
    let status = |status, fix| check_down(Reason::Status, status, fix);
    status(
        "server returned HTTP status 404 Not Found",
        "there is no page at http://10.0.0.1:2269/metrics: write where it is as spec.endpoints[0].path",
    );
    status(
        "server returned HTTP status 401 Unauthorized",
        "give credentials in spec.endpoints[0]: authorization, basicAuth or oauth2",
    );
    status(
        "server returned HTTP status 403 Forbidden",
        "let the credentials of spec.endpoints[0] read the page, or give others",
    );
    status(
        "server returned HTTP status 400 Bad Request",
        "look at what it answers at http://10.0.0.1:2269/metrics; if it speaks TLS, write \
         spec.endpoints[0].scheme: https",
    );
    status(
        "server returned HTTP status 302 Found",
        "redirects are not followed: write the page's own address, or \
         spec.endpoints[0].followRedirects: true",
    );
    status("server returned HTTP status 503 Service Unavailable", "look at the target's own log");
    check_down(
        Reason::ContentType,
        "received unsupported Content-Type \"text/html\"",
        "http://10.0.0.1:2269/metrics is no page of metrics: correct spec.endpoints[0].path; if it is \
         one, write spec.fallbackScrapeProtocol: PrometheusText0.0.4",
    );
    check_down(
        Reason::Syntax,
        "expected value after metric (line 2, column 3)",
        "the page is broken or is none: mend the exporter, or correct spec.endpoints[0].path; \
         `rushlight explain target http://10.0.0.1:2269/metrics` shows the place",
    );
    check_down(
        Reason::Series,
        "label name \"a\" is not unique",
        "mend the exporter: `rushlight explain target http://10.0.0.1:2269/metrics` shows the series",
    );
    check_down(
        Reason::Storage,
        "too many series",
        "look at our own log: the samples could not be stored",
    );
}

#[test]
fn some_targets_are_down() {
    let second = "
- addresses: [10.0.0.2]
- addresses: [10.0.0.3]
---
kind: Pod";
    let three = || asr().edit("\n---\nkind: Pod", second);
    let explanation = three()
        .given(all_down(Reason::Fetch, "EOF"))
        .given(|facts| {
            let first = targets(facts).next().unwrap();
            let State::Scraped { status, .. } = &mut first.state else { panic!("is scraped") };
            status.health = Health::Up;
        })
        .explained();
    let check = explanation.checks.last().unwrap();
    assert_eq!(check.message, "2 of 3 targets are down; http://10.0.0.2:2269/metrics: EOF");
    assert_eq!(check.details, ["http://10.0.0.3:2269/metrics: EOF"]);
    assert_eq!(explanation.targets.states, [("down", 2), ("up", 1)].into());
    let states: Vec<_> = explanation.targets.examples.iter().map(|e| e.state).collect();
    assert_eq!(states, ["down", "down", "up"]);
    let up = three().given(all_up).passes();
    assert_eq!(up.verdict, "ServiceMonitor smallest/lightning-asr is well: 3 targets up");
}
