//! Everything that can go wrong, in words that say what happened and what to do next.

mod words;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::http::HttpError;
use crate::web;

/// One fault of a form, as the API reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The property of the JSON body, such as `startTime`.
    pub property: String,
    /// The sentence about it.
    pub message: String,
}

impl Fault {
    /// The sentence, with the property before it where it does not name that itself.
    pub fn in_full(&self) -> String {
        let Self { property, message } = self;
        if property.is_empty() || message.starts_with(property.as_str()) {
            message.clone()
        } else {
            format!("{property}: {message}")
        }
    }
}

/// What went wrong. Each kind is a page of its own.
#[derive(Debug)]
pub enum Problem {
    // On the way to the server
    /// No connection, or it broke.
    Unreachable,
    /// 429 or 503, with the seconds to wait where the server gave them.
    Busy { retry_after_seconds: Option<u64> },
    /// Any other 5xx.
    ServerFault { status: u16 },
    /// An answer that is not what the specification says.
    Garbled { detail: String },

    // Signing in
    /// The answer's `state` belongs to no sign-in of this browser.
    UnknownState,
    /// As `UnknownState`, but the person is signed in: most likely a reload of the answer's page.
    AlreadyAnswered,
    /// The answer names another issuer (RFC 9207): a mix-up attack or a wrong configuration.
    OtherIssuer { expected: String, came: String },
    /// The answer holds neither a code nor an error, or a parameter twice.
    NoCode,
    /// The person said no.
    Denied,
    /// Another error on the redirect (RFC 6749 section 4.1.2.1).
    AuthorizationRefused { code: String, description: String },
    /// The token endpoint said no (RFC 6749 section 5.2).
    TokenRefused { code: String, description: String },

    // Calling the API
    /// The page needs a sign-in; `page` is where to go on afterwards.
    NotSignedIn { page: String },
    /// The server no longer takes our tokens, and refreshing did not help.
    AccessEnded,
    /// 403 `insufficient_scope`.
    MissingScope { scope: String },
    /// 404.
    NotFound,
    /// 412: the body's faults, all at once.
    Invalid { message: String, faults: Vec<Fault> },
    /// Any other refusal.
    Refused { status: u16, message: String },

    // Our own pages
    /// A form without the session's CSRF token.
    StaleForm,
    /// A form that cannot be read.
    UnreadableForm,
    /// An address of this app that does not exist.
    NoSuchPage,
}

/// A next step that a problem page offers.
pub struct Step {
    /// What the link says.
    pub label: &'static str,
    /// Where it leads, within this app.
    pub href: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    title: String,
    sentences: Vec<String>,
    faults: Vec<Fault>,
    /// For whoever has to mend it: the error's code and the server's own words.
    technical: Option<String>,
    steps: Vec<Step>,
}

