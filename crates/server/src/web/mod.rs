//! The web configuration file (`--web.config.file`): TLS, users, headers and a rate for the HTTP
//! server, in the format of Prometheus' exporters.
//!
//! [`load`] reads a file with everything it names; a fault tells line and column. [`Current`] holds
//! what is in use and looks for changes, at most once a second, when a connection or a request comes
//! in. A changed file that is bad is not taken: what was loaded before stays in use, the log, a
//! metric and `/api/v1/notifications` say so until the file is good. (Prometheus refuses every
//! request meanwhile.) Whether TLS is spoken at all cannot change without a restart, and that there
//! are no users any more must be seen twice, so that a slip in the file or half of one never opens the
//! server.
//!
//! [`guard()`] stands around every path, `/metrics` and `/-/healthy` among them: headers, rate, users.

mod client_auth;
mod current;
mod der;
mod file;
mod guard;
mod headers;
mod passwords;
mod rate;
#[cfg(test)]
mod tests;
mod tls;

pub(crate) use current::Current;
pub(crate) use guard::{Guarded, guard};

use crate::config::ConfigError;
use http::HeaderMap;
use passwords::Users;
use rate::Rate;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A loaded file.
#[derive(Default)]
pub(crate) struct WebConfig {
    /// How TLS is spoken; `None` is plain HTTP.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// Headers of every answer.
    headers: HeaderMap,
    users: Users,
    rate: Option<Rate>,
    /// The file and those it names.
    files: Vec<PathBuf>,
}

/// Reads and checks a file and those it names; a file that is read once may be a pipe.
///
/// # Errors
/// When anything in it is wrong, unknown, or not built in.
pub(crate) fn load(path: &Path, once: bool) -> Result<WebConfig, ConfigError> {
    let name = path.display().to_string();
    let text = file::text(path, once).map_err(|error| ConfigError {
        file: name.clone(),
        at: None,
        message: error.to_string(),
    })?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut config = file::parse(&text, &name, directory)?;
    config.files.insert(0, path.to_owned());
    Ok(config)
}
