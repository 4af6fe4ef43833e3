//! The log: one line an event on standard error, as logfmt or JSON with the same keys.

mod event;
mod line;

use crate::flags::{Log, LogFormat, LogLevel};
use std::backtrace::BacktraceStatus;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

/// Who speaks in the log: the binary and the rooms below it. Others, such as libraries that tell of
/// every frame of a rude client, do not: what they find comes to us as errors, and is told by us
/// where it matters.
const ROOMS: [&str; 17] = [
    "api",
    "apiserver",
    "client",
    "cluster",
    "discovery",
    "exposition",
    "kubernetes",
    "model",
    "notifier",
    "operator",
    "promql",
    "rules",
    "rushlight",
    "scrape",
    "server",
    "storage",
    "tsdb",
];

/// Starts logging; a second call changes nothing.
pub(crate) fn start(flags: &Log) {
    let json = flags.format == LogFormat::Json;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .event_format(event::Lines { json });
    let subscriber = tracing_subscriber::registry().with(lines).with(filter(flags.level));
    // An error means that a log was started before, as happens in tests.
    tracing::subscriber::set_global_default(subscriber).ok();
    std::panic::set_hook(Box::new(tell_panic));
}

fn filter(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    ROOMS.into_iter().map(|room| (room, level)).collect()
}

/// A panic is a line like any other; whoever catches it decides what it ends.
fn tell_panic(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map_or_else(String::new, ToString::to_string);
    let message = info.payload_as_str().unwrap_or("no message");
    let backtrace = std::backtrace::Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => backtrace.to_string(),
        _ => String::new(),
    };
    tracing::error!(component = "server", %place, panic = message, backtrace, "a bug: a thread panicked");
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn only_our_own_rooms_speak() {
        let check = |level: LogLevel, target: &str, of: Level, expected: bool| {
            let passes = filter(level).would_enable(target, &of);
            assert_eq!(passes, expected, "{target} {of} at {level:?}");
        };
        check(LogLevel::Debug, "scrape::pool", Level::DEBUG, true);
        check(LogLevel::Debug, "rushlight", Level::DEBUG, true);
        check(LogLevel::Info, "scrape", Level::DEBUG, false);
        check(LogLevel::Error, "tsdb::wal", Level::WARN, false);
        check(LogLevel::Debug, "scrape", Level::TRACE, false);
        check(LogLevel::Info, "h2::proto::streams", Level::WARN, false);
        check(LogLevel::Debug, "hickory_net::udp", Level::DEBUG, false);
        check(LogLevel::Debug, "rustls::msgs", Level::ERROR, false);
    }

    #[test]
    fn every_room_may_speak() {
        let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut rooms = vec!["rushlight".to_owned()];
        for entry in std::fs::read_dir(crates).unwrap().map(Result::unwrap) {
            if entry.path().join("Cargo.toml").exists() {
                rooms.push(entry.file_name().into_string().unwrap().replace('-', "_"));
            }
        }
        rooms.retain(|room| room != "testkit");
        rooms.sort_unstable();
        assert_eq!(rooms, ROOMS);
    }
}
