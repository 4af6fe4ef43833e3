//! Command lines good and bad.

use super::*;

fn parse_line(line: &str) -> Result<Parsed, String> {
    parse_in(&[], line)
}

/// Reads a line, its arguments parted by white space, with these variables in the environment.
fn parse_in(variables: &[(&str, &str)], line: &str) -> Result<Parsed, String> {
    let args = std::iter::once("rushlight").chain(line.split_whitespace()).map(OsString::from);
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    parse_with(args, &variables).map_err(|error| error.to_string())
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
    check("--agent", &["not supported yet: --agent", "agent mode"]);
    check("--no-auto-gomaxproc", &["--no-auto-gomaxproc"]);
    check("--web.enable-remote-write-receiver", &["not supported yet", "remote write receiver"]);
    check("--rules.alert.resend-delay=2 m", &["--rules.alert.resend-delay", "2"]);
    check("--rules.max-concurrent-evals=0", &["at least 1"]);
    check("--alertmanager.notification-batch-size=0", &["at least 1"]);
    check("--web.user-assets=/srv", &["--web.user-assets=/srv"]);
    check("--no-storage.agent.wal-compression", &["--storage.agent.wal-compression=false"]);
    check("--storage.tsdb.wal-compression-type=lz4", &["lz4", "snappy", "zstd"]);
    check("--auto-gomemlimit.ratio=0", &["greater than 0"]);
    check("--auto-gomemlimit.ratio=1.1", &["less than or equal to 1"]);
    check("--config.auto-reload-interval=10ms", &["at least 1s"]);
    check("--alertmanager.timeout=1s", &["removed in Prometheus 3"]);
    check("--storage.tsdb.allow-overlapping-blocks", &["removed in Prometheus 3"]);
    check("--enable-feature=otlp-deltatocumulative", &["the OTLP receiver"]);
    check("@/does/not/exist", &["@/does/not/exist"]);
    check("--storage.tsdb.retention=1d", &["--storage.tsdb.retention.time"]);
    check("--query.timeout=2 m", &["--query.timeout", "2"]);
    check("--query.max-concurrency=0", &["at least 1"]);
    check("--web.cors.origin=(", &["--web.cors.origin"]);
    check("--enable-feature=search-api", &["not supported yet: search-api"]);
    check("--web.external-url=::bad", &["--web.external-url"]);
    check("--web.external-url='http://h'", &["--web.external-url"]);
    check("--query.max-samples=1.5", &["not a number"]);
    check("--query.max-samples=1e300", &["not a number"]);
    check("--query.max-samples=-1", &["not a number"]);
    check("--no-storage.tsdb.path", &["--no-storage.tsdb.path"]);
}

#[test]
fn the_default_config_file_may_be_missing() {
    assert!(!parse_line("").unwrap().config_file_given);
    assert!(parse_line("--config.file=prometheus.yml").unwrap().config_file_given);
}

#[test]
fn a_feature_may_stand_for_a_flag() {
    let parsed = parse_line("--enable-feature=auto-reload-config").unwrap();
    assert!(parsed.cli.serve.auto_reload);
    assert_eq!(parsed.flags["config.auto-reload"], "true");
}

#[test]
fn features_add_up() {
    let parsed = parse_line("--enable-feature=promql-experimental-functions,nonsense --enable-feature type-and-unit-labels,native-histograms,promql-delayed-name-removal").unwrap();
    let all = FeatureList::union(&parsed.cli.serve.features);
    assert!(all.promql.experimental_functions && all.delayed_name_removal && !all.promql.fill);
    assert!(all.scrape.type_and_unit_labels && !all.scrape.exemplar_storage);
    assert_eq!(all.unknown, ["nonsense"]);
}

#[test]
fn what_is_not_built_takes_its_default() {
    let check = |line: &str| drop(parse_line(line).unwrap_or_else(|e| panic!("{line}: {e}")));
    check("--no-agent --storage.agent.path=data-agent/");
    check("--storage.remote.flush-deadline=60s --web.user-assets=");
    check("--storage.remote.read-sample-limit=5e7");
}

#[test]
fn rules_and_alerts_have_their_flags() {
    let minutes = |serve: &Serve| {
        let spans = [serve.for_outage_tolerance, serve.for_grace_period, serve.resend_delay];
        spans.map(|span| span.ms / 60_000)
    };
    let serve = parse_line("").unwrap().cli.serve;
    assert_eq!(minutes(&serve), [60, 10, 1]);
    assert_eq!((serve.notification_queue_capacity, serve.notification_batch_size), (10_000, 256));
    assert!(serve.drain_notifications && serve.max_concurrent_evals == 4);
    let line = "--rules.alert.for-outage-tolerance=2h --rules.alert.for-grace-period 3m \
                --rules.alert.resend-delay=5m --alertmanager.notification-queue-capacity=1e3 \
                --no-alertmanager.drain-notification-queue-on-shutdown \
                --enable-feature=concurrent-rule-eval";
    let serve = parse_in(&[("RUSHLIGHT_RULES_MAX_CONCURRENT_EVALS", "9")], line).unwrap().cli.serve;
    assert_eq!(minutes(&serve), [120, 3, 5]);
    assert_eq!((serve.notification_queue_capacity, serve.max_concurrent_evals), (1000, 9));
    assert!(!serve.drain_notifications);
    assert!(FeatureList::union(&serve.features).concurrent_rule_eval);
}

