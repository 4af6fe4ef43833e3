//! Read-only memory maps: the one unsafe file.

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// A file in memory; a page is read when it is first touched.
///
/// Only for files that are finished: written by us under another name, fsynced, renamed, and never
/// written or cut again. Removing such a file is fine, the map keeps it.
#[derive(Debug)]
pub(crate) struct Map(Option<Mmap>);

impl Map {
    /// Maps the whole file as long as it is now; an empty file is an empty map.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self(None));
        }
        #[expect(unsafe_code, reason = "the price of reading blocks without copying them")]
        // SAFETY: a map is undefined behaviour when the file changes below it. The type's contract is
        // that it does not: blocks are immutable once renamed into place, and only we write there.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self(Some(map)))
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }
}
