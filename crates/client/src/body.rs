//! Reading a body piece by piece: by length, by chunks or to the end; unpacked on the way.

use crate::FetchError;
use crate::connect::Link;
use crate::gzip::Gzip;
use crate::head::{Head, Length};
use crate::http1::{Connection, read_some};
use crate::http2::Incoming;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes asked of a socket at a time.
const READ: usize = 64 << 10;
/// Bytes to read at a stretch when more is there already; then others have their turn.
const TURN: usize = 256 << 10;
/// How much longer unpacking takes than reading.
const UNPACKING: usize = 4;
/// Bytes of a line between chunks, and of all trailers.
const MAX_LINE: usize = 4 << 10;
/// Bytes of an answer's body that are read only to keep the connection.
const MAX_SKIP: u64 = 64 << 10;
/// A buffer that grew larger is given back to the allocator after use.
const MAX_KEPT: usize = 1 << 20;

/// Rooms kept for the next bodies.
const MAX_ROOMS: usize = 8;

/// Bytes as they came.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    bytes: Vec<u8>,
    /// Bytes that were used up.
    start: usize,
}

/// Rooms for bytes as they come: about as many as bodies being read at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rooms(Arc<Mutex<Vec<Wire>>>);

/// A room in use; goes back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) wire: Wire,
    rooms: Rooms,
}

impl Rooms {
    fn free(&self) -> MutexGuard<'_, Vec<Wire>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Room {
        let wire = self.free().pop().unwrap_or_default();
        Room { wire, rooms: self.clone() }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut wire = std::mem::take(&mut self.wire);
        if wire.bytes.capacity() > MAX_KEPT {
            return;
        }
        wire.clear();
        let mut free = self.rooms.free();
        if free.len() < MAX_ROOMS {
            free.push(wire);
        }
    }
}

impl Wire {
    fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
    }

    /// Bytes that came and were not used yet.
    fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn consume(&mut self, len: usize) {
        self.start += len;
        debug_assert!(self.start <= self.bytes.len(), "consumed more than came");
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    fn compact(&mut self) {
        self.bytes.drain(..self.start);
        self.start = 0;
    }
}

/// Where bytes come from.
pub(crate) enum Source {
    Http1(Connection),
    Http2(Incoming),
}

/// A body being read.
pub(crate) struct Body {
    source: Source,
    framing: Framing,
    gzip: Option<Gzip>,
    keep_alive: bool,
    /// Bytes unpacked that are refused, and more.
    limit: u64,
    /// Bytes unpacked so far.
    unpacked: u64,
    /// Bytes that came, chunk lines included.
    came: u64,
    /// More came than the body.
    has_excess: bool,
    /// What was done since others had their turn.
    since_turn: usize,
}

impl Body {
    pub(crate) fn new(head: &Head, source: Source) -> Self {
        let framing = match (&source, head.length) {
            (Source::Http2(_), _) | (_, Length::UntilClose) => Framing::UntilEnd { ended: false },
            (_, Length::Known(length)) => Framing::Known(length),
            (_, Length::Chunked) => Framing::Chunked(Chunks::Size),
        };
        Self {
            source,
            framing,
            gzip: head.gzip.then(Gzip::new),
            keep_alive: head.keep_alive,
            limit: u64::MAX,
            unpacked: 0,
            came: 0,
            has_excess: false,
            since_turn: 0,
        }
    }

    /// Takes what came of the body with its head: before all else.
    pub(crate) fn begin(&mut self, begun: &[u8], wire: &mut Wire) {
        wire.clear();
        wire.bytes.extend_from_slice(begun);
        self.came = begun.len() as u64;
    }

    /// Refuses so many bytes and more; at once when it is known that they will come.
    pub(crate) fn set_limit(&mut self, head: &Head, limit: u64) -> Result<(), FetchError> {
        self.limit = limit;
        match head.length {
            Length::Known(length) if length >= limit => Err(FetchError::BodyLimit(limit)),
            _ => Ok(()),
        }
    }

