//! The command line: Prometheus' flags and our subcommands.
//!
//! Before clap sees the arguments, [`normal::normalise`] expands `@file` arguments, turns `--no-x`
//! of a switch into `--x=false`, and refuses by name the flags of Prometheus whose work is not done
//! here yet. clap itself refuses the rest, and names the nearest flag there is.

mod features;
mod normal;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use features::FeatureList;
pub(crate) use values::ListenAddress;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use model::duration::Duration;
use model::regex::Regex;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Everything the command line can say.
#[derive(Debug, Parser)]
#[command(
    name = "rushlight",
    about = "Scrapes, stores and queries metrics, as Prometheus does.",
    disable_version_flag = true,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Print what this is and end.
    #[arg(long, short = 'V')]
    pub(crate) version: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check files.
    #[command(subcommand)]
    Check(Check),
    /// Ask a server.
    #[command(subcommand)]
    Query(Query),
    /// Run tests.
    #[command(subcommand)]
    Test(Test),
    /// Serve living sample metrics, scrape them every second, and say where to look.
    Demo(Demo),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Check {
    /// Check configuration files.
    Config {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
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
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to listen.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub(crate) listen_address: ListenAddress,
    #[command(flatten)]
    pub(crate) log: Log,
}

/// How the log is written.
#[derive(Clone, Debug, Args)]
pub(crate) struct Log {
    /// Only log messages of this severity or above: debug, info, warn, error.
    #[arg(long = "log.level", default_value = "info")]
    pub(crate) level: LogLevel,
    /// Form of log messages: logfmt, json.
    #[arg(long = "log.format", default_value = "logfmt")]
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    Logfmt,
    Json,
}

/// The flags of a server.
#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file. Without this flag and without a prometheus.yml the server scrapes
    /// itself.
    #[arg(long = "config.file", value_name = "FILE", default_value = "prometheus.yml")]
    pub(crate) config_file: PathBuf,

    /// Where to listen for the API and the metrics; may be repeated.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "0.0.0.0:9090")]
    pub(crate) listen_address: Vec<ListenAddress>,
    /// Longest time until a request is read and an idle connection is closed.
    #[arg(long = "web.read-timeout", default_value = "5m", value_parser = values::duration)]
    pub(crate) read_timeout: Duration,
    /// Most connections at once, over all addresses.
    #[arg(long = "web.max-connections", default_value_t = 512, value_parser = values::count)]
    pub(crate) max_connections: usize,
    /// The URL under which people reach this server.
    #[arg(long = "web.external-url", value_name = "URL", default_value = "")]
    pub(crate) external_url: String,
    /// What stands before every path; by default the path of the external URL.
    #[arg(long = "web.route-prefix", value_name = "PATH", default_value = "")]
    pub(crate) route_prefix: String,
    /// Reload and end by HTTP request.
    #[arg(long = "web.enable-lifecycle", num_args = 0..=1, require_equals = true,
        default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) enable_lifecycle: bool,
    /// Enable the API for administration.
    #[arg(long = "web.enable-admin-api", num_args = 0..=1, require_equals = true,
        default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) enable_admin_api: bool,
    /// Which origins browsers may call from, a regular expression for the whole origin.
    #[arg(long = "web.cors.origin", value_name = "REGEX", default_value = ".*",
        value_parser = values::regex)]
    pub(crate) cors_origin: Regex,
    /// The title of the start page.
    #[arg(
        long = "web.page-title",
        default_value = "Prometheus Time Series Collection and Processing Server"
    )]
    pub(crate) page_title: String,

    /// Where the data is.
    #[arg(long = "storage.tsdb.path", value_name = "FOLDER", default_value = "data/")]
    pub(crate) data_path: PathBuf,
    /// How long samples are kept: 15d if neither this nor a size is given.
    #[arg(long = "storage.tsdb.retention.time", value_name = "DURATION",
        value_parser = values::duration)]
    pub(crate) retention_time: Option<Duration>,
    /// How many bytes are kept, such as 512MB.
    #[arg(long = "storage.tsdb.retention.size", value_name = "SIZE", value_parser = values::size)]
    pub(crate) retention_size: Option<u64>,
    /// How far an instant query looks back for a sample.
    #[arg(long = "query.lookback-delta", default_value = "5m", value_parser = values::duration)]
    pub(crate) lookback_delta: Duration,
    /// Longest time of a query.
    #[arg(long = "query.timeout", default_value = "2m", value_parser = values::duration)]
    pub(crate) query_timeout: Duration,
    /// Most queries at once.
    #[arg(long = "query.max-concurrency", default_value_t = 20, value_parser = values::count)]
    pub(crate) query_max_concurrency: usize,
    /// Most samples a query may hold in memory.
    #[arg(long = "query.max-samples", default_value_t = 50_000_000, value_parser = values::count)]
    pub(crate) query_max_samples: usize,

    /// Move a scrape's time onto the regular grid when it is close.
    #[arg(long = "scrape.adjust-timestamps", hide = true, num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) adjust_timestamps: bool,
    /// How close.
    #[arg(long = "scrape.timestamp-tolerance", hide = true, default_value = "2ms",
        value_parser = values::duration)]
    pub(crate) timestamp_tolerance: Duration,
    /// Shortest time between two changes of the targets.
    #[arg(long = "scrape.discovery-reload-interval", hide = true, default_value = "5s",
        value_parser = values::duration)]
    pub(crate) discovery_reload_interval: Duration,

    /// Experimental features, separated by commas; may be repeated.
    #[arg(long = "enable-feature", value_name = "NAMES", value_parser = features::parse)]
    pub(crate) features: Vec<FeatureList>,

    #[command(flatten)]
    pub(crate) log: Log,
    #[command(flatten)]
    pub(crate) tuning: Tuning,
}

