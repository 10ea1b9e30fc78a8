//! Changing the password: the old one is asked for and counted like a sign-in, every session ends but a fresh one here,
//! and with 'connected apps too' everything ends that apps got of this account.

use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use protocol::params::Params;
use sql::DbError;

use super::account_pages::answer;
use super::limit::Admission;
use super::session::NewSession;
use super::sign_in::{AttemptLimits, Guesser};
use super::sign_in_page::{user_agent, waiting_words, with_retry_after};
use super::signed_in::check_csrf;
use super::user::FieldFaults;
use super::{HashingError, Password, SignedInVisitor, known_browser, require_signed_in, store};
use crate::app::SharedApp;
use crate::audit::{Actor, Record};
use crate::ids::SessionId;
use crate::mail::{Letter, Mail, enqueue, links};
use crate::time::Timestamp;
use crate::web::samples::{NOW, Sample, Samples, shell};
use crate::web::{
    ClientAddress, Notice, PageError, QueryParams, Section, SessionSecret, Shell, VisitorCookies, form, see_other,
};

#[derive(Template)]
#[template(path = "users/password.html")]
pub(super) struct PasswordPage {
    shell: Shell,
    notice: Option<Notice>,
    faults: FieldFaults,
    email: String,
    changed: Timestamp,
}

/// What was typed.
struct Typed {
    current: Password,
    new: Password,
    end_apps: bool,
}

/// What came of it.
enum Outcome {
    Changed(SessionSecret),
    Wrong,
    Limited(Duration),
    Busy,
}

/// `GET /account/password`
pub(super) async fn show_password(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, Some("/account/password")).await?;
    let notice = match query.get("done") {
        Some("changed") => Some(Notice::done("Your password is changed. Every other session has ended.")),
        Some("changed-apps") => {
            Some(Notice::done("Your password is changed. Every other session and the access of all apps have ended."))
        }
        _ => None,
    };
    Ok(show(&app, &visitor, StatusCode::OK, notice, FieldFaults::default()))
}

/// `POST /account/password`
pub(super) async fn change_password(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, Some("/account/password")).await?;
    let guesser = Guesser {
        address,
        is_known: known_browser::is_known(&app, &headers, &visitor.browser.id, &visitor.signed_in.user.email),
        browser: visitor.browser.id.clone(),
    };
    submit(&app, &visitor, &cookies, &headers, guesser, request).await.map_err(|error| error.into_response())
}

async fn submit(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    cookies: &VisitorCookies,
    headers: &HeaderMap,
    guesser: Guesser,
    request: Request,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    check_csrf(app, headers, &form, cookies, visitor)?;
    let mut faults = FieldFaults::default();
    let typed = read(&form, visitor, &mut faults)?;
    if !faults.is_empty() {
        return Ok(show(app, visitor, StatusCode::BAD_REQUEST, None, faults));
    }
    let end_apps = typed.end_apps;
    match change(app, visitor, guesser, user_agent(headers), typed).await? {
        Outcome::Changed(secret) => {
            let mut response = see_other(if end_apps {
                "/account/password?done=changed-apps"
            } else {
                "/account/password?done=changed"
            });
            secret.set_on(app, &mut response);
            Ok(response)
        }
        Outcome::Wrong => {
            faults.add("current_password", "That is not your current password.");
            Ok(show(app, visitor, StatusCode::FORBIDDEN, None, faults))
        }
        Outcome::Limited(wait) => {
            let notice =
                Notice::refused(format!("There were too many wrong passwords. Try again in {}.", waiting_words(wait)));
            Ok(with_retry_after(show(app, visitor, StatusCode::TOO_MANY_REQUESTS, Some(notice), faults), wait))
        }
        Outcome::Busy => {
            let notice = Notice::refused("The server is busy at this moment. Try again in a few seconds.");
            Ok(with_retry_after(
                show(app, visitor, StatusCode::SERVICE_UNAVAILABLE, Some(notice), faults),
                Duration::from_secs(2),
            ))
        }
    }
}

/// Reads the form; every fault at its field, all at once.
fn read(form: &Params, visitor: &SignedInVisitor, faults: &mut FieldFaults) -> Result<Typed, PageError> {
    let field = |name| Ok::<_, PageError>(Password::new(form.get(name)?.unwrap_or_default()));
    let (current, new, again) = (field("current_password")?, field("new_password")?, field("new_password_again")?);
    if current.is_empty() {
        faults.add("current_password", "Type your current password.");
    }
    if let Err(weak) = new.check_as_new(&visitor.signed_in.user.email) {
        faults.add("new_password", weak.sentence());
    } else if new == current {
        faults.add("new_password", "That is the current one. Choose another.");
    }
    if new != again {
        faults.add("new_password_again", "The two are not the same.");
    }
    Ok(Typed { current, new, end_apps: form.get("end_apps")?.is_some() })
}

