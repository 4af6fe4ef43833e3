//! Real queries over small made-up stores: every one of them gives an answer or an error, at one
//! time and over a range, and both agree where they meet.

use model::{Labels, MatchOp, Matcher};
use promql::syntax::Node;
use promql::{Control, Engine, EngineOptions, Expr, Features, Value, parse};
use std::fs;
use std::path::{Path, PathBuf};
use testkit::MemoryStore;

const START_MS: i64 = 1_700_000_000_000;
const MINUTE_MS: i64 = 60_000;

fn queries() -> Option<Vec<String>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("DATA_DIR").map_or_else(beside, PathBuf::from).join("queries");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: queries: no folder {}", folder.display());
        return None;
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "txt"));
    paths.sort();
    let mut queries = Vec::new();
    for path in paths {
        let text = fs::read_to_string(path).expect("readable");
        let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        queries.extend(lines.map(String::from));
    }
    Some(queries)
}

/// A text that satisfies a matcher, if one is easily found.
fn example(matcher: &Matcher) -> Option<String> {
    let value = matcher.value();
    match matcher.op() {
        MatchOp::Equal => Some(value.to_owned()),
        MatchOp::Regex => {
            let alternatives = value.trim_matches(['(', ')']).split('|');
            let cut = alternatives.map(|text| text.replace(".*", "").replace(".+", "x"));
            cut.into_iter().find(|text| matcher.matches(text))
        }
        MatchOp::NotEqual | MatchOp::NotRegex => None,
    }
}

/// A store in which each selector of the query finds a few series with an hour of samples.
fn store_for(expr: &Expr) -> MemoryStore {
    let store = MemoryStore::new();
    let selectors = expr.ids().filter_map(|id| match expr.node(id) {
        Node::VectorSelector(selector) => Some(selector),
        _ => None,
    });
    for (s, selector) in selectors.enumerate() {
        let mut labels = Labels::from_pairs([("job", "j"), ("namespace", "n")]).to_builder();
        for matcher in &selector.matchers {
            labels.set(matcher.name(), &example(matcher).unwrap_or_default());
        }
        for (i, le) in ["0.1", "1", "+Inf"].into_iter().enumerate() {
            let mut labels = labels.clone();
            for name in ["instance", "pod", "cpu", "device"] {
                if labels.get(name).is_none() {
                    labels.set(name, &format!("{name}-{i}"));
                }
            }
            if labels.get("__name__").is_some_and(|name| name.ends_with("_bucket")) {
                labels.set("le", le).set("instance", "instance-0").set("pod", "pod-0");
            }
            let labels = labels.build();
            for t in 0..60_u32 {
                let value = f64::from(t % 45) * (i + s + 1) as f64;
                store.put(&labels, START_MS + i64::from(t) * MINUTE_MS, value);
            }
        }
    }
    store
}

#[test]
fn every_query_is_answered_or_refused() {
    let Some(queries) = queries() else { return };
    let engines = [false, true].map(|delayed_name_removal| {
        Engine::new(EngineOptions { delayed_name_removal, ..EngineOptions::default() })
    });
    let (mut answered, mut empty, mut refused) = (0, 0, 0);
    for (i, query) in queries.iter().enumerate() {
        let expr = parse(query, &Features::ALL).unwrap_or_else(|error| panic!("{query}: {error}"));
        let store = store_for(&expr);
        let engine = &engines[i % 2];
        let control = Control::default();
        let at = START_MS + 55 * MINUTE_MS;
        let instant = engine.instant(&store, &expr, at, &control);
        let (start, end) = (at - 20 * MINUTE_MS, at + 20 * MINUTE_MS);
        let range = engine.range(&store, &expr, start, end, MINUTE_MS, &control);
        match (instant, range) {
            (Ok(instant), Ok(range)) => {
                let found = agree(query, &instant.value, &range.value, at);
                answered += usize::from(found);
                empty += usize::from(!found);
            }
            (Err(_), _) | (_, Err(_)) => refused += 1,
        }
    }
    println!("{answered} answered, {empty} empty, {refused} refused");
    assert!(answered > queries.len() / 2, "most queries find something");
}

/// The value at one time is the same in both; false when there is none.
#[track_caller]
fn agree(query: &str, instant: &Value, range: &Value, at: i64) -> bool {
    let Value::Matrix(matrix) = range else { panic!("{query}: no matrix") };
    let mut expected: Vec<(Labels, u64)> = match instant {
        Value::Scalar { value, .. } => vec![(Labels::empty(), value.to_bits())],
        Value::Vector(vector) => {
            vector.iter().map(|series| (series.labels.clone(), series.value.to_bits())).collect()
        }
        other => panic!("{query}: {other:?}"),
    };
    expected.sort();
    let at_time = matrix.iter().filter_map(|series| {
        let i = series.t_ms.binary_search(&at).ok()?;
        Some((series.labels.clone(), series.values[i].to_bits()))
    });
    let mut got: Vec<_> = at_time.collect();
    got.sort();
    if !query.contains("time()") && !query.contains("@") {
        assert_eq!(got, expected, "{query}");
    }
    !expected.is_empty()
}
