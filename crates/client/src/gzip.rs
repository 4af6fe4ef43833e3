//! Unpacking a body bit by bit: one gzip member after the other.

use crate::FetchError;
use flate2::{Decompress, FlushDecompress, Status};

/// Bytes to unpack into at a time.
const ROOM: usize = 64 << 10;
/// What the begin of a packed member costs, in bytes unpacked.
const MEMBER_COST: usize = 16 << 10;
/// Members that a body may have, however small; a large one may have more.
const MAX_MEMBERS: u64 = 1_000;
/// The largest window there is, in bits.
const WINDOW_BITS: u8 = 15;

/// Where a packed body stands.
pub(crate) struct Gzip {
    inflate: Decompress,
    ended: bool,
    /// Set when there was no room for all that came out.
    is_full: bool,
    /// Members begun.
    members: u64,
}

/// What a push did: bytes that were used up, and what it cost in bytes unpacked.
pub(crate) struct Pushed {
    pub(crate) used: usize,
    pub(crate) cost: usize,
}

impl Gzip {
    pub(crate) fn new() -> Self {
        let inflate = Decompress::new_gzip(WINDOW_BITS);
        Self { inflate, ended: false, is_full: false, members: 1 }
    }

    /// Whether the last member is whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.ended
    }

    /// Whether there are more members than a body of so many bytes can have.
    pub(crate) fn has_too_many_members(&self, limit: u64) -> bool {
        self.members > MAX_MEMBERS.max(limit / MEMBER_COST as u64)
    }

    /// Whether something can come out though nothing goes in.
    pub(crate) fn has_more(&self) -> bool {
        self.is_full
    }

    /// Unpacks until all of the piece is used up, or about `room` bytes came out.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Pushed, FetchError> {
        let mut pushed = Pushed { used: 0, cost: 0 };
        while pushed.cost < room {
            let rest = &piece[pushed.used..];
            if self.ended {
                if rest.is_empty() {
                    break;
                }
                // A further member: the whole is their concatenation.
                *self = Self { members: self.members + 1, ..Self::new() };
                pushed.cost += MEMBER_COST;
            }
            if out.len() == out.capacity() {
                out.reserve(out.len().clamp(ROOM, ROOM * 16));
            }
            let (before_in, before_out) = (self.inflate.total_in(), out.len());
            let status = self.inflate.decompress_vec(rest, out, FlushDecompress::None);
            let status = status.map_err(|error| FetchError::Gzip(error.to_string()))?;
            let used = usize::try_from(self.inflate.total_in() - before_in).expect("of the piece");
            pushed.used += used;
            pushed.cost += out.len() - before_out;
            self.is_full = out.len() == out.capacity();
            if status == Status::StreamEnd {
                (self.ended, self.is_full) = (true, false);
            } else if !self.is_full && pushed.used == piece.len() {
                break;
            } else if !self.is_full && used == 0 && out.len() == before_out {
                return Err(FetchError::Gzip("no progress".into()));
            }
        }
        Ok(pushed)
    }
}
