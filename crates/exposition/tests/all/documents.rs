//! Whole documents with everything they tell, in order.

use std::collections::BTreeMap;

use exposition::Format;
use model::Labels;
use serde::Deserialize;

use crate::conformance::format_of;
use crate::recorder::{Exemplar, Sample, Told, read_fresh};
use crate::{Tally, conformance_folder};

#[derive(Deserialize)]
struct Document {
    id: String,
    format: String,
    #[serde(default)]
    note: String,
    input: Option<String>,
    #[serde(default)]
    entries: Vec<Entry>,
}

/// Exactly one of these.
#[derive(Deserialize, Default)]
struct Entry {
    help: Option<(String, String)>,
    r#type: Option<(String, String)>,
    unit: Option<(String, String)>,
    comment: Option<String>,
    sample: Option<ExpectedSample>,
}

#[derive(Deserialize)]
struct ExpectedSample {
    raw: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    value: Option<Number>,
    timestamp_ms: Option<i64>,
    start_timestamp_ms: Option<i64>,
    #[serde(default)]
    exemplars: Vec<ExpectedExemplar>,
    /// A histogram as one sample: only protobuf and converted documents have them.
    histogram: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct ExpectedExemplar {
    labels: BTreeMap<String, String>,
    value: Number,
    timestamp_ms: Option<i64>,
}

/// `NaN` and the infinities are words here.
#[derive(Deserialize, Clone, Debug)]
#[serde(untagged)]
enum Number {
    Float(f64),
    Word(String),
}

impl Number {
    fn get(&self) -> f64 {
        match self {
            Self::Float(value) => *value,
            Self::Word(word) => word.parse().expect("a float"),
        }
    }
}

#[test]
fn documents_tell_their_entries() {
    let Some(folder) = conformance_folder("documents") else { return };
    let text = std::fs::read_to_string(folder.join("documents.yaml")).unwrap();
    let documents: Vec<Document> = serde_saphyr::from_str(&text).unwrap();
    let mut tally = Tally::default();
    for document in documents {
        let Some(format) = format_of(&document.format) else {
            tally.skip(&document.id, "a format that is not read yet");
            continue;
        };
        if document.note.contains("nhcb") {
            tally.skip(&document.id, "conversion to native histograms is no part of parsing");
            continue;
        }
        let input = document.input.as_deref().expect("text documents have an input");
        tally.add(&document.id, check(format, input, &document.entries));
    }
    tally.finish("documents");
}

#[derive(Deserialize)]
struct OwnCase {
    id: String,
    format: String,
    input: String,
    samples: Option<Vec<ExpectedSample>>,
    #[serde(default)]
    error: bool,
}

#[test]
fn small_cases_tell_their_samples() {
    let Some(folder) = conformance_folder("small cases") else { return };
    let text = std::fs::read_to_string(folder.join("own.yaml")).unwrap();
    let cases: Vec<OwnCase> = serde_saphyr::from_str(&text).unwrap();
    let mut tally = Tally::default();
    for case in cases {
        let Some(format) = format_of(&case.format) else {
            tally.skip(&case.id, "a format that is not read yet");
            continue;
        };
        let outcome = if case.error {
            match read_fresh(format, case.input.as_bytes()) {
                Ok(_) => Err("accepted".to_owned()),
                Err(_) => Ok(()),
            }
        } else {
            let samples = case.samples.unwrap_or_default();
            let entry = |sample| Entry { sample: Some(sample), ..Entry::default() };
            check_samples(format, &case.input, samples.into_iter().map(entry).collect())
        };
        tally.add(&case.id, outcome);
    }
    tally.finish("small cases");
}

/// Only the samples count, not what the page says about families.
fn check_samples(format: Format, input: &str, expected: Vec<Entry>) -> Result<(), String> {
    let mut told = read_fresh(format, input.as_bytes()).map_err(|error| error.to_string())?;
    told.retain(|told| matches!(told, Told::Sample(_)));
    compare(told, &expected)
}

fn check(format: Format, input: &str, expected: &[Entry]) -> Result<(), String> {
    let told = read_fresh(format, input.as_bytes()).map_err(|error| error.to_string())?;
    compare(told, expected)
}

fn compare(told: Vec<Told>, expected: &[Entry]) -> Result<(), String> {
    let samples = expected.iter().filter_map(|entry| entry.sample.as_ref());
    let start_times = samples.clone().any(|sample| sample.start_timestamp_ms.is_some());
    assert!(samples.clone().all(|sample| sample.histogram.is_none()), "no histograms in text");
    let mut told = told.into_iter();
    for entry in expected.iter().filter(|entry| entry.comment.is_none()) {
        let mut one = told.next();
        // Where start times are wanted, their lines are not told as series. Here they always are.
        while let Some(Told::Sample(sample)) = &one
            && start_times
            && sample.labels.metric_name().ends_with("_created")
            && !entry.fits(one.as_ref().expect("just looked at"))
        {
            one = told.next();
        }
        let Some(one) = one else { return Err("something is missing at the end".to_owned()) };
        if !entry.fits(&one) {
            return Err(format!("{one:?} is not as expected"));
        }
    }
    let created = |told: &Told| match told {
        Told::Sample(sample) => start_times && sample.labels.metric_name().ends_with("_created"),
        _ => false,
    };
    match told.find(|told| !created(told)) {
        Some(more) => Err(format!("unexpected: {more:?}")),
        None => Ok(()),
    }
}

impl Entry {
    fn fits(&self, told: &Told) -> bool {
        let is = |pair: &Option<(String, String)>, family: &str, text: &str| {
            pair.as_ref().is_some_and(|(f, t)| f == family && t == text)
        };
        match told {
            Told::Help(family, text) => is(&self.help, family, text),
            Told::Unit(family, unit) => is(&self.unit, family, unit),
            Told::Type(family, kind) => {
                is(&self.r#type, family, kind.as_str())
                    || (kind.as_str() == "unknown" && is(&self.r#type, family, "untyped"))
            }
            Told::Sample(sample) => self.sample.as_ref().is_some_and(|entry| entry.fits(sample)),
        }
    }
}

impl ExpectedSample {
    fn fits(&self, sample: &Sample) -> bool {
        let raw = self.raw.as_ref().is_none_or(|raw| *raw == sample.raw);
        // Entries without labels only tell which lines are series.
        let Some(labels) = &self.labels else { return raw };
        let exemplar = match (&self.exemplars[..], &sample.exemplar) {
            ([], None) => true,
            ([expected], Some(exemplar)) => expected.fits(exemplar),
            _ => false,
        };
        let value = self.value.as_ref().is_some_and(|value| {
            let value = value.get();
            if value.is_nan() {
                sample.value.to_bits() == model::sample::NORMAL_NAN_BITS
            } else {
                value.to_bits() == sample.value.to_bits()
            }
        });
        raw && exemplar
            && value
            && Labels::from_pairs(labels) == sample.labels
            && self.timestamp_ms == sample.t_ms
    }
}

impl ExpectedExemplar {
    fn fits(&self, exemplar: &Exemplar) -> bool {
        Labels::from_pairs(&self.labels) == exemplar.labels
            && self.value.get().to_bits() == exemplar.value.to_bits()
            && self.timestamp_ms == exemplar.t_ms
    }
}
