//! What happens around every request: counting, readiness, CORS, compression.

pub(crate) mod compress;
pub(crate) mod cors;
pub(crate) mod ready;
pub(crate) mod track;
