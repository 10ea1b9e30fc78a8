//! Meetings: most people have some, a few have thousands.

use rusqlite::params;

use super::{DAY, HOUR, MINUTE, World, people};
use crate::Fallible;
use crate::scale::dice::{Dice, Kind};
use crate::scale::loader::Loader;

const TOPICS: &[&str] = &[
    "Weekly planning",
    "Budget for the next quarter",
    "Interview",
    "Design review",
    "Stand-up",
    "Parents' evening",
    "Physics, lesson 12",
    "Call with the supplier",
    "Retrospective",
    "One to one",
    "All hands",
];

/// A place where the clock never changes, five and a half hours ahead.
const ZONE: &str = "Asia/Kolkata";
const AHEAD: i64 = 5 * HOUR + 30 * MINUTE;

/// A series as columns.
struct Series {
    kind: &'static str,
    end_day: Option<i64>,
    ends_at: i64,
}

struct Drawn {
    owner: u64,
    starts: i64,
    ends: i64,
    series: Option<Series>,
    cancelled: bool,
    dice: Dice,
}

impl World {
    fn meeting(&self, number: u64) -> String {
        format!("sm-{}", Dice::rising_uuid(Kind::Meeting, number, self.size.meetings))
    }

    fn drawn(&self, number: u64) -> Drawn {
        let mut dice = Dice::of(Kind::Meeting, number);
        let owner = dice.skewed(self.size.users, 20, 3);
        // Nine of ten are over; to the quarter of an hour.
        let quarter = 15 * MINUTE;
        let starts =
            if dice.percent(90) { self.now - dice.within(1_000 * DAY) } else { self.now + dice.within(100 * DAY) };
        let starts = starts / quarter * quarter;
        let ends = starts + quarter * (1 + dice.within(6));
        // Who has thousands has few that repeat: no more than a thousand are allowed.
        let repeats = dice.percent(if owner < self.size.users / 1_000 { 1 } else { 4 });
        let series = repeats.then(|| {
            let (kind, days) = if dice.percent(30) { ("daily", 1) } else { ("weekly", 7) };
            let end_day = dice.percent(80).then(|| (starts + AHEAD).div_euclid(DAY) + days * (1 + dice.within(60)));
            let last_start =
                end_day.map_or(4_102_358_400_000, |day| day * DAY - AHEAD + (starts + AHEAD).rem_euclid(DAY));
            Series { kind, end_day, ends_at: last_start + (ends - starts) }
        });
        Drawn { owner, starts, ends, series, cancelled: dice.percent(5), dice }
    }

    pub(super) fn meetings(&self, loader: &mut Loader) -> Fallible<()> {
        let (now, count) = (self.now, self.size.meetings);
        // Ten digits that rise.
        let (first, width) = (1_000_000_000, 9_000_000_000 / count);
        loader.fill(
            "meetings",
            "INSERT INTO meetings (id, jiomeet_id, user_id, topic, starts_at, ends_at, pin, pin_enabled_at, waiting_room_at,
                repeat_kind, repeat_end_day, time_zone, series_ends_at, created_at, changed_at, cancelled_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15)",
            count,
            |insert, number| {
                let Drawn { owner, starts, ends, series, cancelled, mut dice } = self.drawn(number);
                let created = starts.min(now) - dice.within(10 * DAY);
                let jiomeet_id = first + number * width + dice.below(width);
                let pin = format!("{:06}", dice.below(1_000_000));
                insert.execute(params![
                    self.meeting(number),
                    jiomeet_id.to_string(),
                    self.user(owner),
                    dice.one(TOPICS),
                    starts,
                    ends,
                    pin,
                    dice.percent(50).then_some(created),
                    dice.percent(20).then_some(created),
                    series.as_ref().map(|series| series.kind),
                    series.as_ref().and_then(|series| series.end_day),
                    series.as_ref().map(|_| ZONE),
                    series.as_ref().map(|series| series.ends_at),
                    created,
                    cancelled.then_some(created + HOUR),
                ])?;
                Ok(())
            },
        )?;
        self.guests(loader)?;
        loader.index("meetings_single")?;
        loader.run(
            "meeting_months",
            "INSERT INTO meeting_months (user_id, month, singles)
                SELECT user_id, (strftime('%Y', starts_at / 1000, 'unixepoch') - 1970) * 12
                    + strftime('%m', starts_at / 1000, 'unixepoch') - 1 AS month, COUNT(*)
                FROM meetings WHERE repeat_kind IS NULL AND cancelled_at IS NULL GROUP BY user_id, month",
        )
    }

    fn guests(&self, loader: &mut Loader) -> Fallible<()> {
        loader.fill(
            "meeting_participants",
            "INSERT INTO meeting_participants (meeting_id, email, position, invited_at, role, joined_at, left_at)
                VALUES (?1, ?2, ?3, ?4, 'participant', ?5, ?6)",
            self.size.meetings,
            |insert, number| {
                let dice = &mut Dice::of(Kind::Participant, number);
                // Most share a link and invite nobody by address.
                if !dice.percent(20) {
                    return Ok(());
                }
                let (id, Drawn { starts, ends, .. }) = (self.meeting(number), self.drawn(number));
                let mut guest = dice.below(self.size.users - 10);
                let over = ends < self.now;
                (0..1 + dice.within(4)).try_for_each(|position| {
                    guest += 1;
                    let joined = (over && dice.percent(80)).then_some(starts + MINUTE);
                    let left = joined.map(|_| ends);
                    insert.execute(params![id, people::email_of(guest), position, starts - DAY, joined, left]).map(drop)
                })
            },
        )?;
        loader.fill(
            "cancelled_occurrences",
            "INSERT INTO cancelled_occurrences (meeting_id, day, user_id, cancelled_at) VALUES (?1, ?2, ?3, ?4)",
            self.size.meetings,
            |insert, number| {
                let Drawn { owner, starts, series, mut dice, .. } = self.drawn(number);
                let Some(series) = series.filter(|_| dice.percent(20)) else { return Ok(()) };
                let step = if series.kind == "daily" { 1 } else { 7 };
                let day = (starts + AHEAD).div_euclid(DAY) + step;
                insert.execute(params![self.meeting(number), day, self.user(owner), starts]).map(drop)
            },
        )
    }
}
