use super::*;
use crate::kahan::Sum;
use proptest::prelude::*;

/// Counts by index, a schema and a zero bucket.
fn exponential() -> impl Strategy<Value = FloatHistogram> {
    let side = || prop::collection::btree_map(-20..20i32, 0..50u32, 0..12);
    (COARSEST..=FINEST, 0..3u32, 0..9u32, side(), side()).prop_map(
        |(schema, zero, zero_count, positive, negative)| {
            let layout = |side: std::collections::BTreeMap<i32, u32>| -> Layout {
                side.into_iter().map(|(i, count)| (i, f64::from(count))).collect()
            };
            let (positive_spans, positive_buckets) = layout(positive).into_parts();
            let (negative_spans, negative_buckets) = layout(negative).into_parts();
            let mut h = FloatHistogram {
                schema,
                sum: 1.0,
                zero_threshold: [0.0, 0.001, 1.0][zero as usize],
                zero_count: f64::from(zero_count),
                positive_spans,
                positive_buckets,
                negative_spans,
                negative_buckets,
                ..FloatHistogram::default()
            };
            h.count = observations(&h);
            h
        },
    )
}

fn custom() -> impl Strategy<Value = FloatHistogram> {
    let bounds = prop::collection::btree_set(0..12i32, 0..8);
    (bounds, prop::collection::vec(0..20u32, 9)).prop_map(|(bounds, counts)| {
        let custom_values: Vec<f64> = bounds.into_iter().map(f64::from).collect();
        let counts = counts.into_iter().map(f64::from).take(custom_values.len() + 1);
        let layout: Layout = (0..).zip(counts).filter(|(_, count)| *count != 0.0).collect();
        let (positive_spans, positive_buckets) = layout.into_parts();
        let mut h = FloatHistogram {
            schema: CUSTOM_BUCKETS,
            positive_spans,
            positive_buckets,
            custom_values,
            ..FloatHistogram::default()
        };
        h.count = observations(&h);
        h
    })
}

fn observations(h: &FloatHistogram) -> f64 {
    h.zero_count + h.positive_buckets.iter().chain(&h.negative_buckets).sum::<f64>()
}

fn sum(a: &FloatHistogram, b: &FloatHistogram) -> (FloatHistogram, Added) {
    let mut sum = HistogramSum::from(a);
    let added = sum.add(b).unwrap();
    (sum.total(), added)
}

fn compacted(mut h: FloatHistogram) -> FloatHistogram {
    h.compact();
    h
}

fn simple(counts: &[f64]) -> FloatHistogram {
    let (positive_spans, positive_buckets) =
        (0..).zip(counts.iter().copied()).collect::<Layout>().into_parts();
    let count = counts.iter().sum();
    FloatHistogram { count, positive_spans, positive_buckets, ..FloatHistogram::default() }
}

