//! The sign-in page and what comes of it; signing out.

use std::net::IpAddr;
use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::carried::{Carried, CarriedFields, open_carried, with_carried};
use super::check_mail::{CheckMail, can_sign_up};
use super::sign_in::{Attempt, Guesser, SignInError, SignInOutcome, sign_in};
use super::{Email, Password, known_browser, signed_in};
use crate::app::{App, SharedApp};
use crate::web::samples::{SITE, Sample, Samples, person};
use crate::web::{
    Browser, ClientAddress, Notice, PageError, Person, QueryParams, SessionSecret, Shell, VisitorCookies, csrf, form,
    form_action_source, page_with_form_action, seconds, see_other,
};

const RETURN: &str = "sign-in-return";

/// Why the sign-in page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignInReason {
    /// Nobody is signed in.
    #[default]
    SignedOut,
    /// Somebody is, but the app wants to be sure who it is (`prompt=login`, `max_age`).
    ProveAgain,
    /// The person is to choose an account (`prompt=select_account`, or 'Switch account').
    ChooseAccount,
}

impl SignInReason {
    /// The page's heading.
    pub const fn heading(self) -> &'static str {
        match self {
            SignInReason::SignedOut => "Sign in",
            SignInReason::ProveAgain => "Confirm that it is you",
            SignInReason::ChooseAccount => "Choose an account",
        }
    }
}

/// Someone who is signed in already, shown above the form.
#[derive(Debug, Clone)]
pub struct Current {
    /// Who.
    pub person: Person,
    /// Where 'Continue' leads; without it the person can only sign in again.
    pub continue_url: Option<String>,
}

/// What the sign-in page is asked to show.
#[derive(Debug, Clone, Default)]
pub struct SignInRequest {
    /// The request that waits.
    pub carried: Option<Carried>,
    /// Why the page is shown.
    pub reason: SignInReason,
    /// The address to begin with (`login_hint`).
    pub email: String,
    /// What to know first.
    pub notice: Option<Notice>,
    /// Someone who is signed in already.
    pub current: Option<Current>,
    /// Sealed: the page of ours to go to afterwards.
    pub return_to: Option<String>,
    /// The address that is to be confirmed before its account can be used.
    pub unconfirmed: Option<Email>,
}

#[derive(Template)]
#[template(path = "users/sign_in.html")]
struct SignInPage<'a> {
    shell: Shell,
    reason: SignInReason,
    notice: &'a Option<Notice>,
    current: &'a Option<Current>,
    carried: Option<CarriedFields>,
    /// Where one makes an account; none where that is switched off.
    sign_up: Option<String>,
    /// Where one asks for a new password; none where no mail is sent.
    forgot: Option<String>,
    /// Sealed: the address that is to be confirmed first.
    unconfirmed: Option<String>,
    return_to: &'a Option<String>,
    email: &'a str,
    csrf: String,
}

/// The sign-in page. Sets the browser's cookie when it has none, and the policy that lets the app's answer through.
pub fn sign_in_page(app: &App, cookies: &VisitorCookies, request: &SignInRequest) -> Response {
    respond(app, &cookies.browser_or_new(app), StatusCode::OK, request)
}

/// The sign-in page's address, with the page of ours to go to afterwards.
pub(super) fn path_with_return(app: &App, path: Option<&str>) -> String {
    match path {
        Some(path) if is_own_path(path) => {
            format!("/sign-in?return={}", app.keys.seal(&app.random, RETURN, path.as_bytes()))
        }
        _ => "/sign-in".to_owned(),
    }
}

/// A path on this origin: `//host` and `/\host` are none, browsers take them for other origins.
fn is_own_path(path: &str) -> bool {
    path.len() <= 2000
        && path.starts_with('/')
        && !path[1..].starts_with(['/', '\\'])
        && path.bytes().all(|byte| byte.is_ascii_graphic())
}

fn respond(app: &App, browser: &Browser, status: StatusCode, request: &SignInRequest) -> Response {
    let page = SignInPage {
        shell: Shell::of(app),
        reason: request.reason,
        notice: &request.notice,
        current: &request.current,
        carried: request.carried.as_ref().map(|carried| carried.fields(app)),
        sign_up: can_sign_up(app).then(|| with_carried(app, "/sign-up", request.carried.as_ref())),
        forgot: app.outlet.delivers().then(|| with_carried(app, "/forgot-password", request.carried.as_ref())),
        unconfirmed: request.unconfirmed.as_ref().map(|email| CheckMail::sign_up(email).seal(app)),
        return_to: &request.return_to,
        email: &request.email,
        csrf: csrf::token(app, &browser.id, None),
    };
    // After the sign-in the app may get its answer at once, where it was allowed before.
    let source = request.carried.as_ref().and_then(|carried| form_action_source(&carried.redirect_uri));
    let mut response = page_with_form_action(status, &page, source.as_deref());
    browser.keep_on(app, &mut response);
    response
}

