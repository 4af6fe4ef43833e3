//! Alerts as Alertmanager's API, version 2, reads them.
//!
//! A JSON list of objects: `labels`, `annotations`, `startsAt` and `endsAt` in RFC 3339 with
//! milliseconds and in UTC, and `generatorURL`, which is left out when there is none, since the empty
//! text is no URL.

use jiff::Timestamp;
use model::{Alert, Labels};
use serde::{Serialize, Serializer};
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(serialize_with = "labels")]
    labels: &'a Labels,
    #[serde(serialize_with = "texts")]
    annotations: &'a [(String, String)],
    #[serde(serialize_with = "time")]
    starts_at: i64,
    #[serde(serialize_with = "time")]
    ends_at: i64,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
}

/// Writes the body that tells of these alerts.
pub(crate) fn write(out: &mut Vec<u8>, alerts: &[Arc<Alert>]) {
    let told: Vec<_> = alerts
        .iter()
        .map(|alert| Told {
            labels: &alert.labels,
            annotations: &alert.annotations,
            starts_at: alert.starts_at_ms,
            ends_at: alert.ends_at_ms,
            generator_url: &alert.generator_url,
        })
        .collect();
    serde_json::to_writer(out, &told).expect("texts and times, written to memory");
}

fn labels<S: Serializer>(labels: &&Labels, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(labels.iter())
}

fn texts<S: Serializer>(texts: &&[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(texts.iter().map(|(name, text)| (name, text)))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn time<S: Serializer>(t_ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:.3}", timestamp(*t_ms)))
}

/// Years of four digits, as RFC 3339 has them; what is beyond becomes the first or the last moment
/// there is.
fn timestamp(t_ms: i64) -> Timestamp {
    const FIRST_MS: i64 = -62_135_596_800_000;
    const LAST_MS: i64 = 253_402_207_200_000;
    Timestamp::from_millisecond(t_ms.clamp(FIRST_MS, LAST_MS)).expect("within four digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_alerts() {
        let alert = |t_ms: i64, url: &str| {
            Arc::new(Alert {
                labels: Labels::from_pairs([("alertname", "A"), ("b", "\"ü\n<&>")]),
                annotations: vec![("summary".into(), "x > 1".into()), ("z".into(), "".into())],
                starts_at_ms: t_ms,
                ends_at_ms: t_ms + 240_000,
                generator_url: url.into(),
            })
        };
        let mut body = Vec::new();
        write(&mut body, &[alert(1_700_000_000_000, "http://p/graph?a=b"), alert(5, "")]);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            concat!(
                r#"[{"labels":{"alertname":"A","b":"\"ü\n<&>"},"#,
                r#""annotations":{"summary":"x > 1","z":""},"#,
                r#""startsAt":"2023-11-14T22:13:20.000Z","endsAt":"2023-11-14T22:17:20.000Z","#,
                r#""generatorURL":"http://p/graph?a=b"},"#,
                r#"{"labels":{"alertname":"A","b":"\"ü\n<&>"},"#,
                r#""annotations":{"summary":"x > 1","z":""},"#,
                r#""startsAt":"1970-01-01T00:00:00.005Z","endsAt":"1970-01-01T00:04:00.005Z"}]"#,
            )
        );
    }

    #[test]
    fn times_no_calendar_knows() {
        let check = |t_ms: i64, expected: &str| {
            assert_eq!(format!("{:.3}", timestamp(t_ms)), expected);
        };
        check(i64::MIN, "0001-01-01T00:00:00.000Z");
        check(-1, "1969-12-31T23:59:59.999Z");
        check(i64::MAX, "9999-12-30T22:00:00.000Z");
    }
}
