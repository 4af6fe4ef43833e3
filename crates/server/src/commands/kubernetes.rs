//! `rushlight kubernetes`: what custom resources mean, without a cluster.

use anyhow::Context;
use client::files::{into_text, read_all, read_once};
use kubernetes::jobs::Written;
use kubernetes::{Resources, render as render_jobs};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A file may hold at most this much.
const MAX_BYTES: u64 = 256 << 20;

/// Prints the configuration that the objects of the files mean, and on standard error what is not in
/// it; ends with a failure when an object was left out.
pub(crate) fn render(paths: &[PathBuf]) -> ExitCode {
    match rendered(paths) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn rendered(paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut resources = Resources::default();
    for path in paths {
        let name = path.display();
        let text = text_of(path).with_context(|| name.to_string())?;
        let added = resources.add_text(&text).map_err(anyhow::Error::msg);
        added.with_context(|| name.to_string())?;
    }
    let assets = Written::new(&resources);
    let out = render_jobs(&resources, &assets).map_err(anyhow::Error::msg).context("Prometheus")?;
    std::io::stdout().write_all(out.to_yaml().as_bytes()).context("standard output")?;
    for warning in &out.warnings {
        eprintln!("warning: {warning}");
    }
    for monitor in without_endpoints(&resources) {
        eprintln!("warning: {monitor}: it has no endpoints, so it makes no jobs");
    }
    for (kind, count) in &resources.others {
        let kind = if kind.is_empty() { "(no kind)" } else { kind };
        eprintln!("passed over: {count} of kind {kind}, which makes no jobs");
    }
    for missing in assets.missing() {
        eprintln!("warning: {missing}; a cluster would leave the object out that refers to it");
    }
    let unreadable = resources.unreadable.iter().map(ToString::to_string);
    let rejected = out.rejected.iter().map(ToString::to_string);
    let left_out: Vec<String> = unreadable.chain(rejected).collect();
    for object in &left_out {
        eprintln!("left out: {object}");
    }
    Ok(if left_out.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What an API server would have refused, or taken without a word.
fn without_endpoints(resources: &Resources) -> impl Iterator<Item = String> {
    let services = resources.service_monitors.iter().filter(|one| one.spec.endpoints.is_empty());
    let services = services.map(|one| format!("ServiceMonitor {}", one.metadata));
    let pods = resources.pod_monitors.iter();
    let pods = pods.filter(|one| one.spec.pod_metrics_endpoints.is_empty());
    services.chain(pods.map(|one| format!("PodMonitor {}", one.metadata)))
}

/// The text of a file, or of standard input for `-`.
fn text_of(path: &Path) -> std::io::Result<String> {
    if path != Path::new("-") {
        return read_once(path, MAX_BYTES)?.into_text();
    }
    into_text(read_all(std::io::stdin().lock(), MAX_BYTES)?)
}
