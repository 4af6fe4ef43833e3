//! What this is.

use api::BuildInfo;
use std::fmt::Write as _;

/// The version of Prometheus whose API and behaviour are followed; clients switch features by it.
pub(crate) const PROMETHEUS_VERSION: &str = "3.14.0";
/// Our own version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit; empty when nobody knew it.
const COMMIT: &str = env!("RUSHLIGHT_BUILT_REVISION");
const BUILD_USER: &str = env!("RUSHLIGHT_BUILT_BUILD_USER");
/// As it was said: a date, or seconds since 1970.
const BUILD_DATE: &str = env!("RUSHLIGHT_BUILT_BUILD_DATE");
/// Such as `rustc 1.95.0 (...)`.
const COMPILER: &str = env!("RUSHLIGHT_BUILT_RUSTC");
const TARGET: &str = env!("RUSHLIGHT_BUILT_TARGET");

/// What stands in the place of the commit: which program and version this is, too.
fn revision() -> String {
    match COMMIT {
        "" => format!("rushlight-{VERSION}"),
        commit => format!("rushlight-{VERSION}-{commit}"),
    }
}

/// Prometheus calls it so when the sources were no clone.
fn branch() -> &'static str {
    match env!("RUSHLIGHT_BUILT_BRANCH") {
        "" => "non-git",
        branch => branch,
    }
}

fn build_date() -> String {
    let seconds = BUILD_DATE.parse().ok();
    let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or_else(|| BUILD_DATE.to_owned(), |at| at.strftime("%Y%m%d-%H:%M:%S").to_string())
}

/// As the API tells it.
pub(crate) fn build_info() -> BuildInfo {
    BuildInfo {
        version: PROMETHEUS_VERSION.to_owned(),
        revision: revision(),
        branch: branch().to_owned(),
        build_user: BUILD_USER.to_owned(),
        build_date: build_date(),
        go_version: COMPILER.to_owned(),
    }
}

/// As `--version` prints it; tools read the first line. What is not known is left out.
pub(crate) fn text() -> String {
    let mut text = format!(
        "prometheus, version {PROMETHEUS_VERSION} (branch: {}, revision: {})\n",
        branch(),
        revision()
    );
    let lines = [
        ("rushlight", VERSION),
        ("build user", BUILD_USER),
        ("build date", &build_date()),
        ("compiler", COMPILER),
        ("platform", &format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH)),
        ("target", TARGET),
    ];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(text, "  {:<17} {value}", format!("{name}:")).expect("a string takes text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn nothing_unknown_is_told() {
        let text = text();
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("prometheus, version 3.14.0 (branch: "), "{first}");
        assert!(!text.contains(" unknown"), "{text}");
        for line in text.lines().skip(1) {
            let (name, value) = line.split_once(": ").expect("a name and a value");
            assert!(name.starts_with("  ") && !value.trim().is_empty(), "{line}");
        }
    }
}
