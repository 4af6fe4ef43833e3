//! Quantiles and fractions of classic histograms.

/// Observations up to and including a bound, cumulative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) le: f64,
    pub(crate) count: f64,
}

/// How buckets had to be repaired to be monotonic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forced {
    pub(crate) min_bound: f64,
    pub(crate) max_bound: f64,
    pub(crate) max_diff: f64,
}

/// Decreases smaller than this, relative to the counts, are rounding and not worth a word.
const ROUNDING: f64 = 1e-12;

/// Sorts buckets by bound, adds up those of equal bounds. False without a last bucket at +Inf.
fn prepare(buckets: &mut Vec<Bucket>) -> bool {
    buckets.sort_by(|a, b| a.le.total_cmp(&b.le));
    buckets.dedup_by(|later, kept| {
        let same = later.le == kept.le;
        if same {
            kept.count += later.count;
        }
        same
    });
    buckets.last().is_some_and(|last| last.le == f64::INFINITY)
}

/// Raises counts that are below the one before. Tells about it unless it was rounding only.
fn force_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut previous = buckets.first()?.count;
    for bucket in &mut buckets[1..] {
        let count = bucket.count;
        if count == previous {
            continue;
        }
        if is_rounding(previous, count) {
            bucket.count = previous;
        } else if count < previous {
            let (le, diff) = (bucket.le, previous - count);
            let all = forced.get_or_insert(Forced { min_bound: le, max_bound: le, max_diff: diff });
            all.max_bound = all.max_bound.max(le);
            all.max_diff = all.max_diff.max(diff);
            bucket.count = previous;
        } else {
            previous = count;
        }
    }
    forced
}

fn is_rounding(a: f64, b: f64) -> bool {
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        diff < ROUNDING * f64::MIN_POSITIVE
    } else {
        diff / sum.min(f64::MAX) < ROUNDING
    }
}

/// The value below which a share of the observations lies, interpolated within its bucket; reorders
/// the buckets.
pub(crate) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if !prepare(buckets) {
        return (f64::NAN, None);
    }
    let forced = force_monotonic(buckets);
    (of_monotonic(q, buckets), forced)
}

fn of_monotonic(q: f64, buckets: &[Bucket]) -> f64 {
    let [finite @ .., last] = buckets else { return f64::NAN };
    let Some(highest) = finite.last() else { return f64::NAN };
    if last.count == 0.0 || last.count.is_nan() {
        return f64::NAN;
    }
    let mut rank = q * last.count;
    let i = finite.partition_point(|bucket| bucket.count < rank);
    let Some(bucket) = finite.get(i) else { return highest.le };
    let (mut start, mut count) = (0.0, bucket.count);
    if i == 0 {
        if bucket.le <= 0.0 {
            return bucket.le;
        }
    } else {
        start = finite[i - 1].le;
        count -= finite[i - 1].count;
        rank -= finite[i - 1].count;
    }
    start + (bucket.le - start) * (rank / count)
}

/// The share of observations between two values, interpolated within their buckets; reorders the
/// buckets.
pub(crate) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !prepare(buckets) {
        return f64::NAN;
    }
    let total = buckets[buckets.len() - 1].count;
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_at(upper, buckets).min(total) - rank_at(lower, buckets).min(total)) / total
}

/// The number of observations below a value.
fn rank_at(value: f64, buckets: &[Bucket]) -> f64 {
    // Without a bound at or below zero there are no negative observations.
    let mut start = if buckets[0].le <= 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let mut rank = 0.0;
    for bucket in buckets {
        if start >= value {
            return rank;
        }
        if bucket.le > value {
            if start == f64::NEG_INFINITY {
                // Nothing is known of where they lie, so all of them lie below.
                return bucket.count;
            }
            return rank + (bucket.count - rank) * (value - start) / (bucket.le - start);
        }
        rank = bucket.count;
        start = bucket.le;
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs.iter().map(|(le, count)| Bucket { le: *le, count: *count }).collect()
    }

    #[test]
    fn quantiles() {
        let check = |q: f64, pairs: &[(f64, f64)], expected: f64| {
            let (got, _) = quantile(q, &mut buckets(pairs));
            let same = (got - expected).abs() < 1e-12 || got.to_bits() == expected.to_bits();
            assert!(same || got.is_nan() && expected.is_nan(), "{q} {pairs:?}: {got}");
        };
        let two = [(0.1, 50.0), (0.2, 100.0), (INF, 100.0)];
        check(0.5, &two, 0.1);
        check(0.75, &two, 0.15);
        check(1.0, &[(0.1, 50.0), (INF, 100.0)], 0.1);
        check(0.5, &[(-1.0, 10.0), (INF, 10.0)], -1.0);
        check(0.5, &[(0.1, 50.0)], f64::NAN);
        check(0.5, &[(INF, 50.0)], f64::NAN);
        check(0.5, &[(0.1, 0.0), (INF, 0.0)], f64::NAN);
        check(0.5, &[], f64::NAN);
        check(1.5, &two, INF);
        check(0.5, &[(INF, 2.0), (0.1, 0.5), (0.1, 0.5)], 0.1);
    }

    #[test]
    fn decreases_are_raised_and_told() {
        let pairs = [(0.1, 20.0), (1.0, 10.0), (10.0, 50.0), (100.0, 40.0), (INF, 80.0)];
        let (_, forced) = quantile(0.5, &mut buckets(&pairs));
        let expected = Forced { min_bound: 1.0, max_bound: 100.0, max_diff: 10.0 };
        assert_eq!(forced, Some(expected));
        let (_, forced) =
            quantile(0.5, &mut buckets(&[(0.1, 1.0), (1.0, 1.0 - 1e-13), (INF, 2.0)]));
        assert_eq!(forced, None);
    }

    #[test]
    fn fractions() {
        let check = |lower: f64, upper: f64, pairs: &[(f64, f64)], expected: f64| {
            let got = fraction(lower, upper, &mut buckets(pairs));
            let same = (got - expected).abs() < 1e-12;
            assert!(same || got.is_nan() && expected.is_nan(), "{lower} {upper} {pairs:?}: {got}");
        };
        let two = [(1.0, 50.0), (2.0, 100.0), (INF, 100.0)];
        check(0.0, 1.0, &two, 0.5);
        check(0.5, 1.5, &two, 0.5);
        check(-INF, INF, &two, 1.0);
        check(2.0, 1.0, &two, 0.0);
        check(-4.0, -2.0, &[(-3.0, 10.0), (-2.0, 12.0), (INF, 100.0)], 0.02);
        check(f64::NAN, 1.0, &two, f64::NAN);
        check(0.0, 1.0, &[], f64::NAN);
    }
}
