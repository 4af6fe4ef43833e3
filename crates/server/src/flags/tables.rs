//! Flags of Prometheus that do nothing here: those with nothing to tune, each with the reason, and
//! those of parts that are not built, which take their default and nothing else.

use super::values;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches};

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Switch,
    Text,
    Number,
    Duration,
    Size,
    /// Texts of a fixed set.
    OneOf(&'static [&'static str]),
}

/// A flag: its name, what it takes, its default, and why it does nothing.
type Row = (&'static str, Kind, &'static str, &'static str);

use Kind::{Duration, Number, OneOf, Size, Switch, Text};

/// Any value is right: there is nothing here that they could tune.
const NOTHING_TO_TUNE: &[Row] = &[
    (
        "auto-gomaxprocs",
        Switch,
        "true",
        "There is no Go runtime here; a few threads are enough, and the system \
         shares them out by the container's quota",
    ),
    (
        "storage.tsdb.allow-overlapping-compaction",
        Switch,
        "true",
        "The store never writes blocks that overlap",
    ),
    (
        "storage.tsdb.block-reload-interval",
        Duration,
        "1m",
        "No other process adds blocks to the store, so none are looked for",
    ),
    (
        "storage.tsdb.delay-compact-file.path",
        Text,
        "",
        "It holds compaction back until Prometheus' blocks are uploaded; ours are \
         of another format, and nobody uploads them",
    ),
    (
        "storage.tsdb.delayed-compaction.max-percent",
        Number,
        "10",
        "Blocks are cut a little at a time, there is no burst to spread",
    ),
    (
        "storage.tsdb.head-chunks-write-queue-size",
        Number,
        "0",
        "Chunks of the head are not written through a queue",
    ),
    (
        "storage.tsdb.max-block-chunk-segment-size",
        Size,
        "0B",
        "Size of a file inside Prometheus' blocks; ours are one file",
    ),
    (
        "storage.tsdb.max-block-duration",
        Duration,
        "1d",
        "Span of Prometheus' blocks; ours grow to a day",
    ),
    (
        "storage.tsdb.min-block-duration",
        Duration,
        "2h",
        "Span of Prometheus' blocks; ours begin with two hours",
    ),
    (
        "storage.tsdb.no-lockfile",
        Switch,
        "false",
        "The lock on the data folder is the kernel's and leaves no file behind",
    ),
    (
        "storage.tsdb.samples-per-chunk",
        Number,
        "120",
        "The store groups samples by scrape, not in chunks of a fixed length",
    ),
    (
        "storage.tsdb.wal-compression",
        Switch,
        "true",
        "The log holds differences, which leaves nothing to compress",
    ),
    (
        "storage.tsdb.wal-compression-type",
        OneOf(&["snappy", "zstd"]),
        "snappy",
        "See storage.tsdb.wal-compression",
    ),
    ("storage.tsdb.wal-segment-size", Size, "0B", "The log's files have a size of their own"),
    (
        "web.console.libraries",
        Text,
        "console_libraries",
        "Console pages are not served; /consoles answers 404",
    ),
    (
        "web.console.templates",
        Text,
        "consoles",
        "Console pages are not served; /consoles answers 404",
    ),
];

/// Parts that are not built; their flags take the default only, so that nothing is ignored.
const NOT_BUILT: &[Row] = &[
    ("agent", Switch, "false", "agent mode"),
    ("auto-gomemlimit.refresh-interval", Duration, "0s", "reading the container's limit again"),
    ("storage.agent.no-lockfile", Switch, "false", "agent mode"),
    ("storage.agent.path", Text, "data-agent/", "agent mode"),
    ("storage.agent.retention.max-time", Duration, "4h", "agent mode"),
    ("storage.agent.retention.min-time", Duration, "5m", "agent mode"),
    ("storage.agent.wal-compression", Switch, "true", "agent mode"),
    ("storage.agent.wal-compression-type", OneOf(&["snappy", "zstd"]), "snappy", "agent mode"),
    ("storage.agent.wal-segment-size", Size, "0B", "agent mode"),
    ("storage.agent.wal-truncate-frequency", Duration, "2h", "agent mode"),
    ("storage.remote.flush-deadline", Duration, "1m", "remote write"),
    ("storage.remote.read-concurrent-limit", Number, "10", "remote read"),
    ("storage.remote.read-max-bytes-in-frame", Number, "1048576", "remote read"),
    ("storage.remote.read-sample-limit", Number, "50000000", "remote read"),
    ("web.enable-otlp-receiver", Switch, "false", "the OTLP receiver"),
    ("web.enable-remote-write-receiver", Switch, "false", "the remote write receiver"),
    (
        "web.remote-write-receiver.accepted-protobuf-messages",
        Text,
        "prometheus.WriteRequest,io.prometheus.write.v2.Request",
        "the remote write receiver",
    ),
    ("web.search.max-limit", Number, "10000", "the search API"),
    ("web.user-assets", Text, "", "serving files of the user"),
];

/// All of them, as clap takes them.
pub(super) fn args() -> impl Iterator<Item = Arg> {
    let accepted = NOTHING_TO_TUNE
        .iter()
        .map(|row| arg(row).help(row.3).help_heading("Accepted, with nothing here to tune"));
    let not_built = NOT_BUILT.iter().map(|row| {
        let help = format!("Not built in: {}. Takes its default only", row.3);
        arg(row).help(help).help_heading("Parts that are not built in")
    });
    accepted.chain(not_built)
}

fn arg((name, kind, default, _): &Row) -> Arg {
    let arg = Arg::new(*name).long(*name).default_value(*default).hide(true);
    match kind {
        Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .action(ArgAction::Set)
            .value_parser(clap::value_parser!(bool)),
        Text => arg.value_name("TEXT"),
        Number => arg.value_name("N").value_parser(values::whole),
        Duration => arg.value_name("DURATION").value_parser(values::duration),
        Size => arg.value_name("SIZE").value_parser(values::size),
        OneOf(texts) => {
            arg.value_name("TEXT").value_parser(PossibleValuesParser::new(texts.iter().copied()))
        }
    }
}

/// Refuses a flag of a part that is not built, unless it says what holds anyway.
pub(super) fn refuse_what_is_not_built(matches: &ArgMatches) -> Result<(), String> {
    for (name, kind, default, part) in NOT_BUILT {
        let raw = matches.get_raw(name).and_then(|mut values| values.next());
        let given = raw.map_or_else(|| (*default).to_owned(), |raw| raw.to_string_lossy().into());
        if !same(*kind, &given, default) {
            let default = if default.is_empty() { "\"\"" } else { default };
            return Err(format!(
                "not supported yet: --{name}={given}: {part} is not built in, so only the default \
                 {default} is taken"
            ));
        }
    }
    Ok(())
}

/// Whether two values that were parsed before are the same: `60m` is `1h`.
fn same(kind: Kind, a: &str, b: &str) -> bool {
    match kind {
        Duration => {
            values::duration(a).ok().map(|span| span.ms)
                == values::duration(b).ok().map(|span| span.ms)
        }
        Size => values::size(a).ok() == values::size(b).ok(),
        Number => values::whole(a).ok() == values::whole(b).ok(),
        Switch | Text | OneOf(_) => a == b,
    }
}
