//! 'Forgot password': asking for a link, and choosing a new password with it. That ends every session and withdraws
//! every other link of the account.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use protocol::fault;
use sql::DbError;

use super::account_store;
use super::carried::{Carried, CarriedFields, open_carried, with_carried};
use super::check_mail::{CheckMail, too_many};
use super::sign_in_page::{guesser, with_retry_after};
use super::sign_up::{Asked, ask_for_password_reset};
use super::sign_up_page::{find_link, link_spent};
use super::user::FieldFaults;
use super::{Email, HashingError, Password, known_browser, store};
use crate::app::{App, SharedApp};
use crate::audit::{Actor, Record};
use crate::mail::links::{self, Link, Purpose};
use crate::mail::{Letter, Mail, enqueue};
use crate::web::samples::{SITE, Sample, Samples};
use crate::web::{
    ClientAddress, Notice, PageError, QueryParams, SessionSecret, Shell, VisitorCookies, csrf, form, see_other,
};

#[derive(Template)]
#[template(path = "users/forgot_password.html")]
struct ForgotPage {
    shell: Shell,
    notice: Option<Notice>,
    faults: FieldFaults,
    carried: Option<CarriedFields>,
    sign_in: String,
    email: String,
    csrf: String,
}

/// `GET /forgot-password`
pub(super) async fn show_forgot(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, PageError> {
    mail_is_on(&app)?;
    let carried = open_carried(&app, query.get("request"), query.get("asker"));
    Ok(show(&app, &cookies, StatusCode::OK, None, FieldFaults::default(), carried.as_ref(), ""))
}

/// Refuses what needs mail where none is sent.
pub(super) fn mail_is_on(app: &App) -> Result<(), PageError> {
    if app.outlet.delivers() {
        return Ok(());
    }
    Err(PageError::new(StatusCode::SERVICE_UNAVAILABLE, &fault::MAIL_OFF))
}

fn show(
    app: &App,
    cookies: &VisitorCookies,
    status: StatusCode,
    notice: Option<Notice>,
    faults: FieldFaults,
    carried: Option<&Carried>,
    email: &str,
) -> Response {
    cookies.page(app, status, |csrf| ForgotPage {
        shell: Shell::of(app),
        notice,
        faults,
        carried: carried.map(|carried| carried.fields(app)),
        sign_in: with_carried(app, "/sign-in", carried),
        email: email.chars().take(254).collect(),
        csrf,
    })
}

/// `POST /forgot-password`: the same answer, after the same work, whether there is such an account or not.
pub(super) async fn submit_forgot(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    mail_is_on(&app)?;
    let form = form::read(request).await?;
    let carried = open_carried(&app, form.get("request")?, form.get("asker")?);
    let typed = form.get("email")?.unwrap_or_default();
    let again = |status, notice, faults| show(&app, &cookies, status, notice, faults, carried.as_ref(), typed);
    let mut faults = FieldFaults::default();
    if !csrf::check(&app, &headers, &form, cookies.browser.as_ref(), None) {
        let notice = Notice::refused("This page had expired. Please send it once more.");
        return Ok(again(StatusCode::FORBIDDEN, Some(notice), faults));
    }
    let email = match Email::parse(typed) {
        Ok(email) => email,
        Err(sentence) => {
            faults.add("email", sentence);
            return Ok(again(StatusCode::BAD_REQUEST, None, faults));
        }
    };
    let about = CheckMail::reset(&email);
    let guesser = guesser(&app, &headers, &cookies.browser_or_new(&app), address, &email);
    Ok(match ask_for_password_reset(&app, email, &guesser).await? {
        Asked::Mailed | Asked::Busy => about.show_next(&app, carried.as_ref(), false),
        Asked::Limited(wait) => {
            with_retry_after(again(StatusCode::TOO_MANY_REQUESTS, Some(too_many(wait)), faults), wait)
        }
    })
}

#[derive(Template)]
#[template(path = "users/reset_password.html")]
struct ResetPage {
    shell: Shell,
    notice: Option<Notice>,
    faults: FieldFaults,
    email: String,
    token: String,
    csrf: String,
}

/// `GET /reset-password`: changes nothing, since mail scanners follow links.
pub(super) async fn show_reset(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, PageError> {
    let token = query.get("token").unwrap_or_default();
    let link = find_link(&app, token, Purpose::Reset).await?;
    Ok(show_form(&app, &cookies, StatusCode::OK, None, FieldFaults::default(), &link, token))
}

fn show_form(
    app: &App,
    cookies: &VisitorCookies,
    status: StatusCode,
    notice: Option<Notice>,
    faults: FieldFaults,
    link: &Link,
    token: &str,
) -> Response {
    cookies.page(app, status, |csrf| ResetPage {
        shell: Shell::of(app),
        notice,
        faults,
        email: link.email.to_string(),
        token: token.to_owned(),
        csrf,
    })
}

/// `POST /reset-password`
pub(super) async fn submit_reset(
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
    let link = find_link(&app, token, Purpose::Reset).await?;
    let field = |name| Ok::<_, PageError>(Password::new(form.get(name)?.unwrap_or_default()));
    let (new, again) = (field("new_password")?, field("new_password_again")?);
    let mut faults = FieldFaults::default();
    if let Err(weak) = new.check_as_new(&link.email) {
        faults.add("new_password", weak.sentence());
    }
    if new != again {
        faults.add("new_password_again", "The two are not the same.");
    }
    if !faults.is_empty() {
        return Ok(show_form(&app, &cookies, StatusCode::BAD_REQUEST, None, faults, &link, token));
    }
    let hash = match app.passwords.hash(new).await {
        Ok(hash) => hash,
        Err(HashingError::Busy) => return Err(PageError::busy("too many passwords wait to be hashed")),
        Err(HashingError::Failed) => return Err(PageError::internal("a password could not be hashed")),
    };
    let reset = Reset { link: link.clone(), hash, end_apps: form.get("end_apps")?.is_some() };
    if !reset.carry_out(&app, links::digest(token), address).await? {
        return Err(link_spent(Purpose::Reset));
    }
    let browser = cookies.browser_or_new(&app);
    let mut response = see_other("/sign-in?done=reset");
    SessionSecret::forget_on(&app, &mut response);
    browser.keep_on(&app, &mut response);
    // Whoever had the mailbox is let in past strangers' wrong guesses.
    known_browser::remember(&app, &headers, &browser.id, &link.email, &mut response);
    Ok(response)
}

/// A new password, set with a link.
struct Reset {
    link: Link,
    hash: String,
    end_apps: bool,
}

impl Reset {
    /// Claims the link and sets the password; false when the link cannot be used any more.
    async fn carry_out(
        self,
        app: &SharedApp,
        digest: protocol::secret::Sha256Digest,
        address: std::net::IpAddr,
    ) -> Result<bool, DbError> {
        let now = app.clock.now();
        let Reset { link, hash, end_apps } = self;
        let user = link.user.clone();
        let record = Record::new(&app.random, now, Actor::User(user.clone()), "password.reset")
            .user(&user)
            .address(address)
            .detail(serde_json::json!({ "connected_apps_too": end_apps }));
        app.db
            .write(move |tx| {
                if links::claim(tx, &digest, Purpose::Reset, now)?.is_none()
                    || !account_store::reset_password(tx, &user, &link.email, &hash, now)?
                {
                    return Ok(false);
                }
                store::delete_sessions_of(tx, &user)?;
                links::withdraw_all(tx, &user)?;
                if end_apps {
                    store::raise_epoch(tx, &user, now)?;
                }
                record.write(tx)?;
                enqueue(tx, &Mail::about(&record, &link.email, Letter::PasswordChanged))?;
                Ok(true)
            })
            .await
    }
}

impl Samples for ForgotPage {
    fn samples() -> Vec<Sample> {
        let page = |notice, faults| ForgotPage {
            shell: Shell::nobody(SITE.to_owned()),
            notice,
            faults,
            carried: None,
            sign_in: "/sign-in".to_owned(),
            email: "asha@example.com".to_owned(),
            csrf: "1.token".to_owned(),
        };
        let mut faults = FieldFaults::default();
        faults.add("email", "Type an e-mail address such as asha@example.com.");
        vec![
            Sample::of("forgot-password", "usual", &page(None, FieldFaults::default())),
            Sample::of("forgot-password", "fault", &page(None, faults)),
            Sample::of(
                "forgot-password",
                "limited",
                &page(Some(too_many(std::time::Duration::from_secs(300))), FieldFaults::default()),
            ),
        ]
    }
}

impl Samples for ResetPage {
    fn samples() -> Vec<Sample> {
        let page = |faults| ResetPage {
            shell: Shell::nobody(SITE.to_owned()),
            notice: None,
            faults,
            email: "asha@example.com".to_owned(),
            token: "jmml_token".to_owned(),
            csrf: "1.token".to_owned(),
        };
        let mut faults = FieldFaults::default();
        faults.add("new_password_again", "The two are not the same.");
        vec![
            Sample::of("reset-password", "usual", &page(FieldFaults::default())),
            Sample::of("reset-password", "fault", &page(faults)),
        ]
    }
}

/// The pages of this file.
pub(super) fn samples() -> Vec<Sample> {
    [ForgotPage::samples(), ResetPage::samples()].into_iter().flatten().collect()
}
