//! The keys of the section: names and shapes.

use super::shape::Shape::{
    Additional, Anything, Choice, Duration, List, Map, Object, Port, Signed, Size, Text, Truth,
    Whole,
};
use super::shape::{Field, Shape, field};

const WORDS: Shape = List(&Text);
const TEXTS: Shape = Map(&Text);
const TLS_VERSION: Shape = Choice(&["TLS10", "TLS11", "TLS12", "TLS13"]);

const REQUIREMENT: &[Field] = &[
    field("key", Text),
    field("operator", Choice(&["In", "NotIn", "Exists", "DoesNotExist"])),
    field("values", WORDS),
];

const SELECTOR: Shape =
    Object(&[field("matchLabels", TEXTS), field("matchExpressions", List(&Object(REQUIREMENT)))]);

const KEY: &[Field] = &[field("name", Text), field("key", Text), field("optional", Truth)];

const EITHER: Shape = Object(&[field("secret", Object(KEY)), field("configMap", Object(KEY))]);

const ADDITIONAL: Shape = Additional(&[
    field("name", Text),
    field("key", Text),
    field("optional", Truth),
    field("secret", Object(KEY)),
    field("configMap", Object(KEY)),
]);

const TLS: Shape = Object(&[
    field("ca", EITHER),
    field("cert", EITHER),
    field("keySecret", Object(KEY)),
    field("serverName", Text),
    field("insecureSkipVerify", Truth),
    field("minVersion", TLS_VERSION),
    field("maxVersion", TLS_VERSION),
    field("caFile", Text),
    field("certFile", Text),
    field("keyFile", Text),
]);

const AUTHORIZATION: Shape = Object(&[
    field("type", Text),
    field("credentials", Object(KEY)),
    field("credentialsFile", Text),
]);

const BASIC_AUTH: Shape = Object(&[field("username", Object(KEY)), field("password", Object(KEY))]);

const RELABEL: Shape = Object(&[
    field("sourceLabels", WORDS),
    field("separator", Text),
    field("targetLabel", Text),
    field("regex", Text),
    field("modulus", Whole),
    field("replacement", Text),
    field("action", Text),
]);

const RELABELINGS: Shape = List(&RELABEL);

pub(crate) const ALERTMANAGERS: Shape = List(&Object(&[
    field("namespace", Text),
    field("name", Text),
    field("port", Port),
    field("scheme", Choice(&["http", "https", "HTTP", "HTTPS"])),
    field("pathPrefix", Text),
    field("tlsConfig", TLS),
    field("basicAuth", BASIC_AUTH),
    field("authorization", AUTHORIZATION),
    field("bearerTokenFile", Text),
    field("apiVersion", Text),
    field("timeout", Duration),
    field("enableHttp2", Truth),
    field("proxyUrl", Text),
    field("noProxy", Text),
    field("proxyFromEnvironment", Truth),
    field("proxyConnectHeader", Map(&List(&Object(KEY)))),
    field("relabelings", RELABELINGS),
    field("alertRelabelings", RELABELINGS),
]));

const SCRAPE_CLASSES: Shape = List(&Object(&[
    field("name", Text),
    field("default", Truth),
    field("fallbackScrapeProtocol", PROTOCOL),
    field("tlsConfig", TLS),
    field("authorization", AUTHORIZATION),
    field("relabelings", RELABELINGS),
    field("metricRelabelings", RELABELINGS),
    field("attachMetadata", Object(&[field("node", Truth)])),
]));

const PROTOCOL: Shape = Choice(&[
    "PrometheusProto",
    "OpenMetricsText0.0.1",
    "OpenMetricsText1.0.0",
    "PrometheusText0.0.4",
    "PrometheusText1.0.0",
]);

const EXCLUDED: Shape = List(&Object(&[
    field("group", Choice(&["monitoring.coreos.com"])),
    field(
        "resource",
        Choice(&["servicemonitors", "podmonitors", "probes", "scrapeconfigs", "prometheusrules"]),
    ),
    field("namespace", Text),
    field("name", Text),
]));

const EXCLUDED_RULES: Shape =
    List(&Object(&[field("ruleNamespace", Text), field("ruleName", Text)]));

