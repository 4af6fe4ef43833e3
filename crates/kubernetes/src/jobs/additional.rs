//! Jobs that are written as `prometheus.yml` has them.

use super::Context;
use super::steps::{Steps, is_hashmod};
use crate::resources::settings::Additional;
use crate::yaml::{Fields, Yaml};
use serde_json::Value;

/// The jobs of a list; each takes its part of the targets only, unless it divides them itself.
pub(super) fn jobs(
    written: &Additional,
    namespace: &str,
    cx: &Context<'_>,
) -> Result<Vec<Fields>, String> {
    let list = match written {
        Additional::Inline(list) => list.clone(),
        Additional::Secret(key) => list_of(&cx.assets.secret(namespace, key)?)?,
        Additional::ConfigMap(key) => list_of(&cx.assets.config_map(namespace, key)?)?,
    };
    let mut jobs = Vec::new();
    for (i, value) in list.into_iter().enumerate() {
        let Yaml::Map(mut job) = Yaml::from(value) else {
            return Err(format!("additionalScrapeConfigs[{i}]: is not a job"));
        };
        if cx.shards() != 1 {
            let steps = job.list_mut("relabel_configs");
            if !steps.iter().any(is_hashmod) {
                let mut shard = Steps::default();
                shard.shard("__address__", cx);
                steps.extend(shard.into_list());
            }
        }
        jobs.push(job);
    }
    Ok(jobs)
}

fn list_of(text: &str) -> Result<Vec<Value>, String> {
    // Where it is wrong, and not what stands there: it is a secret.
    // Else a label's value `yes` would be `true`.
    let options = serde_saphyr::options! { strict_booleans: true };
    let list = serde_saphyr::from_str_with_options::<Option<Vec<Value>>>(text, options);
    let list = list.map_err(|error| {
        let place = error.location().map(|at| format!(" at line {}", at.line()));
        format!("additionalScrapeConfigs: not a list of jobs{}", place.unwrap_or_default())
    })?;
    Ok(list.unwrap_or_default())
}
