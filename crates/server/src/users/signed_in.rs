//! Who is signed in at this browser: asked by every page that belongs to a person.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use protocol::params::Params;
use sql::DbError;

use super::{Role, SignedIn, store};
use crate::app::SharedApp;
use crate::web::{Browser, PageError, Section, SessionSecret, Shell, VisitorCookies, csrf, see_other};

/// How exactly `last_seen_at` is kept.
const SEEN_INTERVAL: Duration = Duration::from_secs(60);

/// Someone who is signed in, and the browser they use.
#[derive(Debug, Clone)]
pub struct SignedInVisitor {
    /// Who, and in which session.
    pub signed_in: SignedIn,
    /// The browser.
    pub browser: Browser,
}

impl SignedInVisitor {
    /// The CSRF token for this person's forms.
    pub fn csrf(&self, app: &SharedApp) -> String {
        csrf::token(app, &self.browser.id, Some(&self.signed_in.session.id))
    }

    /// The surroundings of a page of theirs.
    pub fn shell(&self, app: &SharedApp, here: Section) -> Shell {
        let user = &self.signed_in.user;
        let reviews = user.roles.has(Role::Reviewer) || user.roles.has(Role::Admin);
        let shell = Shell::signed_in(app, user.person(), self.csrf(app), here);
        Shell { reviews, administers: user.roles.has(Role::Admin), ..shell }
    }
}

/// The person who is signed in, or the way to the sign-in page.
///
/// # Errors
/// The response to give instead: a redirect that leads back to `return_to` (a path of ours) after the sign-in, or the
/// page of a failing database.
pub async fn require_signed_in(
    app: &SharedApp,
    cookies: &VisitorCookies,
    return_to: Option<&str>,
) -> Result<SignedInVisitor, Response> {
    match find(app, cookies).await {
        Ok(Some(visitor)) => Ok(visitor),
        Ok(None) => {
            let mut response = see_other(&super::sign_in_page::path_with_return(app, return_to));
            if cookies.session.is_some() {
                SessionSecret::forget_on(app, &mut response);
            }
            Err(response)
        }
        Err(error) => Err(PageError::from(error).into_response()),
    }
}

/// The person who is signed in, if anybody is.
///
/// # Errors
/// The database failed.
pub async fn find(app: &SharedApp, cookies: &VisitorCookies) -> Result<Option<SignedInVisitor>, DbError> {
    let Some(session) = &cookies.session else { return Ok(None) };
    let (hash, now) = (session.digest(), app.clock.now());
    let found = app.db.read(move |tx| store::find_signed_in(tx, &hash, now)).await?;
    Ok(found.map(|signed_in| {
        note_seen(app, &signed_in);
        SignedInVisitor { signed_in, browser: cookies.browser_or_new(app) }
    }))
}

/// Refuses a form that was not given to this browser in this session.
///
/// # Errors
/// The page that says so.
pub fn check_csrf(
    app: &SharedApp,
    headers: &HeaderMap,
    form: &Params,
    cookies: &VisitorCookies,
    visitor: &SignedInVisitor,
) -> Result<(), PageError> {
    let ours = csrf::check(app, headers, form, cookies.browser.as_ref(), Some(&visitor.signed_in.session.id));
    if ours { Ok(()) } else { Err(PageError::form_expired()) }
}

/// Ends the session of this browser; [`SessionSecret::forget_on`] makes the browser forget it too.
///
/// # Errors
/// The database failed.
pub async fn end_session(app: &SharedApp, cookies: &VisitorCookies) -> Result<(), DbError> {
    let Some(hash) = cookies.session.as_ref().map(SessionSecret::digest) else { return Ok(()) };
    app.db.write(move |tx| store::delete_session(tx, &hash)).await
}

/// Notes that a session is in use: once a minute, and nobody waits for it.
pub fn note_seen(app: &SharedApp, signed_in: &SignedIn) {
    let now = app.clock.now();
    if now.since(signed_in.session.last_seen_at) < SEEN_INTERVAL {
        return;
    }
    let (app, id) = (app.clone(), signed_in.session.id.clone());
    tokio::spawn(async move {
        if let Err(error) = app.db.write(move |tx| store::update_last_seen(tx, &id, now)).await {
            tracing::debug!(%error, "the use of a session was not noted");
        }
    });
}
