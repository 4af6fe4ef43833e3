//! `rushlight check config`: would the server take a file, and does what it names exist?

use super::check_rules::{self, Input};
use crate::config::{self, Loaded, Reading, paths};
use crate::flags::CheckConfig;
use client::config::{Credentials, Material, SecretSource};
use scrape::Job;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The name of a complaint.
const TOO_LONG: &str = "too-long-scrape-interval";
/// Exit code when there were complaints that were asked to be fatal.
const LINT: u8 = 3;

/// Checks every file; prints what promtool prints, to where it prints it.
pub(crate) fn config(asked: &CheckConfig) -> ExitCode {
    let lint = Lint::new(&asked.lint);
    let rules_lint = match asked.lint.split(',').any(|name| name == "none") {
        true => check_rules::Lint::default(),
        false => check_rules::Lint::new(&asked.lint, &[TOO_LONG]),
    };
    let (mut failed, mut complained) = (false, false);
    for path in &asked.files {
        let file = path.display();
        println!("Checking {file}");
        match check(path, asked) {
            Ok((loaded, rule_files)) => {
                if !rule_files.is_empty() {
                    println!("  SUCCESS: {} rule files found", rule_files.len());
                }
                println!(" SUCCESS: {file} is valid prometheus config file syntax");
                println!();
                if lint.too_long_interval && !asked.syntax_only {
                    complained |= too_long(&loaded.jobs, asked.lookback_delta.ms);
                }
                let inputs: Vec<_> = rule_files.iter().map(|path| Input::Named(path)).collect();
                let scheme = loaded.global.metric_name_validation_scheme.as_deref();
                let legacy_names = scheme == Some("legacy");
                let options = rules::file::Options { legacy_names, ..Default::default() };
                let outcome = check_rules::judge(&inputs, rules_lint, &options);
                failed |= outcome.refused;
                complained |= outcome.complained;
            }
            Err(error) => {
                eprintln!("  FAILED: {error}");
                println!();
                failed = true;
            }
        }
    }
    match (failed, complained && asked.lint_fatal) {
        (true, _) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(LINT),
        (false, false) => ExitCode::SUCCESS,
    }
}

/// What a file says, and the rule files that it names.
fn check(path: &Path, asked: &CheckConfig) -> Result<(Loaded, Vec<PathBuf>), String> {
    let (agent, alone) = (asked.agent, asked.syntax_only);
    let reading = Reading { once: true, agent, alone, ..Reading::default() };
    let yaml = |error| format!("parsing YAML file {error}");
    let loaded = config::load(path, &reading).map_err(yaml)?;
    for warning in &loaded.warnings {
        println!("  WARNING: {warning}");
    }
    if alone {
        check_written_targets(&loaded)?;
        return Ok((loaded, Vec::new()));
    }
    let rule_files = rule_files(&loaded)?;
    let loaded = loaded.refuse_unbuilt().map_err(|error| error.to_string())?;
    for (job, config) in loaded.jobs.iter().zip(&loaded.scrape_configs) {
        check_credentials(job)?;
        check_targets_in_files(job, &config.sd().file)?;
    }
    check_written_targets(&loaded)?;
    check_alertmanagers_in_files(&loaded)?;
    Ok((loaded, rule_files))
}

fn check_written_targets(loaded: &Loaded) -> Result<(), String> {
    for (job, config) in loaded.jobs.iter().zip(&loaded.scrape_configs) {
        for (i, targets) in config.sd().written.iter().enumerate() {
            scrape::check_group(job, &targets.group(i.to_string()))?;
        }
    }
    Ok(())
}

/// The files that patterns name; one without a star has to be there.
fn rule_files(loaded: &Loaded) -> Result<Vec<PathBuf>, String> {
    let mut all = Vec::new();
    for pattern in &loaded.rule_patterns {
        let found = paths::matching(pattern);
        let text = pattern.display().to_string();
        if !text.contains('*') {
            let Some(file) = found.first() else {
                return Err(format!("{text:?} does not point to an existing file"));
            };
            exists(file, "rule")?;
        }
        all.extend(found);
    }
    Ok(all)
}

/// The files that have to be there before a target can be asked.
fn check_credentials(job: &Job) -> Result<(), String> {
    if let Credentials::Scheme { secret: SecretSource::File(path), .. } = &job.http.credentials {
        exists(path, "authorization credentials or bearer token")?;
    }
    if let Some((certificate, key)) = &job.http.tls.identity {
        for (material, what) in [(certificate, "client cert"), (key, "client key")] {
            if let Material::File(path) = material {
                exists(path, what)?;
            }
        }
    }
    Ok(())
}

fn exists(path: &Path, what: &str) -> Result<(), String> {
    let path_text = path.display().to_string();
    match path.metadata() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(format!(
            "error checking {what} file {path_text:?}: stat {path_text}: no such file or directory"
        )),
        Err(error) => Err(format!("error checking {what} file {path_text:?}: {error}")),
    }
}

fn check_targets_in_files(job: &Job, configs: &[discovery::FileConfig]) -> Result<(), String> {
    for pattern in configs.iter().flat_map(|config| &config.files) {
        let files = paths::matching(Path::new(pattern));
        if files.is_empty() {
            let name = &job.name;
            println!(
                "  WARNING: file {pattern:?} for file_sd in scrape job {name:?} does not exist"
            );
        }
        for file in files {
            let groups = discovery::groups_of(&file.to_string_lossy())
                .map_err(|error| format!("checking SD file {pattern:?}: {error}"))?;
            for group in groups {
                scrape::check_group(job, &group)?;
            }
        }
    }
    Ok(())
}

fn check_alertmanagers_in_files(loaded: &Loaded) -> Result<(), String> {
    let sets = loaded.alerting.sets.iter();
    let configs = sets.flat_map(|(set, sd)| sd.file.iter().map(move |config| (set, config)));
    for (set, pattern) in configs.flat_map(|(set, c)| c.files.iter().map(move |file| (set, file))) {
        let files = paths::matching(Path::new(pattern));
        if files.is_empty() {
            println!(
                "  WARNING: file {pattern:?} for file_sd in alertmanager config does not exist"
            );
        }
        for file in files {
            let groups = discovery::groups_of(&file.to_string_lossy())
                .map_err(|error| format!("checking SD file {pattern:?}: {error}"))?;
            let targets = groups.iter().flat_map(|group| &group.targets);
            for address in targets.filter_map(|target| target.get(discovery::ADDRESS)) {
                // A rule may make an address of anything.
                if set.relabel.is_empty() {
                    discovery::check_address(address).map_err(|error| error.to_string())?;
                }
            }
        }
    }
    Ok(())
}

/// What to complain of, besides rules.
struct Lint {
    too_long_interval: bool,
}

impl Lint {
    fn new(names: &str) -> Self {
        let names: Vec<_> = names.split(',').collect();
        let has = |name| names.contains(&name);
        Self { too_long_interval: (has("all") || has(TOO_LONG)) && !has("none") }
    }
}

/// Between two scrapes a series would end.
fn too_long(jobs: &[Job], lookback_ms: i64) -> bool {
    let found = jobs.iter().find(|job| lookback_ms > 0 && job.interval.ms >= lookback_ms);
    if let Some(job) = found {
        eprintln!(
            "  FAILED: too long scrape interval found, data point will be marked as stale - job: \
             {}, interval: {}",
            job.name, job.interval
        );
    }
    found.is_some()
}
