//! Another e-mail address: asked for with the password, confirmed at the new address, told to the old one.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use sql::DbError;

use super::account_pages::answer;
use super::forgot_page::mail_is_on;
use super::limit::Admission;
use super::proof::{Proof, prove};
use super::sign_in::AttemptLimits;
use super::sign_in_page::{guesser, waiting_words, with_retry_after};
use super::sign_up_page::{find_link, link_spent};
use super::signed_in::check_csrf;
use super::user::FieldFaults;
use super::{Email, Guesser, Password, SignedInVisitor, account_store, require_signed_in, signed_in, store};
use crate::app::{App, SharedApp};
use crate::audit::{Actor, Record};
use crate::mail::links::{self, Link, Purpose};
use crate::mail::{Letter, Mail, enqueue};
use crate::web::samples::{SITE, Sample, Samples, shell};
use crate::web::{
    ClientAddress, Notice, PageError, QueryParams, Section, Shell, VisitorCookies, csrf, form, see_other,
};

const PATH: &str = "/account/address";

#[derive(Template)]
#[template(path = "users/address.html")]
struct AddressPage {
    shell: Shell,
    notice: Option<Notice>,
    is_demo: bool,
    faults: FieldFaults,
    current: String,
    email: String,
}

/// `GET /account/address`
pub(super) async fn show_address(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, Some(PATH)).await?;
    mail_is_on(&app).map_err(|error| error.into_response())?;
    let notice = (query.get("done") == Some("asked")).then(|| {
        Notice::info("We wrote to the new address. Your address changes when you open the link in that mail.")
    });
    Ok(show(&app, &visitor, StatusCode::OK, notice, FieldFaults::default(), ""))
}

fn show(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    status: StatusCode,
    notice: Option<Notice>,
    faults: FieldFaults,
    typed: &str,
) -> Response {
    let template = AddressPage {
        shell: visitor.shell(app, Section::Profile),
        is_demo: notice.is_some() && app.outlet.demo().is_some(),
        notice,
        faults,
        current: visitor.signed_in.user.email.to_string(),
        email: typed.chars().take(254).collect(),
    };
    answer(app, visitor, status, &template)
}

/// `POST /account/address`
pub(super) async fn ask_for_change(
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
    mail_is_on(app)?;
    let form = form::read(request).await?;
    check_csrf(app, headers, &form, cookies, visitor)?;
    let user = &visitor.signed_in.user;
    let typed = form.get("email")?.unwrap_or_default();
    let mut faults = FieldFaults::default();
    let email = faults.read(&form, "email", Email::parse)?;
    if email.as_ref() == Some(&user.email) {
        faults.add("email", "That is your address already.");
    }
    let password = Password::new(form.get("password")?.unwrap_or_default());
    if password.is_empty() {
        faults.add("password", "Type your password.");
    }
    let again = |status, notice, faults| show(app, visitor, status, notice, faults, typed);
    let (Some(email), true) = (email, faults.is_empty()) else {
        return Ok(again(StatusCode::BAD_REQUEST, None, faults));
    };
    let limits = match prove(app, user, &guesser, password).await? {
        Proof::Right(limits) => limits,
        refused => return Ok(not_proven(refused, faults, again)),
    };
    let mails = AttemptLimits::for_mail(app, &email, &guesser);
    let now = app.clock.now();
    let record = Record::new(&app.random, now, Actor::User(user.id.clone()), "user.address_change_asked")
        .user(&user.id)
        .address(guesser.address);
    let id = user.id.clone();
    let admission = app
        .db
        .write(move |tx| {
            limits.refund(tx)?;
            let admission = mails.reserve(tx, now)?;
            if admission == Admission::Admitted {
                // Whether the address is somebody's is told to its mailbox alone.
                let letter = match store::find_by_email(tx, &email)? {
                    Some(_) => Letter::AlreadyRegistered,
                    None => Letter::ConfirmNewAddress { user: id.to_string() },
                };
                enqueue(tx, &Mail::about(&record, &email, letter))?;
                record.write(tx)?;
            }
            Ok::<_, DbError>(admission)
        })
        .await?;
    Ok(match admission {
        Admission::Admitted => see_other("/account/address?done=asked"),
        Admission::Refused(wait) => {
            let notice = Some(super::check_mail::too_many(wait));
            with_retry_after(again(StatusCode::TOO_MANY_REQUESTS, notice, faults), wait)
        }
    })
}

