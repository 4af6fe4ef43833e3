use super::*;
use std::path::PathBuf;

fn read(text: &str) -> Result<Config, String> {
    serde_saphyr::from_str::<Config>(text).map_err(|e| e.without_snippet().to_string())
}

fn resolve(text: &str, global: &Global) -> Result<Job, String> {
    read(text)?.resolve(global).map_err(|e| e.to_string())
}

#[test]
fn defaults() {
    let job = resolve("job_name: j", &Global::default()).unwrap();
    assert_eq!((job.interval.ms, job.timeout.ms), (60_000, 10_000));
    assert_eq!((job.metrics_path.as_str(), job.scheme.as_str()), ("/metrics", "http"));
    assert!(!job.honor_labels && job.honor_timestamps && !job.track_timestamps_staleness);
    assert!(job.enable_compression && job.http.follow_redirects && !job.extra_scrape_metrics);
    assert_eq!(job.limits, Limits::default());
    assert!(
        job.accept.starts_with("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8")
    );
}

#[test]
fn keys_without_a_value_are_left_out() {
    let text = "job_name: j\nscrape_interval:\nparams:\nrelabel_configs:\nstatic_configs:\n\
                scheme:\nbasic_auth:\ntls_config:\nhonor_labels: ~\n";
    assert_eq!(resolve(text, &Global::default()).unwrap().interval.ms, 60_000);
}

#[test]
fn what_is_not_written_is_inherited() {
    let global = Global {
        scrape_interval: model::duration::Duration::from_ms(5_000),
        sample_limit: 7,
        label_limit: 8,
        extra_scrape_metrics: true,
        metric_name_validation_scheme: Some("legacy".into()),
        ..Global::default()
    };
    let job = resolve("{job_name: j, label_limit: 9, sample_limit: 0}", &global).unwrap();
    assert_eq!((job.interval.ms, job.timeout.ms), (5_000, 5_000));
    assert_eq!((job.limits.samples, job.limits.labels), (7, 9));
    assert!(job.extra_scrape_metrics);
    assert!(job.accept.contains("escaping=underscores"));
    let job = resolve("{job_name: j, extra_scrape_metrics: false}", &global).unwrap();
    assert!(!job.extra_scrape_metrics);
}

#[test]
fn the_global_section() {
    use model::duration::Duration;
    let check = |interval: i64, timeout: i64, expected: Option<(i64, i64)>| {
        let mut global = Global::default();
        let given = |ms| Some(Duration::from_ms(ms));
        let set = global.set_timing(given(interval), given(timeout));
        let got = set.ok().map(|()| (global.scrape_interval.ms, global.scrape_timeout.ms));
        assert_eq!(got, expected);
    };
    check(0, 0, Some((60_000, 10_000)));
    check(5_000, 0, Some((5_000, 5_000)));
    check(5_000, 4_000, Some((5_000, 4_000)));
    check(5_000, 6_000, None);
    assert_eq!(Global::default().check(), Ok(()));
    let legacy = Global {
        metric_name_validation_scheme: Some("legacy".into()),
        metric_name_escaping_scheme: Some("allow-utf-8".into()),
        ..Global::default()
    };
    assert!(legacy.check().unwrap_err().to_string().contains("utf8 metric names requested"));
}

#[track_caller]
fn refuses(text: &str, parts: &[&str]) {
    let error = resolve(text, &Global::default()).unwrap_err();
    for part in parts {
        assert!(error.contains(part), "{text:?}: {error}");
    }
}

#[test]
fn bad_sections_are_refused() {
    refuses("{}", &["job_name is empty"]);
    refuses("job_name: j\nhonour_labels: true\n", &["honour_labels", "line 2, column 1"]);
    refuses("job_name: j\njob_name: k\n", &["job_name", "line 2"]);
    refuses("job_name: j\nscrape_interval: 5x\n", &["unknown unit \"x\"", "line 2, column 18"]);
    refuses("job_name: j\nsample_limit: -1\n", &["line 2"]);
    refuses(
        "{job_name: j, scrape_interval: 5s, scrape_timeout: 6s}",
        &["scrape timeout greater than scrape interval for scrape config with job name \"j\""],
    );
    refuses(
        "job_name: j\nrelabel_configs:\n-\n",
        &["empty or null target relabeling rule in scrape config"],
    );
    refuses(
        "job_name: j\nmetric_relabel_configs: [null]\n",
        &["empty or null metric relabeling rule in scrape config"],
    );
    refuses(
        "job_name: j\nrelabel_configs:\n- action: hashmod\n  target_label: a\n",
        &["relabel configuration for hashmod requires non-zero modulus", "line 3"],
    );
    refuses("job_name: j\nrelabel_configs:\n- action:\n", &["relabel action cannot be empty"]);
    refuses(
        "job_name: j\nstatic_configs:\n- targets: ['http://bad']\n",
        &["\"http://bad\" is not a valid hostname"],
    );
    refuses("{job_name: j, scrape_protocols: []}", &["scrape_protocols cannot be empty"]);
    refuses(
        "{job_name: j, scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]}",
        &[
            "duplicated protocol in scrape_protocols, got [PrometheusText0.0.4 PrometheusText0.0.4] \
         for scrape config with job name \"j\"",
        ],
    );
    refuses(
        "{job_name: node, fallback_scrape_protocol: prometheusproto}",
        &[
            "invalid fallback_scrape_protocol for scrape config with job name \"node\": unknown scrape \
         protocol prometheusproto, supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 \
         PrometheusProto PrometheusText0.0.4 PrometheusText1.0.0]",
        ],
    );
    refuses(
        "{job_name: j, metric_name_validation_scheme: x}",
        &["unrecognized ValidationScheme: \"x\""],
    );
    refuses(
        "{job_name: j, metric_name_validation_scheme: legacy, \
         metric_name_escaping_scheme: allow-utf-8}",
        &["utf8 metric names requested but validation scheme is not set to UTF8"],
    );
    refuses("{job_name: j, scheme: ftp}", &["scheme must be 'http' or 'https', got \"ftp\""]);
}

