//! Every call, one entry each.

use serde_json::{Value, json};

use super::bodies;
use super::refusals::{self, Refusals, Words};

/// A call.
pub struct Operation {
    /// The method, in lower case.
    pub method: &'static str,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Its name, the anchor on the page.
    pub id: &'static str,
    /// The heading under which it stands.
    pub group: Group,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What else there is to know.
    pub description: &'static str,
    /// Who may call.
    pub caller: Caller,
    /// What stands in the path and in the query; [`Operation::all_parameters`] knows the headers too.
    pub parameters: &'static [Parameter],
    /// What goes in.
    pub body: Option<Body>,
    /// What comes out when it works.
    pub answer: Answer,
    /// In whose words it is refused.
    pub words: Words,
    /// How it may be refused.
    pub refusals: &'static [Refusals],
}

/// What belongs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Tokens.
    Tokens,
    /// The person's profile.
    Profile,
    /// Meetings.
    Meetings,
    /// What the server says about itself.
    Server,
}

impl Group {
    /// Every group, in the order of the page.
    pub const ALL: [Group; 4] = [Group::Tokens, Group::Profile, Group::Meetings, Group::Server];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Group::Tokens => "Tokens",
            Group::Profile => "Profile",
            Group::Meetings => "Meetings",
            Group::Server => "The server",
        }
    }

    /// What stands below the heading.
    pub const fn description(self) -> &'static str {
        match self {
            Group::Tokens => "How an app gets tokens, gives them back and asks what they are worth.",
            Group::Profile => "Who the person is.",
            Group::Meetings => "The person's own meetings. Everybody else's are as if they were not there.",
            Group::Server => "What the server says about itself, and whether it is well.",
        }
    }
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Everybody.
    Anyone,
    /// An app that says who it is; one without a secret by its client id alone.
    Client,
    /// An app with a secret.
    ConfidentialClient,
    /// An app for a person, with an access token that has this scope.
    Person(&'static str),
}

/// What stands in the path, the query or a header.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// `path`, `query` or `header`.
    pub place: &'static str,
    /// What it means.
    pub description: &'static str,
    /// Its schema.
    pub schema: fn() -> Value,
    /// A value.
    pub example: &'static str,
}

/// What goes in.
pub struct Body {
    /// The name of its schema.
    pub schema: &'static str,
    /// The media types that are read.
    pub media_types: &'static [&'static str],
    /// Values: what each is, and how it reads.
    pub examples: fn() -> Vec<(&'static str, Value)>,
}

/// What comes out.
pub struct Answer {
    /// What it is.
    pub description: &'static str,
    /// The media type.
    pub media_type: &'static str,
    /// The schema.
    pub schema: Shape,
    /// A value.
    pub example: fn() -> Value,
}

/// A schema by its name, or one that needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// That schema.
    One(&'static str),
    /// An array of it.
    ArrayOf(&'static str),
    /// An object of which nothing is to be read.
    EmptyObject,
    /// Any object.
    Object,
    /// A line of text.
    Text,
}

const JSON: &[&str] = &["application/json"];
const FORM_OR_JSON: &[&str] = &["application/x-www-form-urlencoded", "application/json"];

/// RFC 9449 section 4.
static DPOP: Parameter = Parameter {
    name: "DPoP",
    place: "header",
    description: "A proof that the app holds a key (RFC 9449): a JWT signed for this very request. Tokens that are asked for with \
        one are bound to its key: the access token is then sent as Authorization: DPoP, with a new proof in each call.",
    schema: || json!({"type": "string"}),
    // The figure of RFC 9449 section 4.1.
    example: "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscE\
        JoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.ey\
        JqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0Ijo\
        xNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnteg4qtFLbdyXSS6yLvqPgLkrhXUGdfdPhzmKRBV5ziA",
};

impl Operation {
    /// What stands in the path, in the query and in headers of its own.
    pub fn all_parameters(&self) -> impl Iterator<Item = &'static Parameter> + use<> {
        let takes_proof =
            matches!(self.caller, Caller::Person(_)) || matches!(self.path, "/api/oauth2/v2/token" | "/oauth2/par");
        self.parameters.iter().chain(takes_proof.then_some(&DPOP))
    }
}

