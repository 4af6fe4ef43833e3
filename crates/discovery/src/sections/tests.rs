use super::*;
use crate::{ADDRESS, DnsKind, Group, Metrics};
use model::Labels;
use model::duration::Duration;
use proptest::prelude::*;
use serde::Deserialize;

client::section! {
    /// A section with fields of its own among those of discovery.
    #[derive(Debug)]
    struct Job {
        keys { job_name: String, }
        parts { sd: SdConfigs, }
    }
}

fn read(text: &str) -> Result<SdConfigs, String> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let job: Result<Job, _> = serde_saphyr::from_str_with_options(text, options);
    job.map(|job| job.sd).map_err(|error| error.to_string())
}

fn means() -> Means {
    Means::new(Arc::new(Metrics::new("scrape")), client::Dialer::net(8), "test")
}

#[track_caller]
fn found(sd: &SdConfigs) -> usize {
    sd.discoverers(&means()).map(|all| all.len()).expect("all of them run")
}

#[track_caller]
fn refuses(text: &str, parts: &[&str]) {
    let error = read(text).unwrap_err();
    for part in parts {
        assert!(error.contains(part), "{text:?}: {error}");
    }
}

#[test]
fn sections_are_read() {
    let sd = read(concat!(
        "job_name: a\n",
        "static_configs:\n- targets: ['a:1', b]\n  labels: {x: y, n: 1, e: }\n- targets:\n  labels:\n",
        "file_sd_configs:\n- files: [a/*.json]\n- files: [b.YML]\n  refresh_interval: 1m30s\n",
        "http_sd_configs:\n- url: https://u:p@h:1/x?y\n- url: HTTP://h\n  refresh_interval: 5s\n",
        "  bearer_token: t\n",
        "dns_sd_configs:\n- names: [a]\n- {names: [b, c], type: aaaa, port: 9, refresh_interval: 1s}\n",
    ));
    let sd = sd.unwrap();
    let group = sd.written[0].group("0".to_owned());
    assert_eq!(group.labels, Labels::from_pairs([("x", "y"), ("n", "1")]));
    assert_eq!(group.targets, ["a:1", "b"].map(|address| Labels::from_pairs([(ADDRESS, address)])));
    assert_eq!(sd.written[1], StaticConfig::default());
    assert_eq!(sd.file[0].refresh_interval, FileConfig::REFRESH_INTERVAL);
    assert_eq!(sd.file[1].refresh_interval, Duration::from_ms(90_000));
    assert_eq!(sd.http[0].url, "https://u:p@h:1/x?y");
    assert_eq!(sd.http[0].refresh_interval, Duration::from_ms(60_000));
    assert_eq!(sd.http[1].refresh_interval, Duration::from_ms(5_000));
    assert!(sd.http[1].keys.bearer_token.is_some());
    assert_eq!((sd.dns[0].kind, sd.dns[0].port), (DnsKind::Srv, 0));
    assert_eq!(sd.dns[0].refresh_interval, Duration::from_ms(30_000));
    assert_eq!((sd.dns[1].kind, sd.dns[1].port), (DnsKind::Aaaa, 9));
    assert_eq!(found(&sd), 7);
    assert!(sd.refused().is_empty());
}

#[test]
fn sections_without_a_value_are_empty() {
    for key in BUILT_IN.iter().chain(&UNBUILT) {
        for value in ["", "[]", "null", "~"] {
            let sd = read(&format!("{key}: {value}\n")).unwrap();
            assert_eq!((sd.refused().len(), found(&sd)), (0, 0), "{key}");
        }
        refuses(&format!("{key}: [null]"), &[&format!("empty or null section in {key}")]);
        refuses(&format!("job_name: a\n{key}:\n-\n"), &["empty or null section in"]);
        refuses(&format!("job_name: a\n{key}: {{}}\n"), &["line 2"]);
        refuses(&format!("{key}: []\n{key}: []\n"), &["duplicate", "line 2"]);
    }
}

#[test]
fn bad_sections_are_refused_with_their_line() {
    refuses("static_configs:\n- tragets: [a]\n", &["tragets", "line 2"]);
    refuses("static_configs:\n- targets: [a]\n  targets: [b]\n", &["targets", "line 3"]);
    refuses("static_configs:\n- labels: {a: 1, a: 2}\n", &["line 2"]);
    refuses("static_configs:\n- labels: {'': 1}\n", &["\"\" is not a valid label name"]);
    refuses("static_configs:\n- labels: {!!binary \"/w==\": bar}\n", &["line 2"]);
    refuses("static_configs:\n- labels: {a: [b]}\n", &["line 2"]);
    refuses("file_sd_configs: [{}]", &["must contain at least one path name"]);
    refuses("file_sd_configs: [{files: []}]", &["must contain at least one path name"]);
    refuses(
        "file_sd_configs:\n- files: [a.json]\n  refresh_interval: 5x\n",
        &["unknown unit \"x\" in duration \"5x\"", "line 3"],
    );
    refuses("file_sd_configs: [{files: [a.yml], refresh_interval: 0s}]", &["greater than 0"]);
    for path in ["a.txt", "a", "", "*/a.json", "a*/b.yml", "json", "a.jSON", "a.yml/"] {
        let text = format!("file_sd_configs: [{{files: ['{path}']}}]");
        refuses(&text, &[&format!("path name {path:?} is not valid for file discovery")]);
    }
}

