//! From the text of a script to commands.

use super::classic;
use super::expect::{Eval, ExpectedSeries, Notes, Text, Times, When};
use super::store::{LoadedSeries, Need};
use super::values::{Point, parse_start_times, parse_values};
use crate::syntax::{Features, Node, parse, parse_label_set};
use model::duration::Duration;
use model::{Labels, LabelsBuilder, METRIC_NAME, MatchOp};
use std::sync::Arc;

/// One command of a script.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Clear,
    Load(Vec<LoadedSeries>),
    Eval(Box<Eval>),
}

/// A command, or why it could not be read, and the number of its first line.
pub(super) struct Numbered {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) command: Result<Command, String>,
}

/// Reads a script. Faults are those of their commands; reading goes on at the next one.
pub(super) fn read(script: &str) -> Vec<Numbered> {
    let lines: Vec<&str> = script
        .split('\n')
        .map(|line| match line.trim() {
            line if line.starts_with('#') => "",
            line => line,
        })
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let (first, start) = (*line, at);
        at += 1;
        let word = first.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let command = if first.is_empty() {
            continue;
        } else if word == "clear" {
            Ok(Command::Clear)
        } else if word.starts_with("load") {
            load(first, block(&lines, &mut at))
        } else if word.starts_with("eval") {
            eval(first, &lines, &mut at)
        } else {
            Err(String::from("not a command"))
        };
        commands.push(Numbered { line: start + 1, text: first.to_owned(), command });
    }
    commands
}

