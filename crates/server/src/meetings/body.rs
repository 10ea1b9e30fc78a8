//! Bodies: what a client may say about a meeting, and every fault in it at once.
//!
//! Unknown fields are ignored, and `null` is as good as left out, with one exception: when a meeting is changed,
//! `"repeatOptions": null` makes it stop repeating.

use jiff::tz::Offset;
use serde_json::{Map, Value};

use super::day::Day;
use super::faults::Faults;
use super::meeting::{AdvancedOptions, LONGEST, Plan};
use super::repeat::Zone;
use super::repeat_options::{Repetition, check_rule, read_repetition};
use crate::time::Timestamp;
use crate::users::Email;

/// The longest topic, in characters.
pub const TOPIC_LENGTH: usize = 255;
/// The most people who can be invited to a meeting.
pub const MOST_PARTICIPANTS: usize = 100;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// What a body says about a meeting; what it leaves out is for [`Draft::plan`] to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    topic: String,
    starts_at: Timestamp,
    ends_at: Timestamp,
    /// How the start was written: the zone of a series that names none.
    offset: Offset,
    pin_required: Option<bool>,
    options: OptionsDraft,
    repetition: Repetition,
    participants: Option<Vec<Email>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct OptionsDraft {
    join_before_host: Option<bool>,
    waiting_room: Option<bool>,
    participant_hard_audio_mute: Option<bool>,
    participant_hard_video_mute: Option<bool>,
    is_classroom_mode: Option<bool>,
}

/// What a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `POST /api/meeting`.
    Create,
    /// `PUT /api/meeting/meetingDetails/{meetingId}`.
    Change,
}

impl Draft {
    /// Reads a body.
    ///
    /// # Errors
    /// Every fault in it.
    pub fn read(body: &Value, purpose: Purpose) -> Result<Draft, Faults> {
        let body = object(body)?;
        let mut faults = Faults::default();
        let topic = read_topic(body, &mut faults);
        let start = read_moment(body, "startTime", &mut faults);
        let end = read_moment(body, "endTime", &mut faults);
        if let (Some((starts_at, _)), Some((ends_at, _))) = (start, end) {
            if ends_at <= starts_at {
                faults.add("endTime", "must be after startTime");
            } else if ends_at.since(starts_at) > LONGEST {
                faults.add("endTime", "must be at most 24 hours after startTime");
            }
        }
        let pin_required = read_flag(body, "isPinEnabled", "isPinEnabled", &mut faults);
        let options = read_options(body, &mut faults);
        let participants = read_participants(body, &mut faults);
        let repetition = read_repetition(body, &mut faults);
        if let (Some((starts_at, offset)), Repetition::By(rule)) = (start, &repetition) {
            // A change may leave the zone to the stored series, which only `plan` knows.
            let zone = rule.zone.clone().or_else(|| (purpose == Purpose::Create).then(|| Zone::fixed(offset)));
            if let Some(zone) = zone {
                check_rule(&rule.in_zone(zone), starts_at, &mut faults);
            }
        }
        let (topic, (starts_at, offset), (ends_at, _)) = match (topic, start, end) {
            (Some(topic), Some(start), Some(end)) => (topic, start, end),
            _ => return Err(faults),
        };
        faults.or(Draft { topic, starts_at, ends_at, offset, pin_required, options, repetition, participants })
    }

    /// The plan that comes of it: over the stored one when a meeting is changed, else over the defaults.
    ///
    /// # Errors
    /// A rule of repetition that does not leave a single occurrence.
    pub fn plan(&self, stored: Option<&Plan>) -> Result<Plan, Faults> {
        let stored_repeat = stored.and_then(|plan| plan.repeat.as_ref());
        let repeat = match &self.repetition {
            Repetition::AsItIs => stored_repeat.cloned(),
            Repetition::Never => None,
            Repetition::By(rule) => {
                let zone = rule.zone.as_ref().or(stored_repeat.map(|repeat| &repeat.zone)).cloned();
                Some(rule.in_zone(zone.unwrap_or_else(|| Zone::fixed(self.offset))))
            }
        };
        let mut faults = Faults::default();
        if let Some(repeat) = &repeat {
            check_rule(repeat, self.starts_at, &mut faults);
        }
        faults.or(Plan {
            topic: self.topic.clone(),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            pin_required: self.pin_required.or(stored.map(|plan| plan.pin_required)).unwrap_or(true),
            options: self.options.over(stored.map(|plan| plan.options).unwrap_or_default()),
            repeat,
        })
    }

    /// Who is invited; `None` where the body does not say.
    pub fn participants(&self) -> Option<&[Email]> {
        self.participants.as_deref()
    }
}

impl OptionsDraft {
    fn over(self, under: AdvancedOptions) -> AdvancedOptions {
        AdvancedOptions {
            join_before_host: self.join_before_host.unwrap_or(under.join_before_host),
            waiting_room: self.waiting_room.unwrap_or(under.waiting_room),
            participant_hard_audio_mute: self.participant_hard_audio_mute.unwrap_or(under.participant_hard_audio_mute),
            participant_hard_video_mute: self.participant_hard_video_mute.unwrap_or(under.participant_hard_video_mute),
            is_classroom_mode: self.is_classroom_mode.unwrap_or(under.is_classroom_mode),
        }
    }
}

