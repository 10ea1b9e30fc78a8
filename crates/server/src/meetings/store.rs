//! SQL of `meetings`, `meeting_months`, `meeting_participants` and `cancelled_occurrences`.
//!
//! `meeting_months` counts a person's single, uncancelled meetings by the month of their start: whatever changes one of
//! those changes its month in the same unit, after the meeting's own row (and earlier months first), so that two units
//! never wait for each other.

use std::collections::HashMap;
use std::time::Duration;

use sql::{DbError, Row, Tx, params};

use super::day::{Day, Month};
use super::listing::{Edge, SingleCounts, View};
use super::meeting::{LONGEST, Meeting, Participant, Plan, Role};
use super::rows::{Flags, RuleColumns, columns, meeting};
use crate::ids::{MeetingId, UserId};
use crate::jobs::{self, Kind};
use crate::time::Timestamp;
use crate::users::Email;

sql::statements! {
    /// A new meeting, unless another has its ten digits.
    INSERT_MEETING = "INSERT INTO meetings (id, jiomeet_id, user_id, topic, starts_at, ends_at, pin, pin_enabled_at,
            join_before_host_at, waiting_room_at, hard_audio_mute_at, hard_video_mute_at, classroom_mode_at,
            repeat_kind, repeat_days, repeat_date_in_month, repeat_end_day, time_zone, series_ends_at, created_at, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)
        ON CONFLICT (jiomeet_id) DO NOTHING";
    /// A person's meeting.
    FIND_MEETING = concat!("SELECT ", columns!(), " FROM meetings WHERE id = $1 AND user_id = $2 AND cancelled_at IS NULL");
    /// The same, held until the unit ends.
    LOCK_MEETING = concat!("UPDATE meetings SET changed_at = changed_at WHERE id = $1 AND user_id = $2 AND cancelled_at IS NULL
        RETURNING ", columns!());
    /// What its owner decides, anew.
    CHANGE_MEETING = "UPDATE meetings SET topic = $2, starts_at = $3, ends_at = $4, pin_enabled_at = $5, join_before_host_at = $6,
            waiting_room_at = $7, hard_audio_mute_at = $8, hard_video_mute_at = $9, classroom_mode_at = $10, repeat_kind = $11,
            repeat_days = $12, repeat_date_in_month = $13, repeat_end_day = $14, time_zone = $15, series_ends_at = $16,
            changed_at = $17
        WHERE id = $1";
    /// The meeting, or the series, will not take place.
    CANCEL_MEETING = "UPDATE meetings SET cancelled_at = $2, changed_at = $2 WHERE id = $1 AND cancelled_at IS NULL";
    /// One single meeting more in a month.
    ADD_TO_MONTH = "INSERT INTO meeting_months (user_id, month, singles) VALUES ($1, $2, 1)
        ON CONFLICT (user_id, month) DO UPDATE SET singles = meeting_months.singles + 1";
    /// One single meeting less in a month.
    TAKE_FROM_MONTH = "UPDATE meeting_months SET singles = singles - 1 WHERE user_id = $1 AND month = $2";
    /// How many repeating meetings a person has; the desk keeps them few.
    COUNT_REPEATING = "SELECT COUNT(*) FROM meetings WHERE user_id = $1 AND repeat_kind IS NOT NULL AND cancelled_at IS NULL";

    /// Single meetings around now that are not over.
    COUNT_NEAR_COMING = "SELECT COUNT(*) FROM meetings WHERE user_id = $1 AND starts_at >= $2 AND starts_at < $3 AND ends_at > $4
        AND repeat_kind IS NULL AND cancelled_at IS NULL";
    /// Single meetings around now that are over.
    COUNT_NEAR_PAST = "SELECT COUNT(*) FROM meetings WHERE user_id = $1 AND starts_at >= $2 AND starts_at < $3 AND ends_at <= $4
        AND repeat_kind IS NULL AND cancelled_at IS NULL";
    /// Counts of the months from one on.
    LIST_MONTHS_COMING = "SELECT month, singles FROM meeting_months WHERE user_id = $1 AND month >= $2 AND singles > 0 ORDER BY month";
    /// Counts of the months before one.
    LIST_MONTHS_PAST = "SELECT month, singles FROM meeting_months WHERE user_id = $1 AND month < $2 AND singles > 0 ORDER BY month";
    /// Single meetings that run or come, earliest first.
    LIST_COMING = concat!("SELECT ", columns!(), " FROM meetings WHERE user_id = $1 AND starts_at >= $2 AND ends_at > $3
        AND repeat_kind IS NULL AND cancelled_at IS NULL ORDER BY starts_at, id LIMIT $4");
    /// Single meetings that are over, latest first.
    LIST_PAST = concat!("SELECT ", columns!(), " FROM meetings WHERE user_id = $1 AND starts_at < $2 AND ends_at <= $3
        AND repeat_kind IS NULL AND cancelled_at IS NULL ORDER BY starts_at DESC, id DESC LIMIT $4");
    /// When single meetings that run or come start, earliest first.
    LIST_STARTS_COMING = "SELECT starts_at FROM meetings WHERE user_id = $1 AND starts_at >= $2 AND ends_at > $3
        AND repeat_kind IS NULL AND cancelled_at IS NULL ORDER BY starts_at, id LIMIT $4";
    /// When single meetings that are over started, latest first.
    LIST_STARTS_PAST = "SELECT starts_at FROM meetings WHERE user_id = $1 AND starts_at < $2 AND ends_at <= $3
        AND repeat_kind IS NULL AND cancelled_at IS NULL ORDER BY starts_at DESC, id DESC LIMIT $4";
    /// Series that are not over at a moment.
    LIST_SERIES_COMING = concat!("SELECT ", columns!(), " FROM meetings WHERE user_id = $1 AND series_ends_at > $2
        AND repeat_kind IS NOT NULL AND cancelled_at IS NULL ORDER BY series_ends_at, id LIMIT $3");
    /// Series that had begun at a moment.
    LIST_SERIES_PAST = concat!("SELECT ", columns!(), " FROM meetings WHERE user_id = $1 AND starts_at <= $2
        AND repeat_kind IS NOT NULL AND cancelled_at IS NULL ORDER BY series_ends_at, id LIMIT $3");
    /// What was cancelled of a person's series, from a day on.
    LIST_CANCELLED_COMING = "SELECT meeting_id, day FROM cancelled_occurrences WHERE user_id = $1 AND day >= $2";
    /// What was cancelled of a person's series, up to a day.
    LIST_CANCELLED_PAST = "SELECT meeting_id, day FROM cancelled_occurrences WHERE user_id = $1 AND day <= $2";

    /// What was cancelled of one series.
    LIST_CANCELLED = "SELECT day FROM cancelled_occurrences WHERE meeting_id = $1 ORDER BY day";
    /// One occurrence will not take place: the claim of whoever cancels it.
    INSERT_CANCELLED = "INSERT INTO cancelled_occurrences (meeting_id, day, user_id, cancelled_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (meeting_id, day) DO NOTHING";
    /// The series takes no occurrence on that day any more.
    DELETE_CANCELLED = "DELETE FROM cancelled_occurrences WHERE meeting_id = $1 AND day = $2";

    /// Who was invited or was there.
    LIST_PARTICIPANTS = "SELECT email, name, role, joined_at, left_at FROM meeting_participants
        WHERE meeting_id = $1 AND (invited_at IS NOT NULL OR joined_at IS NOT NULL) ORDER BY position, email";
    /// Nobody is invited any more.
    UNINVITE_ALL = "UPDATE meeting_participants SET invited_at = NULL WHERE meeting_id = $1 AND invited_at IS NOT NULL";
    /// Somebody is invited; who was there before keeps that.
    INVITE = "INSERT INTO meeting_participants (meeting_id, email, position, invited_at, name, role) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (meeting_id, email) DO UPDATE SET position = excluded.position, invited_at = excluded.invited_at";
    /// Meetings of an account that was deleted, with all that hangs on them.
    DELETE_MEETINGS_OF = "DELETE FROM meetings WHERE id IN (SELECT id FROM meetings WHERE user_id = $1 ORDER BY id LIMIT $2)";
    /// Its months.
    DELETE_MONTHS_OF = "DELETE FROM meeting_months WHERE user_id = $1";
    /// Who is neither invited nor was there.
    DELETE_STRANGERS = "DELETE FROM meeting_participants WHERE meeting_id = $1 AND invited_at IS NULL AND joined_at IS NULL";
}

/// Removes meetings of an account that was deleted, at most `limit`; how many went.
///
/// # Errors
/// The database's.
pub fn sweep_deleted_accounts(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    // The claim is held no longer than this unit: what is left is due again at once.
    let Some(claim) = jobs::claim(tx, Kind::MeetingsOfAccount, now, Duration::ZERO)? else { return Ok(0) };
    let removed = tx.execute(&DELETE_MEETINGS_OF, params![claim.subject, limit])?;
    if removed < limit.unsigned_abs() {
        tx.execute(&DELETE_MONTHS_OF, params![claim.subject])?;
        jobs::finish(tx, &claim)?;
        // A full batch makes upkeep ask again: another account may wait.
        return Ok(limit.unsigned_abs());
    }
    Ok(removed)
}

/// Stores a new meeting, unless its ten digits are taken.
///
/// # Errors
/// The database's.
pub fn insert_meeting(tx: &mut Tx<'_>, meeting: &Meeting, now: Timestamp) -> Result<bool, DbError> {
    let Meeting { id, jiomeet_id, owner, pin, plan } = meeting;
    let flags = Flags::of(plan, now);
    let rule = RuleColumns::of(plan);
    let inserted = tx.execute(
        &INSERT_MEETING,
        params![
            id,
            jiomeet_id.as_str(),
            owner,
            plan.topic,
            plan.starts_at,
            plan.ends_at,
            pin.reveal(),
            flags.pin,
            flags.join_before_host,
            flags.waiting_room,
            flags.hard_audio_mute,
            flags.hard_video_mute,
            flags.classroom_mode,
            rule.kind,
            rule.days,
            rule.date_in_month,
            rule.end_day,
            rule.zone,
            rule.series_ends_at,
            now
        ],
    )?;
    if inserted == 1 {
        count_in_month(tx, owner, None, Some(plan))?;
    }
    Ok(inserted == 1)
}

/// A person's meeting, unless it was cancelled.
///
/// # Errors
/// The database's.
pub fn find_meeting(tx: &mut Tx<'_>, id: &MeetingId, owner: &UserId) -> Result<Option<Meeting>, DbError> {
    tx.find(&FIND_MEETING, params![id, owner], meeting)
}

/// The same, held until the unit ends: nobody else changes or cancels it meanwhile.
///
/// # Errors
/// The database's.
pub fn lock_meeting(tx: &mut Tx<'_>, id: &MeetingId, owner: &UserId) -> Result<Option<Meeting>, DbError> {
    tx.find(&LOCK_MEETING, params![id, owner], meeting)
}

/// Gives a locked meeting another plan.
///
/// # Errors
/// The database's.
pub fn change_meeting(tx: &mut Tx<'_>, locked: &Meeting, plan: &Plan, now: Timestamp) -> Result<(), DbError> {
    let flags = Flags::of(plan, now);
    let rule = RuleColumns::of(plan);
    tx.execute(
        &CHANGE_MEETING,
        params![
            locked.id,
            plan.topic,
            plan.starts_at,
            plan.ends_at,
            flags.pin,
            flags.join_before_host,
            flags.waiting_room,
            flags.hard_audio_mute,
            flags.hard_video_mute,
            flags.classroom_mode,
            rule.kind,
            rule.days,
            rule.date_in_month,
            rule.end_day,
            rule.zone,
            rule.series_ends_at,
            now
        ],
    )?;
    count_in_month(tx, &locked.owner, Some(&locked.plan), Some(plan))
}

/// Cancels a locked meeting, with all of its occurrences.
///
/// # Errors
/// The database's.
pub fn cancel_meeting(tx: &mut Tx<'_>, locked: &Meeting, now: Timestamp) -> Result<(), DbError> {
    if tx.execute(&CANCEL_MEETING, params![locked.id, now])? == 1 {
        count_in_month(tx, &locked.owner, Some(&locked.plan), None)?;
    }
    Ok(())
}

/// Moves a meeting from the month that counts it to another; only single ones are counted.
fn count_in_month(tx: &mut Tx<'_>, owner: &UserId, from: Option<&Plan>, to: Option<&Plan>) -> Result<(), DbError> {
    let month = |plan: Option<&Plan>| plan.filter(|plan| plan.repeat.is_none()).map(|plan| Month::at(plan.starts_at));
    let (from, to) = (month(from), month(to));
    if from == to {
        return Ok(());
    }
    let mut steps = [(from, &TAKE_FROM_MONTH), (to, &ADD_TO_MONTH)];
    steps.sort_by_key(|(month, _)| *month);
    for (month, statement) in steps {
        if let Some(month) = month {
            tx.execute(statement, params![owner, month])?;
        }
    }
    Ok(())
}

/// How many repeating meetings a person has.
///
/// # Errors
/// The database's.
pub fn count_repeating(tx: &mut Tx<'_>, owner: &UserId) -> Result<u32, DbError> {
    tx.one(&COUNT_REPEATING, params![owner], |row| row.get(0))
}

/// How many single meetings a view has.
///
/// # Errors
/// The database's.
pub fn count_singles(tx: &mut Tx<'_>, owner: &UserId, view: View) -> Result<SingleCounts, DbError> {
    let (near, months) =
        if view.past { (&COUNT_NEAR_PAST, &LIST_MONTHS_PAST) } else { (&COUNT_NEAR_COMING, &LIST_MONTHS_COMING) };
    let range = view.near();
    Ok(SingleCounts {
        near: tx.one(near, params![owner, range.start, range.end, view.now], |row| count(row, 0))?,
        months: tx.list(months, params![owner, view.whole_months()], |row| Ok((row.get(0)?, count(row, 1)?)))?,
    })
}

/// The first single meetings of a view from an edge on, in the view's order.
///
/// # Errors
/// The database's.
pub fn list_singles(
    tx: &mut Tx<'_>,
    owner: &UserId,
    view: View,
    edge: Edge,
    limit: u64,
) -> Result<Vec<Meeting>, DbError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let statement = if view.past { &LIST_PAST } else { &LIST_COMING };
    tx.list(statement, params![owner, first_start(view, edge), view.now, limit], meeting)
}

/// When they start, read from the index alone.
///
/// # Errors
/// The database's.
pub fn list_starts(
    tx: &mut Tx<'_>,
    owner: &UserId,
    view: View,
    edge: Edge,
    limit: u64,
) -> Result<Vec<Timestamp>, DbError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let statement = if view.past { &LIST_STARTS_PAST } else { &LIST_STARTS_COMING };
    tx.list(statement, params![owner, first_start(view, edge), view.now, limit], |row| row.get(0))
}

/// From which start on single meetings are read; in the past, before which one.
fn first_start(view: View, edge: Edge) -> Timestamp {
    match edge {
        Edge::At(at) => at,
        Edge::Beginning if view.past => view.now,
        Edge::Beginning => view.now.minus(LONGEST),
    }
}

/// The series that a view may show, each with the days that were cancelled of it.
///
/// # Errors
/// The database's.
pub fn list_series(
    tx: &mut Tx<'_>,
    owner: &UserId,
    view: View,
    bound: u32,
) -> Result<Vec<(Meeting, Vec<Day>)>, DbError> {
    let (series, cancelled) = if view.past {
        (&LIST_SERIES_PAST, &LIST_CANCELLED_PAST)
    } else {
        (&LIST_SERIES_COMING, &LIST_CANCELLED_COMING)
    };
    let meetings = tx.list(series, params![owner, view.now, bound], meeting)?;
    if meetings.is_empty() {
        return Ok(Vec::new());
    }
    // In no zone is today further away than a day, and an occurrence may have begun a day before.
    let today = Day::at(view.now, &jiff::tz::TimeZone::UTC);
    let day = if view.past { today.plus(2) } else { today.plus(-3) };
    let mut days: HashMap<String, Vec<Day>> = HashMap::new();
    for (id, day) in tx.list(cancelled, params![owner, day], |row| Ok((row.get::<String>(0)?, row.get(1)?)))? {
        days.entry(id).or_default().push(day);
    }
    let with_days = |meeting: Meeting| {
        let days = days.remove(meeting.id.as_str()).unwrap_or_default();
        (meeting, days)
    };
    Ok(meetings.into_iter().map(with_days).collect())
}

/// The days that were cancelled of one series.
///
/// # Errors
/// The database's.
pub fn list_cancelled(tx: &mut Tx<'_>, id: &MeetingId) -> Result<Vec<Day>, DbError> {
    tx.list(&LIST_CANCELLED, params![id], |row| row.get(0))
}

/// Claims the cancelling of one occurrence of a locked meeting; false when another call has it.
///
/// # Errors
/// The database's.
pub fn claim_cancelled(tx: &mut Tx<'_>, locked: &Meeting, day: Day, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&INSERT_CANCELLED, params![locked.id, day, locked.owner, now])? == 1)
}

/// Forgets that an occurrence was cancelled.
///
/// # Errors
/// The database's.
pub fn delete_cancelled(tx: &mut Tx<'_>, id: &MeetingId, day: Day) -> Result<(), DbError> {
    tx.execute(&DELETE_CANCELLED, params![id, day]).map(drop)
}

/// Who was invited, in the order of the invitation, and who else was there.
///
/// # Errors
/// The database's.
pub fn list_participants(tx: &mut Tx<'_>, id: &MeetingId) -> Result<Vec<Participant>, DbError> {
    tx.list(&LIST_PARTICIPANTS, params![id], |row| {
        let role: String = row.get(2)?;
        Ok(Participant {
            email: row.get(0)?,
            name: row.get(1)?,
            role: if role == Role::Host.word() { Role::Host } else { Role::Participant },
            joined_at: row.get(3)?,
            left_at: row.get(4)?,
        })
    })
}

/// Invites these and nobody else; whoever was there stays in the meeting's memory. `host` is the owner's address and name.
///
/// # Errors
/// The database's.
pub fn replace_invited(
    tx: &mut Tx<'_>,
    id: &MeetingId,
    invited: &[Email],
    host: Option<(&Email, &str)>,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&UNINVITE_ALL, params![id])?;
    for (position, email) in (0_i64..).zip(invited) {
        let (role, name) = match host {
            Some((address, name)) if address == email => (Role::Host, name),
            _ => (Role::Participant, ""),
        };
        tx.execute(&INVITE, params![id, email, position, now, name, role.word()])?;
    }
    tx.execute(&DELETE_STRANGERS, params![id]).map(drop)
}

fn count(row: &Row<'_>, index: usize) -> Result<u64, DbError> {
    let count: i64 = row.get(index)?;
    u64::try_from(count).map_err(|_| DbError::Broken(format!("column {index} counts {count}")))
}
