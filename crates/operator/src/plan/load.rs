//! From what objects mean to what is run.

use super::veil::veil;
use super::{ObjectRef, Options, PlannedJob};
use discovery::kubernetes::Preselect;
use kubernetes::Fields;
use kubernetes::jobs::SHARD;
use model::relabel::Patterns;
use scrape::Config;
use std::sync::Arc;

/// Keys and values of a job: one with many written targets is large.
const MAX_NODES: usize = 4_000_000;

/// The job of some keys, as if a file had them. Its text says less where it has secrets in place.
pub(super) fn job(
    fields: &Fields,
    preselect: Option<&Preselect>,
    options: &Options,
    patterns: &mut Patterns,
    object: Option<&ObjectRef>,
    has_secrets: bool,
) -> Result<PlannedJob, String> {
    let text = serde_json::to_string(fields).map_err(|error| error.to_string())?;
    let text = text.replace(SHARD, &options.shard.to_string());
    let mut config: Config = read(&text)?;
    for kubernetes in &mut config.sd_mut().kubernetes {
        kubernetes.preselect = preselect.cloned();
    }
    let mut job = config.resolve(&options.global).map_err(|error| error.to_string())?;
    job.share_patterns(patterns);
    let shown = match has_secrets {
        false => text.into(),
        true => {
            let mut value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            veil(&mut value);
            value.to_string().into()
        }
    };
    Ok(PlannedJob { config, job: Arc::new(job), text: shown, object: object.cloned() })
}

/// JSON is YAML, too.
fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_events: 2 * MAX_NODES },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        // Without the place: it is one in a text that nobody sees.
        let message = error.without_snippet().to_string();
        let line = message.lines().next().unwrap_or_default();
        let end = [" (defined at ", " at line "].iter().filter_map(|end| line.find(end)).min();
        let line = &line[..end.unwrap_or(line.len())];
        line.split_once(": ")
            .filter(|(place, _)| place.starts_with("line "))
            .map_or(line, |(_, m)| m)
            .to_owned()
    })
}
