//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files to leave to the database: its log, its blocks, and those being written.
pub(crate) const FOR_THE_DATABASE: usize = 128;

/// Raises the limit to what the system allows, as every target takes a socket.
pub(crate) fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(component = "server", ?current, %error, "the limit of open files stays");
    }
}

/// How many there may be.
pub(crate) fn limit() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}
