//! `headers` of remote endpoints and of tracing: which names are taken.

use client::config::is_reserved_header;
use std::collections::BTreeMap;

/// Headers as written; a value may be left out.
pub(super) type Headers = Option<BTreeMap<String, Option<String>>>;

/// Refuses reserved names; `authorization` is what is said about the header of that name.
pub(super) fn check(headers: &Headers, authorization: &str) -> Result<(), String> {
    for name in headers.iter().flat_map(BTreeMap::keys) {
        if name.eq_ignore_ascii_case("authorization") {
            return Err(authorization.to_owned());
        }
        if is_reserved_header(name) {
            return Err(format!("{name} is a reserved header. It must not be changed"));
        }
    }
    Ok(())
}

/// As for remote endpoints, which have keys for that header.
pub(super) const AUTHORIZATION_HAS_KEYS: &str = "authorization header must be changed via the \
    basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter";

#[cfg(test)]
mod tests {
    use super::{AUTHORIZATION_HAS_KEYS, check};

    #[test]
    fn names_that_are_taken() {
        let check = |name: &str, expected: Option<&str>| {
            let headers = Some([(name.to_owned(), None)].into());
            let error = check(&headers, AUTHORIZATION_HAS_KEYS).err();
            assert!(error.as_deref().unwrap_or("").contains(expected.unwrap_or("")), "{error:?}");
            assert_eq!(error.is_some(), expected.is_some(), "{name}");
        };
        check("Authorization", Some("must be changed via the basic_auth"));
        check("Host", Some("Host is a reserved header. It must not be changed"));
        check("X-AMZ-Date", Some("is a reserved header"));
        // What would break the connection is taken for these as for targets.
        check("Transfer-Encoding", Some("is a reserved header"));
        check("X-Scope-OrgID", None);
    }
}
