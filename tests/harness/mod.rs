//! What black-box tests need: the binary as a child, targets to scrape, a client, patience with a
//! deadline.

mod http;
mod receiver;
mod secure;
mod server;
mod target;

pub(crate) use http::Response;
pub(crate) use receiver::Receiver;
pub(crate) use secure::{Authority, Caller};
pub(crate) use server::{Rushlight, is_ready, rushlight};
pub(crate) use target::{Page, Target};

use serde_json::Value;
use std::time::{Duration, Instant};

/// Longest wait for anything; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// Asks until the answer is `Some`, or fails with what was awaited.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for: {what}");
        std::thread::park_timeout(LOOK);
    }
}

/// The values of an instant vector: (labels, value) in the order of the answer.
#[track_caller]
pub(crate) fn vector(answer: &Value) -> Vec<(Value, f64)> {
    assert_eq!(answer["status"], "success", "{answer}");
    let series = answer["data"]["result"].as_array().expect("a list of series");
    let value = |s: &Value| s["value"][1].as_str().expect("a value").parse().expect("a number");
    series.iter().map(|s| (s["metric"].clone(), value(s))).collect()
}
