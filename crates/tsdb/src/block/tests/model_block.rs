//! The slow and obvious block: groups as vectors, series as maps.

use super::super::*;
use crate::disk::{Disk, RealDisk};
use model::{Labels, Matcher, TimeRange, is_stale, stale_marker};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use storage::{Absence, Columns};
use ulid::Ulid;

#[derive(Clone, Debug)]
pub(crate) struct ModelGroup {
    pub(crate) key: u64,
    pub(crate) absence: Absence,
    pub(crate) times: Vec<i64>,
}

#[derive(Clone, Debug)]
pub(crate) struct ModelPart {
    pub(crate) group: usize,
    pub(crate) present_before: bool,
    /// A value or none for every row of the group.
    pub(crate) rows: Vec<Option<f64>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ModelBlock {
    pub(crate) groups: Vec<ModelGroup>,
    pub(crate) series: BTreeMap<Labels, Vec<ModelPart>>,
}

pub(crate) type Samples = BTreeMap<i64, f64>;
/// Series and the bits of their samples, in label order.
pub(crate) type AllBits = Vec<(Labels, Vec<(i64, u64)>)>;

impl ModelBlock {
    pub(crate) fn range(&self) -> TimeRange {
        let times = || self.groups.iter().flat_map(|group| group.times.iter().copied());
        TimeRange { min_ms: times().min().unwrap_or(0), max_ms: times().max().unwrap_or(0) }
    }

    pub(crate) fn write(
        &self,
        disk: Arc<dyn Disk>,
        dir: &Path,
        ulid: Ulid,
    ) -> Result<BlockMeta, Error> {
        let mut writer = BlockWriter::new(disk, dir, ulid, self.range())?;
        for group in &self.groups {
            writer.group(group.key, group.absence, &group.times)?;
        }
        for (labels, parts) in &self.series {
            let runs: Vec<Vec<Run>> = parts.iter().map(|part| runs(&part.rows)).collect();
            let values: Vec<Vec<f64>> =
                parts.iter().map(|part| part.rows.iter().flatten().copied().collect()).collect();
            let parts: Vec<SeriesPart<'_>> = parts
                .iter()
                .enumerate()
                .map(|(i, part)| SeriesPart {
                    group: GroupIx(u32::try_from(part.group).unwrap()),
                    rows: 0..u32::try_from(part.rows.len()).unwrap(),
                    present_before: part.present_before,
                    runs: &runs[i],
                    values: &values[i],
                    histograms: &[],
                })
                .collect();
            writer.series(labels, &parts)?;
        }
        writer.finish(Vec::new())
    }

    /// What readers of a series see.
    pub(crate) fn samples(&self, parts: &[ModelPart]) -> Samples {
        let mut samples = Samples::new();
        for part in parts {
            let group = &self.groups[part.group];
            let mut present = part.present_before;
            for (t_ms, value) in group.times.iter().zip(&part.rows) {
                let ended = present && group.absence == Absence::EndsSeries;
                present = value.is_some();
                let seen = value.or_else(|| ended.then(stale_marker));
                if let Some(value) = seen
                    && samples.get(t_ms).is_none_or(|first| is_stale(*first) && !is_stale(value))
                {
                    samples.insert(*t_ms, value);
                }
            }
        }
        samples
    }