/// `GET /sign-in`
pub(super) async fn show_sign_in(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, PageError> {
    let current = signed_in::find(&app, &cookies).await?;
    let carried = open_carried(&app, query.get("request"), query.get("asker"));
    let request = match (current, carried) {
        (Some(_), None) => return Ok(see_other("/account")),
        (Some(current), Some(carried)) => SignInRequest {
            current: Some(Current {
                person: current.signed_in.user.person(),
                continue_url: Some(continue_path(&carried.request)),
            }),
            reason: SignInReason::ChooseAccount,
            carried: Some(carried),
            ..SignInRequest::default()
        },
        (None, carried) => {
            let notice = query.get("done").and_then(done_words).map(Notice::done);
            SignInRequest {
                carried,
                notice,
                return_to: query.get("return").map(str::to_owned),
                ..SignInRequest::default()
            }
        }
    };
    Ok(sign_in_page(&app, &cookies, &request))
}

/// `POST /sign-in`
pub(super) async fn submit_sign_in(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    let browser = cookies.browser_or_new(&app);
    let typed = form.get("email")?.unwrap_or_default().to_owned();
    let again = SignInRequest {
        carried: open_carried(&app, form.get("request")?, form.get("asker")?),
        email: typed.chars().take(254).collect(),
        return_to: form.get("return")?.map(str::to_owned),
        ..SignInRequest::default()
    };
    let password = Password::new(form.get("password")?.unwrap_or_default());
    let refuse =
        |status, notice| Ok(respond(&app, &browser, status, &SignInRequest { notice: Some(notice), ..again.clone() }));

    if !csrf::check(&app, &headers, &form, cookies.browser.as_ref(), None) {
        return refuse(
            StatusCode::FORBIDDEN,
            Notice::refused(
                "This page had expired. Please sign in once more. If it happens again, allow cookies for this site.",
            ),
        );
    }
    if typed.is_empty() || password.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, Notice::refused("Type your e-mail address and your password."));
    }
    let wrong = || Notice::refused("The e-mail address or the password is wrong.");
    let Ok(email) = Email::parse(&typed) else { return refuse(StatusCode::FORBIDDEN, wrong()) };
    if password.is_too_long() {
        return refuse(StatusCode::FORBIDDEN, wrong());
    }
    let guesser = guesser(&app, &headers, &browser, address, &email);
    let attempt = Attempt {
        email: email.clone(),
        password,
        guesser,
        user_agent: user_agent(&headers),
        previous: cookies.session.as_ref().map(SessionSecret::digest),
        confirms: None,
    };
    match sign_in(&app, attempt).await? {
        SignInOutcome::SignedIn(secret) => Ok(welcome(&app, &headers, &browser, &email, &secret, &again)),
        SignInOutcome::Wrong => refuse(StatusCode::FORBIDDEN, wrong()),
        SignInOutcome::Locked => {
            refuse(StatusCode::FORBIDDEN, Notice::refused("This account is locked. Ask support to unlock it."))
        }
        SignInOutcome::Unconfirmed => {
            let notice = Notice::refused(UNCONFIRMED);
            let page = SignInRequest { notice: Some(notice), unconfirmed: Some(email), ..again.clone() };
            Ok(respond(&app, &browser, StatusCode::FORBIDDEN, &page))
        }
        // No link came with this sign-in.
        SignInOutcome::LinkSpent => refuse(StatusCode::FORBIDDEN, wrong()),
        SignInOutcome::Limited(wait) => {
            let text = format!(
                "There were too many wrong passwords for this e-mail address. Try again in {}.",
                waiting_words(wait)
            );
            refuse(StatusCode::TOO_MANY_REQUESTS, Notice::refused(text))
                .map(|response| with_retry_after(response, wait))
        }
        SignInOutcome::Busy => {
            let notice = Notice::refused("Many people are signing in at this moment. Try again in a few seconds.");
            refuse(StatusCode::SERVICE_UNAVAILABLE, notice)
                .map(|response| with_retry_after(response, Duration::from_secs(2)))
        }
    }
}

const UNCONFIRMED: &str = "This e-mail address is not confirmed yet. Open the link in the mail that we sent to it.";

/// What was done before one came here.
fn done_words(done: &str) -> Option<&'static str> {
    match done {
        "signed-out" => Some("You are signed out."),
        "reset" => Some("Your new password is set, and every session has ended. Sign in with it."),
        "address" => Some("Your e-mail address is changed. Sign in with the new one from now on."),
        "deleted" => Some("Your account is deleted."),
        _ => None,
    }
}

