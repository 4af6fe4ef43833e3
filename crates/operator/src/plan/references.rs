//! What objects refer to: keys of Secrets and ConfigMaps.
//!
//! Jobs name them by their paths in a [`Vault`], so that they stay as they are when a Secret changes.
//! What can stand nowhere but in the job itself is taken as text, and the job is made anew.

use super::{Missing, MissingReason};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use client::files::Vault;
use kubernetes::jobs::{Assets, Given};
use kubernetes::resources::meta::KeyRef;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::{Zeroize as _, Zeroizing};

/// Who holds values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Holder {
    Secret,
    ConfigMap,
}

impl Holder {
    fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

/// A Secret or a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Reference {
    pub(super) holder: Holder,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Reference {
    pub(super) fn is_secret(&self) -> bool {
        self.holder == Holder::Secret
    }

    /// Whether there can be such an object: what is no name is not asked for.
    pub(super) fn can_be(&self) -> bool {
        let is_name = |text: &str| {
            let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            !text.is_empty() && text.len() <= 253 && text.chars().all(known)
        };
        is_name(&self.namespace) && is_name(&self.name)
    }
}

/// What is known of a reference.
#[derive(Clone)]
pub(super) enum Standing {
    /// Nothing yet; with what went wrong.
    NotRead(Option<String>),
    /// We may not know.
    Forbidden(String),
    /// There is no such object.
    Absent,
    /// Its values.
    There(Arc<Values>),
}

/// The values of a Secret or a ConfigMap.
#[derive(Default)]
pub(super) struct Values(BTreeMap<String, Zeroizing<Vec<u8>>>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// A Secret as the API has it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct SecretData {
    data: BTreeMap<String, Decoded>,
}

/// A ConfigMap as the API has it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ConfigMapData {
    data: BTreeMap<String, String>,
    binary_data: BTreeMap<String, Decoded>,
}

struct Decoded(Zeroizing<Vec<u8>>);

impl<'de> Deserialize<'de> for Decoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        let decoded = BASE64_STANDARD.decode(&text);
        text.zeroize();
        // The error would show a byte of it.
        decoded.map(|bytes| Self(Zeroizing::new(bytes))).map_err(|_| D::Error::custom("not base64"))
    }
}

impl From<&SecretData> for Values {
    fn from(secret: &SecretData) -> Self {
        Self(secret.data.iter().map(|(key, value)| (key.clone(), value.0.clone())).collect())
    }
}

impl From<&ConfigMapData> for Values {
    fn from(map: &ConfigMapData) -> Self {
        let texts = map.data.iter().map(|(key, text)| {
            let bytes = Zeroizing::new(text.as_bytes().to_vec());
            (key.clone(), bytes)
        });
        let binary = map.binary_data.iter().map(|(key, value)| (key.clone(), value.0.clone()));
        Self(texts.chain(binary).collect())
    }
}

/// A use of a key: by its path, or by its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) reference: Reference,
    pub(super) key: String,
    pub(super) by_path: bool,
}

/// What an object found where it looked: a digest of the text, which is 0 for a path.
pub(super) type Uses = BTreeMap<Use, Result<u64, MissingReason>>;

impl Use {
    /// The path of the key in a vault.
    pub(super) fn path(&self) -> PathBuf {
        let Reference { holder, namespace, name } = &self.reference;
        let folder = holder.as_str().to_ascii_lowercase();
        Vault::path(&folder, namespace, name, &self.key)
    }

    pub(super) fn missing(&self, why: &MissingReason) -> Missing {
        Missing {
            kind: self.reference.holder.as_str(),
            namespace: self.reference.namespace.clone(),
            name: self.reference.name.clone(),
            key: self.key.clone(),
            why: why.clone(),
        }
    }
}

/// All that is referred to, as far as it is known.
#[derive(Default)]
pub(super) struct Shelf(BTreeMap<Reference, Standing>);

