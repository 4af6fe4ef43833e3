//! `rushlight check service-discovery`: which targets would a job have, and with which labels?

use crate::config::{self, Reading};
use crate::flags::{CheckServiceDiscovery, SERVICE_ACCOUNT};
use crate::wiring::cluster::Reach;
use anyhow::{Context, bail};
use model::Labels;
use scrape::Preview;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Connections to those who list targets.
const MAX_CONNECTIONS: usize = 64;

/// Asks all that the job asks, once, and prints what promtool prints: a list of targets, each once.
/// What fails or does not answer in time is told on standard error and is no failure.
pub(crate) async fn service_discovery(asked: &CheckServiceDiscovery) -> anyhow::Result<()> {
    let loaded = config::load(&asked.config, &Reading { once: true, ..Reading::default() })
        .map_err(|error| anyhow::anyhow!("Cannot load config parsing YAML file {error}"))?;
    let found = loaded.jobs.iter().zip(&loaded.scrape_configs);
    let mut found = found.filter(|(job, _)| job.name == asked.job);
    let Some((job, config)) = found.next() else {
        let mut text = format!("Job {} not found. Select one of:", asked.job);
        for job in &loaded.jobs {
            write!(text, "\n\t{}", job.name).expect("a string takes text");
        }
        bail!(text);
    };
    if let Some(refused) = config.sd().refused().first() {
        let file = asked.config.display();
        let (line, column) = (refused.line, refused.column);
        bail!("Could not create new discoverer: {file}:{line}:{column}: {refused}");
    }
    let reach = Reach::new(Path::new(SERVICE_ACCOUNT));
    let means = reach.means(discovery::Means::new(
        Arc::new(discovery::Metrics::new("check")),
        client::Dialer::net(MAX_CONNECTIONS),
        concat!("Rushlight/", env!("CARGO_PKG_VERSION")),
    ));
    let discoverers = config.sd().discoverers(&means).map_err(|refused| {
        let (file, line, column) = (asked.config.display(), refused.line, refused.column);
        anyhow::anyhow!("Could not create new discoverer: {file}:{line}:{column}: {refused}")
    })?;
    let timeout = Duration::from_millis(u64::try_from(asked.timeout.ms).unwrap_or(0));
    let all =
        discovery::once(discovery::Job { name: job.name.clone(), discoverers }, timeout).await;
    let groups = all.iter().filter_map(|found| found.groups.as_ref());
    let previews = groups.flat_map(|groups| groups.iter().flat_map(|g| scrape::preview(job, g)));
    let silent = all.iter().filter(|found| found.groups.is_none()).count();
    if silent > 0 {
        eprintln!("{silent} of {} found nothing within {}", all.len(), asked.timeout);
    }
    let text = serde_json::to_string_pretty(&list(previews)).context("writing JSON")?;
    // Nobody has to read all of it.
    writeln!(std::io::stdout().lock(), "{text}").context("printing")
}

/// Each target once.
fn list(previews: impl IntoIterator<Item = Preview>) -> Value {
    let mut seen = HashSet::new();
    let once = previews.into_iter().filter(|preview| {
        let key = (preview.discovered.clone(), format!("{:?}", preview.outcome));
        seen.insert(key)
    });
    let target = |preview: Preview| {
        let mut target = json!({"discoveredLabels": labels(&preview.discovered)});
        let (after, error) = match preview.outcome {
            Ok(after) => (after.unwrap_or_default(), None),
            Err(error) => (Labels::default(), Some(error)),
        };
        target["labels"] = labels(&after);
        if let Some(error) = error {
            target["error"] = error.into();
        }
        target
    };
    once.map(target).collect()
}

fn labels(labels: &Labels) -> Value {
    let pairs = labels.iter().map(|(name, value)| (name.to_owned(), value.into()));
    Value::Object(pairs.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_stands_once_with_what_becomes_of_it() {
        let preview = |address: &str, outcome: Result<Option<&str>, &str>| Preview {
            discovered: Labels::from_pairs([("__address__", address)]),
            outcome: outcome
                .map(|kept| kept.map(|job| Labels::from_pairs([("job", job)])))
                .map_err(str::to_owned),
        };
        let previews = [
            preview("a", Ok(Some("x"))),
            preview("b", Ok(None)),
            preview("a", Ok(Some("x"))),
            preview("c", Err("no address")),
        ];
        let expected = json!([
            {"discoveredLabels": {"__address__": "a"}, "labels": {"job": "x"}},
            {"discoveredLabels": {"__address__": "b"}, "labels": {}},
            {"discoveredLabels": {"__address__": "c"}, "labels": {}, "error": "no address"},
        ]);
        assert_eq!(list(previews), expected);
    }
}
