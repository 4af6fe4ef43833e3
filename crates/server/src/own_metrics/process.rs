//! What the process uses, from `/proc/self`. What cannot be read is left out.

use model::metrics::{Collect, Kind, Visitor};
use std::fs;

/// Ticks of processor time in a second, as `/proc` counts on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// The process as the kernel sees it.
pub(crate) struct Process {
    start_time_ms: i64,
}

/// The fields of `/proc/self/stat` that are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    threads: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Process {
    pub(crate) fn new(start_time_ms: i64) -> Self {
        Self { start_time_ms }
    }

    pub(crate) fn start_time_ms(&self) -> i64 {
        self.start_time_ms
    }
}

/// How many threads run.
pub(crate) fn threads() -> u64 {
    read_stat().map_or(0, |stat| stat.threads)
}

fn read_stat() -> Option<Stat> {
    parse_stat(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// The name of the program may hold anything, so fields are counted from behind its parenthesis.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    // The third field of the file is the first here.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        cpu_seconds: (field(14)? + field(15)?) as f64 / TICKS_PER_SECOND,
        threads: field(20)?,
        virtual_bytes: field(23)?,
        resident_pages: field(24)?,
    })
}

/// Bytes read from and written to disk.
fn io_bytes() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/self/io").ok()?;
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim_start_matches(':').trim().parse().ok()
    };
    Some((value("read_bytes")?, value("write_bytes")?))
}

impl Collect for Process {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let mut one = |name: &str, kind: Kind, help: &str, value: f64| {
            visitor.family(name, kind, help);
            visitor.sample("", &[], value);
        };
        if let Some(stat) = read_stat() {
            let page = rustix::param::page_size() as f64;
            one(
                "process_cpu_seconds_total",
                Kind::Counter,
                "Total user and system CPU time spent in seconds.",
                stat.cpu_seconds,
            );
            one(
                "process_resident_memory_bytes",
                Kind::Gauge,
                "Resident memory size in bytes.",
                stat.resident_pages as f64 * page,
            );
            one(
                "process_virtual_memory_bytes",
                Kind::Gauge,
                "Virtual memory size in bytes.",
                stat.virtual_bytes as f64,
            );
            one("process_threads", Kind::Gauge, "Threads of the process.", stat.threads as f64);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            let help = "Number of open file descriptors.";
            one("process_open_fds", Kind::Gauge, help, open.count() as f64);
        }
        if let Some(max) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
            let help = "Maximum number of open file descriptors.";
            one("process_max_fds", Kind::Gauge, help, max as f64);
        }
        if let Some((read, written)) = io_bytes() {
            let help = "Bytes read from the disk.";
            one("rushlight_process_disk_read_bytes_total", Kind::Counter, help, read as f64);
            let help = "Bytes written to the disk.";
            one("rushlight_process_disk_written_bytes_total", Kind::Counter, help, written as f64);
        }
        one(
            "process_start_time_seconds",
            Kind::Gauge,
            "Start time of the process since unix epoch in seconds.",
            self.start_time_ms as f64 / 1000.0,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_program_names_do_not_shift_fields() {
        let tail = "S 1 1 1 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 7 0 100 4096000 1000 1844 1";
        let expected =
            Stat { cpu_seconds: 3.0, threads: 7, virtual_bytes: 4_096_000, resident_pages: 1000 };
        for name in ["rushlight", "a) (b", ""] {
            assert_eq!(parse_stat(&format!("12 ({name}) {tail}")), Some(expected));
        }
        assert_eq!(parse_stat("12 (x) S 1"), None);
        assert!(threads() > 0);
    }
}
