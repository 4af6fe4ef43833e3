//! Native histograms and exemplars, from a page to answers.

use crate::harness::{Page, Rushlight, Target, vector, wait_for};
use serde_json::{Value, json};

fn page(content_type: &str, body: &[u8]) -> Page {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Page::Raw([head.as_bytes(), body].concat())
}

/// Fields of a protobuf message.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn signed(self, field: u64, value: i64) -> Self {
        let zigzag = (value << 1) ^ (value >> 63);
        self.number(field, zigzag.cast_unsigned())
    }

    fn double(mut self, field: u64, value: f64) -> Self {
        self.varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }
}

/// A family with one native histogram, with as many observations below zero as above.
fn family() -> Vec<u8> {
    let mut histogram = Message::default()
        .number(1, 12) // count
        .double(2, 18.4) // sum
        .signed(5, 0) // schema
        .double(6, 0.001) // zero threshold
        .number(7, 2); // zero count
    for (spans, deltas) in [(9, 10), (12, 13)] {
        for (offset, length) in [(0, 2), (1, 2)] {
            let span = Message::default().signed(1, offset).number(2, length);
            histogram = histogram.bytes(spans, &span.0);
        }
        for delta in [1, 1, -1, 0] {
            histogram = histogram.signed(deltas, delta);
        }
    }
    let metric = Message::default().bytes(7, &histogram.0);
    let family = Message::default()
        .bytes(1, b"latency_seconds")
        .number(3, 4) // a histogram
        .bytes(4, &metric.0);
    let mut delimited = Message::default();
    delimited.varint(family.0.len() as u64);
    delimited.0.extend(family.0);
    delimited.0
}

const PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

#[test]
fn a_native_histogram_is_answered_as_prometheus_does() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::start(page(PROTOBUF, &family()));
    let job = target.job("native");
    let config = format!("scrape_configs:\n{job}  scrape_native_histograms: true\n");
    let server = Rushlight::start(folder.path(), &config, &[]);
    let first = |query: &str| -> Value {
        wait_for(query, || {
            let result = server.query(query)["data"]["result"][0].clone();
            (!result.is_null()).then_some(result)
        })
    };
    let expected = json!({"count": "12", "sum": "18.4", "buckets": [
        [1, "-16", "-8", "1"], [1, "-8", "-4", "1"], [1, "-2", "-1", "2"], [1, "-1", "-0.5", "1"],
        [3, "-0.001", "0.001", "2"],
        [0, "0.5", "1", "1"], [0, "1", "2", "2"], [0, "4", "8", "1"], [0, "8", "16", "1"],
    ]});
    let found = first("latency_seconds");
    let labels = json!({"__name__": "latency_seconds", "instance": target.address.to_string(),
        "job": "native"});
    assert_eq!((&found["metric"], &found["histogram"][1]), (&labels, &expected));
    assert!(found["histogram"][0].is_number() && found.get("value").is_none(), "{found}");
    let range = first("latency_seconds[1m]");
    assert_eq!(range["histograms"][0][1], expected);
    assert!(range.get("values").is_none(), "{range}");
    assert_eq!(vector(&server.query("histogram_count(latency_seconds)"))[0].1, 12.0);
    assert_eq!(vector(&server.query("histogram_sum(sum(latency_seconds))"))[0].1, 18.4);
    assert!(vector(&server.query("rate(latency_seconds[1m]) > 0")).is_empty());

    let federated = server.get("/federate?match[]=%7Bjob%3D%22native%22%7D").text();
    assert!(federated.contains("\nup{") && !federated.contains("latency"), "{federated}");

    let server = server.kill_and_restart();
    let found = wait_for("the histogram after a crash", || {
        let answer = server.query("last_over_time(latency_seconds[5m])");
        let found = answer["data"]["result"][0].clone();
        (!found.is_null()).then_some(found)
    });
    assert_eq!(found["histogram"][1], expected);
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TRACED: &str = "# TYPE calls counter\n\
    calls_total{path=\"/\"} 7 # {trace_id=\"abc\"} 0.5 1520879607.789\n# EOF\n";

#[test]
fn exemplars_are_kept_when_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::start(page(OPEN_METRICS, TRACED.as_bytes()));
    let check = |config: &str, flags: &[&str], expected: &Value| {
        let config = format!("{config}scrape_configs:\n{}", target.job("traced"));
        let server = Rushlight::start(folder.path(), &config, flags);
        wait_for("two scrapes", || {
            (server.target("traced")?["scrapes"]["total"].as_u64()? > 1).then_some(())
        });
        let ask = |query: &str| server.get(&format!("/api/v1/query_exemplars?{query}")).json();
        let all = ask("query=rate(calls_total[1m])&start=1520879600&end=1520879700");
        assert_eq!(all["data"], *expected, "{config} {flags:?}: {all}");
        assert_eq!(ask("query=calls_total&start=1520879600&end=1520879601")["data"], json!([]));
        assert_eq!(ask("query=none")["data"], json!([]));
        assert!(server.stop().success());
    };
    let labels = json!({"__name__": "calls_total", "instance": target.address.to_string(),
        "job": "traced", "path": "/"});
    let one =
        json!({"labels": {"trace_id": "abc"}, "value": "0.5", "timestamp": 1_520_879_607.789});
    let kept = json!([{"seriesLabels": labels, "exemplars": [one]}]);
    let on = "--enable-feature=exemplar-storage";
    check("", &[], &json!([]));
    check("", &[on], &kept);
    check("storage: {exemplars: {max_exemplars: 5}}\n", &[on], &kept);
    check("storage: {exemplars: {max_exemplars: 0}}\n", &[on], &json!([]));
    check("storage: {exemplars: {max_exemplars: 5}}\n", &[], &json!([]));
}
