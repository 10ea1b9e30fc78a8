//! Who may come in: reviewers and admins. To everybody else this part of the site does not exist.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use protocol::fault;

use super::decisions::is_reviewer;
use crate::app::SharedApp;
use crate::users::{SignedInVisitor, require_signed_in};
use crate::web::{PageError, VisitorCookies};

/// The reviewer at this browser.
///
/// # Errors
/// The way to the sign-in page, or 404.
pub async fn require_reviewer(
    app: &SharedApp,
    cookies: &VisitorCookies,
    return_to: Option<&str>,
) -> Result<SignedInVisitor, Response> {
    let visitor = require_signed_in(app, cookies, return_to).await?;
    let nothing = || PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND).into_response();
    if is_reviewer(&visitor.signed_in.user) { Ok(visitor) } else { Err(nothing()) }
}

/// For a reviewer: there is no such app.
pub fn no_such_app() -> PageError {
    PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND)
        .with_detail("There is no such app, or it was deleted.")
        .with_next_step("/review", "Go to the review queue")
}
