//! Rebuilding groups, columns and rows from the log.

use super::Head;
use super::group::{GroupHead, Unused};
use super::registry::{Full, Place};
use crate::codec::DecodeError;
use crate::codec::bits::ByteReader;
use crate::codec::row::{self, RowState};
use crate::head::NO_COLUMN;
use crate::wal::record::{self, entry};
use crate::wal::replay::Visitor;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;
use roaring::RoaringBitmap;
use std::sync::Arc;

/// Puts what the log holds into the head.
pub(crate) struct Replay<'a> {
    head: &'a Head,
    groups: HashMap<u32, Known, RandomState>,
    /// Series that the log mentions: their numbers cannot be given anew.
    mentioned: RoaringBitmap,
    /// Segments read so far, and the newest row of this one that builds on those before.
    segments: u32,
    leaning_ms: Option<i64>,
    /// Rows that are in the head again.
    pub(crate) rows: u64,
    /// Rows that could not be read because something before them is missing.
    pub(crate) lost_rows: u64,
}

struct Known {
    cell: Arc<Mutex<GroupHead>>,
    /// Whether the group's last row is known, so that a difference to it means something.
    follows: bool,
    /// The segment of its last key row.
    key_segment: u32,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(head: &'a Head) -> Self {
        Self {
            head,
            groups: HashMap::default(),
            mentioned: RoaringBitmap::new(),
            segments: 0,
            leaning_ms: None,
            rows: 0,
            lost_rows: 0,
        }
    }

    /// Places the series; to be called when the log is read. How many have rows and no labels.
    pub(crate) fn finish(self) -> u64 {
        let mut nameless = RoaringBitmap::new();
        for cell in self.head.groups() {
            let group = cell.lock();
            let id = group.entry.group;
            let mut registry = self.head.registry.write();
            for series in group.chunks.iter().flat_map(|chunk| chunk.ids()) {
                if registry.knows(series) {
                    registry.set_place(series, Place { group: id, column: NO_COLUMN });
                } else {
                    nameless.insert(series);
                }
            }
            for (column, series) in (0..).zip(group.open.ids.iter()) {
                if registry.knows(*series) {
                    registry.set_place(*series, Place { group: id, column });
                } else if !group.open.t_ms.is_empty() {
                    nameless.insert(*series);
                }
            }
        }
        self.head.registry.write().collect_free(&self.mentioned);
        nameless.len()
    }

    fn group(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let entry = record::read_group(body)?;
        let id = entry.group;
        let full = |Full| DecodeError::Invalid("number of groups");
        let cell = self.head.restore(entry).map_err(full)?;
        self.groups.insert(id, Known { cell, follows: false, key_segment: self.segments });
        Ok(())
    }

    fn columns(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let (id, from, ids) = record::read_columns(body)?;
        self.mentioned.extend(&ids);
        let Some(known) = self.groups.get_mut(&id) else { return Ok(()) };
        let mut group = known.cell.lock();
        let kept = if from == 0 { &[][..] } else { group.open.ids.as_slice() };
        let all: RoaringBitmap = kept.iter().chain(&ids).copied().collect();
        if all.len() != (kept.len() + ids.len()) as u64 || !group.set_columns(from, &ids) {
            known.follows = false;
            return Err(DecodeError::Invalid("columns"));
        }
        Ok(())
    }

    fn drop_columns(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let mut from = ByteReader::new(body);
        let id = from.u32()?;
        let columns = record::read_runs(&mut from)?;
        let Some(known) = self.groups.get_mut(&id).filter(|known| known.follows) else {
            return Ok(());
        };
        let mut group = known.cell.lock();
        let largest = columns.last().map_or(0, |column| *column as usize);
        if !columns.is_sorted_by(|a, b| a < b) || largest >= group.open.ids.len() {
            known.follows = false;
            return Err(DecodeError::Invalid("columns"));
        }
        let mut columns = columns.into_iter().peekable();
        group.drop_replayed(|column| columns.next_if(|c| *c as usize == column).is_some());
        Ok(())
    }

    fn exemplar(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let (series, exemplar) = record::read_exemplar(body)?;
        self.mentioned.insert(series);
        let registry = self.head.registry.read();
        if registry.knows(series) {
            // What was stored in this order once is stored again.
            self.head.exemplars.lock().add(&registry.labels(series), &exemplar);
        }
        Ok(())
    }

    fn row(&mut self, kind: u8, body: &[u8]) -> Result<Option<i64>, DecodeError> {
        let mut from = ByteReader::new(body);
        let id = from.u32()?;
        let Some(known) = self.groups.get_mut(&id) else {
            self.lost_rows += 1;
            return Ok(None);
        };
        let mut group = known.cell.lock();
        let head = self.head;
        if kind == entry::KEY_ROW {
            let mut state = RowState::new();
            let used = row::decode(from.rest(), &mut state)?;
            let histograms = &from.rest()[used..];
            (known.follows, known.key_segment) = (false, self.segments);
            let t_ms = state.t_ms();
            if state.columns() > group.open.ids.len() {
                return Err(DecodeError::Invalid("columns"));
            }
            if t_ms <= group.last_ms() || t_ms < head.min_valid_ms() {
                group.skip_key(state, histograms)?;
                known.follows = true;
                return Ok(Some(t_ms));
            }
            make_room(&mut group, t_ms, head.block_ms);
            group.push_key(state, histograms)?;
            known.follows = true;
        } else {
            let t_ms = group.delta_t_ms(from.rest())?;
            if !known.follows {
                self.lost_rows += 1;
                return Ok(Some(t_ms));
            }
            if known.key_segment != self.segments {
                self.leaning_ms = self.leaning_ms.max(Some(t_ms));
            }
            let done = if t_ms <= group.last_ms() {
                Err(DecodeError::Invalid("order of rows"))
            } else if t_ms < head.min_valid_ms() {
                group.skip_delta(from.rest())
            } else {
                make_room(&mut group, t_ms, head.block_ms);
                group.push_delta(from.rest())
            };
            if let Err(error) = done {
                known.follows = false;
                return Err(error);
            }
        }
        let t_ms = group.last_ms();
        if t_ms >= head.min_valid_ms() {
            if group.is_complete(head.block_ms).is_some() {
                group.seal(Unused::Stay);
            }
            self.rows += 1;
            head.saw(t_ms);
        }
        Ok(Some(t_ms))
    }
}

fn make_room(group: &mut GroupHead, t_ms: i64, block_ms: i64) {
    if group.must_seal_before(t_ms, block_ms) {
        group.seal(Unused::Stay);
    }
}

impl Visitor for Replay<'_> {
    fn gap(&mut self) {
        for known in self.groups.values_mut() {
            known.follows = false;
        }
    }

    fn end_segment(&mut self) -> Option<i64> {
        self.segments += 1;
        self.leaning_ms.take()
    }

    fn entry(&mut self, kind: u8, body: &[u8]) -> Result<Option<i64>, DecodeError> {
        match kind {
            entry::GROUP => self.group(body).map(|()| None),
            entry::COLUMNS => self.columns(body).map(|()| None),
            entry::DROP => self.drop_columns(body).map(|()| None),
            entry::DELTA_ROW | entry::KEY_ROW => self.row(kind, body),
            entry::EXEMPLAR => self.exemplar(body).map(|()| None),
            _ => Ok(None),
        }
    }
}