pub(super) fn welcome(
    app: &App,
    headers: &HeaderMap,
    browser: &Browser,
    email: &Email,
    secret: &SessionSecret,
    request: &SignInRequest,
) -> Response {
    let own_page = || {
        let path = app.keys.open(RETURN, request.return_to.as_deref()?)?;
        String::from_utf8(path).ok().filter(|path| is_own_path(path))
    };
    let target = match &request.carried {
        Some(carried) => continue_path(&carried.request),
        None => own_page().unwrap_or_else(|| "/account".to_owned()),
    };
    let mut response = see_other(&target);
    secret.set_on(app, &mut response);
    browser.keep_on(app, &mut response);
    known_browser::remember(app, headers, &browser.id, email, &mut response);
    response
}

fn continue_path(request: &str) -> String {
    format!("/oauth2/continue?request={request}")
}

/// From where somebody tries.
pub(super) fn guesser(app: &App, headers: &HeaderMap, browser: &Browser, address: IpAddr, email: &Email) -> Guesser {
    let is_known = known_browser::is_known(app, headers, &browser.id, email);
    Guesser { address, browser: browser.id.clone(), is_known }
}

/// What a browser calls itself, as far as it is text.
pub(super) fn user_agent(headers: &HeaderMap) -> String {
    headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// `POST /sign-out`
pub(super) async fn sign_out(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    if let Some(visitor) = signed_in::find(&app, &cookies).await? {
        signed_in::check_csrf(&app, &headers, &form, &cookies, &visitor)?;
        signed_in::end_session(&app, &cookies).await?;
    }
    let mut response = see_other("/sign-in?done=signed-out");
    SessionSecret::forget_on(&app, &mut response);
    Ok(response)
}

/// A time to wait, for a person.
pub(super) fn waiting_words(wait: Duration) -> String {
    match seconds(wait) {
        1 => "a second".to_owned(),
        number @ 2..=90 => format!("{number} seconds"),
        number => format!("{} minutes", number.div_ceil(60)),
    }
}

pub(super) fn with_retry_after(mut response: Response, wait: Duration) -> Response {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
    response
}

impl From<SignInError> for PageError {
    fn from(error: SignInError) -> PageError {
        match error {
            SignInError::Database(error) => error.into(),
            SignInError::Hashing(error) => PageError::internal(error.to_string()),
        }
    }
}

impl Samples for SignInRequest {
    fn samples() -> Vec<Sample> {
        let carried = || {
            Some(Carried {
                request: "sealed".to_owned(),
                app_name: "Team Calendar".to_owned(),
                redirect_uri: String::new(),
            })
        };
        let current = |continue_url: Option<&str>| {
            Some(Current { person: person(), continue_url: continue_url.map(str::to_owned) })
        };
        let plain = SignInRequest::default;
        let variations = [
            ("plain", plain()),
            ("for-an-app", SignInRequest { carried: carried(), email: "asha@example.com".to_owned(), ..plain() }),
            (
                "wrong",
                SignInRequest {
                    carried: carried(),
                    email: "asha@example.com".to_owned(),
                    notice: Some(Notice::refused("The e-mail address or the password is wrong.")),
                    ..plain()
                },
            ),
            (
                "limited",
                SignInRequest {
                    notice: Some(Notice::refused(
                        "There were too many wrong passwords for this e-mail address. Try again in 30 seconds.",
                    )),
                    ..plain()
                },
            ),
            (
                "unconfirmed",
                SignInRequest {
                    notice: Some(Notice::refused(UNCONFIRMED)),
                    unconfirmed: Email::parse("asha@example.com").ok(),
                    ..plain()
                },
            ),
            ("signed-out", SignInRequest { notice: Some(Notice::done("You are signed out.")), ..plain() }),
            (
                "prove-again",
                SignInRequest {
                    carried: carried(),
                    reason: SignInReason::ProveAgain,
                    email: "asha@example.com".to_owned(),
                    ..plain()
                },
            ),
            (
                "choose-account",
                SignInRequest {
                    carried: carried(),
                    reason: SignInReason::ChooseAccount,
                    current: current(Some("/oauth2/continue?request=sealed")),
                    ..plain()
                },
            ),
        ];
        variations
            .into_iter()
            .map(|(variation, request)| {
                let page = SignInPage {
                    shell: Shell::nobody(SITE.to_owned()),
                    reason: request.reason,
                    notice: &request.notice,
                    current: &request.current,
                    carried: request.carried.as_ref().map(CarriedFields::sample),
                    sign_up: Some("/sign-up".to_owned()),
                    forgot: Some("/forgot-password".to_owned()),
                    unconfirmed: request.unconfirmed.as_ref().map(|_| "sealed".to_owned()),
                    return_to: &request.return_to,
                    email: &request.email,
                    csrf: "1.token".to_owned(),
                };
                Sample::of("sign-in", variation, &page)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_returned_to() {
        for good in ["/account", "/oauth/apps/app-1?tab=security", "/"] {
            assert!(is_own_path(good), "{good}");
        }
        for wrong in
            ["", "account", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/\tevil", "/\n"]
        {
            assert!(!is_own_path(wrong), "{wrong:?}");
        }
    }
}
