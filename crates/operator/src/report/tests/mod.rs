//! Reporting as the API server sees it.
