//! From flags and file to the settings of each part.

use super::cluster;
use super::host::hostname;
use crate::config::{self, Loaded, Reading};
use crate::flags::{FeatureList, Serve};
use crate::memory::Budget;
use client::files::Vault;
use model::duration::Duration as Span;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

pub(super) use crate::config::Retention;

/// Kept when neither flags nor file say anything.
const DEFAULT_RETENTION_MS: i64 = 15 * 24 * 3_600_000;

/// How soon targets of a cluster are scraped for the first time.
const FIRST_SCRAPE: Duration = Duration::from_secs(1);

/// Exemplars that are kept when the feature is on and the file says nothing.
const DEFAULT_EXEMPLARS: usize = 100_000;
/// More than this are not kept, whatever the file says: some gigabytes.
const MAX_EXEMPLARS: usize = 10_000_000;

pub(super) fn duration(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.ms).unwrap_or(0))
}

/// Tells names of features that nobody knows.
pub(super) fn warn_of_unknown_features(flags: &Serve) {
    for name in FeatureList::union(&flags.features).unknown {
        tracing::warn!(component = "server", option = %name, "unknown option for --enable-feature");
    }
}

/// How the configuration is read: what flags say about its `global` section, and about rules; and who
/// we are.
pub(super) fn reading(flags: &Serve) -> Reading {
    let features = FeatureList::union(&flags.features);
    let defaults = scrape::Global {
        extra_scrape_metrics: features.extra_scrape_metrics,
        features: features.scrape,
        ..Default::default()
    };
    let hostname = hostname();
    let pod = std::env::var("POD_NAME").ok().filter(|name| !name.is_empty());
    Reading {
        defaults,
        rules: Some(features.promql),
        shard: shard(flags, &hostname),
        replica: Some(pod.unwrap_or(hostname)),
        own_namespace: cluster::own_namespace(&flags.kubernetes_folder),
        ..Reading::default()
    }
}

/// How long and how much is kept: the file's section replaces the flags as a whole.
pub(super) fn retention(flags: &Serve, file: Option<config::Retention>) -> Retention {
    if let Some(retention) = file {
        return retention;
    }
    let time_ms = flags.retention_time.map(|time| time.ms).filter(|ms| *ms > 0);
    let bytes = flags.retention_size.filter(|bytes| *bytes > 0);
    let time_ms =
        if time_ms.is_none() && bytes.is_none() { Some(DEFAULT_RETENTION_MS) } else { time_ms };
    Retention { time_ms, bytes, percentage: None }
}

/// The same with a share of the file system as bytes, by its size now; a share wins over a size.
pub(super) fn in_bytes(retention: Retention, folder: &Path) -> Retention {
    let Some(percentage) = retention.percentage else { return retention };
    // The folder itself may come later.
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let bytes = match rustix::fs::statvfs(there) {
        Ok(stat) => share(stat.f_frsize.saturating_mul(stat.f_blocks), percentage),
        Err(error) => {
            let folder = folder.display().to_string();
            tracing::warn!(component = "tsdb", %folder, %error, "the file system has no size");
            None
        }
    };
    Retention { bytes: bytes.or(retention.bytes), ..retention }
}

/// Hundredths of a percent are as fine as anybody writes.
fn share(total: u64, percentage: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, reason = "a percentage is 0 to 100")]
    #[expect(clippy::cast_sign_loss, reason = "a percentage is 0 to 100")]
    let parts = (percentage * 100.0).round() as u64;
    u64::try_from(u128::from(total) * u128::from(parts) / 10_000).ok()
}

/// As `/status/runtimeinfo` tells it: `15d or 10GiB`.
pub(super) fn retention_text(retention: Retention) -> String {
    let time = retention.time_ms.map(|ms| Span::from_ms(ms).to_string());
    let bytes = retention.bytes.map(model::size::format_bytes);
    let share = retention.percentage.map(|percentage| format!("{percentage}%"));
    time.into_iter().chain(bytes).chain(share).collect::<Vec<_>>().join(" or ")
}

/// Exemplars that are kept; none without the feature.
pub(super) fn max_exemplars(flags: &Serve, loaded: &Loaded) -> usize {
    if !FeatureList::union(&flags.features).scrape.exemplar_storage {
        return 0;
    }
    let written = loaded.max_exemplars.map(|max| usize::try_from(max).unwrap_or(usize::MAX));
    written.unwrap_or(DEFAULT_EXEMPLARS).min(MAX_EXEMPLARS)
}

