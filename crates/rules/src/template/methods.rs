//! Methods of times and durations.

use super::functions::Param::{self, Duration, Int, Text, Time};
use super::layout;
use super::value::Value;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// Methods of a time and what they take.
const TIME: [(&str, &[Param]); 28] = [
    ("Add", &[Duration]),
    ("AddDate", &[Int, Int, Int]),
    ("After", &[Time]),
    ("Before", &[Time]),
    ("Compare", &[Time]),
    ("Day", &[]),
    ("Equal", &[Time]),
    ("Format", &[Text]),
    ("Hour", &[]),
    ("IsZero", &[]),
    ("Local", &[]),
    ("Location", &[]),
    ("Minute", &[]),
    ("Month", &[]),
    ("Nanosecond", &[]),
    ("Round", &[Duration]),
    ("Second", &[]),
    ("String", &[]),
    ("Sub", &[Time]),
    ("Truncate", &[Duration]),
    ("UTC", &[]),
    ("Unix", &[]),
    ("UnixMicro", &[]),
    ("UnixMilli", &[]),
    ("UnixNano", &[]),
    ("Weekday", &[]),
    ("Year", &[]),
    ("YearDay", &[]),
];

/// Methods of a duration and what they take.
const DURATION: [(&str, &[Param]); 10] = [
    ("Abs", &[]),
    ("Hours", &[]),
    ("Microseconds", &[]),
    ("Milliseconds", &[]),
    ("Minutes", &[]),
    ("Nanoseconds", &[]),
    ("Round", &[Duration]),
    ("Seconds", &[]),
    ("String", &[]),
    ("Truncate", &[Duration]),
];

/// What a method takes, if the value has it.
pub(super) fn params(of: &Value, name: &str) -> Option<&'static [Param]> {
    let methods: &'static [(&str, &[Param])] = match of {
        Value::Time(_) => &TIME,
        Value::Duration(_) => &DURATION,
        Value::Month(_) | Value::Weekday(_) => &[("String", &[])],
        _ => return None,
    };
    methods.iter().find(|(known, _)| *known == name).map(|(_, params)| *params)
}

/// Calls a method.
pub(super) fn call(of: &Value, name: &str, args: &[Value]) -> Result<Value, String> {
    match of {
        Value::Time(time) => time_method(*time, name, args),
        Value::Duration(ns) => Ok(duration_method(*ns, name, args)),
        other => Ok(Value::text(other.to_string())),
    }
}

/// A number, which may be written for a duration as well.
fn int(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Int(number) | Value::Duration(number)) => *number,
        _ => 0,
    }
}

fn time_method(time: Timestamp, name: &str, args: &[Value]) -> Result<Value, String> {
    let other = match args.first() {
        Some(Value::Time(other)) => *other,
        _ => time,
    };
    let zoned = || time.to_zoned(TimeZone::UTC);
    let number = |of: fn(&Zoned) -> i64| Ok(Value::Int(of(&zoned())));
    let saturated = |number: i128| i64::try_from(number).unwrap_or(i64::MAX);
    let ns = time.as_nanosecond();
    match name {
        "Year" => number(|time| i64::from(time.year())),
        "Month" => Ok(Value::Month(i64::from(zoned().month()))),
        "Day" => number(|time| i64::from(time.day())),
        "Hour" => number(|time| i64::from(time.hour())),
        "Minute" => number(|time| i64::from(time.minute())),
        "Second" => number(|time| i64::from(time.second())),
        "Nanosecond" => number(|time| i64::from(time.subsec_nanosecond())),
        "YearDay" => number(|time| i64::from(time.day_of_year())),
        "Weekday" => Ok(Value::Weekday(i64::from(zoned().weekday().to_sunday_zero_offset()))),
        "Unix" => Ok(Value::Int(saturated(ns.div_euclid(1_000_000_000)))),
        "UnixMilli" => Ok(Value::Int(saturated(ns.div_euclid(1_000_000)))),
        "UnixMicro" => Ok(Value::Int(saturated(ns.div_euclid(1_000)))),
        "UnixNano" => Ok(Value::Int(saturated(ns))),
        "Format" => {
            let Some(Value::Text(layout)) = args.first() else { return Err("no layout".into()) };
            Ok(Value::text(layout::format(time, layout)))
        }
        "Location" => Ok(Value::text("UTC")),
        "String" => Ok(Value::text(Value::Time(time).to_string())),
        // What begins with the year 1 is not known here.
        "IsZero" => Ok(Value::Bool(false)),
        "UTC" | "Local" => Ok(Value::Time(time)),
        "After" => Ok(Value::Bool(time > other)),
        "Before" => Ok(Value::Bool(time < other)),
        "Equal" => Ok(Value::Bool(time == other)),
        "Compare" => Ok(Value::Int(time.cmp(&other) as i64)),
        "Sub" => Ok(Value::Duration(saturated(ns - other.as_nanosecond()))),
        "Add" => at(ns + i128::from(int(args.first()))),
        "Truncate" | "Round" => {
            let unit = i128::from(int(args.first()));
            let since_year_1 = ns + 62_135_596_800 * 1_000_000_000;
            match unit > 0 {
                false => Ok(Value::Time(time)),
                true => {
                    let over = since_year_1.rem_euclid(unit);
                    let up = name == "Round" && over * 2 >= unit;
                    at(ns - over + if up { unit } else { 0 })
                }
            }
        }
        "AddDate" => {
            let span = |i: usize| int(args.get(i)).clamp(-9_999, 9_999);
            let months = span(0) * 12 + span(1);
            let moved = add_months(&zoned(), months)
                .and_then(|time| time.checked_add(Span::new().try_days(span(2)).ok()?).ok());
            moved.map(|time| Value::Time(time.timestamp())).ok_or_else(|| BEYOND.to_owned())
        }
        _ => Err(format!("no method {name}")),
    }
}

const BEYOND: &str = "the time is out of range";

fn at(ns: i128) -> Result<Value, String> {
    Timestamp::from_nanosecond(ns).map(Value::Time).map_err(|_| BEYOND.to_owned())
}

/// Days that a month does not have are days of the next one.
fn add_months(time: &Zoned, months: i64) -> Option<Zoned> {
    let first = time.with().day(1).build().ok()?;
    let first = first.checked_add(Span::new().try_months(months).ok()?).ok()?;
    first.checked_add(Span::new().try_days(i64::from(time.day()) - 1).ok()?).ok()
}

fn duration_method(ns: i64, name: &str, args: &[Value]) -> Value {
    let unit = int(args.first());
    match name {
        "Hours" => Value::Float(ns as f64 / 3.6e12),
        "Minutes" => Value::Float(ns as f64 / 6e10),
        "Seconds" => Value::Float(ns as f64 / 1e9),
        "Milliseconds" => Value::Int(ns / 1_000_000),
        "Microseconds" => Value::Int(ns / 1_000),
        "Nanoseconds" => Value::Int(ns),
        "Abs" => Value::Duration(ns.saturating_abs()),
        "Truncate" if unit > 0 => Value::Duration(ns - ns % unit),
        "Round" if unit > 0 => {
            let over = ns % unit;
            let away = if over.unsigned_abs() >= unit.unsigned_abs().div_ceil(2) {
                unit * ns.signum()
            } else {
                0
            };
            Value::Duration((ns - over).saturating_add(away))
        }
        "Truncate" | "Round" => Value::Duration(ns),
        _ => Value::text(Value::Duration(ns).to_string()),
    }
}