#[test]
fn servers_are_named_by_whole_urls() {
    let check = |url: &str, text: &str| {
        refuses(&format!("http_sd_configs:\n- url: '{url}'\n"), &[text, "line 2"]);
    };
    check("", "URL is missing");
    check("invalid", "URL scheme must be 'http' or 'https'");
    check("ftp://a", "URL scheme must be 'http' or 'https'");
    check("//a/b", "URL scheme must be 'http' or 'https'");
    check("http://", "host is missing in URL");
    check("http:", "host is missing in URL");
    check("http:///path", "host is missing in URL");
    check("https://?q", "host is missing in URL");
    check("http://a:port", "invalid port");
    check("http://[::1", "invalid IPv6 address");
    refuses("http_sd_configs: [{}]", &["URL is missing"]);
    refuses("http_sd_configs: [{url: http://a, refresh_interval: 0}]", &["greater than 0"]);
    refuses("http_sd_configs:\n- url: http://a\n  uri: b\n", &["unknown field `uri`", "line 3"]);
    refuses(
        "http_sd_configs:\n- url: http://a\n  bearer_token: a\n  bearer_token_file: b\n",
        &["at most one of bearer_token & bearer_token_file must be configured"],
    );
    refuses(
        "http_sd_configs: [{url: http://a, basic_auth: {username: u}, bearer_token: a}]",
        &["at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured"],
    );
}

#[test]
fn names_need_a_known_kind_and_mostly_a_port() {
    let check = |config: &str, text: &str| {
        refuses(&format!("dns_sd_configs:\n- {config}\n"), &[text, "line 2"]);
    };
    check("{}", "DNS-SD config must contain at least one SRV record name");
    check("{names: []}", "DNS-SD config must contain at least one SRV record name");
    let port = "a port is required in DNS-SD configs for all record types except SRV";
    for kind in ["A", "AAAA", "MX", "ns"] {
        check(&format!("{{names: [a], type: {kind}}}"), port);
    }
    check("{names: [a], type: PTR}", "invalid DNS-SD records type PTR");
    check("{names: [a], type: A, port: 65536}", "port 65536");
    check("{names: [a], type: A, port: -1}", "port -1");
    check("{names: [a], refresh_interval: 0s}", "greater than 0");
    check("{names: [a], nam: b}", "unknown field `nam`");
}

/// Knows no cluster.
#[derive(Debug)]
struct Nowhere;

impl crate::Kubernetes for Nowhere {
    fn discoverer(
        &self,
        config: &KubernetesConfig,
        _: &Arc<Metrics>,
    ) -> Result<Arc<dyn Discoverer>, String> {
        Err(format!("{}: no such file", config.role))
    }
}

#[test]
fn what_is_not_built_in_is_known_by_name_and_place() {
    let text = "job_name: a\nconsul_sd_configs:\n  - server: x\n\nkubernetes_sd_configs:\n- role: pod\n\
                  docker_sd_configs: []\n";
    let sd = read(text).unwrap();
    let print = |refused: &Refused| format!("{}:{}: {refused}", refused.line, refused.column);
    let shown: Vec<_> = sd.refused().iter().map(print).collect();
    assert_eq!(shown, ["2:1: consul_sd_configs: discovery by consul is not built in"]);
    // Clusters are, where there is what finds them.
    let why = |means: &Means| sd.discoverers(means).err().map(|refused| print(&refused));
    let unknown = "5:1: kubernetes_sd_configs: discovery by kubernetes is not built in";
    assert_eq!(why(&means()).as_deref(), Some(unknown));
    let nowhere = means().with_kubernetes(Arc::new(Nowhere));
    assert_eq!(why(&nowhere).as_deref(), Some("5:1: kubernetes_sd_configs: pod: no such file"));
    for key in UNBUILT {
        let sd = read(&format!("{{job_name: a, {key}: [{{server: b, more: [c]}}]}}")).unwrap();
        assert_eq!(sd.refused(), [not_built_in(key, (1, 15))], "{key}");
    }
    refuses(
        "consult_sd_configs:\n- server: x\n",
        &["unknown field `consult_sd_configs`", "line 1"],
    );
    refuses(
        "job_name: a\nstatic_config: []\n",
        &["unknown field `static_config`", "`static_configs`"],
    );
}

