//! The frame of a record: length, checksum, type, codec; and what a batch is made of.

use crate::codec::DecodeError;
use crate::codec::bits::{ByteReader, put_signed, put_varint};
use model::Labels;
use storage::{Absence, Exemplar, Source};

/// Bytes before a payload: length of the payload u32 LE · crc32c u32 LE · type u8 · codec u8.
pub(crate) const HEADER: usize = 10;
/// A payload longer than this is damage, packed or not.
pub(crate) const MAX_PAYLOAD: usize = 64 << 20;
/// Shorter payloads are not worth packing.
const PACK_FROM: usize = 1 << 10;

const RAW: u8 = 0;
const ZSTD: u8 = 1;

/// Types of records. A reader passes over types it does not know.
pub(crate) mod kind {
    /// Opens a segment: format version u8 · varint offset at which the segment before ended.
    pub(crate) const SEGMENT: u8 = 1;
    /// Entries, in the order in which they happened.
    pub(crate) const BATCH: u8 = 2;
    /// Label sets with their numbers; only in the series log.
    pub(crate) const SERIES: u8 = 3;
}

/// Types of entries. A reader passes over types it does not know.
pub(crate) mod entry {
    /// What a group is: see [`super::put_group`].
    pub(crate) const GROUP: u8 = 1;
    /// Which series a group's columns are: see [`super::put_columns`].
    pub(crate) const COLUMNS: u8 = 2;
    /// Group varint, then a row as difference to the group's row before, then for each of its
    /// histograms the column varint and the histogram.
    pub(crate) const DELTA_ROW: u8 = 3;
    /// The same, with the row and its histograms as differences to nothing.
    pub(crate) const KEY_ROW: u8 = 4;
    /// Group varint, then numbers of columns that are gone, ascending, as runs; the rest moves up.
    pub(crate) const DROP: u8 = 5;
    /// An exemplar: see [`super::put_exemplar`].
    pub(crate) const EXEMPLAR: u8 = 6;
}

/// Appends one record. `seed` is the segment's number: what an earlier use of the file left behind
/// never has the right checksum.
pub(crate) fn put(out: &mut Vec<u8>, seed: u32, kind: u8, payload: &[u8]) {
    let packed = (payload.len() >= PACK_FROM).then(|| zstd::bulk::compress(payload, 1));
    let packed = packed.and_then(Result::ok).filter(|packed| packed.len() < payload.len());
    let (codec, payload) = packed.as_deref().map_or((RAW, payload), |packed| (ZSTD, packed));
    let len = u32::try_from(payload.len()).expect("batches are split below 64 MiB");
    let typed = [kind, codec];
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&checksum(seed, len, typed, payload).to_le_bytes());
    out.extend_from_slice(&typed);
    out.extend_from_slice(payload);
}

/// The checksum covers length, type, codec and payload.
fn checksum(seed: u32, len: u32, typed: [u8; 2], payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(seed, &len.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &typed), payload)
}

/// One whole record.
pub(crate) struct Record {
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
    /// Where the next record begins.
    pub(crate) end: usize,
}

/// The record at an offset; `None` when there is none that is whole.
pub(crate) fn read(bytes: &[u8], offset: usize, seed: u32) -> Option<Record> {
    let header: &[u8; HEADER] = bytes.get(offset..)?.first_chunk()?;
    let len = u32::from_le_bytes(*header.first_chunk()?);
    let found = u32::from_le_bytes(*header[4..].first_chunk()?);
    let typed = [header[8], header[9]];
    let size = usize::try_from(len).ok().filter(|size| *size <= MAX_PAYLOAD)?;
    let payload = bytes.get(offset + HEADER..)?.get(..size)?;
    if checksum(seed, len, typed, payload) != found || typed[0] == 0 {
        return None;
    }
    let payload = match typed[1] {
        RAW => payload.to_vec(),
        ZSTD => zstd::bulk::decompress(payload, unpacked_len(payload)?).ok()?,
        _ => return None,
    };
    Some(Record { kind: typed[0], payload, end: offset + HEADER + size })
}

/// Whether the bytes end before the record at an offset does, by the length it gives itself.
pub(crate) fn is_short(bytes: &[u8], offset: usize) -> bool {
    let left = bytes.get(offset..).unwrap_or_default();
    let Some((len, _)) = left.split_first_chunk() else { return true };
    left.len().saturating_sub(HEADER) < u32::from_le_bytes(*len) as usize
}

