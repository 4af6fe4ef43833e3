//! Numbers for people.

use super::number::general;

fn short(value: f64) -> String {
    general(value, 4)
}

/// `1.235M`, `12.3m`: steps of a thousand.
pub(super) fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return short(value);
    }
    let (scaled, prefix) = if value.abs() >= 1.0 {
        scale(value, 1000.0, &["k", "M", "G", "T", "P", "E", "Z", "Y"])
    } else {
        below_one(value)
    };
    short(scaled) + prefix
}

/// `1.5Gi`: steps of 1024.
pub(super) fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return short(value);
    }
    let prefixes = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
    let (scaled, prefix) = scale(value, 1024.0, &prefixes);
    short(scaled) + prefix
}

/// `1d 2h 3m 4s`, `1.5s`, `20ms`; from seconds.
pub(super) fn humanize_duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return short(seconds);
    }
    if seconds == 0.0 {
        return short(seconds) + "s";
    }
    if seconds.abs() < 1.0 {
        let (scaled, prefix) = below_one(seconds);
        return format!("{}{prefix}s", short(scaled));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let size = seconds.abs();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "as Go: longer than the universe is wrong anyhow"
    )]
    let whole = size as i64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    let left = whole % 60;
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {left}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {left}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {left}s")
    } else {
        format!("{sign}{}s", short(size))
    }
}

/// `12.34%` from 0.1234.
pub(super) fn humanize_percentage(value: f64) -> String {
    short(value * 100.0) + "%"
}

fn scale<'a>(value: f64, step: f64, prefixes: &[&'a str]) -> (f64, &'a str) {
    let (mut scaled, mut last) = (value, "");
    for prefix in prefixes {
        if scaled.abs() < step {
            break;
        }
        (scaled, last) = (scaled / step, prefix);
    }
    (scaled, last)
}

fn below_one(value: f64) -> (f64, &'static str) {
    let (mut scaled, mut last) = (value, "");
    for prefix in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if scaled.abs() >= 1.0 {
            break;
        }
        (scaled, last) = (scaled * 1000.0, prefix);
    }
    (scaled, last)
}

#[cfg(test)]
mod tests {
    use super::{humanize, humanize_1024, humanize_duration, humanize_percentage};

    #[test]
    fn numbers_for_people() {
        let check = |f: fn(f64) -> String, value: f64, expected: &str| {
            assert_eq!(f(value), expected, "{value}");
        };
        check(humanize, 0.0, "0");
        check(humanize, 1.0, "1");
        check(humanize, 1234567.0, "1.235M");
        check(humanize, 0.12, "120m");
        check(humanize, f64::INFINITY, "+Inf");
        check(humanize, -1500.0, "-1.5k");
        check(humanize_1024, 1.0, "1");
        check(humanize_1024, 1048576.0, "1Mi");
        check(humanize_1024, 0.5, "0.5");
        check(humanize_duration, 0.0, "0s");
        check(humanize_duration, 1.0, "1s");
        check(humanize_duration, 60.0, "1m 0s");
        check(humanize_duration, 3600.0, "1h 0m 0s");
        check(humanize_duration, 86_400.0, "1d 0h 0m 0s");
        check(humanize_duration, -86_400.0 - 61.0, "-1d 0h 1m 1s");
        check(humanize_duration, 899.99, "14m 59s");
        check(humanize_duration, 0.1, "100ms");
        check(humanize_duration, 0.0001, "100us");
        check(humanize_duration, 12.3456, "12.35s");
        check(humanize_duration, f64::NAN, "NaN");
        check(humanize_percentage, 0.123456, "12.35%");
        check(humanize_percentage, -1.0, "-100%");
    }
}
