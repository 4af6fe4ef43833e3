use super::*;
use crate::block::testing::{
    ModelBlock, ModelGroup, block, check_block, matchers, read_all, real_disk,
};
use crate::block::{Block, overlay};
use model::{Labels, is_stale};
use proptest::prelude::*;
use std::collections::BTreeMap;
use storage::{Absence, Columns};

const HOUR: i64 = 3_600_000;

/// A block by its number, hours and bytes.
fn info(number: u128, from_h: i64, to_h: i64, bytes: u64) -> BlockInfo {
    let range = TimeRange { min_ms: from_h * HOUR, max_ms: to_h * HOUR - 1 };
    BlockInfo { ulid: Ulid(number), range, bytes, sources: Vec::new() }
}

fn numbers(ulids: &[Ulid]) -> Vec<u128> {
    ulids.iter().map(|ulid| ulid.0).collect()
}

#[test]
fn complete_windows_are_merged() {
    let check = |blocks: &[BlockInfo], max_bytes: u64, expected: Option<&[u128]>| {
        let planned = plan(blocks, 24 * HOUR, max_bytes);
        assert_eq!(planned.as_deref().map(numbers).as_deref(), expected);
    };
    let day = |n: i64| -> Vec<BlockInfo> {
        (0..n).map(|i| info(i.unsigned_abs().into(), 2 * i, 2 * i + 2, 10)).collect()
    };
    check(&[], 1000, None);
    check(&day(12), 1000, None);
    check(&day(13), 1000, Some(&(0..12).collect::<Vec<_>>()));
    check(&day(13), 45, Some(&[0, 1, 2, 3]));
    check(&day(13), 15, None);
    // What was merged up to the limit stays, the rest goes on.
    check(
        &[info(7, 0, 8, 40), info(4, 8, 10, 10), info(5, 10, 12, 10), info(9, 24, 26, 1)],
        45,
        Some(&[4, 5]),
    );
    // Already one block; a block across windows; before 1970.
    check(&[info(1, 0, 24, 5), info(2, 24, 26, 5)], 1000, None);
    check(&[info(1, 20, 26, 5), info(2, 22, 24, 5), info(3, 48, 50, 5)], 1000, None);
    check(&[info(2, -2, 0, 5), info(1, -4, -2, 5), info(3, 0, 2, 5)], 1000, Some(&[1, 2]));
}

#[test]
fn the_oldest_blocks_are_dropped() {
    let blocks = [info(3, 4, 6, 10), info(1, 0, 2, 10), info(2, 2, 4, 10)];
    let check_expired = |oldest_ms, expected: &[u128]| {
        assert_eq!(numbers(&expired(&blocks, oldest_ms)), expected);
    };
    check_expired(2 * HOUR - 1, &[]);
    check_expired(2 * HOUR, &[1]);
    check_expired(5 * HOUR, &[1, 2]);
    let check_oversized = |other, max, expected: &[u128]| {
        assert_eq!(numbers(&oversized(&blocks, other, max)), expected);
    };
    check_oversized(0, 30, &[]);
    check_oversized(0, 29, &[1]);
    check_oversized(5, 15, &[1, 2]);
    check_oversized(50, 10, &[1, 2, 3]);
}

#[test]
fn blocks_that_were_merged_are_superseded() {
    let mut merged = info(9, 0, 6, 10);
    merged.sources = vec![Ulid(1), Ulid(3)];
    let blocks = [info(1, 0, 2, 1), info(2, 2, 4, 1), info(3, 4, 6, 1), merged];
    assert_eq!(numbers(&superseded(&blocks)), [1, 3]);
}

/// Merges the blocks and compares what readers see with the sources laid over one another.
#[track_caller]
fn check_merge(models: &[ModelBlock]) -> (Block, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let disk = real_disk();
    let mut opened = Vec::new();
    for (i, model) in (1..).zip(models) {
        model.write(disk.clone(), dir.path(), Ulid(i)).unwrap();
        opened.push(Block::open(&*disk, &dir.path().join(Ulid(i).to_string())).unwrap());
    }
    let mut expected: BTreeMap<Labels, Columns> = BTreeMap::new();
    for block in &opened {
        for (labels, samples) in read_all(block).unwrap() {
            let (t_ms, values) =
                samples.into_iter().map(|(t_ms, bits)| (t_ms, f64::from_bits(bits))).unzip();
            let of_block = Columns { t_ms, values, histograms: Vec::new() };
            let all = expected.entry(labels).or_default();
            let mut merged = Columns::default();
            overlay(all, &of_block, &mut merged);
            *all = merged;
        }
    }
    let expected = expected
        .into_iter()
        .map(|(labels, all)| (labels, all.t_ms.into_iter().zip(all.values).collect()))
        .collect();
    let sources: Vec<&Block> = opened.iter().collect();
    let meta = merge(&disk, dir.path(), &sources, Ulid(99)).unwrap();
    assert_eq!(meta.sources.len(), models.len());
    let merged = Block::open(&*disk, &dir.path().join(Ulid(99).to_string())).unwrap();
    check_block(&merged, &expected, &matchers());
    (merged, dir)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn a_merged_block_says_what_its_sources_say(
        models in prop::collection::vec((block(), 0..4_i64), 1..4)
    ) {
        // Blocks that follow one another, touch or overlap.
        let models: Vec<ModelBlock> = (0..).zip(models).map(|(i, (mut model, step))| {
            for group in &mut model.groups {
                group.times.iter_mut().for_each(|t_ms| *t_ms += i * step * 1_500_000);
            }
            model
        }).collect();
        check_merge(&models);
    }
}

#[test]
fn small_chunks_of_one_target_are_packed_together() {
    let labels = Labels::from_pairs([("__name__", "up")]);
    let models: Vec<ModelBlock> = (0..12_i64)
        .map(|i| {
            let times = (0..120).map(|row| (i * 120 + row) * 60_000).collect();
            let rows = (0..120).map(|row| Some(((i * 120 + row) / 7) as f64)).collect();
            let part = crate::block::testing::ModelPart { group: 0, present_before: i > 0, rows };
            ModelBlock {
                groups: vec![ModelGroup { key: 77, absence: Absence::EndsSeries, times }],
                series: [(labels.clone(), vec![part])].into(),
            }
        })
        .collect();
    let (merged, _dir) = check_merge(&models);
    let stats = merged.meta().stats;
    assert_eq!((stats.num_groups, stats.num_samples, stats.num_chunks), (1, 1440, 3));
    assert!(read_all(&merged).unwrap()[0].1.iter().all(|(_, v)| !is_stale(f64::from_bits(*v))));
}
