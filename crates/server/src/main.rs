//! Rushlight: the binary.
//!
//! [`flags`] reads the command line, [`config`] the configuration file, [`wiring`] puts the parts
//! together and takes them apart again; [`commands`] is what the binary does besides serving.
#![forbid(unsafe_code)]

mod clock;
mod commands;
mod config;
mod demo;
mod files;
mod flags;
mod listen;
mod logging;
mod memory;
mod own_metrics;
mod version;
mod web;
mod wiring;

use flags::{Check, Command, Explain, Kubernetes, Parsed, Test};
use std::future::Future;
use std::io::Write;
use std::process::{ExitCode, Termination};

/// Threads that move bytes; parsing a page happens on them too.
const WORKERS: usize = 2;
/// Threads for look-ups, file work and parsing; beyond them work waits. Queries and other requests have
/// theirs beside them.
const MAX_BLOCKING: usize = 64;

fn main() -> ExitCode {
    let parsed = match flags::parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Nothing can be done when there is no terminal to print on.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    if parsed.cli.version {
        print!("{}", version::text());
        return ExitCode::SUCCESS;
    }
    if parsed.cli.help_long {
        return print(|out| out.write_all(flags::pages::help_long().as_bytes()));
    }
    if parsed.cli.help_man {
        return print(|out| flags::pages::man(&[], out));
    }
    match &parsed.cli.command {
        Some(Command::Check(Check::Config(asked))) => commands::check::config(asked),
        Some(Command::Check(Check::Rules(asked))) => commands::check_rules::rules(asked),
        Some(Command::Check(Check::WebConfig { files })) => commands::web_config::check(files),
        Some(Command::Check(Check::KpsValues(asked))) => {
            commands::check_kps_values::kps_values(asked)
        }
        Some(Command::Check(Check::Metrics(asked))) => commands::check_metrics::metrics(asked),
        Some(Command::Check(Check::ServiceDiscovery(asked))) => {
            logging::start(&flags::Log::warnings());
            run(commands::check_sd::service_discovery(asked))
        }
        Some(Command::Completions { shell }) => print(|out| flags::pages::completions(*shell, out)),
        Some(Command::Man { command }) => print(|out| flags::pages::man(command, out)),
        Some(Command::Test(Test::Promql { paths })) => commands::test_promql::run(paths),
        Some(Command::Test(Test::Rules(asked))) => commands::test_rules::run(asked),
        Some(Command::Query(query)) => run(commands::query::run(query)),
        Some(Command::Rules(asked)) => run(commands::rules::run(asked)),
        Some(Command::Explain(asked)) => explain(asked),
        Some(Command::Kubernetes(Kubernetes::Render { files })) => {
            commands::kubernetes::render(files)
        }
        Some(Command::Demo(_)) | None => serve(parsed),
    }
}

/// Prints a page; it is a failure when nobody takes it.
fn print(page: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match page(&mut out).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn runtime(for_requests: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(MAX_BLOCKING.saturating_add(for_requests))
        .enable_all()
        .build()
}

/// Asks a server why something is as it is.
fn explain(asked: &Explain) -> ExitCode {
    let (kind, asked) = match asked {
        Explain::Target(asked) => return run(commands::explain::target(asked)),
        Explain::ServiceMonitor(asked) => ("servicemonitor", asked),
        Explain::PodMonitor(asked) => ("podmonitor", asked),
        Explain::Probe(asked) => ("probe", asked),
        Explain::ScrapeConfig(asked) => ("scrapeconfig", asked),
        Explain::PrometheusRule(asked) => ("prometheusrule", asked),
    };
    run(commands::explain::object(kind, asked))
}

/// Runs a command that talks to others.
fn run<T: Termination>(command: impl Future<Output = anyhow::Result<T>>) -> ExitCode {
    let result = runtime(0).map_err(anyhow::Error::from);
    match result.and_then(|runtime| runtime.block_on(command)) {
        Ok(done) => done.report(),
        Err(error) => {
            eprintln!("{}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes; a cause that its effect already tells is not told again.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

fn serve(parsed: Parsed) -> ExitCode {
    let demo = matches!(parsed.cli.command, Some(Command::Demo(_)));
    let log = match &parsed.cli.command {
        Some(Command::Demo(demo)) => &demo.log,
        _ => &parsed.cli.serve.log,
    };
    logging::start(log);
    files::raise_limit();
    let serve = &parsed.cli.serve;
    // As many requests as may wait for a thread at once, so that scrapes never wait for them.
    let runtime = match runtime(serve.query_max_concurrency.saturating_add(serve.max_connections)) {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(component = "server", %error, "no threads to run on");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        if demo { wiring::demo(parsed).await } else { wiring::serve(parsed).await }
    });
    // What still runs has had its time.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!(component = "server", error = %chain(&failure.error), "the server ended");
            ExitCode::from(failure.code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::chain;
    use anyhow::anyhow;

    #[test]
    fn causes_are_told_once() {
        let error = anyhow!("no such file").context("data: no such file").context("opening");
        assert_eq!(chain(&error), "opening: data: no such file");
        assert_eq!(chain(&anyhow!("a").context("b")), "b: a");
    }
}
