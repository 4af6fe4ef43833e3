//! The HTTP client of everything that asks others: targets, discovery, Alertmanagers.
//!
//! [`config`] is how such a client is written in the configuration: the keys that stand in many
//! sections ([`HttpKeys`]), and what they mean ([`HttpConfig`]). A [`Client`] asks by it: through
//! [`Client::get`] and [`Client::post`] for single answers, through a [`Session`] for one who is asked
//! again and again and whose body is read piece by piece.
//!
//! HTTP/1.1 is by hand, since a scrape needs little of it and does it often: a body of known length
//! goes from the socket to where it is parsed without another copy. HTTP/2 is spoken over TLS when
//! both sides can. Nothing is unbounded: head, chunk lines, trailers, redirects and the unpacked body
//! all have limits. Time is the caller's: dropping a future ends everything it does.

#![forbid(unsafe_code)]

mod body;
mod client;
pub mod config;
mod connect;
mod dialer;
mod error;
pub mod files;
mod fresh;
mod greeting;
mod gzip;
mod head;
mod http1;
mod http2;
mod oauth2;
mod place;
mod request;
mod routes;
mod scalar;
pub mod section;
mod session;
#[cfg(test)]
mod tests;
mod tls;

pub use client::{Client, Response};
pub use config::{HttpConfig, HttpKeys};
pub use dialer::{Dialer, Stream};
pub use error::FetchError;
pub use place::{Place, without_password};
pub use request::{Method, Request};
pub use scalar::{DurationText, FromPlain, Scalar, Secret, SizeText};
pub use session::{Answer, Session};