const MEETING_ID: Parameter = Parameter {
    name: "meetingId",
    place: "path",
    description: "The meeting's _id.",
    schema: || json!({"type": "string"}),
    example: "sm-77189593-f31a-4b62-941a-74f9147e4651",
};

const PROFILE: Operation = Operation {
    method: "get",
    path: "/api/user/profile",
    id: "getUserProfile",
    group: Group::Profile,
    summary: "The person's profile",
    description: "Who the person is that lets the app act. _id is the user id that the list of meetings asks for.",
    caller: Caller::Person("user:read"),
    parameters: &[],
    body: None,
    answer: Answer {
        description: "The profile.",
        media_type: "application/json",
        schema: Shape::One("UserProfileResponseBody"),
        example: || {
            json!({"_id": "u-5a0d550b-85cc-4200-97f5-81088364a6b8", "name": "Asha", "lname": "Rao",
                "email": "asha@example.com"})
        },
    },
    words: Words::Api,
    refusals: &[refusals::BEARER, refusals::PERSON, refusals::ANY],
};

const USERINFO: Operation = Operation {
    method: "get",
    path: "/oauth2/userinfo",
    id: "getUserInfo",
    group: Group::Profile,
    summary: "Who signed in",
    description: "OpenID Connect Core 5.3. The names come with the scope profile, the address with email.",
    caller: Caller::Person("openid"),
    parameters: &[],
    body: None,
    answer: Answer {
        description: "The person.",
        media_type: "application/json",
        schema: Shape::One("UserInfo"),
        example: || {
            json!({"sub": "u-5a0d550b-85cc-4200-97f5-81088364a6b8", "name": "Asha Rao", "given_name": "Asha",
                "family_name": "Rao", "email": "asha@example.com", "email_verified": true})
        },
    },
    words: Words::Api,
    refusals: &[refusals::BEARER, refusals::ANY],
};

const METADATA: Operation = Operation {
    method: "get",
    path: "/.well-known/oauth-authorization-server",
    id: "getMetadata",
    group: Group::Server,
    summary: "Metadata",
    description: "RFC 8414: where the endpoints are and what they can do. OAuth libraries set themselves up with it.",
    caller: Caller::Anyone,
    parameters: &[],
    body: None,
    answer: Answer {
        description: "The metadata.",
        media_type: "application/json",
        schema: Shape::One("AuthorizationServerMetadata"),
        example: || {
            json!({"issuer": "https://meet.example", "authorization_endpoint": "https://meet.example/oauth2/authorize",
                "token_endpoint": "https://meet.example/api/oauth2/v2/token", "response_types_supported": ["code"],
                "authorization_response_iss_parameter_supported": true})
        },
    },
    words: Words::Api,
    refusals: &[refusals::ANY],
};

