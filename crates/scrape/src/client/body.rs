//! Reading a body: by length, by chunks or to the end; unpacked on the way.

use super::connection::{Connection, Head, Length, Stream, read_some};
use super::error::FetchError;
use crate::desk::{Lease, Share};
use flate2::{Decompress, FlushDecompress, Status};
use std::io;

/// Bytes asked of a socket at a time.
const READ: usize = 64 << 10;
/// Bytes to read at a stretch when more is there already; then others have their turn.
const TURN: usize = 256 << 10;
/// Bytes reserved for a body before any of it came, whatever its announced length.
const MAX_TRUST: u64 = 1 << 20;
/// Bytes of a line between chunks, and of all trailers.
const MAX_LINE: usize = 4 << 10;
/// Bytes of an answer's body that are read only to keep the connection.
const MAX_SKIP: u64 = 64 << 10;
/// Bytes to unpack at a stretch; more is long work.
const STRETCH: usize = 1 << 20;
/// What the begin of a packed member costs, in bytes unpacked.
const MEMBER_COST: usize = 16 << 10;
/// A buffer that grew larger is given back to the allocator after use.
const MAX_KEPT: usize = 8 << 20;

/// Room for one answer, shared by all loops and used by one at a time.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    wire: Vec<u8>,
    /// Bytes of `wire` that were used up.
    start: usize,
    body: Vec<u8>,
    /// Bytes read since others had their turn.
    since_turn: usize,
}

impl Buffers {
    /// The unpacked body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Makes ready for the next use.
    pub(crate) fn recycle(&mut self) {
        self.clear();
        if self.body.capacity() > MAX_KEPT {
            self.body = Vec::new();
        }
    }

    fn clear(&mut self) {
        self.wire.clear();
        self.start = 0;
        self.body.clear();
    }

    /// Bytes that came and were not used yet.
    fn wire(&self) -> &[u8] {
        &self.wire[self.start..]
    }

    fn consume(&mut self, len: usize) {
        self.start += len;
        debug_assert!(self.start <= self.wire.len(), "consumed more than came");
    }

    /// Reads once; 0 is the end.
    async fn fill(&mut self, stream: &mut Box<dyn Stream>) -> io::Result<usize> {
        if self.start > 0 {
            self.wire.drain(..self.start);
            self.start = 0;
        }
        let read = read_some(stream, &mut self.wire, READ).await?;
        take_turn(&mut self.since_turn, read).await;
        Ok(read)
    }
}

/// Lets others go on when a body has had its turn: a flood is always ready to be read.
async fn take_turn(since: &mut usize, read: usize) {
    *since += read;
    if *since >= TURN {
        *since = 0;
        tokio::task::yield_now().await;
    }
}

/// Reads the body of an answer into the buffers, unpacked; `begun` is what came with the head.
/// Refuses `limit` bytes and more.
pub(super) async fn read(
    connection: &mut Connection,
    head: &Head,
    begun: &[u8],
    limit: u64,
    lease: &mut Lease,
) -> Result<(), FetchError> {
    let (buffers, share) = lease.parts();
    buffers.clear();
    buffers.wire.extend_from_slice(begun);
    if let (Length::Known(length), false) = (head.length, head.gzip) {
        return read_known(connection, length, limit, buffers, share).await;
    }
    let mut unpacker = Unpacker::new(head.gzip, limit, share);
    let mut ended = false;
    match head.length {
        Length::Known(length) => {
            let mut missing = length;
            while missing > 0 {
                let wire = &buffers.wire[buffers.start..];
                let piece = wire.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
                unpacker.push(&wire[..piece], &mut buffers.body).await?;
                buffers.consume(piece);
                missing -= piece as u64;
                if missing > 0 && fill(connection, buffers).await? == 0 {
                    return Err(FetchError::Truncated);
                }
            }
        }
        Length::Chunked => {
            let mut chunks = Chunks::default();
            let mut wire = 0;
            while !chunks.step(buffers, &mut unpacker).await? {
                let read = fill(connection, buffers).await?;
                if read == 0 {
                    return Err(FetchError::Truncated);
                }
                // Chunks of a few bytes are mostly their sizes.
                wire += read as u64;
                if wire / 2 >= limit {
                    return Err(FetchError::BodyLimit(limit));
                }
            }
        }
        Length::UntilClose => loop {
            let wire = &buffers.wire[buffers.start..];
            unpacker.push(wire, &mut buffers.body).await?;
            buffers.start = buffers.wire.len();
            if fill(connection, buffers).await? == 0 {
                ended = true;
                break;
            }
        },
    }
    unpacker.finish()?;
    if buffers.wire().is_empty() && !ended {
        connection.set_drained();
    }
    Ok(())
}

