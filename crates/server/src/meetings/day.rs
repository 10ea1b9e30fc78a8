//! Calendar days as numbers: what recurrence counts with and the database keeps.

use jiff::civil::{Date, date};
use jiff::{SignedDuration, tz::TimeZone};
use sql::{Cell, DbError, FromValue, ToValue, Value};

use crate::time::Timestamp;

/// A calendar day, counted from 1970-01-01, in whatever time zone the context names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

const EPOCH: Date = date(1970, 1, 1);

impl Day {
    /// No meeting starts before this day (UTC): a time before it is a mistake, often seconds taken for milliseconds.
    pub const FIRST: Day = Day(10_957);
    /// No meeting starts after this day (UTC), and no series goes on after it: 2099-12-31.
    pub const LAST: Day = Day(47_481);

    /// The day of a date.
    pub fn of(date: Date) -> Day {
        Day(date.duration_since(EPOCH).as_hours().div_euclid(24))
    }

    /// Reads `YYYY-MM-DD`, and nothing else that ISO 8601 would allow.
    pub fn parse(text: &str) -> Option<Day> {
        let digits = |range| text.get(range).filter(|part: &&str| part.bytes().all(|b| b.is_ascii_digit()));
        if text.len() != 10 || text.get(4..5) != Some("-") || text.get(7..8) != Some("-") {
            return None;
        }
        let year = digits(0..4)?.parse().ok()?;
        Date::new(year, digits(5..7)?.parse().ok()?, digits(8..10)?.parse().ok()?).ok().map(Day::of)
    }

    /// The day that a clock in that zone shows at that moment.
    pub fn at(moment: Timestamp, zone: &TimeZone) -> Day {
        Day::of(local_time(moment, zone).date())
    }

    /// The date of this day.
    pub fn date(self) -> Date {
        EPOCH.saturating_add(SignedDuration::from_hours(self.0.saturating_mul(24)))
    }

    /// That many days later, or earlier when negative.
    #[must_use]
    pub const fn plus(self, days: i64) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// How many days this is after `earlier`; negative when it is before.
    pub const fn since(self, earlier: Day) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The day of the week: 0 is Sunday.
    pub fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        usize::try_from((self.0 + 4).rem_euclid(7)).unwrap_or(0)
    }
}

/// What a clock in that zone shows at that moment.
pub(super) fn local_time(moment: Timestamp, zone: &TimeZone) -> jiff::civil::DateTime {
    let moment = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    zone.to_datetime(moment)
}

/// A month of UTC, counted from January 1970: meetings are counted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i64);

impl Month {
    /// The month that a clock in UTC shows at that moment.
    pub fn at(moment: Timestamp) -> Month {
        let date = Day::at(moment, &TimeZone::UTC).date();
        Month((i64::from(date.year()) - 1970) * 12 + i64::from(date.month()) - 1)
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        let year = i16::try_from(1970 + self.0.div_euclid(12)).unwrap_or(i16::MAX);
        let month = i8::try_from(1 + self.0.rem_euclid(12)).unwrap_or(1);
        let day = Date::new(year, month, 1).map_or(Day::LAST, Day::of);
        Timestamp::from_millis(day.0.saturating_mul(86_400_000))
    }

    /// That many months later, or earlier when negative.
    #[must_use]
    pub const fn plus(self, months: i64) -> Month {
        Month(self.0.saturating_add(months))
    }

    /// How many months this is after `earlier`; negative when it is before.
    pub const fn since(self, earlier: Month) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

macro_rules! numbers_in_the_database {
    ($($name:ident),*) => { $(
        impl ToValue for $name {
            fn to_value(&self) -> Value<'_> {
                Value::Int(self.0)
            }
        }

        impl FromValue for $name {
            fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
                i64::from_cell(cell).map($name)
            }
        }
    )* };
}

numbers_in_the_database!(Day, Month);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_the_same_thing() {
        for day in -800_000..800_000_i64 {
            let date = Day(day).date();
            assert_eq!(Day::of(date), Day(day));
            assert_eq!(usize::try_from(date.weekday().to_sunday_zero_offset()).unwrap(), Day(day).weekday());
        }
        assert_eq!(Day::FIRST.date(), date(2000, 1, 1));
        assert_eq!(Day::LAST.date(), date(2099, 12, 31));
    }

    #[test]
    fn a_date_is_ten_characters() {
        assert_eq!(Day::parse("2026-02-28"), Some(Day::of(date(2026, 2, 28))));
        for wrong in [
            "",
            "2026-02-29",
            "2026-2-28",
            "20260228",
            "2026-02-28 ",
            "2026-02-28T00:00:00Z",
            "+026-02-28",
            "2026-13-01",
            "２０26-1",
        ] {
            assert_eq!(Day::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_month_begins_where_its_first_moment_is() {
        for month in -2_000..2_000 {
            let start = Month(month).start();
            assert_eq!(Month::at(start), Month(month));
            assert_eq!(Month::at(Timestamp::from_millis(start.as_millis() - 1)), Month(month - 1));
        }
    }
}