#[test]
fn relative_paths_begin_at_the_folder_of_the_file() {
    let mut sd = read(
        "{file_sd_configs: [{files: [a.yml, /b/c.json, d/*.yaml]}], \
         http_sd_configs: [{url: http://a, bearer_token_file: t}], \
         kubernetes_sd_configs: [{role: pod, kubeconfig_file: k}]}",
    )
    .unwrap();
    sd.set_directory(Path::new("/etc/p"));
    assert_eq!(sd.file[0].files, ["/etc/p/a.yml", "/b/c.json", "/etc/p/d/*.yaml"]);
    assert_eq!(sd.http[0].keys.bearer_token_file.as_deref(), Some(Path::new("/etc/p/t")));
    assert_eq!(sd.kubernetes[0].kubeconfig_file.as_deref(), Some(Path::new("/etc/p/k")));
}

#[test]
fn addresses_are_no_urls() {
    assert!(crate::check_address("a:1").is_ok());
    let refused = crate::check_address("http://bad").unwrap_err();
    assert_eq!(refused.to_string(), "\"http://bad\" is not a valid hostname");
}

#[test]
fn secrets_are_not_printed_and_still_tell_discoverers_apart() {
    let discoverer = |token: &str| {
        let text = format!("{{url: 'http://u:pass-3@a', bearer_token: {token}}}");
        let sd = read(&format!("http_sd_configs: [{text}]"));
        sd.unwrap().discoverers(&means()).unwrap().remove(0)
    };
    let (one, same, other) = (discoverer("pass-1"), discoverer("pass-1"), discoverer("pass-2"));
    assert!(!one.identity().contains("pass"), "{}", one.identity());
    assert_eq!(one.identity(), other.identity());
    assert!(one.same(&*same) && !one.same(&*other));
}

/// The sections of the conformance files that hold nothing but discovery.
#[derive(Deserialize)]
struct Case {
    file: String,
    load: String,
    error_contains: Option<String>,
}

#[derive(Deserialize)]
struct Jobs {
    scrape_configs: Vec<Job>,
}

#[test]
fn files_of_prometheus_load_or_say_why_not() {
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        Into::into,
    );
    let Ok(manifest) = std::fs::read_to_string(folder.join("config/manifest.yaml")) else {
        println!("skipped: sections of discovery: no folder {}", folder.display());
        return;
    };
    let cases: Vec<Case> = serde_saphyr::from_str(&manifest).unwrap();
    let (mut passed, mut failed) = (0, Vec::new());
    for case in cases {
        let mechanisms = ["kubernetes_", "http_url_", "file_sd", "dns_sd", "http_sd"];
        if !mechanisms.iter().any(|mechanism| case.file.starts_with(mechanism)) {
            continue;
        }
        let text = std::fs::read_to_string(folder.join("config/files").join(&case.file)).unwrap();
        let outcome: Result<Jobs, _> = serde_saphyr::from_str(&text);
        let outcome = outcome.map(|jobs| jobs.scrape_configs.len()).map_err(|e| e.to_string());
        let expected = case.error_contains.unwrap_or_default();
        match (case.load.as_str(), outcome) {
            ("ok", Ok(jobs)) if jobs > 0 => passed += 1,
            ("error", Err(error)) if error.contains(&expected) => passed += 1,
            (load, outcome) => {
                failed.push(format!("{}: {load} {expected}: {outcome:?}", case.file))
            }
        }
    }
    println!("sections of discovery: {passed} passed, {} failed", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn groups_are_numbered() {
    let sd = read("static_configs: [{targets: [a]}, {targets: [b]}]").unwrap();
    let groups: Vec<Group> = StaticDiscovery::new(sd.written).groups().collect();
    assert_eq!(groups.iter().map(|g| g.source.as_str()).collect::<Vec<_>>(), ["0", "1"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_section_is_too_odd(
        keys in prop::collection::vec(prop::sample::select(BUILT_IN.to_vec()), 0..3),
        values in prop::collection::vec("[a-z0-9:/.*{},\\[\\]~!&'\" \n-]{0,40}", 3),
    ) {
        let lines = keys.iter().zip(&values).map(|(key, value)| format!("{key}: {value}\n"));
        drop(read(&lines.collect::<String>()));
    }

    #[test]
    fn no_url_is_too_odd(url in "(http|https|HTTP|ftp)?:?/{0,3}[a-z0-9@:%é\\[\\]/?#.]{0,20}") {
        drop(read(&format!("http_sd_configs: [{{url: {url:?}}}]")));
    }
}