/// A plain body of known length goes straight to where it is parsed.
async fn read_known(
    connection: &mut Connection,
    length: u64,
    limit: u64,
    buffers: &mut Buffers,
    share: &mut Share,
) -> Result<(), FetchError> {
    if length >= limit {
        return Err(FetchError::BodyLimit(limit));
    }
    let length = usize::try_from(length).map_err(|_| FetchError::BodyLimit(limit))?;
    let Buffers { wire, start, body, since_turn } = buffers;
    body.extend_from_slice(&wire[*start..]);
    *start = wire.len();
    while body.len() < length {
        let missing = length - body.len();
        let room = missing.min(usize::try_from(MAX_TRUST).expect("fits"));
        let read = read_some(&mut connection.stream, body, room).await.map_err(FetchError::Io)?;
        if read == 0 {
            return Err(FetchError::Truncated);
        }
        take_turn(since_turn, read).await;
        if !share.hold(body.len(), limit) {
            return Err(FetchError::NoRoom(body.len()));
        }
    }
    if body.len() == length {
        connection.set_drained();
    }
    body.truncate(length);
    Ok(())
}

/// Reads and drops a small body; false when it is not worth it or fails.
pub(super) async fn skip(
    connection: &mut Connection,
    head: &Head,
    begun: &[u8],
    lease: &mut Lease,
) -> bool {
    if !head.keep_alive {
        return false;
    }
    let plain = Head { length: head.length, gzip: false, ..Head::default() };
    let skipped = read(connection, &plain, begun, MAX_SKIP, lease).await.is_ok();
    lease.buffers.clear();
    skipped
}

async fn fill(connection: &mut Connection, buffers: &mut Buffers) -> Result<usize, FetchError> {
    buffers.fill(&mut connection.stream).await.map_err(FetchError::Io)
}

/// Takes the pieces of a body, unpacks them if need be, and holds the limits.
struct Unpacker<'a> {
    limit: u64,
    share: &'a mut Share,
    gzip: Option<Gzip>,
}

struct Gzip {
    inflate: Decompress,
    ended: bool,
    /// Bytes that came, packed.
    wire: u64,
    /// What was done so far, in bytes unpacked.
    done: usize,
}

impl<'a> Unpacker<'a> {
    fn new(gzip: bool, limit: u64, share: &'a mut Share) -> Self {
        Self { limit, share, gzip: gzip.then(Gzip::new) }
    }

    async fn push(&mut self, piece: &[u8], body: &mut Vec<u8>) -> Result<(), FetchError> {
        let Some(gzip) = &mut self.gzip else {
            if body.len() as u64 + piece.len() as u64 >= self.limit {
                return Err(FetchError::BodyLimit(self.limit));
            }
            body.extend_from_slice(piece);
            return self.hold(body.len());
        };
        gzip.wire += piece.len() as u64;
        // Members without content are endless in little room.
        if gzip.wire >= self.limit {
            return Err(FetchError::BodyLimit(self.limit));
        }
        let mut piece = piece;
        loop {
            let gzip = self.gzip.as_mut().expect("seen above");
            let limit = self.limit;
            let rest = if gzip.done < STRETCH {
                gzip.push(piece, body, limit)?
            } else {
                self.share.desk().long_work(|| gzip.push(piece, body, limit)).await?
            };
            self.hold(body.len())?;
            match rest {
                Some(rest) => piece = rest,
                None => return Ok(()),
            }
        }
    }

    fn hold(&mut self, len: usize) -> Result<(), FetchError> {
        let held = self.share.hold(len, self.limit);
        if held { Ok(()) } else { Err(FetchError::NoRoom(len)) }
    }

