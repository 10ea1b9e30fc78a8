//! The answers of the API, field by field as the published description names them.

use serde::Serialize;
use utoipa::ToSchema;

use super::meeting::{AdvancedOptions, Meeting, Participant};
use super::repeat::{Kind, Repeat, Weekdays};
use crate::config::Issuer;
use crate::time::Timestamp;
use crate::users::User;

/// Who the person is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserProfileResponseBody)]
pub struct ProfileAnswer<'a> {
    /// The user id.
    #[serde(rename = "_id")]
    id: &'a str,
    /// First name.
    name: &'a str,
    /// Last name; may be empty.
    lname: &'a str,
    /// E-mail address.
    email: &'a str,
}

impl<'a> ProfileAnswer<'a> {
    /// The profile of that person.
    pub fn of(user: &'a User) -> ProfileAnswer<'a> {
        ProfileAnswer { id: user.id.as_str(), name: &user.name, lname: &user.lname, email: user.email.as_str() }
    }
}

/// A scheduled meeting, or one occurrence of a repeating one: what stands in each answer, and what only some have.
// `ScheduledMeeting` and `ScheduledMeetingDetails` of the published description.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledMeeting)]
#[serde(rename_all = "camelCase")]
pub struct MeetingAnswer<'a> {
    /// The ten-digit number that people type to join.
    jiomeet_id: &'a str,
    /// What it is about.
    topic: &'a str,
    /// When it starts, in UTC with milliseconds; in a list the start of this occurrence.
    #[schema(format = DateTime)]
    start_time: String,
    /// When it ends.
    #[schema(format = DateTime)]
    end_time: String,
    /// Milliseconds from start to end.
    scheduled_duration: u64,
    /// The link by which guests join.
    #[schema(format = "uri")]
    meeting_url: String,
    /// Always `active`: what was cancelled is gone.
    status: &'static str,
    /// The PIN; empty where guests need none.
    pin: &'a str,
    /// The meeting id, which names the meeting in every other call.
    #[serde(rename = "_id")]
    id: &'a str,
    /// How the room behaves. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_options: Option<AdvancedOptionsAnswer>,
    /// Whether guests need the PIN. Of a changed meeting and of the details.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_pin_enabled: Option<bool>,
    /// How it repeats; of a repeating meeting alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_options: Option<RepeatAnswer<'a>>,
    /// Who was invited or was there. Of the details alone.
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

/// How a meeting's room behaves.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdvancedOptions)]
#[serde(rename_all = "camelCase")]
struct AdvancedOptionsAnswer {
    /// Others may come in before the host.
    join_before_host: bool,
    /// Others wait until they are let in.
    waiting_room: bool,
    /// Nobody but the host can unmute.
    participant_hard_audio_mute: bool,
    /// Nobody but the host can show video.
    participant_hard_video_mute: bool,
    /// Participants see and hear the host alone.
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

/// How a meeting repeats, as a body would say it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RepeatOptions)]
#[serde(rename_all = "camelCase")]
struct RepeatAnswer<'a> {
    /// `daily`, `weekly` or `monthly`.
    repeat: &'static str,
    /// Of a weekly meeting: on which days, Sunday first.
    #[schema(value_type = Option<Vec<bool>>, min_items = 7, max_items = 7)]
    #[serde(skip_serializing_if = "Option::is_none")]
    days_of_week: Option<Weekdays>,
    /// Of a monthly meeting: on which day. A month without that day is skipped.
    #[schema(minimum = 1, maximum = 31)]
    #[serde(skip_serializing_if = "Option::is_none")]
    date_in_month: Option<i8>,
    /// The last day on which it may take place, where it has an end.
    #[schema(format = Date)]
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<String>,
    /// Where days and the time of day are meant: an IANA name, or an offset.
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

/// Someone who was invited or who was there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Participant)]
#[serde(rename_all = "camelCase")]
struct ParticipantAnswer<'a> {
    /// E-mail address.
    email: &'a str,
    /// Empty until they come.
    name: &'a str,
    /// `host` or `participant`.
    role: &'static str,
    /// When they first came in; null until then.
    #[schema(required, format = DateTime)]
    joined_time: Option<String>,
    /// When they last left.
    #[schema(required, format = DateTime)]
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

/// A meeting that was created.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledMeetingCreateResponseBody)]
#[serde(rename_all = "camelCase")]
pub struct CreatedAnswer<'a> {
    /// `Meeting created successfully.`
    status: &'static str,
    /// The meeting, in an array of one.
    #[schema(value_type = Vec<MeetingAnswer<'a>>, min_items = 1, max_items = 1)]
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

/// A page of the list of meetings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListScheduledMeetingResponseBody)]
#[serde(rename_all = "camelCase")]
pub struct ListAnswer<'a> {
    /// All rows of the list, on every page.
    pub total_count: u64,
    /// Whether rows come after these.
    pub more_available: bool,
    /// This page's rows.
    pub meeting_details: Vec<MeetingAnswer<'a>>,
}

/// What was cancelled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeleteScheduledMeetingResponseBody)]
pub struct CancelledAnswer {
    /// `Your meeting has been cancelled successfully.`, or for `all` `Your meetings has been cancelled successfully.`
    status: &'static str,
}

impl CancelledAnswer {
    /// For `"cancel": "current"`.
    pub const ONE: CancelledAnswer = CancelledAnswer { status: "Your meeting has been cancelled successfully." };
    /// For `"cancel": "all"`.
    pub const ALL: CancelledAnswer = CancelledAnswer { status: "Your meetings has been cancelled successfully." };
}