const ALERT_TIMES: Shape = Object(&[
    field("forOutageTolerance", Duration),
    field("forGracePeriod", Duration),
    field("resendDelay", Duration),
]);

/// `{groups: [..]}` by name; the groups are read by who reads rule files.
pub(crate) const RULES_MAP: Shape =
    Map(&Object(&[field("groups", List(&Anything)), field("additionalLabels", TEXTS)]));

/// What a `Prometheus` object calls the same.
pub(crate) const OF_PROMETHEUS: &[Field] = &[
    field("serviceMonitorSelector", SELECTOR),
    field("serviceMonitorNamespaceSelector", SELECTOR),
    field("podMonitorSelector", SELECTOR),
    field("podMonitorNamespaceSelector", SELECTOR),
    field("probeSelector", SELECTOR),
    field("probeNamespaceSelector", SELECTOR),
    field("scrapeConfigSelector", SELECTOR),
    field("scrapeConfigNamespaceSelector", SELECTOR),
    field("ruleSelector", SELECTOR),
    field("ruleNamespaceSelector", SELECTOR),
    field("scrapeInterval", Duration),
    field("scrapeTimeout", Duration),
    field("evaluationInterval", Duration),
    field("ruleQueryOffset", Duration),
    field("externalLabels", TEXTS),
    field("prometheusExternalLabelName", Text),
    field("replicaExternalLabelName", Text),
    field("shards", Whole),
    field("podTargetLabels", WORDS),
    field("serviceDiscoveryRole", Choice(&["Endpoints", "EndpointSlice"])),
    field("overrideHonorLabels", Truth),
    field("overrideHonorTimestamps", Truth),
    field("ignoreNamespaceSelectors", Truth),
    field("enforcedNamespaceLabel", Text),
    field("excludedFromEnforcement", EXCLUDED),
    field("prometheusRulesExcludedFromEnforce", EXCLUDED_RULES),
    field("scrapeClasses", SCRAPE_CLASSES),
    field("scrapeProtocols", List(&PROTOCOL)),
    field("arbitraryFSAccessThroughSMs", Object(&[field("deny", Truth)])),
    field("sampleLimit", Whole),
    field("targetLimit", Whole),
    field("labelLimit", Whole),
    field("labelNameLengthLimit", Whole),
    field("labelValueLengthLimit", Whole),
    field("keepDroppedTargets", Whole),
    field("bodySizeLimit", Size),
    field("enforcedSampleLimit", Whole),
    field("enforcedTargetLimit", Whole),
    field("enforcedLabelLimit", Whole),
    field("enforcedLabelNameLengthLimit", Whole),
    field("enforcedLabelValueLengthLimit", Whole),
    field("enforcedKeepDroppedTargets", Whole),
    field("enforcedBodySizeLimit", Size),
    field("nameValidationScheme", Choice(&["UTF8", "Legacy"])),
    field("nameEscapingScheme", Choice(&["AllowUTF8", "Underscores", "Dots", "Values"])),
    field("scrapeNativeHistograms", Truth),
    field("scrapeClassicHistograms", Truth),
    field("convertClassicHistogramsToNHCB", Truth),
    field("additionalScrapeConfigs", ADDITIONAL),
    field("alerting", Object(&[field("alertmanagers", ALERTMANAGERS)])),
    field("additionalAlertManagerConfigs", ADDITIONAL),
    field("additionalAlertRelabelConfigs", ADDITIONAL),
    field("retention", Duration),
    field("retentionSize", Size),
    field("tsdb", Object(&[field("outOfOrderTimeWindow", Duration)])),
    field("exemplars", Object(&[field("maxSize", Signed)])),
    field("queryLogFile", Text),
    field("scrapeFailureLogFile", Text),
    field(
        "query",
        Object(&[
            field("lookbackDelta", Duration),
            field("maxConcurrency", Whole),
            field("maxSamples", Whole),
            field("timeout", Duration),
        ]),
    ),
    field("enableFeatures", WORDS),
    field("externalUrl", Text),
    field("routePrefix", Text),
    field("enableAdminAPI", Truth),
    field("listenLocal", Truth),
    field("logLevel", Choice(&["debug", "info", "warn", "error"])),
    field("logFormat", Choice(&["logfmt", "json"])),
    field("web", Object(&[field("pageTitle", Text), field("maxConnections", Whole)])),
    field("additionalArgs", List(&Object(&[field("name", Text), field("value", Text)]))),
];

