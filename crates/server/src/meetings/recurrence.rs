//! The occurrences of a repeating meeting: computed, never stored, and reached from any moment without a walk.
//!
//! A series takes at most one occurrence a day. Which days it takes is arithmetic on calendar days; the moment of an
//! occurrence is the series' time of day on that day, by the rules of the series' time zone:
//! - the local time stays the same when clocks change;
//! - a local time that is skipped (clocks go forward) moves on by what is skipped: 02:30 becomes 03:30 on that day alone;
//! - a local time that comes twice (clocks go back) is the earlier one;
//! - on the day of the series' start it is the start itself, whatever the above says;
//! - every occurrence lasts equally long, also through a change of clocks.

use std::ops::Range;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::day::{Day, local_time};
use super::repeat::{Kind, Repeat, Weekdays};
use crate::time::Timestamp;

/// One taking place of a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The day in the series' zone: it names the occurrence within its series.
    pub day: Day,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it is over.
    pub ends_at: Timestamp,
}

/// All occurrences of a repeating meeting.
#[derive(Debug, Clone)]
pub struct Series {
    days: Days,
    starts_at: Timestamp,
    time: Time,
    zone: TimeZone,
    length_ms: i64,
    endless: bool,
}

impl Series {
    /// The series that `repeat` makes of a meeting; nothing when not a single day fits.
    pub fn new(repeat: &Repeat, starts_at: Timestamp, ends_at: Timestamp) -> Option<Series> {
        let zone = repeat.zone.rules().clone();
        let local = local_time(starts_at, &zone);
        let first = Day::of(local.date());
        let pattern = match repeat.kind {
            Kind::Daily => Pattern::Daily,
            Kind::Weekly(days) => {
                Pattern::Weekly(days.unwrap_or_else(|| std::array::from_fn(|day| day == first.weekday())))
            }
            Kind::Monthly(day) => Pattern::Monthly(day.unwrap_or_else(|| local.date().day())),
        };
        let days = Days { pattern, first, last: repeat.end_date.unwrap_or(Day::LAST).min(Day::LAST) };
        days.at_or_after(first)?;
        let length_ms = ends_at.as_millis().saturating_sub(starts_at.as_millis());
        Some(Series { days, starts_at, time: local.time(), zone, length_ms, endless: repeat.end_date.is_none() })
    }

    /// Whether nothing was said about an end.
    pub const fn is_endless(&self) -> bool {
        self.endless
    }

    /// All days on which it could take place.
    pub fn days(&self) -> Range<Day> {
        self.days.first..self.days.last.plus(1)
    }

    /// The first occurrence.
    pub fn first(&self) -> Occurrence {
        self.on(self.days.at_or_after(self.days.first).unwrap_or(self.days.first))
    }

    /// The last occurrence; of an endless series the last before the year 2100.
    pub fn last(&self) -> Occurrence {
        self.on(self.days.at_or_before(self.days.last).unwrap_or(self.days.last))
    }

    /// Whether it takes place on that day.
    pub fn takes(&self, day: Day) -> bool {
        self.days.at_or_after(day) == Some(day)
    }

    /// How many occurrences the days have.
    pub fn count(&self, days: &Range<Day>) -> u64 {
        self.days.count(days)
    }

    /// The first day on which an occurrence would start at `moment` or later: on all days before it, it starts earlier.
    pub fn first_day_from(&self, moment: Timestamp) -> Day {
        // No zone is more than a day off, so the answer is near the day that the zone's clocks show at that moment.
        let near = Day::at(moment, &self.zone);
        (-1..=1).map(|off| near.plus(off)).find(|day| self.start_on(*day) >= moment).unwrap_or_else(|| near.plus(2))
    }

    /// The first day whose occurrence is not over at `now`.
    pub fn first_day_not_over(&self, now: Timestamp) -> Day {
        // It is over when start + length <= now.
        self.first_day_from(Timestamp::from_millis(now.as_millis().saturating_sub(self.length_ms).saturating_add(1)))
    }

    /// The occurrences on those days, earliest first.
    pub fn ascending(&self, days: Range<Day>) -> impl Iterator<Item = Occurrence> {
        std::iter::successors(self.days.at_or_after(days.start), |day| self.days.at_or_after(day.plus(1)))
            .take_while(move |day| *day < days.end)
            .map(|day| self.on(day))
    }

    /// The occurrences on those days, latest first.
    pub fn descending(&self, days: Range<Day>) -> impl Iterator<Item = Occurrence> {
        std::iter::successors(self.days.at_or_before(days.end.plus(-1)), |day| self.days.at_or_before(day.plus(-1)))
            .take_while(move |day| *day >= days.start)
            .map(|day| self.on(day))
    }

