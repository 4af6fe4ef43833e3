//! Tests only: a Kubernetes API server, as far as those who list, watch and write status see one.
//!
//! [`ApiServer`] answers on loopback: discovery, lists in pieces, watches with bookmarks, objects with
//! resource versions, the status subresource, patches, access reviews, tokens. Objects are kept as they
//! were written; what a real server would fill in or refuse by a schema is left alone. Trouble is made
//! on purpose through [`Trouble`].
//!
//! Behaviour: <https://kubernetes.io/docs/reference/using-api/api-concepts/>.
#![forbid(unsafe_code)]

mod authority;
mod grants;
mod http;
mod kinds;
mod listening;
mod pages;
mod patch;
mod selector;
mod server;
mod store;
#[cfg(test)]
mod tests;
mod trouble;
mod world;

pub use authority::Authority;
pub use kinds::Kind;
pub use pages::{Pages, Scrapes};
pub use server::ApiServer;
pub use trouble::{Fit, Trouble};
pub use world::{App, Pod, Scenario, World};
