//! The file `chunks`: per series the directories of its parts, then its chunks.
//!
//! One section, `chunks`. A directory, per part: chunks << 1 | irregular (varint), then per chunk its
//! samples (varint, only if irregular; else 480 but for the last) and its bytes (varint). Chunks
//! follow in order of parts and time, see `codec`; after a chunk's values come the histograms that some
//! of them stand for, see `codec::histogram`.
//!
//! The file has a crc32c per page of 4 KiB; they are the section `pages` of `index`.

use super::meta::{BlockMeta, Section, SectionFile};
use super::{CHUNK_SAMPLES, Error};
use crate::codec::DecodeError;
use crate::codec::bits::ByteReader;
use crate::disk::Disk;
use crate::mmap::Map;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(super) const FILE: &str = "chunks";
const PAGE: usize = 4096;
/// Bytes after a chunk that its decoder may look at, and ignores.
const SLACK: usize = 8;

#[derive(Debug)]
pub(super) struct ChunksWriter {
    file: SectionFile,
    in_page: usize,
    page_crc: u32,
    page_crcs: Vec<u8>,
}

impl ChunksWriter {
    pub(super) fn create(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        let file = SectionFile::create(disk, dir, FILE)?;
        Ok(Self { file, in_page: 0, page_crc: 0, page_crcs: Vec::new() })
    }

    pub(super) fn len(&self) -> u64 {
        self.file.section_len()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(PAGE - self.in_page));
            self.page_crc = crc32c::crc32c_append(self.page_crc, now);
            self.in_page += now.len();
            if self.in_page == PAGE {
                self.end_page();
            }
            rest = later;
        }
        self.file.write(bytes)
    }

    fn end_page(&mut self) {
        self.page_crcs.extend_from_slice(&self.page_crc.to_le_bytes());
        (self.page_crc, self.in_page) = (0, 0);
    }

    /// The file's sections, and the checksums of its pages.
    pub(super) fn finish(mut self) -> Result<(Vec<Section>, Vec<u8>), Error> {
        if self.in_page > 0 {
            self.end_page();
        }
        self.file.end_section("chunks", false);
        Ok((self.file.finish()?, self.page_crcs))
    }
}

/// A chunk in the directory of its part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    /// Samples of the part before it.
    pub(super) first: u32,
    pub(super) samples: u32,
    pub(super) offset: u64,
    pub(super) len: u32,
}

/// The chunks of a block; a page is verified when it is first touched.
#[derive(Debug)]
pub(super) struct Chunks {
    map: Map,
    path: PathBuf,
    verified: Box<[AtomicU64]>,
}

impl Chunks {
    pub(super) fn open(disk: &dyn Disk, dir: &Path, meta: &BlockMeta) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let map = disk.map(&path)?;
        let section = meta.section(dir, FILE, "chunks")?;
        if map.len() as u64 != section.length {
            let what = format!("{} bytes, expected {}", map.len(), section.length);
            return Err(Error::damaged(&path, what));
        }
        let words = map.len().div_ceil(PAGE).div_ceil(64);
        let verified = (0..words).map(|_| AtomicU64::new(0)).collect();
        Ok(Self { map, path, verified })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The number of pages.
    pub(super) fn pages(&self) -> usize {
        self.map.len().div_ceil(PAGE)
    }

    /// Bytes of which the first `len` are verified; a few more may follow. `crcs` are the checksums
    /// of all pages.
    pub(super) fn bytes(&self, offset: u64, len: u64, crcs: &[u8]) -> Result<&[u8], Error> {
        let missing = || Error::damaged(&self.path, format!("{len} bytes at {offset}: no such"));
        let start = usize::try_from(offset).map_err(|_| missing())?;
        let len = usize::try_from(len).map_err(|_| missing())?;
        let end = start.checked_add(len).filter(|end| *end <= self.map.len());
        let end = end.ok_or_else(missing)?;
        if len > 0 {
            for page in start / PAGE..=(end - 1) / PAGE {
                self.verify(page, crcs)?;
            }
        }
        Ok(&self.map[start..(end + SLACK).min(self.map.len())])
    }

    fn verify(&self, page: usize, crcs: &[u8]) -> Result<(), Error> {
        let (word, bit) = (&self.verified[page / 64], 1 << (page % 64));
        if word.load(Relaxed) & bit != 0 {
            return Ok(());
        }
        let start = page * PAGE;
        let found = crc32c::crc32c(&self.map[start..(start + PAGE).min(self.map.len())]);
        let expected = super::series::u32_at(crcs, page).map_err(Error::decode(&self.path))?;
        if found != expected {
            let what = format!("page at {start}: crc32c {found:08x}, expected {expected:08x}");
            return Err(Error::damaged(&self.path, what));
        }
        word.fetch_or(bit, Relaxed);
        Ok(())
    }
}

/// Reads the directory of a part with so many samples and appends its chunks, which start at `offset`;
/// gives the offset after them.
pub(super) fn read_directory(
    from: &mut ByteReader<'_>,
    samples: u32,
    mut offset: u64,
    chunks: &mut Vec<Chunk>,
) -> Result<(Range<usize>, u64), DecodeError> {
    let head = from.varint()?;
    let irregular = head & 1 == 1;
    let start = chunks.len();
    let mut first = 0;
    for _ in 0..head >> 1 {
        let left = samples - first;
        let full = u32::try_from(CHUNK_SAMPLES).expect("480");
        let samples = if irregular { from.u32()? } else { left.min(full) };
        if samples == 0 || samples > left {
            return Err(DecodeError::Invalid("samples of a chunk"));
        }
        let len = from.u32()?;
        chunks.push(Chunk { first, samples, offset, len });
        first += samples;
        offset = offset.checked_add(u64::from(len)).ok_or(DecodeError::Invalid("offset"))?;
    }
    if first != samples {
        return Err(DecodeError::Invalid("samples of a part"));
    }
    Ok((start..chunks.len(), offset))
}