/// Settings of Prometheus' own storage and runtime. Charts pass them; there is nothing here that
/// they could tune, so any value is right.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Accepted for charts; nothing here to tune by them")]
pub(crate) struct Tuning {
    /// Without it Prometheus leaves a file behind; our lock is the kernel's and ends with the
    /// process, so there is nothing to do without.
    #[arg(long = "storage.tsdb.no-lockfile", hide = true, num_args = 0..=1, require_equals = true,
        default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    no_lockfile: bool,
    #[arg(long = "web.console.templates", hide = true, default_value = "consoles")]
    console_templates: String,
    #[arg(long = "web.console.libraries", hide = true, default_value = "console_libraries")]
    console_libraries: String,
    #[arg(long = "storage.tsdb.min-block-duration", hide = true, default_value = "2h",
        value_parser = values::duration)]
    min_block_duration: Duration,
    #[arg(long = "storage.tsdb.max-block-duration", hide = true, default_value = "1d",
        value_parser = values::duration)]
    max_block_duration: Duration,
    #[arg(long = "storage.tsdb.max-block-chunk-segment-size", hide = true, default_value = "0",
        value_parser = values::size)]
    max_block_chunk_segment_size: u64,
    #[arg(long = "storage.tsdb.wal-segment-size", hide = true, default_value = "0",
        value_parser = values::size)]
    wal_segment_size: u64,
    #[arg(long = "storage.tsdb.head-chunks-write-queue-size", hide = true, default_value = "0")]
    head_chunks_write_queue_size: u64,
    #[arg(long = "storage.tsdb.wal-compression", hide = true, num_args = 0..=1,
        require_equals = true, default_value_t = true, default_missing_value = "true",
        action = clap::ArgAction::Set)]
    wal_compression: bool,
    #[arg(long = "storage.tsdb.wal-compression-type", hide = true, default_value = "snappy")]
    wal_compression_type: String,
    #[arg(long = "storage.tsdb.samples-per-chunk", hide = true, default_value = "120")]
    samples_per_chunk: u32,
    #[arg(long = "storage.tsdb.block-reload-interval", hide = true, default_value = "1m",
        value_parser = values::duration)]
    block_reload_interval: Duration,
    #[arg(long = "storage.tsdb.delayed-compaction.max-percent", hide = true, default_value = "10")]
    delayed_compaction_max_percent: u32,
    #[arg(long = "storage.tsdb.delay-compact-file.path", hide = true, default_value = "")]
    delay_compact_file: String,
    #[arg(long = "storage.tsdb.allow-overlapping-compaction", hide = true, num_args = 0..=1,
        require_equals = true, default_value_t = true, default_missing_value = "true",
        action = clap::ArgAction::Set)]
    allow_overlapping_compaction: bool,
    #[arg(long = "auto-gomaxprocs", hide = true, num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    auto_gomaxprocs: bool,
    #[arg(long = "auto-gomemlimit", hide = true, num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    auto_gomemlimit: bool,
    #[arg(long = "auto-gomemlimit.ratio", hide = true, default_value = "0.9")]
    auto_gomemlimit_ratio: f64,
    #[arg(long = "auto-gomemlimit.refresh-interval", hide = true, default_value = "0s",
        value_parser = values::duration)]
    auto_gomemlimit_refresh_interval: Duration,
}

/// A command line, and the value of every server flag as text.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) cli: Cli,
    /// Whether `--config.file` was written, rather than being the default.
    pub(crate) config_file_given: bool,
    /// Flag names without dashes, and their values.
    pub(crate) flags: BTreeMap<String, String>,
}

/// Reads the command line; the first argument is the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, clap::Error> {
    let mut command = Cli::command();
    let refuse =
        |message: String| Cli::command().error(clap::error::ErrorKind::UnknownArgument, message);
    let args = normal::normalise(args.into_iter().collect(), &command).map_err(refuse)?;
    let matches = command.try_get_matches_from_mut(args)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let config_file_given =
        matches.value_source("config_file") == Some(clap::parser::ValueSource::CommandLine);
    let mut flags = BTreeMap::new();
    for arg in command.get_arguments() {
        let Some(name) = arg.get_long().filter(|name| !matches!(*name, "help" | "version")) else {
            continue;
        };
        let raw = matches.try_get_raw(arg.get_id().as_str()).ok().flatten();
        let values: Vec<_> =
            raw.into_iter().flatten().map(|value| value.to_string_lossy()).collect();
        flags.insert(name.to_owned(), values.join(","));
    }
    Ok(Parsed { cli, config_file_given, flags })
}
