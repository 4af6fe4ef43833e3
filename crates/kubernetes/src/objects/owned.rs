//! Objects of which only little is looked at: namespaces, and those that others belong to.

use super::{ObjectMeta, Owner, Shared, or_default};
use serde::Deserialize;

/// A namespace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Namespace {
    /// What identifies it, and its labels.
    #[serde(deserialize_with = "or_default")]
    pub metadata: ObjectMeta,
}

/// An object of any kind, by who made it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Owned {
    /// Who made it.
    #[serde(deserialize_with = "or_default")]
    pub metadata: OwnedMeta,
}

/// Who made an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnedMeta {
    /// All who did.
    pub owner_references: Shared<Owner>,
}

impl OwnedMeta {
    /// Who is responsible for it.
    #[must_use]
    pub fn controller(&self) -> Option<&Owner> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}
