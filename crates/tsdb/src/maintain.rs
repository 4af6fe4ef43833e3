//! What is done now and then: rows move from the head to blocks, blocks are merged, old ones go.

use crate::block::{self, Block, BlockMeta};
use crate::compact::{self, BlockInfo};
use crate::db::{Db, Inner, Place};
use crate::disk::{Disk, bytes_below};
use crate::open::Damage;
use crate::{Error, disk};
use model::TimeRange;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use ulid::Ulid;

/// A merged block is at most this part of what is kept by size, so that dropping one is a small step.
const SIZE_STEPS: u64 = 10;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaintainReport {
    /// Blocks cut from the head.
    pub cut: usize,
    /// Blocks that were merged into larger ones.
    pub merged: usize,
    /// Blocks dropped for their age.
    pub too_old: usize,
    /// Blocks dropped for space.
    pub too_large: usize,
    /// Blocks found damaged, and set aside.
    pub damage: Vec<Damage>,
}

impl Db {
    /// Cuts what the head need not hold any more into blocks, merges blocks, and drops what is older
    /// or larger than it may be. To be called about once a minute.
    ///
    /// # Errors
    /// When files cannot be written; what was in memory stays there.
    pub fn maintain(&self, now_ms: i64) -> Result<MaintainReport, Error> {
        let inner = &*self.0;
        let _only_one = inner.maintenance.lock();
        inner.metrics.compactions_triggered.inc();
        let mut report = MaintainReport::default();
        match &inner.place {
            Some(place) => {
                inner.cut(place, now_ms, &mut report)?;
                inner.merge_blocks(place, now_ms, &mut report)?;
                inner.retain(place, now_ms, &mut report)?;
            }
            None => inner.forget_old(now_ms),
        }
        Ok(report)
    }

    /// Writes all that is stored to a folder: the head as one block, and links to the blocks. The
    /// folder can be opened as a database.
    ///
    /// # Errors
    /// When the folder cannot be written, or the database is in memory.
    pub fn snapshot(&self, dir: &Path) -> Result<(), Error> {
        let inner = &*self.0;
        let place = inner.place.as_ref().ok_or(Error::InMemory)?;
        let _only_one = inner.maintenance.lock();
        let disk = &*place.disk;
        let blocks = dir.join("blocks");
        disk.create_dir(&blocks)?;
        for block in inner.blocks().iter() {
            let name = block.meta().ulid.to_string();
            let to = blocks.join(&name);
            disk.create_dir(&to)?;
            for entry in disk.list(block.dir())? {
                disk.hard_link(&block.dir().join(&entry.name), &to.join(&entry.name))?;
            }
            disk.sync_dir(&to)?;
        }
        if let Some((min_ms, max_ms)) = inner.head.range() {
            let range = TimeRange { min_ms, max_ms };
            inner.head.write_block(&place.disk, &blocks, new_ulid(max_ms), range)?;
        }
        Ok(disk.sync_dir(&blocks)?)
    }
}

impl Inner {
    /// Cuts finished ranges off the head, oldest first, while it spans more than one and a half.
    fn cut(&self, place: &Place, now_ms: i64, report: &mut MaintainReport) -> Result<(), Error> {
        let block_ms = self.options.block_ms;
        while let Some((first, last)) = self.head.range() {
            // Rows of the future, as a wrong clock makes them, cut nothing.
            if last.min(now_ms).saturating_sub(first) <= block_ms / 2 * 3 {
                break;
            }
            let min_ms = first.div_euclid(block_ms) * block_ms;
            let range = TimeRange { min_ms, max_ms: min_ms + block_ms - 1 };
            if let Err(error) = self.cut_range(place, now_ms, range, report) {
                self.metrics.compactions_failed.inc();
                return Err(error);
            }
        }
        Ok(())
    }