/// The lines up to the next empty one.
fn block<'a>(lines: &'a [&'a str], at: &mut usize) -> &'a [&'a str] {
    let rest = &lines[*at..];
    let len = rest.iter().position(|line| line.is_empty()).unwrap_or(rest.len());
    *at += len;
    &rest[..len]
}

fn load(first: &str, block: &[&str]) -> Result<Command, String> {
    let (word, interval) = first.split_once(char::is_whitespace).unwrap_or((first, ""));
    let with_nhcb = match word.to_ascii_lowercase().as_str() {
        "load" => false,
        "load_with_nhcb" => true,
        _ => return Err(format!("not a command: {word}")),
    };
    let interval = duration(interval.trim())?;
    let mut loaded = Vec::<LoadedSeries>::new();
    let mut starts = None;
    for line in block {
        let (labels, rest) = series_name(line)?;
        if let Some(rest) = rest.strip_prefix("@st") {
            starts = Some((labels, parse_start_times(rest)?));
            continue;
        }
        let points = parse_values(rest)?;
        let mut series = placed(labels, &points, 0, interval)?;
        if let Some((labels, starts)) = starts.take() {
            if labels != series.labels {
                return Err(format!("start timestamps of {labels} are followed by another series"));
            }
            if starts.len() != points.len() {
                let (starts, points) = (starts.len(), points.len());
                return Err(format!("{starts} start timestamps for {points} values of {labels}"));
            }
            series.needs = series.needs.or(Some(Need::StartTimestamps));
        }
        loaded.retain(|other| other.labels != series.labels);
        loaded.push(series);
    }
    if starts.is_some() {
        return Err(String::from("start timestamps without a series"));
    }
    if with_nhcb {
        for native in classic::converted(&loaded)? {
            match loaded.iter_mut().find(|series| series.labels == native.labels) {
                Some(series) => series.histograms = native.histograms,
                None => loaded.push(native),
            }
        }
    }
    Ok(Command::Load(loaded))
}

/// Puts the points of a line at a time and at multiples of the interval after it.
pub(super) fn placed(
    labels: Labels,
    points: &[Point],
    start_ms: i64,
    interval: i64,
) -> Result<LoadedSeries, String> {
    let (samples, histograms) = (Vec::new(), Vec::new());
    let mut series = LoadedSeries { labels, samples, histograms, needs: None };
    for (i, point) in (0_i64..).zip(points) {
        let t_ms = i.checked_mul(interval).and_then(|after| start_ms.checked_add(after));
        let t_ms = t_ms.ok_or("the last value is too far in the future")?;
        match point {
            Point::Missing => {}
            Point::Float(value) => series.samples.push((t_ms, *value)),
            Point::Histogram(literal) => {
                series.histograms.push((t_ms, Arc::clone(&literal.histogram)));
            }
        }
    }
    Ok(series)
}

fn eval(first: &str, lines: &[&str], at: &mut usize) -> Result<Command, String> {
    let mut eval = match head(first) {
        Ok(eval) => eval,
        Err(error) => {
            block(lines, at);
            return Err(error);
        }
    };
    let mut fault = None;
    while let Some(line) = lines.get(*at).filter(|line| !line.is_empty()) {
        *at += 1;
        match expectation(&mut eval, line) {
            Ok(Then::More) => {}
            Ok(Then::End) => break,
            Err(error) => fault = fault.or(Some(format!("{error} (line {at})"))),
        }
    }
    match fault {
        Some(fault) => Err(fault),
        None => Ok(Command::Eval(Box::new(eval))),
    }
}

/// `eval[_kind] instant at TIME QUERY` or `eval range from TIME to TIME step DURATION QUERY`.
fn head(line: &str) -> Result<Eval, String> {
    let mut rest = line;
    let word = take_word(&mut rest).to_ascii_lowercase();
    let when = match take_word(&mut rest) {
        "instant" => {
            keyword(&mut rest, "at")?;
            When::Instant(time(take_word(&mut rest))?)
        }
        "range" => {
            keyword(&mut rest, "from")?;
            let start_ms = time(take_word(&mut rest))?;
            keyword(&mut rest, "to")?;
            let end_ms = time(take_word(&mut rest))?;
            keyword(&mut rest, "step")?;
            let step_ms = duration(take_word(&mut rest))?;
            When::Range { times: Times { start_ms, step_ms }, end_ms }
        }
        other => return Err(format!("expected instant or range, got {other:?}")),
    };
    let mut eval = Eval {
        query: rest.trim().to_owned(),
        when,
        series: Vec::new(),
        scalar: None,
        string: None,
        window: None,
        ordered: false,
        fail: None,
        warnings: Notes::default(),
        infos: Notes::default(),
    };
    match word.as_str() {
        "eval" => {}
        "eval_fail" => eval.fail = Some(Text::Any),
        "eval_warn" => eval.warnings.texts.push(Text::Any),
        "eval_info" => eval.infos.texts.push(Text::Any),
        "eval_ordered" => eval.ordered = true,
        other => return Err(format!("not a command: {other}")),
    }
    Ok(eval)
}

/// Whether an expectation may be followed by more of the same `eval`.
enum Then {
    More,
    End,
}

fn expectation(eval: &mut Eval, line: &str) -> Result<Then, String> {
    let mut rest = line;
    match take_word(&mut rest) {
        "expect" => expect(eval, rest)?,
        "expected_fail_message" => {
            eval.fail = Some(Text::exactly(rest));
            return Ok(Then::End);
        }
        "expected_fail_regexp" => {
            eval.fail = Some(Text::matching(rest)?);
            return Ok(Then::End);
        }
        _ => {
            if let Some(number) = number(line) {
                eval.scalar = Some(number);
                return Ok(Then::End);
            }
            let (labels, rest) = series_name(line)?;
            let points = parse_values(rest)?;
            if matches!(eval.when, When::Instant(_)) && eval.window.is_none() && points.len() != 1 {
                return Err(format!("expected one value, got {}", points.len()));
            }
            eval.series.push(ExpectedSeries { labels, points });
        }
    }
    Ok(Then::More)
}

fn expect(eval: &mut Eval, text: &str) -> Result<(), String> {
    let mut rest = text;
    let what = take_word(&mut rest);
    // `msg:` may be followed by its text at once.
    let (what, rest) = match what {
        "string" => {
            eval.string = Some(string(rest.trim())?);
            return Ok(());
        }
        "range" => {
            keyword(&mut rest, "vector")?;
            keyword(&mut rest, "from")?;
            let start_ms = time(take_word(&mut rest))?;
            keyword(&mut rest, "to")?;
            time(take_word(&mut rest))?;
            keyword(&mut rest, "step")?;
            let step_ms = duration(take_word(&mut rest))?;
            eval.window = Some(Times { start_ms, step_ms });
            return Ok(());
        }
        what => (what, rest.trim()),
    };
    let text = if rest.is_empty() {
        Text::Any
    } else if let Some(text) = rest.strip_prefix("msg:") {
        Text::exactly(text)
    } else if let Some(pattern) = rest.strip_prefix("regex:") {
        Text::matching(pattern)?
    } else {
        return Err(format!("expected msg: or regex:, got {rest:?}"));
    };
    match what {
        "fail" if eval.fail.is_none() => eval.fail = Some(text),
        "warn" => eval.warnings.texts.push(text),
        "info" => eval.infos.texts.push(text),
        "no_warn" => eval.warnings.none = true,
        "no_info" => eval.infos.none = true,
        "ordered" => eval.ordered = true,
        _ => return Err(format!("not an expectation: {what}")),
    }
    Ok(())
}

/// A series at the start of a line, and the rest of it.
pub(super) fn series_name(line: &str) -> Result<(Labels, &str), String> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let (name, rest) = line.split_at(line.find(|c| !in_name(c)).unwrap_or(line.len()));
    let mut labels = LabelsBuilder::new();
    let mut rest = rest;
    let braces = rest.trim_start();
    if braces.starts_with('{') && !braces.starts_with("{{") {
        // With room for the name, so that places of faults are those in the line.
        let before = line.len() - braces.len();
        let padded = " ".repeat(before) + braces;
        let (matchers, end) = parse_label_set(&padded).map_err(|error| error.to_string())?;
        for matcher in matchers {
            if matcher.op() != MatchOp::Equal {
                return Err(format!("not a label of a series: {matcher}"));
            }
            labels.set(matcher.name(), matcher.value());
        }
        rest = &line[end..];
    } else if name.is_empty() {
        return Err(format!("not a series: {line}"));
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("not a series: {line}"));
    }
    if !name.is_empty() {
        labels.set(METRIC_NAME, name);
    }
    Ok((labels.build(), rest))
}

