//! The log: one line an event on standard error, as logfmt or JSON with the same keys.

mod event;
mod line;

use crate::flags::{Log, LogFormat, LogLevel};
use tracing::Level;

/// Starts logging; a second call changes nothing.
pub(crate) fn start(flags: &Log) {
    let level = match flags.level {
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    };
    let json = flags.format == LogFormat::Json;
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .event_format(event::Lines { json })
        .finish();
    // An error means that a log was started before, as happens in tests.
    tracing::subscriber::set_global_default(subscriber).ok();
}