#[test]
fn credentials_exclude_each_other() {
    let check = |options: &str, expected: &str| {
        refuses(&format!("{{job_name: j, {options}}}"), &[expected]);
    };
    check(
        "bearer_token: a, bearer_token_file: b",
        "at most one of bearer_token & bearer_token_file must be configured",
    );
    check(
        "bearer_token: a, basic_auth: {username: u}",
        "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
    );
    check(
        "authorization: {}, basic_auth: {username: u}",
        "at most one of basic_auth, oauth2 & authorization must be configured",
    );
    check("authorization: {type: Basic}", "authorization type cannot be set to \"basic\"");
    check("basic_auth: {password: a, password_file: b}", "password & password_file");
    check("http_headers: {Host: {values: [a]}}", "setting header \"Host\" is not allowed");
    check("http_headers: {x: {values: [\"a\\nb\"]}}", "a value that cannot be sent");
}

#[test]
fn histograms() {
    let global = Global {
        histograms: HistogramFlags { scrape_native: true, ..HistogramFlags::default() },
        scrape_failure_log_file: Some("/log".into()),
        ..Global::default()
    };
    let job = |options: &str| resolve(&format!("{{job_name: j, {options}}}"), &global).unwrap();
    assert!(job("").histograms.scrape_native);
    assert!(!job("scrape_native_histograms: false").histograms.scrape_native);
    assert!(job("always_scrape_classic_histograms: true").histograms.always_classic);
    assert!(job("convert_classic_histograms_to_nhcb: true").histograms.convert_classic);
    assert_eq!(job("native_histogram_bucket_limit: 100").limits.buckets, 100);
    assert_eq!(job("").failure_log.as_deref(), Some(Path::new("/log")));
    assert_eq!(job("scrape_failure_log_file: x").failure_log.as_deref(), Some(Path::new("x")));
    let check = |factor: f64, schema: i32| {
        let job = job(&format!("native_histogram_min_bucket_factor: {factor:?}"));
        assert_eq!(job.max_schema, schema, "{factor}");
    };
    check(0.0, 8);
    check(1.0, 8);
    check(1.002, 8);
    check(1.1, 2);
    check(1.5, 0);
    check(2.0, 0);
    check(4.0, -1);
    check(65536.0, -4);
    check(1e300, -4);
}

#[test]
fn formats_that_are_asked_for() {
    let native = HistogramFlags { scrape_native: true, ..HistogramFlags::default() };
    let created = Features { created_timestamp_zero_ingestion: true, ..Features::default() };
    let check = |options: &str, global: Global, expected: &str| {
        let job = resolve(&format!("{{job_name: j, {options}}}"), &global).unwrap();
        let names: Vec<_> = job.protocols.iter().map(|protocol| protocol.name()).collect();
        assert_eq!(names.join(" "), expected);
        assert_eq!(job.accept.contains("protobuf"), expected.contains("Proto"));
    };
    let text = "OpenMetricsText1.0.0 OpenMetricsText0.0.1 PrometheusText1.0.0 PrometheusText0.0.4";
    let protobuf_first = format!("PrometheusProto {text}");
    check("", Global::default(), text);
    check("scrape_native_histograms: true", Global::default(), &protobuf_first);
    check("", Global { histograms: native, ..Global::default() }, &protobuf_first);
    check("", Global { features: created, ..Global::default() }, &protobuf_first);
    let list = Some(vec!["PrometheusText0.0.4".to_owned()]);
    let global = Global { histograms: native, scrape_protocols: list, ..Global::default() };
    check("", global.clone(), "PrometheusText0.0.4");
    check("scrape_protocols: [PrometheusProto]", global, "PrometheusProto");
    let job =
        resolve("{job_name: j, fallback_scrape_protocol: PrometheusProto}", &Global::default());
    assert_eq!(job.unwrap().fallback, Some(exposition::Protocol::Protobuf));
}

