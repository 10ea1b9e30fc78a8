//! The answers of the API, field by field as the published description names them.

use serde::Serialize;

use super::meeting::{AdvancedOptions, Meeting, Participant};
use super::repeat::{Kind, Repeat, Weekdays};
use crate::config::Issuer;
use crate::time::Timestamp;
use crate::users::User;

/// `UserProfileResponseBody`.
#[derive(Debug, Serialize)]
pub struct ProfileAnswer<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    name: &'a str,
    lname: &'a str,
    email: &'a str,
}

impl<'a> ProfileAnswer<'a> {
    /// The profile of that person.
    pub fn of(user: &'a User) -> ProfileAnswer<'a> {
        ProfileAnswer { id: user.id.as_str(), name: &user.name, lname: &user.lname, email: user.email.as_str() }
    }
}

/// `ScheduledMeeting` and `ScheduledMeetingDetails`: what stands in each answer, and what only some have.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeetingAnswer<'a> {
    jiomeet_id: &'a str,
    topic: &'a str,
    start_time: String,
    end_time: String,
    /// Milliseconds.
    scheduled_duration: u64,
    meeting_url: String,
    status: &'static str,
    pin: &'a str,
    #[serde(rename = "_id")]
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_options: Option<AdvancedOptionsAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_pin_enabled: Option<bool>,
    /// Of a repeating meeting alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_options: Option<RepeatAnswer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    participants: Option<Vec<ParticipantAnswer<'a>>>,
}

impl<'a> MeetingAnswer<'a> {
    /// A row of the list: the meeting at the times of one occurrence.
    pub fn row(meeting: &'a Meeting, issuer: &Issuer, starts_at: Timestamp, ends_at: Timestamp) -> MeetingAnswer<'a> {
        let pin = if meeting.plan.pin_required { meeting.pin.reveal() } else { "" };
        let mut meeting_url = issuer.url(&format!("/shortener?meetingId={}", meeting.jiomeet_id.as_str()));
        if !pin.is_empty() {
            meeting_url.push_str("&pwd=");
            meeting_url.push_str(pin);
        }
        MeetingAnswer {
            jiomeet_id: meeting.jiomeet_id.as_str(),
            topic: &meeting.plan.topic,
            start_time: starts_at.to_iso(),
            end_time: ends_at.to_iso(),
            scheduled_duration: u64::try_from(ends_at.since(starts_at).as_millis()).unwrap_or(u64::MAX),
            meeting_url,
            // What was cancelled is gone, so there is no other status to see.
            status: "active",
            pin,
            id: meeting.id.as_str(),
            advanced_options: None,
            is_pin_enabled: None,
            repeat_options: meeting.plan.repeat.as_ref().map(RepeatAnswer::of),
            participants: None,
        }
    }

    /// What was created; of a series the times of the first occurrence.
    pub fn created(meeting: &'a Meeting, issuer: &Issuer) -> MeetingAnswer<'a> {
        let (starts_at, ends_at) = meeting.plan.first_times();
        let advanced_options = Some(AdvancedOptionsAnswer::of(meeting.plan.options));
        MeetingAnswer { advanced_options, ..MeetingAnswer::row(meeting, issuer, starts_at, ends_at) }
    }

    /// What was changed.
    pub fn changed(meeting: &'a Meeting, issuer: &Issuer) -> MeetingAnswer<'a> {
        MeetingAnswer { is_pin_enabled: Some(meeting.plan.pin_required), ..MeetingAnswer::created(meeting, issuer) }
    }

    /// All there is to know.
    pub fn details(meeting: &'a Meeting, participants: &'a [Participant], issuer: &Issuer) -> MeetingAnswer<'a> {
        let participants = Some(participants.iter().map(ParticipantAnswer::of).collect());
        MeetingAnswer { participants, ..MeetingAnswer::changed(meeting, issuer) }
    }
}

/// `AdvancedOptions`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AdvancedOptionsAnswer {
    join_before_host: bool,
    waiting_room: bool,
    participant_hard_audio_mute: bool,
    participant_hard_video_mute: bool,
    is_classroom_mode: bool,
}

impl AdvancedOptionsAnswer {
    const fn of(options: AdvancedOptions) -> AdvancedOptionsAnswer {
        AdvancedOptionsAnswer {
            join_before_host: options.join_before_host,
            waiting_room: options.waiting_room,
            participant_hard_audio_mute: options.participant_hard_audio_mute,
            participant_hard_video_mute: options.participant_hard_video_mute,
            is_classroom_mode: options.is_classroom_mode,
        }
    }
}

/// `repeatOptions` as a body would have them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RepeatAnswer<'a> {
    repeat: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    days_of_week: Option<Weekdays>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_in_month: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<String>,
    time_zone: &'a str,
}

impl<'a> RepeatAnswer<'a> {
    fn of(repeat: &'a Repeat) -> RepeatAnswer<'a> {
        let (days_of_week, date_in_month) = match repeat.kind {
            Kind::Daily => (None, None),
            Kind::Weekly(days) => (days, None),
            Kind::Monthly(date) => (None, date),
        };
        RepeatAnswer {
            repeat: repeat.kind.word(),
            days_of_week,
            date_in_month,
            end_date: repeat.end_date.map(|day| day.date().to_string()),
            time_zone: repeat.zone.name(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ParticipantAnswer<'a> {
    email: &'a str,
    name: &'a str,
    role: &'static str,
    joined_time: Option<String>,
    left_time: Option<String>,
}

impl<'a> ParticipantAnswer<'a> {
    fn of(participant: &'a Participant) -> ParticipantAnswer<'a> {
        ParticipantAnswer {
            email: &participant.email,
            name: &participant.name,
            role: participant.role.word(),
            joined_time: participant.joined_at.map(Timestamp::to_iso),
            left_time: participant.left_at.map(Timestamp::to_iso),
        }
    }
}

/// `ScheduledMeetingCreateResponseBody`; an array of one, as the description's example has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedAnswer<'a> {
    status: &'static str,
    meeting_details: [MeetingAnswer<'a>; 1],
}

impl<'a> CreatedAnswer<'a> {
    /// The answer for that meeting.
    pub fn of(meeting: &'a Meeting, issuer: &Issuer) -> CreatedAnswer<'a> {
        CreatedAnswer {
            status: "Meeting created successfully.",
            meeting_details: [MeetingAnswer::created(meeting, issuer)],
        }
    }
}

/// `ListScheduledMeetingResponseBody`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListAnswer<'a> {
    /// All rows of the list, on every page.
    pub total_count: u64,
    /// Whether rows come after these.
    pub more_available: bool,
    /// This page's rows.
    pub meeting_details: Vec<MeetingAnswer<'a>>,
}

/// `DeleteScheduledMeetingResponseBody`.
#[derive(Debug, Serialize)]
pub struct CancelledAnswer {
    status: &'static str,
}

impl CancelledAnswer {
    /// For `"cancel": "current"`.
    pub const ONE: CancelledAnswer = CancelledAnswer { status: "Your meeting has been cancelled successfully." };
    /// For `"cancel": "all"`.
    pub const ALL: CancelledAnswer = CancelledAnswer { status: "Your meetings has been cancelled successfully." };
}