/// A line that is just a number.
fn number(line: &str) -> Option<f64> {
    let (sign, unsigned) = match line.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, line.strip_prefix('+').unwrap_or(line)),
    };
    let word = unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("nan");
    let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !word && !numeric {
        return None;
    }
    crate::syntax::parse_number(unsigned).ok().map(|value| sign * value)
}

/// The bytes of a quoted text.
fn string(text: &str) -> Result<Box<[u8]>, String> {
    let expr = parse(text, &Features::default()).map_err(|error| error.to_string())?;
    match expr.node(expr.root()) {
        Node::String(bytes) => Ok(bytes.clone()),
        _ => Err(format!("not a quoted text: {text}")),
    }
}

fn take_word<'a>(rest: &mut &'a str) -> &'a str {
    let text = rest.trim_start();
    let (word, tail) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    *rest = tail;
    word
}

fn keyword(rest: &mut &str, wanted: &str) -> Result<(), String> {
    let word = take_word(rest);
    if word == wanted { Ok(()) } else { Err(format!("expected {wanted:?}, got {word:?}")) }
}

fn duration(text: &str) -> Result<i64, String> {
    text.parse::<Duration>().map(|duration| duration.ms).map_err(|error| error.to_string())
}

/// An offset from the epoch.
fn time(text: &str) -> Result<i64, String> {
    match text.strip_prefix('-') {
        Some(rest) => duration(rest).map(|ms| -ms),
        None => duration(text),
    }
}
