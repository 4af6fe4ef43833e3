//! Texts that nobody means well with: no panic, no endless work. `PROPTEST_CASES` asks for more.

use super::{Reading, parse, to_yaml};
use proptest::prelude::*;
use std::path::Path;
use std::time::{Duration, Instant};

/// A bit of every section.
const WHOLE: &str = r#"
global: &g
  scrape_interval: 15s
  scrape_timeout: 10s
  scrape_protocols: [PrometheusProto, PrometheusText0.0.4]
  external_labels: {a: $HOME, b: "${x}$$", c: "1.10"}
  body_size_limit: 15MB
  sample_limit: 1_000
  metric_name_validation_scheme: utf8
runtime: {gogc: 42}
rule_files: [first.rules, "my/*.rules"]
scrape_config_files: []
scrape_configs:
- job_name: one # with a comment
  <<: {honor_labels: true, params: {a: [b, c]}}
  basic_auth: {username: u, password: "p\nq"}
  tls_config: {min_version: TLS12, insecure_skip_verify: yes}
  proxy_url: http://u:p@proxy:1
  relabel_configs:
  - {source_labels: [a, b], regex: '(.*)-\d+', target_label: c, replacement: $1}
  - {action: hashmod, modulus: 8, source_labels: [a], target_label: b}
  static_configs: [{targets: ["a:1", 'b:2'], labels: {x: y, zip: 010}}]
  file_sd_configs: [{files: [a/*.json], refresh_interval: 1m30s}]
- job_name: 測試
  oauth2: {client_id: a, client_secret: b, token_url: "http://t"}
  http_headers: {foo: {values: [a], secrets: [b], files: [c]}}
  dns_sd_configs: [{names: [a.b], type: A, port: 1}]
  kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, label: "a in (b, c)"}]}]
  consul_sd_configs: [{server: "x:1", anything: [1, {b: 2}]}]
alerting:
  alert_relabel_configs: [{regex: a, action: labeldrop}]
  alertmanagers: [{scheme: https, static_configs: [{targets: ["1.2.3.4:9093"]}]}]
remote_write:
- {url: "http://r/w", name: w, queue_config: {capacity: 1, max_shards: 2}, headers: {a: b}}
remote_read: [{url: "http://r/r", required_matchers: {job: special}}]
otlp: {promote_resource_attributes: ["a.b", c]}
storage: {tsdb: {retention: {time: 1d, size: 1GB, percentage: 2.5}}, exemplars: {max_exemplars: 7}}
tracing: {endpoint: "localhost:1", headers: {foo: bar}}
"#;

/// Reads a text, and prints what was read.
fn read(text: &str) -> Result<String, String> {
    // A folder without files, so that patterns find nothing.
    let folder = Path::new("/nonexistent");
    match parse(text, "p.yml", folder, &Reading::default(), |_| None) {
        Ok(loaded) => Ok(to_yaml(&loaded, &[])),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Delete(usize, usize),
    Insert(usize, String),
    Repeat(usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = 0..WHOLE.len();
    let piece = prop_oneof![
        "[ -~\n\t]{1,4}",
        "\\PC{1,3}",
        prop::sample::select(vec![
            "\n",
            "- ",
            ": ",
            "{",
            "}",
            "[",
            "]",
            "&a ",
            "*a",
            "*g",
            "<<: ",
            "!!binary ",
            "|\n",
            ">-\n",
            "'",
            "\"",
            "---\n",
            "...\n",
            "? ",
            "null",
            "~",
            "#",
            "%YAML 1.1\n",
            "\u{feff}",
            "9999999999999999999999",
            "-1",
            ".nan",
            "1e999",
            "(((((",
            "\\x{110000}",
            "${",
            "$$",
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![
        (at.clone(), 1_usize..40).prop_map(|(at, len)| Edit::Delete(at, len)),
        (at.clone(), piece).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (at, 1_usize..400).prop_map(|(at, len)| Edit::Repeat(at, len)),
    ]
}

/// The next place at which a text may be cut.
fn cut(text: &str, at: usize) -> usize {
    (at.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

fn apply(text: &mut String, edit: &Edit) {
    match edit {
        Edit::Delete(at, len) => {
            let from = cut(text, *at);
            let to = cut(text, from + len);
            text.replace_range(from..to, "");
        }
        Edit::Insert(at, piece) => {
            let at = cut(text, *at);
            text.insert_str(at, piece);
        }
        Edit::Repeat(at, len) => {
            let from = cut(text, *at);
            let to = cut(text, from + len);
            let piece = text[from..to].to_owned();
            text.insert_str(to, &piece);
        }
    }
}

proptest! {
    #[test]
    fn damaged_files_are_read_or_refused(edits in prop::collection::vec(edit(), 1..6)) {
        let mut text = WHOLE.to_owned();
        edits.iter().for_each(|edit| apply(&mut text, edit));
        // What is printed can be read again, and prints the same.
        if let Ok(yaml) = read(&text) {
            prop_assert_eq!(read(&yaml), Ok(yaml.clone()), "{}", yaml);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", lines in "[-:{}\\[\\]a-c*&!|>'\" \n#]{0,200}") {
        read(&text).ok();
        read(&lines).ok();
    }
}

#[test]
fn the_whole_is_read_and_printed() {
    let yaml = read(WHOLE).unwrap();
    assert!(
        !yaml.contains("p\\nq") && yaml.contains("proxy_url: \"http://u:xxxxx@proxy:1\""),
        "{yaml}"
    );
    assert_eq!(read(&yaml), Ok(yaml.clone()), "{yaml}");
}

#[test]
fn bombs_do_not_go_off() {
    let check = |what: &str, text: &str, refused: bool| {
        let begin = Instant::now();
        let outcome = read(text);
        assert_eq!(outcome.is_err(), refused, "{what}: {outcome:?}");
        assert!(begin.elapsed() < Duration::from_secs(120), "{what}: {:?}", begin.elapsed());
    };
    // Each level holds the one before nine times.
    let mut laughs = "a: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let before = format!("*a{}", i - 1);
        laughs.push_str(&format!("b{i}: &a{i} [{}]\n", vec![before; 9].join(", ")));
    }
    check("aliases of aliases", &laughs, true);
    let within = laughs.replace("a: &a0", "scrape_configs:\n- consul_sd_configs: &a0");
    check("aliases within a section", &within, true);
    check("an alias of itself", "global: &a {external_labels: *a}\n", true);
    check("deep lists", &"[".repeat(100_000), true);
    check(
        "deep maps",
        &(0..5_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>(),
        true,
    );
    check("a long key", &format!("{}: 1\n", "a".repeat(1 << 20)), true);
    check("many comments", &"# a comment\n".repeat(100_000), false);
    let jobs: String = (0..20_000).map(|i| format!("- job_name: job{i}\n  # 1\n")).collect();
    check("many jobs", &format!("scrape_configs:\n{jobs}"), false);
    let merges = "  <<: *a\n".repeat(2_000);
    check("many merges", &format!("global: &a {{}}\nruntime:\n{merges}"), true);
}