    pub(crate) fn all(&self) -> BTreeMap<Labels, Samples> {
        let samples = |parts: &Vec<ModelPart>| self.samples(parts);
        self.series.iter().map(|(labels, parts)| (labels.clone(), samples(parts))).collect()
    }
}

pub(crate) fn runs(rows: &[Option<f64>]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (row, value) in (0..).zip(rows) {
        match (value, runs.last_mut()) {
            (None, _) => {}
            (Some(_), Some(last)) if last.end == row => last.end = row + 1,
            (Some(_), _) => runs.push(row..row + 1),
        }
    }
    runs
}

pub(crate) fn bits(samples: &Samples) -> Vec<(i64, u64)> {
    samples.iter().map(|(t_ms, value)| (*t_ms, value.to_bits())).collect()
}

pub(crate) fn column_bits(columns: &Columns) -> Vec<(i64, u64)> {
    assert!(columns.t_ms.is_sorted_by(|a, b| a < b), "times must ascend: {:?}", columns.t_ms);
    columns.t_ms.iter().copied().zip(columns.values.iter().map(|value| value.to_bits())).collect()
}

/// All samples of a block.
pub(crate) fn read_all(block: &Block) -> Result<AllBits, Error> {
    let mut scratch = ReadScratch::default();
    let mut cursor = SeriesCursor::default();
    let mut all = Vec::new();
    for series in 0..block.num_series() {
        let mut columns = Columns::default();
        block.read_series(series, TimeRange::ALL, &mut scratch, &mut columns)?;
        all.push((block.labels(series, &mut cursor)?, column_bits(&columns)));
    }
    Ok(all)
}

/// Asks the block everything and compares.
#[track_caller]
pub(crate) fn check_block(
    block: &Block,
    expected: &BTreeMap<Labels, Samples>,
    matchers: &[Vec<Matcher>],
) {
    let all: Vec<_> = expected.iter().map(|(labels, s)| (labels.clone(), bits(s))).collect();
    assert_eq!(read_all(block).unwrap(), all);

    let mut scratch = ReadScratch::default();
    let mut cursor = SeriesCursor::default();
    let range = block.meta().range;
    let length = range.max_ms - range.min_ms + 1;
    for (series, (labels, samples)) in (0..).zip(expected).collect::<Vec<_>>().into_iter().rev() {
        assert_eq!(block.labels(series, &mut cursor).unwrap(), *labels);
        for (from, to) in [(0, 0), (1, 3), (length / 3, length / 2), (length / 2, length), (-9, -1)]
        {
            let range = TimeRange { min_ms: range.min_ms + from, max_ms: range.min_ms + to };
            let mut columns = Columns::default();
            block.read_series(series, range, &mut scratch, &mut columns).unwrap();
            let expected = samples.range(range.min_ms..=range.max_ms);
            let expected = expected.map(|(t, v)| (*t, *v)).collect();
            assert_eq!(column_bits(&columns), bits(&expected), "{labels} in {range:?}");
            let may_have = block.may_have(series, range, &mut cursor).unwrap();
            assert!(may_have || columns.t_ms.is_empty());
        }
    }
    for matchers in matchers {
        let found = block.select(matchers).unwrap();
        let matching = |labels: &Labels| matchers.iter().all(|m| m.matches_labels(labels));
        let expected: Vec<(u32, &Labels)> =
            (0..).zip(expected.keys()).filter(|(_, labels)| matching(labels)).collect();
        let numbers: Vec<u32> = expected.iter().map(|(series, _)| *series).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), numbers, "{matchers:?}");
        check_label_lists(block, &found, &expected);
    }
}

#[track_caller]
fn check_label_lists(block: &Block, found: &roaring::RoaringBitmap, expected: &[(u32, &Labels)]) {
    let pairs = || expected.iter().flat_map(|(_, labels)| labels.iter());
    let names: BTreeSet<&str> = pairs().map(|(name, _)| name).collect();
    let mut listed = Vec::new();
    block
        .for_each_label_name(Some(found), |name| {
            listed.push(name.to_owned());
            true
        })
        .unwrap();
    assert_eq!(listed, names.iter().copied().collect::<Vec<_>>());
    for name in names.into_iter().chain(["nope"]) {
        let values: BTreeSet<&str> = pairs().filter(|(n, _)| *n == name).map(|(_, v)| v).collect();
        let mut listed = Vec::new();
        let each = |value: &str| {
            listed.push(value.to_owned());
            true
        };
        block.for_each_label_value(name, Some(found), each).unwrap();
        assert_eq!(listed, values.into_iter().collect::<Vec<_>>());
    }
}

