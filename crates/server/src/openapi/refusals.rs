//! Which faults a call may be answered with, by status. Several calls share most of them.

use protocol::fault::{self, Fault};

/// A status and the entries of the catalogue with which it may come.
pub type Refusals = &'static [(u16, &'static [&'static Fault])];

/// In whose words a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// The API's envelope.
    Api,
    /// OAuth's error (RFC 6749 5.2).
    OAuth,
    /// A line of text.
    Text,
}

/// Any call whatever.
pub const ANY: Refusals = &[
    (421, &[&fault::HOST_UNKNOWN]),
    (500, &[&fault::SERVER_ERROR]),
    (503, &[&fault::UNAVAILABLE, &fault::OUTCOME_UNKNOWN]),
];

/// A call with an access token.
pub const BEARER: Refusals = &[
    (400, &[&fault::TOKEN_MALFORMED, &fault::TOKEN_REPEATED]),
    (
        401,
        &[
            &fault::TOKEN_MISSING,
            &fault::TOKEN_INVALID,
            &fault::TOKEN_EXPIRED,
            &fault::TOKEN_REVOKED,
            &fault::TOKEN_WRONG_KIND,
            &fault::DPOP_PROOF_MALFORMED,
            &fault::DPOP_PROOF_SIGNATURE,
            &fault::DPOP_PROOF_REPEATED,
            &fault::DPOP_PROOF_TARGET,
            &fault::DPOP_PROOF_STALE,
            &fault::DPOP_PROOF_REPLAYED,
            &fault::DPOP_KEY_MISMATCH,
            &fault::DPOP_PROOF_TOKEN,
            &fault::DPOP_PROOF_MISSING,
            &fault::DPOP_TOKEN_AS_BEARER,
            &fault::DPOP_TOKEN_UNBOUND,
        ],
    ),
    (403, &[&fault::SCOPE_INSUFFICIENT]),
];

/// A call of the meeting API with a body.
pub const JSON_BODY: Refusals = &[
    (400, &[&fault::BODY_NOT_JSON]),
    (408, &[&fault::REQUEST_TIMEOUT]),
    (412, &[&fault::VALIDATION_FAILED]),
    (413, &[&fault::BODY_TOO_LARGE]),
    (415, &[&fault::UNSUPPORTED_MEDIA_TYPE]),
];

/// A query with faults.
pub const QUERY: Refusals = &[(412, &[&fault::QUERY_INVALID])];

/// A meeting that is not there.
pub const MEETING: Refusals = &[(404, &[&fault::MEETING_NOT_FOUND])];

/// A person who is not there, or not the one whose token it is.
pub const PERSON: Refusals = &[(404, &[&fault::USER_NOT_FOUND])];

/// Nothing is left to cancel, or somebody was faster.
pub const OVERTAKEN: Refusals = &[(409, &[&fault::MEETING_OVER, &fault::MEETING_OVERTAKEN])];

/// A call by an app that says who it is.
pub const CLIENT: Refusals = &[
    (
        400,
        &[
            &fault::JSON_MALFORMED,
            &fault::JSON_NOT_OBJECT,
            &fault::PARAMETER_TYPE,
            &fault::PARAMETER_REPEATED,
            &fault::PARAMETER_ENCODING,
            &fault::PARAMETER_TOO_LONG,
            &fault::PARAMETERS_TOO_MANY,
            &fault::CLIENT_AUTH_TWICE,
            &fault::CLIENT_AUTH_IDS_DIFFER,
            &fault::CLIENT_ID_REPEATED,
            &fault::CLIENT_IDS_DIFFER,
        ],
    ),
    (
        401,
        &[
            &fault::CLIENT_AUTH_MISSING,
            &fault::CLIENT_AUTH_MALFORMED,
            &fault::CLIENT_AUTH_SCHEME,
            &fault::CLIENT_SECRET_MISSING,
            &fault::CLIENT_CREDENTIALS_WRONG,
            &fault::CLIENT_SECRET_UNEXPECTED,
            &fault::CLIENT_SECRET_REFUSED,
            &fault::ASSERTION_TYPE_UNSUPPORTED,
            &fault::ASSERTION_MALFORMED,
            &fault::ASSERTION_WRONG,
            &fault::ASSERTION_SUBJECT,
            &fault::ASSERTION_AUDIENCE,
            &fault::ASSERTION_EXPIRED,
            &fault::ASSERTION_LIFETIME,
            &fault::ASSERTION_REPLAYED,
        ],
    ),
    (408, &[&fault::REQUEST_TIMEOUT]),
    (413, &[&fault::BODY_TOO_LARGE]),
    (415, &[&fault::UNSUPPORTED_MEDIA_TYPE]),
    (429, &[&fault::RATE_LIMITED]),
];