/// Every call, in the order of the page.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/api/oauth2/v2/token",
        id: "issueToken",
        group: Group::Tokens,
        summary: "Redeem a code, or refresh",
        description: "RFC 6749 sections 4.1.3 and 6. The app says who it is with HTTP Basic, or with client_id and client_secret \
            in the body; an app without a secret sends its client_id alone. Every answer brings a new refresh token, which \
            replaces the one that was sent.",
        caller: Caller::Client,
        parameters: &[],
        body: Some(Body {
            schema: "AccessTokenRequestBody",
            media_types: FORM_OR_JSON,
            examples: || vec![("redeem a code", json!(bodies::REDEEM)), ("refresh", json!(bodies::REFRESH))],
        }),
        answer: Answer {
            description: "Tokens. Nobody may keep this answer but the app (Cache-Control: no-store).",
            media_type: "application/json",
            schema: Shape::One("AccessTokenResponseBody"),
            example: || {
                json!({"access_token": "eyJhbGciOi… a signed JWT", "token_type": "Bearer", "expires_in": 86400,
                    "expires_at": "2027-03-02T09:30:00.000Z", "refresh_token": "the next refresh token",
                    "scope": "meeting:create meeting:read user:read"})
            },
        },
        words: Words::OAuth,
        refusals: &[refusals::CLIENT, refusals::TOKEN, refusals::ANY],
    },
    Operation {
        method: "post",
        path: "/api/oauth2/v2/revoke",
        id: "revokeToken",
        group: Group::Tokens,
        summary: "Give tokens back",
        description: "RFC 7009. A refresh token or an access token ends the whole grant: nothing of it works from then on. A token \
            that means nothing here is answered like one that was revoked.",
        caller: Caller::Client,
        parameters: &[],
        body: Some(Body {
            schema: "TokenRequestBody",
            media_types: FORM_OR_JSON,
            examples: || vec![("revoke", json!(bodies::PRESENTED))],
        }),
        answer: Answer {
            description: "It is revoked, or was never good.",
            media_type: "application/json",
            schema: Shape::EmptyObject,
            example: || json!({}),
        },
        words: Words::OAuth,
        refusals: &[refusals::CLIENT, refusals::PRESENTED, refusals::FOREIGN, refusals::ANY],
    },
    Operation {
        method: "post",
        path: "/api/oauth2/v2/introspect",
        id: "introspectToken",
        group: Group::Tokens,
        summary: "Ask what a token is worth",
        description: "RFC 7662, for apps with a secret and their own tokens, and for declared resource servers and access tokens \
            that are for them. Of everything else the answer is that it is not active.",
        caller: Caller::ConfidentialClient,
        parameters: &[],
        body: Some(Body {
            schema: "TokenRequestBody",
            media_types: FORM_OR_JSON,
            examples: || vec![("introspect", json!(bodies::PRESENTED))],
        }),
        answer: Answer {
            description: "What it is worth now.",
            media_type: "application/json",
            schema: Shape::One("IntrospectionResponse"),
            example: || json!({"active": false}),
        },
        words: Words::OAuth,
        refusals: &[refusals::CLIENT, refusals::PRESENTED, refusals::ANY],
    },
    Operation {
        method: "post",
        path: "/oauth2/par",
        id: "pushAuthorizationRequest",
        group: Group::Tokens,
        summary: "Push an authorization request",
        description: "RFC 9126. The app sends what it would have put into the authorization URL, and the person there with \
            client_id and the request_uri alone. It works once.",
        caller: Caller::Client,
        parameters: &[],
        body: Some(Body {
            schema: "PushedAuthorizationRequestBody",
            media_types: FORM_OR_JSON,
            examples: || vec![("push", json!(bodies::PUSHED))],
        }),
        answer: Answer {
            description: "What names the request at the authorization endpoint.",
            media_type: "application/json",
            schema: Shape::One("PushedAuthorizationResponseBody"),
            example: || {
                json!({"request_uri": "urn:ietf:params:oauth:request_uri:jmpr_4fS0o2u1uDqk8Wq2h1hWcX8mR9s6o3kqkqkqkqkqkqk",
                    "expires_in": 300})
            },
        },
        words: Words::OAuth,
        refusals: &[refusals::CLIENT, refusals::PUSHED, refusals::ANY],
    },
    USERINFO,
    Operation {
        method: "post",
        id: "postUserInfo",
        summary: "Who signed in, by POST",
        description: "The same as GET; a body is not read.",
        ..USERINFO
    },
    PROFILE,
    Operation {
        path: "/api/my_profile",
        id: "getMyProfile",
        summary: "The person's profile, by its other address",
        description: "The same as GET /api/user/profile.",
        ..PROFILE
    },
    Operation {
        method: "post",
        path: "/api/meeting",
        id: "createMeeting",
        group: Group::Meetings,
        summary: "Schedule a meeting",
        description: "Fields that are not named are ignored; null is as good as left out.",
        caller: Caller::Person("meeting:create"),
        parameters: &[],
        body: Some(Body {
            schema: "ScheduledMeetingRequestBody",
            media_types: JSON,
            examples: || vec![("once", json!(bodies::MEETING)), ("repeating", json!(bodies::series()))],
        }),
        answer: Answer {
            description: "The meeting; of a repeating one, its first occurrence.",
            media_type: "application/json",
            schema: Shape::One("ScheduledMeetingCreateResponseBody"),
            example: || json!({"status": "Meeting created successfully.", "meetingDetails": [meeting(&["advancedOptions"])]}),
        },
        words: Words::Api,
        refusals: &[refusals::BEARER, refusals::JSON_BODY, refusals::ANY],
    },
    Operation {
        method: "get",
        path: "/api/meeting/{userId}",
        id: "listMeetings",
        group: Group::Meetings,
        summary: "List meetings",
        description: "Each occurrence of a repeating meeting is a row with the meeting's _id and its own times.",
        caller: Caller::Person("meeting:read"),
        parameters: &[
            Parameter {
                name: "userId",
                place: "path",
                description: "The person's _id.",
                schema: || json!({"type": "string"}),
                example: "u-5a0d550b-85cc-4200-97f5-81088364a6b8",
            },
            Parameter {
                name: "past",
                place: "query",
                description: "False: what runs or comes, earliest first. True: what is over, latest first.",
                schema: || json!({"type": "boolean", "default": false}),
                example: "true",
            },
            Parameter {
                name: "limit",
                place: "query",
                description: "How many rows.",
                schema: || {
                    let most = crate::meetings::MOST_ROWS;
                    json!({"type": "integer", "minimum": 1, "maximum": most, "default": most})
                },
                example: "10",
            },
            Parameter {
                name: "offset",
                place: "query",
                description: "How many rows to leave out at the beginning.",
                schema: || json!({"type": "integer", "minimum": 0, "maximum": u32::MAX, "default": 0}),
                example: "0",
            },
        ],
        body: None,
        answer: Answer {
            description: "A page of the list.",
            media_type: "application/json",
            schema: Shape::One("ListScheduledMeetingResponseBody"),
            example: || json!({"totalCount": 1, "moreAvailable": false, "meetingDetails": [meeting(&[])]}),
        },
        words: Words::Api,
        refusals: &[refusals::BEARER, refusals::PERSON, refusals::QUERY, refusals::ANY],
    },
    Operation {
        method: "get",
        path: "/api/meeting/meetingDetails/{meetingId}",
        id: "getMeeting",
        group: Group::Meetings,
        summary: "Show a meeting",
        description: "With its participants.",
        caller: Caller::Person("meeting:read"),
        parameters: &[MEETING_ID],
        body: None,
        answer: Answer {
            description: "The meeting, in an array of one.",
            media_type: "application/json",
            schema: Shape::ArrayOf("ScheduledMeeting"),
            example: || json!([meeting(&["advancedOptions", "isPinEnabled", "participants"])]),
        },
        words: Words::Api,
        refusals: &[refusals::BEARER, refusals::MEETING, refusals::ANY],
    },
    Operation {
        method: "put",
        path: "/api/meeting/meetingDetails/{meetingId}",
        id: "changeMeeting",
        group: Group::Meetings,
        summary: "Change a meeting",
        description: "topic, startTime and endTime are required; what else is left out stays as it is. Of a repeating meeting the \
            whole series is changed.",
        caller: Caller::Person("meeting:update"),
        parameters: &[MEETING_ID],
        body: Some(Body {
            schema: "ScheduledMeetingRequestBody",
            media_types: JSON,
            examples: || vec![("change", json!(bodies::MEETING))],
        }),
        answer: Answer {
            description: "The meeting as it is now.",
            media_type: "application/json",
            schema: Shape::One("ScheduledMeeting"),
            example: || meeting(&["advancedOptions", "isPinEnabled"]),
        },
        words: Words::Api,
        refusals: &[refusals::BEARER, refusals::JSON_BODY, refusals::MEETING, refusals::ANY],
    },
    Operation {
        method: "post",
        path: "/api/meeting/cancel/{meetingId}",
        id: "cancelMeeting",
        group: Group::Meetings,
        summary: "Cancel a meeting",
        description: "What is cancelled is gone: every later call about it is a 404.",
        caller: Caller::Person("meeting:delete"),
        parameters: &[MEETING_ID],
        body: Some(Body {
            schema: "DeleteScheduledMeetingRequestBody",
            media_types: JSON,
            examples: || {
                let body = bodies::CancelBody { cancel: bodies::Extent::Current };
                let all = bodies::CancelBody { cancel: bodies::Extent::All };
                vec![("the meeting, or the next occurrence", json!(body)), ("the whole series", json!(all))]
            },
        }),
        answer: Answer {
            description: "It is cancelled.",
            media_type: "application/json",
            schema: Shape::One("DeleteScheduledMeetingResponseBody"),
            example: || json!({"status": "Your meeting has been cancelled successfully."}),
        },
        words: Words::Api,
        refusals: &[refusals::BEARER, refusals::JSON_BODY, refusals::MEETING, refusals::OVERTAKEN, refusals::ANY],
    },
    METADATA,
    Operation {
        path: "/.well-known/openid-configuration",
        id: "getOpenIdConfiguration",
        summary: "Metadata, by its name in OpenID Connect",
        description: "OpenID Connect Discovery: the same as /.well-known/oauth-authorization-server.",
        ..METADATA
    },
    Operation {
        path: "/.well-known/oauth-protected-resource",
        id: "getResourceMetadata",
        summary: "Metadata of the API",
        description: "RFC 9728: whose tokens this API takes, and which scopes open it.",
        answer: Answer {
            description: "The metadata.",
            media_type: "application/json",
            schema: Shape::One("ProtectedResourceMetadata"),
            example: || {
                json!({"resource": "https://meet.example", "authorization_servers": ["https://meet.example"],
                    "bearer_methods_supported": ["header"]})
            },
        },
        ..METADATA
    },
    Operation {
        method: "get",
        path: "/.well-known/jwks.json",
        id: "getKeys",
        group: Group::Server,
        summary: "Public keys",
        description: "RFC 7517: the keys with which access tokens can be verified. A new key stands here before it signs.",
        caller: Caller::Anyone,
        parameters: &[],
        body: None,
        answer: Answer {
            description: "The keys.",
            media_type: "application/jwk-set+json",
            schema: Shape::One("JwkSet"),
            example: || {
                json!({"keys": [{"kid": "a-key-id", "use": "sig", "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519",
                    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})
            },
        },
        words: Words::Api,
        refusals: &[refusals::ANY],
    },
    Operation {
        method: "get",
        path: "/openapi.json",
        id: "getOpenApi",
        group: Group::Server,
        summary: "This description",
        description: "OpenAPI 3.1. It has an ETag, and answers If-None-Match with a 304.",
        caller: Caller::Anyone,
        parameters: &[],
        body: None,
        answer: Answer {
            description: "The description.",
            media_type: "application/json",
            schema: Shape::Object,
            example: || json!({"openapi": "3.1.0"}),
        },
        words: Words::Api,
        refusals: &[refusals::ANY],
    },
    Operation {
        method: "get",
        path: "/healthz",
        id: "getHealth",
        group: Group::Server,
        summary: "Does it run?",
        description: "For load balancers, under any host name: the process answers.",
        caller: Caller::Anyone,
        parameters: &[],
        body: None,
        answer: Answer {
            description: "It runs.",
            media_type: "text/plain",
            schema: Shape::Text,
            example: || json!("ok\n"),
        },
        words: Words::Text,
        refusals: &[],
    },
    Operation {
        method: "get",
        path: "/readyz",
        id: "getReadiness",
        group: Group::Server,
        summary: "Can it serve?",
        description: "For load balancers, under any host name: a real write to the database succeeded.",
        caller: Caller::Anyone,
        parameters: &[],
        body: None,
        answer: Answer {
            description: "It can serve.",
            media_type: "text/plain",
            schema: Shape::Text,
            example: || json!("ready\n"),
        },
        words: Words::Text,
        refusals: &[&[(503, &[&protocol::fault::UNAVAILABLE])]],
    },
];

/// A meeting as it stands in answers, with some of what only some answers have.
fn meeting(with: &[&str]) -> Value {
    let mut meeting = json!({
        "jiomeetId": "5319535369",
        "topic": "Quarterly review",
        "startTime": "2027-03-01T09:30:00.000Z",
        "endTime": "2027-03-01T10:30:00.000Z",
        "scheduledDuration": 3_600_000,
        "meetingUrl": "https://meet.example/shortener?meetingId=5319535369&pwd=n5CaU",
        "status": "active",
        "pin": "n5CaU",
        "_id": "sm-77189593-f31a-4b62-941a-74f9147e4651",
    });
    let more = [
        (
            "advancedOptions",
            json!({"joinBeforeHost": true, "waitingRoom": true, "participantHardAudioMute": false,
                "participantHardVideoMute": false, "isClassroomMode": false}),
        ),
        ("isPinEnabled", json!(true)),
        (
            "participants",
            json!([{"email": "ben@example.com", "name": "", "role": "participant", "joinedTime": null, "leftTime": null}]),
        ),
    ];
    for (name, value) in more.into_iter().filter(|(name, _)| with.contains(name)) {
        meeting[name] = value;
    }
    meeting
}