/// The address under which this process reaches itself.
pub(super) fn own_address(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        // An unspecified address of IPv6 takes connections of IPv4 too.
        ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

/// The timeout of reading; 0 is none in Prometheus, and a day here, as everything has a bound.
pub(super) fn read_timeout(flags: &Serve) -> Duration {
    match duration(flags.read_timeout) {
        Duration::ZERO => Duration::from_secs(24 * 3600),
        timeout => timeout,
    }
}

/// What the process keeps to, told once.
pub(super) fn budget(flags: &Serve) -> Option<Budget> {
    let budget = flags.memory_budget.then(|| Budget::of_the_container(flags.memory_ratio))??;
    tracing::info!(
        component = "server",
        bytes = budget.bytes,
        max_series = budget.max_series(),
        "a memory budget holds"
    );
    Some(budget)
}

/// Whose queries an engine evaluates. In little memory rules go on where others are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedBy {
    People,
    Rules,
}

pub(super) fn engine(
    flags: &Serve,
    asked_by: AskedBy,
    max_samples_given: bool,
    budget: Option<Budget>,
    loaded: &Loaded,
) -> promql::Engine {
    let max_samples = match budget {
        // Who writes the flag means it.
        Some(budget) if !max_samples_given => {
            let most = budget.max_samples();
            flags.query_max_samples.min(match asked_by {
                AskedBy::People => most,
                AskedBy::Rules => most.saturating_mul(2),
            })
        }
        _ => flags.query_max_samples,
    };
    let lookback_ms = match flags.lookback_delta.ms {
        // Nothing could ever be seen; Prometheus takes it as "not set".
        0 => promql::EngineOptions::default().lookback_ms,
        ms => ms,
    };
    promql::Engine::new(promql::EngineOptions {
        lookback_ms,
        default_step_ms: loaded.evaluation_interval_ms,
        max_samples,
        delayed_name_removal: FeatureList::union(&flags.features).delayed_name_removal,
    })
}

