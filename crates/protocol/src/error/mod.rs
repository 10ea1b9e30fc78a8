//! How a refusal travels: as JSON (RFC 6749 5.2), on the redirect (4.1.2.1), or in a
//! `WWW-Authenticate` header (RFC 6750 3).
//!
//! An [`OAuthError`] pairs the protocol's code, which programs read, with a [`Fault`] of the
//! catalogue, which people read. What is meant for the log alone is kept in a field that no writer
//! here touches. Every writer lets through only the characters that RFC 6749 allows, so that
//! nothing a stranger sent can break out of a header or a URL.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

use crate::fault::{self, Fault};
use crate::jwt::ClientAlgorithm;

/// Error codes of RFC 6749, RFC 6750, RFC 8707 and OpenID Connect Core 3.1.2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OAuthErrorCode {
    /// The request is malformed.
    InvalidRequest,
    /// Client authentication failed.
    InvalidClient,
    /// The code or refresh token is no good.
    InvalidGrant,
    /// The client may not use this grant type.
    UnauthorizedClient,
    /// The grant type is not offered.
    UnsupportedGrantType,
    /// The scope is unknown, malformed or too wide.
    InvalidScope,
    /// The person or the server said no.
    AccessDenied,
    /// The response type is not offered.
    UnsupportedResponseType,
    /// The server failed.
    ServerError,
    /// The server is overloaded or under maintenance.
    TemporarilyUnavailable,
    /// `prompt=none`, but the person has to sign in.
    LoginRequired,
    /// `prompt=none`, but the person has to consent.
    ConsentRequired,
    /// `prompt=none`, but the person has to do something else.
    InteractionRequired,
    /// The access token is expired, revoked, malformed or forged.
    InvalidToken,
    /// The access token lacks a scope.
    InsufficientScope,
    /// The resource is unknown (RFC 8707).
    InvalidTarget,
    /// The DPoP proof is no good (RFC 9449 5).
    InvalidDpopProof,
    /// The `request` parameter is not supported (OpenID Connect Core 3.1.2.6).
    RequestNotSupported,
    /// The `request_uri` parameter is not supported.
    RequestUriNotSupported,
    /// The `registration` parameter is not supported.
    RegistrationNotSupported,
}

impl OAuthErrorCode {
    /// Every code.
    pub const ALL: &[Self] = &[
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::InvalidScope,
        Self::AccessDenied,
        Self::UnsupportedResponseType,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::LoginRequired,
        Self::ConsentRequired,
        Self::InteractionRequired,
        Self::InvalidToken,
        Self::InsufficientScope,
        Self::InvalidTarget,
        Self::InvalidDpopProof,
        Self::RequestNotSupported,
        Self::RequestUriNotSupported,
        Self::RegistrationNotSupported,
    ];

    /// The code as it is written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
        }
    }

    /// The HTTP status of a direct answer with this code (RFC 6749 5.2, RFC 6750 3.1).
    pub const fn http_status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::AccessDenied | Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::UnsupportedResponseType
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::InteractionRequired
            | Self::InvalidTarget
            | Self::InvalidDpopProof
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::RegistrationNotSupported => 400,
        }
    }
}

impl fmt::Display for OAuthErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: what programs read, what people read, and what only the log reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// The protocol's code.
    pub code: OAuthErrorCode,
    /// The entry of the catalogue.
    pub fault: &'static Fault,
    /// What the catalogue can not know, such as the parameter's name. Public: it goes to
    /// `error_description`. Never put a secret here.
    pub detail: Option<String>,
    /// For the log alone.
    pub private: Option<String>,
    status: Option<u16>,
}

/// One constructor for each code: `OAuthError::invalid_grant(&fault::CODE_EXPIRED)`.
macro_rules! constructors {
    ($( $name:ident => $code:ident ),* $(,)?) => {
        impl OAuthError {
            $(
                #[doc = concat!("A refusal with the code `", stringify!($name), "`.")]
                pub const fn $name(fault: &'static Fault) -> Self {
                    Self::new(OAuthErrorCode::$code, fault)
                }
            )*
        }
    };
}

