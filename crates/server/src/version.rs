//! What this is.

use api::BuildInfo;

/// The version of Prometheus whose API and behaviour are followed; clients switch features by it.
pub(crate) const PROMETHEUS_VERSION: &str = "3.14.0";
/// Our own version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

fn or_unknown(text: Option<&'static str>) -> &'static str {
    text.unwrap_or("unknown")
}

/// The commit, when the build was told it.
fn revision() -> &'static str {
    or_unknown(option_env!("RUSHLIGHT_REVISION"))
}

fn branch() -> &'static str {
    or_unknown(option_env!("RUSHLIGHT_BRANCH"))
}

fn build_date() -> &'static str {
    or_unknown(option_env!("RUSHLIGHT_BUILD_DATE"))
}

/// As the API tells it.
pub(crate) fn build_info() -> BuildInfo {
    BuildInfo {
        version: PROMETHEUS_VERSION.to_owned(),
        revision: format!("rushlight-{VERSION}-{}", revision()),
        branch: branch().to_owned(),
        build_user: String::new(),
        build_date: build_date().to_owned(),
        go_version: "rust".to_owned(),
    }
}

/// As `--version` prints it; tools read the first line.
pub(crate) fn text() -> String {
    format!(
        "prometheus, version {PROMETHEUS_VERSION} (branch: {}, revision: rushlight-{VERSION}-{})\n  \
         rushlight:        {VERSION}\n  build date:       {}\n  platform:         {}/{}\n",
        branch(),
        revision(),
        build_date(),
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}
