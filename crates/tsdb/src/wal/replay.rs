//! Reading the log back.

use super::record::{self, HEADER, kind};
use super::{Sealed, segment};
use crate::codec::DecodeError;
use crate::codec::bits::ByteReader;
use crate::disk::{self, Disk, DiskError};
use std::path::{Path, PathBuf};

/// Where a log ended.
#[derive(Debug, Default)]
pub(crate) struct End {
    pub(crate) sealed: Vec<Sealed>,
    /// The last segment and the end of its last good record.
    pub(crate) last: Option<(Sealed, u64)>,
}

/// What replay met.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    pub(crate) segments: usize,
    /// The last record was not whole, as a crash leaves it.
    pub(crate) torn: bool,
    /// Damage elsewhere: where, and where the copy is.
    pub(crate) damaged: Vec<(PathBuf, u64, PathBuf)>,
}

/// Takes what the log holds, in its order.
pub(crate) trait Visitor {
    /// Something is missing here: a delta row that follows without a key row builds on nothing.
    fn gap(&mut self);

    /// An entry; the time of the row if it is one. An error is damage: the entry is passed over.
    fn entry(&mut self, kind: u8, body: &[u8]) -> Result<Option<i64>, DecodeError>;

    /// The segment has ended: the newest of its rows that build on segments before it.
    fn end_segment(&mut self) -> Option<i64>;
}

/// A segment's head is shorter than this.
const TORN_HEAD: usize = 64;

struct Head {
    before: u32,
    before_end: u64,
    end: usize,
}

/// Reads all segments of a folder; damaged ones are copied to `quarantine`, and cut.
pub(crate) fn replay(
    disk: &dyn Disk,
    dir: &Path,
    quarantine: &Path,
    visitor: &mut dyn Visitor,
) -> Result<(End, Replayed), DiskError> {
    let mut numbers: Vec<u32> =
        disk.list(dir)?.iter().filter_map(|entry| entry.name.parse().ok()).collect();
    numbers.sort_unstable();
    let mut numbers = numbers.into_iter().peekable();
    let (mut end, mut report) = (End::default(), Replayed::default());
    let mut next = match numbers.next() {
        Some(number) => Some((number, disk.read(&segment::path(dir, number))?)),
        None => None,
    };
    let mut intact: Option<u32> = None;
    while let Some((number, bytes)) = next.take() {
        if let Some(following) = numbers.next() {
            next = Some((following, disk.read(&segment::path(dir, following))?));
        }
        let path = segment::path(dir, number);
        let Some(head) = read_head(&bytes, number) else {
            if next.is_none() && bytes.iter().skip(TORN_HEAD).all(|byte| *byte == 0) {
                // A crash came between making the file and writing all of its head.
                disk.remove_file(&path)?;
                continue;
            }
            quarantine_copy(disk, quarantine, number, &bytes, &path, 0, &mut report)?;
            disk.remove_file(&path)?;
            intact = None;
            continue;
        };
        if intact != Some(head.before) {
            visitor.gap();
        }
        report.segments += 1;
        let following = next.as_ref().and_then(|(n, bytes)| read_head(bytes, *n));
        let limit = following.filter(|head| head.before == number).map(|head| head.before_end);
        let (good, max_ms) = read_segment(&bytes, number, &head, limit, visitor);
        let is_whole = match limit {
            Some(limit) => good as u64 >= limit,
            None => is_end(&bytes, good),
        };
        intact = is_whole.then_some(number);
        if !is_whole {
            // The last record of the last segment may be half written; anything else is damage.
            if next.is_none() && !is_followed(&bytes, good, number) {
                report.torn = true;
            } else if bytes.len() > good {
                quarantine_copy(disk, quarantine, number, &bytes, &path, good as u64, &mut report)?;
                disk.open(&path)?.set_len(good as u64)?;
            }
        }
        let leaning_ms = visitor.end_segment();
        let sealed = Sealed { number, bytes: bytes.len() as u64, max_ms };
        if let Some((mut before, _)) = end.last.replace((sealed, good as u64)) {
            before.max_ms = before.max_ms.max(leaning_ms.unwrap_or(i64::MIN));
            end.sealed.push(before);
        }
    }
    Ok((end, report))
}

fn read_head(bytes: &[u8], number: u32) -> Option<Head> {
    let record = record::read(bytes, 0, number)?;
    let mut from = ByteReader::new(&record.payload);
    if record.kind != kind::SEGMENT || from.u8().ok()? != segment::VERSION {
        return None;
    }
    Some(Head { before: from.u32().ok()?, before_end: from.varint().ok()?, end: record.end })
}

/// Where the last good record ends, and the newest row.
fn read_segment(
    bytes: &[u8],
    number: u32,
    head: &Head,
    limit: Option<u64>,
    visitor: &mut dyn Visitor,
) -> (usize, i64) {
    let (mut end, mut max_ms) = (head.end, i64::MIN);
    while limit.is_none_or(|limit| (end as u64) < limit) {
        let Some(record) = record::read(bytes, end, number) else { break };
        if record.kind == kind::BATCH {
            let mut batch = ByteReader::new(&record.payload);
            while !batch.rest().is_empty() {
                let entry = record::next_entry(&mut batch);
                let Ok((kind, body)) = entry else {
                    visitor.gap();
                    break;
                };
                match visitor.entry(kind, body) {
                    Ok(t_ms) => max_ms = max_ms.max(t_ms.unwrap_or(i64::MIN)),
                    Err(_) => visitor.gap(),
                }
            }
        }
        end = record.end;
    }
    (end, max_ms)
}

/// Whether nothing was written after the last good record.
fn is_end(bytes: &[u8], end: usize) -> bool {
    bytes[end..].iter().take(HEADER).all(|byte| *byte == 0)
}

/// Whether a good record follows a bad one.
fn is_followed(bytes: &[u8], bad: usize, number: u32) -> bool {
    (bad + 1..bytes.len().saturating_sub(HEADER)).any(|at| {
        matches!(bytes[at + 8], kind::SEGMENT | kind::BATCH)
            && bytes[at + 9] <= 1
            && record::read(bytes, at, number).is_some()
    })
}

fn quarantine_copy(
    disk: &dyn Disk,
    quarantine: &Path,
    number: u32,
    bytes: &[u8],
    path: &Path,
    offset: u64,
    report: &mut Replayed,
) -> Result<(), DiskError> {
    let copy = disk::free_name(disk, quarantine, &format!("wal-{number:08}"))?;
    let file = disk.create(&copy)?;
    file.write_at(0, bytes)?;
    file.sync()?;
    disk.sync_dir(quarantine)?;
    report.damaged.push((path.into(), offset, copy));
    Ok(())
}
