//! The pages of signing up: the form, and the link that confirms it.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use protocol::fault;
use protocol::params::Params;
use protocol::secret::Sha256Digest;

use super::carried::{Carried, CarriedFields, open_carried, with_carried};
use super::check_mail::{CheckMail, can_sign_up, too_many};
use super::sign_in::{Attempt, SignInOutcome, sign_in};
use super::sign_in_page::{guesser, user_agent, waiting_words, welcome, with_retry_after};
use super::sign_up::{Asked, SignUp, sign_up};
use super::user::{FieldFaults, parse_first_name, parse_name_part};
use super::{Email, Password, SignInRequest};
use crate::app::{App, SharedApp};
use crate::mail::links::{self, Link, Purpose};
use crate::web::samples::{SITE, Sample, Samples};
use crate::web::{
    ClientAddress, Notice, PageError, QueryParams, SessionSecret, Shell, VisitorCookies, csrf, form, see_other,
};

#[derive(Template)]
#[template(path = "users/sign_up.html")]
struct SignUpPage {
    shell: Shell,
    notice: Option<Notice>,
    faults: FieldFaults,
    carried: Option<CarriedFields>,
    sign_in: String,
    email: String,
    first_name: String,
    lname: String,
    csrf: String,
}

/// What was typed, for showing it again.
#[derive(Default)]
struct Typed {
    email: String,
    name: String,
    lname: String,
}

