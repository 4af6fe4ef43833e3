//! Layouts of times: how Go's reference time, the 2nd of January 2006, 15:04:05, is written.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The name of a month, from 1.
pub(super) fn month(number: i64) -> &'static str {
    let at = usize::try_from(number - 1).ok();
    at.and_then(|at| MONTHS.get(at)).copied().unwrap_or("%!Month")
}

/// The name of a day, from 0 for Sunday.
pub(super) fn weekday(number: i64) -> &'static str {
    usize::try_from(number).ok().and_then(|at| DAYS.get(at)).copied().unwrap_or("%!Weekday")
}

/// What a piece of a layout stands for.
#[derive(Clone, Copy)]
enum Piece {
    MonthName,
    MonthShort,
    Month,
    MonthTwo,
    DayName,
    DayShort,
    Day,
    DaySpaced,
    DayTwo,
    YearDaySpaced,
    YearDayThree,
    Hour24,
    Hour,
    HourTwo,
    Minute,
    MinuteTwo,
    Second,
    SecondTwo,
    Year,
    YearTwo,
    Upper,
    Lower,
    /// As it is in UTC.
    Zone(&'static str),
}

/// The pieces, each before those that it begins with.
const PIECES: [(&str, Piece); 36] = [
    ("January", Piece::MonthName),
    ("Jan", Piece::MonthShort),
    ("Monday", Piece::DayName),
    ("Mon", Piece::DayShort),
    ("MST", Piece::Zone("UTC")),
    ("2006", Piece::Year),
    ("002", Piece::YearDayThree),
    ("01", Piece::MonthTwo),
    ("02", Piece::DayTwo),
    ("03", Piece::HourTwo),
    ("04", Piece::MinuteTwo),
    ("05", Piece::SecondTwo),
    ("06", Piece::YearTwo),
    ("15", Piece::Hour24),
    ("1", Piece::Month),
    ("2", Piece::Day),
    // What only begins like a day.
    ("_2006", Piece::Zone("_")),
    ("_2", Piece::DaySpaced),
    ("__2", Piece::YearDaySpaced),
    ("3", Piece::Hour),
    ("4", Piece::Minute),
    ("5", Piece::Second),
    ("PM", Piece::Upper),
    ("pm", Piece::Lower),
    ("-070000", Piece::Zone("+000000")),
    ("-07:00:00", Piece::Zone("+00:00:00")),
    ("-0700", Piece::Zone("+0000")),
    ("-07:00", Piece::Zone("+00:00")),
    ("-07", Piece::Zone("+00")),
    ("Z070000", Piece::Zone("Z")),
    ("Z07:00:00", Piece::Zone("Z")),
    ("Z0700", Piece::Zone("Z")),
    ("Z07:00", Piece::Zone("Z")),
    ("Z07", Piece::Zone("Z")),
    // Words that begin like pieces and go on otherwise.
    ("Januar", Piece::MonthShort),
    ("Mond", Piece::DayShort),
];

/// A time in UTC as the layout has it.
pub(super) fn format(time: Timestamp, layout: &str) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    let mut out = String::with_capacity(layout.len() + 16);
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        if let Some((digits, trims)) = fraction(rest) {
            let ns = format!("{:09}", time.subsec_nanosecond());
            let shown = &ns[..digits.min(9)];
            let shown = if trims { shown.trim_end_matches('0') } else { shown };
            if !shown.is_empty() {
                out.push(first);
                out.push_str(shown);
            }
            rest = &rest[1 + digits..];
            continue;
        }
        let found = PIECES.iter().find(|(text, _)| rest.starts_with(text));
        // A short name is none when its word goes on in small letters.
        let found = found.filter(|(text, piece)| {
            let is_short = matches!(piece, Piece::MonthShort | Piece::DayShort);
            let next = rest[text.len()..].chars().next();
            !(is_short && text.len() == 3 && next.is_some_and(|c| c.is_ascii_lowercase()))
                && (text.len() == 3 || !is_short)
        });
        let Some((text, piece)) = found else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        rest = if *text == "_2006" { &rest[1..] } else { &rest[text.len()..] };
        write(&mut out, *piece, &time).expect("a string takes text");
    }
    out
}

/// The digits of a fraction of a second that begins here, and whether zeros at its end are left out.
fn fraction(text: &str) -> Option<(usize, bool)> {
    let digits = text.strip_prefix(['.', ','])?;
    let kind = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
    let count = digits.chars().take_while(|c| *c == kind).count();
    let next = digits[count..].chars().next();
    (!next.is_some_and(|c| c.is_ascii_digit())).then_some((count, kind == '9'))
}

fn write(out: &mut String, piece: Piece, time: &jiff::Zoned) -> std::fmt::Result {
    let hour_12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let name = month(i64::from(time.month()));
    let day = weekday(i64::from(time.weekday().to_sunday_zero_offset()));
    match piece {
        Piece::MonthName => out.write_str(name),
        Piece::MonthShort => out.write_str(&name[..3]),
        Piece::Month => write!(out, "{}", time.month()),
        Piece::MonthTwo => write!(out, "{:02}", time.month()),
        Piece::DayName => out.write_str(day),
        Piece::DayShort => out.write_str(&day[..3]),
        Piece::Day => write!(out, "{}", time.day()),
        Piece::DaySpaced => write!(out, "{:2}", time.day()),
        Piece::DayTwo => write!(out, "{:02}", time.day()),
        Piece::YearDaySpaced => write!(out, "{:3}", time.day_of_year()),
        Piece::YearDayThree => write!(out, "{:03}", time.day_of_year()),
        Piece::Hour24 => write!(out, "{:02}", time.hour()),
        Piece::Hour => write!(out, "{hour_12}"),
        Piece::HourTwo => write!(out, "{hour_12:02}"),
        Piece::Minute => write!(out, "{}", time.minute()),
        Piece::MinuteTwo => write!(out, "{:02}", time.minute()),
        Piece::Second => write!(out, "{}", time.second()),
        Piece::SecondTwo => write!(out, "{:02}", time.second()),
        Piece::Year => write!(out, "{:04}", time.year()),
        Piece::YearTwo => write!(out, "{:02}", time.year().rem_euclid(100)),
        Piece::Upper => out.write_str(if time.hour() >= 12 { "PM" } else { "AM" }),
        Piece::Lower => out.write_str(if time.hour() >= 12 { "pm" } else { "am" }),
        Piece::Zone(text) => out.write_str(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        let check = |layout: &str, expected: &str| {
            let time = Timestamp::from_millisecond(1_435_065_584_120).unwrap();
            assert_eq!(format(time, layout), expected, "{layout}");
        };
        check("2006-01-02T15:04:05Z07:00", "2015-06-23T13:19:44Z");
        check("Mon Jan _2 15:04:05 MST 2006", "Tue Jun 23 13:19:44 UTC 2015");
        check("Monday, January 2, 3:04PM pm", "Tuesday, June 23, 1:19PM pm");
        check("05.000 05.999 05,000000 5.9", "44.120 44.12 44,120000 44.1");
        check("-0700 -07 Z0700 06 002", "+0000 +00 Z 15 174");
        check("Month _2006 Jane", "Month _2015 Jane");
        check("", "");
        check("é", "é");
    }
}
