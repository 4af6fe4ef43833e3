use super::delta::Last;
use super::*;
use crate::codec::Scratch;
use model::stale_marker;
use proptest::prelude::*;

fn spans() -> impl Strategy<Value = Vec<Span>> {
    let span = (-40..40_i32, 0..6_u32).prop_map(|(offset, length)| Span { offset, length });
    prop::collection::vec(span, 0..4)
}

fn count() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (0..2_000_u32).prop_map(f64::from),
        1 => (0..100_u32).prop_map(|n| f64::from(n) / 7.0),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, 1e300, -3.0, 9.1e15]),
    ]
}

/// Any histogram whose spans cover its buckets.
pub(crate) fn histogram() -> impl Strategy<Value = FloatHistogram> {
    let shape = (
        prop_oneof![Just(0), Just(3), Just(-53), any::<i32>()],
        prop::sample::select(vec![0.0, 1e-128, 0.5, f64::NAN]),
        spans(),
        spans(),
        prop::collection::vec(count(), 0..5),
        0..4_u8,
    );
    shape.prop_flat_map(|(schema, zero_threshold, positive, negative, custom_values, hint)| {
        let length = |spans: &[Span]| spans.iter().map(|span| span.length as usize).sum::<usize>();
        let (p, n) = (length(&positive), length(&negative));
        let numbers = prop::collection::vec(count(), 2 + p + n);
        (numbers, any::<Option<u32>>(), -1e6..1e6).prop_map(move |(numbers, total, sum)| {
            let mut histogram = FloatHistogram {
                schema,
                sum,
                zero_threshold,
                zero_count: numbers[1],
                positive_spans: positive.clone(),
                negative_spans: negative.clone(),
                positive_buckets: numbers[2..2 + p].to_vec(),
                negative_buckets: numbers[2 + p..].to_vec(),
                custom_values: custom_values.clone(),
                counter_reset: [CounterReset::Unknown, CounterReset::Gauge, CounterReset::Reset]
                    [usize::from(hint) % 3],
                count: numbers[0],
            };
            if total.is_none() {
                histogram.count = bucket_sum(&histogram);
            }
            histogram
        })
    })
}

/// Everything as bits: NaNs are equal to themselves and zeros differ.
pub(crate) fn bits(h: &FloatHistogram) -> (Vec<u64>, Vec<Span>, Vec<Span>, CounterReset) {
    let numbers = [f64::from(h.schema), h.count, h.sum, h.zero_count, h.zero_threshold];
    let lists = [&h.positive_buckets, &h.negative_buckets, &h.custom_values];
    let all = numbers.iter().chain(lists.into_iter().flatten()).map(|n| n.to_bits());
    (all.collect(), h.positive_spans.clone(), h.negative_spans.clone(), h.counter_reset)
}

/// Round trip in both forms.
#[track_caller]
fn check(histograms: &[FloatHistogram]) {
    let (mut bytes, mut last) = (Vec::new(), Last::default());
    for (i, histogram) in histograms.iter().enumerate() {
        assert_eq!(refusal(histogram), None);
        last.encode(histogram, i % 5 == 4, &mut bytes);
    }
    let (mut from, mut last) = (ByteReader::new(&bytes), Last::default());
    for histogram in histograms {
        last.decode(&mut from).unwrap();
        assert_eq!(bits(&last.histogram().unwrap()), bits(histogram));
    }
    assert!(from.rest().is_empty());

    let all: Vec<_> = histograms.iter().cloned().map(Arc::new).collect();
    let mut scratch = Scratch::default();
    let mut values = vec![f64::from_bits(HISTOGRAM_BITS); all.len()];
    values.insert(all.len() / 2, 1.5);
    let (mut bytes, mut back, mut back_values) = (Vec::new(), Vec::new(), Vec::new());
    encode_samples(&values, &all, &mut scratch, &mut bytes);
    let read = decode_samples(&bytes, values.len(), &mut scratch, &mut back_values, &mut back);
    assert_eq!(read, Ok(()));
    assert_eq!(
        back.iter().map(|h| bits(h)).collect::<Vec<_>>(),
        histograms.iter().map(bits).collect::<Vec<_>>()
    );
    assert_eq!(marks(&back_values), all.len());
    for end in 0..bytes.len() {
        let (mut back, mut values) = (Vec::new(), Vec::new());
        let n = back_values.len();
        let short = decode_samples(&bytes[..end], n, &mut scratch, &mut values, &mut back);
        // A chunk whose histograms are cut off whole is a chunk without any.
        assert!(short.is_err() || back.is_empty(), "cut at {end}");
    }
}

