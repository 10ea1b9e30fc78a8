//! A meeting as columns, there and back.

use sql::{DbError, Row};

use super::day::Day;
use super::meeting::{AdvancedOptions, JiomeetId, Meeting, Pin, Plan};
use super::repeat::{Kind, Repeat, Weekdays, Zone};
use crate::time::Timestamp;

/// What is read of a meeting, in the order that [`meeting`] expects.
macro_rules! columns {
    () => {
        "id, jiomeet_id, user_id, topic, starts_at, ends_at, pin, pin_enabled_at, join_before_host_at, waiting_room_at,
            hard_audio_mute_at, hard_video_mute_at, classroom_mode_at, repeat_kind, repeat_days, repeat_date_in_month,
            repeat_end_day, time_zone"
    };
}
pub(super) use columns;

/// The meeting in a row of these columns.
///
/// # Errors
/// A column holds what no meeting has.
pub fn meeting(row: &Row<'_>) -> Result<Meeting, DbError> {
    let flag = |index| row.get::<Option<Timestamp>>(index).map(|at| at.is_some());
    Ok(Meeting {
        id: row.get(0)?,
        jiomeet_id: JiomeetId::from_text(row.get::<String>(1)?),
        owner: row.get(2)?,
        pin: Pin::from_text(row.get::<String>(6)?),
        plan: Plan {
            topic: row.get(3)?,
            starts_at: row.get(4)?,
            ends_at: row.get(5)?,
            pin_required: flag(7)?,
            options: AdvancedOptions {
                join_before_host: flag(8)?,
                waiting_room: flag(9)?,
                participant_hard_audio_mute: flag(10)?,
                participant_hard_video_mute: flag(11)?,
                is_classroom_mode: flag(12)?,
            },
            repeat: repeat(row)?,
        },
    })
}

fn repeat(row: &Row<'_>) -> Result<Option<Repeat>, DbError> {
    let broken = |what: &str| DbError::Broken(format!("a meeting's {what} cannot be read"));
    let Some(kind) = row.get::<Option<String>>(13)? else { return Ok(None) };
    let kind = match kind.as_str() {
        "daily" => Kind::Daily,
        "weekly" => {
            Kind::Weekly(row.get::<Option<i64>>(14)?.map(|bits| std::array::from_fn(|day| bits >> day & 1 == 1)))
        }
        "monthly" => {
            let date: Option<i64> = row.get(15)?;
            Kind::Monthly(date.map(i8::try_from).transpose().map_err(|_| broken("day of the month"))?)
        }
        _ => return Err(broken("repetition")),
    };
    let zone: String = row.get(17)?;
    let zone = Zone::parse(&zone).ok_or_else(|| broken("time zone"))?;
    Ok(Some(Repeat { kind, end_date: row.get(16)?, zone }))
}

/// A plan's yes and no as the times that stand for them.
pub struct Flags {
    pub pin: Option<Timestamp>,
    pub join_before_host: Option<Timestamp>,
    pub waiting_room: Option<Timestamp>,
    pub hard_audio_mute: Option<Timestamp>,
    pub hard_video_mute: Option<Timestamp>,
    pub classroom_mode: Option<Timestamp>,
}

impl Flags {
    /// Those that are set, are set now.
    pub fn of(plan: &Plan, now: Timestamp) -> Flags {
        let at = |flag: bool| flag.then_some(now);
        Flags {
            pin: at(plan.pin_required),
            join_before_host: at(plan.options.join_before_host),
            waiting_room: at(plan.options.waiting_room),
            hard_audio_mute: at(plan.options.participant_hard_audio_mute),
            hard_video_mute: at(plan.options.participant_hard_video_mute),
            classroom_mode: at(plan.options.is_classroom_mode),
        }
    }
}

/// A plan's rule of repetition as columns.
#[derive(Default)]
pub struct RuleColumns<'a> {
    pub kind: Option<&'static str>,
    pub days: Option<i64>,
    pub date_in_month: Option<i32>,
    pub end_day: Option<Day>,
    pub zone: Option<&'a str>,
    pub series_ends_at: Option<Timestamp>,
}

impl RuleColumns<'_> {
    /// All null for a single meeting.
    pub fn of(plan: &Plan) -> RuleColumns<'_> {
        let Some(repeat) = &plan.repeat else { return RuleColumns::default() };
        let (days, date_in_month) = match repeat.kind {
            Kind::Daily => (None, None),
            Kind::Weekly(days) => (days.map(bits), None),
            Kind::Monthly(date) => (None, date.map(i32::from)),
        };
        RuleColumns {
            kind: Some(repeat.kind.word()),
            days,
            date_in_month,
            end_day: repeat.end_date,
            zone: Some(repeat.zone.name()),
            series_ends_at: plan.series().map(|series| series.last().ends_at),
        }
    }
}

fn bits(days: Weekdays) -> i64 {
    (0..).zip(days).map(|(bit, taken)| i64::from(taken) << bit).sum()
}
