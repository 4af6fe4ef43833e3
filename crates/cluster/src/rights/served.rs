//! Which resources of a group there are.

use crate::access::Access;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Resources of a group, by their names in paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served(BTreeMap<String, Vec<Resource>>);

/// A resource in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Such as `v1`.
    pub version: String,
    /// Whether status is written apart from the rest.
    pub has_status: bool,
}

impl Served {
    /// A resource in the first of the versions that it has, as they were asked for.
    #[must_use]
    pub fn get(&self, plural: &str) -> Option<&Resource> {
        self.0.get(plural)?.first()
    }

    /// Whether there is nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    resources: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Asks for the resources of a group in some versions. One that the server does not know has none.
///
/// # Errors
/// When there is no answer, or another one.
pub async fn served(
    access: &Access,
    group: &str,
    versions: &[&str],
) -> Result<Served, kube::Error> {
    let mut served = Served::default();
    for version in versions {
        let uri = format!("/apis/{group}/{version}");
        let request = http::Request::builder().uri(uri).body(Vec::new());
        let list = match access.client().request(request.map_err(kube::Error::HttpError)?).await {
            Ok(List { resources }) => resources,
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            Err(error) => return Err(error),
        };
        let names: Vec<&str> = list.iter().map(|named| named.name.as_str()).collect();
        for name in names.iter().filter(|name| !name.contains('/')) {
            let has_status = names.iter().any(|other| other.strip_suffix("/status") == Some(*name));
            let resource = Resource { version: (*version).to_owned(), has_status };
            served.0.entry((*name).to_owned()).or_default().push(resource);
        }
    }
    Ok(served)
}
