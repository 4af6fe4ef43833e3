//! `printf`: Go's verbs.

use super::number::{exponential, fixed, general};
use super::value::Value;
use std::iter::Peekable;
use std::str::Chars;

/// A width or precision beyond it is an attack on memory.
const MAX_WIDTH: usize = 1_000;

#[derive(Clone, Copy, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The format with the values in the places of its verbs.
pub(super) fn sprintf(format: &str, values: &[Value]) -> String {
    let mut out = String::with_capacity(format.len() + 16);
    let mut chars = format.chars().peekable();
    let mut values = values.iter();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flags = Flags::default();
        while let Some(flag) = chars.next_if(|c| "-+ 0#".contains(*c)) {
            match flag {
                '-' => flags.minus = true,
                '+' => flags.plus = true,
                ' ' => flags.space = true,
                '0' => flags.zero = true,
                _ => flags.sharp = true,
            }
        }
        flags.width = digits(&mut chars);
        if chars.next_if_eq(&'.').is_some() {
            flags.precision = Some(digits(&mut chars).unwrap_or(0));
        }
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match values.next() {
                None => out.push_str(&format!("%!{verb}(MISSING)")),
                Some(value) => pad(&mut out, &verb_text(verb, value, flags), flags, value),
            },
        }
    }
    let rest: Vec<_> = values.map(|v| format!("{}={v}", v.type_name())).collect();
    if !rest.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", rest.join(", ")));
    }
    out
}

fn digits(chars: &mut Peekable<Chars<'_>>) -> Option<usize> {
    let mut number = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        number = Some((number.unwrap_or(0) * 10 + digit as usize).min(MAX_WIDTH));
    }
    number
}

fn pad(out: &mut String, text: &str, flags: Flags, value: &Value) {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    if flags.minus {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', missing));
    } else if flags.zero && matches!(value, Value::Int(_) | Value::Float(_)) {
        let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+', ' '])));
        out.push_str(sign);
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(digits);
    } else {
        out.extend(std::iter::repeat_n(' ', missing));
        out.push_str(text);
    }
}

fn verb_text(verb: char, value: &Value, flags: Flags) -> String {
    let wrong = || format!("%!{verb}({}={value})", value.type_name());
    match (verb, value) {
        ('v', Value::Text(_)) | ('s', Value::Text(_)) => cut(&value.to_string(), flags),
        ('v', Value::Float(number)) => match flags.precision {
            Some(digits) => signed(general(*number, digits), *number, flags),
            None => signed(value.to_string(), *number, flags),
        },
        ('v', Value::Int(number)) => signed_int(number.to_string(), *number, flags),
        ('v', _) => value.to_string(),
        ('s', Value::Duration(_) | Value::Time(_) | Value::Histogram(_)) => value.to_string(),
        ('s', Value::Labels(_) | Value::List(_) | Value::Map(_)) => value.to_string(),
        ('q', Value::Text(text)) => {
            let mut quoted = String::new();
            model::names::write_quoted(&mut quoted, text).expect("a string takes text");
            quoted
        }
        ('q' | 'c', Value::Int(number)) => {
            let c = u32::try_from(*number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
            if verb == 'q' { format!("'{c}'") } else { c.to_string() }
        }
        ('U', Value::Int(number)) => format!("U+{number:04X}"),
        ('t', Value::Bool(_)) => value.to_string(),
        ('T', _) => value.type_name().to_owned(),
        ('d', Value::Int(number) | Value::Duration(number)) => {
            signed_int(number.to_string(), *number, flags)
        }
        ('b' | 'o' | 'x' | 'X', Value::Int(number)) => {
            let (sign, size) = (if *number < 0 { "-" } else { "" }, number.unsigned_abs());
            match verb {
                'b' => format!("{sign}{size:b}"),
                'o' => format!("{sign}{size:o}"),
                'x' if flags.sharp => format!("{sign}0x{size:x}"),
                'x' => format!("{sign}{size:x}"),
                _ => format!("{sign}{size:X}"),
            }
        }
        ('x' | 'X', Value::Text(text)) => {
            let hex = |byte: u8| {
                if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") }
            };
            text.bytes().map(hex).collect()
        }
        ('f' | 'F', Value::Float(number)) => {
            signed(fixed(*number, flags.precision.unwrap_or(6)), *number, flags)
        }
        ('e' | 'E', Value::Float(number)) => {
            let text = exponential(*number, flags.precision.unwrap_or(6));
            signed(if verb == 'E' { text.to_uppercase() } else { text }, *number, flags)
        }
        ('g' | 'G', Value::Float(number)) => {
            let text = match flags.precision {
                Some(digits) => general(*number, digits),
                None => value.to_string(),
            };
            signed(if verb == 'G' { text.to_uppercase() } else { text }, *number, flags)
        }
        _ => wrong(),
    }
}

fn cut(text: &str, flags: Flags) -> String {
    flags.precision.map_or_else(|| text.to_owned(), |most| text.chars().take(most).collect())
}

fn signed(text: String, number: f64, flags: Flags) -> String {
    let bare = !text.starts_with(['-', '+']) && !number.is_nan();
    match text.strip_prefix("+Inf") {
        Some(_) if !flags.plus => "+Inf".to_owned(),
        _ if bare && flags.plus => format!("+{text}"),
        _ if bare && flags.space => format!(" {text}"),
        _ => text,
    }
}

fn signed_int(text: String, number: i64, flags: Flags) -> String {
    match number >= 0 {
        true if flags.plus => format!("+{text}"),
        true if flags.space => format!(" {text}"),
        _ => text,
    }
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
        check("%+d", Value::Int(42), "+42");
        check("%x", Value::Int(255), "ff");
        check("%s", Value::text("a"), "a");
        check("%q", Value::text("a\"b"), "\"a\\\"b\"");
        check("%.3s", Value::text("abcdef"), "abc");
        check("%v", Value::Float(1234567.0), "1.234567e+06");
        check("%g", Value::Float(100_000.0), "100000");
        check("%e", Value::Float(1234.5), "1.234500e+03");
        check("%d", Value::Float(1.5), "%!d(float64=1.5)");
        check("%t", Value::Bool(true), "true");
        check("%T", Value::Float(0.0), "float64");
        check("%", Value::Int(1), "%!(NOVERB)%!(EXTRA int=1)");
        check("%d %d", Value::Int(1), "1 %!d(MISSING)");
        check("%s", Value::Int(1), "%!s(int=1)");
    }
}