#[test]
fn the_mode_of_the_sample_limit() {
    let soft = Global { sample_limit_mode: SampleLimitMode::Soft, ..Global::default() };
    let check = |options: &str, global: &Global, expected| {
        let job = resolve(&format!("{{job_name: j, {options}}}"), global).unwrap();
        assert_eq!(job.sample_limit_mode, expected);
    };
    check("", &Global::default(), SampleLimitMode::Hard);
    check("", &soft, SampleLimitMode::Soft);
    check("sample_limit_mode: soft", &Global::default(), SampleLimitMode::Soft);
    check("sample_limit_mode: hard", &soft, SampleLimitMode::Hard);
    refuses("{job_name: j, sample_limit_mode: weak}", &["weak"]);
}

#[test]
fn mechanisms_that_are_not_built_in_are_told_with_their_place() {
    let config = read("job_name: j\nconsul_sd_configs: [{server: x}]\n").unwrap();
    let refused: Vec<_> = config.sd().refused().iter().map(|r| (r.key, r.line)).collect();
    assert_eq!(refused, [("consul_sd_configs", 2)]);
}

#[test]
fn jobs_are_equal_when_their_loops_would_do_the_same() {
    let job = |text: &str| resolve(text, &Global::default()).unwrap();
    assert_eq!(
        job("{job_name: j, static_configs: [{targets: [a]}]}"),
        job("{job_name: j, static_configs: [{targets: [b]}]}")
    );
    assert_ne!(job("{job_name: j, honor_labels: true}"), job("{job_name: j}"));
    let other = Global { sample_limit: 1, ..Global::default() };
    assert_ne!(resolve("{job_name: j}", &other).unwrap(), job("{job_name: j}"));
}

#[test]
fn secrets_are_not_printed() {
    let text = "{job_name: j, basic_auth: {username: u, password: pass-w0rd}, \
                http_headers: {x: {secrets: [pass-w0rd]}}}";
    let config = read(text).unwrap();
    let job = config.resolve(&Global::default()).unwrap();
    let shown = format!("{config:?} {job:?}");
    assert!(shown.contains("<secret>") && !shown.contains("pass-w0rd"), "{shown}");
    let job = resolve("{job_name: j, bearer_token: pass-w0rd}", &Global::default()).unwrap();
    assert!(!format!("{job:?}").contains("pass-w0rd"));
}

#[test]
fn relative_files_begin_at_the_folder_of_the_config() {
    let mut config = read(
        "{job_name: j, basic_auth: {password_file: p}, file_sd_configs: [{files: [t.json]}], \
         http_headers: {x: {files: [h, /abs]}}}",
    )
    .unwrap();
    config.set_directory(Path::new("/etc/r"));
    let shown = format!("{config:?}");
    for path in ["/etc/r/p", "/etc/r/t.json", "/etc/r/h", "\"/abs\""] {
        assert!(shown.contains(path), "{path} in {shown}");
    }
}

/// Every job of the conformance files that asks only for what is built in.
#[test]
fn conformance_files() {
    let dir = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance")),
        PathBuf::from,
    );
    if !dir.is_dir() {
        println!("skipped: scrape configs: no folder {}", dir.display());
        return;
    }
    #[derive(Deserialize)]
    struct File {
        scrape_configs: Option<Vec<Option<serde::de::IgnoredAny>>>,
    }
    #[derive(Deserialize)]
    struct Jobs {
        scrape_configs: Vec<Config>,
    }
    #[derive(Deserialize)]
    struct Case {
        file: String,
        load: String,
        error_contains: Option<String>,
        #[serde(default)]
        uses_sd: Vec<String>,
    }
    let manifest = std::fs::read_to_string(dir.join("config/manifest.yaml")).unwrap();
    let cases: Vec<Case> = serde_saphyr::from_str(&manifest).unwrap();
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        let path = dir.join("config/files").join(&case.file);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let Ok(File { scrape_configs: Some(jobs) }) = serde_saphyr::from_str(&text) else {
            continue;
        };
        if jobs.is_empty() {
            continue;
        }
        let read = serde_saphyr::from_str::<Jobs>(&text).map_err(|e| e.to_string());
        let expected = case.error_contains.unwrap_or_default();
        let fine = match (&read, case.load.as_str()) {
            (Ok(_), "ok" | "fragment") => true,
            (Err(_), "ok" | "fragment") => false,
            // Errors of other sections, and of several jobs together, are not seen here.
            (Ok(read), _) => !read.scrape_configs.is_empty(),
            // Sections of discovery that is not built in are read by nobody.
            (Err(_), _) if !case.uses_sd.is_empty() => true,
            // The file's owner has the words for a section that is null or a key that is unknown.
            (Err(error), _) => {
                let known = ["unknown field", "expected mapping start", &expected];
                known.iter().any(|text| error.contains(text))
            }
        };
        if fine {
            passed += 1;
        } else {
            println!("{}: {:?}, expected {expected}", case.file, read.err());
            failed += 1;
        }
    }
    println!("{passed} passed, {failed} failed");
    assert_eq!(failed, 0);
}
