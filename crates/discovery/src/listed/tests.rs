use super::*;
use proptest::prelude::*;
use std::fmt::Write;
use std::time::{Duration, Instant};

#[test]
fn what_yaml_repeats_is_bounded() {
    let check = |name: &str, text: &str| {
        let begin = Instant::now();
        let error = yaml(text.as_bytes()).expect_err(name);
        let took = begin.elapsed();
        // Unoptimized and beside other tests, a million events take their time.
        assert!(took < Duration::from_secs(100), "{name}: {took:?}");
        assert!(error.to_string().len() < 10_000, "{name}: a long message");
    };
    // A long text, named often.
    let mut text = format!("- targets: [&a {}", "x".repeat(1 << 20));
    for _ in 0..1000 {
        text.push_str(", *a");
    }
    check("a long text", &format!("{text}]\n"));
    // Lists of lists of lists.
    let mut text = "- targets: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(text, "- targets: &a{level} [{aliases}]").unwrap();
    }
    check("lists of lists", &text);
    // A group with many labels, named often.
    let labels: Vec<_> = (0..1000).map(|i| format!("l{i}: v")).collect();
    let mut text = format!("- &g {{labels: {{{}}}}}\n", labels.join(", "));
    text.push_str(&"- *g\n".repeat(20_000));
    check("a large group", &text);
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("&a ", "")] {
        for depth in [20, 1000, 300_000] {
            let text = format!("{}x{}", open.repeat(depth), close.repeat(depth));
            assert!(yaml(text.as_bytes()).is_err(), "{open:?} {depth}");
            assert!(json(text.as_bytes()).is_err(), "{open:?} {depth}");
            let text = format!("- targets: {text}\n- labels: {text}\n");
            assert!(yaml(text.as_bytes()).is_err(), "{open:?} {depth}");
        }
    }
    let text = "[".repeat(1_000_000);
    assert!(json(text.as_bytes()).is_err());
    assert!(json(format!("[{{\"targets\": {text}").as_bytes()).is_err());
    assert!(json(format!("[{{\"{text}\": 1}}]").as_bytes()).is_err());
}

#[test]
fn large_lists_are_read() {
    let mut text = String::new();
    for i in 0..60_000 {
        writeln!(text, "- targets: [h{i}:1]\n  labels: {{job: j, shard: s{i}}}").unwrap();
    }
    assert_eq!(yaml(text.as_bytes()).unwrap().len(), 60_000);
    // Sharing labels by name is what people do.
    let mut text = "- targets: [h:1]\n  labels: &l {job: j, zone: z}\n".to_owned();
    for i in 0..20_000 {
        writeln!(text, "- {{targets: [h{i}:1], labels: *l}}").unwrap();
    }
    assert_eq!(yaml(text.as_bytes()).unwrap().len(), 20_001);
    let targets: Vec<_> = (0..500_000).map(|i| format!("\"10.0.0.{i}:9100\"")).collect();
    let text = format!("[{{\"targets\": [{}]}}]", targets.join(","));
    assert_eq!(json(text.as_bytes()).unwrap()[0].targets.len(), 500_000);
}

/// Pieces of which lists are made, and pieces that break them.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "- ",
        "targets",
        "labels",
        ": ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\n",
        "  ",
        "\"",
        "'",
        "a:1",
        "null",
        "~",
        "&a ",
        "*a",
        "<<: ",
        "!!binary ",
        "!!str ",
        "|\n",
        ">-\n",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "# c\n",
        "? ",
        "\\u",
        "\\ud800",
        "\u{feff}",
        "\0",
        "é",
        "1e999",
        "-",
        "\t",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Targets and labels.
type Written = (Vec<String>, Vec<(String, String)>);

/// A list as it should be.
fn lists() -> impl Strategy<Value = Vec<Written>> {
    let text = "[a-zA-Z0-9:é\\\\\"' #{},\\[\\]&*!|>%@`-]{0,12}";
    let label = ("[a-z]{1,5}", text);
    let group = (prop::collection::vec(text, 0..5), prop::collection::vec(label, 0..4));
    prop::collection::vec(group, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_odd(text in pieces()) {
        // It ends, without a panic.
        drop(yaml(text.as_bytes()));
        drop(json(text.as_bytes()));
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(yaml(&bytes));
        drop(json(&bytes));
    }

    #[test]
    fn json_means_the_same_in_both(list in lists()) {
        let groups: Vec<_> = list
            .iter()
            .map(|(targets, labels)| {
                let labels: std::collections::BTreeMap<_, _> = labels.iter().cloned().collect();
                serde_json::json!({ "targets": targets, "labels": labels })
            })
            .collect();
        let text = serde_json::to_vec(&groups).unwrap();
        let read = json(&text).unwrap();
        prop_assert_eq!(&read, &yaml(&text).unwrap());
        for (config, (targets, labels)) in read.iter().zip(&list) {
            prop_assert_eq!(&config.targets, targets);
            let labels: std::collections::BTreeMap<_, _> = labels.iter().cloned().collect();
            prop_assert_eq!(&config.labels, &labels);
        }
    }
}