async fn change(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    guesser: Guesser,
    user_agent: String,
    typed: Typed,
) -> Result<Outcome, PageError> {
    let user = visitor.signed_in.user.clone();
    let limits = AttemptLimits::new(app, &user.email, &guesser);
    let (counted, id, now) = (limits.clone(), user.id.clone(), app.clock.now());
    let admitted = app
        .db
        .write(move |tx| match counted.reserve(tx, now)? {
            Admission::Admitted => store::find_password_hash(tx, &id).map(Ok),
            Admission::Refused(wait) => Ok::<_, DbError>(Err(wait)),
        })
        .await?;
    let checked = match admitted {
        Ok(Some(checked)) => checked,
        Ok(None) => return Ok(Outcome::Wrong),
        Err(wait) => return Ok(Outcome::Limited(wait)),
    };
    let hashed = match app.passwords.verify(typed.current, Some(checked.clone())).await {
        Ok(verdict) if !verdict.matches => return Ok(Outcome::Wrong),
        Ok(_) => app.passwords.hash(typed.new).await,
        Err(error) => Err(error),
    };
    let hashed = match hashed {
        Ok(hashed) => hashed,
        Err(HashingError::Busy) => {
            app.db.write(move |tx| limits.refund(tx)).await?;
            return Ok(Outcome::Busy);
        }
        Err(HashingError::Failed) => return Err(PageError::internal("a password could not be hashed")),
    };

    let secret = SessionSecret::mint(app);
    let now = app.clock.now();
    let session = NewSession {
        hash: secret.digest(),
        id: SessionId::mint(&app.random),
        now,
        expires_at: now.plus(app.config.accounts.session_ttl.get()),
        address: guesser.address.to_string(),
        user_agent,
    };
    let entry = Record::new(&app.random, now, Actor::User(user.id.clone()), "password.change")
        .user(&user.id)
        .address(guesser.address)
        .detail(serde_json::json!({ "connected_apps_too": typed.end_apps }));
    let changed = app
        .db
        .write(move |tx| {
            if !store::claim_password_change(tx, &user.id, &checked, &hashed, now)? {
                return Ok(false);
            }
            store::delete_sessions_of(tx, &user.id)?;
            links::withdraw_all(tx, &user.id)?;
            store::claim_session(tx, &user.id, &hashed, &session)?;
            if typed.end_apps {
                store::raise_epoch(tx, &user.id, now)?;
            }
            limits.refund(tx)?;
            entry.write(tx)?;
            enqueue(tx, &Mail::about(&entry, &user.email, Letter::PasswordChanged))?;
            Ok::<_, DbError>(true)
        })
        .await?;
    // Somebody else changed it in between: what was typed is no longer the current one.
    Ok(if changed { Outcome::Changed(secret) } else { Outcome::Wrong })
}

fn show(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    status: StatusCode,
    notice: Option<Notice>,
    faults: FieldFaults,
) -> Response {
    let user = &visitor.signed_in.user;
    let template = PasswordPage {
        shell: visitor.shell(app, Section::Password),
        notice,
        faults,
        email: user.email.to_string(),
        changed: user.password_changed_at,
    };
    answer(app, visitor, status, &template)
}

impl Samples for PasswordPage {
    fn samples() -> Vec<Sample> {
        let page = |notice, faults| PasswordPage {
            shell: shell(Section::Password),
            notice,
            faults,
            email: "asha@example.com".to_owned(),
            changed: NOW,
        };
        let mut faults = FieldFaults::default();
        faults.add("current_password", "That is not your current password.");
        faults.add("new_password", "Use at least 10 characters.");
        faults.add("new_password_again", "The two are not the same.");
        vec![
            Sample::of("password", "usual", &page(None, FieldFaults::default())),
            Sample::of(
                "password",
                "changed",
                &page(
                    Some(Notice::done("Your password is changed. Every other session has ended.")),
                    FieldFaults::default(),
                ),
            ),
            Sample::of("password", "faults", &page(None, faults)),
        ]
    }
}
