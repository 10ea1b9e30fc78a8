//! The list of a person's meetings: single ones from the database, occurrences of series computed, in one order.
//!
//! Rows are ordered by start, then by id; what is over backwards. However many meetings a person has had, a page costs
//! the same: single meetings are counted by month (`meeting_months` keeps the sums), occurrences by arithmetic. So the
//! page's month is found by counting; within it the starts alone are read, of as many meetings as come before the page,
//! and only from the page's own beginning on are rows read and merged.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::Range;
use std::time::Duration;

use super::day::{Day, Month};
use super::meeting::{LONGEST, Meeting};
use super::recurrence::{Occurrence, Series};
use crate::time::Timestamp;

/// How far ahead the occurrences of a series without an end are listed; its first one is listed however far it is.
pub const HORIZON: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Which half of the list, seen from which moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// What is over, latest first; else what runs or comes, earliest first.
    pub past: bool,
    /// The moment.
    pub now: Timestamp,
}

impl View {
    /// The starts between which single meetings are counted one by one, because only some of them belong here:
    /// those around `now`, up to where whole months begin.
    pub fn near(self) -> Range<Timestamp> {
        // A meeting that starts before this is over; one that starts at `now` or later is not.
        let unsure = self.now.minus(LONGEST);
        if self.past { self.whole_months().start()..self.now } else { unsure..self.whole_months().start() }
    }

    /// The months whose single meetings belong here without exception: this one and all later ones, or for what is over
    /// all earlier ones.
    pub fn whole_months(self) -> Month {
        if self.past { Month::at(self.now.minus(LONGEST)) } else { Month::at(self.now).plus(1) }
    }
}

/// How many single meetings there are, without looking at each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleCounts {
    /// In [`View::near`], of those that belong to the view.
    pub near: u64,
    /// In the whole months on the view's side of it.
    pub months: Vec<(Month, u64)>,
}

/// A series with what was cancelled of it.
#[derive(Debug, Clone)]
pub struct Repeating {
    meeting: Meeting,
    series: Series,
    /// The days that belong to the view.
    days: Range<Day>,
    cancelled: BTreeSet<Day>,
}

impl Repeating {
    /// The part of a repeating meeting that belongs to the view; nothing of a meeting that does not repeat.
    pub fn new(meeting: Meeting, cancelled: impl IntoIterator<Item = Day>, view: View) -> Option<Repeating> {
        let series = meeting.plan.series()?;
        let all = series.days();
        let not_over = series.first_day_not_over(view.now);
        let days = if view.past {
            all.start..not_over.min(all.end)
        } else if series.is_endless() {
            let first = series.first().day.plus(1);
            not_over..series.first_day_from(view.now.plus(HORIZON)).max(first).min(all.end)
        } else {
            not_over..all.end
        };
        let cancelled = cancelled.into_iter().filter(|day| days.contains(day) && series.takes(*day)).collect();
        Some(Repeating { meeting, series, days, cancelled })
    }

    fn count(&self, days: Range<Day>) -> u64 {
        let days = days.start.max(self.days.start)..days.end.min(self.days.end);
        if days.start >= days.end {
            return 0;
        }
        self.series.count(&days) - self.cancelled.range(days).count() as u64
    }

    /// Its rows from `edge` on, in the view's order.
    fn rows(&self, view: View, edge: Edge) -> Box<dyn Iterator<Item = Occurrence> + '_> {
        let Range { start, end } = self.days;
        let kept = |occurrence: &Occurrence| !self.cancelled.contains(&occurrence.day);
        match (view.past, edge.at()) {
            (true, at) => Box::new(
                self.series
                    .descending(start..at.map_or(end, |at| self.series.first_day_from(at).min(end)))
                    .filter(kept),
            ),
            (false, at) => Box::new(
                self.series
                    .ascending(at.map_or(start, |at| self.series.first_day_from(at).max(start))..end)
                    .filter(kept),
            ),
        }
    }
}

/// Where reading begins: where the view does, or where a month does (what is over is read from a month's end backwards).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The first row of the view.
    Beginning,
    /// Rows that start at this moment or later; in the past, before it.
    At(Timestamp),
}

impl Edge {
    const fn at(self) -> Option<Timestamp> {
        match self {
            Edge::Beginning => None,
            Edge::At(moment) => Some(moment),
        }
    }
}

/// Where a page is to be read, and how many rows from there on come before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seek {
    /// Where reading begins.
    pub edge: Edge,
    /// How many rows from there on belong to earlier pages.
    pub skip: u64,
}

/// One row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// The meeting, single or repeating.
    pub meeting: &'a Meeting,
    /// When it, or this occurrence of it, starts.
    pub starts_at: Timestamp,
    /// When it is over.
    pub ends_at: Timestamp,
}

/// The whole list of one view, as counts and rules.
#[derive(Debug, Clone)]
pub struct Listing {
    view: View,
    singles: SingleCounts,
    series: Vec<Repeating>,
}

impl Listing {
    /// A list of these.
    pub const fn new(view: View, singles: SingleCounts, series: Vec<Repeating>) -> Listing {
        Listing { view, singles, series }
    }

    /// How many rows there are.
    pub fn total(&self) -> u64 {
        let months: u64 = self.singles.months.iter().map(|(_, count)| count).sum();
        self.singles.near + months + self.occurrences()
    }

