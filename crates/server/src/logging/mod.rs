//! The log: one line an event on standard error, as logfmt or JSON with the same keys.

mod event;
mod line;

use crate::flags::{Log, LogFormat, LogLevel};
use std::backtrace::BacktraceStatus;
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
    std::panic::set_hook(Box::new(tell_panic));
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
