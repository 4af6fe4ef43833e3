//! The `global` section.

use super::paths;
use client::{DurationText, Scalar, SizeText};
use model::Labels;
use model::duration::Duration;
use model::names::{NameScheme, is_legacy_label_name};
use scrape::Global;
use scrape::config::{HistogramFlags, SampleLimitMode};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The section as written; what is left out is `None`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GlobalSection {
    scrape_interval: Option<DurationText>,
    scrape_timeout: Option<DurationText>,
    scrape_protocols: Option<Vec<String>>,
    evaluation_interval: Option<DurationText>,
    rule_query_offset: Option<DurationText>,
    external_labels: Option<BTreeMap<String, Option<String>>>,
    query_log_file: Option<String>,
    scrape_failure_log_file: Option<String>,
    body_size_limit: Option<SizeText>,
    sample_limit: Option<Scalar<u64>>,
    /// Our own.
    sample_limit_mode: Option<SampleLimitMode>,
    label_limit: Option<Scalar<u64>>,
    label_name_length_limit: Option<Scalar<u64>>,
    label_value_length_limit: Option<Scalar<u64>>,
    target_limit: Option<Scalar<u64>>,
    keep_dropped_targets: Option<Scalar<u64>>,
    metric_name_validation_scheme: Option<String>,
    metric_name_escaping_scheme: Option<String>,
    scrape_native_histograms: Option<Scalar<bool>>,
    convert_classic_histograms_to_nhcb: Option<Scalar<bool>>,
    always_scrape_classic_histograms: Option<Scalar<bool>>,
    extra_scrape_metrics: Option<Scalar<bool>>,
}

fn file(path: &Option<String>, directory: &Path) -> Option<PathBuf> {
    path.as_deref().filter(|path| !path.is_empty()).map(|path| paths::join(directory, path))
}

fn positive(duration: Option<DurationText>) -> Option<Duration> {
    duration.map(|duration| duration.0).filter(|duration| duration.ms > 0)
}