fn unpacked_len(packed: &[u8]) -> Option<usize> {
    let len = zstd::zstd_safe::get_frame_content_size(packed).ok()??;
    usize::try_from(len).ok().filter(|len| *len <= MAX_PAYLOAD)
}

/// Appends an entry to a batch: type u8 · length varint · body.
pub(crate) fn put_entry(batch: &mut Vec<u8>, kind: u8, body: &[&[u8]]) {
    batch.push(kind);
    put_varint(batch, body.iter().map(|part| part.len() as u64).sum());
    for part in body {
        batch.extend_from_slice(part);
    }
}

/// The next entry of a batch.
pub(crate) fn next_entry<'a>(batch: &mut ByteReader<'a>) -> Result<(u8, &'a [u8]), DecodeError> {
    let kind = batch.u8()?;
    let len = batch.index()?;
    Ok((kind, batch.take(len)?))
}

/// What the log says about a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupEntry {
    pub(crate) group: u32,
    pub(crate) source: Source,
    pub(crate) absence: Absence,
    pub(crate) key: String,
    pub(crate) common: Labels,
}

/// Body of a group entry: group varint · source u8 · absence u8 · key · labels.
pub(crate) fn put_group(out: &mut Vec<u8>, group: &GroupEntry) {
    put_varint(out, u64::from(group.group));
    out.push(match group.source {
        Source::Scrape => 0,
        Source::Rules => 1,
        Source::Other => 2,
    });
    out.push(match group.absence {
        Absence::EndsSeries => 0,
        Absence::MeansNothing => 1,
    });
    put_text(out, &group.key);
    put_labels(out, &group.common);
}

/// Reads what [`put_group`] wrote.
pub(crate) fn read_group(body: &[u8]) -> Result<GroupEntry, DecodeError> {
    let mut from = ByteReader::new(body);
    let group = from.u32()?;
    let source = match from.u8()? {
        0 => Source::Scrape,
        1 => Source::Rules,
        2 => Source::Other,
        _ => return Err(DecodeError::Invalid("source")),
    };
    let absence = match from.u8()? {
        0 => Absence::EndsSeries,
        1 => Absence::MeansNothing,
        _ => return Err(DecodeError::Invalid("absence")),
    };
    let key = read_text(&mut from)?.to_owned();
    Ok(GroupEntry { group, source, absence, key, common: read_labels(&mut from)? })
}

/// Body of a columns entry: group varint · first column varint · series ids as runs. The group's
/// columns from the first one on are these; from column 0 on they replace all, and a key row follows.
pub(crate) fn put_columns(out: &mut Vec<u8>, group: u32, from: usize, ids: &[u32]) {
    put_varint(out, u64::from(group));
    put_varint(out, from as u64);
    put_runs(out, ids);
}

/// Reads what [`put_columns`] wrote.
pub(crate) fn read_columns(body: &[u8]) -> Result<(u32, usize, Vec<u32>), DecodeError> {
    let mut from = ByteReader::new(body);
    Ok((from.u32()?, from.index()?, read_runs(&mut from)?))
}

/// Body of an exemplar entry: series varint · time, signed varint · value, 8 bytes little endian ·
/// labels.
pub(crate) fn put_exemplar(out: &mut Vec<u8>, series: u32, exemplar: &Exemplar) {
    put_varint(out, u64::from(series));
    put_signed(out, exemplar.t_ms);
    out.extend_from_slice(&exemplar.value.to_bits().to_le_bytes());
    put_labels(out, &exemplar.labels);
}

/// Reads what [`put_exemplar`] wrote.
pub(crate) fn read_exemplar(body: &[u8]) -> Result<(u32, Exemplar), DecodeError> {
    let mut from = ByteReader::new(body);
    let (series, t_ms) = (from.u32()?, from.signed()?);
    let value = f64::from_bits(u64::from_le_bytes(from.array()?));
    Ok((series, Exemplar { labels: read_labels(&mut from)?, value, t_ms }))
}

/// Most columns a group can have.
pub(crate) const MAX_COLUMNS: usize = 1 << 22;

/// Appends numbers as runs of successive ones: how many runs varint, for each the distance from the
/// end of the run before, signed, and the length, varints.
pub(crate) fn put_runs(out: &mut Vec<u8>, ids: &[u32]) {
    let runs = || ids.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    put_varint(out, runs().count() as u64);
    let mut end = 0;
    for run in runs() {
        put_signed(out, i64::from(run[0]) - end);
        put_varint(out, run.len() as u64);
        end = i64::from(run[0]) + i64::try_from(run.len()).expect("a length in memory");
    }
}

