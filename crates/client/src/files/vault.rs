//! Files that stand in memory only: what Secrets and ConfigMaps of a cluster say.

use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

/// Where all of its files stand. Nothing below it is ever looked for on the disk.
const ROOT: &str = "/kubernetes";

/// The bytes of a file, overwritten when nobody needs them any more.
pub(crate) type Bytes = Arc<Zeroizing<Vec<u8>>>;

/// A file system in memory, for what must not get onto the disk. Clones are the same one.
///
/// Whoever reads files that configurations name finds those of the vault before any on the disk,
/// through [`Dialer::with_vault`](crate::Dialer::with_vault).
#[derive(Clone, Default)]
pub struct Vault {
    files: Arc<RwLock<BTreeMap<PathBuf, File>>>,
    /// The last edition given; one is never given twice.
    editions: Arc<AtomicU64>,
}

#[derive(Clone)]
struct File {
    edition: u64,
    bytes: Bytes,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl Vault {
    /// The path of a key of a Secret or a ConfigMap. Names of the cluster have no `/` and are not `..`.
    #[must_use]
    pub fn path(kind: &str, namespace: &str, name: &str, key: &str) -> PathBuf {
        format!("{ROOT}/{kind}/{namespace}/{name}/{key}").into()
    }

    /// Whether a path is one of a vault, whether there is such a file or not. Who is told a path by
    /// others refuses these: they may lead to what the others may not see.
    #[must_use]
    pub fn holds(path: &Path) -> bool {
        path.starts_with(ROOT)
    }

    /// Puts a file in its place; false when it was there already.
    pub fn put(&self, path: &Path, bytes: &[u8]) -> bool {
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        if files.get(path).is_some_and(|file| file.bytes.as_slice() == bytes) {
            return false;
        }
        let edition = self.editions.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = Arc::new(Zeroizing::new(bytes.to_vec()));
        files.insert(path.to_owned(), File { edition, bytes });
        true
    }

    /// Takes a file away.
    pub fn remove(&self, path: &Path) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A file and its edition, which differs from that of all others there were.
    pub(crate) fn read(&self, path: &Path) -> io::Result<(u64, Bytes)> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let file = files.get(path).ok_or_else(|| io::Error::from(Errno::NOENT))?;
        Ok((file.edition, file.bytes.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_was_put_last() {
        let vault = Vault::default();
        let path = Vault::path("secret", "here", "login", "password");
        assert_eq!(path, Path::new("/kubernetes/secret/here/login/password"));
        assert!(Vault::holds(&path));
        assert!(!Vault::holds(Path::new("/kubernetes2/secret")));
        assert_eq!(vault.read(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(vault.put(&path, b"one"));
        let (first, bytes) = vault.clone().read(&path).unwrap();
        assert_eq!(bytes.as_slice(), b"one");
        assert!(!vault.put(&path, b"one"));
        assert_eq!(vault.read(&path).unwrap().0, first);
        vault.remove(&path);
        assert!(vault.is_empty());
        assert!(vault.put(&path, b"one"));
        assert_ne!(vault.read(&path).unwrap().0, first, "a file that came back is another one");
        assert_eq!(format!("{vault:?}"), "<secret>");
    }
}
