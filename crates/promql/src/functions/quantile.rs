//! Quantiles of plain values.

use std::cmp::Ordering;

/// Ascending with NaN first, the order in which quantiles rank values.
pub(crate) fn nan_first(a: &f64, b: &f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.partial_cmp(b).expect("neither is NaN"),
    }
}

/// The quantile of values, between neighbours weighted by distance; reorders them. Below 0 and above
/// 1 it is infinite, of nothing or at NaN it is NaN.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rank lies between 0 and a length"
)]
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let rank = q * (values.len() - 1) as f64;
    let weight = rank - rank.floor();
    let lower = (rank.floor() as usize).min(values.len() - 1);
    let (_, low, above) = values.select_nth_unstable_by(lower, nan_first);
    let low = *low;
    let high = above.iter().min_by(|a, b| nan_first(a, b)).copied().unwrap_or(low);
    low * (1.0 - weight) + high * weight
}

/// The median distance from the median; NaN if any value is.
pub(crate) fn median_deviation(values: &mut [f64]) -> f64 {
    if values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let median = quantile(0.5, values);
    values.iter_mut().for_each(|v| *v = (*v - median).abs());
    quantile(0.5, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_sorting(q: f64, values: &[f64]) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(nan_first);
        let rank = q * (sorted.len() - 1) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a rank is below the length")]
        let (lower, weight) = (rank.floor() as usize, rank - rank.floor());
        let upper = (lower + 1).min(sorted.len() - 1);
        sorted[lower] * (1.0 - weight) + sorted[upper] * weight
    }

    proptest! {
        #[test]
        fn selecting_equals_sorting(
            values in prop::collection::vec(prop_oneof![9 => -1e9..1e9f64, 1 => Just(f64::NAN)], 1..50),
            q in 0.0..=1.0f64,
        ) {
            let expected = by_sorting(q, &values);
            let got = quantile(q, &mut values.clone());
            prop_assert!(got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan());
        }
    }

    #[test]
    fn edges() {
        assert!(quantile(f64::NAN, &mut [1.0]).is_nan());
        assert!(quantile(0.5, &mut []).is_nan());
        assert_eq!(quantile(-0.1, &mut [1.0]), f64::NEG_INFINITY);
        assert_eq!(quantile(1.1, &mut [1.0]), f64::INFINITY);
        assert_eq!(median_deviation(&mut [4.0, 6.0, 2.0, 1.0, 999.0, 1.0, 2.0]), 1.0);
    }
}
