//! `printf`: Go's verbs.

use super::exec::MAX_BYTES;
use super::number::{exponential, fixed, general};
use super::value::Value;
use model::names::{is_printable, write_quoted};
use std::fmt::Write as _;

/// A width or a precision from there on is none, as in Go.
const TOO_LARGE: usize = 1_000_000;

#[derive(Clone, Copy, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
    /// The verb meant nothing for the value, which is shown nevertheless.
    is_bad: bool,
}

/// The format with the values in the places of its verbs.
pub(super) fn sprintf(format: &str, values: &[Value]) -> String {
    let mut out = String::with_capacity(format.len() + 16);
    let mut printer = Printer { rest: format, values, next: 0, good_index: true, reordered: false };
    while let Some(at) = printer.rest.find('%') {
        out.push_str(&printer.rest[..at]);
        printer.rest = &printer.rest[at + 1..];
        printer.verb(&mut out);
        if out.len() > MAX_BYTES {
            // Refused by the caller.
            return out;
        }
    }
    out.push_str(printer.rest);
    if !printer.reordered && printer.next < values.len() {
        let rest = values[printer.next..].iter().map(|value| match value {
            Value::Nothing => "<nil>".to_owned(),
            value => format!("{}={}", value.type_name(), plain(value)),
        });
        let rest: Vec<_> = rest.collect();
        write!(out, "%!(EXTRA {})", rest.join(", ")).expect("a string takes text");
    }
    out
}

struct Printer<'a> {
    rest: &'a str,
    values: &'a [Value],
    /// The value that is next.
    next: usize,
    /// Whether the last `[n]` was one.
    good_index: bool,
    /// Whether there was any `[n]`.
    reordered: bool,
}

