//! A refusal in OAuth's words (RFC 6749 5.2), as a direct answer.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use protocol::error::{OAuthError, OAuthErrorCode, basic_challenge};
use sql::DbError;

use super::page_error::{log, retry_after_header};
use super::request_context::docs_errors_url;
use super::{RETRY_SOON, site};

/// The answer; `Retry-After` is added where the server is too busy.
pub fn oauth_json(error: OAuthError) -> Response {
    let retry_after = (error.code == OAuthErrorCode::TemporarilyUnavailable).then_some(RETRY_SOON);
    answer(&error, retry_after)
}

/// The answer, with the time after which to come back.
pub fn oauth_json_after(error: OAuthError, retry_after: Duration) -> Response {
    answer(&error, Some(retry_after))
}

/// A failing database in OAuth's words.
pub fn oauth_error_from_db(error: DbError) -> OAuthError {
    if error.is_unavailable() {
        OAuthError::temporarily_unavailable(error.to_string())
    } else if error.is_outage() {
        OAuthError::outcome_unknown(error.to_string())
    } else {
        OAuthError::server_error(error.to_string())
    }
}

fn answer(error: &OAuthError, retry_after: Option<Duration>) -> Response {
    let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    log(status, error.fault.code, error.detail.as_deref(), error.private.as_deref());
    let mut response = (status, error.json_body(&docs_errors_url())).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    if status == StatusCode::UNAUTHORIZED
        && let Ok(challenge) = HeaderValue::from_str(&basic_challenge(&site()))
    {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(wait) = retry_after {
        headers.insert(RETRY_AFTER, retry_after_header(wait));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::fault;

    #[test]
    fn a_client_that_failed_is_challenged_and_nothing_is_cached() {
        let response = oauth_json(OAuthError::invalid_client(&fault::CLIENT_CREDENTIALS_WRONG));
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.headers()[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic "));
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[PRAGMA], "no-cache");
    }

    #[test]
    fn a_busy_database_is_503_with_a_time() {
        let response = oauth_json(oauth_error_from_db(DbError::Busy));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        let response = oauth_json(oauth_error_from_db(DbError::OutcomeUnknown));
        assert_eq!(
            response.status(),
            StatusCode::SERVICE_UNAVAILABLE,
            "whatever became of it, the fault is not the client's"
        );
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }
}
