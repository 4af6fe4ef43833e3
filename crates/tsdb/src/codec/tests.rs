use super::*;
use proptest::prelude::*;
use storage::{Column, Row};

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Round trip, with other bytes after the chunk; gives its size.
#[track_caller]
fn check(values: &[f64]) -> usize {
    let mut scratch = Scratch::default();
    let mut bytes = Vec::new();
    encode(values, &mut scratch, &mut bytes);
    let size = bytes.len();
    bytes.extend_from_slice(&[0xa5; 9]);
    for end in [size, bytes.len()] {
        let mut back = vec![7.0];
        let used = decode(&bytes[..end], values.len(), &mut scratch, &mut back).unwrap();
        assert_eq!(used, size);
        assert_eq!(bits(&back[1..]), bits(values));
    }
    if size > 0 && !values.is_empty() {
        let mut back = Vec::new();
        let short = decode(&bytes[..size - 1], values.len(), &mut scratch, &mut back);
        assert!(short.is_err() && back.is_empty(), "a byte less");
    }
    size
}

fn odd_values() -> Vec<f64> {
    let mut values = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::NAN,
        -f64::NAN,
        model::stale_marker(),
        f64::from_bits(model::sample::NORMAL_NAN_BITS),
        f64::from_bits(0xffff_ffff_ffff_ffff),
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        9_007_199_254_740_991.0,
        9_007_199_254_740_993.0,
        4.6e18,
        -9.3e18,
        1e15,
        0.1,
        0.30000000000000004,
        5.0520000000000005,
        1e-9,
        123456.789012345,
        1.7976e308,
    ];
    values.extend((0..18).map(|e| 123.0 / 10_f64.powi(e)));
    values
}

#[test]
fn odd_values_alone_in_pairs_and_together() {
    let odd = odd_values();
    for a in &odd {
        check(&[*a]);
        for b in &odd {
            check(&[*a, *b]);
            check(&[*a, *b, *a, *a, *b]);
        }
    }
    check(&[]);
    check(&odd);
}

#[test]
fn usual_series_are_small() {
    let series =
        |n: u32, f: &dyn Fn(f64) -> f64| (0..n).map(|i| f(f64::from(i))).collect::<Vec<_>>();
    let check_at_most = |limit: usize, values: &[f64]| {
        let size = check(values);
        assert!(size <= limit, "{size} bytes, at most {limit}");
    };
    check_at_most(2, &series(120, &|_| 1.0));
    check_at_most(9, &series(120, &|_| 0.1 + 0.2));
    check_at_most(5, &series(120, &|i| 1000.0 + i));
    check_at_most(7, &series(120, &|i| (17.0 + 5.0 * i) / 100.0));
    check_at_most(14, &series(120, &|i| if i < 60.0 { 3.0 } else { 4096.0 }));
    check_at_most(120, &series(120, &|i| 4096.0 * ((i * 7.0) % 11.0)));
    check_at_most(190, &series(480, &|i| i * i));
    check_at_most(150, &series(480, &|i| i * 0.001));
    let mut gaps = series(120, &|i| i);
    gaps[60] = model::stale_marker();
    check_at_most(24, &gaps);
}

#[test]
fn a_whole_chunk_of_the_largest_size() {
    let values: Vec<f64> = (0..MAX_VALUES).map(|i| (i % 777) as f64 / 8.0).collect();
    check(&values);
}

fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<i64>().prop_map(|m| m as f64),
        (any::<i32>(), 0..12).prop_map(|(m, e)| f64::from(m) / 10_f64.powi(e)),
        (any::<i32>(), 0..12, -9_i64..9).prop_map(|(m, e, ulp)| {
            let value = f64::from(m) / 10_f64.powi(e);
            f64::from_bits(value.to_bits().wrapping_add_signed(ulp))
        }),
        prop::sample::select(odd_values()),
    ]
}

