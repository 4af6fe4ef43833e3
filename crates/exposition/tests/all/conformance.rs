//! Which pages and content types are accepted, and in which words they are refused.

use exposition::{Format, Predictor, Protocol, negotiate};
use serde::Deserialize;

use crate::recorder::{Recorder, read_fresh};
use crate::{Tally, conformance_folder};

#[derive(Deserialize)]
struct ErrorCase {
    id: String,
    format: String,
    input: Option<String>,
    input_b64: Option<String>,
    error: Option<String>,
    #[serde(default)]
    ok: bool,
}

#[test]
fn errors_are_prometheus_errors() {
    let Some(folder) = conformance_folder("parser errors") else { return };
    let text = std::fs::read_to_string(folder.join("errors.yaml")).unwrap();
    let cases: Vec<ErrorCase> = serde_saphyr::from_str(&text).unwrap();
    let mut tally = Tally::default();
    for case in cases {
        let format = format_of(&case.format).expect("a known format");
        let body = match (&case.input, &case.input_b64) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(text)) => from_base64(text),
            (None, None) => panic!("{}: no input", case.id),
        };
        tally.add(&case.id, check_error(format, &body, &case));
    }
    tally.finish("parser errors");
}

fn check_error(format: Format, body: &[u8], case: &ErrorCase) -> Result<(), String> {
    let outcome = read_fresh(format, body);
    match (&case.error, outcome) {
        (None, Ok(_)) if case.ok => Ok(()),
        (Some(expected), Err(error)) if error.message.contains(expected.as_str()) => {
            let lines_before = 1 + body[..error.offset].iter().filter(|b| **b == b'\n').count();
            if error.line == lines_before && error.column > 0 {
                Ok(())
            } else {
                Err(format!("a wrong position: {error:?}"))
            }
        }
        (expected, Err(error)) => Err(format!("{error}\n  expected {expected:?}")),
        (expected, Ok(_)) => Err(format!("accepted\n  expected {expected:?}")),
    }
}

#[derive(Deserialize)]
struct ContentTypeCase {
    id: String,
    content_type: String,
    fallback_scrape_protocol: Option<String>,
    parser: String,
    error: Option<String>,
    warning: Option<String>,
}

#[test]
fn content_types_choose_the_parser() {
    let Some(folder) = conformance_folder("content types") else { return };
    let text = std::fs::read_to_string(folder.join("content-types.yaml")).unwrap();
    let cases: Vec<ContentTypeCase> = serde_saphyr::from_str(&text).unwrap();
    let mut tally = Tally::default();
    for case in cases {
        tally.add(&case.id, check_content_type(&case));
    }
    tally.finish("content types");
}

fn check_content_type(case: &ContentTypeCase) -> Result<(), String> {
    let fallback = case.fallback_scrape_protocol.as_deref();
    let fallback = fallback.map(|name| Protocol::from_name(name).expect("a known protocol"));
    let outcome = negotiate(&case.content_type, fallback);
    let fits = match &outcome {
        Err(error) => {
            case.parser == "none" && case.error.as_ref().is_some_and(|text| error.contains(text))
        }
        Ok((format, warning)) => {
            Some(*format) == format_of(&case.parser)
                && match (&case.warning, warning) {
                    (Some(expected), Some(warning)) => warning.contains(expected),
                    (expected, warning) => expected.is_none() && warning.is_none(),
                }
        }
    };
    if fits { Ok(()) } else { Err(format!("{outcome:?}")) }
}

#[test]
fn large_pages_parse() {
    let Some(folder) = conformance_folder("large pages") else { return };
    let mut tally = Tally::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let format = match name.as_str() {
            name if name.ends_with(".om.txt") => Format::OpenMetrics,
            name if name.ends_with(".txt") => Format::Text,
            _ => continue,
        };
        let body = std::fs::read(&path).unwrap();
        let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
        let outcome = recorder.page(format, &body, &mut memory).map_err(|e| e.to_string());
        tally.add(&name, outcome);
    }
    tally.finish("large pages");
}

pub(crate) fn format_of(name: &str) -> Option<Format> {
    match name {
        "text" => Some(Format::Text),
        "openmetrics" => Some(Format::OpenMetrics),
        "protobuf" => Some(Format::Protobuf),
        _ => None,
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut len, mut bytes) = (0u32, 0, Vec::new());
    for digit in text.bytes().filter_map(|b| alphabet.iter().position(|a| *a == b)) {
        bits = bits << 6 | u32::try_from(digit).unwrap();
        len += 6;
        if len >= 8 {
            len -= 8;
            bytes.push(u8::try_from(bits >> len & 0xff).unwrap());
        }
    }
    bytes
}
