//! What we write, we read back.

use exposition::encode::TextEncoder;
use exposition::{Format, Protocol};
use model::Labels;
use proptest::prelude::*;

use crate::recorder::{Told, read_fresh};

type Line = (String, Vec<(String, String)>, f64, Option<i64>);

fn line() -> impl Strategy<Value = Line> {
    let text = ".{1,8}";
    let labels = proptest::collection::btree_map(text, text, 0..4);
    let labels = labels.prop_map(|labels| labels.into_iter().collect());
    let value = any::<u64>().prop_map(f64::from_bits);
    (text, labels, value, proptest::option::of(0..1i64 << 42))
}

proptest! {
    #[test]
    fn reads_back(lines in proptest::collection::vec(line(), 0..6), help in ".{0,20}") {
        for (protocol, format) in
            [(Protocol::Text1, Format::Text), (Protocol::OpenMetrics1, Format::OpenMetrics)]
        {
            let mut encoder = TextEncoder::new(protocol);
            for (name, labels, value, t_ms) in &lines {
                encoder.help_line(name, &help);
                let labels = labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
                encoder.sample_line(name, labels, *value, *t_ms);
            }
            let page = encoder.finish();
            let told = match read_fresh(format, page.as_bytes()) {
                Ok(told) => told,
                // NUL in a name is text that neither format can carry.
                Err(_) if page.contains('\0') => return Ok(()),
                Err(error) => panic!("{error}: {page}"),
            };
            prop_assert_eq!(told.len(), 2 * lines.len());
            for (told, (name, labels, value, t_ms)) in told.chunks(2).zip(&lines) {
                let [Told::Help(family, text), Told::Sample(sample)] = told else {
                    panic!("{told:?}")
                };
                prop_assert_eq!(family, name);
                if help.trim_start_matches([' ', '\t']) == help {
                    prop_assert_eq!(text, &help);
                }
                let named = Labels::from_pairs(labels.iter().map(|(n, v)| (n, v))).with("__name__", name);
                prop_assert_eq!(&sample.labels, &named);
                prop_assert!(sample.value.to_bits() == value.to_bits() || value.is_nan());
                // Float seconds are cut to milliseconds: one may be lost.
                let near = sample.t_ms.zip(*t_ms).is_none_or(|(a, b)| b - a <= 1 && a <= b);
                prop_assert!(near && sample.t_ms.is_some() == t_ms.is_some());
            }
        }
    }
}
