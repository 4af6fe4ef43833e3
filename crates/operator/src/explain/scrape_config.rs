//! ScrapeConfig: its lists of discovery, and the targets that come of them.

use super::facts::Facts;
use super::scraping::{self, Fields};
use super::text::list;
use super::{Check, first_failure};
use crate::plan::{Verdict, WarningKind};
use kubernetes::resources::ScrapeConfig;

/// Is there anything that finds targets?
pub(super) const DISCOVERY: &str = "discovery";

/// The lists that are built in.
const BUILT_IN: &str = "staticConfigs, httpSDConfigs, dnsSDConfigs, fileSDConfigs and \
                        kubernetesSDConfigs";

pub(super) fn checks(checks: &mut Vec<Check>, spec: &ScrapeConfig, facts: &Facts) {
    let discovery = discovery(spec, facts);
    checks.push(discovery);
    let fields = Fields {
        at: "spec".to_owned(),
        path: "spec.metricsPath".to_owned(),
        scheme: "spec.scheme".to_owned(),
        relabelings: "spec.relabelings".to_owned(),
        rules: &spec.relabelings,
        limits: &spec.limits,
    };
    let blocked = first_failure(&*checks);
    checks.extend(scraping::job(facts.jobs.first(), &fields, blocked));
}

fn discovery(spec: &ScrapeConfig, facts: &Facts) -> Check {
    let verdict = facts.state.as_ref().and_then(|state| state.verdict.as_ref());
    let unsupported: Vec<String> = match verdict {
        Some(Verdict::Accepted(accepted)) => accepted
            .warnings
            .iter()
            .filter(|warning| warning.kind == WarningKind::UnsupportedDiscovery)
            .map(|warning| warning.message.clone())
            .collect(),
        _ => Vec::new(),
    };
    if let [first, rest @ ..] = &*unsupported {
        let fix = format!("list the targets by one of {BUILT_IN}");
        return Check::fail(DISCOVERY, first.clone(), fix).with(rest.iter().cloned());
    }
    let lists: [(&str, usize); 6] = [
        ("staticConfigs", spec.static_configs.len()),
        ("fileSDConfigs", spec.file_sd_configs.len()),
        ("httpSDConfigs", spec.http_sd_configs.len()),
        ("dnsSDConfigs", spec.dns_sd_configs.len()),
        ("kubernetesSDConfigs", spec.kubernetes_sd_configs.len()),
        ("consulSDConfigs", spec.consul_sd_configs.len()),
    ];
    let used: Vec<&str> = lists.iter().filter(|(_, n)| *n > 0).map(|(name, _)| *name).collect();
    if used.is_empty() {
        let fix = format!("list the targets by one of {BUILT_IN}");
        return Check::fail(DISCOVERY, "no list finds targets for it", fix);
    }
    if used == ["staticConfigs"] && spec.static_configs.iter().all(|list| list.targets.is_empty()) {
        let fix = "write host:port of each target in spec.staticConfigs[0].targets";
        return Check::fail(DISCOVERY, "spec.staticConfigs names no targets", fix);
    }
    Check::pass(DISCOVERY, format!("targets are found by {}", list(used)))
}