impl Printer<'_> {
    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What follows a `%`.
    fn verb(&mut self, out: &mut String) {
        let mut flags = Flags::default();
        self.good_index = true;
        let mut after_index = false;
        loop {
            match self.rest.chars().next() {
                Some('-') => flags.minus = true,
                Some('+') => flags.plus = true,
                Some(' ') => flags.space = true,
                Some('0') => flags.zero = true,
                Some('#') => flags.sharp = true,
                _ => break,
            }
            self.rest = &self.rest[1..];
        }
        after_index |= self.index();
        if self.take('*') {
            match self.int() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => out.push_str("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            let Some(width) = self.number() else { return out.push_str(NO_VERB) };
            flags.width = width;
            self.good_index &= !(after_index && width.is_some());
        }
        if self.take('.') {
            self.good_index &= !after_index;
            after_index = self.index();
            if self.take('*') {
                let precision = self.int();
                flags.precision = precision.and_then(|precision| usize::try_from(precision).ok());
                if precision.is_none() {
                    out.push_str("%!(BADPREC)");
                }
                after_index = false;
            } else {
                let Some(precision) = self.number() else { return out.push_str(NO_VERB) };
                flags.precision = Some(precision.unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        let Some(verb) = self.rest.chars().next() else { return out.push_str(NO_VERB) };
        self.rest = &self.rest[verb.len_utf8()..];
        let written = match (verb, self.values.get(self.next)) {
            ('%', _) => {
                out.push('%');
                return;
            }
            _ if !self.good_index => write!(out, "%!{verb}(BADINDEX)"),
            (_, None) => write!(out, "%!{verb}(MISSING)"),
            (_, Some(value)) => {
                self.next += 1;
                out.push_str(&shown(verb, value, flags));
                return;
            }
        };
        written.expect("a string takes text");
    }

    /// `[n]`, if it stands here.
    fn index(&mut self) -> bool {
        let Some(inside) = self.rest.strip_prefix('[') else { return false };
        self.reordered = true;
        let Some((number, rest)) = inside.split_once(']') else {
            self.good_index = false;
            self.rest = inside;
            return false;
        };
        self.rest = rest;
        match number.parse::<usize>().ok().filter(|n| (1..=self.values.len()).contains(n)) {
            Some(n) => {
                self.next = n - 1;
                true
            }
            None => {
                self.good_index = false;
                true
            }
        }
    }

    /// The value that is next as a width.
    fn int(&mut self) -> Option<i64> {
        let value = self.values.get(self.next);
        self.next += usize::from(value.is_some());
        let limit = i64::try_from(TOO_LARGE).unwrap_or(i64::MAX);
        match value {
            Some(Value::Int(number)) if (-limit..=limit).contains(number) => Some(*number),
            _ => None,
        }
    }

    /// Digits, if they stand here; nothing at all when they are too many.
    fn number(&mut self) -> Option<Option<usize>> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(digits);
        if digits == 0 {
            return Some(None);
        }
        match number.parse::<usize>().ok().filter(|number| *number <= TOO_LARGE) {
            Some(number) => {
                self.rest = rest;
                Some(Some(number))
            }
            None => {
                self.rest = "";
                None
            }
        }
    }
}

const NO_VERB: &str = "%!(NOVERB)";

/// A value without a verb of its own.
fn plain(value: &Value) -> String {
    shown('v', value, Flags::default())
}

fn shown(verb: char, value: &Value, flags: Flags) -> String {
    if flags.width.max(flags.precision).is_some_and(|size| size > MAX_BYTES) {
        return " ".repeat(MAX_BYTES + 1);
    }
    match (verb, value) {
        ('T', Value::Nothing) => pad("<nil>", flags),
        ('T', _) => text('s', value.type_name(), flags).unwrap_or_default(),
        ('v', Value::Nothing) => pad("<nil>", flags),
        (_, Value::Nothing) => format!("%!{verb}(<nil>)"),
        ('p', _) => bad(verb, value, flags),
        (_, Value::Labels(labels)) => {
            let texts = labels.iter().map(|(n, v)| (n.clone(), Value::text(v)));
            map(verb, texts, flags, "map[string]string")
        }
        (_, Value::Map(values)) => {
            let values = values.iter().map(|(name, value)| (name.clone(), value.clone()));
            map(verb, values, flags, "map[string]interface {}")
        }
        (_, Value::List(items)) => {
            let items: Vec<_> = items.iter().map(|item| shown(verb, item, flags)).collect();
            format!("[{}]", items.join(" "))
        }
        ('t' | 'v', Value::Bool(value)) => pad(&value.to_string(), flags),
        (_, Value::Int(number)) => {
            int(verb, *number, flags).unwrap_or_else(|| bad(verb, value, flags))
        }
        (_, Value::Float(number)) => {
            float(verb, *number, flags).unwrap_or_else(|| bad(verb, value, flags))
        }
        (_, Value::Text(of)) => text(verb, of, flags).unwrap_or_else(|| bad(verb, value, flags)),
        ('v' | 's' | 'x' | 'X' | 'q', Value::Duration(_) | Value::Month(_) | Value::Weekday(_)) => {
            text(verb, &value.to_string(), flags).unwrap_or_default()
        }
        (_, Value::Duration(number) | Value::Month(number) | Value::Weekday(number)) => {
            int(verb, *number, flags).unwrap_or_else(|| bad(verb, value, flags))
        }
        ('v' | 's' | 'x' | 'X' | 'q', Value::Time(_) | Value::Histogram(_)) => {
            text(verb, &value.to_string(), flags).unwrap_or_default()
        }
        (_, Value::Bool(_)) => bad(verb, value, flags),
        ('v' | 's', _) => value.to_string(),
        _ => bad(verb, value, flags),
    }
}

/// A value for which the verb means nothing.
fn bad(verb: char, value: &Value, flags: Flags) -> String {
    let flags = Flags { is_bad: true, ..flags };
    format!("%!{verb}({}={})", value.type_name(), shown('v', value, flags))
}

fn map(
    verb: char,
    pairs: impl Iterator<Item = (String, Value)>,
    flags: Flags,
    type_name: &str,
) -> String {
    let pairs = pairs.map(|(name, value)| {
        let name = shown(verb, &Value::text(name), flags);
        format!("{name}:{}", shown(verb, &value, flags))
    });
    let pairs: Vec<_> = pairs.collect();
    match verb == 'v' && flags.sharp {
        true => format!("{type_name}{{{}}}", pairs.join(", ")),
        false => format!("map[{}]", pairs.join(" ")),
    }
}

/// As wide as it is to be.
fn pad(text: &str, flags: Flags) -> String {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    match (flags.minus, flags.zero) {
        (true, _) => text.to_owned() + &" ".repeat(missing),
        (false, true) => "0".repeat(missing) + text,
        (false, false) => " ".repeat(missing) + text,
    }
}

fn text(verb: char, text: &str, flags: Flags) -> Option<String> {
    let cut: String = match flags.precision {
        Some(most) if !matches!(verb, 'x' | 'X') => text.chars().take(most).collect(),
        _ => text.to_owned(),
    };
    Some(match verb {
        'v' if flags.sharp && !flags.is_bad => quoted(&cut, Flags { sharp: false, ..flags }),
        'v' | 's' => pad(&cut, flags),
        'q' => quoted(&cut, flags),
        'x' | 'X' => {
            let bytes = text.as_bytes();
            let most = flags.precision.unwrap_or(bytes.len()).min(bytes.len());
            let prefix = if !flags.sharp {
                ""
            } else if verb == 'x' {
                "0x"
            } else {
                "0X"
            };
            let mut out = String::new();
            for (i, byte) in bytes[..most].iter().enumerate() {
                if i > 0 && flags.space {
                    out.push(' ');
                }
                if i == 0 || flags.space {
                    out.push_str(prefix);
                }
                let hex = if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") };
                out.push_str(&hex);
            }
            pad(&out, flags)
        }
        _ => return None,
    })
}

fn quoted(text: &str, flags: Flags) -> String {
    let may_be_raw = |c: char| c != '`' && (c == '\t' || !c.is_control()) && c != '\u{feff}';
    if flags.sharp && text.chars().all(may_be_raw) {
        return pad(&format!("`{text}`"), Flags { sharp: false, ..flags });
    }
    let mut out = String::new();
    write_quoted(&mut out, text).expect("a string takes text");
    if flags.plus {
        out = out.chars().map(ascii).collect();
    }
    pad(&out, flags)
}

/// A character as ASCII says it.
fn ascii(c: char) -> String {
    match u32::from(c) {
        0..0x80 => c.to_string(),
        code @ 0..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

fn int(verb: char, number: i64, flags: Flags) -> Option<String> {
    let size = number.unsigned_abs();
    let character = || u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    let digits = match verb {
        'v' | 'd' => size.to_string(),
        'b' => format!("{size:b}"),
        'o' | 'O' => format!("{size:o}"),
        'x' => format!("{size:x}"),
        'X' => format!("{size:X}"),
        'c' => return Some(pad(&character().to_string(), flags)),
        'q' => {
            let c = character();
            let mut out = String::new();
            write_quoted(&mut out, c.encode_utf8(&mut [0; 4])).expect("a string takes text");
            let inner = match c {
                '\'' => "\\'".to_owned(),
                '"' => "\"".to_owned(),
                _ if flags.plus && !c.is_ascii() => ascii(c),
                _ => out[1..out.len() - 1].to_owned(),
            };
            return Some(pad(&format!("'{inner}'"), flags));
        }
        'U' => {
            let c = character();
            let mut out = format!("U+{number:04X}");
            if flags.sharp && is_printable(c) {
                write!(out, " '{c}'").expect("a string takes text");
            }
            return Some(pad(&out, Flags { zero: false, ..flags }));
        }
        _ => return None,
    };
    // A `+` at `%v` is for what has parts.
    let flags = Flags { plus: flags.plus && (verb != 'v' || flags.is_bad), ..flags };
    let sharp = flags.sharp && verb != 'v';
    let prefix = match verb {
        'b' if sharp => "0b",
        'o' if sharp && !digits.starts_with('0') => "0",
        'O' => "0o",
        'x' if sharp => "0x",
        'X' if sharp => "0X",
        _ => "",
    };
    let sign = sign_of(number < 0, flags);
    let mut digits = digits;
    match flags.precision {
        Some(0) if number == 0 => return Some(pad("", Flags { zero: false, ..flags })),
        Some(least) => digits.insert_str(0, &"0".repeat(least.saturating_sub(digits.len()))),
        None if flags.zero && !flags.minus => {
            let least = flags.width.unwrap_or(0).saturating_sub(sign.len());
            digits.insert_str(0, &"0".repeat(least.saturating_sub(digits.len())));
        }
        None => {}
    }
    Some(pad(&format!("{sign}{prefix}{digits}"), Flags { zero: false, ..flags }))
}

fn sign_of(is_negative: bool, flags: Flags) -> &'static str {
    match is_negative {
        true => "-",
        false if flags.plus => "+",
        false if flags.space => " ",
        false => "",
    }
}

fn float(verb: char, number: f64, flags: Flags) -> Option<String> {
    let size = number.abs();
    let shortest = || {
        let mut text = String::new();
        model::float::write_g(&mut text, size).expect("a string takes text");
        text
    };
    let digits = match (verb, flags.precision) {
        ('v' | 'g' | 'G', None) => shortest(),
        ('v' | 'g' | 'G', Some(digits)) => general(size, digits),
        ('f' | 'F', precision) => fixed(size, precision.unwrap_or(6)),
        ('e' | 'E', precision) => exponential(size, precision.unwrap_or(6)),
        ('x' | 'X', precision) => hexadecimal(size, precision),
        ('b', _) => {
            let (mantissa, exponent) = parts(size);
            format!("{mantissa}p{exponent:+}")
        }
        _ => return None,
    };
    let digits = digits.trim_start_matches('+');
    let upper = matches!(verb, 'G' | 'E' | 'X');
    let digits = if upper && size.is_finite() { digits.to_uppercase() } else { digits.to_owned() };
    // A `+` at `%v` is for what has parts.
    let flags = Flags { plus: flags.plus && (verb != 'v' || flags.is_bad), ..flags };
    let sign = match number {
        number if number.is_nan() && flags.plus => "+",
        number if number.is_nan() => sign_of(false, flags),
        number if number == f64::INFINITY && !flags.space => "+",
        number => sign_of(number.is_sign_negative(), flags),
    };
    if flags.zero && !flags.minus && size.is_finite() {
        let width = flags.width.unwrap_or(0).saturating_sub(sign.len());
        return Some(format!("{sign}{digits:0>width$}"));
    }
    Some(pad(&format!("{sign}{digits}"), Flags { zero: false, ..flags }))
}

/// A positive number as an integer and a power of two.
fn parts(size: f64) -> (u64, i64) {
    let bits = size.to_bits();
    let (exponent, fraction) = (i64::try_from(bits >> 52).unwrap_or(0), bits & ((1 << 52) - 1));
    match exponent {
        0 => (fraction, -1074),
        exponent => (fraction | 1 << 52, exponent - 1075),
    }
}

/// `0x1.8p+00`
fn hexadecimal(size: f64, precision: Option<usize>) -> String {
    if !size.is_finite() {
        return if size.is_nan() { "NaN".to_owned() } else { "Inf".to_owned() };
    }
    let (mut mantissa, mut exponent) = parts(size);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // A one before the point, 60 bits after it.
        let shift = mantissa.leading_zeros() - 3;
        mantissa <<= shift;
        exponent += 60 - i64::from(shift);
    }
    if let Some(digits) = precision.filter(|digits| *digits < 15) {
        let cut = 60 - 4 * digits;
        let (kept, rest) = (mantissa >> cut, mantissa & ((1 << cut) - 1));
        let half = 1 << (cut - 1);
        let up = rest > half || (rest == half && kept & 1 == 1);
        mantissa = (kept + u64::from(up)) << cut;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(digits) => format!("{fraction:0<digits$}")[..digits].to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("0x{}{point}{fraction}p{sign}{:02}", mantissa >> 60, exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::{Value, sprintf};

    #[test]
    fn verbs() {
        let check = |format: &str, value: Value, expected: &str| {
            assert_eq!(sprintf(format, &[value]), expected, "{format}");
        };
        check("%.2f", Value::Float(1.005), "1.00");
        check("%.0f%%", Value::Float(12.5), "12%");
        check("%5.1f|", Value::Float(-2.25), " -2.2|");
        check("%-6d|", Value::Int(42), "42    |");
        check("%06d", Value::Int(-42), "-00042");
        check("%.4d|%+v", Value::Int(-42), "-0042|%!v(MISSING)");
        check("%+d", Value::Int(42), "+42");
        check("%x", Value::Int(255), "ff");
        check("%x", Value::Float(1.5), "0x1.8p+00");
        check("%.2x", Value::Float(1.999), "0x1.00p+01");
        check("%b", Value::Float(1.5), "6755399441055744p-52");
        check("%s", Value::text("a"), "a");
        check("%q", Value::text("a\"b"), "\"a\\\"b\"");
        check("%+q", Value::text("é"), "\"\\u00e9\"");
        check("%#q", Value::text("ab"), "`ab`");
        check("%.3s", Value::text("abcdef"), "abc");
        check("% x", Value::text("abc"), "61 62 63");
        check("%v", Value::Float(1234567.0), "1.234567e+06");
        check("%v", Value::Float(f64::INFINITY), "+Inf");
        check("%6.1f|", Value::Float(f64::NAN), "   NaN|");
        check("%g", Value::Float(100_000.0), "100000");
        check("%e", Value::Float(1234.5), "1.234500e+03");
        check("%5d", Value::Float(1.5), "%!d(float64=  1.5)");
        check("%t", Value::Bool(true), "true");
        check("%T", Value::Float(0.0), "float64");
        check("%d", Value::Month(3), "3");
        check("%v", Value::Month(3), "March");
        check("%", Value::Int(1), "%!(NOVERB)%!(EXTRA int=1)");
        check("%99999999d", Value::Int(1), "%!(NOVERB)%!(EXTRA int=1)");
        check("%d %d", Value::Int(1), "1 %!d(MISSING)");
        check("%s", Value::Int(1), "%!s(int=1)");
        check("%[1]d %[1]v", Value::Int(1), "1 1");
        check("%[2]d", Value::Int(1), "%!d(BADINDEX)");
        check("%s", Value::Nothing, "%!s(<nil>)");
    }

    #[test]
    fn widths_from_values() {
        let check = |format: &str, values: &[Value], expected: &str| {
            assert_eq!(sprintf(format, values), expected, "{format}");
        };
        check("%*d|", &[Value::Int(5), Value::Int(1)], "    1|");
        check("%-*d|", &[Value::Int(5), Value::Int(1)], "1    |");
        check("%.*f", &[Value::Int(2), Value::Float(1.23456)], "1.23");
        check("%[2]d %[1]d", &[Value::Int(1), Value::Int(2)], "2 1");
        check("%*d", &[Value::text("x"), Value::Int(1)], "%!(BADWIDTH)1");
    }
}