    /// Appends the next piece, of about `room` bytes at most; false at the end of the body.
    pub(crate) async fn read(
        &mut self,
        wire: &mut Wire,
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<bool, FetchError> {
        let start = out.len();
        loop {
            let is_more = self.unpack(wire, out, room)?;
            if out.len() == start && !is_more {
                if self.is_complete()? {
                    return Ok(false);
                }
                self.receive(wire, out, room).await?;
            }
            if self.since_turn >= TURN {
                // A flood is always ready to be read.
                self.since_turn = 0;
                tokio::task::yield_now().await;
            }
            if out.len() > start {
                return Ok(true);
            }
        }
    }

    /// Unpacks of what came, about `room` bytes at most; true when there may be more to unpack.
    fn unpack(
        &mut self,
        wire: &mut Wire,
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<bool, FetchError> {
        let mut cost = 0;
        while cost < room {
            let (lines, piece) = self.framing.next(wire.rest())?;
            wire.consume(lines);
            // Chunks of a few bytes are mostly lines.
            cost += lines;
            let piece = &wire.rest()[..piece];
            let before = out.len();
            let (used, step) = match &mut self.gzip {
                None if piece.is_empty() => return Ok(false),
                None => {
                    let piece = &piece[..piece.len().min(room)];
                    out.extend_from_slice(piece);
                    (piece.len(), piece.len())
                }
                Some(gzip) if piece.is_empty() && !gzip.has_more() => return Ok(false),
                Some(gzip) => {
                    let pushed = gzip.push(piece, out, room.saturating_sub(cost).max(1))?;
                    self.since_turn += pushed.cost * UNPACKING;
                    if gzip.has_too_many_members(self.limit) {
                        return Err(FetchError::BodyLimit(self.limit));
                    }
                    (pushed.used, pushed.cost.max(1))
                }
            };
            cost += step;
            wire.consume(used);
            self.framing.used(used);
            self.count(out.len() - before)?;
        }
        Ok(true)
    }

    fn count(&mut self, len: usize) -> Result<(), FetchError> {
        self.unpacked += len as u64;
        if self.unpacked >= self.limit { Err(FetchError::BodyLimit(self.limit)) } else { Ok(()) }
    }

    /// Whether nothing is missing; an error when nothing more comes, but something is.
    fn is_complete(&self) -> Result<bool, FetchError> {
        if !self.framing.is_complete() {
            return Ok(false);
        }
        match &self.gzip {
            Some(gzip) if !gzip.is_whole() => Err(FetchError::Truncated),
            _ => Ok(true),
        }
    }

    /// Waits until something comes, or the end. Plain bytes of known number go straight out.
    ///
    /// Cancel safe.
    async fn receive(
        &mut self,
        wire: &mut Wire,
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<(), FetchError> {
        match &mut self.source {
            Source::Http2(incoming) => match incoming.next().await? {
                None => self.framing.end()?,
                Some(bytes) if self.gzip.is_none() => {
                    self.since_turn += bytes.len();
                    out.extend_from_slice(&bytes);
                    self.count(bytes.len())?;
                }
                Some(bytes) => {
                    wire.compact();
                    wire.bytes.extend_from_slice(&bytes);
                    self.note(bytes.len())?;
                }
            },
            Source::Http1(connection) => {
                if let (Framing::Known(missing), None, true) =
                    (&mut self.framing, &self.gzip, wire.rest().is_empty())
                {
                    let room = room.min(usize::try_from(*missing).unwrap_or(usize::MAX));
                    let read = read_some(&mut connection.stream, out, room).await?;
                    if read == 0 {
                        return Err(FetchError::Truncated);
                    }
                    self.since_turn += read;
                    let excess = (read as u64).saturating_sub(*missing);
                    *missing -= read as u64 - excess;
                    self.has_excess |= excess > 0;
                    let excess = usize::try_from(excess).expect("of what was read");
                    out.truncate(out.len() - excess);
                    return self.count(read - excess);
                }
                wire.compact();
                match read_some(&mut connection.stream, &mut wire.bytes, READ).await? {
                    0 => self.framing.end()?,
                    read => {
                        self.since_turn += read;
                        self.note(read)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What is packed to nothing, and chunks of a few bytes, are endless in little room.
    fn note(&mut self, len: usize) -> Result<(), FetchError> {
        self.came += len as u64;
        let share = if self.gzip.is_some() { self.came } else { self.came / 2 };
        let counts = self.gzip.is_some() || matches!(self.framing, Framing::Chunked(_));
        if counts && share >= self.limit {
            return Err(FetchError::BodyLimit(self.limit));
        }
        Ok(())
    }

    /// Reads and drops a small body; false when it is not worth it or fails.
    pub(crate) async fn skip(&mut self, head: &Head, wire: &mut Wire) -> bool {
        if !self.keep_alive || self.set_limit(head, MAX_SKIP).is_err() {
            return false;
        }
        self.gzip = None;
        let mut dropped = Vec::new();
        loop {
            dropped.clear();
            match self.read(wire, &mut dropped, READ).await {
                Ok(true) => {}
                Ok(false) => return true,
                Err(_) => return false,
            }
        }
    }

    /// The connection for the next request, when this one has left it in order.
    pub(crate) fn into_link(self, wire: &Wire) -> Option<Link> {
        let in_order = self.keep_alive
            && self.framing.is_complete()
            && !self.has_excess
            && wire.rest().is_empty()
            && !matches!(self.framing, Framing::UntilEnd { .. });
        match self.source {
            Source::Http1(connection) if in_order => Some(Link::Http1(connection)),
            _ => None,
        }
    }
}

/// Where a body stands within what comes.
enum Framing {
    /// So many bytes are missing.
    Known(u64),
    Chunked(Chunks),
    /// Until nothing more comes.
    UntilEnd {
        ended: bool,
    },
}

/// Where a chunked body stands.
enum Chunks {
    /// Before a line with a size.
    Size,
    /// So many bytes of a chunk are missing.
    Data(u64),
    /// Before the line end after a chunk.
    DataEnd,
    /// Among the trailers; so many bytes of them came.
    Trailer(usize),
    /// All came.
    Done,
}

impl Framing {
    /// How many bytes are not of the body, and how many of it follow them.
    fn next(&mut self, came: &[u8]) -> Result<(usize, usize), FetchError> {
        let at_most = |len: usize, missing: u64| len.min(usize::try_from(missing).unwrap_or(len));
        match self {
            Self::Known(missing) => Ok((0, at_most(came.len(), *missing))),
            Self::UntilEnd { .. } => Ok((0, came.len())),
            Self::Chunked(chunks) => {
                let lines = chunks.step(came)?;
                Ok(match chunks {
                    Chunks::Data(missing) => (lines, at_most(came.len() - lines, *missing)),
                    _ => (lines, 0),
                })
            }
        }
    }

    fn used(&mut self, len: usize) {
        if let Self::Known(missing) | Self::Chunked(Chunks::Data(missing)) = self {
            *missing -= len as u64;
        }
    }

    /// Nothing more comes.
    fn end(&mut self) -> Result<(), FetchError> {
        match self {
            Self::UntilEnd { ended } => {
                *ended = true;
                Ok(())
            }
            _ => Err(FetchError::Truncated),
        }
    }

    fn is_complete(&self) -> bool {
        matches!(
            self,
            Self::Known(0) | Self::Chunked(Chunks::Done) | Self::UntilEnd { ended: true }
        )
    }
}

impl Chunks {
    /// Goes on to the next data, or as far as the lines are whole; the bytes of those lines.
    fn step(&mut self, came: &[u8]) -> Result<usize, FetchError> {
        let malformed = |what: &str| FetchError::Malformed(format!("chunked body: {what}"));
        let mut at = 0;
        loop {
            match self {
                Self::Data(0) => *self = Self::DataEnd,
                Self::Data(_) | Self::Done => return Ok(at),
                _ => {}
            }
            let rest = &came[at..];
            let Some(end) = rest.iter().take(MAX_LINE).position(|b| *b == b'\n') else {
                if rest.len() >= MAX_LINE {
                    return Err(malformed("line too long"));
                }
                return Ok(at);
            };
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            *self = match self {
                Self::Size => match chunk_size(line).ok_or_else(|| malformed("bad size"))? {
                    0 => Self::Trailer(0),
                    size => Self::Data(size),
                },
                Self::DataEnd if line.is_empty() => Self::Size,
                Self::DataEnd => return Err(malformed("chunk longer than its size")),
                Self::Trailer(_) if line.is_empty() => Self::Done,
                Self::Trailer(seen) if *seen + end < MAX_LINE => Self::Trailer(*seen + end + 1),
                Self::Trailer(_) => return Err(malformed("trailers too long")),
                Self::Data(_) | Self::Done => unreachable!("handled above"),
            };
            at += end + 1;
        }
    }
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|b| *b == b';').next()?.trim_ascii();
    let text = std::str::from_utf8(digits).ok()?;
    if text.len() > 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}