fn group() -> impl Strategy<Value = ModelGroup> {
    let rows = prop_oneof![1..30_usize, 470..490_usize, 900..1000_usize];
    (rows, 0..3_u64, any::<bool>(), 0..5000_i64, 1..3000_i64, any::<bool>()).prop_map(
        |(rows, key, ends, start, step, jitter)| {
            let absence = if ends { Absence::EndsSeries } else { Absence::MeansNothing };
            let mut t_ms = 1_700_000_000_000 + start;
            let time = |i: usize| {
                t_ms += step + if jitter { (i as i64 * 7919) % 13 } else { 0 };
                t_ms
            };
            ModelGroup { key, absence, times: (0..rows).map(time).collect() }
        },
    )
}

fn rows(rows: usize) -> impl Strategy<Value = Vec<Option<f64>>> {
    let gaps = prop::collection::vec((0..rows.max(2), 1..40_usize), 0..4);
    (0..5, gaps, any::<u32>()).prop_map(move |(kind, gaps, seed)| {
        let value = |i: usize| match kind {
            0 => f64::from(seed),
            1 => f64::from(seed) + i as f64,
            2 => (u64::from(seed) * (i as u64 | 1) % 1_000_003) as f64 / 1000.0,
            3 => f64::from_bits(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15 + i as u64)),
            _ => [f64::NAN, stale_marker(), -0.0, f64::INFINITY][i % 4],
        };
        let mut all: Vec<Option<f64>> = (0..rows).map(|i| Some(value(i))).collect();
        for (start, len) in gaps {
            let end = (start + len).min(rows);
            all[start.min(rows)..end].fill(None);
        }
        all
    })
}

pub(crate) fn labels() -> impl Strategy<Value = Labels> {
    let name = prop::sample::select(vec!["up", "node_cpu_seconds_total", "node_load1", "日本"]);
    let pair = (
        prop::sample::select(vec!["job", "instance", "cpu", "mode", "le"]),
        prop::sample::select(vec!["", "a", "ab", "abc", "b", "0", "1", "+Inf", "é", "node:9100"]),
    );
    (name, prop::collection::vec(pair, 0..4))
        .prop_map(|(name, pairs)| Labels::from_pairs(pairs.into_iter().chain([("__name__", name)])))
}

pub(crate) fn block() -> impl Strategy<Value = ModelBlock> {
    prop::collection::vec(group(), 1..4).prop_flat_map(|groups| {
        let sizes: Vec<usize> = groups.iter().map(|group| group.times.len()).collect();
        let part = (0..sizes.len(), any::<bool>()).prop_flat_map(move |(group, present_before)| {
            rows(sizes[group]).prop_map(move |rows| ModelPart { group, present_before, rows })
        });
        let parts = prop::collection::vec(part, 1..4);
        let series = prop::collection::btree_map(labels(), parts, 0..25);
        series.prop_map(move |series| ModelBlock { groups: groups.clone(), series })
    })
}

pub(crate) fn matchers() -> Vec<Vec<Matcher>> {
    use model::MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let one = |op, name, value| Matcher::new(op, name, value).unwrap();
    let mut all = vec![vec![]];
    for name in ["__name__", "job", "cpu", "absent"] {
        for value in ["", "a", "abc", "zzz", "up", "node_load1"] {
            all.push(vec![one(Equal, name, value)]);
            all.push(vec![one(NotEqual, name, value)]);
        }
        for pattern in ["", "a|b", "a|", "|", "ab.*", ".*", ".+", "(a|b)c?", "node_.+", "[^a]"] {
            all.push(vec![one(Regex, name, pattern)]);
            all.push(vec![one(NotRegex, name, pattern)]);
            all.push(vec![one(Equal, "__name__", "up"), one(NotRegex, name, pattern)]);
            all.push(vec![one(NotEqual, "mode", "0"), one(Regex, name, pattern)]);
        }
    }
    all
}

pub(crate) fn real_disk() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}