    /// Where to read the page that begins after `offset` rows: the last month boundary that fewer rows come before.
    pub fn seek(&self, offset: u64) -> Seek {
        let all = self.occurrences();
        let fits = |boundary: Month| {
            let singles = self.singles_before(boundary);
            // Occurrences are counted, series by series, where neither none of them nor all of them decide.
            let is_certain = singles + all <= offset;
            singles <= offset && (is_certain || singles + self.occurrences_before(boundary.start()) <= offset)
        };
        // Halving: boundary number `low` fits, number `high` does not.
        let (mut low, mut high) = (0, if offset == 0 { 1 } else { self.boundaries() });
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(self.boundary(middle)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        if low == 0 {
            return Seek { edge: Edge::Beginning, skip: offset };
        }
        let boundary = self.boundary(low);
        let before = self.singles_before(boundary) + self.occurrences_before(boundary.start());
        Seek { edge: Edge::At(boundary.start()), skip: offset - before }
    }

    /// The same page, read from the last single meeting on that fewer rows come before. `starts` are those of the first
    /// `skip` single meetings from the edge on, in the view's order, or of all that there are.
    pub fn nearer(&self, seek: Seek, starts: &[Timestamp]) -> Seek {
        let past = self.view.past;
        let from = seek.edge.at().map_or(0, |at| self.occurrences_before(at));
        // Halving: the `low`th start fits (0 is the edge as it is), the `high`th does not.
        let (mut low, mut high, mut found) = (0, starts.len() + 1, seek);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let Some(start) = starts.get(middle - 1) else { break };
            let at = if past { start.plus(Duration::from_millis(1)) } else { *start };
            let singles = starts.partition_point(|start| if past { *start >= at } else { *start < at }) as u64;
            let before = singles + self.occurrences_before(at).saturating_sub(from);
            if before <= seek.skip {
                (low, found) = (middle, Seek { edge: Edge::At(at), skip: seek.skip - before });
            } else {
                high = middle;
            }
        }
        found
    }

    /// Boundary 0 is the beginning; the last one lies beyond every row.
    fn boundaries(&self) -> i64 {
        let whole = self.view.whole_months();
        let last = Month::at(if self.view.past { start_of(Day::FIRST) } else { start_of(Day::LAST) });
        whole.since(last).abs() + 4
    }

    fn boundary(&self, number: i64) -> Month {
        let whole = self.view.whole_months();
        if self.view.past { whole.plus(1 - number) } else { whole.plus(number - 1) }
    }

    /// How many single meetings come before those that start at the boundary or later (in the past: before it).
    fn singles_before(&self, boundary: Month) -> u64 {
        let past = self.view.past;
        let whole =
            self.singles.months.iter().filter(|(month, _)| if past { *month >= boundary } else { *month < boundary });
        self.singles.near + whole.map(|(_, count)| count).sum::<u64>()
    }

    /// How many occurrences come before those that start at that moment or later (in the past: before it).
    fn occurrences_before(&self, at: Timestamp) -> u64 {
        let before = |repeating: &Repeating| {
            let (days, day) = (repeating.days.clone(), repeating.series.first_day_from(at));
            repeating.count(if self.view.past { day..days.end } else { days.start..day })
        };
        self.series.iter().map(before).sum()
    }

    fn occurrences(&self) -> u64 {
        self.series.iter().map(|repeating| repeating.count(repeating.days.clone())).sum()
    }

    /// The page: `singles` are the single meetings from the edge on in the view's order, at least the first
    /// `skip + limit` of them, or all.
    pub fn page<'a>(&'a self, seek: Seek, limit: usize, singles: &'a [Meeting]) -> Vec<Row<'a>> {
        let past = self.view.past;
        let alone: Box<dyn Iterator<Item = Row<'a>> + 'a> = Box::new(singles.iter().map(|meeting| Row {
            meeting,
            starts_at: meeting.plan.starts_at,
            ends_at: meeting.plan.ends_at,
        }));
        let repeating = self.series.iter().map(|repeating| {
            let occurrences = repeating.rows(self.view, seek.edge);
            let rows = occurrences.map(|occurrence| Row {
                meeting: &repeating.meeting,
                starts_at: occurrence.starts_at,
                ends_at: occurrence.ends_at,
            });
            Box::new(rows) as Box<dyn Iterator<Item = Row<'a>> + 'a>
        });
        let mut heads: BinaryHeap<Head<'a>> =
            std::iter::once(alone).chain(repeating).filter_map(|rest| Head::of(rest, past)).collect();
        let merged = std::iter::from_fn(|| {
            let Head { row, rest, .. } = heads.pop()?;
            heads.extend(Head::of(rest, past));
            Some(row)
        });
        merged.skip(usize::try_from(seek.skip).unwrap_or(usize::MAX)).take(limit).collect()
    }
}

fn start_of(day: Day) -> Timestamp {
    Timestamp::from_millis(day.since(Day::of(jiff::civil::date(1970, 1, 1))).saturating_mul(86_400_000))
}

/// The first row of what is left of one source; the greatest head is the next row of the list.
struct Head<'a> {
    row: Row<'a>,
    past: bool,
    rest: Box<dyn Iterator<Item = Row<'a>> + 'a>,
}

impl<'a> Head<'a> {
    fn of(mut rest: Box<dyn Iterator<Item = Row<'a>> + 'a>, past: bool) -> Option<Head<'a>> {
        rest.next().map(|row| Head { row, past, rest })
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |row: &Row<'_>| row.starts_at;
        let order = key(&self.row).cmp(&key(&other.row)).then_with(|| self.row.meeting.id.cmp(&other.row.meeting.id));
        if self.past { order } else { order.reverse() }
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head<'_> {}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
