//! The account's own pages: profile and sessions.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use super::session::device_words;
use super::signed_in::check_csrf;
use super::user::{FieldFaults, parse_first_name, parse_name_part};
use super::{Session, SignedInVisitor, require_signed_in, signed_in, store};
use crate::app::SharedApp;
use crate::ids::SessionId;
use crate::time::Timestamp;
use crate::web::samples::{NOW, Sample, Samples, shell};
use crate::web::{
    Notice, PageError, QueryParams, Section, SessionSecret, Shell, VisitorCookies, form, page, see_other,
};

#[derive(Template)]
#[template(path = "users/profile.html")]
struct ProfilePage {
    shell: Shell,
    notice: Option<Notice>,
    faults: FieldFaults,
    // Not `name`: the template's field macro has a parameter of that name.
    first_name: String,
    lname: String,
    email: String,
    id: String,
    since: Timestamp,
    roles: String,
}

/// `GET /`: to the account, or to the sign-in page.
pub(super) async fn show_home(State(app): State<SharedApp>, cookies: VisitorCookies) -> Result<Response, PageError> {
    let target = if signed_in::find(&app, &cookies).await?.is_some() { "/account" } else { "/sign-in" };
    Ok(see_other(target))
}

/// `GET /account`
pub(super) async fn show_profile(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, None).await?;
    let notice = match query.get("done") {
        Some("saved") => Some(Notice::done("Your name is saved.")),
        Some("address") => Some(Notice::done("Your e-mail address is changed. Sign in with the new one from now on.")),
        _ => None,
    };
    let user = &visitor.signed_in.user;
    Ok(profile(&app, &visitor, StatusCode::OK, notice, FieldFaults::default(), &user.name, &user.lname))
}

/// `POST /account`
pub(super) async fn save_profile(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, None).await?;
    save_name(&app, &cookies, &headers, request, &visitor).await.map_err(IntoResponse::into_response)
}

async fn save_name(
    app: &SharedApp,
    cookies: &VisitorCookies,
    headers: &HeaderMap,
    request: Request,
    visitor: &SignedInVisitor,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    check_csrf(app, headers, &form, cookies, visitor)?;
    let mut faults = FieldFaults::default();
    let name = faults.read(&form, "name", parse_first_name)?;
    let lname = faults.read(&form, "lname", parse_name_part)?;
    let (Some(name), Some(lname)) = (name, lname) else {
        let typed = |field| Ok::<_, PageError>(form.get(field)?.unwrap_or_default());
        return Ok(profile(app, visitor, StatusCode::BAD_REQUEST, None, faults, typed("name")?, typed("lname")?));
    };
    let id = visitor.signed_in.user.id.clone();
    app.db.write(move |tx| store::set_name(tx, &id, &name, &lname)).await?;
    Ok(see_other("/account?done=saved"))
}

fn profile(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    status: StatusCode,
    notice: Option<Notice>,
    faults: FieldFaults,
    name: &str,
    lname: &str,
) -> Response {
    let user = &visitor.signed_in.user;
    let template = ProfilePage {
        shell: visitor.shell(app, Section::Profile),
        notice,
        faults,
        first_name: name.to_owned(),
        lname: lname.to_owned(),
        email: user.email.to_string(),
        id: user.id.to_string(),
        since: user.created_at,
        roles: user.roles.to_string(),
    };
    answer(app, visitor, status, &template)
}

/// A page of a signed-in person; names their browser if it has no name yet.
pub fn answer<T: Template>(app: &SharedApp, visitor: &SignedInVisitor, status: StatusCode, template: &T) -> Response {
    let mut response = page(status, template);
    visitor.browser.keep_on(app, &mut response);
    response
}

#[derive(Template)]
#[template(path = "users/sessions.html")]
struct SessionsPage {
    shell: Shell,
    notice: Option<Notice>,
    sessions: Vec<SessionRow>,
}

struct SessionRow {
    id: String,
    device: String,
    current: bool,
    signed_in: Timestamp,
    last_seen: Timestamp,
    address: String,
}

impl SessionRow {
    fn new(session: &Session, current: &SessionId) -> SessionRow {
        SessionRow {
            id: session.id.to_string(),
            device: device_words(&session.user_agent),
            current: session.id == *current,
            signed_in: session.created_at,
            last_seen: session.last_seen_at,
            address: session.address.clone(),
        }
    }
}

/// `GET /account/sessions`
pub(super) async fn show_sessions(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, Some("/account/sessions")).await?;
    list_sessions(&app, &visitor, query.get("done")).await.map_err(IntoResponse::into_response)
}

