//! Secrets and ConfigMaps that jobs refer to.

use crate::resources::Resources;
use crate::resources::meta::{KeyRef, SecretOrConfigMap};
use crate::yaml::Fields;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A Secret's key where a file may stand for its text.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// The text itself.
    Text(String),
    /// The path of a file that holds it.
    File(String),
}

/// Where what is referred to comes from.
pub trait Assets {
    /// The text of a Secret's key, in a namespace.
    ///
    /// # Errors
    /// When there is none; names what is missing.
    fn secret(&self, namespace: &str, key: &KeyRef) -> Result<String, String>;

    /// The text of a ConfigMap's key, in a namespace.
    ///
    /// # Errors
    /// When there is none; names what is missing.
    fn config_map(&self, namespace: &str, key: &KeyRef) -> Result<String, String>;

    /// As [`Assets::secret`], where a file will do as well.
    ///
    /// # Errors
    /// When there is none; names what is missing.
    fn given(&self, namespace: &str, key: &KeyRef) -> Result<Given, String> {
        self.secret(namespace, key).map(Given::Text)
    }

    /// As [`Assets::secret`], for a header to a proxy.
    ///
    /// # Errors
    /// When there is none; names what is missing.
    fn header(&self, namespace: &str, key: &KeyRef) -> Result<String, String> {
        self.secret(namespace, key)
    }

    /// The path under which a Secret's or a ConfigMap's key is found as a file; for certificates.
    ///
    /// # Errors
    /// When there is none; names what is missing.
    fn path(&self, namespace: &str, key: &KeyRef, is_secret: bool) -> Result<String, String>;
}

/// The Secrets and ConfigMaps that were written beside the objects.
#[derive(Debug)]
pub struct Written<'a> {
    resources: &'a Resources,
    /// What jobs were made without.
    missing: RefCell<BTreeSet<String>>,
}

impl<'a> Written<'a> {
    /// Those among some objects.
    #[must_use]
    pub fn new(resources: &'a Resources) -> Self {
        Self { resources, missing: RefCell::default() }
    }

    /// What was referred to and is not there, although jobs were made: a cluster would not take
    /// these objects.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.missing.borrow().iter().cloned().collect()
    }

    fn miss(&self, error: String) {
        self.missing.borrow_mut().insert(error);
    }
}

impl Assets for Written<'_> {
    fn secret(&self, namespace: &str, key: &KeyRef) -> Result<String, String> {
        find(&self.resources.secrets, "Secret", namespace, key)
    }

    fn config_map(&self, namespace: &str, key: &KeyRef) -> Result<String, String> {
        find(&self.resources.config_maps, "ConfigMap", namespace, key)
    }

    /// Empty when there is none, as the Operator's generator has it.
    fn header(&self, namespace: &str, key: &KeyRef) -> Result<String, String> {
        Ok(self.secret(namespace, key).unwrap_or_else(|error| {
            self.miss(error);
            String::new()
        }))
    }

    /// The paths of the Operator, whether there is anything or not.
    fn path(&self, namespace: &str, key: &KeyRef, is_secret: bool) -> Result<String, String> {
        let found =
            if is_secret { self.secret(namespace, key) } else { self.config_map(namespace, key) };
        if let Err(error) = found {
            self.miss(error);
        }
        let kind = u8::from(!is_secret);
        Ok(format!("/etc/prometheus/certs/{kind}_{namespace}_{}_{}", key.name, key.key))
    }
}

fn find(
    all: &BTreeMap<(String, String), BTreeMap<String, Vec<u8>>>,
    kind: &str,
    namespace: &str,
    key: &KeyRef,
) -> Result<String, String> {
    let KeyRef { name, key, .. } = key;
    let object = all.get(&(namespace.to_owned(), name.clone()));
    let object = object.ok_or_else(|| format!("{kind} {namespace}/{name} does not exist"))?;
    let value = object.get(key);
    let value = value.ok_or_else(|| format!("{kind} {namespace}/{name} has no key {key:?}"))?;
    String::from_utf8(value.clone())
        .map_err(|_| format!("key {key:?} of {kind} {namespace}/{name} is not UTF-8"))
}

impl Given {
    /// Sets a key, or the one of its file.
    pub(super) fn set(self, out: &mut Fields, key: &str) {
        match self {
            Self::Text(text) => out.set(key, text),
            Self::File(path) => out.set(&format!("{key}_file"), path),
        }
    }
}

/// The text of either, if anything is referred to.
pub(super) fn either(
    assets: &dyn Assets,
    namespace: &str,
    reference: &SecretOrConfigMap,
    field: &str,
) -> Result<Option<String>, String> {
    let text = match (&reference.secret, &reference.config_map) {
        (Some(_), Some(_)) => {
            return Err(format!("{field}: secret and configMap exclude each other"));
        }
        (Some(key), None) => assets.secret(namespace, key),
        (None, Some(key)) => assets.config_map(namespace, key),
        (None, None) => return Ok(None),
    };
    text.map(Some).map_err(|error| format!("{field}: {error}"))
}