    fn finish(&self) -> Result<(), FetchError> {
        match &self.gzip {
            Some(gzip) if !gzip.ended => Err(FetchError::Truncated),
            _ => Ok(()),
        }
    }
}

impl Gzip {
    fn new() -> Self {
        Self { inflate: Decompress::new_gzip(15), ended: false, wire: 0, done: 0 }
    }

    /// Unpacks for a stretch; what is left of the piece, or `None` when all of it is unpacked.
    fn push<'p>(
        &mut self,
        piece: &'p [u8],
        body: &mut Vec<u8>,
        limit: u64,
    ) -> Result<Option<&'p [u8]>, FetchError> {
        let mut piece = piece;
        let stretch_end = self.done + STRETCH;
        while self.done < stretch_end {
            if self.ended {
                if piece.is_empty() {
                    return Ok(None);
                }
                // A further member: the whole is their concatenation.
                self.inflate = Decompress::new_gzip(15);
                self.ended = false;
                self.done += MEMBER_COST;
            }
            if body.len() == body.capacity() {
                body.reserve(body.len().clamp(READ, STRETCH));
            }
            let (before_in, before_out) = (self.inflate.total_in(), body.len());
            let status = self.inflate.decompress_vec(piece, body, FlushDecompress::None);
            let status = status.map_err(|error| FetchError::Gzip(error.to_string()))?;
            let used = usize::try_from(self.inflate.total_in() - before_in).expect("of the piece");
            piece = &piece[used..];
            self.done += body.len() - before_out;
            if body.len() as u64 >= limit {
                return Err(FetchError::BodyLimit(limit));
            }
            if status == Status::StreamEnd {
                self.ended = true;
            } else if piece.is_empty() && body.len() < body.capacity() {
                return Ok(None);
            } else if used == 0 && body.len() == before_out && body.len() < body.capacity() {
                return Err(FetchError::Gzip("no progress".into()));
            }
        }
        Ok(Some(piece))
    }
}

/// Where a chunked body stands.
#[derive(Default)]
enum Chunks {
    /// Before a line with a size.
    #[default]
    Size,
    /// So many bytes of a chunk are missing.
    Data(u64),
    /// Before the line end after a chunk.
    DataEnd,
    /// Among the trailers; so many bytes of them came.
    Trailer(usize),
}

impl Chunks {
    /// Uses up what came; true when the body is complete.
    async fn step(
        &mut self,
        buffers: &mut Buffers,
        out: &mut Unpacker<'_>,
    ) -> Result<bool, FetchError> {
        let malformed = |what: &str| FetchError::Malformed(format!("chunked body: {what}"));
        loop {
            if let Self::Data(missing) = self {
                let wire = &buffers.wire[buffers.start..];
                let piece = wire.len().min(usize::try_from(*missing).unwrap_or(usize::MAX));
                out.push(&wire[..piece], &mut buffers.body).await?;
                buffers.consume(piece);
                *missing -= piece as u64;
                if *missing > 0 {
                    return Ok(false);
                }
                *self = Self::DataEnd;
            }
            let wire = buffers.wire();
            let Some(end) = wire.iter().take(MAX_LINE).position(|b| *b == b'\n') else {
                if wire.len() >= MAX_LINE {
                    return Err(malformed("line too long"));
                }
                return Ok(false);
            };
            let line = wire[..end].strip_suffix(b"\r").unwrap_or(&wire[..end]);
            let empty = line.is_empty();
            let next = match self {
                Self::Size => match chunk_size(line).ok_or_else(|| malformed("bad size"))? {
                    0 => Self::Trailer(0),
                    size => Self::Data(size),
                },
                Self::DataEnd if empty => Self::Size,
                Self::DataEnd => return Err(malformed("chunk longer than its size")),
                Self::Trailer(_) if empty => {
                    buffers.consume(end + 1);
                    return Ok(true);
                }
                Self::Trailer(seen) if *seen + end < MAX_LINE => Self::Trailer(*seen + end),
                Self::Trailer(_) => return Err(malformed("trailers too long")),
                Self::Data(_) => unreachable!("handled above"),
            };
            *self = next;
            buffers.consume(end + 1);
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
