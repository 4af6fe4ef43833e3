//! Errors of kube's watcher, by what is to be done about them.

use super::metrics::Reason;
use kube::runtime::watcher;
use std::error::Error as _;

/// Why a watch does not go on.
pub(super) struct Trouble {
    pub(super) reason: Reason,
    pub(super) text: String,
}

impl Trouble {
    pub(super) fn of(error: &watcher::Error) -> Self {
        use watcher::Error;
        let (status, text) = match error {
            Error::WatchError(status) => (Some(status), status.message.clone()),
            Error::InitialListFailed(error)
            | Error::WatchStartFailed(error)
            | Error::WatchFailed(error) => match error {
                kube::Error::Api(status) => (Some(status), status.message.clone()),
                other => (None, with_causes(other)),
            },
            Error::NoResourceVersion => (None, error.to_string()),
        };
        let reason = match status.map(|status| status.code) {
            None if is_garbage(error) => Reason::Unreadable,
            None => Reason::Connection,
            Some(401) => Reason::Unauthorized,
            Some(403) => Reason::Forbidden,
            Some(404) => Reason::Absent,
            Some(410) => Reason::Expired,
            Some(429 | 500..) => Reason::Unavailable,
            Some(_) => Reason::Refused,
        };
        let text = match (text.is_empty(), status) {
            (true, Some(status)) => format!("status {}", status.code),
            _ => text,
        };
        Self { reason, text }
    }
}

/// Whether something was said that could not be read.
fn is_garbage(error: &watcher::Error) -> bool {
    use watcher::Error;
    match error {
        Error::InitialListFailed(error)
        | Error::WatchStartFailed(error)
        | Error::WatchFailed(error) => {
            matches!(error, kube::Error::SerdeError(_) | kube::Error::FromUtf8(_))
        }
        Error::WatchError(_) | Error::NoResourceVersion => false,
    }
}

fn with_causes(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
