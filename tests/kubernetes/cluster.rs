//! A cluster with what a team runs in it, and the binary in front of it.

use crate::harness::{Rushlight, rushlight, vector, wait_for};
use apiserver::{ApiServer, Scenario, World};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Where objects of clusters are kept.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/kubernetes");

/// A cluster, on threads of its own, and a folder for the server.
pub(super) struct Cluster {
    pub(super) world: World,
    pub(super) server: Arc<ApiServer>,
    pub(super) folder: TempDir,
    /// Ends last.
    pub(super) runtime: Runtime,
}

pub(super) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(FIXTURES).join(name)
}

impl Cluster {
    /// What runs according to a folder of the fixtures; nothing is applied yet.
    pub(super) fn start(name: &str) -> Self {
        Self::of(Scenario::read(&fixture(name).join("world.yaml")))
    }

    pub(super) fn of(scenario: Scenario) -> Self {
        let runtime = threads();
        let server = runtime.block_on(ApiServer::start_tls()).expect("a free port");
        Self::with(runtime, server, scenario)
    }

    /// The same behind plain HTTP, as `kubectl proxy` gives it.
    pub(super) fn plain(name: &str) -> Self {
        let runtime = threads();
        let server = runtime.block_on(ApiServer::start()).expect("a free port");
        Self::with(runtime, server, Scenario::read(&fixture(name).join("world.yaml")))
    }

    fn with(runtime: Runtime, server: ApiServer, scenario: Scenario) -> Self {
        let server = Arc::new(server);
        let inside = runtime.enter();
        let world = World::new(Arc::clone(&server), scenario);
        drop(inside);
        Self { world, server, folder: tempfile::tempdir().expect("a folder"), runtime }
    }

    /// Applies a file of the fixtures.
    pub(super) fn apply(&self, file: &str) {
        self.server.apply_yaml(&std::fs::read_to_string(fixture(file)).expect("a fixture"));
    }

    /// Starts the binary as a pod of the namespace `monitoring` does: without any configuration.
    #[track_caller]
    pub(super) fn inside(&self) -> Rushlight {
        self.inside_with(&[])
    }

    #[track_caller]
    pub(super) fn inside_with(&self, flags: &[&str]) -> Rushlight {
        let account = self.folder.path().join("account");
        self.server.service_account(&account, "monitoring", "pod-token").expect("a folder");
        self.server.trouble().tokens(["pod-token"]);
        let address = self.server.address();
        let env = vec![
            ("KUBERNETES_SERVICE_HOST".to_owned(), address.ip().to_string()),
            ("KUBERNETES_SERVICE_PORT".to_owned(), address.port().to_string()),
        ];
        let account = format!("--kubernetes.service-account-dir={}", account.display());
        let flags: Vec<&str> =
            [account.as_str()].into_iter().chain(flags.iter().copied()).collect();
        Rushlight::start_in(self.folder.path(), env, &flags)
    }

    /// Starts the binary with a configuration file whose key `kubernetes` has these lines.
    #[track_caller]
    pub(super) fn outside(&self, section: &str) -> Rushlight {
        let lines: String = section.lines().map(|line| format!("  {line}\n")).collect();
        let config = format!("kubernetes:\n  apiServer: {}\n{lines}", self.server.url());
        Rushlight::start(self.folder.path(), &config, &[])
    }
}

fn threads() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().expect("threads")
}

/// Waits until a query has so many results.
#[track_caller]
pub(super) fn series(server: &Rushlight, query: &str, count: usize) -> Vec<(Value, f64)> {
    let what = format!("{count} x {query}");
    wait_for(&what, || Some(vector(&server.query(query))).filter(|found| found.len() == count))
}

/// Waits for a line of the log that holds all of these texts.
#[track_caller]
pub(super) fn told(server: &Rushlight, parts: &[&str]) -> String {
    wait_for(&format!("the log to tell {parts:?}"), || {
        let log = server.log();
        log.lines().find(|line| parts.iter().all(|part| line.contains(part))).map(str::to_owned)
    })
}

/// What `rushlight explain KIND NS/NAME` says, and whether it says that all is well.
pub(super) fn explain(server: &Rushlight, kind: &str, name: &str) -> (bool, String) {
    let mut command = rushlight();
    command.args(["explain", kind, name, &format!("--server=http://{}", server.address)]);
    let output = command.output().expect("the binary starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), text + &error)
}

/// The active targets of a scrape pool.
pub(super) fn targets(server: &Rushlight, pool: &str) -> Vec<Value> {
    let answer = server.get("/api/v1/targets?state=active").json();
    let all = answer["data"]["activeTargets"].as_array().expect("a list").clone();
    all.into_iter().filter(|target| target["scrapePool"] == pool).collect()
}