/// `""`, or a path with a slash in front and none at the end.
fn route_prefix(flags: &Serve, external: Option<&url::Url>) -> String {
    let path = match flags.route_prefix.as_str() {
        "" => external.map_or("", url::Url::path),
        given => given,
    };
    match path.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

/// The settings of the API.
///
/// # Errors
/// When the external URL is none.
pub(super) fn api(flags: &Serve, own: SocketAddr, hostname: &str) -> anyhow::Result<api::Settings> {
    let given = flags.external_url.as_str();
    let external = match given {
        "" => None,
        text if text.contains("://") => Some(url::Url::parse(text)?),
        text => Some(url::Url::parse(&format!("http://{text}"))?),
    };
    let fallback = format!("http://{hostname}:{}", own.port());
    Ok(api::Settings {
        read_timeout: read_timeout(flags),
        query_timeout: duration(flags.query_timeout),
        query_max_concurrency: flags.query_max_concurrency,
        features: FeatureList::union(&flags.features).promql,
        enable_lifecycle: flags.enable_lifecycle,
        enable_admin_api: flags.enable_admin_api,
        cors_origin: flags.cors_origin.clone(),
        page_title: flags.page_title.clone(),
        external_url: external
            .as_ref()
            .map_or(fallback, |url| url.as_str().trim_end_matches('/').to_owned()),
        route_prefix: route_prefix(flags, external.as_ref()),
        listen_port: own.port(),
        data_dir: flags.data_path.clone(),
    })
}

/// Moves the times of scrapes: twins with other external labels, or on other machines, scrape at other
/// times.
pub(super) fn offset_seed(loaded: &Loaded, hostname: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (hostname, loaded.external_labels.as_packed()).hash(&mut hasher);
    hasher.finish()
}

/// How scraping is done.
pub(super) fn scrape_options(
    flags: &Serve,
    loaded: &Loaded,
    hostname: &str,
    vault: Vault,
) -> scrape::Options {
    scrape::Options {
        user_agent: user_agent(),
        offset_seed: offset_seed(loaded, hostname),
        timestamp_tolerance: flags.adjust_timestamps.then(|| duration(flags.timestamp_tolerance)),
        max_connections: max_connections(flags),
        vault,
    }
}

/// What the jobs of a cluster inherit: their targets are scraped soon after they are found.
pub(super) fn cluster_global(loaded: &Loaded) -> scrape::Global {
    scrape::Global { first_scrape_within: Some(FIRST_SCRAPE), ..loaded.global.clone() }
}

/// How rules of a cluster are read: as those of files.
pub(super) fn rule_options(flags: &Serve, loaded: &Loaded) -> rules::file::Options {
    let scheme = loaded.global.metric_name_validation_scheme.as_deref();
    rules::file::Options {
        features: FeatureList::union(&flags.features).promql,
        legacy_names: scheme == Some("legacy"),
        ..Default::default()
    }
}

/// Which part of all targets is ours: as the flag says, else by the number at the end of the name of a
/// pod of a StatefulSet.
pub(super) fn shard(flags: &Serve, hostname: &str) -> Option<u64> {
    flags.kubernetes_shard.or_else(|| hostname.rsplit_once('-')?.1.parse().ok())
}

/// What holds for all rules.
pub(super) fn rules(flags: &Serve, loaded: &Loaded, external_url: &str) -> rules::Settings {
    rules::Settings {
        external_labels: loaded.external_labels.clone(),
        external_url: external_url.to_owned(),
        interval_ms: loaded.evaluation_interval_ms,
        query_offset_ms: loaded.rule_query_offset_ms,
        resend_delay_ms: flags.resend_delay.ms,
        for_outage_tolerance_ms: flags.for_outage_tolerance.ms,
        for_grace_period_ms: flags.for_grace_period.ms,
        features: FeatureList::union(&flags.features).promql,
    }
}

/// Most rules that are evaluated beside others of their groups.
pub(super) fn concurrent_evals(flags: &Serve) -> Option<usize> {
    let is_on = FeatureList::union(&flags.features).concurrent_rule_eval;
    is_on.then_some(flags.max_concurrent_evals)
}

/// How alerts are sent.
pub(super) fn notifier_options(flags: &Serve) -> notifier::Options {
    notifier::Options {
        queue_capacity: flags.notification_queue_capacity,
        batch_size: flags.notification_batch_size,
        drain_on_shutdown: flags.drain_notifications,
        user_agent: user_agent(),
        ..notifier::Options::default()
    }
}

/// To whom, and what becomes of them before.
pub(super) fn notifier(loaded: &Loaded) -> notifier::Settings {
    notifier::Settings {
        external_labels: loaded.external_labels.clone(),
        alert_relabel: loaded.alerting.alert_relabel.clone(),
        sets: loaded.alerting.sets.iter().map(|(set, _)| set.clone()).collect(),
    }
}

/// Who asks, in the words of HTTP.
pub(super) fn user_agent() -> String {
    format!("Prometheus/{}", crate::version::PROMETHEUS_VERSION)
}

/// What is left of the open files the process may have when the API and the database have theirs.
fn max_connections(flags: &Serve) -> usize {
    let all = crate::files::limit();
    let others = flags.max_connections.saturating_add(crate::files::FOR_THE_DATABASE);
    all.saturating_sub(others).max(all / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_go_on_where_queries_are_refused() {
        let parsed = crate::flags::parse(["rushlight".into()]);
        let flags = parsed.unwrap_or_else(|error| panic!("{error}")).cli.serve;
        let loaded = config::parse("", "p.yml", Path::new("/"), &Reading::default(), |_| None);
        let (loaded, budget) = (loaded.unwrap(), Some(Budget { bytes: 64 << 20 }));
        let most = |asked_by, given, budget| {
            engine(&flags, asked_by, given, budget, &loaded).options.max_samples
        };
        assert_eq!(most(AskedBy::People, false, budget), 1 << 20);
        assert_eq!(most(AskedBy::Rules, false, budget), 2 << 20);
        assert_eq!(most(AskedBy::People, true, budget), 50_000_000);
        assert_eq!(most(AskedBy::Rules, false, None), 50_000_000);
    }

    #[test]
    fn what_is_kept() {
        let day = 24 * 3_600_000;
        let check = |time_ms, bytes, percentage, expected: &str| {
            assert_eq!(retention_text(Retention { time_ms, bytes, percentage }), expected);
        };
        check(Some(15 * day), None, None, "15d");
        check(Some(day), Some(10 << 30), None, "1d or 10GiB");
        check(Some(day), None, Some(12.5), "1d or 12.5%");
        check(None, None, None, "");
        assert_eq!(share(1 << 40, 12.5), Some(1 << 37));
        assert_eq!(share(u64::MAX, 100.0), Some(u64::MAX));
    }
}
