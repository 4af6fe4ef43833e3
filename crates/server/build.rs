//! What the binary tells about its making: see `src/version.rs`.
//!
//! Whoever packages it says so in the environment (`RUSHLIGHT_REVISION`, `RUSHLIGHT_BRANCH`,
//! `RUSHLIGHT_BUILD_USER`, `RUSHLIGHT_BUILD_DATE`, or `SOURCE_DATE_EPOCH`). Else a release built in
//! a clone asks git, if it is installed, for revision and branch. Nothing else is guessed: a tarball
//! has no revision, and the time on the clock would make every build another one.

use std::env;
use std::path::Path;
use std::process::Command;

/// What stands at the top of the sources and goes into the binary.
const BUILT_FROM: [&str; 3] = ["Cargo.lock", "Cargo.toml", "crates"];

fn main() {
    let variables = ["REVISION", "BRANCH", "BUILD_USER", "BUILD_DATE"];
    for name in variables.map(|name| format!("RUSHLIGHT_{name}")).iter() {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=build.rs");
    let said = |name: &str| env::var(format!("RUSHLIGHT_{name}")).ok().filter(|t| !t.is_empty());
    // Others would be built again after every commit.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let clone = if is_release && said("REVISION").is_none() { of_clone() } else { None };
    let (revision, branch) = clone.map_or((None, None), |(r, b)| (Some(r), Some(b)));
    tell("REVISION", said("REVISION").or(revision));
    tell("BRANCH", said("BRANCH").or(branch));
    tell("BUILD_USER", said("BUILD_USER"));
    tell("BUILD_DATE", said("BUILD_DATE").or_else(|| env::var("SOURCE_DATE_EPOCH").ok()));
    tell("RUSTC", output(Command::new(env::var("RUSTC").unwrap_or_default()).arg("--version")));
    tell("TARGET", env::var("TARGET").ok());
}

fn tell(name: &str, value: Option<String>) {
    let value = value.unwrap_or_default().replace('\n', " ");
    println!("cargo::rustc-env=RUSHLIGHT_BUILT_{name}={value}");
}

/// Revision and branch, when the sources are a clone of their own.
fn of_clone() -> Option<(String, String)> {
    let sources = Path::new(&env::var("CARGO_MANIFEST_DIR").ok()?).join("../..").canonicalize();
    let sources = sources.ok()?;
    let git = |args: &[&str]| output(Command::new("git").arg("-C").arg(&sources).args(args));
    // A tarball that was unpacked within another repository is none of its revisions.
    let top = Path::new(&git(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
    if top != sources {
        return None;
    }
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--path-format=absolute", "--git-path", file]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let mut revision = git(&["rev-parse", "HEAD"])?;
    let mut status =
        vec!["--no-optional-locks", "status", "--porcelain", "--untracked-files=no", "--"];
    status.extend(BUILT_FROM);
    if git(&status).is_some_and(|changed| !changed.is_empty()) {
        revision.push_str("-modified");
    }
    for path in BUILT_FROM {
        println!("cargo::rerun-if-changed={}", sources.join(path).display());
    }
    Some((revision, git(&["rev-parse", "--abbrev-ref", "HEAD"])?))
}

/// What a program says, if it is there and has no complaint.
fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