/// What is wrong with a code or a refresh token.
pub const TOKEN: Refusals = &[
    (
        400,
        &[
            &fault::GRANT_TYPE_MISSING,
            &fault::GRANT_TYPE_UNSUPPORTED,
            &fault::CODE_MISSING,
            &fault::CODE_UNKNOWN,
            &fault::CODE_EXPIRED,
            &fault::CODE_SPENT,
            &fault::CODE_REVOKED,
            &fault::REDIRECT_URI_MISMATCH,
            &fault::VERIFIER_MISSING,
            &fault::VERIFIER_MISMATCH,
            &fault::VERIFIER_MALFORMED,
            &fault::VERIFIER_UNEXPECTED,
            &fault::REFRESH_TOKEN_MISSING,
            &fault::REFRESH_TOKEN_UNKNOWN,
            &fault::REFRESH_TOKEN_EXPIRED,
            &fault::REFRESH_TOKEN_REPLACED,
            &fault::REFRESH_TOKEN_REPLAYED,
            &fault::GRANT_ENDED,
            &fault::CLIENT_INACTIVE,
            &fault::SCOPE_MALFORMED,
            &fault::SCOPE_EXCEEDS_GRANT,
            &fault::TARGET_UNKNOWN,
            &fault::TARGET_EXCEEDS_GRANT,
            &fault::TARGET_WITHOUT_SCOPE,
            &fault::DPOP_REQUIRED,
            &fault::DPOP_PROOF_MALFORMED,
            &fault::DPOP_PROOF_SIGNATURE,
            &fault::DPOP_PROOF_REPEATED,
            &fault::DPOP_PROOF_TARGET,
            &fault::DPOP_PROOF_STALE,
            &fault::DPOP_PROOF_REPLAYED,
            &fault::DPOP_KEY_MISMATCH,
        ],
    ),
    (500, &[&fault::SIGNING_FAILED]),
];

/// What is wrong with an authorization request.
pub const PUSHED: Refusals = &[(
    400,
    &[
        &fault::REQUEST_URI_PUSHED,
        &fault::REQUEST_TOO_LONG,
        &fault::CLIENT_INACTIVE,
        &fault::CLIENT_SUSPENDED,
        &fault::REDIRECT_URI_MISSING,
        &fault::REDIRECT_URI_REPEATED,
        &fault::REDIRECT_URI_UNREGISTERED,
        &fault::RESPONSE_TYPE_MISSING,
        &fault::RESPONSE_TYPE_UNSUPPORTED,
        &fault::SCOPE_MALFORMED,
        &fault::SCOPE_NOT_REGISTERED,
        &fault::PKCE_REQUIRED,
        &fault::PKCE_METHOD_MISSING,
        &fault::PKCE_METHOD_UNSUPPORTED,
        &fault::PKCE_CHALLENGE_MISSING,
        &fault::PKCE_CHALLENGE_MALFORMED,
        &fault::PROMPT_UNSUPPORTED,
        &fault::PROMPT_NONE_NOT_ALONE,
        &fault::MAX_AGE_MALFORMED,
        &fault::TARGET_UNKNOWN,
        &fault::TARGET_WITHOUT_SCOPE,
        &fault::DPOP_JKT_MALFORMED,
        &fault::DPOP_PROOF_MALFORMED,
        &fault::DPOP_PROOF_SIGNATURE,
        &fault::DPOP_PROOF_REPEATED,
        &fault::DPOP_PROOF_TARGET,
        &fault::DPOP_PROOF_STALE,
        &fault::DPOP_PROOF_REPLAYED,
        &fault::DPOP_KEY_MISMATCH,
    ],
)];

/// A token to ask about that did not come.
pub const PRESENTED: Refusals = &[(400, &[&fault::TOKEN_PARAMETER_MISSING])];

/// A token of another app.
pub const FOREIGN: Refusals = &[(400, &[&fault::REFRESH_TOKEN_UNKNOWN])];