async fn list_sessions(app: &SharedApp, visitor: &SignedInVisitor, done: Option<&str>) -> Result<Response, PageError> {
    let (id, now) = (visitor.signed_in.user.id.clone(), app.clock.now());
    let sessions = app.db.read(move |tx| store::list_sessions(tx, &id, now)).await?;
    let current = &visitor.signed_in.session.id;
    let template = SessionsPage {
        shell: visitor.shell(app, Section::Sessions),
        notice: (done == Some("ended")).then(|| Notice::done("That session is signed out.")),
        sessions: sessions.iter().map(|session| SessionRow::new(session, current)).collect(),
    };
    Ok(answer(app, visitor, StatusCode::OK, &template))
}

/// `POST /account/sessions/end`: one of the person's own sessions.
pub(super) async fn end_session(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    let Some(visitor) = signed_in::find(&app, &cookies).await? else { return Ok(see_other("/sign-in")) };
    check_csrf(&app, &headers, &form, &cookies, &visitor)?;
    let ended = SessionId::from_text(form.get("session")?.unwrap_or_default());
    if ended == visitor.signed_in.session.id {
        return end_all_of(&app, &visitor, Some(ended)).await;
    }
    let user = visitor.signed_in.user.id.clone();
    app.db.write(move |tx| store::delete_session_of(tx, &user, &ended)).await?;
    Ok(see_other("/account/sessions?done=ended"))
}

/// `POST /account/sessions/end-all`: this one too.
pub(super) async fn end_all_sessions(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    let Some(visitor) = signed_in::find(&app, &cookies).await? else { return Ok(see_other("/sign-in")) };
    check_csrf(&app, &headers, &form, &cookies, &visitor)?;
    end_all_of(&app, &visitor, None).await
}

async fn end_all_of(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    only: Option<SessionId>,
) -> Result<Response, PageError> {
    let user = visitor.signed_in.user.id.clone();
    app.db
        .write(move |tx| match &only {
            Some(session) => store::delete_session_of(tx, &user, session),
            None => store::delete_sessions_of(tx, &user),
        })
        .await?;
    let mut response = see_other("/sign-in?done=signed-out");
    SessionSecret::forget_on(app, &mut response);
    Ok(response)
}

impl Samples for ProfilePage {
    fn samples() -> Vec<Sample> {
        let page = |notice, faults, name: &str| ProfilePage {
            shell: shell(Section::Profile),
            notice,
            faults,
            first_name: name.to_owned(),
            lname: "Rao".to_owned(),
            email: "asha@example.com".to_owned(),
            id: "u-6f1c2a38-7d0f-4a4e-9a53-2f0d4f1f3c11".to_owned(),
            since: NOW.minus(std::time::Duration::from_secs(90 * 86_400)),
            roles: "user, developer".to_owned(),
        };
        let mut faults = FieldFaults::default();
        faults.add("name", "Type your name.");
        vec![
            Sample::of("profile", "usual", &page(None, FieldFaults::default(), "Asha")),
            Sample::of(
                "profile",
                "saved",
                &page(Some(Notice::done("Your name is saved.")), FieldFaults::default(), "Asha"),
            ),
            Sample::of("profile", "fault", &page(None, faults, "")),
        ]
    }
}

impl Samples for SessionsPage {
    fn samples() -> Vec<Sample> {
        let ago = |minutes: u64| NOW.minus(std::time::Duration::from_secs(minutes * 60));
        let row = |id: &str, device: &str, current, minutes, address: &str| SessionRow {
            id: id.to_owned(),
            device: device.to_owned(),
            current,
            signed_in: ago(minutes + 3000),
            last_seen: ago(minutes),
            address: address.to_owned(),
        };
        let rows = vec![
            row("ses-1", "Chrome on Windows", true, 0, "203.0.113.9"),
            row("ses-2", "Safari on iPhone", false, 95, "2001:db8:85a3::8a2e:370:7334"),
            row("ses-3", "A browser", false, 10_000, "198.51.100.7"),
        ];
        vec![Sample::of(
            "sessions",
            "three",
            &SessionsPage {
                shell: shell(Section::Sessions),
                notice: Some(Notice::done("That session is signed out.")),
                sessions: rows,
            },
        )]
    }
}

/// The pages of this file.
pub(super) fn samples() -> Vec<Sample> {
    [ProfilePage::samples(), SessionsPage::samples()].into_iter().flatten().collect()
}