fn typical(rows: u32) -> Vec<FloatHistogram> {
    // Twenty buckets, of which two grow from row to row.
    let mut buckets: Vec<u32> = (0..20_u32).map(|i| 40 + 17 * i).collect();
    let mut sum = 100.0;
    let rows = (0..rows).map(|row| {
        for step in [row * 7 + 3, row * 11 + row / 3] {
            let i = step % 20;
            buckets[i as usize] += 1 + row % 3;
            sum += f64::from(i) * 0.0123 + f64::from(row % 7) * 0.00071;
        }
        FloatHistogram {
            schema: 3,
            count: buckets.iter().copied().map(f64::from).sum(),
            sum,
            zero_threshold: 2f64.powi(-128),
            positive_spans: vec![Span { offset: -8, length: 12 }, Span { offset: 3, length: 8 }],
            positive_buckets: buckets.iter().copied().map(f64::from).collect(),
            ..FloatHistogram::default()
        }
    });
    rows.collect()
}

#[test]
fn a_typical_histogram_takes_few_bytes() {
    let all = typical(480);
    check(&all[..20]);
    let (mut rows, mut last) = (Vec::new(), Last::default());
    for (i, histogram) in all.iter().enumerate() {
        last.encode(histogram, i % 120 == 0, &mut rows);
    }
    let shared: Vec<_> = all.into_iter().map(Arc::new).collect();
    let size = |n: usize| {
        let mut bytes = Vec::new();
        for some in shared.chunks(n) {
            chunk::encode(some, &mut Scratch::default(), &mut bytes);
        }
        bytes.len() as f64 / 480.0
    };
    let in_rows = rows.len() as f64 / 480.0;
    println!("bytes per histogram: row {in_rows:.1}, 120 {:.1}, 480 {:.1}", size(120), size(480));
    assert!(in_rows < 16.0 && size(120) < 12.0 && size(480) < 11.0);
}

#[test]
fn odd_histograms_come_back() {
    let empty = FloatHistogram::default();
    let infinite = FloatHistogram { count: f64::INFINITY, zero_count: f64::NAN, ..empty.clone() };
    let huge = FloatHistogram { count: 1.8e16, zero_count: 9.1e15, ..empty.clone() };
    let minus = FloatHistogram { count: -0.0, sum: stale_marker(), ..empty.clone() };
    check(&[empty.clone(), empty, infinite.clone(), huge, infinite, minus]);
    let wide = FloatHistogram {
        positive_spans: vec![Span { offset: 0, length: 65_536 }],
        positive_buckets: (0..65_536).map(f64::from).collect(),
        ..FloatHistogram::default()
    };
    let (mut bytes, mut last) = (Vec::new(), Last::default());
    last.encode(&wide, true, &mut bytes);
    let mut back = Last::default();
    back.decode(&mut ByteReader::new(&bytes)).unwrap();
    assert_eq!(back.histogram().unwrap(), wide);
    let all = [(); 40].map(|()| Arc::new(wide.clone())).to_vec();
    let (mut bytes, mut back) = (Vec::new(), Vec::new());
    chunk::encode(&all, &mut Scratch::default(), &mut bytes);
    assert_eq!(
        chunk::decode(&bytes, 40, 0..40, &mut Scratch::default(), &mut back),
        Ok(bytes.len())
    );
    assert_eq!(back, all);

    let uncovered = FloatHistogram { positive_buckets: vec![1.0], ..FloatHistogram::default() };
    assert!(refusal(&uncovered).is_some());
    let mut too_wide = wide;
    too_wide.positive_spans.push(Span { offset: 0, length: 1 });
    too_wide.positive_buckets.push(0.0);
    assert!(refusal(&too_wide).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn histograms_come_back(
        histograms in prop::collection::vec((histogram(), 1..4_usize, count()), 1..8)
    ) {
        // Each a few times, with one number changed.
        let all: Vec<FloatHistogram> = histograms
            .into_iter()
            .flat_map(|(histogram, times, number)| {
                (0..times).map(move |i| {
                    let mut next = histogram.clone();
                    if i > 0 {
                        next.zero_count = number;
                    }
                    next
                })
            })
            .collect();
        check(&all);
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200), head in 0..3_u8, n in 0..600_usize
    ) {
        let mut last = Last::default();
        let mut from = ByteReader::new(&bytes);
        while last.decode(&mut from).is_ok() {
            prop_assert!(last.histogram().is_some());
        }
        chunk::decode(&bytes, n, 0..n, &mut Scratch::default(), &mut Vec::new()).ok();
        // Damage to what is nearly right gets further.
        let mut good = Vec::new();
        let all: Vec<_> = typical(30).into_iter().map(Arc::new).collect();
        match head {
            0 => chunk::encode(&all, &mut Scratch::default(), &mut good),
            _ => all.iter().for_each(|h| Last::default().encode(h, true, &mut good)),
        }
        for (i, byte) in bytes.iter().enumerate().take(4) {
            let at = (usize::from(*byte) * 7 + i * 131) % good.len();
            good[at] ^= bytes[i].rotate_left(3) | 1;
        }
        chunk::decode(&good, 30, 3..20, &mut Scratch::default(), &mut Vec::new()).ok();
        let (mut last, mut from) = (Last::default(), ByteReader::new(&good));
        while last.decode(&mut from).is_ok() {}
    }
}
