//! 'Check your mail': what everybody sees who asked for a link, whether one was sent or not, and the way to ask again.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use super::Email;
use super::carried::{Carried, CarriedFields, open_carried, with_carried};
use super::sign_in_page::{guesser, with_retry_after};
use super::sign_up::{Asked, ask_for_confirmation, ask_for_password_reset};
use crate::app::{App, SharedApp};
use crate::web::samples::{SITE, Sample, Samples};
use crate::web::{ClientAddress, Notice, PageError, QueryParams, Shell, VisitorCookies, csrf, form, see_other};

const ABOUT: &str = "check-mail";

/// Its address.
pub(super) const PATH: &str = "/check-mail";

/// What was asked for, and where the mail goes. Sealed in the page's address: nobody can be shown words of others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CheckMail {
    kind: Kind,
    email: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    SignUp,
    Reset,
}

impl CheckMail {
    /// A sign-up waits to be confirmed.
    pub(super) fn sign_up(email: &Email) -> CheckMail {
        CheckMail { kind: Kind::SignUp, email: email.to_string() }
    }

    /// A new password was asked for.
    pub(super) fn reset(email: &Email) -> CheckMail {
        CheckMail { kind: Kind::Reset, email: email.to_string() }
    }

    /// For a form or an address.
    pub(super) fn seal(&self, app: &App) -> String {
        app.keys.seal(&app.random, ABOUT, &serde_json::to_vec(self).unwrap_or_default())
    }

    fn open(app: &App, sealed: Option<&str>) -> Option<CheckMail> {
        serde_json::from_slice(&app.keys.open(ABOUT, sealed?)?).ok()
    }

    /// The redirect to this page.
    pub(super) fn show_next(&self, app: &App, carried: Option<&Carried>, again: bool) -> Response {
        let path = with_carried(app, PATH, carried);
        let separator = if carried.is_some() { '&' } else { '?' };
        let again = if again { "&done=again" } else { "" };
        see_other(&format!("{path}{separator}about={}{again}", self.seal(app)))
    }
}

/// Whether people can make accounts for themselves: it is switched on, and mail reaches them.
pub(super) fn can_sign_up(app: &App) -> bool {
    app.config.accounts.sign_up && app.outlet.delivers()
}

#[derive(Template)]
#[template(path = "users/check_mail.html")]
struct CheckMailPage {
    shell: Shell,
    notice: Option<Notice>,
    is_sign_up: bool,
    email: String,
    about: String,
    carried: Option<CarriedFields>,
    sign_in: String,
    is_demo: bool,
    csrf: String,
}

/// `GET /check-mail`
pub(super) async fn show_check_mail(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, PageError> {
    let Some(about) = CheckMail::open(&app, query.get("about")) else { return Ok(see_other("/sign-in")) };
    let carried = open_carried(&app, query.get("request"), query.get("asker"));
    let notice = (query.get("done") == Some("again")).then(|| Notice::done("We sent it once more."));
    Ok(show(&app, &cookies, StatusCode::OK, notice, &about, carried.as_ref()))
}

fn show(
    app: &App,
    cookies: &VisitorCookies,
    status: StatusCode,
    notice: Option<Notice>,
    about: &CheckMail,
    carried: Option<&Carried>,
) -> Response {
    cookies.page(app, status, |csrf| CheckMailPage {
        shell: Shell::of(app),
        notice,
        is_sign_up: about.kind == Kind::SignUp,
        email: about.email.clone(),
        about: about.seal(app),
        carried: carried.map(|carried| carried.fields(app)),
        sign_in: with_carried(app, "/sign-in", carried),
        is_demo: app.outlet.demo().is_some(),
        csrf,
    })
}

/// `POST /check-mail`: once more, please.
pub(super) async fn send_again(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    let carried = open_carried(&app, form.get("request")?, form.get("asker")?);
    if !csrf::check(&app, &headers, &form, cookies.browser.as_ref(), None) {
        return Err(PageError::form_expired().with_next_step("/sign-in", "Go to the sign-in page"));
    }
    let Some(about) = CheckMail::open(&app, form.get("about")?) else { return Ok(see_other("/sign-in")) };
    let Ok(email) = Email::parse(&about.email) else { return Ok(see_other("/sign-in")) };
    let guesser = guesser(&app, &headers, &cookies.browser_or_new(&app), address, &email);
    let asked = match about.kind {
        Kind::SignUp => ask_for_confirmation(&app, email, &guesser).await?,
        Kind::Reset => ask_for_password_reset(&app, email, &guesser).await?,
    };
    Ok(match asked {
        Asked::Mailed | Asked::Busy => about.show_next(&app, carried.as_ref(), true),
        Asked::Limited(wait) => {
            let notice = Some(too_many(wait));
            let response = show(&app, &cookies, StatusCode::TOO_MANY_REQUESTS, notice, &about, carried.as_ref());
            with_retry_after(response, wait)
        }
    })
}

/// Too many mails were asked for.
pub(super) fn too_many(wait: std::time::Duration) -> Notice {
    let wait = super::sign_in_page::waiting_words(wait);
    Notice::refused(format!("We have sent many mails already. Look through what came, or try again in {wait}."))
}

impl Samples for CheckMailPage {
    fn samples() -> Vec<Sample> {
        let page = |is_sign_up, notice, carried: Option<&Carried>, is_demo| CheckMailPage {
            shell: Shell::nobody(SITE.to_owned()),
            notice,
            is_sign_up,
            email: "asha@example.com".to_owned(),
            about: "sealed".to_owned(),
            carried: carried.map(CarriedFields::sample),
            sign_in: "/sign-in".to_owned(),
            is_demo,
            csrf: "1.token".to_owned(),
        };
        let carried =
            Carried { request: "sealed".to_owned(), app_name: "Team Calendar".to_owned(), redirect_uri: String::new() };
        let again = Some(Notice::done("We sent it once more."));
        vec![
            Sample::of("check-mail", "sign-up", &page(true, None, Some(&carried), false)),
            Sample::of("check-mail", "sign-up-demo", &page(true, None, None, true)),
            Sample::of("check-mail", "reset", &page(false, again, None, false)),
        ]
    }
}

/// The page of this file.
pub(super) fn samples() -> Vec<Sample> {
    CheckMailPage::samples()
}