impl Shelf {
    pub(super) fn set(&mut self, reference: &Reference, standing: Standing) {
        self.0.insert(reference.clone(), standing);
    }

    /// Forgets what nobody refers to any more.
    pub(super) fn retain(&mut self, is_used: impl Fn(&Reference) -> bool) {
        self.0.retain(|reference, _| is_used(reference));
    }

    /// Whether nobody has answered yet.
    pub(super) fn is_pending(&self, reference: &Reference) -> bool {
        reference.can_be() && matches!(self.0.get(reference), None | Some(Standing::NotRead(None)))
    }

    /// The value of a key.
    pub(super) fn value(&self, used: &Use) -> Result<&[u8], MissingReason> {
        if !used.reference.can_be() {
            return Err(MissingReason::NoObject);
        }
        match self.0.get(&used.reference) {
            None => Err(MissingReason::NotRead(None)),
            Some(Standing::NotRead(error)) => Err(MissingReason::NotRead(error.clone())),
            Some(Standing::Forbidden(error)) => Err(MissingReason::Forbidden(error.clone())),
            Some(Standing::Absent) => Err(MissingReason::NoObject),
            Some(Standing::There(values)) => {
                values.0.get(&used.key).map(|value| value.as_slice()).ok_or(MissingReason::NoKey)
            }
        }
    }

    /// What is found where one looks.
    pub(super) fn find(&self, used: &Use) -> Result<u64, MissingReason> {
        let value = self.value(used)?;
        if used.by_path {
            return Ok(0);
        }
        let text = std::str::from_utf8(value).map_err(|_| MissingReason::NotText)?;
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Ok(hasher.finish())
    }
}

/// Gives objects what they refer to, and remembers where they looked. What is missing stops nobody:
/// all that is missing is known in the end.
pub(super) struct Referring<'a> {
    shelf: &'a Shelf,
    uses: RefCell<Uses>,
}

impl<'a> Referring<'a> {
    pub(super) fn new(shelf: &'a Shelf) -> Self {
        Self { shelf, uses: RefCell::default() }
    }

    /// Where was looked since this was asked last.
    pub(super) fn take(&self) -> Uses {
        self.uses.take()
    }

    fn look(&self, holder: Holder, namespace: &str, key: &KeyRef, by_path: bool) -> Use {
        let (namespace, name) = (namespace.to_owned(), key.name.clone());
        let reference = Reference { holder, namespace, name };
        let used = Use { reference, key: key.key.clone(), by_path };
        let found = self.shelf.find(&used);
        self.uses.borrow_mut().insert(used.clone(), found);
        used
    }

    fn text(&self, holder: Holder, namespace: &str, key: &KeyRef) -> String {
        let used = self.look(holder, namespace, key, false);
        let value = self.shelf.value(&used).ok();
        value.and_then(|value| String::from_utf8(value.to_vec()).ok()).unwrap_or_default()
    }

    fn path_of(&self, holder: Holder, namespace: &str, key: &KeyRef) -> String {
        self.look(holder, namespace, key, true).path().display().to_string()
    }
}

impl Assets for Referring<'_> {
    fn secret(&self, namespace: &str, key: &KeyRef) -> Result<String, String> {
        Ok(self.text(Holder::Secret, namespace, key))
    }

    fn config_map(&self, namespace: &str, key: &KeyRef) -> Result<String, String> {
        Ok(self.text(Holder::ConfigMap, namespace, key))
    }

    fn given(&self, namespace: &str, key: &KeyRef) -> Result<Given, String> {
        Ok(Given::File(self.path_of(Holder::Secret, namespace, key)))
    }

    fn path(&self, namespace: &str, key: &KeyRef, is_secret: bool) -> Result<String, String> {
        let holder = if is_secret { Holder::Secret } else { Holder::ConfigMap };
        Ok(self.path_of(holder, namespace, key))
    }
}