/// What `POST /api/meeting/cancel/{meetingId}` cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// The meeting, or of a series the occurrence that runs or comes next.
    Current,
    /// The meeting, or the whole series.
    All,
}

impl Cancel {
    /// Reads a body.
    ///
    /// # Errors
    /// The fault in it.
    pub fn read(body: &Value) -> Result<Cancel, Faults> {
        match object(body)?.get("cancel") {
            None | Some(Value::Null) => Err(Faults::one("cancel", "is required: \"current\" or \"all\"")),
            Some(Value::String(word)) if word == "current" => Ok(Cancel::Current),
            Some(Value::String(word)) if word == "all" => Ok(Cancel::All),
            Some(_) => Err(Faults::one("cancel", "must be \"current\" or \"all\"")),
        }
    }
}

fn object(body: &Value) -> Result<&Object, Faults> {
    body.as_object().ok_or_else(|| Faults::one("body", "must be a JSON object"))
}

/// The field, unless it is left out or null.
pub(super) fn given<'a>(object: &'a Object, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

fn read_topic(body: &Object, faults: &mut Faults) -> Option<String> {
    let Some(value) = given(body, "topic") else {
        faults.add("topic", "is required");
        return None;
    };
    let Some(topic) = value.as_str().map(str::trim) else {
        faults.add("topic", "must be text");
        return None;
    };
    if topic.is_empty() {
        faults.add("topic", "must not be empty");
    } else if topic.chars().count() > TOPIC_LENGTH {
        faults.add("topic", format_args!("must be at most {TOPIC_LENGTH} characters long"));
    } else if topic.chars().any(char::is_control) {
        faults.add("topic", "must be one line without control characters");
    } else {
        return Some(topic.to_owned());
    }
    None
}

/// A moment in ISO 8601, with the offset that it was written with.
fn read_moment(body: &Object, key: &str, faults: &mut Faults) -> Option<(Timestamp, Offset)> {
    const EXAMPLE: &str = "2026-11-24T09:30:00Z or 2026-11-24T15:00:00+05:30";
    let Some(value) = given(body, key) else {
        faults.add(key, format_args!("is required, in ISO 8601: {EXAMPLE}"));
        return None;
    };
    let Some((moment, offset)) = value.as_str().and_then(parse_moment) else {
        // A day alone reads as its midnight: it lacks more than an offset.
        let lacks_offset = |text: &str| text.len() > 10 && text.parse::<jiff::civil::DateTime>().is_ok();
        if value.as_str().is_some_and(lacks_offset) {
            faults.add(key, "must end with its offset from UTC: Z, or an offset such as +05:30");
        } else {
            faults.add(key, format_args!("must be a time in ISO 8601, such as {EXAMPLE}"));
        }
        return None;
    };
    if !(Day::FIRST..=Day::LAST).contains(&Day::at(moment, &jiff::tz::TimeZone::UTC)) {
        faults.add(key, "must lie in the years 2000 to 2099");
        return None;
    }
    Some((moment, offset))
}

fn parse_moment(text: &str) -> Option<(Timestamp, Offset)> {
    let moment = text.parse::<jiff::Timestamp>().ok()?;
    let offset = jiff::fmt::temporal::Pieces::parse(text).ok()?.to_numeric_offset().unwrap_or(Offset::UTC);
    Some((Timestamp::from_millis(moment.as_millisecond()), offset))
}

fn read_flag(object: &Object, key: &str, property: &str, faults: &mut Faults) -> Option<bool> {
    let value = given(object, key)?;
    if value.as_bool().is_none() {
        faults.add(property, "must be true or false");
    }
    value.as_bool()
}

fn read_options(body: &Object, faults: &mut Faults) -> OptionsDraft {
    let Some(value) = given(body, "advancedOptions") else {
        return OptionsDraft::default();
    };
    let Some(options) = value.as_object() else {
        faults.add("advancedOptions", "must be an object");
        return OptionsDraft::default();
    };
    let mut flag = |key: &str| read_flag(options, key, &format!("advancedOptions.{key}"), faults);
    OptionsDraft {
        join_before_host: flag("joinBeforeHost"),
        waiting_room: flag("waitingRoom"),
        participant_hard_audio_mute: flag("participantHardAudioMute"),
        participant_hard_video_mute: flag("participantHardVideoMute"),
        is_classroom_mode: flag("isClassroomMode"),
    }
}

fn read_participants(body: &Object, faults: &mut Faults) -> Option<Vec<Email>> {
    let Some(values) = given(body, "participants")?.as_array() else {
        faults.add("participants", "must be an array of e-mail addresses");
        return None;
    };
    if values.len() > MOST_PARTICIPANTS {
        faults.add("participants", format_args!("must hold at most {MOST_PARTICIPANTS} e-mail addresses"));
        return None;
    }
    let mut addresses: Vec<Email> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        match value.as_str().and_then(|text| Email::parse(text).ok()) {
            Some(address) if addresses.contains(&address) => {}
            Some(address) => addresses.push(address),
            None => faults.add(&format!("participants[{index}]"), "must be an e-mail address"),
        }
    }
    Some(addresses)
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
