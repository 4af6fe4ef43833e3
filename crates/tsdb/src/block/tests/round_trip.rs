use super::super::*;
use super::model_block::*;
use crate::faulty_disk::FaultyDisk;
use model::Labels;
use proptest::prelude::*;
use std::io;
use std::sync::Arc;
use storage::Absence;
use ulid::Ulid;

#[track_caller]
fn check(model: &ModelBlock) {
    let dir = tempfile::tempdir().unwrap();
    let ulid = Ulid::from_parts(1, 2);
    let disk = real_disk();
    let meta = model.write(disk.clone(), dir.path(), ulid).unwrap();
    let block = Block::open(&*disk, &dir.path().join(ulid.to_string())).unwrap();
    assert_eq!(*block.meta(), meta);
    assert_eq!(meta.stats.num_series, model.series.len() as u64);
    assert_eq!(
        crate::disk::bytes_below(&*disk, block.dir()).unwrap() - meta.bytes,
        std::fs::metadata(block.dir().join("meta.json")).unwrap().len()
    );
    check_block(&block, &model.all(), &matchers());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_block_says_what_a_map_says(model in block()) {
        check(&model);
    }
}

#[test]
fn a_block_without_anything() {
    check(&ModelBlock::default());
}

#[test]
fn edges_are_markers_only_where_absence_ends_series() {
    let rows = |text: &str| text.chars().map(|c| c.to_digit(10).map(f64::from)).collect::<Vec<_>>();
    let check = |absence, parts: &[(usize, bool, &str)], expected: &[(i64, &str)]| {
        let group = ModelGroup { key: 0, absence, times: vec![10, 20, 30, 40] };
        let parts = parts.iter().map(|(group, present_before, text)| ModelPart {
            group: *group,
            present_before: *present_before,
            rows: rows(text),
        });
        let series = [(Labels::from_pairs([("a", "b")]), parts.collect())].into();
        let model = ModelBlock { groups: vec![group; 2], series };
        let seen = model.all().into_values().next().unwrap();
        let seen: Vec<(i64, String)> = seen
            .into_iter()
            .map(|(t, v)| (t, if model::is_stale(v) { "x".to_owned() } else { v.to_string() }))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(t, v)| (*t, (*v).to_owned())).collect();
        assert_eq!(seen, expected);
        super::round_trip::check(&model);
    };
    let ends = Absence::EndsSeries;
    check(ends, &[(0, false, "1234")], &[(10, "1"), (20, "2"), (30, "3"), (40, "4")]);
    check(ends, &[(0, false, "1..4")], &[(10, "1"), (20, "x"), (40, "4")]);
    check(ends, &[(0, true, "....")], &[(10, "x")]);
    check(ends, &[(0, true, ".2..")], &[(10, "x"), (20, "2"), (30, "x")]);
    check(ends, &[(0, false, "....")], &[]);
    check(ends, &[(0, true, "1...")], &[(10, "1"), (20, "x")]);
    check(Absence::MeansNothing, &[(0, true, ".2..")], &[(20, "2")]);
    // Two targets with one label set: a value wins over the other's end, else the first part wins.
    check(ends, &[(0, true, ".2.."), (1, true, "56..")], &[(10, "5"), (20, "2"), (30, "x")]);
    check(
        ends,
        &[(0, true, "1..."), (1, false, ".678")],
        &[(10, "1"), (20, "6"), (30, "7"), (40, "8")],
    );
}

#[test]
fn a_disk_that_fails_leaves_a_whole_block_or_none() {
    let group = ModelGroup { key: 1, absence: Absence::EndsSeries, times: (0..600).collect() };
    let rows = vec![Some(1.5); 600];
    let part = ModelPart { group: 0, present_before: true, rows };
    let series = [(Labels::from_pairs([("a", "b")]), vec![part])].into();
    let model = ModelBlock { groups: vec![group], series };
    let ulid = Ulid::from_parts(5, 5);
    for calls in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::failing_after(calls, io::ErrorKind::StorageFull);
        let written = model.write(Arc::new(disk.clone()), dir.path(), ulid);
        let path = dir.path().join(ulid.to_string());
        if path.exists() {
            let block = Block::open(&disk, &path).unwrap();
            check_block(&block, &model.all(), &[vec![]]);
        }
        match written {
            Ok(_) => {
                assert!(path.exists() && calls > 10, "{calls} calls");
                break;
            }
            Err(Error::Disk(error)) => assert!(error.is_full(), "{error}"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_failed_block_gives_its_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let range = model::TimeRange { min_ms: 0, max_ms: 9 };
    let mut writer = BlockWriter::new(real_disk(), dir.path(), Ulid::nil(), range).unwrap();
    writer.group(0, Absence::EndsSeries, &[1, 2]).unwrap();
    drop(writer);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
