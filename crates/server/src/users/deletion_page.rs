//! The end of an account: asked for with its password. What hangs on it ends at once; its id stays, so that the records
//! of others still make sense, and its address is free again.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use sql::{DbError, Tx};

use super::account_pages::answer;
use super::address_page::not_proven;
use super::proof::{Proof, prove};
use super::sign_in_page::guesser;
use super::signed_in::check_csrf;
use super::user::FieldFaults;
use super::{Guesser, Password, Role, SignedInVisitor, User, account_store, require_signed_in};
use crate::app::SharedApp;
use crate::apps;
use crate::audit::{Actor, Record};
use crate::mail::{Letter, Mail, enqueue, links};
use crate::time::Timestamp;
use crate::web::samples::{Sample, Samples, shell};
use crate::web::{ClientAddress, Notice, PageError, Section, SessionSecret, Shell, VisitorCookies, form, see_other};

const PATH: &str = "/account/delete";

#[derive(Template)]
#[template(path = "users/delete.html")]
struct DeletePage {
    shell: Shell,
    notice: Option<Notice>,
    faults: FieldFaults,
    email: String,
    owned: Vec<OwnedApp>,
}

struct OwnedApp {
    id: String,
    name: String,
}

/// `GET /account/delete`
pub(super) async fn show_deletion(State(app): State<SharedApp>, cookies: VisitorCookies) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, Some(PATH)).await?;
    show(&app, &visitor, StatusCode::OK, None, FieldFaults::default())
        .await
        .map_err(|error| PageError::from(error).into_response())
}

async fn show(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    status: StatusCode,
    notice: Option<Notice>,
    faults: FieldFaults,
) -> Result<Response, DbError> {
    let id = visitor.signed_in.user.id.clone();
    let owned = app.db.read(move |tx| apps::list_owned(tx, &id)).await?;
    let template = DeletePage {
        shell: visitor.shell(app, Section::Profile),
        notice,
        faults,
        email: visitor.signed_in.user.email.to_string(),
        owned: owned.into_iter().map(|app| OwnedApp { id: app.id.to_string(), name: app.name }).collect(),
    };
    Ok(answer(app, visitor, status, &template))
}

/// `POST /account/delete`
pub(super) async fn delete_account(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, Some(PATH)).await?;
    let guesser = guesser(&app, &headers, &visitor.browser, address, &visitor.signed_in.user.email);
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
    let user = visitor.signed_in.user.clone();
    let mut faults = FieldFaults::default();
    let password = Password::new(form.get("password")?.unwrap_or_default());
    if password.is_empty() {
        faults.add("password", "Type your password.");
        return Ok(show(app, visitor, StatusCode::BAD_REQUEST, None, faults).await?);
    }
    let limits = match prove(app, &user, &guesser, password).await? {
        Proof::Right(limits) => limits,
        refused => {
            let mut shown = None;
            let response = not_proven(refused, faults, |status, notice, faults| {
                shown = Some((status, notice, faults));
                status.into_response()
            });
            let Some((status, notice, faults)) = shown else { return Ok(response) };
            let mut full = show(app, visitor, status, notice, faults).await?;
            if let Some(wait) = response.headers().get(http::header::RETRY_AFTER) {
                full.headers_mut().insert(http::header::RETRY_AFTER, wait.clone());
            }
            return Ok(full);
        }
    };
    let now = app.clock.now();
    let record = Record::new(&app.random, now, Actor::User(user.id.clone()), "user.deleted")
        .user(&user.id)
        .address(guesser.address);
    let outcome = app
        .db
        .write(move |tx| {
            limits.refund(tx)?;
            delete(tx, &user, now, &record)
        })
        .await?;
    match outcome {
        Deletion::Done => {
            let mut response = see_other("/sign-in?done=deleted");
            SessionSecret::forget_on(app, &mut response);
            Ok(response)
        }
        Deletion::OwnsApps => Ok(show(app, visitor, StatusCode::CONFLICT, None, faults).await?),
        Deletion::OnlyAdmin => {
            let notice = Notice::refused(
                "You are the only admin. Give another account the role of an admin first, then delete this one.",
            );
            Ok(show(app, visitor, StatusCode::CONFLICT, Some(notice), faults).await?)
        }
    }
}

/// What became of it.
enum Deletion {
    Done,
    OwnsApps,
    OnlyAdmin,
}

fn delete(tx: &mut Tx<'_>, user: &User, now: Timestamp, record: &Record) -> Result<Deletion, DbError> {
    if user.roles.has(Role::Admin) && account_store::is_only_admin(tx, &user.id)? {
        return Ok(Deletion::OnlyAdmin);
    }
    if !account_store::claim_deletion(tx, &user.id, now)? {
        return Ok(Deletion::OwnsApps);
    }
    links::withdraw_all(tx, &user.id)?;
    record.write(tx)?;
    enqueue(tx, &Mail::about(record, &user.email, Letter::AccountDeleted))?;
    Ok(Deletion::Done)
}

impl Samples for DeletePage {
    fn samples() -> Vec<Sample> {
        let page = |owned, faults| DeletePage {
            shell: shell(Section::Profile),
            notice: None,
            faults,
            email: "asha@example.com".to_owned(),
            owned,
        };
        let app = || OwnedApp { id: "app-1".to_owned(), name: "Team Calendar".to_owned() };
        let mut faults = FieldFaults::default();
        faults.add("password", "That is not your password.");
        vec![
            Sample::of("delete", "usual", &page(Vec::new(), FieldFaults::default())),
            Sample::of("delete", "wrong", &page(Vec::new(), faults)),
            Sample::of("delete", "owns-apps", &page(vec![app()], FieldFaults::default())),
        ]
    }
}

/// The page of this file.
pub(super) fn samples() -> Vec<Sample> {
    DeletePage::samples()
}
