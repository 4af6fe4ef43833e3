//! The values of a series line: `1 2x3 0+10x5 _ _x2 stale {{...}}`.

use super::literal::{self, Literal};
use model::duration::Duration;
use model::stale_marker;

/// The most positions a line may have.
const MAX_POINTS: usize = 1 << 20;

/// What stands at one position.
#[derive(Clone, Debug)]
pub(super) enum Point {
    /// No sample.
    Missing,
    /// A float sample.
    Float(f64),
    /// A native histogram.
    Histogram(Literal),
}

/// Reads a whole line of values.
pub(super) fn parse_values(text: &str) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = item_end(rest)?;
        item(&rest[..end], &mut points)?;
        rest = rest[end..].trim_start();
    }
    Ok(points)
}

/// Items end at a blank, but not at one within a histogram.
fn item_end(text: &str) -> Result<usize, String> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let blank = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        match rest.find("{{").filter(|open| *open < blank) {
            None => return Ok(at + blank),
            Some(open) => match rest[open..].find("}}") {
                None => return Err(format!("unclosed histogram: {rest}")),
                Some(close) => at += open + close + 2,
            },
        }
    }
}

fn item(text: &str, points: &mut Vec<Point>) -> Result<(), String> {
    let fault = || format!("not a value: {text:?}");
    if text == "stale" {
        return repeat(Point::Float(stale_marker()), 1, points);
    }
    if let Some(rest) = text.strip_prefix('_') {
        let times = if rest.is_empty() { 1 } else { times(rest).ok_or_else(fault)? };
        return repeat(Point::Missing, times, points);
    }
    if text.starts_with("{{") {
        return histograms(text, points);
    }
    let (first, rest) = number(text).ok_or_else(fault)?;
    if rest.is_empty() {
        return repeat(Point::Float(first), 1, points);
    }
    let (step, rest) = if rest.starts_with('x') {
        (0.0, rest)
    } else if rest.starts_with(['+', '-']) {
        number(rest).ok_or_else(fault)?
    } else {
        return Err(fault());
    };
    let last = times(rest).ok_or_else(fault)?;
    let mut value = first;
    for _ in 0..=last {
        repeat(Point::Float(value), 1, points)?;
        value += step;
    }
    Ok(())
}

fn histograms(text: &str, points: &mut Vec<Point>) -> Result<(), String> {
    let fault = || format!("not a histogram value: {text:?}");
    let (first, mut rest) = braced(text).ok_or_else(fault)?;
    let first = literal::parse(first)?;
    let mut step = None;
    if let Some(next) = rest.strip_prefix(['+', '-']) {
        let (literal, after) = braced(next).ok_or_else(fault)?;
        step = Some((literal::parse(literal)?, rest.starts_with('+')));
        rest = after;
        if rest.is_empty() {
            return Err(fault());
        }
    }
    let more = if rest.is_empty() { 0 } else { times(rest).ok_or_else(fault)? };
    match step {
        None => repeat(Point::Histogram(first), more + 1, points),
        Some(_) if points.len() + more >= MAX_POINTS => Err(too_many()),
        Some((step, grows)) => {
            let all = literal::sequence(first, &step, grows, more)?;
            points.extend(all.into_iter().map(Point::Histogram));
            Ok(())
        }
    }
}

/// What stands between double braces, and what after them.
fn braced(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("{{")?.split_once("}}")
}

/// Reads the start timestamps of an `@st` line: at each position the distance from the sample in
/// milliseconds, if there is one.
pub(super) fn parse_start_times(text: &str) -> Result<Vec<Option<i64>>, String> {
    let mut starts = Vec::new();
    for item in text.split_ascii_whitespace() {
        let fault = || format!("not a start timestamp: {item:?}");
        if let Some(rest) = item.strip_prefix('_') {
            let times = if rest.is_empty() { 1 } else { times(rest).ok_or_else(fault)? };
            starts.resize(starts.len() + times, None);
        } else {
            let (mut start, rest) = signed_duration(item).ok_or_else(fault)?;
            let (step, rest) = match rest {
                "" => (0, "x0"),
                rest if rest.starts_with('x') => (0, rest),
                rest => signed_duration(rest).ok_or_else(fault)?,
            };
            for _ in 0..=times(rest).ok_or_else(fault)? {
                starts.push(Some(start));
                start = start.saturating_add(step);
            }
        }
        if starts.len() > MAX_POINTS {
            return Err(too_many());
        }
    }
    Ok(starts)
}