impl From<HttpError> for Problem {
    fn from(error: HttpError) -> Self {
        tracing::warn!(%error, "no usable answer from JioMeet");
        match error {
            HttpError::Unreachable(_) => Self::Unreachable,
            HttpError::Busy { retry_after_seconds, .. } => Self::Busy { retry_after_seconds },
            HttpError::ServerFault(status) => Self::ServerFault { status: status.as_u16() },
            HttpError::TooLarge => Self::Garbled { detail: error.to_string() },
        }
    }
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unreachable | Self::ServerFault { .. } | Self::Garbled { .. } | Self::TokenRefused { .. } => {
                StatusCode::BAD_GATEWAY
            }
            Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnknownState
            | Self::AlreadyAnswered
            | Self::OtherIssuer { .. }
            | Self::NoCode
            | Self::AuthorizationRefused { .. }
            | Self::UnreadableForm => StatusCode::BAD_REQUEST,
            Self::NotSignedIn { .. } | Self::AccessEnded => StatusCode::UNAUTHORIZED,
            Self::Denied | Self::MissingScope { .. } | Self::StaleForm => StatusCode::FORBIDDEN,
            Self::NotFound | Self::NoSuchPage => StatusCode::NOT_FOUND,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused { status, .. } => StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY),
        }
    }

    fn technical(&self) -> Option<String> {
        match self {
            Self::ServerFault { status } => Some(format!("HTTP status {status}")),
            Self::Garbled { detail } => Some(detail.clone()),
            Self::OtherIssuer { expected, came } => Some(format!("expected iss {expected}, came {came}")),
            Self::AuthorizationRefused { code, description } | Self::TokenRefused { code, description } => {
                Some(if description.is_empty() { code.clone() } else { format!("{code}: {description}") })
            }
            Self::MissingScope { scope } => Some(format!("insufficient_scope: {scope}")),
            Self::Refused { status, .. } => Some(format!("HTTP status {status}")),
            _ => None,
        }
    }

    fn steps(&self) -> Vec<Step> {
        let step = |label, href: &str| Step { label, href: href.to_owned() };
        let home = || step("Back to Calendar Companion", "/");
        let sign_in = || step("Sign in with JioMeet", "/login");
        match self {
            Self::Unreachable | Self::Busy { .. } | Self::ServerFault { .. } | Self::Garbled { .. } => {
                vec![step("Try again", "/")]
            }
            Self::UnknownState
            | Self::OtherIssuer { .. }
            | Self::NoCode
            | Self::Denied
            | Self::AuthorizationRefused { .. }
            | Self::TokenRefused { .. }
            | Self::AccessEnded => vec![sign_in(), home()],
            Self::NotSignedIn { page } => {
                let page: String = form_urlencoded::byte_serialize(page.as_bytes()).collect();
                vec![Step { label: "Sign in with JioMeet", href: format!("/login?page={page}") }, home()]
            }
            Self::MissingScope { .. } => vec![step("Ask again", "/login?again=1"), home()],
            Self::AlreadyAnswered
            | Self::NotFound
            | Self::Invalid { .. }
            | Self::Refused { .. }
            | Self::StaleForm
            | Self::UnreadableForm
            | Self::NoSuchPage => vec![home()],
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let technical = self.technical();
        tracing::info!(problem = self.title(), technical, "a person was told of a problem");
        let faults = match &self {
            Self::Invalid { faults, .. } => faults.clone(),
            _ => Vec::new(),
        };
        let page =
            ProblemPage { title: self.title(), sentences: self.sentences(), faults, technical, steps: self.steps() };
        web::page(self.status(), &page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind, so that no page is without words or without a way on.
    fn samples() -> Vec<Problem> {
        let (code, description) = (String::from("invalid_request"), String::from("because"));
        vec![
            Problem::Unreachable,
            Problem::Busy { retry_after_seconds: Some(30) },
            Problem::Busy { retry_after_seconds: None },
            Problem::ServerFault { status: 500 },
            Problem::Garbled { detail: "no JSON".into() },
            Problem::UnknownState,
            Problem::AlreadyAnswered,
            Problem::OtherIssuer { expected: "https://a".into(), came: "https://b".into() },
            Problem::NoCode,
            Problem::Denied,
            Problem::AuthorizationRefused { code: code.clone(), description: description.clone() },
            Problem::TokenRefused { code, description },
            Problem::NotSignedIn { page: "/meetings/a?b=c".into() },
            Problem::AccessEnded,
            Problem::MissingScope { scope: "meeting:create".into() },
            Problem::NotFound,
            Problem::Invalid { message: "No.".into(), faults: Vec::new() },
            Problem::Refused { status: 409, message: "It is over.".into() },
            Problem::StaleForm,
            Problem::UnreadableForm,
            Problem::NoSuchPage,
        ]
    }

    #[test]
    fn every_problem_has_whole_sentences_and_a_next_step() {
        for problem in samples() {
            assert!(!problem.steps().is_empty(), "{problem:?}");
            let sentences = problem.sentences();
            assert!(!sentences.is_empty(), "{problem:?}");
            for sentence in sentences {
                assert!(sentence.ends_with('.'), "{problem:?}: {sentence}");
            }
            assert!(problem.status().is_client_error() || problem.status().is_server_error());
        }
    }

    #[test]
    fn the_way_back_is_escaped() {
        let problem = Problem::NotSignedIn { page: "/meetings/a?b=c&d".into() };
        assert_eq!(problem.steps()[0].href, "/login?page=%2Fmeetings%2Fa%3Fb%3Dc%26d");
    }
}
