//! Opening a folder: lock, format, blocks, series log, log.

use crate::block::{self, Block};
use crate::compact::{self, BlockInfo};
use crate::db::{Inner, Options, Place, Retention};
use crate::disk::{self, Disk, DiskError};
use crate::head::Head;
use crate::head::replay::Replay;
use crate::metrics::Metrics;
use crate::series_log::SeriesLog;
use crate::wal::{Wal, replay};
use crate::{Error, FORMAT};
use parking_lot::{Mutex, RwLock};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Something on disk that was not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it, and what was done.
    pub what: String,
}

/// What opening a database met.
#[derive(Clone, Debug, Default)]
pub struct OpenReport {
    /// Blocks in use.
    pub blocks: usize,
    /// Segments of the log that were read.
    pub segments: usize,
    /// Rows that are in memory again.
    pub rows: u64,
    /// Rows that could not be read because something before them is missing.
    pub lost_rows: u64,
    /// Series known.
    pub series: usize,
    /// The log ended in a half-written record, as it does after a crash; that record was cut off.
    pub torn_tail: bool,
    /// What was set aside, or cut off.
    pub damage: Vec<Damage>,
    /// Whether the last run closed the database.
    pub was_closed: bool,
    /// Time it took.
    pub seconds: f64,
}

pub(crate) fn open(
    disk: Arc<dyn Disk>,
    dir: &Path,
    options: Options,
) -> Result<(Inner, OpenReport), Error> {
    let started = Instant::now();
    let mut report = OpenReport::default();
    disk.create_dir(dir)?;
    let (lock, was_closed) = lock(dir)?;
    report.was_closed = was_closed;
    check_format(&*disk, dir)?;
    let wal_dir = dir.join("wal");
    disk.create_dir(&wal_dir)?;

    let metrics = Arc::new(Metrics::default());
    let blocks = open_blocks(&*disk, dir, &mut report)?;
    let head = Arc::new(Head::new(options.block_ms, options.max_series, Arc::clone(&metrics)));
    head.exemplars.lock().resize(options.max_exemplars);
    if let Some(end) = blocks.iter().map(|block| block.meta().range.max_ms).max() {
        head.set_min_valid_ms(end.saturating_add(1));
    }

    let path = dir.join("series.log");
    let opened = SeriesLog::open(
        Arc::clone(&disk),
        &path,
        &dir.join("quarantine"),
        &mut head.registry.write(),
    )?;
    let (series_log, loaded) = opened;
    if loaded.damaged > 0 {
        let what = format!("{} damaged places passed over", loaded.damaged);
        report.damage.push(Damage { path: path.clone(), what });
    }

    let mut rows = Replay::new(&head);
    let (end, replayed) = replay::replay(&*disk, &wal_dir, &dir.join("quarantine"), &mut rows)?;
    (report.rows, report.lost_rows) = (rows.rows, rows.lost_rows);
    let nameless = rows.finish();
    if nameless > 0 {
        let what = format!("labels of {nameless} series are missing; their rows cannot be read");
        report.damage.push(Damage { path, what });
    }
    report.segments = replayed.segments;
    report.torn_tail = replayed.torn || loaded.torn;
    report.damage.extend(replayed.damaged.into_iter().map(|(path, offset, copy)| Damage {
        path,
        what: format!("damaged at byte {offset}; what was there is kept as {}", copy.display()),
    }));
    let corruptions = report.damage.len() + usize::from(replayed.torn);
    metrics.wal_corruptions.add(corruptions as u64);

    let wal = Wal::open(Arc::clone(&disk), &wal_dir, end, Arc::clone(&metrics))?;
    head.set_log(wal, series_log);
    report.series = head.registry.read().len();
    report.blocks = blocks.len();
    report.seconds = started.elapsed().as_secs_f64();
    metrics.replay_seconds.set(report.seconds);
    metrics.clean_start.set(if was_closed { 1.0 } else { 0.0 });
    let place = Place { dir: dir.into(), disk, lock };
    let inner = Inner {
        head,
        retention: Mutex::new(Retention::from(&options)),
        options,
        metrics,
        place: Some(place),
        blocks: RwLock::new(Arc::new(blocks)),
        maintenance: Mutex::default(),
    };
    Ok((inner, report))
}