    fn cut_range(
        &self,
        place: &Place,
        now_ms: i64,
        range: TimeRange,
        report: &mut MaintainReport,
    ) -> Result<(), Error> {
        let started = Instant::now();
        let end_ms = range.max_ms + 1;
        self.head.set_min_valid_ms(end_ms);
        let dir = place.dir.join("blocks");
        let meta = self.head.write_block(&place.disk, &dir, new_ulid(now_ms), range)?;
        if let Some(meta) = meta {
            let block = self.open_block(place, &meta)?;
            self.replace_blocks(&[], Some(block));
            self.metrics.compactions.inc();
            report.cut += 1;
        }
        // Readers look at the head first and at the blocks after: now that the block is there, its
        // rows can go from the head.
        self.head.truncate(end_ms);
        self.metrics.truncations.inc();
        self.head.rotate()?;
        if let Some(wal) = self.head.wal() {
            wal.truncate(end_ms)?;
        }
        self.head.shrink_series_log()?;
        self.metrics.compaction_duration.observe(started.elapsed().as_secs_f64());
        Ok(())
    }

    fn merge_blocks(
        &self,
        place: &Place,
        now_ms: i64,
        report: &mut MaintainReport,
    ) -> Result<(), Error> {
        let max_bytes = self.retention.lock().bytes.map_or(u64::MAX, |bytes| bytes / SIZE_STEPS);
        let dir = place.dir.join("blocks");
        while let Some(ulids) =
            compact::plan(&self.block_infos(), self.options.max_block_ms, max_bytes)
        {
            let started = Instant::now();
            let all = self.blocks();
            let merged: Vec<&Block> = all
                .iter()
                .filter(|block| ulids.contains(&block.meta().ulid))
                .map(|block| &**block)
                .collect();
            match compact::merge(&place.disk, &dir, &merged, new_ulid(now_ms)) {
                Ok(meta) => {
                    let block = self.open_block(place, &meta)?;
                    self.replace_blocks(&ulids, Some(block));
                    self.remove_blocks(place, &all, &ulids)?;
                    self.metrics.compactions.inc();
                    self.metrics.compaction_duration.observe(started.elapsed().as_secs_f64());
                    report.merged += ulids.len();
                }
                Err(error) => {
                    self.metrics.compactions_failed.inc();
                    self.set_aside(place, error, report)?;
                }
            }
        }
        Ok(())
    }

    /// A damaged block must not stop the others: it goes to quarantine.
    fn set_aside(
        &self,
        place: &Place,
        error: block::Error,
        report: &mut MaintainReport,
    ) -> Result<(), Error> {
        let block::Error::Damaged { path, .. } = &error else { return Err(error.into()) };
        let blocks = self.blocks();
        let Some(block) = blocks.iter().find(|block| path.starts_with(block.dir())) else {
            return Err(error.into());
        };
        let ulid = block.meta().ulid;
        let quarantine = place.dir.join("quarantine");
        let kept = disk::free_name(&*place.disk, &quarantine, &ulid.to_string())?;
        self.replace_blocks(&[ulid], None);
        place.disk.rename(block.dir(), &kept)?;
        let what = format!("{error}; set aside as {}", kept.display());
        report.damage.push(Damage { path: block.dir().into(), what });
        Ok(())
    }

    fn retain(&self, place: &Place, now_ms: i64, report: &mut MaintainReport) -> Result<(), Error> {
        let infos = self.block_infos();
        let retention = *self.retention.lock();
        if let Some(oldest_ms) = self.oldest_kept_ms(now_ms) {
            let old = compact::expired(&infos, oldest_ms);
            self.drop_blocks(place, &old)?;
            self.metrics.time_retentions.add(old.len() as u64);
            report.too_old += old.len();
        }
        if let Some(max_bytes) = retention.bytes {
            let infos = self.block_infos();
            let in_blocks: u64 = infos.iter().map(|info| info.bytes).sum();
            // Snapshots are links to blocks, and for whoever took them to remove.
            let snapshots = bytes_below(&*place.disk, &place.dir.join("snapshots"))?;
            let all = bytes_below(&*place.disk, &place.dir)?;
            let other = all.saturating_sub(in_blocks).saturating_sub(snapshots);
            let large = compact::oversized(&infos, other, max_bytes);
            self.drop_blocks(place, &large)?;
            self.metrics.size_retentions.add(large.len() as u64);
            report.too_large += large.len();
        }
        if let Some(min_bytes) = self.options.min_free_bytes {
            self.make_room(place, min_bytes, report)?;
        }
        Ok(())
    }