    fn on(&self, day: Day) -> Occurrence {
        let starts_at = self.start_on(day);
        Occurrence {
            day,
            starts_at,
            ends_at: Timestamp::from_millis(starts_at.as_millis().saturating_add(self.length_ms)),
        }
    }

    fn start_on(&self, day: Day) -> Timestamp {
        if day == self.days.first {
            return self.starts_at;
        }
        // 'Compatible' disambiguation (RFC 5545 section 3.3.5): the later side of a gap, the earlier side of a fold.
        // It fails thousands of years away only, and days end with the year 2099.
        let moment = self.zone.to_timestamp(day.date().to_datetime(self.time)).unwrap_or(jiff::Timestamp::MAX);
        Timestamp::from_millis(moment.as_millisecond())
    }
}

/// The days of a series: from the first to the last, those that the pattern takes.
#[derive(Debug, Clone, Copy)]
struct Days {
    pattern: Pattern,
    first: Day,
    last: Day,
}

#[derive(Debug, Clone, Copy)]
enum Pattern {
    Daily,
    Weekly(Weekdays),
    Monthly(i8),
}

impl Days {
    /// The first one on that day or later.
    fn at_or_after(&self, day: Day) -> Option<Day> {
        let from = day.max(self.first);
        let found = match self.pattern {
            Pattern::Daily => Some(from),
            Pattern::Weekly(week) => (0..7).map(|off| from.plus(off)).find(|day| week[day.weekday()]),
            // No two months without a 29th, 30th or 31st follow each other.
            Pattern::Monthly(date) => {
                (0..3).filter_map(|off| in_month(month_of(from) + off, date)).find(|day| *day >= from)
            }
        };
        found.filter(|day| *day <= self.last)
    }

    /// The last one on that day or earlier.
    fn at_or_before(&self, day: Day) -> Option<Day> {
        let until = day.min(self.last);
        let found = match self.pattern {
            Pattern::Daily => Some(until),
            Pattern::Weekly(week) => (0..7).map(|off| until.plus(-off)).find(|day| week[day.weekday()]),
            Pattern::Monthly(date) => {
                (0..3).filter_map(|off| in_month(month_of(until) - off, date)).find(|day| *day <= until)
            }
        };
        found.filter(|day| *day >= self.first)
    }

    fn count(&self, days: &Range<Day>) -> u64 {
        let (from, until) = (days.start.max(self.first), days.end.min(self.last.plus(1)));
        if from >= until {
            return 0;
        }
        let count = match self.pattern {
            Pattern::Daily => until.since(from),
            Pattern::Weekly(week) => {
                let whole = until.since(from).div_euclid(7);
                let a_week = week.iter().filter(|taken| **taken).count();
                let rest = (whole * 7..until.since(from)).filter(|off| week[from.plus(*off).weekday()]).count();
                whole * signed(a_week) + signed(rest)
            }
            Pattern::Monthly(date) => {
                // Months whose day is at or after `from`, less those whose day is at or after `until`.
                let begun = |day: Day| months_before(month_of(day), date) + i64::from(is_taken_before(day, date));
                begun(until) - begun(from)
            }
        };
        count.unsigned_abs()
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Months since the year 0.
fn month_of(day: Day) -> i64 {
    let date = day.date();
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

/// That day of the month, if the month has it.
fn in_month(month: i64, date: i8) -> Option<Day> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let month = i8::try_from(month.rem_euclid(12) + 1).ok()?;
    jiff::civil::Date::new(year, month, date).ok().map(Day::of)
}

/// Whether the month of `day` has that date, earlier than `day`.
fn is_taken_before(day: Day, date: i8) -> bool {
    in_month(month_of(day), date).is_some_and(|taken| taken < day)
}

/// How many months before that one (and since the year 0) have that date.
fn months_before(month: i64, date: i8) -> i64 {
    let (year, rest) = (month.div_euclid(12), month.rem_euclid(12));
    // Leap years before `year`, the year 0 being one (RFC 3339 counts by the proleptic Gregorian calendar).
    let leaps = (year + 3).div_euclid(4) - (year + 99).div_euclid(100) + (year + 399).div_euclid(400);
    let whole_years = match date {
        ..=28 => year * 12,
        29 => year * 11 + leaps,
        30 => year * 11,
        _ => year * 7,
    };
    whole_years + signed((0..rest).filter(|month| in_month(year * 12 + month, date).is_some()).count())
}

#[cfg(test)]
#[path = "recurrence_tests.rs"]
mod tests;
