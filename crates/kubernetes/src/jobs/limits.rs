//! Limits and formats of a job.

use super::Reason;
use super::validate;
use crate::resources::monitors::Limits;
use crate::resources::settings::{ScrapeClass, Settings};
use crate::yaml::Fields;
use serde_json::Value;

/// The value for a job: its own, cut to what is enforced; `None` leaves it to the global one.
fn of_job(own: Option<u64>, enforced: Option<u64>) -> Option<u64> {
    match enforced.filter(|limit| *limit > 0) {
        None => own,
        Some(enforced) => own.filter(|limit| *limit > 0).map(|own| own.min(enforced)),
    }
}

/// The value for all: cut to what is enforced, which also stands in for it.
fn of_all(own: Option<u64>, enforced: Option<u64>) -> Option<u64> {
    match enforced.filter(|limit| *limit > 0) {
        None => own,
        Some(enforced) => {
            Some(own.filter(|limit| *limit > 0).map_or(enforced, |own| own.min(enforced)))
        }
    }
}

/// The smaller of two sizes; a job without its own leaves it to the global one.
fn smaller_size(own: Option<&str>, enforced: Option<&str>) -> Option<String> {
    let size = |text: &str| model::size::parse_bytes(text).ok().filter(|bytes| *bytes > 0);
    let own = own.filter(|text| !text.is_empty());
    match (own, enforced.and_then(size)) {
        (None, _) => None,
        (Some(own), None) => Some(own.to_owned()),
        (Some(own), Some(limit)) => match size(own) {
            Some(bytes) if bytes <= limit => Some(own.to_owned()),
            _ => enforced.map(str::to_owned),
        },
    }
}

/// The limits of the `global` section.
pub(super) fn global(out: &mut Fields, settings: &Settings) {
    let s = settings;
    out.set_some("sample_limit", of_all(s.sample_limit, s.enforced_sample_limit));
    out.set_some("target_limit", of_all(s.target_limit, s.enforced_target_limit));
    out.set_some("label_limit", of_all(s.label_limit, s.enforced_label_limit));
    let name_length = of_all(s.label_name_length_limit, s.enforced_label_name_length_limit);
    out.set_some("label_name_length_limit", name_length);
    let value_length = of_all(s.label_value_length_limit, s.enforced_label_value_length_limit);
    out.set_some("label_value_length_limit", value_length);
    let dropped = of_all(s.keep_dropped_targets, s.enforced_keep_dropped_targets);
    out.set_some("keep_dropped_targets", dropped);
    let size = match (&s.body_size_limit, &s.enforced_body_size_limit) {
        (None, enforced) => enforced.clone(),
        (own, enforced) => smaller_size(own.as_deref(), enforced.as_deref()),
    };
    out.set_some("body_size_limit", size);
}

/// The limits and formats of a job. A Probe has no bound of its own for the size of a page.
pub(super) fn job(
    out: &mut Fields,
    limits: &Limits,
    settings: &Settings,
    class: Option<&ScrapeClass>,
) -> Result<(), Reason> {
    let s = settings;
    out.set_some("sample_limit", of_job(limits.sample_limit, s.enforced_sample_limit));
    out.set_some("target_limit", of_job(limits.target_limit, s.enforced_target_limit));
    out.set_some("label_limit", of_job(limits.label_limit, s.enforced_label_limit));
    let name_length = of_job(limits.label_name_length_limit, s.enforced_label_name_length_limit);
    out.set_some("label_name_length_limit", name_length);
    let value_length = of_job(limits.label_value_length_limit, s.enforced_label_value_length_limit);
    out.set_some("label_value_length_limit", value_length);
    let dropped = of_job(limits.keep_dropped_targets, s.enforced_keep_dropped_targets);
    out.set_some("keep_dropped_targets", dropped);
    if let Some(size) = &limits.body_size_limit {
        validate::size("bodySizeLimit", size)?;
    }
    let enforced_size = s.enforced_body_size_limit.as_deref();
    out.set_some("body_size_limit", smaller_size(limits.body_size_limit.as_deref(), enforced_size));
    validate::protocols(&limits.scrape_protocols)?;
    out.set_list("scrape_protocols", &limits.scrape_protocols);
    let of_class = class.and_then(|class| class.fallback_scrape_protocol.as_ref());
    let fallback = limits.fallback_scrape_protocol.as_ref().or(of_class);
    if let Some(fallback) = fallback {
        validate::protocol("fallbackScrapeProtocol", fallback)?;
    }
    out.set_some("fallback_scrape_protocol", fallback);
    out.set_some("scrape_native_histograms", limits.scrape_native_histograms);
    out.set_some("always_scrape_classic_histograms", limits.scrape_classic_histograms);
    out.set_some("native_histogram_bucket_limit", limits.native_histogram_bucket_limit);
    if let Some(factor) = &limits.native_histogram_min_bucket_factor {
        out.set("native_histogram_min_bucket_factor", quantity(factor)?);
    }
    out.set_some("convert_classic_histograms_to_nhcb", limits.convert_classic_histograms_to_nhcb);
    Ok(())
}

/// A quantity of Kubernetes as a number: `1.1`, `"1100m"`.
fn quantity(value: &Value) -> Result<f64, Reason> {
    let bad = || format!("nativeHistogramMinBucketFactor: {value} is not a quantity");
    if let Some(number) = value.as_f64() {
        return Ok(number);
    }
    let text = value.as_str().ok_or_else(bad)?;
    const SUFFIXES: [(&str, f64); 12] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let suffix = SUFFIXES.iter().find(|(suffix, _)| text.ends_with(suffix));
    let (digits, factor) = suffix
        .map_or((text, 1.0), |(suffix, factor)| (&text[..text.len() - suffix.len()], *factor));
    let number: f64 = digits.parse().map_err(|_| bad())?;
    Ok(number * factor)
}