proptest! {
    #[test]
    fn a_lower_resolution_keeps_all_observations(h in exponential(), schema in -6..9i32) {
        let mut coarse = h.clone();
        coarse.reduce_resolution(schema);
        prop_assert_eq!(observations(&coarse), observations(&h));
        prop_assert_eq!(coarse.schema, schema.min(h.schema));
        prop_assert!(coarse.validate().is_ok() || schema < COARSEST);
        // In two steps as in one.
        let mut stepwise = h.clone();
        stepwise.reduce_resolution(schema + 1);
        stepwise.reduce_resolution(schema);
        prop_assert_eq!(&stepwise, &coarse);
        // Of a joined bucket, all observations stay between its bounds.
        for bound in [-4, 0, 3] {
            let below = |h: &FloatHistogram, bound: f64| -> f64 {
                h.buckets().iter().filter(|b| b.upper <= bound).map(|b| b.count).sum()
            };
            let bound = coarse.bound(bound).max(coarse.zero_threshold);
            prop_assert!(below(&coarse, bound) <= below(&h, bound));
        }
    }

    #[test]
    fn addition_is_commutative(a in exponential(), b in exponential()) {
        let ((ab, _), (ba, _)) = (sum(&a, &b), sum(&b, &a));
        prop_assert!(ab.equals(&ba), "{ab:?} {ba:?}");
        prop_assert_eq!(observations(&ab), observations(&a) + observations(&b));
        prop_assert!(ab.validate().is_ok());
        prop_assert!(ab.zero_threshold >= a.zero_threshold.max(b.zero_threshold));
    }

    #[test]
    fn addition_of_custom_buckets_is_commutative(a in custom(), b in custom()) {
        let ((ab, added), (ba, _)) = (sum(&a, &b), sum(&b, &a));
        prop_assert!(ab.equals(&ba), "{ab:?} {ba:?}");
        prop_assert_eq!(observations(&ab), observations(&a) + observations(&b));
        prop_assert_eq!(added.bounds_reconciled, a.custom_values != b.custom_values);
        prop_assert!(ab.validate().is_ok());
    }

    #[test]
    fn what_was_added_can_be_subtracted(a in exponential(), b in exponential()) {
        let mut sum = HistogramSum::from(&a);
        sum.add(&b).unwrap();
        sum.subtract(&b).unwrap();
        let mut expected = HistogramSum::from(&a);
        // The layout stays that of the sum.
        expected.add_times(&b, 0.0).unwrap();
        prop_assert!(sum.total().equals(&expected.total()));
    }

    #[test]
    fn more_observations_are_no_reset(a in exponential(), b in exponential()) {
        let (more, _) = sum(&a, &b);
        prop_assert!(!more.detect_reset(&a), "{more:?} {a:?}");
        // Less, or finer, or around a narrower zero: anything but the same, whatever the sum.
        let same = compacted(FloatHistogram { sum: more.sum, ..a.clone() }).equals(&more);
        prop_assert_eq!(a.detect_reset(&more), !same);
    }

    #[test]
    fn more_observations_in_custom_buckets_are_no_reset(a in custom(), b in custom()) {
        let (more, _) = sum(&a, &b);
        prop_assert!(!more.detect_reset(&a), "{more:?} {a:?}");
        prop_assert_eq!(a.detect_reset(&more), b.count > 0.0);
    }

    #[test]
    fn compaction_loses_nothing(h in exponential()) {
        let compact = compacted(h.clone());
        prop_assert!(compact.validate().is_ok());
        prop_assert!(!compact.positive_buckets.contains(&0.0));
        prop_assert_eq!(compact.buckets(), h.buckets());
        prop_assert_eq!(compacted(compact.clone()), compact);
        prop_assert_eq!(h.validate_counts(), Ok(()));
    }

    #[test]
    fn nonsense_does_not_panic(
        schema in -60..60i32,
        spans in prop::collection::vec((any::<i32>(), any::<u32>()), 0..4),
        counts in prop::collection::vec(any::<f64>(), 0..6),
        bounds in prop::collection::vec(any::<f64>(), 0..4),
        numbers in any::<[f64; 4]>(),
    ) {
        let spans: Vec<Span> =
            spans.into_iter().map(|(offset, length)| Span { offset, length }).collect();
        let mut h = FloatHistogram {
            schema,
            count: numbers[0],
            sum: numbers[1],
            zero_count: numbers[2],
            zero_threshold: numbers[3],
            positive_spans: spans.clone(),
            negative_spans: spans,
            positive_buckets: counts.clone(),
            negative_buckets: counts,
            custom_values: bounds,
            counter_reset: CounterReset::Unknown,
        };
        h.validate().ok();
        prop_assert!(h.buckets().len() <= 13);
        let other = FloatHistogram { schema: 3, zero_threshold: 0.1, ..simple(&[1.0, 2.0]) };
        std::hint::black_box((h.detect_reset(&other), other.detect_reset(&h)));
        HistogramSum::from(&h).add(&other).ok();
        HistogramSum::from(&other).subtract(&h).ok();
        h.reduce_resolution(-9);
        h.compact();
    }
}

#[test]
fn bounds() {
    let check = |schema: i32, index: i32, expected: f64| {
        let h = FloatHistogram { schema, ..FloatHistogram::default() };
        let got = h.bound(index);
        assert!((got - expected).abs() <= 1e-15 * expected || got == expected, "{got} {expected}");
    };
    check(0, 0, 1.0);
    check(0, 3, 8.0);
    check(0, -1, 0.5);
    check(-1, 2, 16.0);
    check(1, 1, 2.0_f64.sqrt());
    check(8, 256, 2.0);
    check(0, 1024, f64::MAX);
    check(0, 1025, f64::INFINITY);
    check(8, 1024 * 256, f64::MAX);
    check(8, 1024 * 256 + 1, f64::INFINITY);
    check(-4, 64, f64::MAX);
    check(0, -1074, f64::from_bits(1));
    check(0, i32::MAX, f64::INFINITY);
    check(-4, i32::MIN, 0.0);
    let custom = FloatHistogram { custom_values: vec![1.0, 5.0], schema: -53, ..simple(&[1.0]) };
    assert_eq!(
        [-1, 0, 1, 2, 9].map(|i| custom.bound(i)),
        [-f64::INFINITY, 1.0, 5.0, 1.0 / 0.0, 1.0 / 0.0]
    );
}