/// Takes the lock. The file holds a word while the database is open, and none after it was closed.
fn lock(dir: &Path) -> Result<(File, bool), Error> {
    let path = dir.join("LOCK");
    let io = |source| DiskError { path: path.clone(), op: "lock", source };
    let mut options = File::options();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::Locked { path }),
        Err(TryLockError::Error(source)) => return Err(io(source).into()),
    }
    let mut word = String::new();
    // Whatever is in it, only emptiness matters.
    let was_closed = file.read_to_string(&mut word).is_ok() && word.is_empty();
    file.set_len(0).map_err(io)?;
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    file.write_all(b"open\n").map_err(io)?;
    Ok((file, was_closed))
}

/// Says that the database was closed in good order, and lets go of the lock.
pub(crate) fn mark_closed(place: &Place) -> Result<(), Error> {
    let path = place.dir.join("LOCK");
    let io = |source| DiskError { path: path.clone(), op: "unlock", source };
    place.lock.set_len(0).map_err(io)?;
    Ok(place.lock.unlock().map_err(io)?)
}

fn check_format(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
    let path = dir.join("FORMAT");
    match disk.read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let text = text.trim();
            match text.parse::<u32>() {
                Ok(FORMAT) => Ok(()),
                // Older releases would misread what we write from now on.
                Ok(version) if version < FORMAT => write_format(disk, dir),
                Err(_) => {
                    let shown: String = text.chars().take(40).collect();
                    let what = format!("{shown:?} is no format; this release writes {FORMAT}");
                    Err(Error::Damaged { path, what })
                }
                Ok(_) => Err(Error::TooNew {
                    path,
                    found: text.chars().take(40).collect(),
                    known: FORMAT,
                }),
            }
        }
        Err(error) if error.is_not_found() => write_format(disk, dir),
        Err(error) => Err(error.into()),
    }
}

fn write_format(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
    let tmp = dir.join("FORMAT.tmp");
    let file = disk.create(&tmp)?;
    file.write_at(0, format!("{FORMAT}\n").as_bytes())?;
    file.sync()?;
    disk.rename(&tmp, &dir.join("FORMAT"))?;
    Ok(disk.sync_dir(dir)?)
}

/// Opens all blocks, in order of time. Damaged ones are set aside; half-written and replaced ones are
/// removed.
fn open_blocks(
    disk: &dyn Disk,
    dir: &Path,
    report: &mut OpenReport,
) -> Result<Vec<Arc<Block>>, Error> {
    let blocks_dir = dir.join("blocks");
    disk.create_dir(&blocks_dir)?;
    let mut blocks: Vec<Arc<Block>> = Vec::new();
    for entry in disk.list(&blocks_dir)?.into_iter().filter(|entry| entry.is_dir) {
        let path = blocks_dir.join(&entry.name);
        if entry.name.ends_with(".tmp") {
            disk.remove_dir(&path)?;
            continue;
        }
        match Block::open(disk, &path) {
            Ok(block) => blocks.push(Arc::new(block)),
            Err(error @ block::Error::Damaged { .. }) => {
                let kept = disk::free_name(disk, &dir.join("quarantine"), &entry.name)?;
                disk.rename(&path, &kept)?;
                let what = format!("{error}; set aside as {}", kept.display());
                report.damage.push(Damage { path, what });
            }
            Err(error) => return Err(error.into()),
        }
    }
    let infos: Vec<BlockInfo> = blocks.iter().map(|block| block.meta().into()).collect();
    let replaced = compact::superseded(&infos);
    let (gone, mut kept): (Vec<_>, Vec<_>) =
        blocks.into_iter().partition(|block| replaced.contains(&block.meta().ulid));
    for block in gone {
        disk.remove_dir(block.dir())?;
    }
    kept.sort_by_key(|block| (block.meta().range.min_ms, block.meta().ulid));
    Ok(kept)
}
