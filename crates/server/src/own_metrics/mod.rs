//! Our own metrics: what the process uses, what was built, how the configuration went; and the page
//! that shows what every part counts.

mod process;

pub(crate) use process::{Process, threads};

use crate::version;
use model::metrics::{Collect, Gauge, Kind, Visitor};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// How loading the configuration went, last time.
#[derive(Debug, Default)]
pub(crate) struct Reloads {
    success: AtomicBool,
    last_success_ms: AtomicI64,
    ready: Gauge,
}

impl Reloads {
    pub(crate) fn succeeded(&self, now_ms: i64) {
        self.last_success_ms.store(now_ms, Ordering::Relaxed);
        self.success.store(true, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.success.store(false, Ordering::Relaxed);
    }

    pub(crate) fn last(&self) -> (bool, i64) {
        (self.success.load(Ordering::Relaxed), self.last_success_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.set(f64::from(u8::from(ready)));
    }
}

impl Collect for Reloads {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let (success, at_ms) = self.last();
        let mut gauge = |name: &str, help: &str, value: f64| {
            visitor.family(name, Kind::Gauge, help);
            visitor.sample("", &[], value);
        };
        gauge(
            "prometheus_config_last_reload_successful",
            "Whether the last configuration reload attempt was successful.",
            f64::from(u8::from(success)),
        );
        gauge(
            "prometheus_config_last_reload_success_timestamp_seconds",
            "Timestamp of the last successful configuration reload.",
            (at_ms / 1000) as f64,
        );
        gauge("prometheus_ready", "Whether the database is open.", self.ready.get());
    }
}

/// What runs here.
pub(crate) struct Build;

impl Collect for Build {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let info = version::build_info();
        let labels = [
            ("branch", info.branch.as_str()),
            ("goarch", std::env::consts::ARCH),
            ("goos", std::env::consts::OS),
            ("goversion", info.go_version.as_str()),
            ("revision", info.revision.as_str()),
            ("version", info.version.as_str()),
        ];
        let help = "A constant 1, labelled by what was built.";
        visitor.family("prometheus_build_info", Kind::Gauge, help);
        visitor.sample("", &labels, 1.0);
        visitor.family("rushlight_build_info", Kind::Gauge, help);
        visitor.sample("", &[("version", version::VERSION), ("revision", &info.revision)], 1.0);
    }
}