/// Series as scraped: steady, counting, wandering or noisy, now and then something odd.
fn series() -> impl Strategy<Value = Vec<f64>> {
    let shape = (0..6, any::<i32>(), 0..7, 1..1000_i32, 0..200_u32);
    let noise = prop::collection::vec((any::<u16>(), any_float()), 1..500);
    (shape, noise).prop_map(|((kind, start, e, step, odd), noise)| {
        let power = 10_f64.powi(e);
        let mut m = i64::from(start);
        let mut sum = 0.0;
        let value = |(random, float): (u16, f64)| {
            let random_step = i64::from(random % u16::try_from(step).unwrap());
            match kind {
                0 => {}
                1 => m += i64::from(step),
                2 => m += random_step,
                3 => m += random_step - i64::from(step / 2),
                4 if random % 16 == 0 => m += i64::from(step) * 4096,
                _ => {}
            }
            sum += f64::from(random) * 0.001;
            match (kind, u32::from(random) < odd) {
                (_, true) => float,
                (5, false) => sum,
                _ => m as f64 / power,
            }
        };
        noise.into_iter().map(value).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bits_come_back(values in prop::collection::vec(any_float(), 0..300)) {
        check(&values);
    }

    #[test]
    fn series_come_back(values in series()) {
        check(&values);
    }

    #[test]
    fn integers_come_back(numbers in prop::collection::vec(any::<i64>(), 1..200), shift in 0..64_u32) {
        let numbers: Vec<i64> = numbers.iter().map(|number| number >> shift << (shift / 2)).collect();
        let mut scratch = ints::Scratch::default();
        let (mut bytes, mut back) = (Vec::new(), Vec::new());
        ints::encode(&numbers, &mut scratch, &mut bytes);
        let mut from = ByteReader::new(&bytes);
        ints::decode(&mut from, numbers.len(), &mut scratch, &mut back).unwrap();
        prop_assert_eq!(from.pos(), bytes.len());
        prop_assert_eq!(back, numbers);
    }

    #[test]
    fn times_come_back(start in any::<i32>(), steps in prop::collection::vec(1_i64..100_000, 0..600)) {
        let mut t = i64::from(start) * 1000;
        let times: Vec<i64> = steps.iter().map(|step| { t += step; t }).collect();
        let mut scratch = Scratch::default();
        let (mut bytes, mut back) = (Vec::new(), Vec::new());
        times::encode(&times, &mut scratch, &mut bytes);
        let used = times::decode(&bytes, times.len(), &mut scratch, &mut back).unwrap();
        prop_assert_eq!(used, bytes.len());
        prop_assert_eq!(back, times);
    }

    /// Any bytes: a value or an error, and no more memory than the count asks for.
    #[test]
    fn any_bytes_are_survived(
        head in 0..32_u8,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        n in 0..1000_usize,
    ) {
        let mut scratch = Scratch::default();
        let (mut values, mut times) = (Vec::new(), Vec::new());
        let headed: Vec<u8> = std::iter::once(head).chain(bytes.iter().copied()).collect();
        for bytes in [&bytes, &headed] {
            values.clear();
            match decode(bytes, n, &mut scratch, &mut values) {
                Ok(used) => prop_assert!(used <= bytes.len() && values.len() == n),
                Err(_) => prop_assert!(values.is_empty()),
            }
            times.clear();
            times::decode(bytes, n, &mut scratch, &mut times).ok();
            let mut state = row::RowState::new();
            state.grow(n);
            row::decode(bytes, &mut state).ok();
            prop_assert!(state.columns() <= n + 64 * bytes.len());
        }
        prop_assert!(decode(&bytes, MAX_VALUES + 1, &mut scratch, &mut values).is_err());
    }

    /// A valid chunk with a byte changed: a value or an error.
    #[test]
    fn damaged_chunks_are_survived(values in series(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut scratch = Scratch::default();
        let (mut bytes, mut back) = (Vec::new(), Vec::new());
        encode(&values, &mut scratch, &mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if decode(&bytes, values.len(), &mut scratch, &mut back).is_ok() {
            prop_assert_eq!(back.len(), values.len());
        }
    }

    #[test]
    fn rows_come_back(rows in prop::collection::vec(row_values(), 1..20)) {
        check_rows(&rows);
    }

    #[test]
    fn damaged_rows_are_survived(
        rows in prop::collection::vec(row_values(), 1..4),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = check_rows(&rows);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut state = row::RowState::new();
        let mut rest = &bytes[..];
        while let Ok(used) = row::decode(rest, &mut state) {
            rest = &rest[used..];
            if rest.is_empty() {
                break;
            }
        }
    }
}

/// A row: columns with values; wide now and then.
fn row_values() -> impl Strategy<Value = Vec<(u32, f64)>> {
    let column = prop_oneof![4 => 0..70_u32, 1 => 0..400_u32];
    let value = prop_oneof![
        (-5..5_i32).prop_map(f64::from),
        (0..100_i32).prop_map(|m| f64::from(m) / 100.0),
        any_float()
    ];
    prop::collection::vec((column, value), 0..90)
}

/// Encodes rows one after another and reads them back; gives the bytes.
#[track_caller]
fn check_rows(rows: &[Vec<(u32, f64)>]) -> Vec<u8> {
    let mut row = Row::new();
    let (mut writer, mut reader) = (row::RowState::new(), row::RowState::new());
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    for (values, t_ms) in rows.iter().zip([5, 7, -9, i64::MAX, i64::MIN].into_iter().cycle()) {
        row.begin(t_ms);
        for (column, value) in values {
            row.set(Column(*column), *value);
        }
        row::encode(&row, &mut writer, &mut bytes);
        expected.push((row.clone(), bytes.len()));
    }
    let mut at = 0;
    for (row, end) in expected {
        at += row::decode(&bytes[at..], &mut reader).unwrap();
        assert_eq!(at, end);
        assert_eq!(reader.t_ms(), row.t_ms());
        for column in 0..500 {
            let value = row.get(Column(column)).map(f64::to_bits);
            let column = column as usize;
            let back = reader.is_present(column).then(|| reader.last()[column].to_bits());
            assert_eq!(back, value, "column {column}");
        }
    }
    assert_eq!(bits(reader.last()), bits(writer.last()));
    assert_eq!(reader.present(), writer.present());
    bytes
}

#[test]
fn unchanged_rows_cost_a_byte_per_64_columns() {
    let rows: Vec<Vec<(u32, f64)>> = vec![(0..1280).map(|c| (c, f64::from(c) * 0.5)).collect(); 2];
    let first = check_rows(&rows[..1]).len();
    assert_eq!(check_rows(&rows).len() - first, 3 + 1280 / 64);
}

#[test]
fn columns_can_be_dropped() {
    let mut row = Row::new();
    let mut state = row::RowState::new();
    row.begin(1);
    for column in [0, 1, 2, 70, 71] {
        row.set(Column(column), f64::from(column));
    }
    let mut bytes = Vec::new();
    row::encode(&row, &mut state, &mut bytes);
    state.retain(|column| column % 2 == 0);
    assert_eq!(state.columns(), 36);
    let present = (0..36).filter(|c| state.is_present(*c)).map(|c| state.last()[c]);
    assert_eq!(present.collect::<Vec<_>>(), [0.0, 2.0, 70.0]);
}
