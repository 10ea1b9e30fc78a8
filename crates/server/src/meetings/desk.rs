//! What is done with meetings: each function is the body of one unit of work.
//!
//! A meeting that was cancelled is gone: every verb answers about it as about one that never was.

use super::body::{Cancel, Draft};
use super::day::Day;
use super::faults::Faults;
use super::listing::{Listing, Repeating, View};
use super::meeting::{JiomeetId, Meeting, Participant, Pin, Plan};
use super::query::ListQuery;
use super::store;
use crate::ids::{MeetingId, UserId};
use crate::random::Random;
use crate::time::Timestamp;
use crate::users::{self, Email};
use sql::{DbError, Tx};

/// The most repeating meetings that a person can have at a time, those that are over included. Each list looks at all of
/// them, so their number is bounded; single meetings are not.
pub const MOST_SERIES: u32 = 1_000;

/// Rows before a page that are read as they are; where there are more, it is looked for by its start first.
const MOST_SKIPPED: u64 = 20;

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The person has no such meeting.
    NoSuchMeeting,
    /// What is asked for does not fit with what is stored.
    Faults(Faults),
    /// Of the series nothing runs or comes.
    Over,
    /// Another call cancelled this occurrence, or changed the series, in the meantime.
    Overtaken,
}

/// What the database could do, and whether it was done.
pub type Outcome<T> = Result<Result<T, Refusal>, DbError>;

/// What a new meeting is made with, minted before the unit of work.
#[derive(Debug, Clone)]
pub struct Mint {
    id: MeetingId,
    pin: Pin,
    /// Several, because another meeting may have one by chance: of nine thousand million, so that a second is hardly ever
    /// needed and a fifth never.
    jiomeet_ids: [JiomeetId; 5],
}

impl Mint {
    /// Fresh ids and a fresh PIN.
    pub fn new(random: &Random, now: Timestamp) -> Mint {
        let jiomeet_ids = std::array::from_fn(|_| JiomeetId::mint(random));
        Mint { id: MeetingId::mint(random, now), pin: Pin::mint(random), jiomeet_ids }
    }
}

/// Schedules a meeting.
///
/// # Errors
/// The database's.
pub fn create(tx: &mut Tx<'_>, owner: &UserId, draft: &Draft, mint: &Mint, now: Timestamp) -> Outcome<Meeting> {
    let plan = match draft.plan(None) {
        Ok(plan) => plan,
        Err(faults) => return Ok(Err(Refusal::Faults(faults))),
    };
    if let Err(refusal) = room_for_series(tx, owner, None, &plan)? {
        return Ok(Err(refusal));
    }
    let Mint { id, pin, jiomeet_ids } = mint.clone();
    let invited = draft.participants().unwrap_or_default();
    for jiomeet_id in jiomeet_ids {
        let meeting =
            Meeting { id: id.clone(), jiomeet_id, owner: owner.clone(), pin: pin.clone(), plan: plan.clone() };
        if store::insert_meeting(tx, &meeting, now)? {
            if !invited.is_empty() {
                invite(tx, &meeting, invited, now)?;
            }
            return Ok(Ok(meeting));
        }
    }
    Err(DbError::Broken("no free meeting number was found".into()))
}

/// Changes a meeting; what the draft leaves out stays.
///
/// # Errors
/// The database's.
pub fn change(tx: &mut Tx<'_>, owner: &UserId, id: &MeetingId, draft: &Draft, now: Timestamp) -> Outcome<Meeting> {
    let Some(meeting) = store::lock_meeting(tx, id, owner)? else { return Ok(Err(Refusal::NoSuchMeeting)) };
    let plan = match draft.plan(Some(&meeting.plan)) {
        Ok(plan) => plan,
        Err(faults) => return Ok(Err(Refusal::Faults(faults))),
    };
    if let Err(refusal) = room_for_series(tx, owner, Some(&meeting.plan), &plan)? {
        return Ok(Err(refusal));
    }
    if let Err(refusal) = drop_stale_cancellations(tx, &meeting, &plan)? {
        return Ok(Err(refusal));
    }
    store::change_meeting(tx, &meeting, &plan, now)?;
    if let Some(invited) = draft.participants() {
        invite(tx, &meeting, invited, now)?;
    }
    Ok(Ok(Meeting { plan, ..meeting }))
}

/// A meeting with its participants.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Tx<'_>, owner: &UserId, id: &MeetingId) -> Outcome<(Meeting, Vec<Participant>)> {
    let Some(meeting) = store::find_meeting(tx, id, owner)? else { return Ok(Err(Refusal::NoSuchMeeting)) };
    let participants = store::list_participants(tx, id)?;
    Ok(Ok((meeting, participants)))
}

/// One row of a list: a meeting at the times of one occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRow {
    /// The meeting.
    pub meeting: Meeting,
    /// When this occurrence starts.
    pub starts_at: Timestamp,
    /// When it is over.
    pub ends_at: Timestamp,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many rows the whole list has.
    pub total: u64,
    /// The rows of this page.
    pub rows: Vec<ListedRow>,
}