constructors! {
    invalid_request => InvalidRequest,
    invalid_client => InvalidClient,
    invalid_grant => InvalidGrant,
    unauthorized_client => UnauthorizedClient,
    unsupported_grant_type => UnsupportedGrantType,
    invalid_scope => InvalidScope,
    access_denied => AccessDenied,
    unsupported_response_type => UnsupportedResponseType,
    invalid_token => InvalidToken,
    insufficient_scope => InsufficientScope,
    invalid_target => InvalidTarget,
    invalid_dpop_proof => InvalidDpopProof,
    request_not_supported => RequestNotSupported,
    request_uri_not_supported => RequestUriNotSupported,
    registration_not_supported => RegistrationNotSupported,
}

impl OAuthError {
    /// A refusal with any code.
    pub const fn new(code: OAuthErrorCode, fault: &'static Fault) -> Self {
        Self { code, fault, detail: None, private: None, status: None }
    }

    /// The server failed; why is for the log alone.
    pub fn server_error(private: impl Into<String>) -> Self {
        Self::new(OAuthErrorCode::ServerError, &fault::SERVER_ERROR).with_private(private)
    }

    /// The server is too busy or its database is away; why is for the log alone.
    pub fn temporarily_unavailable(private: impl Into<String>) -> Self {
        Self::new(OAuthErrorCode::TemporarilyUnavailable, &fault::UNAVAILABLE).with_private(private)
    }

    /// The database failed while it was saving. `private` says more, for the log.
    pub fn outcome_unknown(private: impl Into<String>) -> Self {
        Self::new(OAuthErrorCode::TemporarilyUnavailable, &fault::OUTCOME_UNKNOWN).with_private(private)
    }

    /// `prompt=none` could not be met because the person is not signed in (OpenID Connect Core 3.1.2.6).
    pub const fn login_required() -> Self {
        Self::new(OAuthErrorCode::LoginRequired, &fault::LOGIN_REQUIRED)
    }

    /// `prompt=none` could not be met because the person has not consented.
    pub const fn consent_required() -> Self {
        Self::new(OAuthErrorCode::ConsentRequired, &fault::CONSENT_REQUIRED)
    }

    /// `prompt=none` could not be met for another reason.
    pub const fn interaction_required() -> Self {
        Self::new(OAuthErrorCode::InteractionRequired, &fault::INTERACTION_REQUIRED)
    }