/// `GET /sign-up`
pub(super) async fn show_sign_up(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, PageError> {
    is_open(&app)?;
    if super::signed_in::find(&app, &cookies).await?.is_some() {
        return Ok(see_other("/account"));
    }
    let carried = open_carried(&app, query.get("request"), query.get("asker"));
    Ok(show(&app, &cookies, StatusCode::OK, None, FieldFaults::default(), carried.as_ref(), Typed::default()))
}

fn is_open(app: &App) -> Result<(), PageError> {
    if can_sign_up(app) {
        return Ok(());
    }
    Err(PageError::new(StatusCode::FORBIDDEN, &fault::SIGN_UP_CLOSED).with_next_step("/sign-in", "Sign in"))
}

fn show(
    app: &App,
    cookies: &VisitorCookies,
    status: StatusCode,
    notice: Option<Notice>,
    faults: FieldFaults,
    carried: Option<&Carried>,
    typed: Typed,
) -> Response {
    cookies.page(app, status, |csrf| SignUpPage {
        shell: Shell::of(app),
        notice,
        faults,
        carried: carried.map(|carried| carried.fields(app)),
        sign_in: with_carried(app, "/sign-in", carried),
        email: typed.email,
        first_name: typed.name,
        lname: typed.lname,
        csrf,
    })
}

/// `POST /sign-up`
pub(super) async fn submit_sign_up(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    is_open(&app)?;
    let form = form::read(request).await?;
    let carried = open_carried(&app, form.get("request")?, form.get("asker")?);
    let text = |field, most| Ok::<String, PageError>(form.get(field)?.unwrap_or_default().chars().take(most).collect());
    let typed = Typed { email: text("email", 254)?, name: text("name", 200)?, lname: text("lname", 200)? };
    let again = |status, notice, faults| show(&app, &cookies, status, notice, faults, carried.as_ref(), typed);
    if !csrf::check(&app, &headers, &form, cookies.browser.as_ref(), None) {
        let notice = Notice::refused(
            "This page had expired. Please send it once more. If it happens again, allow cookies for this site.",
        );
        return Ok(again(StatusCode::FORBIDDEN, Some(notice), FieldFaults::default()));
    }
    let mut faults = FieldFaults::default();
    let Some(wanted) = read(&form, &mut faults)? else {
        return Ok(again(StatusCode::BAD_REQUEST, None, faults));
    };
    let about = CheckMail::sign_up(&wanted.email);
    let guesser = guesser(&app, &headers, &cookies.browser_or_new(&app), address, &wanted.email);
    Ok(match sign_up(&app, wanted, &guesser).await? {
        Asked::Mailed => about.show_next(&app, carried.as_ref(), false),
        Asked::Limited(wait) => {
            with_retry_after(again(StatusCode::TOO_MANY_REQUESTS, Some(too_many(wait)), faults), wait)
        }
        Asked::Busy => {
            let wait = std::time::Duration::from_secs(2);
            let notice = Notice::refused("The server is busy at this moment. Try again in a few seconds.");
            with_retry_after(again(StatusCode::SERVICE_UNAVAILABLE, Some(notice), faults), wait)
        }
    })
}

/// Reads the form; every fault at its field, all at once.
fn read(form: &Params, faults: &mut FieldFaults) -> Result<Option<SignUp>, PageError> {
    let email = faults.read(form, "email", Email::parse)?;
    let name = faults.read(form, "name", parse_first_name)?;
    let lname = faults.read(form, "lname", parse_name_part)?;
    let password = Password::new(form.get("password")?.unwrap_or_default());
    if let Some(Err(weak)) = email.as_ref().map(|email| password.check_as_new(email)) {
        faults.add("password", weak.sentence());
    }
    let (Some(email), Some(name), Some(lname)) = (email, name, lname) else { return Ok(None) };
    Ok(faults.is_empty().then_some(SignUp { email, name, lname, password }))
}

#[derive(Template)]
#[template(path = "users/confirm_sign_up.html")]
struct ConfirmPage {
    shell: Shell,
    notice: Option<Notice>,
    email: String,
    token: String,
    csrf: String,
}

/// `GET /sign-up/confirm`: changes nothing, since mail scanners follow links.
pub(super) async fn show_confirmation(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, PageError> {
    let token = query.get("token").unwrap_or_default();
    let link = find_link(&app, token, Purpose::Confirm).await?;
    Ok(show_confirm(&app, &cookies, StatusCode::OK, None, &link, token))
}

/// The link behind a token, or the page that says that it is spent.
pub(super) async fn find_link(app: &SharedApp, token: &str, purpose: Purpose) -> Result<Link, PageError> {
    let (digest, now) = (links::digest(token), app.clock.now());
    let found = app.db.read(move |tx| links::find(tx, &digest, purpose, now)).await?;
    found.ok_or_else(|| link_spent(purpose))
}

/// The page for a link that cannot be used.
pub(super) fn link_spent(purpose: Purpose) -> PageError {
    let error = PageError::new(StatusCode::GONE, &fault::LINK_SPENT);
    match purpose {
        Purpose::Confirm => error.with_next_step("/sign-in", "Sign in"),
        Purpose::Reset => error.with_next_step("/forgot-password", "Ask for a new link"),
        Purpose::Change => error.with_next_step("/account/address", "Ask for a new link"),
    }
}

fn show_confirm(
    app: &App,
    cookies: &VisitorCookies,
    status: StatusCode,
    notice: Option<Notice>,
    link: &Link,
    token: &str,
) -> Response {
    cookies.page(app, status, |csrf| ConfirmPage {
        shell: Shell::of(app),
        notice,
        email: link.email.to_string(),
        token: token.to_owned(),
        csrf,
    })
}

/// `POST /sign-up/confirm`: the link and the password together open the account.
pub(super) async fn confirm_sign_up(
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
    let link = find_link(&app, token, Purpose::Confirm).await?;
    let digest: Sha256Digest = links::digest(token);
    let browser = cookies.browser_or_new(&app);
    let password = Password::new(form.get("password")?.unwrap_or_default());
    let refuse = |status, text: String| show_confirm(&app, &cookies, status, Some(Notice::refused(text)), &link, token);
    if password.is_empty() || password.is_too_long() {
        return Ok(refuse(StatusCode::BAD_REQUEST, "Type the password that you chose when you signed up.".to_owned()));
    }
    let attempt = Attempt {
        email: link.email.clone(),
        password,
        guesser: guesser(&app, &headers, &browser, address, &link.email),
        user_agent: user_agent(&headers),
        previous: cookies.session.as_ref().map(SessionSecret::digest),
        confirms: Some(digest),
    };
    match sign_in(&app, attempt).await? {
        SignInOutcome::SignedIn(secret) => {
            Ok(welcome(&app, &headers, &browser, &link.email, &secret, &SignInRequest::default()))
        }
        SignInOutcome::Wrong | SignInOutcome::Unconfirmed => Ok(refuse(
            StatusCode::FORBIDDEN,
            "That is not the password that was chosen. If it was not you who chose it, set your own: choose 'Forgot \
             password' below."
                .to_owned(),
        )),
        SignInOutcome::Locked => Ok(refuse(StatusCode::FORBIDDEN, "This account is locked.".to_owned())),
        SignInOutcome::LinkSpent => Err(link_spent(Purpose::Confirm)),
        SignInOutcome::Limited(wait) => {
            let text = format!("There were too many wrong passwords. Try again in {}.", waiting_words(wait));
            Ok(with_retry_after(refuse(StatusCode::TOO_MANY_REQUESTS, text), wait))
        }
        SignInOutcome::Busy => {
            let text = "The server is busy at this moment. Try again in a few seconds.".to_owned();
            Ok(with_retry_after(refuse(StatusCode::SERVICE_UNAVAILABLE, text), std::time::Duration::from_secs(2)))
        }
    }
}

impl Samples for SignUpPage {
    fn samples() -> Vec<Sample> {
        let page = |faults, carried: Option<&Carried>| SignUpPage {
            shell: Shell::nobody(SITE.to_owned()),
            notice: None,
            faults,
            carried: carried.map(CarriedFields::sample),
            sign_in: "/sign-in".to_owned(),
            email: "asha@example.com".to_owned(),
            first_name: "Asha".to_owned(),
            lname: "Rao".to_owned(),
            csrf: "1.token".to_owned(),
        };
        let carried =
            Carried { request: "sealed".to_owned(), app_name: "Team Calendar".to_owned(), redirect_uri: String::new() };
        let mut faults = FieldFaults::default();
        faults.add("email", "Type an e-mail address such as asha@example.com.");
        faults.add("name", "Type your name.");
        faults.add("password", "Use at least 10 characters.");
        vec![
            Sample::of("sign-up", "usual", &page(FieldFaults::default(), None)),
            Sample::of("sign-up", "for-an-app", &page(FieldFaults::default(), Some(&carried))),
            Sample::of("sign-up", "faults", &page(faults, None)),
        ]
    }
}

impl Samples for ConfirmPage {
    fn samples() -> Vec<Sample> {
        let page = |notice| ConfirmPage {
            shell: Shell::nobody(SITE.to_owned()),
            notice,
            email: "asha@example.com".to_owned(),
            token: "jmml_token".to_owned(),
            csrf: "1.token".to_owned(),
        };
        vec![
            Sample::of("confirm-sign-up", "usual", &page(None)),
            Sample::of(
                "confirm-sign-up",
                "wrong",
                &page(Some(Notice::refused("That is not the password that was chosen."))),
            ),
        ]
    }
}

/// The pages of this file.
pub(super) fn samples() -> Vec<Sample> {
    [SignUpPage::samples(), ConfirmPage::samples()].into_iter().flatten().collect()
}
