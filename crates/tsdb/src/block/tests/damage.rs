use super::super::*;
use super::model_block::*;
use model::{Labels, Matcher};
use std::fs;
use std::path::{Path, PathBuf};
use storage::Absence;
use ulid::Ulid;

fn small_block(dir: &Path) -> (PathBuf, ModelBlock) {
    let group = |key, first: i64, n: i64| ModelGroup {
        key,
        absence: Absence::EndsSeries,
        times: (0..n).map(|i| first + i * 1000 + i % 3).collect(),
    };
    let groups = vec![group(1, 1_700_000_000_000, 500), group(2, 1_700_000_000_500, 40)];
    let mut series = std::collections::BTreeMap::new();
    for i in 0..20_u32 {
        let cpu = i.to_string();
        let labels =
            Labels::from_pairs([("__name__", "cpu_total"), ("cpu", &cpu), ("job", "node")]);
        let on = usize::from(i % 5 == 0);
        let n = groups[on].times.len();
        let rows = (0..n).map(|row| (row % 100 != 99).then(|| f64::from(i) * row as f64 / 8.0));
        series.insert(
            labels,
            vec![ModelPart { group: on, present_before: true, rows: rows.collect() }],
        );
    }
    let model = ModelBlock { groups, series };
    let meta = model.write(real_disk(), dir, Ulid::from_parts(3, 4)).unwrap();
    (dir.join(meta.ulid.to_string()), model)
}

/// Opens, selects and reads all: the right answer, or an error that says what is damaged.
#[track_caller]
fn check(dir: &Path, expected: &AllBits, what: &str) -> bool {
    let read = || {
        let block = Block::open(&*real_disk(), dir)?;
        let all = read_all(&block)?;
        let selected = block.select(&[Matcher::equal("cpu", "7")])?;
        Ok((all, selected.iter().collect::<Vec<_>>(), block.meta().range))
    };
    match read() {
        Ok((all, selected, range)) => {
            assert!(all == *expected, "{what}: wrong samples");
            assert_eq!(selected.len(), 1, "{what}");
            assert_eq!(range.min_ms, 1_700_000_000_000, "{what}");
            true
        }
        Err(Error::Damaged { path, .. } | Error::TooNew { path, .. }) => {
            assert!(path.starts_with(dir), "{what}: {path:?}");
            false
        }
        Err(error) => panic!("{what}: {error}"),
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let dir = tempfile::tempdir().unwrap();
    let (block, model) = small_block(dir.path());
    let expected: Vec<_> = model.all().iter().map(|(l, s)| (l.clone(), bits(s))).collect();
    assert!(check(&block, &expected, "untouched"));
    let mut noticed = 0;
    for file in ["meta.json", "index", "ts", "chunks"] {
        let path = block.join(file);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            for mask in [1 << (at % 8), 0x20, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= mask;
                // A new file: the old one may be mapped.
                fs::remove_file(&path).unwrap();
                fs::write(&path, &damaged).unwrap();
                let whole = check(&block, &expected, &format!("{file} at {at} ^ {mask:#x}"));
                noticed += usize::from(!whole);
                assert!(!whole || file == "meta.json", "{file} at {at}: not noticed");
            }
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bytes).unwrap();
    }
    println!("{noticed} flips noticed");
    assert!(check(&block, &expected, "mended"));
}

#[test]
fn missing_empty_and_short_files_are_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (block, model) = small_block(dir.path());
    let expected: Vec<_> = model.all().iter().map(|(l, s)| (l.clone(), bits(s))).collect();
    for file in ["meta.json", "index", "ts", "chunks"] {
        let path = block.join(file);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!check(&block, &expected, &format!("no {file}")));
        for len in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&path, &bytes[..len]).unwrap();
            // The last byte of `meta.json` is a newline.
            let whole = check(&block, &expected, &format!("{len} bytes of {file}"));
            assert!(!whole || (file == "meta.json" && len == bytes.len() - 1));
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(check(&block, &expected, "mended"));
    fs::remove_dir_all(&block).unwrap();
    assert!(matches!(Block::open(&*real_disk(), &block), Err(Error::Damaged { .. })));
}