/// The page again, for whoever has not proven that they are themselves.
pub(super) fn not_proven(
    proof: Proof,
    mut faults: FieldFaults,
    again: impl FnOnce(StatusCode, Option<Notice>, FieldFaults) -> Response,
) -> Response {
    match proof {
        Proof::Right(_) | Proof::Wrong => {
            faults.add("password", "That is not your password.");
            again(StatusCode::FORBIDDEN, None, faults)
        }
        Proof::Limited(wait) => {
            let text = format!("There were too many wrong passwords. Try again in {}.", waiting_words(wait));
            with_retry_after(again(StatusCode::TOO_MANY_REQUESTS, Some(Notice::refused(text)), faults), wait)
        }
        Proof::Busy => {
            let notice = Notice::refused("The server is busy at this moment. Try again in a few seconds.");
            let wait = std::time::Duration::from_secs(2);
            with_retry_after(again(StatusCode::SERVICE_UNAVAILABLE, Some(notice), faults), wait)
        }
    }
}

#[derive(Template)]
#[template(path = "users/confirm_address.html")]
struct ConfirmAddressPage {
    shell: Shell,
    email: String,
    token: String,
    csrf: String,
}

/// `GET /account/address/confirm`: changes nothing, since mail scanners follow links.
pub(super) async fn show_confirm_address(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, PageError> {
    let token = query.get("token").unwrap_or_default();
    let link = find_link(&app, token, Purpose::Change).await?;
    Ok(show_confirm(&app, &cookies, &link, token))
}

fn show_confirm(app: &App, cookies: &VisitorCookies, link: &Link, token: &str) -> Response {
    cookies.page(app, StatusCode::OK, |csrf| ConfirmAddressPage {
        shell: Shell::of(app),
        email: link.email.to_string(),
        token: token.to_owned(),
        csrf,
    })
}

/// `POST /account/address/confirm`. The link is enough: the password was asked for when it was sent.
pub(super) async fn confirm_address(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    let token = form.get("token")?.unwrap_or_default();
    if !csrf::check(&app, &headers, &form, cookies.browser.as_ref(), None) {
        return Err(PageError::form_expired());
    }
    let link = find_link(&app, token, Purpose::Change).await?;
    let (digest, now) = (links::digest(token), app.clock.now());
    let record = Record::new(&app.random, now, Actor::User(link.user.clone()), "user.address_changed")
        .user(&link.user)
        .address(address);
    let changed = app
        .db
        .write(move |tx| {
            if links::claim(tx, &digest, Purpose::Change, now)?.is_none() {
                return Ok(false);
            }
            let Some(before) = store::find(tx, &link.user)? else { return Ok(false) };
            if !account_store::change_address(tx, &link.user, &link.email, now)? {
                return Ok(false);
            }
            // A link that went to the old address opens nothing any more.
            links::withdraw_all(tx, &link.user)?;
            record.write(tx)?;
            let letter = Letter::AddressChanged { to: link.email.to_string() };
            enqueue(tx, &Mail::about(&record, &before.email, letter))?;
            Ok::<_, DbError>(true)
        })
        .await;
    match changed {
        Ok(true) => {}
        Ok(false) => return Err(link_spent(Purpose::Change)),
        // Somebody else got the address in this very moment.
        Err(error) if error.is_unique("users.email") => return Err(link_spent(Purpose::Change)),
        Err(error) => return Err(error.into()),
    }
    let is_signed_in = signed_in::find(&app, &cookies).await?.is_some();
    Ok(see_other(if is_signed_in { "/account?done=address" } else { "/sign-in?done=address" }))
}

impl Samples for AddressPage {
    fn samples() -> Vec<Sample> {
        let page = |notice, faults| AddressPage {
            shell: shell(Section::Profile),
            notice,
            is_demo: false,
            faults,
            current: "asha@example.com".to_owned(),
            email: String::new(),
        };
        let mut faults = FieldFaults::default();
        faults.add("email", "That is your address already.");
        faults.add("password", "That is not your password.");
        let asked =
            Notice::info("We wrote to the new address. Your address changes when you open the link in that mail.");
        vec![
            Sample::of("address", "usual", &page(None, FieldFaults::default())),
            Sample::of("address", "asked", &page(Some(asked), FieldFaults::default())),
            Sample::of("address", "faults", &page(None, faults)),
        ]
    }
}

/// The pages of this file.
pub(super) fn samples() -> Vec<Sample> {
    let confirm = ConfirmAddressPage {
        shell: Shell::nobody(SITE.to_owned()),
        email: "asha.rao@example.com".to_owned(),
        token: "jmml_token".to_owned(),
        csrf: "1.token".to_owned(),
    };
    let mut samples = AddressPage::samples();
    samples.push(Sample::of("confirm-address", "usual", &confirm));
    samples
}