/// A page of a person's meetings, occurrences of series each for itself.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Tx<'_>, owner: &UserId, query: ListQuery, now: Timestamp) -> Result<Page, DbError> {
    let view = View { past: query.past, now };
    let singles = store::count_singles(tx, owner, view)?;
    let series = store::list_series(tx, owner, view, 2 * MOST_SERIES)?;
    let series = series.into_iter().filter_map(|(meeting, cancelled)| Repeating::new(meeting, cancelled, view));
    let listing = Listing::new(view, singles, series.collect());
    let total = listing.total();
    if query.offset >= total {
        return Ok(Page { total, rows: Vec::new() });
    }
    let mut seek = listing.seek(query.offset);
    if seek.skip > MOST_SKIPPED {
        seek = listing.nearer(seek, &store::list_starts(tx, owner, view, seek.edge, seek.skip)?);
    }
    let read = seek.skip.saturating_add(query.limit as u64);
    let singles = store::list_singles(tx, owner, view, seek.edge, read)?;
    let rows = listing.page(seek, query.limit, &singles).into_iter().map(|row| ListedRow {
        meeting: row.meeting.clone(),
        starts_at: row.starts_at,
        ends_at: row.ends_at,
    });
    Ok(Page { total, rows: rows.collect() })
}

/// How far a cancelling came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelling {
    /// The meeting is cancelled.
    Done,
    /// It is a series: the occurrence of this day is the one that is meant, and [`cancel_occurrence`] cancels it.
    Occurrence(Day),
}

/// Cancels a meeting. Of a series `current` cancels nothing yet: it names the occurrence, so that of two calls at the same
/// time, which both mean this one, the second does not cancel the one after it.
///
/// # Errors
/// The database's.
pub fn cancel(tx: &mut Tx<'_>, owner: &UserId, id: &MeetingId, cancel: Cancel, now: Timestamp) -> Outcome<Cancelling> {
    let Some(meeting) = store::lock_meeting(tx, id, owner)? else { return Ok(Err(Refusal::NoSuchMeeting)) };
    let series = match (cancel, meeting.plan.series()) {
        (Cancel::Current, Some(series)) => series,
        (Cancel::All, _) | (Cancel::Current, None) => {
            store::cancel_meeting(tx, &meeting, now)?;
            return Ok(Ok(Cancelling::Done));
        }
    };
    let cancelled = store::list_cancelled(tx, id)?;
    let mut coming =
        series.ascending(series.first_day_not_over(now)..series.days().end).map(|occurrence| occurrence.day);
    Ok(match coming.find(|day| !cancelled.contains(day)) {
        Some(day) => Ok(Cancelling::Occurrence(day)),
        None => Err(Refusal::Over),
    })
}

/// Cancels the occurrence of that day, and the series with its last one.
///
/// # Errors
/// The database's.
pub fn cancel_occurrence(tx: &mut Tx<'_>, owner: &UserId, id: &MeetingId, day: Day, now: Timestamp) -> Outcome<()> {
    let Some(meeting) = store::lock_meeting(tx, id, owner)? else { return Ok(Err(Refusal::NoSuchMeeting)) };
    let Some(series) = meeting.plan.series().filter(|series| series.takes(day)) else {
        return Ok(Err(Refusal::Overtaken));
    };
    if !store::claim_cancelled(tx, &meeting, day, now)? {
        return Ok(Err(Refusal::Overtaken));
    }
    if store::list_cancelled(tx, id)?.len() as u64 >= series.count(&series.days()) {
        store::cancel_meeting(tx, &meeting, now)?;
    }
    Ok(Ok(()))
}

/// Whether one more repeating meeting can be had, if the plan makes one.
fn room_for_series(tx: &mut Tx<'_>, owner: &UserId, stored: Option<&Plan>, plan: &Plan) -> Outcome<()> {
    let becomes_one = plan.repeat.is_some() && stored.is_none_or(|stored| stored.repeat.is_none());
    if becomes_one && store::count_repeating(tx, owner)? >= MOST_SERIES {
        let problem = format!(
            "cannot be had: there are {MOST_SERIES} repeating meetings; cancel those that are no longer needed"
        );
        return Ok(Err(Refusal::Faults(Faults::one("repeatOptions", problem))));
    }
    Ok(Ok(()))
}

/// Forgets what was cancelled on days that the new plan does not take; a plan of which nothing would be left is refused.
fn drop_stale_cancellations(tx: &mut Tx<'_>, meeting: &Meeting, plan: &Plan) -> Outcome<()> {
    if meeting.plan.repeat.is_none() {
        return Ok(Ok(()));
    }
    let series = plan.series();
    let cancelled = store::list_cancelled(tx, &meeting.id)?;
    let (kept, stale): (Vec<Day>, Vec<Day>) =
        cancelled.into_iter().partition(|day| series.as_ref().is_some_and(|series| series.takes(*day)));
    if let Some(series) = series
        && kept.len() as u64 >= series.count(&series.days())
    {
        let problem = "leaves only occurrences that were cancelled; cancel the meeting instead";
        return Ok(Err(Refusal::Faults(Faults::one("repeatOptions", problem))));
    }
    for day in stale {
        store::delete_cancelled(tx, &meeting.id, day)?;
    }
    Ok(Ok(()))
}

fn invite(tx: &mut Tx<'_>, meeting: &Meeting, invited: &[Email], now: Timestamp) -> Result<(), DbError> {
    let host = users::find(tx, &meeting.owner)?;
    let name = host.as_ref().map(users::User::full_name).unwrap_or_default();
    let host = host.as_ref().map(|host| (&host.email, name.as_str()));
    store::replace_invited(tx, &meeting.id, invited, host, now)
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
