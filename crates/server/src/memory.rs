//! How much memory the process should keep to: the limit of its container, or what the machine has
//! where there is none, times a ratio.
//!
//! The limit is the least one on the way from the process' control group to the root. Nothing stops
//! an allocation at the budget; it bounds what grows with the data: how many series the head takes,
//! and how many samples a query may hold.

use std::path::Path;

/// A series with its share of everything else takes less than this, as measured; so a full head
/// takes half the budget at most, and usually a quarter.
const BYTES_PER_SERIES: u64 = 1024;
/// A timestamp and a value.
const BYTES_PER_SAMPLE: u64 = 16;
/// What a version 1 group without a limit tells is some pages below 2^63.
const NO_LIMIT: u64 = 1 << 60;

/// What the process keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) bytes: u64,
}

impl Budget {
    /// The budget of the container this process runs in, or of the machine.
    pub(crate) fn of_the_container(ratio: f64) -> Option<Self> {
        let limit = limit(Path::new("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"));
        let meminfo = || std::fs::read_to_string("/proc/meminfo").ok();
        let limit = limit.or_else(|| of_the_machine(&meminfo()?))?;
        #[expect(clippy::cast_possible_truncation, reason = "a part of a number below 2^60")]
        #[expect(clippy::cast_sign_loss, reason = "the ratio is above 0")]
        let bytes = (limit as f64 * ratio) as u64;
        Some(Self { bytes })
    }

    /// How many series the head may take: above, new ones are refused, known ones go on.
    pub(crate) fn max_series(self) -> usize {
        usize::try_from(self.bytes / BYTES_PER_SERIES).unwrap_or(usize::MAX).max(1)
    }

    /// How many samples one query may hold: a quarter of the budget.
    pub(crate) fn max_samples(self) -> usize {
        usize::try_from(self.bytes / 4 / BYTES_PER_SAMPLE).unwrap_or(usize::MAX).max(1)
    }
}

/// The least limit that holds for the groups of a process.
fn limit(groups: &Path, root: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(groups).ok()?;
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let (folder, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            list if list.split(',').any(|controller| controller == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => return None,
        };
        // Inside a container the path may be one of outside; then the root is our own group.
        let ours = folder.join(path.trim_start_matches('/'));
        let ours = ours.ancestors().take_while(|group| group.starts_with(&folder));
        ours.filter_map(|group| std::fs::read_to_string(group.join(file)).ok())
            .filter_map(|text| text.trim().parse::<u64>().ok())
            .filter(|limit| (1..NO_LIMIT).contains(limit))
            .min()
    });
    limits.min()
}

/// The memory of the machine, as `/proc/meminfo` tells it.
fn of_the_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_so_much() {
        let check = |text: &str, expected| assert_eq!(of_the_machine(text), expected, "{text}");
        check("MemTotal:        8052160 kB\nMemFree: 1 kB\n", Some(8_052_160 << 10));
        check("MemFree: 1 kB\n", None);
        check("MemTotal: many kB\n", None);
        check("", None);
    }

    #[test]
    fn the_least_limit_holds() {
        let check = |groups: &str, files: &[(&str, &str)], expected: Option<u64>| {
            let folder = tempfile::tempdir().unwrap();
            for (path, text) in files {
                let path = folder.path().join("root").join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            let list = folder.path().join("groups");
            std::fs::write(&list, groups).unwrap();
            assert_eq!(limit(&list, &folder.path().join("root")), expected, "{groups}");
        };
        check("0::/", &[], None);
        check("0::/", &[("memory.max", "max\n")], None);
        check("0::/a/b\n", &[("a/memory.max", "500\n"), ("a/b/memory.max", "900\n")], Some(500));
        check("0::/a/b\n", &[("memory.max", "700\n")], Some(700));
        check("4:memory:/a\n1:cpu:/b\n", &[("memory/a/memory.limit_in_bytes", "8\n")], Some(8));
        check("4:cpu,memory:/\n", &[("memory/memory.limit_in_bytes", "9\n")], Some(9));
        let none = [("memory/memory.limit_in_bytes", "9223372036854771712\n")];
        check("4:memory:/a\n", &none, None);
        check("nonsense\n:::\n", &[], None);
    }

    #[test]
    fn small_budgets_bound_and_large_ones_do_not() {
        let small = Budget { bytes: 128 << 20 };
        assert_eq!((small.max_series(), small.max_samples()), (131_072, 2_097_152));
        assert!(Budget { bytes: 4 << 30 }.max_samples() > 50_000_000);
    }
}
