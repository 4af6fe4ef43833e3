//! Kinds of objects: where they are found.

/// A kind of objects, by its path in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Empty for the core group.
    pub group: &'static str,
    /// Such as `v1`.
    pub version: &'static str,
    /// As in paths.
    pub plural: &'static str,
    /// As in objects.
    pub kind: &'static str,
    /// Whether objects belong to a namespace.
    pub namespaced: bool,
}

const MONITORING: &str = "monitoring.coreos.com";

const fn kind(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
) -> Kind {
    Kind { group, version, plural, kind, namespaced: true }
}

const fn of_cluster(kind: Kind) -> Kind {
    Kind { namespaced: false, ..kind }
}

impl Kind {
    /// Namespaces.
    pub const NAMESPACES: Self = of_cluster(kind("", "v1", "namespaces", "Namespace"));
    /// Machines.
    pub const NODES: Self = of_cluster(kind("", "v1", "nodes", "Node"));
    /// Pods.
    pub const PODS: Self = kind("", "v1", "pods", "Pod");
    /// Services.
    pub const SERVICES: Self = kind("", "v1", "services", "Service");
    /// Endpoints.
    pub const ENDPOINTS: Self = kind("", "v1", "endpoints", "Endpoints");
    /// Secrets.
    pub const SECRETS: Self = kind("", "v1", "secrets", "Secret");
    /// ConfigMaps.
    pub const CONFIG_MAPS: Self = kind("", "v1", "configmaps", "ConfigMap");
    /// EndpointSlices.
    pub const ENDPOINT_SLICES: Self =
        kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");
    /// Ingresses.
    pub const INGRESSES: Self = kind("networking.k8s.io", "v1", "ingresses", "Ingress");
    /// ReplicaSets.
    pub const REPLICA_SETS: Self = kind("apps", "v1", "replicasets", "ReplicaSet");
    /// Deployments.
    pub const DEPLOYMENTS: Self = kind("apps", "v1", "deployments", "Deployment");
    /// Jobs.
    pub const JOBS: Self = kind("batch", "v1", "jobs", "Job");
    /// CronJobs.
    pub const CRON_JOBS: Self = kind("batch", "v1", "cronjobs", "CronJob");
    /// ServiceMonitors.
    pub const SERVICE_MONITORS: Self = kind(MONITORING, "v1", "servicemonitors", "ServiceMonitor");
    /// PodMonitors.
    pub const POD_MONITORS: Self = kind(MONITORING, "v1", "podmonitors", "PodMonitor");
    /// Probes.
    pub const PROBES: Self = kind(MONITORING, "v1", "probes", "Probe");
    /// PrometheusRules.
    pub const PROMETHEUS_RULES: Self = kind(MONITORING, "v1", "prometheusrules", "PrometheusRule");
    /// Prometheuses, the settings of the Prometheus Operator.
    pub const PROMETHEUSES: Self = kind(MONITORING, "v1", "prometheuses", "Prometheus");
    /// ScrapeConfigs.
    pub const SCRAPE_CONFIGS: Self = kind(MONITORING, "v1alpha1", "scrapeconfigs", "ScrapeConfig");

    /// `v1` or `group/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether a server that works may not know it: its definition comes and goes. Names without a dot
    /// and those under `k8s.io` are the server's own.
    pub(super) fn is_custom(&self) -> bool {
        self.group.contains('.') && !self.group.ends_with(".k8s.io")
    }
}
