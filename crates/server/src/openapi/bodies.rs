//! The bodies that requests bring. The handlers read them by hand, so that every fault is named at once and a parameter
//! that comes twice is seen; these types say what they look for, and their values are the examples of the description.

use serde::Serialize;
use utoipa::ToSchema;

/// A meeting to create, or as it shall be from now on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledMeetingRequestBody)]
#[serde(rename_all = "camelCase")]
pub struct MeetingBody {
    /// What it is about, in one line. Spaces around it are cut off.
    #[schema(min_length = 1, max_length = 255, pattern = r"\S")]
    pub topic: &'static str,
    /// When it starts, in ISO 8601 with an offset; in the years 2000 to 2099.
    #[schema(format = DateTime)]
    pub start_time: &'static str,
    /// When it ends: after the start, by at most 24 hours.
    #[schema(format = DateTime)]
    pub end_time: &'static str,
    /// Whether guests need a PIN. A new meeting has one unless this is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_pin_enabled: Option<bool>,
    /// How the room behaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advanced_options: Option<AdvancedOptionsBody>,
    /// Whom to invite, by e-mail address. When a meeting is changed, it replaces the whole list.
    #[schema(max_items = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participants: Option<Vec<&'static str>>,
    /// How it repeats. When a meeting is changed, null makes it stop repeating; left out, the rule stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_options: Option<RepeatBody>,
}

/// How a meeting's room behaves; what is left out stays as it is, or is the default.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = AdvancedOptionsBody)]
#[serde(rename_all = "camelCase")]
pub struct AdvancedOptionsBody {
    /// Others may come in before the host. The default is true, of all others false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_before_host: Option<bool>,
    /// Others wait until they are let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_room: Option<bool>,
    /// Nobody but the host can unmute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant_hard_audio_mute: Option<bool>,
    /// Nobody but the host can show video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant_hard_video_mute: Option<bool>,
    /// Participants see and hear the host alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_classroom_mode: Option<bool>,
}

/// How a meeting repeats.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RepeatOptionsBody)]
#[serde(rename_all = "camelCase")]
pub struct RepeatBody {
    /// How often.
    pub repeat: Often,
    /// Of a weekly meeting: on which days, Sunday first. Without it, on the start's weekday.
    #[schema(min_items = 7, max_items = 7)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_of_week: Option<Vec<bool>>,
    /// Of a monthly meeting: on which day, 1 to 31. Without it, on the start's day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_in_month: Option<i64>,
    /// The last day on which it may take place, in the years 2000 to 2099. Without it, it goes on.
    #[schema(format = Date)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<&'static str>,
    /// Where days and the time of day are meant: an IANA name such as `Asia/Kolkata`. Without it, the offset of the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<&'static str>,
}

/// How often a meeting repeats.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Often {
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
}

/// What to cancel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeleteScheduledMeetingRequestBody)]
pub struct CancelBody {
    /// How much of it.
    pub cancel: Extent,
}

/// `current`: the meeting, or of a repeating one the occurrence that runs or comes next. `all`: the meeting with all of its
/// occurrences.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// The meeting, or one occurrence.
    Current,
    /// Everything.
    All,
}

/// A request for tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessTokenRequestBody)]
pub struct TokenBody {
    /// What the tokens are asked for with.
    pub grant_type: GrantType,
    /// For `authorization_code`: the code from the redirect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// For `authorization_code`: the redirect URI of the authorization request. If it is sent, it must be the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<&'static str>,
    /// For `authorization_code`: the PKCE verifier (RFC 7636), where the authorization request had a challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_verifier: Option<&'static str>,
    /// For `refresh_token`: the newest refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<&'static str>,
    /// For `refresh_token`: fewer scopes than were granted, with spaces between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'static str>,
    /// Whom the access token is to be for (RFC 8707): the issuer, or the identifier of a resource server. In a form it may
    /// come more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<&'static str>,
    /// The app, where it has no secret or does not send it in the `Authorization` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'static str>,
    /// Its secret, where it is not sent in the `Authorization` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<&'static str>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, with `client_assertion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_assertion_type: Option<&'static str>,
    /// In place of the secret: a JWT that the app signed (RFC 7523 section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_assertion: Option<&'static str>,
}

