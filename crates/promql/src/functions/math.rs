//! Arithmetic and comparison of single numbers.

/// The larger number; NaN if either is.
pub(crate) fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// The smaller number; NaN if either is.
pub(crate) fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// -1, 0 or 1; zeros and NaN stay what they are.
pub(crate) fn sgn(v: f64) -> f64 {
    if v < 0.0 {
        -1.0
    } else if v > 0.0 {
        1.0
    } else {
        v
    }
}

/// The nearest multiple, halves up.
pub(crate) fn round(v: f64, nearest: f64) -> f64 {
    let inverse = 1.0 / nearest;
    (v * inverse + 0.5).floor() / inverse
}

/// Degrees of an angle in radians.
pub(crate) fn deg(v: f64) -> f64 {
    v * 180.0 / std::f64::consts::PI
}

/// Radians of an angle in degrees.
pub(crate) fn rad(v: f64) -> f64 {
    v * std::f64::consts::PI / 180.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        assert!(max(f64::NAN, 1.0).is_nan() && min(1.0, f64::NAN).is_nan());
        assert_eq!([sgn(-3.0), sgn(0.0), sgn(7.0)], [-1.0, 0.0, 1.0]);
        assert_eq!([round(2.5, 1.0), round(-2.5, 1.0), round(13.0, 5.0)], [3.0, -2.0, 15.0]);
    }
}
