//! Command lines good and bad.

use super::*;

fn parse_line(line: &str) -> Result<Parsed, String> {
    let args = std::iter::once("rushlight").chain(line.split_whitespace()).map(OsString::from);
    parse(args).map_err(|error| error.to_string())
}

#[test]
fn flags_are_told_by_name() {
    let check = |line: &str, flag: &str, expected: &str| {
        let parsed = parse_line(line).unwrap();
        assert_eq!(parsed.flags[flag], expected, "{line}");
    };
    check("", "storage.tsdb.path", "data/");
    check("", "storage.tsdb.retention.time", "");
    check("", "web.enable-lifecycle", "false");
    check("", "storage.tsdb.min-block-duration", "2h");
    check("--storage.tsdb.path=/x", "storage.tsdb.path", "/x");
    check("--storage.tsdb.path /x", "storage.tsdb.path", "/x");
    check("--web.enable-lifecycle", "web.enable-lifecycle", "true");
    check("--web.enable-lifecycle=true --log.level debug", "log.level", "debug");
    check("--no-web.enable-lifecycle", "web.enable-lifecycle", "false");
    check("--no-scrape.adjust-timestamps", "scrape.adjust-timestamps", "false");
    check(
        "--web.listen-address :1 --web.listen-address=[::1]:2",
        "web.listen-address",
        ":1,[::1]:2",
    );
}

#[test]
fn refusals_name_the_flag() {
    let check = |line: &str, parts: &[&str]| {
        let error = parse_line(line).expect_err(line);
        for part in parts {
            assert!(error.contains(part), "{line}: {error}");
        }
    };
    check("--storage.tsdb.pth=x", &["--storage.tsdb.pth", "--storage.tsdb.path"]);
    check("--web.config.file=x", &["not supported yet: --web.config.file"]);
    check("--agent", &["not supported yet: --agent"]);
    check("--storage.tsdb.retention=1d", &["--storage.tsdb.retention.time"]);
    check("--query.timeout=2 m", &["--query.timeout", "2"]);
    check("--query.max-concurrency=0", &["at least 1"]);
    check("--web.cors.origin=(", &["--web.cors.origin"]);
    check("--enable-feature=exemplar-storage", &["not supported yet: exemplar-storage"]);
    check("--no-storage.tsdb.path", &["--no-storage.tsdb.path"]);
}

#[test]
fn the_default_config_file_may_be_missing() {
    assert!(!parse_line("").unwrap().config_file_given);
    assert!(parse_line("--config.file=prometheus.yml").unwrap().config_file_given);
}

#[test]
fn features_add_up() {
    let parsed = parse_line("--enable-feature=promql-experimental-functions,nonsense --enable-feature native-histograms,promql-delayed-name-removal").unwrap();
    let all = FeatureList::union(&parsed.cli.serve.features);
    assert!(all.promql.experimental_functions && all.delayed_name_removal && !all.promql.fill);
    assert_eq!(all.unknown, ["nonsense"]);
}