fn signed_duration(text: &str) -> Option<(i64, &str)> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_alphanumeric() || c == 'x');
    let (duration, rest) = unsigned.split_at(end.unwrap_or(unsigned.len()));
    let ms = duration.parse::<Duration>().ok()?.ms;
    Some((if text.starts_with('-') { -ms } else { ms }, rest))
}

fn repeat(point: Point, times: usize, points: &mut Vec<Point>) -> Result<(), String> {
    if times > MAX_POINTS || points.len() + times > MAX_POINTS {
        return Err(too_many());
    }
    points.resize(points.len() + times, point);
    Ok(())
}

fn too_many() -> String {
    format!("more than {MAX_POINTS} values in a line")
}

/// `xN`; N is bounded, so that it can be counted up to.
fn times(text: &str) -> Option<usize> {
    text.strip_prefix('x')?.parse().ok().filter(|times| *times <= MAX_POINTS)
}

/// A number at the start of a text, and the rest of it.
fn number(text: &str) -> Option<(f64, &str)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let start = usize::from(text.starts_with(['+', '-']));
    let word = bytes.get(start..start + 3).unwrap_or_default();
    let end = if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"nan") {
        // `Infx2` is one word, which says nothing.
        let is_whole =
            bytes.get(start + 3).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
        is_whole.then_some(start + 3)?
    } else {
        let mut end = digits(start);
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > end + 1 + sign {
                end = exponent;
            }
        }
        end
    };
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_expand() {
        let check = |text: &str, expected: &str| {
            let points = parse_values(text).map(|points| {
                let shown = points.iter().map(|point| match point {
                    Point::Missing => String::from("_"),
                    Point::Float(value) if model::is_stale(*value) => String::from("stale"),
                    Point::Float(value) => value.to_string(),
                    Point::Histogram(literal) => format!("h{}", literal.histogram.count),
                });
                shown.collect::<Vec<_>>().join(" ")
            });
            assert_eq!(points.as_deref(), Ok(expected), "{text}");
        };
        check("", "");
        check("1 -2 .5  1e3 Inf -Inf NaN", "1 -2 0.5 1000 inf -inf NaN");
        check("1x2 1+1x0 1+2x2 1-2x2 -1-1x1", "1 1 1 1 1 3 5 1 -1 -3 -1 -2");
        check("1e+2x1 0+1e-1x1", "100 100 0 0.1");
        check("_ _x3 stale 1", "_ _ _ _ stale 1");
        check("{{}} {{schema:1 count:2}}x2 {{count:3}}+{{count:2}}x1 1", "h0 h2 h2 h2 h3 h5 1");
        check("{{count:5 buckets:[1 4]}}-{{count:1 buckets:[0 1]}}x2", "h5 h4 h3");
        let bad_histograms = ["{{a:1}}", "{{buckets:[1 2}}", "{{sum:x}}", "{{schema:0.5}}"];
        for bad in bad_histograms {
            assert!(parse_values(bad).is_err(), "{bad}");
        }
        for bad in [
            "1x",
            "x3",
            "1+x3",
            "1+2",
            "{{",
            "{{}}+{{}}",
            "_1",
            "0x10y",
            "1x9999999999",
            "Infx2",
            "NaN_",
        ] {
            assert!(parse_values(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn start_times_expand() {
        let starts = parse_start_times("_ _x2 -30s-1mx2 1ms 0x1");
        let minutes = [-30_000, -90_000, -150_000, 1, 0, 0].map(Some);
        assert_eq!(starts, Ok([&[None; 3][..], &minutes].concat()));
        assert!(parse_start_times("-30").is_err());
    }
}
