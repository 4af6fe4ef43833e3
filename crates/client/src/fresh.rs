//! Values made of files that may change: looked at for every use, read when they did.

use crate::files;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

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
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    seen: Arc<[Seen]>,
    value: Option<Arc<T>>,
}

#[derive(Clone, Debug)]
struct Seen {
    stamp: Stamp,
    content: Arc<[u8]>,
}

/// What differs when a file was written, or another one put in its place.
type Stamp = [i64; 6];

impl<T: Send + Sync + 'static> Fresh<T> {
    pub(crate) fn new(paths: Vec<PathBuf>) -> Self {
        let state = State { seen: Arc::default(), value: None };
        Self { paths: paths.into(), state: Mutex::new(state) }
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
        make: impl FnOnce(&[Arc<[u8]>]) -> Result<T, E> + Send + 'static,
    ) -> Result<Arc<T>, E> {
        let mut state = self.state.lock().await;
        if self.paths.is_empty()
            && let Some(value) = &state.value
        {
            return Ok(value.clone());
        }
        let (paths, seen, is_made) =
            (self.paths.clone(), state.seen.clone(), state.value.is_some());
        let made = tokio::task::spawn_blocking(move || {
            let now = look(&paths, &seen)?;
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
fn look(paths: &[PathBuf], before: &[Seen]) -> Result<Option<Arc<[Seen]>>, Unreadable> {
    let mut changed = before.len() != paths.len();
    let mut now = Vec::with_capacity(paths.len());
    for (i, path) in paths.iter().enumerate() {
        let unreadable = |source| Unreadable { file: i, source };
        let stamp = std::fs::metadata(path).map(|metadata| stamp(&metadata));
        let stamp = stamp.map_err(unreadable)?;
        match before.get(i) {
            Some(seen) if seen.stamp == stamp => now.push(seen.clone()),
            _ => {
                changed = true;
                let content = files::read_file(path, MAX_FILE).map_err(unreadable)?.bytes;
                // Of before it was read: what is written meanwhile is seen the next time.
                now.push(Seen { stamp, content: content.into() });
            }
        }
    }
    Ok(changed.then(|| now.into()))
}

fn stamp(metadata: &Metadata) -> Stamp {
    let [inode, size] = [metadata.ino(), metadata.size()].map(u64::cast_signed);
    let (modified, changed) = (metadata.mtime(), metadata.ctime());
    [inode, size, modified, metadata.mtime_nsec(), changed, metadata.ctime_nsec()]
}