impl GlobalSection {
    /// The times that are written.
    pub(super) fn times(&self) -> impl Iterator<Item = &'static str> {
        let times = [
            ("scrape_interval", &self.scrape_interval),
            ("scrape_timeout", &self.scrape_timeout),
            ("evaluation_interval", &self.evaluation_interval),
        ];
        times.into_iter().filter(|(_, time)| time.is_some()).map(|(name, _)| name)
    }

    /// Takes from another section what this one does not say; of external labels, those that it
    /// does not have.
    pub(super) fn fill(&mut self, other: Self) {
        macro_rules! fill {
            ($($key:ident)*) => { $( self.$key = self.$key.take().or(other.$key); )* };
        }
        if let (Some(own), Some(other)) = (&mut self.external_labels, &other.external_labels) {
            for (name, value) in other {
                own.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        fill! {
            scrape_interval scrape_timeout scrape_protocols evaluation_interval rule_query_offset
            external_labels query_log_file scrape_failure_log_file body_size_limit sample_limit
            sample_limit_mode label_limit label_name_length_limit label_value_length_limit
            target_limit keep_dropped_targets metric_name_validation_scheme
            metric_name_escaping_scheme scrape_native_histograms
            convert_classic_histograms_to_nhcb always_scrape_classic_histograms
            extra_scrape_metrics
        }
    }

    /// What jobs inherit; files that are named begin at `directory`.
    pub(super) fn resolve(&self, defaults: &Global, directory: &Path) -> Result<Global, String> {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let or_default = |own, default| Scalar::value(own).unwrap_or(default);
        let histograms = defaults.histograms;
        let mut global = Global {
            scrape_protocols: self.scrape_protocols.clone(),
            body_size_limit: self.body_size_limit.map_or(0, |size| size.0),
            sample_limit: Scalar::value(self.sample_limit).unwrap_or(0),
            sample_limit_mode: self.sample_limit_mode.unwrap_or(defaults.sample_limit_mode),
            label_limit: Scalar::value(self.label_limit).unwrap_or(0),
            label_name_length_limit: Scalar::value(self.label_name_length_limit).unwrap_or(0),
            label_value_length_limit: Scalar::value(self.label_value_length_limit).unwrap_or(0),
            target_limit: Scalar::value(self.target_limit).unwrap_or(0),
            keep_dropped_targets: Scalar::value(self.keep_dropped_targets).unwrap_or(0),
            extra_scrape_metrics: or_default(
                self.extra_scrape_metrics,
                defaults.extra_scrape_metrics,
            ),
            metric_name_validation_scheme: text(&self.metric_name_validation_scheme),
            metric_name_escaping_scheme: text(&self.metric_name_escaping_scheme),
            histograms: HistogramFlags {
                scrape_native: or_default(self.scrape_native_histograms, histograms.scrape_native),
                convert_classic: or_default(
                    self.convert_classic_histograms_to_nhcb,
                    histograms.convert_classic,
                ),
                always_classic: or_default(
                    self.always_scrape_classic_histograms,
                    histograms.always_classic,
                ),
            },
            scrape_failure_log_file: file(&self.scrape_failure_log_file, directory),
            ..defaults.clone()
        };
        let [interval, timeout] = [self.scrape_interval, self.scrape_timeout].map(positive);
        global.set_timing(interval, timeout).map_err(|error| error.to_string())?;
        global.check().map_err(|error| error.to_string())?;
        Ok(global)
    }

    /// Where queries are written down.
    pub(super) fn query_log_file(&self, directory: &Path) -> Option<PathBuf> {
        file(&self.query_log_file, directory)
    }

    /// Which names are accepted.
    pub(super) fn name_scheme(&self) -> Result<NameScheme, String> {
        match self.metric_name_validation_scheme.as_deref().unwrap_or("") {
            "" | "utf8" => Ok(NameScheme::Utf8),
            "legacy" => Ok(NameScheme::Legacy),
            other => Err(format!("unrecognized ValidationScheme: {other:?}")),
        }
    }

    pub(super) fn evaluation_interval_ms(&self) -> i64 {
        positive(self.evaluation_interval).map_or(60_000, |interval| interval.ms)
    }

    pub(super) fn rule_query_offset_ms(&self) -> i64 {
        self.rule_query_offset.map_or(0, |offset| offset.0.ms)
    }

    /// The labels with `$VAR` and `${VAR}` replaced, and a warning for each empty variable.
    pub(super) fn external_labels(
        &self,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<(Labels, Vec<String>), String> {
        let scheme = self.name_scheme()?;
        let mut warnings = Vec::new();
        let mut pairs = Vec::new();
        for (name, value) in self.external_labels.iter().flatten() {
            if !scheme.is_label_name(name) {
                return Err(format!("{name:?} is not a valid label name"));
            }
            let value = expand(value.as_deref().unwrap_or(""), |var| {
                let value = variable(var).unwrap_or_default();
                if value.is_empty() {
                    warnings.push(format!("external label {name}: variable {var} is empty"));
                }
                value
            });
            pairs.push((name.as_str(), value));
        }
        Ok((Labels::from_pairs(pairs), warnings))
    }
}

/// Replaces `$name` and `${name}`; `$$` is a dollar sign. A dollar sign before anything else stays.
fn expand(text: &str, mut variable: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
            continue;
        }
        let braced = after.strip_prefix('{').and_then(|inner| {
            let end = inner.find('}')?;
            Some((&inner[..end], &inner[end + 1..]))
        });
        let plain_len =
            after.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let (name, tail) = braced.unwrap_or_else(|| after.split_at(plain_len));
        if is_legacy_label_name(name) {
            out.push_str(&variable(name));
            rest = tail;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn variables() {
        let check = |text: &str, expected: &str| {
            let variable = |name: &str| if name == "TEST" { "value".into() } else { String::new() };
            assert_eq!(expand(text, variable), expected, "{text}");
        };
        check("foo", "foo");
        check("foo${TEST}bar", "foovaluebar");
        check("foo$TEST", "foovalue");
        check("foo$TEST-x", "foovalue-x");
        check("foo${TEST}foo$$bar", "foovaluefoo$bar");
        check("a${NONE}b", "ab");
        check("100$", "100$");
        check("$1", "$1");
        check("${open", "${open");
    }
}