#[test]
fn numbers_may_have_an_exponent() {
    let parsed = parse_line("--query.max-samples=5e7 --web.max-connections=1E2").unwrap();
    let serve = parsed.cli.serve;
    assert_eq!((serve.query_max_samples, serve.max_connections), (50_000_000, 100));
}

/// Every name that Prometheus 3.14 knows.
const OF_PROMETHEUS: &str = "agent alertmanager.drain-notification-queue-on-shutdown \
    alertmanager.notification-batch-size alertmanager.notification-queue-capacity \
    auto-gomaxprocs auto-gomemlimit auto-gomemlimit.ratio auto-gomemlimit.refresh-interval \
    config.auto-reload config.auto-reload-interval config.file enable-feature log.format log.level \
    query.lookback-delta query.max-concurrency query.max-samples query.timeout \
    rules.alert.for-grace-period rules.alert.for-outage-tolerance rules.alert.resend-delay \
    rules.max-concurrent-evals scrape.adjust-timestamps scrape.discovery-reload-interval \
    scrape.timestamp-tolerance storage.agent.no-lockfile storage.agent.path \
    storage.agent.retention.max-time storage.agent.retention.min-time \
    storage.agent.wal-compression storage.agent.wal-compression-type \
    storage.agent.wal-segment-size storage.agent.wal-truncate-frequency \
    storage.remote.flush-deadline storage.remote.read-concurrent-limit \
    storage.remote.read-max-bytes-in-frame storage.remote.read-sample-limit \
    storage.tsdb.allow-overlapping-compaction storage.tsdb.block-reload-interval \
    storage.tsdb.delay-compact-file.path storage.tsdb.delayed-compaction.max-percent \
    storage.tsdb.head-chunks-write-queue-size storage.tsdb.max-block-chunk-segment-size \
    storage.tsdb.max-block-duration storage.tsdb.min-block-duration storage.tsdb.no-lockfile \
    storage.tsdb.path storage.tsdb.retention.size storage.tsdb.retention.time \
    storage.tsdb.samples-per-chunk storage.tsdb.wal-compression \
    storage.tsdb.wal-compression-type storage.tsdb.wal-segment-size web.config.file \
    web.console.libraries web.console.templates web.cors.origin web.enable-admin-api \
    web.enable-lifecycle web.enable-otlp-receiver web.enable-remote-write-receiver \
    web.external-url web.listen-address web.max-connections web.max-notifications-subscribers \
    web.page-title web.read-timeout web.remote-write-receiver.accepted-protobuf-messages \
    web.route-prefix web.search.max-limit web.user-assets";

/// Names of our own.
const OURS: &str = "from-kps-values kps.release kubernetes.service-account-dir kubernetes.shard";

#[test]
fn every_flag_of_prometheus_is_known_and_few_others() {
    let parsed = parse_line("").unwrap();
    let known: Vec<&str> = parsed.flags.keys().map(String::as_str).collect();
    let mut expected: Vec<&str> =
        OF_PROMETHEUS.split_whitespace().chain(OURS.split_whitespace()).collect();
    expected.sort_unstable();
    assert_eq!(known, expected);
}

#[test]
fn the_configuration_says_flags_that_nobody_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let section = "externalUrl: http://x/y\n    query: {timeout: 3m}\n    logLevel: warn\n    \
                   additionalArgs: [{name: web.enable-lifecycle}]\n";
    let own = file("own.yml", &format!("kubernetes:\n    {section}"));
    let values = file("values.yml", &format!("prometheus:\n  prometheusSpec:\n    {section}"));
    for source in [format!("--config.file={own}"), format!("--from-kps-values={values}")] {
        let flags = |line: &str, variables: &[(&str, &str)]| {
            let parsed = parse_in(variables, &format!("{source} {line}"));
            parsed.unwrap_or_else(|error| panic!("{source} {line}: {error}")).flags
        };
        let all = flags("", &[]);
        assert_eq!(all["web.external-url"], "http://x/y", "{source}");
        assert_eq!(all["web.route-prefix"], "/", "{source}");
        assert_eq!(all["query.timeout"], "3m", "{source}");
        assert_eq!(all["log.level"], "warn", "{source}");
        assert_eq!(all["web.enable-lifecycle"], "true", "{source}");
        let all = flags("--query.timeout=1m", &[("RUSHLIGHT_LOG_LEVEL", "error")]);
        assert_eq!((all["query.timeout"].as_str(), all["log.level"].as_str()), ("1m", "error"));
    }
    let refused = |name: &str, text: &str, parts: &[&str]| {
        let path = file(name, &format!("kubernetes: {{additionalArgs: [{{name: {text}}}]}}"));
        let error = parse_line(&format!("--config.file={path}")).expect_err(text);
        for part in [&[path.as_str()], parts].concat() {
            assert!(error.contains(part), "{text}: {error}");
        }
    };
    refused("a.yml", "nonsense", &["--nonsense"]);
    refused("b.yml", "query.timeout, value: soon", &["soon"]);
    let both = format!("--config.file={own} --from-kps-values={values}");
    assert!(parse_line(&both).unwrap_err().contains("cannot be used with"));
}