    /// The oldest time that is kept, if there is a limit of age.
    pub(crate) fn oldest_kept_ms(&self, now_ms: i64) -> Option<i64> {
        let retention_ms = self.retention.lock().time_ms?;
        // A clock that runs ahead must not empty the store.
        let in_blocks = self.blocks().iter().map(|block| block.meta().range.max_ms).max();
        let newest = self.head.max_ms().max(in_blocks.unwrap_or(i64::MIN)).min(now_ms);
        Some(newest.saturating_sub(retention_ms))
    }

    /// Drops the oldest blocks until enough of the disk is free, or none is left.
    fn make_room(
        &self,
        place: &Place,
        min_bytes: u64,
        report: &mut MaintainReport,
    ) -> Result<(), Error> {
        while place.disk.free_bytes(&place.dir)? < min_bytes {
            let Some(oldest) = self.blocks().first().map(|block| block.meta().ulid) else { break };
            self.drop_blocks(place, &[oldest])?;
            self.metrics.size_retentions.inc();
            report.too_large += 1;
        }
        Ok(())
    }

    /// In memory there is only the head to forget from.
    fn forget_old(&self, now_ms: i64) {
        let retention = *self.retention.lock();
        if let Some(retention_ms) = retention.time_ms {
            let newest = self.head.max_ms().min(now_ms);
            self.head.truncate(newest.saturating_sub(retention_ms));
        }
    }

    fn block_infos(&self) -> Vec<BlockInfo> {
        self.blocks().iter().map(|block| block.meta().into()).collect()
    }

    pub(crate) fn open_block(&self, place: &Place, meta: &BlockMeta) -> Result<Arc<Block>, Error> {
        let dir = place.dir.join("blocks").join(meta.ulid.to_string());
        let block = Block::open(&*place.disk, &dir);
        if block.is_err() {
            self.metrics.reloads_failed.inc();
        }
        Ok(Arc::new(block?))
    }

    /// Takes blocks out of the list and puts others in, in one step for readers.
    pub(crate) fn replace_blocks(&self, gone: &[Ulid], new: impl IntoIterator<Item = Arc<Block>>) {
        let mut list = self.blocks.write();
        let kept = list.iter().filter(|block| !gone.contains(&block.meta().ulid)).cloned();
        let mut blocks: Vec<Arc<Block>> = kept.chain(new).collect();
        blocks.sort_by_key(|block| (block.meta().range.min_ms, block.meta().ulid));
        *list = Arc::new(blocks);
        self.metrics.reloads.inc();
    }

    fn drop_blocks(&self, place: &Place, ulids: &[Ulid]) -> Result<(), Error> {
        if ulids.is_empty() {
            return Ok(());
        }
        let all = self.blocks();
        self.replace_blocks(ulids, None);
        self.remove_blocks(place, &all, ulids)
    }

    /// Removes folders; who still reads a block keeps its files.
    fn remove_blocks(
        &self,
        place: &Place,
        all: &[Arc<Block>],
        ulids: &[Ulid],
    ) -> Result<(), Error> {
        for block in all.iter().filter(|block| ulids.contains(&block.meta().ulid)) {
            remove_block(&*place.disk, block.dir())?;
        }
        Ok(())
    }
}

/// A folder that is half removed must not be taken for a damaged block.
fn remove_block(disk: &dyn Disk, dir: &Path) -> Result<(), disk::DiskError> {
    let tmp = dir.with_extension("tmp");
    disk.rename(dir, &tmp)?;
    disk.remove_dir(&tmp)
}

/// A new name; names made later sort later.
pub(crate) fn new_ulid(now_ms: i64) -> Ulid {
    // Every state of the standard library has other keys.
    let random = RandomState::new().hash_one(now_ms);
    Ulid::from_parts(u64::try_from(now_ms).unwrap_or(0), u128::from(random))
}
