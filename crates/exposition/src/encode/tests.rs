use model::metrics::{Collect, Counter, Gauge, Histogram, Kind, Visitor};

use super::*;
use crate::negotiate::Format;

struct Few {
    hits: Counter,
    heat: Gauge,
    delays: Histogram,
}

impl Collect for Few {
    fn collect(&self, visitor: &mut dyn Visitor) {
        visitor.family("hits_total", Kind::Counter, "Hits so far.");
        visitor.sample("", &[("path", "/a\"b\\c\nd"), ("none", "")], self.hits.get() as f64);
        visitor.family("rest", Kind::Counter, "");
        visitor.sample("_total", &[], 1e21);
        visitor.family("heat", Kind::Gauge, "Say \"hot\"\nand \\o/.");
        visitor.sample("", &[], self.heat.get());
        visitor.family("nothing", Kind::Gauge, "Has no samples.");
        visitor.family("delay_seconds", Kind::Histogram, "Delays.");
        visitor.histogram(&[("to", "x")], &self.delays);
    }
}

fn few() -> Few {
    let few = Few {
        hits: Counter::default(),
        heat: Gauge::default(),
        delays: Histogram::new(&[0.1, 1.0]),
    };
    few.hits.add(3);
    few.heat.set(f64::NEG_INFINITY);
    few.delays.observe(0.5);
    few.delays.observe(7.0);
    few
}

fn encode(protocol: Protocol) -> String {
    let mut encoder = TextEncoder::new(protocol);
    few().collect(&mut encoder);
    encoder.finish()
}

#[test]
fn a_page_of_text() {
    let page = r#"# HELP hits_total Hits so far.
# TYPE hits_total counter
hits_total{path="/a\"b\\c\nd"} 3
# TYPE rest_total counter
rest_total 1e+21
# HELP heat Say "hot"\nand \\o/.
# TYPE heat gauge
heat -Inf
# HELP delay_seconds Delays.
# TYPE delay_seconds histogram
delay_seconds_bucket{to="x",le="0.1"} 0
delay_seconds_bucket{to="x",le="1.0"} 1
delay_seconds_bucket{to="x",le="+Inf"} 2
delay_seconds_sum{to="x"} 7.5
delay_seconds_count{to="x"} 2
"#;
    assert_eq!(encode(Protocol::Text0), page);
    assert_eq!(encode(Protocol::Text1), page);
}

#[test]
fn a_page_of_openmetrics() {
    let page = r#"# HELP hits Hits so far.
# TYPE hits counter
hits_total{path="/a\"b\\c\nd"} 3
# TYPE rest counter
rest_total 1e+21
# HELP heat Say \"hot\"\nand \\o/.
# TYPE heat gauge
heat -Inf
# HELP delay_seconds Delays.
# TYPE delay_seconds histogram
delay_seconds_bucket{to="x",le="0.1"} 0
delay_seconds_bucket{to="x",le="1.0"} 1
delay_seconds_bucket{to="x",le="+Inf"} 2
delay_seconds_sum{to="x"} 7.5
delay_seconds_count{to="x"} 2
# EOF
"#;
    assert_eq!(encode(Protocol::OpenMetrics1), page);
}

#[test]
fn single_lines() {
    let check = |protocol: Protocol, name: &str, label: &str, t_ms: i64, expected: &str| {
        let mut encoder = TextEncoder::new(protocol);
        let labels = [("__name__", name), (label, "é"), ("empty", "")];
        encoder.sample_line(name, labels, 1.5, Some(t_ms));
        assert_eq!(encoder.take(), expected);
    };
    check(Protocol::Text0, "a:b", "l", 1234, "a:b{l=\"é\"} 1.5 1234\n");
    check(Protocol::Text0, "1a.b", "l:m", 0, "_a_b{l_m=\"é\"} 1.5 0\n");
    check(Protocol::Text1, "a.b", "l.m", -5, "{\"a.b\",\"l.m\"=\"é\"} 1.5 -5\n");
    check(Protocol::OpenMetrics1, "a", "l", 1_700_000_000_120, "a{l=\"é\"} 1.5 1700000000.120\n");
    check(Protocol::OpenMetrics0, "a", "l", -1_500, "a{l=\"é\"} 1.5 -1.500\n");
    check(Protocol::OpenMetrics0, "a", "l", 2_000, "a{l=\"é\"} 1.5 2\n");
}

#[test]
fn clients_get_what_they_like_best() {
    let check = |accept: &str, protocol: Protocol| assert_eq!(choose(accept), protocol, "{accept}");
    check("", Protocol::Text0);
    check("*/*", Protocol::Text0);
    check("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Protocol::Text0);
    check("application/json", Protocol::Text0);
    check("application/openmetrics-text", Protocol::OpenMetrics0);
    check("application/openmetrics-text; version=1.0.0;q=0.3,text/plain;q=0.5", Protocol::Text0);
    check("application/openmetrics-text;version=2.0.0", Protocol::Text0);
    check("application/openmetrics-text;q=0", Protocol::Text0);
    check("application/openmetrics-text;q=x,text/plain;version=1.0.0;q=0.1", Protocol::Text1);
    check(
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,\
         text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        Protocol::OpenMetrics1,
    );
    check(
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
         encoding=delimited;q=0.6,text/plain;version=1.0.0;q=0.4",
        Protocol::Text1,
    );
}

#[test]
fn content_types_lead_back_to_the_format() {
    for protocol in Protocol::ALL.into_iter().filter(|p| *p != Protocol::Protobuf) {
        let (format, warning) = crate::negotiate(content_type(protocol), None).unwrap();
        let expected = match dialect_of(protocol) {
            Dialect::Text => Format::Text,
            Dialect::OpenMetrics => Format::OpenMetrics,
        };
        assert_eq!((format, warning), (expected, None));
    }
}
