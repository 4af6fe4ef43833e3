//! The names of the chart's values, and what they are about.

/// Values at the top that mean nothing here, and why.
pub(super) const TOP: &[(&str, &str)] = &[
    ("kubeTargetVersionOverride", CHART),
    ("kubeVersionOverride", CHART),
    ("commonLabels", CHART),
    ("crds", CHART),
    ("customRules", RULES),
    ("defaultRules", RULES),
    ("global", CHART),
    ("windowsMonitoring", COMPONENT),
    ("prometheus-windows-exporter", COMPONENT),
    ("grafana", COMPONENT),
    ("kubernetesServiceMonitors", MONITORS),
    ("kubeApiServer", MONITORS),
    ("kubelet", MONITORS),
    ("kubeControllerManager", MONITORS),
    ("coreDns", MONITORS),
    ("kubeDns", MONITORS),
    ("kubeEtcd", MONITORS),
    ("kubeScheduler", MONITORS),
    ("kubeProxy", MONITORS),
    ("kubeStateMetrics", COMPONENT),
    ("kube-state-metrics", COMPONENT),
    ("nodeExporter", COMPONENT),
    ("prometheus-node-exporter", COMPONENT),
    ("prometheusOperator", "the Operator is not needed here"),
    ("thanosRuler", COMPONENT),
    ("extraManifests", "the chart makes objects of it; those we follow are read from the cluster"),
];

const CHART: &str = "it is about what the chart installs";
const COMPONENT: &str = "it is about another component of the chart";
const MONITORS: &str = "the chart makes monitors of it, which are read from the cluster";
const RULES: &str = "the chart makes PrometheusRules of it, which are read from the cluster";

/// Values at the top that are used, at least in part.
pub(super) const TOP_USED: &[&str] = &[
    "nameOverride",
    "namespaceOverride",
    "fullnameOverride",
    "cleanPrometheusOperatorObjectNames",
    "additionalPrometheusRulesMap",
    "additionalPrometheusRules",
    "alertmanager",
    "prometheus",
];

/// Whether a key can only be one of the chart's; many charts have the first ones.
pub(super) fn is_top(key: &str) -> bool {
    let of_many = ["nameOverride", "namespaceOverride", "fullnameOverride", "global", "crds"];
    let also = ["commonLabels", "grafana", "prometheus-node-exporter", "kube-state-metrics"];
    !of_many.contains(&key) && !also.contains(&key) && tops().any(|known| known == key)
}

/// All keys at the top.
pub(super) fn tops() -> impl Iterator<Item = &'static str> {
    TOP.iter().map(|(name, _)| *name).chain(TOP_USED.iter().copied())
}

/// Values below `prometheus` that mean nothing here, and why.
pub(super) const PROMETHEUS: &[(&str, &str)] = &[
    ("annotations", CHART),
    ("additionalLabels", CHART),
    ("networkPolicy", CHART),
    ("serviceAccount", CHART),
    ("thanosService", THANOS),
    ("thanosServiceMonitor", THANOS),
    ("thanosServiceExternal", THANOS),
    ("thanosIngress", THANOS),
    ("service", CHART),
    ("servicePerReplica", CHART),
    ("podDisruptionBudget", CHART),
    ("verticalPodAutoscaler", CHART),
    ("extraSecret", CHART),
    ("ingressPerReplica", CHART),
    ("routePerReplica", CHART),
    ("serviceMonitor", MONITORS),
    ("additionalRulesForClusterRole", CHART),
];

const THANOS: &str = "it is about a sidecar that is not needed here";

/// Values below `prometheus` that are used, at least in part.
pub(super) const PROMETHEUS_USED: &[&str] = &[
    "enabled",
    "agentMode",
    "ingress",
    "route",
    "prometheusSpec",
    "additionalServiceMonitors",
    "additionalPodMonitors",
];

/// All keys below `prometheus`.
pub(super) fn prometheus_keys() -> impl Iterator<Item = &'static str> {
    PROMETHEUS.iter().map(|(name, _)| *name).chain(PROMETHEUS_USED.iter().copied())
}

/// Values of `prometheusSpec` that only the chart has and that mean nothing here.
pub(super) const SPEC: &[(&str, &str)] = &[
    ("additionalPrometheusSecretsAnnotations", CHART),
    ("podAntiAffinity", crate::section::POD),
    ("podAntiAffinityTopologyKey", crate::section::POD),
    ("remoteWriteDashboards", COMPONENT),
];

/// Values of `prometheusSpec` that a deployment has to take over.
pub(super) const DEPLOYMENT: &[(&str, &str)] = &[
    ("storageSpec", "the volume: a claim like this belongs to our deployment"),
    ("storage", "the volume: a claim like this belongs to our deployment"),
    ("resources", "CPU and memory: they belong to our deployment; memory becomes our budget"),
    ("volumes", "files for jobs: they belong to our deployment"),
    ("volumeMounts", "files for jobs: they belong to our deployment"),
    (
        "secrets",
        "files in /etc/prometheus/secrets: our deployment has to mount them, if jobs name them",
    ),
    (
        "configMaps",
        "files in /etc/prometheus/configmaps: our deployment has to mount them, if jobs name them",
    ),
    ("containers", "containers beside the server: they belong to our deployment"),
    ("initContainers", "containers before the server: they belong to our deployment"),
];

/// Values of `prometheusSpec` that only the chart has and that are not built in.
pub(super) const UNBUILT: &[(&str, &str)] = &[
    ("additionalRemoteRead", "remote reads are not built in"),
    ("additionalRemoteWrite", "sending samples on is not built in"),
    (
        "additionalAlertManagerConfigsSecret",
        "a reference to a Secret is not built in here; write additionalAlertManagerConfigs in place",
    ),
    (
        "additionalAlertRelabelConfigsSecret",
        "a reference to a Secret is not built in here; write additionalAlertRelabelConfigs in place",
    ),
];

/// Values of `prometheusSpec` that only the chart has and that are used.
pub(super) const SPEC_USED: &[&str] = &[
    "serviceMonitorSelectorNilUsesHelmValues",
    "podMonitorSelectorNilUsesHelmValues",
    "probeSelectorNilUsesHelmValues",
    "scrapeConfigSelectorNilUsesHelmValues",
    "ruleSelectorNilUsesHelmValues",
    "additionalScrapeConfigsSecret",
    "alertingEndpoints",
    "disableAlerting",
    "prometheusExternalLabelNameClear",
    "replicaExternalLabelNameClear",
    "additionalConfig",
    "additionalConfigString",
];
