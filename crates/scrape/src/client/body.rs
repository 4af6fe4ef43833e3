//! Reading a body: by length, by chunks or to the end; unpacked on the way.

use super::connection::{Connection, Head, Length, Stream, read_some};
use super::error::FetchError;
use flate2::{Decompress, FlushDecompress, Status};
use std::io;

/// Bytes asked of a socket at a time.
const READ: usize = 64 << 10;
/// Bytes reserved for a body before any of it came, whatever its announced length.
const MAX_TRUST: u64 = 1 << 20;
/// Bytes of a line between chunks, and of all trailers.
const MAX_LINE: usize = 4 << 10;
/// Bytes of an answer's body that are read only to keep the connection.
const MAX_SKIP: u64 = 64 << 10;
/// A buffer that grew larger is given back to the allocator after use.
const MAX_KEPT: usize = 8 << 20;

/// Room for one answer, shared by all loops and used by one at a time.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    wire: Vec<u8>,
    /// Bytes of `wire` that were used up.
    start: usize,
    body: Vec<u8>,
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
        read_some(stream, &mut self.wire, READ).await
    }
}

/// Reads the body of an answer into the buffers, unpacked; `begun` is what came with the head.
/// Refuses `limit` bytes and more.
pub(super) async fn read(
    connection: &mut Connection,
    head: &Head,
    begun: &[u8],
    limit: u64,
    buffers: &mut Buffers,
) -> Result<(), FetchError> {
    buffers.clear();
    buffers.wire.extend_from_slice(begun);
    if let (Length::Known(length), false) = (head.length, head.gzip) {
        return read_known(connection, length, limit, buffers).await;
    }
    let mut unpacker = Unpacker::new(head.gzip, limit);
    let mut ended = false;
    match head.length {
        Length::Known(length) => {
            let mut missing = length;
            while missing > 0 {
                let wire = &buffers.wire[buffers.start..];
                let piece = wire.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
                unpacker.push(&wire[..piece], &mut buffers.body)?;
                buffers.consume(piece);
                missing -= piece as u64;
                if missing > 0 && fill(connection, buffers).await? == 0 {
                    return Err(FetchError::Truncated);
                }
            }
        }
        Length::Chunked => {
            let mut chunks = Chunks::default();
            while !chunks.step(buffers, &mut unpacker)? {
                if fill(connection, buffers).await? == 0 {
                    return Err(FetchError::Truncated);
                }
            }
        }
        Length::UntilClose => loop {
            let wire = &buffers.wire[buffers.start..];
            unpacker.push(wire, &mut buffers.body)?;
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
) -> Result<(), FetchError> {
    if length >= limit {
        return Err(FetchError::BodyLimit(limit));
    }
    let length = usize::try_from(length).map_err(|_| FetchError::BodyLimit(limit))?;
    let Buffers { wire, start, body } = buffers;
    body.extend_from_slice(&wire[*start..]);
    *start = wire.len();
    while body.len() < length {
        let missing = length - body.len();
        let room = missing.min(usize::try_from(MAX_TRUST).expect("fits"));
        if read_some(&mut connection.stream, body, room).await.map_err(FetchError::Io)? == 0 {
            return Err(FetchError::Truncated);
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
    buffers: &mut Buffers,
) -> bool {
    if !head.keep_alive {
        return false;
    }
    let plain = Head { length: head.length, gzip: false, ..Head::default() };
    let skipped = read(connection, &plain, begun, MAX_SKIP, buffers).await.is_ok();
    buffers.clear();
    skipped
}

async fn fill(connection: &mut Connection, buffers: &mut Buffers) -> Result<usize, FetchError> {
    buffers.fill(&mut connection.stream).await.map_err(FetchError::Io)
}

/// Takes the pieces of a body, unpacks them if need be, and holds the limit.
struct Unpacker {
    limit: u64,
    gzip: Option<Gzip>,
}

struct Gzip {
    inflate: Decompress,
    ended: bool,
}

impl Unpacker {
    fn new(gzip: bool, limit: u64) -> Self {
        let gzip = gzip.then(|| Gzip { inflate: Decompress::new_gzip(15), ended: false });
        Self { limit, gzip }
    }

    fn push(&mut self, piece: &[u8], body: &mut Vec<u8>) -> Result<(), FetchError> {
        match &mut self.gzip {
            Some(gzip) => return gzip.push(piece, body, self.limit),
            None if body.len() as u64 + piece.len() as u64 >= self.limit => {
                return Err(FetchError::BodyLimit(self.limit));
            }
            None => body.extend_from_slice(piece),
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), FetchError> {
        match &self.gzip {
            Some(gzip) if !gzip.ended => Err(FetchError::Truncated),
            _ => Ok(()),
        }
    }
}

impl Gzip {
    fn push(&mut self, piece: &[u8], body: &mut Vec<u8>, limit: u64) -> Result<(), FetchError> {
        let mut piece = piece;
        loop {
            if self.ended {
                if piece.is_empty() {
                    return Ok(());
                }
                // A further member: the whole is their concatenation.
                *self = Self { inflate: Decompress::new_gzip(15), ended: false };
            }
            if body.len() == body.capacity() {
                body.reserve(body.len().clamp(READ, 1 << 20));
            }
            let (before_in, before_out) = (self.inflate.total_in(), body.len());
            let status = self.inflate.decompress_vec(piece, body, FlushDecompress::None);
            let status = status.map_err(|error| FetchError::Gzip(error.to_string()))?;
            let used = usize::try_from(self.inflate.total_in() - before_in).expect("of the piece");
            piece = &piece[used..];
            if body.len() as u64 >= limit {
                return Err(FetchError::BodyLimit(limit));
            }
            if status == Status::StreamEnd {
                self.ended = true;
            } else if piece.is_empty() && body.len() < body.capacity() {
                return Ok(());
            } else if used == 0 && body.len() == before_out && body.len() < body.capacity() {
                return Err(FetchError::Gzip("no progress".into()));
            }
        }
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
    fn step(&mut self, buffers: &mut Buffers, out: &mut Unpacker) -> Result<bool, FetchError> {
        let malformed = |what: &str| FetchError::Malformed(format!("chunked body: {what}"));
        loop {
            if let Self::Data(missing) = self {
                let wire = &buffers.wire[buffers.start..];
                let piece = wire.len().min(usize::try_from(*missing).unwrap_or(usize::MAX));
                out.push(&wire[..piece], &mut buffers.body)?;
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