/// Reads what [`put_runs`] wrote, at most [`MAX_COLUMNS`] numbers.
pub(crate) fn read_runs(from: &mut ByteReader<'_>) -> Result<Vec<u32>, DecodeError> {
    const INVALID: DecodeError = DecodeError::Invalid("series number");
    let mut ids = Vec::new();
    let mut end = 0i64;
    for _ in 0..from.index()? {
        let start = end.checked_add(from.signed()?).ok_or(INVALID)?;
        let len = from.u32()?;
        end = start.checked_add(i64::from(len)).ok_or(INVALID)?;
        let first = u32::try_from(start).map_err(|_| INVALID)?;
        let last = u32::try_from(end).map_err(|_| INVALID)?;
        if ids.len() + len as usize > MAX_COLUMNS {
            return Err(DecodeError::Invalid("number of columns"));
        }
        ids.extend(first..last);
    }
    Ok(ids)
}

/// Appends labels: count varint, then names and values as texts.
pub(crate) fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    put_varint(out, labels.len() as u64);
    for (name, value) in labels {
        put_text(out, name);
        put_text(out, value);
    }
}

/// Reads what [`put_labels`] wrote.
pub(crate) fn read_labels(from: &mut ByteReader<'_>) -> Result<Labels, DecodeError> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    read_label_texts(from, |name, value| {
        pairs.push((name, value));
        Ok(())
    })?;
    Ok(Labels::from_sorted(pairs))
}

/// The same, label by label.
pub(crate) fn read_label_texts<'a>(
    from: &mut ByteReader<'a>,
    mut each: impl FnMut(&'a str, &'a str) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut last: Option<&str> = None;
    for _ in 0..from.index()? {
        let (name, value) = (read_text(from)?, read_text(from)?);
        if value.is_empty() || last.is_some_and(|last| last >= name) {
            return Err(DecodeError::Invalid("order of labels"));
        }
        last = Some(name);
        each(name, value)?;
    }
    Ok(())
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn read_text<'a>(from: &mut ByteReader<'a>) -> Result<&'a str, DecodeError> {
    let len = from.index()?;
    std::str::from_utf8(from.take(len)?).map_err(|_| DecodeError::Invalid("text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_whole_or_not_at_all() {
        for payload in [vec![], b"abc".to_vec(), vec![7; 5000]] {
            let mut bytes = Vec::new();
            put(&mut bytes, 9, kind::BATCH, &payload);
            let record = read(&bytes, 0, 9).unwrap();
            assert_eq!((record.kind, record.end), (kind::BATCH, bytes.len()));
            assert_eq!(record.payload, payload);
            assert!(read(&bytes, 0, 8).is_none(), "another segment's record");
            for cut in 0..bytes.len() {
                assert!(read(&bytes[..cut], 0, 9).is_none(), "cut at {cut}");
            }
            for i in 0..bytes.len() {
                bytes[i] ^= 0x10;
                assert!(read(&bytes, 0, 9).is_none(), "flipped byte {i}");
                bytes[i] ^= 0x10;
            }
        }
        assert!(read(&[0; 100], 0, 0).is_none(), "zeros are no record");
    }

    #[test]
    fn bodies_round_trip() {
        let group = GroupEntry {
            group: 7,
            source: Source::Rules,
            absence: Absence::MeansNothing,
            key: "k".into(),
            common: Labels::from_pairs([("a", "1"), ("job", "é")]),
        };
        let mut body = Vec::new();
        put_group(&mut body, &group);
        assert_eq!(read_group(&body), Ok(group));
        for ids in [&[][..], &[5], &[5, 6, 7, 2, 3, 900, u32::MAX - 1]] {
            let mut body = Vec::new();
            put_columns(&mut body, 3, 11, ids);
            assert_eq!(read_columns(&body), Ok((3, 11, ids.to_vec())));
        }
        let exemplar =
            Exemplar { labels: Labels::from_pairs([("trace_id", "é")]), value: -0.5, t_ms: -7 };
        let mut body = Vec::new();
        put_exemplar(&mut body, 70_000, &exemplar);
        assert_eq!(read_exemplar(&body), Ok((70_000, exemplar)));
        assert!((0..body.len()).all(|cut| read_exemplar(&body[..cut]).is_err()));
    }
}