/// What tokens are asked for with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
}

/// A token that the app asks about, or gives back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenRequestBody)]
pub struct PresentedBody {
    /// An access token or a refresh token.
    pub token: &'static str,
    /// Which of both; the server finds out by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type_hint: Option<&'static str>,
    /// The app, where it has no secret or does not send it in the `Authorization` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'static str>,
    /// Its secret, where it is not sent in the `Authorization` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<&'static str>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, with `client_assertion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_assertion_type: Option<&'static str>,
    /// In place of the secret: a JWT that the app signed (RFC 7523 section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_assertion: Option<&'static str>,
}

/// An authorization request that the app pushes: what it would have put into the authorization URL.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PushedAuthorizationRequestBody)]
pub struct PushedBody {
    /// `code`.
    pub response_type: &'static str,
    /// A registered callback URL.
    pub redirect_uri: &'static str,
    /// What the app asks for, with spaces between; without it, all that it is registered for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'static str>,
    /// Comes back byte for byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// The PKCE challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<&'static str>,
    /// `S256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge_method: Option<&'static str>,
    /// The app, where it has no secret or does not send it in the `Authorization` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'static str>,
    /// Its secret, where it is not sent in the `Authorization` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<&'static str>,
}

/// A request to push.
pub const PUSHED: PushedBody = PushedBody {
    response_type: "code",
    redirect_uri: "https://app.example/callback",
    scope: Some("user:read"),
    state: Some("af0ifjsldkj"),
    code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    code_challenge_method: Some("S256"),
    client_id: None,
    client_secret: None,
};

/// A meeting that takes place once.
pub const MEETING: MeetingBody = MeetingBody {
    topic: "Quarterly review",
    start_time: "2027-03-01T15:00:00+05:30",
    end_time: "2027-03-01T16:00:00+05:30",
    is_pin_enabled: Some(true),
    advanced_options: Some(AdvancedOptionsBody {
        join_before_host: None,
        waiting_room: Some(true),
        participant_hard_audio_mute: None,
        participant_hard_video_mute: None,
        is_classroom_mode: None,
    }),
    participants: None,
    repeat_options: None,
};

/// One that takes place every Monday, Wednesday and Friday.
pub fn series() -> MeetingBody {
    MeetingBody {
        topic: "Stand-up",
        start_time: "2027-03-01T09:00:00+01:00",
        end_time: "2027-03-01T09:15:00+01:00",
        is_pin_enabled: None,
        advanced_options: None,
        participants: Some(vec!["ben@example.com"]),
        repeat_options: Some(RepeatBody {
            repeat: Often::Weekly,
            days_of_week: Some(vec![false, true, false, true, false, true, false]),
            date_in_month: None,
            end_date: Some("2027-06-30"),
            time_zone: Some("Europe/Berlin"),
        }),
    }
}

/// A code to redeem.
pub const REDEEM: TokenBody = TokenBody {
    grant_type: GrantType::AuthorizationCode,
    code: Some("jmac_4fS0o2u1uDqk8Wq2h1hWcX8mR9s6o3kqkqkqkqkqkqk"),
    redirect_uri: None,
    code_verifier: None,
    refresh_token: None,
    scope: None,
    resource: None,
    client_id: None,
    client_secret: None,
    client_assertion_type: None,
    client_assertion: None,
};

/// A grant to refresh.
pub const REFRESH: TokenBody = TokenBody {
    grant_type: GrantType::RefreshToken,
    code: None,
    refresh_token: Some("the newest refresh token"),
    ..REDEEM
};

/// A token to ask about.
pub const PRESENTED: PresentedBody = PresentedBody {
    token: "a token of this app",
    token_type_hint: None,
    client_id: None,
    client_secret: None,
    client_assertion_type: None,
    client_assertion: None,
};

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;
    use crate::meetings::{MOST_PARTICIPANTS, TOPIC_LENGTH};

    #[test]
    fn the_limits_are_those_that_the_handlers_keep() {
        let schema = serde_json::to_value(MeetingBody::schema()).unwrap();
        assert_eq!(schema["properties"]["topic"]["maxLength"], TOPIC_LENGTH);
        assert_eq!(schema["properties"]["participants"]["maxItems"], MOST_PARTICIPANTS);
    }
}
