//! Watches against an API server on loopback.
