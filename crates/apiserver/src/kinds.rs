//! The kinds of objects that are served.

/// A kind of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Empty for the core group.
    pub group: &'static str,
    /// Such as `v1`.
    pub version: &'static str,
    /// As in paths.
    pub plural: &'static str,
    /// As in objects.
    pub kind: &'static str,
    /// Short names for `kubectl`.
    pub short: &'static [&'static str],
    /// Whether objects belong to a namespace.
    pub is_namespaced: bool,
    /// Whether status is written apart.
    pub has_status: bool,
    /// Whether it is there only once its definition is.
    pub is_custom: bool,
}

impl Kind {
    /// `v1` or `group/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

const MONITORING: &str = "monitoring.coreos.com";

const fn kind(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Kind {
    Kind {
        group,
        version,
        plural,
        kind,
        short,
        is_namespaced: true,
        has_status: false,
        is_custom: false,
    }
}

const fn cluster(kind: Kind) -> Kind {
    Kind { is_namespaced: false, ..kind }
}

const fn with_status(kind: Kind) -> Kind {
    Kind { has_status: true, ..kind }
}

const fn custom(kind: Kind) -> Kind {
    Kind { is_custom: true, has_status: true, ..kind }
}

/// All of them.
pub(crate) const KINDS: [Kind; 22] = [
    cluster(with_status(kind("", "v1", "namespaces", "Namespace", &["ns"]))),
    cluster(with_status(kind("", "v1", "nodes", "Node", &["no"]))),
    with_status(kind("", "v1", "pods", "Pod", &["po"])),
    with_status(kind("", "v1", "services", "Service", &["svc"])),
    kind("", "v1", "endpoints", "Endpoints", &["ep"]),
    kind("", "v1", "secrets", "Secret", &[]),
    kind("", "v1", "configmaps", "ConfigMap", &["cm"]),
    with_status(kind("apps", "v1", "deployments", "Deployment", &["deploy"])),
    with_status(kind("apps", "v1", "replicasets", "ReplicaSet", &["rs"])),
    with_status(kind("apps", "v1", "statefulsets", "StatefulSet", &["sts"])),
    with_status(kind("apps", "v1", "daemonsets", "DaemonSet", &["ds"])),
    with_status(kind("batch", "v1", "jobs", "Job", &[])),
    with_status(kind("batch", "v1", "cronjobs", "CronJob", &["cj"])),
    kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", &[]),
    with_status(kind("networking.k8s.io", "v1", "ingresses", "Ingress", &["ing"])),
    kind("events.k8s.io", "v1", "events", "Event", &["ev"]),
    custom(kind(MONITORING, "v1", "servicemonitors", "ServiceMonitor", &["smon"])),
    custom(kind(MONITORING, "v1", "podmonitors", "PodMonitor", &["pmon"])),
    custom(kind(MONITORING, "v1", "probes", "Probe", &["prb"])),
    custom(kind(MONITORING, "v1", "prometheusrules", "PrometheusRule", &["promrule"])),
    custom(kind(MONITORING, "v1", "prometheuses", "Prometheus", &["prom"])),
    custom(kind(MONITORING, "v1alpha1", "scrapeconfigs", "ScrapeConfig", &["scfg"])),
];

/// The kind of a path.
pub(crate) fn by_path(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    let is_it =
        |kind: &&Kind| kind.group == group && kind.version == version && kind.plural == plural;
    KINDS.iter().find(is_it)
}

/// The kind of an object.
pub(crate) fn by_object(api_version: &str, name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.kind == name && kind.api_version() == api_version)
}