#[test]
fn errors_have_the_known_words() {
    let check = |h: FloatHistogram, expected: &str| {
        assert_eq!(h.validate().unwrap_err().to_string(), expected);
    };
    let good = simple(&[1.0, 2.0]);
    assert_eq!(good.validate(), Ok(()));
    check(
        FloatHistogram { positive_buckets: vec![1.0], ..good.clone() },
        "positive side: spans need 2 buckets, have 1 buckets: histogram spans specify different \
         number of buckets than provided",
    );
    check(
        FloatHistogram { positive_buckets: vec![1.0, -2.0], ..good.clone() },
        "positive side: bucket number 2 has observation count of -2: histogram has a bucket whose \
         observation count is negative",
    );
    check(
        FloatHistogram { schema: 9, ..good.clone() },
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, \
         or -53 for custom buckets, got schema 9",
    );
    check(
        FloatHistogram { schema: -53, custom_values: vec![2.0, 1.0], ..good.clone() },
        "custom buckets: previous bound is 2.000000 and current is 1.000000: histogram custom \
         bounds must be in strictly increasing order",
    );
    check(
        FloatHistogram { schema: -53, ..good.clone() },
        "custom buckets: only 0 custom bounds defined which is insufficient to cover total span \
         length of 2: histogram custom bounds are too few",
    );
    let fewer = FloatHistogram { count: 2.0, ..good };
    assert_eq!(
        fewer.validate_counts().unwrap_err().to_string(),
        "3 observations found in buckets, but the Count field is 2: histogram's observation count \
         should equal the number of observations found in the buckets (in absence of NaN)"
    );
}

#[test]
fn a_zero_bucket_grows_to_the_edge_of_a_bucket() {
    let narrow = FloatHistogram { zero_count: 1.0, ..simple(&[2.0, 3.0, 4.0]) };
    let wide = FloatHistogram { zero_threshold: 1.5, zero_count: 5.0, ..FloatHistogram::default() };
    let (total, _) = sum(&narrow, &wide);
    assert_eq!((total.zero_threshold, total.zero_count), (2.0, 11.0));
    assert_eq!(total.positive().collect::<Vec<_>>(), [(2, 4.0)]);
}

#[test]
fn hints_of_a_store() {
    use CounterReset::{Gauge, NotReset, Unknown};
    let check = |previous: Option<&[f64]>, current: &[f64], expected: CounterReset| {
        let previous = previous.map(simple);
        assert_eq!(FloatHistogram::hint_after(previous.as_ref(), &simple(current)), expected);
    };
    check(None, &[1.0], Unknown);
    check(Some(&[1.0]), &[1.0, 0.0], NotReset);
    check(Some(&[1.0, 3.0]), &[2.0, 2.0], Unknown);
    let gauge = FloatHistogram { counter_reset: Gauge, ..simple(&[1.0]) };
    assert_eq!(FloatHistogram::hint_after(None, &gauge), Gauge);
    assert_eq!(FloatHistogram::hint_after(Some(&gauge), &simple(&[2.0])), Unknown);
    assert_eq!(FloatHistogram::hint_after(Some(&FloatHistogram::stale()), &gauge), Gauge);
}

#[test]
fn hints_of_sums() {
    use CounterReset::{Gauge, NotReset, Reset, Unknown};
    let check = |a, b, expected: CounterReset, conflict: bool| {
        let with = |counter_reset| FloatHistogram { counter_reset, ..simple(&[1.0]) };
        for (a, b) in [(a, b), (b, a)] {
            let (total, added) = sum(&with(a), &with(b));
            assert_eq!((total.counter_reset, added.resets_conflict), (expected, conflict));
        }
    };
    check(Unknown, NotReset, Unknown, false);
    check(NotReset, NotReset, NotReset, false);
    check(Gauge, Reset, Gauge, false);
    check(Reset, NotReset, Unknown, true);
    assert_eq!(Sum::of(1.0).times(2.0).total(), 2.0);
}
