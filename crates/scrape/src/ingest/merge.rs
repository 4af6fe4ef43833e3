//! How the labels of a line meet those of its target.

use exposition::SeriesLine;
use model::{Labels, LabelsBuilder, METRIC_NAME};
use smallvec::SmallVec;
use std::borrow::Cow;

const EXPORTED: &str = "exported_";

/// The labels of a line together with its target's.
///
/// Honoured, a label of the line wins, even an empty one, which then vanishes. Otherwise the target
/// wins, and the line's own label is renamed `exported_…`, again and again until the name is free;
/// shorter names go first.
///
/// # Errors
/// With the name, when a label stands twice in the line.
pub(super) fn merge(
    series: &SeriesLine<'_>,
    target: &Labels,
    honor_labels: bool,
) -> Result<Labels, String> {
    let mut own: SmallVec<[(Cow<'_, str>, Cow<'_, str>); 16]> = SmallVec::new();
    own.push((METRIC_NAME.into(), series.name()));
    own.extend(series.labels());
    own.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(pair) = own.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(pair[0].0.to_string());
    }
    let clash = own.iter().any(|(name, _)| target.get(name).is_some());
    Ok(if clash { clashing(&own, target, honor_labels).build() } else { zip(&own, target) })
}

/// Both are sorted and share no name.
fn zip(own: &[(Cow<'_, str>, Cow<'_, str>)], target: &Labels) -> Labels {
    let mut own = own.iter().map(|(name, value)| (&**name, &**value)).peekable();
    let mut target = target.iter().peekable();
    Labels::from_sorted(std::iter::from_fn(|| match (own.peek(), target.peek()) {
        (Some(a), Some(b)) if a.0 > b.0 => target.next(),
        (Some(_), _) => own.next(),
        (None, _) => target.next(),
    }))
}

fn clashing(
    own: &[(Cow<'_, str>, Cow<'_, str>)],
    target: &Labels,
    honor_labels: bool,
) -> LabelsBuilder {
    let mut labels = LabelsBuilder::new();
    for (name, value) in own {
        labels.set(name, value);
    }
    if honor_labels {
        for (name, value) in target {
            if !own.iter().any(|(own, _)| own == name) {
                labels.set(name, value);
            }
        }
        return labels;
    }
    let mut renamed: Vec<(String, String)> = Vec::new();
    for (name, value) in target {
        if let Some(own) = labels.get(name) {
            renamed.push((name.to_owned(), own.to_owned()));
        }
        labels.set(name, value);
    }
    renamed.sort_by_key(|(name, _)| name.len());
    for (name, value) in renamed {
        let mut name = format!("{EXPORTED}{name}");
        while labels.get(&name).is_some() {
            name.insert_str(0, EXPORTED);
        }
        labels.set(&name, &value);
    }
    labels
}
