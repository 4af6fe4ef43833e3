//! What stands for a number or a truth value: the same as with promtool 2.42, form by form.

use super::{Reading, parse};
use std::path::Path;

/// A field of each kind; `@` is the value.
const FIELDS: [(char, &str); 5] = [
    ('u', "scrape_configs: [{job_name: a, sample_limit: @}]"),
    ('i', "scrape_configs: [{job_name: a, dns_sd_configs: [{names: [a], type: A, port: @}]}]"),
    ('f', "tracing: {endpoint: a, sampling_fraction: @}"),
    ('b', "scrape_configs: [{job_name: a, honor_labels: @}]"),
    ('t', "scrape_configs: [{job_name: a, metrics_path: @}]"),
];

/// The kinds of fields that take a form: unsigned, signed (a port, so no 0), fractions, truth, text.
const FORMS: &[(&str, &str)] = &[
    ("5", "uift"),
    ("1e3", "uift"),
    ("1E3", "uift"),
    ("1e+3", "uift"),
    ("1.5", "uift"),
    ("5.", "uift"),
    (".5", "uft"),
    ("+5", "uift"),
    ("-5", "ft"),
    ("-0", "uft"),
    ("010", "uift"),
    ("08", "uift"),
    ("-010", "ft"),
    ("0x10", "uift"),
    ("0X10", "uift"),
    ("0xg", "t"),
    ("0o17", "uift"),
    ("0b11", "uift"),
    ("1_000", "uift"),
    ("1__0", "uift"),
    ("_1", "t"),
    ("1_", "uift"),
    ("1_0.5", "uift"),
    ("\"5\"", "t"),
    ("'5'", "t"),
    ("\"0x10\"", "t"),
    ("1e400", "t"),
    (".inf", "ft"),
    ("+.Inf", "ft"),
    (".nan", "ft"),
    ("nan", "t"),
    ("1:30", "t"),
    ("~", "uftb"),
    ("null", "uftb"),
    ("abc", "t"),
    ("true", "bt"),
    ("TRUE", "bt"),
    ("tRUE", "t"),
    ("yes", "bt"),
    ("yEs", "t"),
    ("on", "bt"),
    ("y", "bt"),
    ("N", "bt"),
    ("Off", "bt"),
    ("\"true\"", "t"),
    ("'yes'", "t"),
    ("1", "uift"),
    ("0", "uft"),
    ("2001-01-01", "t"),
    ("18446744073709551616", "uft"),
    ("1e19", "uft"),
    ("{}", ""),
    ("[5]", ""),
    // promtool takes these for very large ones.
    ("-1.5", "ft"),
    ("-.inf", "ft"),
];

#[test]
fn forms_are_taken_where_prometheus_takes_them() {
    let takes = |text: &str| {
        let read = parse(text, "p.yml", Path::new("/"), &Reading::default(), |_| None);
        read.map_err(|error| error.to_string())
    };
    for (form, kinds) in FORMS {
        for (kind, field) in FIELDS {
            let text = field.replace('@', form);
            let taken = takes(&text);
            let error = taken.as_ref().err();
            assert_eq!(error.is_none(), kinds.contains(kind), "{text}: {error:?}");
            if let Some(error) = error {
                assert!(error.starts_with("p.yml:1:"), "{text}: {error}");
            }
            // What is printed means the same.
            if let Ok(loaded) = taken {
                let printed = super::to_yaml(&loaded, &[]);
                let again = takes(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
                assert_eq!(super::to_yaml(&again, &[]), printed, "{text}");
            }
        }
    }
}

#[test]
fn values_are_those_of_go() {
    let check = |form: &str, expected: u64| {
        let text = format!("global: {{sample_limit: {form}}}");
        let loaded = parse(&text, "p.yml", Path::new("/"), &Reading::default(), |_| None).unwrap();
        assert_eq!(loaded.global.sample_limit, expected, "{form}");
    };
    check("010", 8);
    check("0x10", 16);
    check("1_000", 1000);
    check("1e3", 1000);
    check("1.9", 1);
}
