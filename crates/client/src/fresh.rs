//! Values made of files that may change: looked at for every use, read when they did.

use crate::files::{self, Bytes, Vault};
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// Bytes of a file, which may be a bundle of all authorities there are.
const MAX_FILE: u64 = 4 << 20;

/// A file that could not be read: which one in order, and why.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) file: usize,
    pub(crate) source: io::Error,
}

/// A value made of files, made again when one of them changes.
#[derive(Debug)]
pub(crate) struct Fresh<T> {
    paths: Arc<[PathBuf]>,
    vault: Vault,
    state: Mutex<State<T>>,
}

struct State<T> {
    seen: Arc<[Seen]>,
    value: Option<Arc<T>>,
}

impl<T> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files", self.seen.len())
    }
}

/// Never to be printed.
#[derive(Clone)]
struct Seen {
    stamp: Stamp,
    content: Bytes,
}

/// What differs when a file was written, or another one put in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    OnDisk([i64; 6]),
    /// The edition.
    InVault(u64),
}

impl<T: Send + Sync + 'static> Fresh<T> {
    pub(crate) fn new(paths: Vec<PathBuf>, vault: &Vault) -> Self {
        let state = State { seen: Arc::default(), value: None };
        Self { paths: paths.into(), vault: vault.clone(), state: Mutex::new(state) }
    }

    pub(crate) fn path(&self, file: usize) -> &Path {
        &self.paths[file]
    }

    /// The value as of now, made by the function from the files' contents if need be. Files are
    /// looked at away from the threads that move bytes, as is the making.
    ///
    /// Cancel safe: what was not finished is begun anew.
    pub(crate) async fn get<E: From<Unreadable> + Send + 'static>(
        &self,
        make: impl FnOnce(&[Bytes]) -> Result<T, E> + Send + 'static,
    ) -> Result<Arc<T>, E> {
        let mut state = self.state.lock().await;
        if self.paths.is_empty()
            && let Some(value) = &state.value
        {
            return Ok(value.clone());
        }
        let (paths, seen, is_made) =
            (self.paths.clone(), state.seen.clone(), state.value.is_some());
        let vault = self.vault.clone();
        let made = tokio::task::spawn_blocking(move || {
            let now = look(&paths, &vault, &seen)?;
            if now.is_none() && is_made {
                return Ok(None);
            }
            let now = now.unwrap_or(seen);
            let contents: Vec<_> = now.iter().map(|seen| seen.content.clone()).collect();
            Ok(Some((make(&contents)?, now)))
        });
        let made = made.await.unwrap_or_else(|error| {
            let source = io::Error::other(error);
            Err(Unreadable { file: 0, source }.into())
        });
        match made {
            Ok(Some((value, seen))) => {
                state.seen = seen;
                state.value = Some(Arc::new(value));
            }
            Ok(None) => {}
            Err(error) => {
                state.value = None;
                return Err(error);
            }
        }
        Ok(state.value.clone().expect("made just now, or before"))
    }
}

/// The files as they are, or `None` when they are as they were.
fn look(
    paths: &[PathBuf],
    vault: &Vault,
    before: &[Seen],
) -> Result<Option<Arc<[Seen]>>, Unreadable> {
    let mut changed = before.len() != paths.len();
    let mut now = Vec::with_capacity(paths.len());
    for (i, path) in paths.iter().enumerate() {
        let unreadable = |source| Unreadable { file: i, source };
        let seen_before = |stamp| before.get(i).filter(|seen| seen.stamp == stamp).cloned();
        if Vault::holds(path) {
            let (edition, content) = vault.read(path).map_err(unreadable)?;
            let stamp = Stamp::InVault(edition);
            changed |= seen_before(stamp).is_none();
            now.push(Seen { stamp, content });
            continue;
        }
        let stamp = std::fs::metadata(path).map(|metadata| stamp(&metadata));
        let stamp = stamp.map_err(unreadable)?;
        match seen_before(stamp) {
            Some(seen) => now.push(seen),
            None => {
                changed = true;
                let content = files::read_file(path, MAX_FILE).map_err(unreadable)?.bytes;
                // Of before it was read: what is written meanwhile is seen the next time.
                now.push(Seen { stamp, content: Arc::new(Zeroizing::new(content)) });
            }
        }
    }
    Ok(changed.then(|| now.into()))
}

fn stamp(metadata: &Metadata) -> Stamp {
    let [inode, size] = [metadata.ino(), metadata.size()].map(u64::cast_signed);
    let (modified, changed) = (metadata.mtime(), metadata.ctime());
    Stamp::OnDisk([inode, size, modified, metadata.mtime_nsec(), changed, metadata.ctime_nsec()])
}