/// Keys of our own.
pub(crate) const OURS: &[Field] = &[
    field("apiServer", Text),
    field("kubeconfig", Text),
    field("namespaces", WORDS),
    field("instance", Object(&[field("namespace", Text), field("name", Text)])),
    field("status", Object(&[field("writeBack", Choice(&["auto", "off"]))])),
    field("rules", Object(&[field("partial", Truth), field("alert", ALERT_TIMES)])),
    field("fileAccess", WORDS),
    field("additionalPrometheusRulesMap", RULES_MAP),
];

/// What this build cannot do: refused, unless it says nothing.
pub(crate) const UNBUILT: &[(&str, &str)] = &[
    ("remoteWrite", "sending samples on is not built in"),
    ("remoteRead", "remote reads are not built in"),
    ("enableRemoteWriteReceiver", "receiving remote writes is not built in"),
    ("remoteWriteReceiverMessageVersions", "receiving remote writes is not built in"),
    ("enableOTLPReceiver", "receiving OTLP is not built in"),
    ("otlp", "receiving OTLP is not built in"),
    ("tracingConfig", "tracing is not built in"),
    ("shardingStrategy", "targets are divided by their address only"),
    ("apiserverConfig", "apiServer or kubeconfig say where another cluster answers"),
];

/// The same below other keys.
pub(crate) const NESTED: &[(&str, &str)] = &[
    ("web.httpConfig", "--web.config.file says what headers answers have"),
    ("web.tlsConfig", "--web.config.file says how TLS is spoken"),
    ("tsdb.staleSeriesCompactionThreshold", "compacting stale series is not built in"),
    ("tsdb.chunkEncoding", "samples have an encoding of their own"),
    ("alerting.alertmanagers.sigv4", "signing requests in the way of Amazon is not built in"),
];

/// Keys of a `Prometheus` object that mean nothing here, and why.
pub(crate) const MEANINGLESS: &[(&str, &str)] = &[
    ("podMetadata", POD),
    ("version", POD),
    ("paused", OPERATOR),
    ("image", POD),
    ("imagePullPolicy", POD),
    ("imagePullSecrets", POD),
    ("baseImage", POD),
    ("tag", POD),
    ("sha", POD),
    ("replicas", POD),
    ("storage", POD),
    ("volumes", POD),
    ("volumeMounts", POD),
    ("persistentVolumeClaimRetentionPolicy", POD),
    ("resources", POD),
    ("nodeSelector", POD),
    ("schedulerName", POD),
    ("serviceAccountName", POD),
    ("automountServiceAccountToken", POD),
    ("secrets", POD),
    ("configMaps", POD),
    ("affinity", POD),
    ("tolerations", POD),
    ("topologySpreadConstraints", POD),
    ("securityContext", POD),
    ("dnsPolicy", POD),
    ("dnsConfig", POD),
    ("podManagementPolicy", POD),
    ("updateStrategy", POD),
    ("enableServiceLinks", POD),
    ("containers", POD),
    ("initContainers", POD),
    ("priorityClassName", POD),
    ("portName", POD),
    ("minReadySeconds", POD),
    ("hostAliases", POD),
    ("hostNetwork", POD),
    ("hostUsers", POD),
    ("terminationGracePeriodSeconds", POD),
    ("serviceName", POD),
    ("shardRetentionPolicy", POD),
    ("maximumStartupDurationSeconds", POD),
    ("reloadStrategy", OPERATOR),
    ("walCompression", "the log has an encoding of its own"),
    ("disableCompaction", "no sidecar takes blocks away"),
    ("thanos", "no sidecar takes blocks away"),
    ("allowOverlappingBlocks", "blocks may always overlap"),
    ("runtime", "these are settings of Go's runtime, which is not here"),
];

pub(crate) const POD: &str = "it says how the pod runs, which is the business of its deployment";
pub(crate) const OPERATOR: &str = "it speaks to the Operator, which is not needed here";

/// All keys that are taken.
pub(crate) fn known() -> impl Iterator<Item = &'static Field> {
    OF_PROMETHEUS.iter().chain(OURS)
}
