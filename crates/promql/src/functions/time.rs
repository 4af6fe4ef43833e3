//! Parts of a date in UTC.

/// A moment in the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    /// Days since the Unix epoch.
    days: i64,
}

const DAY: i64 = 86_400;
/// Days in 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;

impl Civil {
    /// The moment so many seconds after the Unix epoch.
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        // Years that start in March end with the leap day.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(ERA), shifted.rem_euclid(ERA));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        Self { year, month, day, hour, minute, second: second % 60, days }
    }

    fn is_leap(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    fn days_in_month(self) -> i64 {
        match self.month {
            2 => 28 + i64::from(self.is_leap()),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn day_of_year(self) -> i64 {
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let month = usize::try_from(self.month - 1).expect("a month is at least 1");
        before[month] + self.day + i64::from(self.month > 2 && self.is_leap())
    }
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 0, Sunday, to 6.
    DayOfWeek,
    /// 1 to 31.
    DayOfMonth,
    /// 1 to 366.
    DayOfYear,
    /// 28 to 31.
    DaysInMonth,
    /// 1 to 12.
    Month,
    /// The year.
    Year,
}

impl Part {
    /// The part of the moment so many seconds after the Unix epoch; fractions are cut off.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "seconds outside of the range of i64 are no dates; parts are small"
    )]
    pub(crate) fn of(self, seconds: f64) -> f64 {
        // Far outside of any calendar, but the arithmetic must not overflow.
        let civil = Civil::from_seconds((seconds as i64).clamp(i64::MIN / 2, i64::MAX / 2));
        let part = match self {
            Self::Minute => civil.minute,
            Self::Hour => civil.hour,
            Self::DayOfWeek => (civil.days + 4).rem_euclid(7),
            Self::DayOfMonth => civil.day,
            Self::DayOfYear => civil.day_of_year(),
            Self::DaysInMonth => civil.days_in_month(),
            Self::Month => civil.month,
            Self::Year => civil.year,
        };
        part as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let check = |seconds: f64, expected: [f64; 8]| {
            use Part::*;
            let parts = [Year, Month, DayOfMonth, Hour, Minute, DayOfWeek, DayOfYear, DaysInMonth];
            assert_eq!(parts.map(|part| part.of(seconds)), expected, "{seconds}");
        };
        check(0.0, [1970.0, 1.0, 1.0, 0.0, 0.0, 4.0, 1.0, 31.0]);
        check(-1.0, [1969.0, 12.0, 31.0, 23.0, 59.0, 3.0, 365.0, 31.0]);
        check(1_136_239_445.0, [2006.0, 1.0, 2.0, 22.0, 4.0, 1.0, 2.0, 31.0]);
        check(951_782_400.0, [2000.0, 2.0, 29.0, 0.0, 0.0, 2.0, 60.0, 29.0]);
        check(1_735_689_599.9, [2024.0, 12.0, 31.0, 23.0, 59.0, 2.0, 366.0, 31.0]);
    }

    #[test]
    fn nonsense_does_not_panic() {
        for seconds in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e18] {
            Part::Year.of(seconds);
            Part::DayOfYear.of(seconds);
        }
    }
}
