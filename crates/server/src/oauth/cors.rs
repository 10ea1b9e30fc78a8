//! Cross-origin access (the Fetch standard's CORS protocol), for apps that run in a browser.
//!
//! Metadata, keys, token and revocation, and the API that the tokens open, answer any origin: nothing there depends on a
//! cookie, and who may ask is decided by what is sent. Credentials are never allowed, and no other endpoint takes part: the
//! authorization endpoint is for navigation, introspection for servers.

use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
};

/// Lets scripts of any origin read the answer: for `MapResponseLayer`.
pub fn allow_any_origin(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After"));
    response
}

/// What a browser asks before it lets a script send a header or a body of its own.
pub async fn answer_preflight() -> Response {
    (
        StatusCode::NO_CONTENT,
        [
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT"),
            (ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, DPoP"),
            (ACCESS_CONTROL_MAX_AGE, "86400"),
        ],
    )
        .into_response()
}