#[test]
fn variables_double_flags() {
    let check = |variables: &[(&str, &str)], line: &str, flag: &str, expected: &str| {
        let parsed = parse_in(variables, line).unwrap();
        assert_eq!(parsed.flags[flag], expected, "{variables:?} {line}");
    };
    let path = ("RUSHLIGHT_STORAGE_TSDB_PATH", "/x");
    check(&[path], "", "storage.tsdb.path", "/x");
    check(&[path], "--storage.tsdb.path=/y", "storage.tsdb.path", "/y");
    check(&[path], "--storage.tsdb.path=data/", "storage.tsdb.path", "data/");
    check(&[("RUSHLIGHT_STORAGE_TSDB_PATH", "")], "", "storage.tsdb.path", "data/");
    check(&[("RUSHLIGHT_WEB_ENABLE_LIFECYCLE", "true")], "", "web.enable-lifecycle", "true");
    check(&[("RUSHLIGHT_WEB_LISTEN_ADDRESS", ":1")], "", "web.listen-address", ":1");
    check(
        &[("RUSHLIGHT_WEB_LISTEN_ADDRESS", ":1")],
        "--web.listen-address=:2",
        "web.listen-address",
        ":2",
    );
    check(&[("RUSHLIGHT_AUTO_GOMEMLIMIT_RATIO", "0.5")], "", "auto-gomemlimit.ratio", "0.5");
    assert!(parse_in(&[("RUSHLIGHT_CONFIG_FILE", "a.yml")], "").unwrap().config_file_given);

    let refuse = |name: &str, value: &str, parts: &[&str]| {
        let error = parse_in(&[(name, value)], "").expect_err(name);
        for part in [&[name], parts].concat() {
            assert!(error.contains(part), "{name}: {error}");
        }
    };
    refuse("RUSHLIGHT_QUERY_TIMEOUT", "soon", &["soon", "--query.timeout"]);
    refuse("RUSHLIGHT_WEB_ENABLE_LIFECYCLE", "maybe", &["maybe"]);
}

#[test]
fn variables_that_double_nothing_are_told() {
    let check = |name: &str, parts: Option<&[&str]>| {
        let warnings = parse_in(&[(name, "x")], "").unwrap().warnings.join("\n");
        assert_eq!(warnings.is_empty(), parts.is_none(), "{warnings}");
        for part in parts.unwrap_or_default() {
            assert!(warnings.contains(part), "{warnings}");
        }
    };
    check("RUSHLIGHT_STORAGE_TSDB_PTH", Some(&["_PTH", "RUSHLIGHT_STORAGE_TSDB_PATH"]));
    check("RUSHLIGHT_SERVICE_HOST", None);
    check("RUSHLIGHT_PORT_9090_TCP_ADDR", None);
    check("RUSHLIGHT_DEMO_PORT", None);
    check("PATH", None);
}

#[test]
fn no_two_flags_share_a_variable() {
    let command = command();
    let mut names: Vec<String> =
        command.get_arguments().filter_map(|a| a.get_long()).map(environment::variable).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn arguments_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flags");
    std::fs::write(&path, "# ours\n--storage.tsdb.path\n/with space\n\n--no-auto-gomemlimit\n")
        .unwrap();
    let parsed = parse_line(&format!("@{}", path.display())).unwrap();
    assert_eq!(parsed.flags["storage.tsdb.path"], "/with space");
    assert_eq!(parsed.flags["auto-gomemlimit"], "false");
}

#[test]
fn pages_tell_every_flag() {
    let mut man = Vec::new();
    pages::man(&[], &mut man).unwrap();
    // In a manual page a dash is written `\-`.
    let man = String::from_utf8(man).unwrap().replace("\\-", "-");
    assert!(man.contains("\n.TH RUSHLIGHT 1  \"rushlight 0.0.0\" Rushlight\n"), "{man}");
    let long = pages::help_long();
    for flag in OF_PROMETHEUS.split_whitespace() {
        let name = format!("--{flag}");
        assert!(long.contains(&name), "--help-long has no {name}");
        assert!(man.contains(&name), "the manual page has no {name}");
    }
    let mut page = Vec::new();
    pages::man(&["check".to_owned(), "config".to_owned()], &mut page).unwrap();
    assert!(String::from_utf8(page).unwrap().contains("rushlight\\-check\\-config"));
    assert!(pages::man(&["nonsense".to_owned()], &mut Vec::new()).is_err());
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut script = Vec::new();
        pages::completions(shell, &mut script).unwrap();
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains("storage.tsdb.retention.time"), "{shell:?}");
    }
}
