//! What to do instead of serving.

use super::{FeatureList, ListenAddress, Log, values};
use clap::{Args, Subcommand};
use model::duration::Duration;
use std::path::PathBuf;

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check files.
    #[command(subcommand)]
    Check(Check),
    /// Ask a server.
    #[command(subcommand)]
    Query(Query),
    /// Ask a server why something is as it is.
    #[command(subcommand)]
    Explain(Explain),
    /// Evaluate rules over what a server has stored.
    #[command(subcommand)]
    Rules(Rules),
    /// Run tests.
    #[command(subcommand)]
    Test(Test),
    /// Read custom resources of Kubernetes.
    #[command(subcommand)]
    Kubernetes(Kubernetes),
    /// Serve living sample metrics, scrape them every second, and say where to look.
    Demo(Demo),
    /// Print the completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page, of the server or of a command.
    Man {
        /// The command, such as: check config.
        command: Vec<String>,
    },
}

/// A shell that completes what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Kubernetes {
    /// Print the configuration that ServiceMonitors, PodMonitors, Probes and ScrapeConfigs mean. A
    /// Prometheus object among them says the settings; Secrets and ConfigMaps what they refer to.
    Render {
        /// The files, YAML or JSON; - for standard input.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Check {
    /// Check configuration files.
    Config(CheckConfig),
    /// Check rule files, or standard input.
    Rules(CheckRules),
    /// Check web configuration files: TLS, users, headers.
    WebConfig {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Tell what values of the chart kube-prometheus-stack mean here.
    KpsValues(CheckKpsValues),
    /// Check a page of metrics on standard input: whether its names are wise.
    Metrics(CheckMetrics),
    /// Discover the targets of a job, and print them with their labels.
    ServiceDiscovery(CheckServiceDiscovery),
}

#[derive(Debug, Args)]
pub(crate) struct CheckKpsValues {
    /// The values, as they are given to Helm; - for standard input.
    pub(crate) file: PathBuf,
    /// The name of the release.
    #[arg(long, value_name = "NAME")]
    pub(crate) release: Option<String>,
    /// The namespace of the release.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Tell also of values that mean nothing here.
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Print the configuration file that means the same, and nothing else.
    #[arg(long)]
    pub(crate) print_config: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckMetrics {
    /// Print how many series each family has.
    #[arg(long)]
    pub(crate) extended: bool,
    /// Whether to tell what is unwise; ends with code 3 if anything is.
    #[arg(long, default_value = "all", value_name = "LINT")]
    lint: MetricsLint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum MetricsLint {
    All,
    None,
}

impl CheckMetrics {
    /// Whether what is unwise is told.
    pub(crate) fn lints(&self) -> bool {
        self.lint == MetricsLint::All
    }
}

#[derive(Debug, Args)]
pub(crate) struct CheckServiceDiscovery {
    /// The configuration file.
    pub(crate) config: PathBuf,
    /// The job.
    pub(crate) job: String,
    /// How long to wait for what has not answered.
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = values::duration)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct CheckConfig {
    /// The files.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Look at the files themselves only: neither at the files they name, nor at what is built in.
    #[arg(long)]
    pub(crate) syntax_only: bool,
    /// What is worth a complaint, separated by commas: all, none, duplicate-rules,
    /// too-long-scrape-interval.
    #[arg(long, default_value = "duplicate-rules", value_name = "NAMES")]
    pub(crate) lint: String,
    /// End with code 3 after complaints.
    #[arg(long)]
    pub(crate) lint_fatal: bool,
    /// Check for an agent, which has no rules, alerts or remote reads.
    #[arg(long)]
    pub(crate) agent: bool,
    /// How far the server looks back for a sample: longer scrape intervals are too long.
    #[arg(long = "query.lookback-delta", default_value = "5m", value_name = "DURATION",
        value_parser = values::duration)]
    pub(crate) lookback_delta: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct CheckRules {
    /// The files; standard input without any.
    pub(crate) files: Vec<PathBuf>,
    /// What is worth a complaint, separated by commas: all, none, duplicate-rules, never-matches.
    #[arg(long, default_value = "all", value_name = "NAMES")]
    pub(crate) lint: String,
    /// End with code 3 after complaints.
    #[arg(long)]
    pub(crate) lint_fatal: bool,
    /// Pass over keys that are not known.
    #[arg(long)]
    pub(crate) ignore_unknown_fields: bool,
    /// Parts of the query language that are switched on, as the server takes them.
    #[arg(long = "enable-feature", value_name = "NAMES", value_parser = super::features::parse)]
    pub(crate) features: Vec<FeatureList>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Query {
    /// Ask for the value at one time.
    Instant {
        /// The URL of the server.
        server: String,
        /// The query.
        expr: String,
        /// At which time (RFC 3339 or Unix seconds); now by default.
        #[arg(long)]
        time: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Ask for the values over a range of time.
    Range {
        /// The URL of the server.
        server: String,
        /// The query.
        expr: String,
        /// Its headers, as `name: value`.
        #[arg(long)]
        header: Vec<String>,
        /// First time (RFC 3339 or Unix seconds); five minutes before the end by default.
        #[arg(long)]
        start: Option<String>,
        /// Last time; now by default.
        #[arg(long)]
        end: Option<String>,
        /// Time from value to value; a 250th of the range by default.
        #[arg(long)]
        step: Option<String>,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Explain {
    /// Tell where targets come from, what each relabeling rule did to them, and how their scrapes go.
    Target(ExplainTarget),
    /// Tell why a ServiceMonitor has the targets it has, or none, and what to do about it.
    #[command(name = "servicemonitor", aliases = ["servicemonitors", "smon"])]
    ServiceMonitor(ExplainObject),
    /// Tell why a PodMonitor has the targets it has, or none, and what to do about it.
    #[command(name = "podmonitor", aliases = ["podmonitors", "pmon"])]
    PodMonitor(ExplainObject),
    /// Tell why a Probe has the targets it has, or none, and what to do about it.
    #[command(aliases = ["probes", "prb"])]
    Probe(ExplainObject),
    /// Tell why a ScrapeConfig has the targets it has, or none, and what to do about it.
    #[command(name = "scrapeconfig", aliases = ["scrapeconfigs", "scfg"])]
    ScrapeConfig(ExplainObject),
    /// Tell how it goes with the groups of a PrometheusRule, and what to do about it.
    #[command(name = "prometheusrule", aliases = ["prometheusrules", "promrule"])]
    PrometheusRule(ExplainObject),
}

#[derive(Debug, Args)]
pub(crate) struct ExplainObject {
    /// The object. Ends with code 0 only if all checks pass.
    #[arg(value_name = "NAMESPACE/NAME")]
    pub(crate) object: String,
    /// The URL of the server.
    #[arg(long, default_value = "http://localhost:9090", value_name = "URL")]
    pub(crate) server: String,
    /// How the answer is printed.
    #[arg(short = 'o', long, default_value = "text", value_name = "FORMAT")]
    pub(crate) format: RulesFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainTarget {
    /// A target, by its URL, its address or its instance; or a job, for all of its targets.
    pub(crate) target: String,
    /// The URL of the server.
    #[arg(long, default_value = "http://localhost:9090", value_name = "URL")]
    pub(crate) server: String,
    /// Only those in this state: up, down, unknown, dropped, invalid, duplicate, over-target-limit.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    /// At most so many targets of a job.
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    pub(crate) limit: u32,
    /// Print the server's answer as it is.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Tell when the alerts of rule files would have fired. Recorded series are seen as these files
    /// record them; nothing is stored.
    Backtest {
        #[command(flatten)]
        over: OverHistory,
        /// How the answer is printed.
        #[arg(long, default_value = "text", value_name = "FORMAT")]
        format: RulesFormat,
    },
    /// Store what the recording rules of files would have recorded, so that a new rule has a history.
    /// The server must run with --web.enable-admin-api; best it has loaded the rules already, so that
    /// there is no gap. What is stored stays, so it can be done again.
    Backfill {
        #[command(flatten)]
        over: OverHistory,
        /// How the outcome is printed.
        #[arg(long, default_value = "text", value_name = "FORMAT")]
        format: RulesFormat,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OverHistory {
    /// The rule files.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// First time: RFC 3339, a day, Unix seconds, or -6h for six hours ago.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: String,
    /// Last time.
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub(crate) to: String,
    /// Time from evaluation to evaluation of groups that name none; as the server evaluates them by
    /// default.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) eval_interval: Option<Duration>,
    /// The URL of the server.
    #[arg(long, value_name = "URL", default_value = "http://localhost:9090")]
    pub(crate) url: String,
    /// Credentials, TLS and proxies for that server, as in a section of the configuration.
    #[arg(long = "http.config.file", value_name = "FILE")]
    pub(crate) http_config_file: Option<PathBuf>,
}

/// How what came out is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RulesFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// How the answer is printed: promql or json.
    #[arg(short = 'o', long = "format", default_value = "promql")]
    pub(crate) format: OutputFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutputFormat {
    Promql,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Test {
    /// Run PromQL test scripts over a database in a temporary folder.
    Promql {
        /// Script files, or folders of them.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Run unit tests of rules.
    Rules(TestRules),
}

#[derive(Debug, Args)]
pub(crate) struct TestRules {
    /// The files of tests.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Only the tests whose names match this regular expression; of several, any.
    #[arg(long, value_name = "REGEX")]
    pub(crate) run: Vec<String>,
    /// Print alerts that are not as expected as a coloured difference.
    #[arg(long)]
    pub(crate) diff: bool,
    /// Print when tests begin and end, and all samples that there are at their end.
    #[arg(long)]
    pub(crate) debug: bool,
    /// Write a report in the XML of JUnit.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Pass over keys of rule files that are not known.
    #[arg(long)]
    pub(crate) ignore_unknown_fields: bool,
    /// Parts of the query language that are switched on, as the server takes them.
    #[arg(long = "enable-feature", value_name = "NAMES", value_parser = super::features::parse)]
    pub(crate) features: Vec<FeatureList>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to listen.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub(crate) listen_address: ListenAddress,
    #[command(flatten)]
    pub(crate) log: Log,
}
