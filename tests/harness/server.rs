//! The binary as a child process: a folder of its own, a port of the system's choice, killed at the
//! end whatever happens.

use super::http::{self, Response, encode};
use super::wait_for;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A command of the binary, not started yet.
pub(crate) fn rushlight() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rushlight"))
}

pub(crate) fn is_ready(address: SocketAddr) -> bool {
    http::get(address, "/-/ready").is_ok_and(|response| response.status == 200)
}

/// A running server.
pub(crate) struct Rushlight {
    child: Child,
    folder: PathBuf,
    flags: Vec<String>,
    env: Vec<(String, String)>,
    log: Arc<Mutex<Vec<String>>>,
    pub(crate) address: SocketAddr,
}

impl Rushlight {
    /// Starts a server on `folder/prometheus.yml` with its data in `folder/data`, and waits until it
    /// is ready.
    #[track_caller]
    pub(crate) fn start(folder: &Path, config: &str, flags: &[&str]) -> Self {
        Self::start_until(folder, config, flags, is_ready)
    }

    /// The same, with another opinion of when it is ready.
    #[track_caller]
    pub(crate) fn start_until(
        folder: &Path,
        config: &str,
        flags: &[&str],
        ready: impl Fn(SocketAddr) -> bool,
    ) -> Self {
        std::fs::write(folder.join("prometheus.yml"), config).expect("a writable folder");
        Self::start_on(folder, flags, ready)
    }

    /// The same on what stands at `folder/prometheus.yml`.
    #[track_caller]
    pub(crate) fn start_on(
        folder: &Path,
        flags: &[&str],
        ready: impl Fn(SocketAddr) -> bool,
    ) -> Self {
        let mut all = vec![
            format!("--config.file={}", folder.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            "--web.listen-address=127.0.0.1:0".into(),
        ];
        all.extend(flags.iter().map(|f| (*f).to_owned()));
        Self::run(folder, all, Vec::new(), ready)
    }

    /// Starts without a configuration file, with variables of its own in the environment.
    #[track_caller]
    pub(crate) fn start_in(folder: &Path, env: Vec<(String, String)>, flags: &[&str]) -> Self {
        let mut all = vec![
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            "--web.listen-address=127.0.0.1:0".into(),
        ];
        all.extend(flags.iter().map(|f| (*f).to_owned()));
        Self::run(folder, all, env, is_ready)
    }

    /// Starts the demo, which brings its own configuration and data.
    #[track_caller]
    pub(crate) fn demo() -> Self {
        let flags = vec!["demo".into(), "--web.listen-address=127.0.0.1:0".into()];
        Self::run(&std::env::temp_dir(), flags, Vec::new(), is_ready)
    }

    #[track_caller]
    fn run(
        folder: &Path,
        flags: Vec<String>,
        env: Vec<(String, String)>,
        ready: impl Fn(SocketAddr) -> bool,
    ) -> Self {
        let mut child = rushlight()
            .args(&flags)
            .envs(env.iter().cloned())
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, stderr) = (Arc::clone(&log), child.stderr.take().expect("piped"));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().expect("no panic while held").push(line);
            }
        });
        let mut server = Self {
            child,
            folder: folder.into(),
            flags,
            env,
            log,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        server.address = wait_for("the line that names the address", || server.listening());
        wait_for("readiness", || ready(server.address).then_some(()));
        server
    }

    /// The address from the log line `msg=listening address=...`.
    fn listening(&mut self) -> Option<SocketAddr> {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("the server ended with {status}:\n{}", self.log());
        }
        let log = self.log.lock().expect("no panic while held");
        let line = log.iter().find(|l| l.contains("address=") && l.contains("listening"))?;
        let address = line.split("address=").nth(1)?.split_whitespace().next()?;
        address.trim_matches('"').parse().ok()
    }

    /// What the server has written to stderr.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic while held").join("\n")
    }

    /// Ends the process at once, as a power cut would, and starts it again on the same data.
    #[track_caller]
    pub(crate) fn kill_and_restart(mut self) -> Self {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
        Self::run(&self.folder, self.flags.clone(), self.env.clone(), is_ready)
    }

    /// Asks the process to end and waits for it.
    #[track_caller]
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        self.signal("TERM");
        wait_for("the end after SIGTERM", || self.child.try_wait().expect("our own child"))
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .expect("kill exists");
        assert!(done.success());
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Response {
        http::get(self.address, path).unwrap_or_else(|e| panic!("GET {path}: {e}\n{}", self.log()))
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, form: &str) -> Response {
        http::post(self.address, path, form)
            .unwrap_or_else(|e| panic!("POST {path}: {e}\n{}", self.log()))
    }

    /// An instant query at the server's own time.
    #[track_caller]
    pub(crate) fn query(&self, query: &str) -> Value {
        self.get(&format!("/api/v1/query?query={}", encode(query))).json()
    }

    /// The active target of a job, as `/api/v1/targets` tells.
    #[track_caller]
    pub(crate) fn target(&self, job: &str) -> Option<Value> {
        let answer = self.get("/api/v1/targets?state=active").json();
        let targets = answer["data"]["activeTargets"].as_array()?.clone();
        targets.into_iter().find(|t| t["labels"]["job"] == job)
    }
}

impl Drop for Rushlight {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.log());
        }
        self.child.kill().ok(); // it may have ended already
        self.child.wait().ok();
    }
}
