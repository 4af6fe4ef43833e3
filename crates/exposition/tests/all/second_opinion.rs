//! The crate prometheus-parse reads simple pages the same way. (It loses labels with `,` `=` `}`
//! and escapes, and reports no errors, so that only simple pages can be compared.)

use std::collections::BTreeMap;

use exposition::Format;
use prometheus_parse::{Scrape, Value};
use proptest::prelude::*;

use crate::recorder::{Told, read_fresh};

type Line = (String, BTreeMap<String, String>, f64, Option<i64>);

fn line() -> impl Strategy<Value = Line> {
    let labels =
        proptest::collection::btree_map("[a-z_][a-z0-9_]{0,5}", "[a-zA-Z0-9 ./:_-]{1,9}", 0..4);
    let value = prop_oneof![any::<i32>().prop_map(f64::from), -1e30..1e30f64, -1.0..1.0f64];
    let t_ms = proptest::option::of(0..4_000_000_000_000i64);
    ("[a-z_][a-z0-9_]{0,9}x", labels, value, t_ms)
}

fn write(lines: &[Line]) -> String {
    let mut page = String::new();
    for (name, labels, value, t_ms) in lines {
        let labels: Vec<_> = labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
        page += name;
        if !labels.is_empty() {
            page += &format!("{{{}}}", labels.join(","));
        }
        page += &format!(" {value}");
        if let Some(t_ms) = t_ms {
            page += &format!(" {t_ms}");
        }
        page += "\n";
    }
    page
}

proptest! {
    #[test]
    fn agrees_on_simple_pages(lines in proptest::collection::vec(line(), 0..10)) {
        let page = write(&lines);
        let told = read_fresh(Format::Text, page.as_bytes()).unwrap();
        let ours: Vec<Line> = told.into_iter().map(|told| match told {
            Told::Sample(sample) => {
                let mut labels: BTreeMap<_, _> =
                    sample.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
                let name = labels.remove("__name__").expect("every series has a name");
                (name, labels, sample.value, sample.t_ms)
            }
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(&ours, &lines);

        let theirs = Scrape::parse(page.lines().map(|line| Ok(line.to_owned()))).unwrap();
        prop_assert_eq!(theirs.samples.len(), ours.len());
        for (theirs, (name, labels, value, t_ms)) in theirs.samples.iter().zip(&ours) {
            prop_assert_eq!(&theirs.metric, name);
            let Value::Untyped(their_value) = theirs.value else { panic!("no TYPE, no type") };
            prop_assert_eq!(their_value.to_bits(), value.to_bits());
            let their_labels: BTreeMap<_, _> =
                theirs.labels.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
            prop_assert_eq!(&their_labels, labels);
            if let Some(t_ms) = t_ms {
                prop_assert_eq!(theirs.timestamp.timestamp_millis(), *t_ms);
            }
        }
    }
}
