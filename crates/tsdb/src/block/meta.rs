//! `meta.json`: what a block holds and how to tell that it is whole.
//!
//! The last field, `crc32c`, is the checksum of the file as rendered with 0 in its place.

use super::Error;
use crate::disk::{Disk, DiskFile};
use model::TimeRange;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;
use ulid::Ulid;

/// The newest version; blocks without histograms are written as version 1, which knew none.
pub(super) const VERSION: u32 = 2;
const FLOATS_ONLY: u32 = 1;
pub(super) const FILE: &str = "meta.json";

/// What a block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockMeta {
    /// The block's name.
    pub(crate) ulid: Ulid,
    /// All samples lie in it.
    pub(crate) range: TimeRange,
    /// Counts.
    pub(crate) stats: Stats,
    /// The blocks whose samples this one has taken over, however indirectly.
    pub(crate) sources: Vec<Ulid>,
    /// Whether chunks may hold histograms.
    pub(crate) has_histograms: bool,
    /// Bytes of all files but `meta.json`.
    pub(crate) bytes: u64,
    pub(super) sections: Vec<Section>,
}

/// Counts over a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    /// Series.
    pub(crate) num_series: u64,
    /// Samples, without the markers that absence stands for.
    pub(crate) num_samples: u64,
    /// Chunks.
    pub(crate) num_chunks: u64,
    /// Groups.
    pub(crate) num_groups: u64,
}

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Section {
    pub(super) file: String,
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) length: u64,
    /// None for what is verified page by page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crc32c: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rendered {
    version: u32,
    ulid: String,
    min_ms: i64,
    max_ms: i64,
    stats: Stats,
    sources: Vec<String>,
    sections: Vec<Section>,
    crc32c: u32,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl BlockMeta {
    /// Writes the file and makes it durable.
    pub(super) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let mut rendered = Rendered {
            version: if self.has_histograms { VERSION } else { FLOATS_ONLY },
            ulid: self.ulid.to_string(),
            min_ms: self.range.min_ms,
            max_ms: self.range.max_ms,
            stats: self.stats,
            sources: self.sources.iter().map(ToString::to_string).collect(),
            sections: self.sections.clone(),
            crc32c: 0,
        };
        rendered.crc32c = crc32c::crc32c(&rendered.bytes());
        let file = disk.create(&dir.join(FILE))?;
        file.write_at(0, &rendered.bytes())?;
        Ok(file.sync()?)
    }

    /// Reads and verifies the file.
    pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let damaged = |what: String| Error::Damaged { path: path.clone(), what };
        let bytes = match disk.read(&path) {
            Err(error) if error.is_not_found() => return Err(damaged("missing".into())),
            bytes => bytes?,
        };
        let parsed = serde_json::from_slice::<Rendered>(&bytes);
        if let Ok(VersionOnly { version }) = serde_json::from_slice(&bytes)
            && version > VERSION
        {
            return Err(Error::TooNew { path, version });
        }
        let mut rendered = parsed.map_err(|error| damaged(error.to_string()))?;
        let expected = std::mem::take(&mut rendered.crc32c);
        let found = crc32c::crc32c(&rendered.bytes());
        if !(FLOATS_ONLY..=VERSION).contains(&rendered.version) || found != expected {
            return Err(damaged(format!("crc32c {found:08x}, expected {expected:08x}")));
        }
        let ulid = |text: &String| {
            Ulid::from_string(text).map_err(|_| damaged(format!("{text:?} is no ULID")))
        };
        let bytes = rendered.sections.iter().map(|section| section.length).sum();
        Ok(Self {
            ulid: ulid(&rendered.ulid)?,
            range: TimeRange { min_ms: rendered.min_ms, max_ms: rendered.max_ms },
            stats: rendered.stats,
            sources: rendered.sources.iter().map(ulid).collect::<Result<_, _>>()?,
            has_histograms: rendered.version > FLOATS_ONLY,
            bytes,
            sections: rendered.sections,
        })
    }

    /// The section of that name in a file.
    pub(super) fn section(&self, dir: &Path, file: &str, name: &str) -> Result<&Section, Error> {
        let found = self.sections.iter().find(|s| s.file == file && s.name == name);
        found.ok_or_else(|| Error::damaged(&dir.join(FILE), format!("no section {file}/{name}")))
    }
}

impl BlockMeta {
    /// Where in a mapped file a section is, after its checksum was compared.
    pub(super) fn verified(
        &self,
        dir: &Path,
        map: &[u8],
        file: &str,
        name: &str,
    ) -> Result<Range<usize>, Error> {
        let section = self.section(dir, file, name)?;
        let damaged = |what| Error::Damaged { path: dir.join(file), what };
        let start = usize::try_from(section.offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::try_from(section.length).unwrap_or(usize::MAX));
        let bytes = map.get(start..end).ok_or_else(|| {
            damaged(format!("section {name} ends at {end}, the file at {}", map.len()))
        })?;
        let (found, expected) = (crc32c::crc32c(bytes), section.crc32c.unwrap_or(0));
        if found != expected {
            let what = format!("section {name}: crc32c {found:08x}, expected {expected:08x}");
            return Err(damaged(what));
        }
        Ok(start..end)
    }
}

impl Rendered {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("plain numbers and texts");
        bytes.push(b'\n');
        bytes
    }
}

/// Writes a file from front to back, through a buffer, in sections.
#[derive(Debug)]
pub(super) struct SectionFile {
    file: Box<dyn DiskFile>,
    name: &'static str,
    buffer: Vec<u8>,
    written: u64,
    start: u64,
    crc: u32,
    sections: Vec<Section>,
}

const BUFFER: usize = 256 << 10;

impl SectionFile {
    pub(super) fn create(disk: &dyn Disk, dir: &Path, name: &'static str) -> Result<Self, Error> {
        let file = disk.create(&dir.join(name))?;
        let (buffer, sections) = (Vec::with_capacity(BUFFER), Vec::new());
        Ok(Self { file, name, buffer, written: 0, start: 0, crc: 0, sections })
    }

    /// Bytes of the current section so far.
    pub(super) fn section_len(&self) -> u64 {
        self.written + self.buffer.len() as u64 - self.start
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Ends the current section under a name; with its checksum, unless pages have their own.
    pub(super) fn end_section(&mut self, name: &str, with_crc: bool) {
        self.sections.push(Section {
            file: self.name.into(),
            name: name.into(),
            offset: self.start,
            length: self.section_len(),
            crc32c: with_crc.then_some(self.crc),
        });
        self.start += self.section_len();
        self.crc = 0;
    }

    /// Makes the file durable.
    pub(super) fn finish(mut self) -> Result<Vec<Section>, Error> {
        self.flush()?;
        self.file.sync()?;
        Ok(self.sections)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.file.write_at(self.written, &self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