    /// Adds what the catalogue can not know. The text is public.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn with_private(mut self, private: impl Into<String>) -> Self {
        self.private = Some(private.into());
        self
    }

    /// Answers with another HTTP status than the code's own: 413 for a body that is too large, say.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The HTTP status of a direct answer.
    pub const fn http_status(&self) -> u16 {
        match self.status {
            Some(status) => status,
            None => self.code.http_status(),
        }
    }

    /// `error_description`: sentence, detail and mend, in the characters that RFC 6749 5.2 allows.
    pub fn description(&self) -> String {
        let mut text = String::from(self.fault.sentence);
        if let Some(detail) = &self.detail {
            text.push(' ');
            text.push_str(&plain(detail, MAX_DETAIL));
        }
        text.push(' ');
        text.push_str(self.fault.mend);
        text
    }

    /// `error_uri`: the fault's paragraph in the docs.
    pub fn docs_url(&self, docs_base_url: &str) -> String {
        docs_url(self.fault, docs_base_url)
    }

    /// The JSON body of a direct answer: RFC 6749 5.2 and the documented envelope in one object.
    pub fn json_body(&self, docs_base_url: &str) -> String {
        let description = self.description();
        let body = ErrorBody {
            error: self.code.as_str(),
            error_description: &description,
            error_uri: &self.docs_url(docs_base_url),
            custom_code: self.http_status(),
            message: self.fault.code,
            errors: &description,
        };
        // Strings and one number: writing them can not fail.
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// The query parameters of an answer on the redirect (RFC 6749 4.1.2.1, RFC 9207 2), ready for
    /// [`crate::redirect_uri::response_url`].
    pub fn redirect_params(
        &self,
        docs_base_url: &str,
        state: Option<&str>,
        issuer: &str,
    ) -> Vec<(&'static str, String)> {
        let mut params = vec![
            ("error", self.code.as_str().to_owned()),
            ("error_description", self.description()),
            ("error_uri", self.docs_url(docs_base_url)),
        ];
        if let Some(state) = state {
            params.push(("state", state.to_owned()));
        }
        params.push(("iss", issuer.to_owned()));
        params
    }

    /// The value of `WWW-Authenticate` for a call with a token that is, or should be, bound to a key (RFC 9449 7.1).
    /// `scope` is what the call needs, when that is what was missing.
    pub fn dpop_challenge(&self, docs_base_url: &str, scope: Option<&str>) -> String {
        let algorithms: Vec<&str> = ClientAlgorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
        format!("{}, algs=\"{}\"", self.challenge("DPoP", docs_base_url, scope), algorithms.join(" "))
    }

    /// The value of `WWW-Authenticate` for a bearer token that is not good enough (RFC 6750 3).
    /// `scope` is what the call needs, when that is what was missing; `resource_metadata` leads to the description of the
    /// API (RFC 9728 5.1).
    pub fn bearer_challenge(&self, docs_base_url: &str, scope: Option<&str>, resource_metadata: &str) -> String {
        let mut header = self.challenge("Bearer", docs_base_url, scope);
        header.push_str(", resource_metadata=\"");
        header.push_str(&plain(resource_metadata, usize::MAX));
        header.push('"');
        header
    }

    /// What the challenges of both schemes begin with.
    fn challenge(&self, scheme: &str, docs_base_url: &str, scope: Option<&str>) -> String {
        let mut header = format!(
            "{scheme} error=\"{}\", error_description=\"{}\", error_uri=\"{}\"",
            self.code.as_str(),
            self.description(),
            self.docs_url(docs_base_url)
        );
        if let Some(scope) = scope {
            header.push_str(", scope=\"");
            header.push_str(&plain(scope, usize::MAX));
            header.push('"');
        }
        header
    }
}

impl fmt::Display for OAuthError {
    /// For the log: code, fault and both details. Nothing here is shown to a client.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.code.as_str(), self.fault.code)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(private) = &self.private {
            write!(f, " [{private}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for OAuthError {}

/// The challenge for a call without any token: RFC 6750 3.1 wants no error code and no other
/// information when the request lacked authentication.
pub const BEARER_CHALLENGE: &str = "Bearer";

/// The challenge for a client that failed to authenticate (RFC 6749 5.2, RFC 7617 2).
pub fn basic_challenge(realm: &str) -> String {
    format!("Basic realm=\"{}\", charset=\"UTF-8\"", plain(realm, usize::MAX))
}

/// The paragraph of a fault in the docs.
pub fn docs_url(fault: &Fault, docs_base_url: &str) -> String {
    let mut url: String = docs_base_url.chars().filter(|&c| is_description_char(c) && c != ' ' && c != '#').collect();
    url.push('#');
    url.push_str(fault.code);
    url
}

/// Longer details are cut: an error is no place for a book, and it may travel in a URL.
const MAX_DETAIL: usize = 300;

/// A refusal in OAuth's words (RFC 6749 5.2), with the API's envelope in the same object.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = OAuthError))]
pub struct ErrorBody<'a> {
    /// The code of the standard.
    error: &'a str,
    /// What is wrong and what to do.
    error_description: &'a str,
    /// Where the fault is explained.
    error_uri: &'a str,
    /// The HTTP status.
    #[serde(rename = "customCode")]
    custom_code: u16,
    /// The stable name of the fault.
    message: &'a str,
    /// The same as `error_description`.
    errors: &'a str,
}

/// RFC 6749 5.2: `%x20-21 / %x23-5B / %x5D-7E`.
const fn is_description_char(c: char) -> bool {
    matches!(c, '\u{20}'..='\u{21}' | '\u{23}'..='\u{5b}' | '\u{5d}'..='\u{7e}')
}

/// Replaces what `error_description` and a quoted string may not hold, and cuts what is too long.
fn plain(text: &str, max: usize) -> String {
    text.chars()
        .take(max)
        .map(|c| match c {
            '"' => '\'',
            '\\' => '/',
            c if is_description_char(c) => c,
            _ => '?',
        })
        .collect()
}
