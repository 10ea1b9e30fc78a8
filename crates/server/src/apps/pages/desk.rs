//! What every page of the console begins with: who is signed in, and which app of theirs it is about.

use std::convert::Infallible;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use protocol::fault;
use protocol::params::Params;
use sql::DbError;

use crate::app::SharedApp;
use crate::apps::access::Access;
use crate::apps::changes::Doing;
use crate::apps::console_store::{self, Held};
use crate::apps::lifecycle::Change;
use crate::apps::{RevisionDetails, access_store};
use crate::audit::{Actor, Record};
use crate::ids::{AppId, UserId};
use crate::time::Timestamp;
use crate::users::{SignedInVisitor, User, find_visitor, require_signed_in};
use crate::web::{
    ClientAddress, PageError, Section, Shell, VisitorCookies, csrf, form, page, page_with_script, see_other,
};

/// Someone who is signed in, at one moment: what a page of theirs needs.
#[derive(Clone)]
pub struct Desk {
    /// The application.
    pub app: SharedApp,
    /// Who, and in which browser.
    pub visitor: SignedInVisitor,
    /// From where.
    pub address: String,
    /// Now.
    pub now: Timestamp,
}

/// A form that someone who is signed in sent from one of our pages.
pub struct Posted {
    /// Who sent it.
    pub desk: Desk,
    /// Its fields.
    pub form: Params,
}

/// The app that an address names.
pub struct Named(pub AppId);

impl Desk {
    /// The person.
    pub fn user(&self) -> &User {
        &self.visitor.signed_in.user
    }

    /// The person's id.
    pub fn user_id(&self) -> UserId {
        self.user().id.clone()
    }

    /// An entry of the audit log about what this person does.
    pub fn record(&self, action: &'static str) -> Record {
        Record::new(&self.app.random, self.now, Actor::User(self.user_id()), action).address(&self.address)
    }

    /// This person is about to change that app.
    pub fn doing(&self, app: &AppId, action: &'static str) -> Doing {
        let record = self.record(action).app(app);
        Doing { app: app.clone(), user: self.user_id(), now: self.now, record }
    }

    /// The surroundings of a page.
    pub fn shell(&self, here: Section) -> Shell {
        self.visitor.shell(&self.app, here)
    }

    /// A page.
    pub fn page<T: Template>(&self, status: StatusCode, template: &T) -> Response {
        self.named(page(status, template))
    }

    /// A page that our own script makes more comfortable.
    pub fn page_with_script<T: Template>(&self, status: StatusCode, template: &T) -> Response {
        self.named(page_with_script(status, template))
    }

    /// Names the browser if it has no name yet.
    fn named(&self, mut response: Response) -> Response {
        self.visitor.browser.keep_on(&self.app, &mut response);
        response
    }

    /// Whether this person may register apps.
    ///
    /// # Errors
    /// The database failed.
    pub async fn access(&self) -> Result<Access, DbError> {
        let for_everyone = self.app.config.accounts.oauth_for_everyone;
        let granted = self.user().oauth_granted_at.is_some();
        if for_everyone || granted {
            return Ok(Access::Open);
        }
        let user = self.user_id();
        let request = self.app.db.read(move |tx| access_store::find_request(tx, &user)).await?;
        Ok(Access::of(for_everyone, granted, request, self.now))
    }

    /// The app, if it is this person's to see.
    ///
    /// # Errors
    /// The page that says that there is no such app, or that the database failed.
    pub async fn find_app(&self, app: &AppId) -> Result<(Held, RevisionDetails), PageError> {
        let (app, user) = (app.clone(), self.user_id());
        let held = self.app.db.read(move |tx| console_store::find_for(tx, &app, &user)).await?;
        let held = held.ok_or_else(no_such_app)?;
        let working = held.app.working.clone().ok_or_else(|| PageError::internal("an app without a working copy"))?;
        Ok((held, working))
    }
}

/// To a stranger an app does not exist.
pub fn no_such_app() -> PageError {
    PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND)
        .with_detail("There is no such app among yours. It may have been deleted, or you were removed from it.")
        .with_next_step("/oauth/apps", "Go to your apps")
}

/// What became of a change, as far as no page has to be shown again.
pub enum Settled {
    /// Here is the answer.
    Answer(Response),
    /// It was refused; the sentence says why.
    Refused(String),
}

/// The answer to a change that is done or that has no app: on to the page, which says `done`.
///
/// # Errors
/// The page that says that there is no such app.
pub fn settle(change: Change, app: &AppId, done: &str, anchor: &str) -> Result<Settled, PageError> {
    match change {
        Change::Done => Ok(Settled::Answer(see_other(&app_path(app, done, anchor)))),
        Change::NotFound => Err(no_such_app()),
        Change::Refused(why) => Ok(Settled::Refused(why)),
    }
}

/// The address of an app's page that says what was done.
pub fn app_path(app: &AppId, done: &str, anchor: &str) -> String {
    match (done, anchor) {
        ("", "") => format!("/oauth/apps/{app}"),
        (done, "") => format!("/oauth/apps/{app}?done={done}"),
        (done, anchor) => format!("/oauth/apps/{app}?done={done}#{anchor}"),
    }
}

impl FromRequestParts<SharedApp> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Desk, Response> {
        let cookies = read_cookies(parts, app).await;
        let path = parts.uri.path_and_query().map_or(parts.uri.path(), |path| path.as_str()).to_owned();
        let visitor = require_signed_in(app, &cookies, Some(&path)).await?;
        Ok(Desk { app: app.clone(), visitor, address: read_address(parts, app).await, now: app.clock.now() })
    }
}

impl FromRequest<SharedApp> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Posted, Response> {
        let (mut parts, body) = request.into_parts();
        let cookies = read_cookies(&mut parts, app).await;
        let address = read_address(&mut parts, app).await;
        let form = form::read_parts(&parts, body).await.map_err(IntoResponse::into_response)?;
        let visitor = find_visitor(app, &cookies).await.map_err(|error| PageError::from(error).into_response())?;
        let Some(visitor) = visitor else {
            let expired = PageError::form_expired().with_next_step("/oauth/apps", "Sign in and start again");
            return Err(expired.into_response());
        };
        let session = &visitor.signed_in.session.id;
        if !csrf::check(app, &parts.headers, &form, cookies.browser.as_ref(), Some(session)) {
            return Err(PageError::form_expired().with_next_step("/oauth/apps", "Go to your apps").into_response());
        }
        Ok(Posted { desk: Desk { app: app.clone(), visitor, address, now: app.clock.now() }, form })
    }
}

impl FromRequestParts<SharedApp> for Named {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Named, PageError> {
        let path: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, app).await;
        let id = path.ok().filter(|Path(id)| is_id(id)).ok_or_else(no_such_app)?;
        Ok(Named(AppId::from_text(id.0)))
    }
}

/// Whether a text from outside can be an id at all: only such texts are looked up.
pub fn is_id(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

async fn read_cookies(parts: &mut Parts, app: &SharedApp) -> VisitorCookies {
    let read: Result<VisitorCookies, Infallible> = VisitorCookies::from_request_parts(parts, app).await;
    read.unwrap_or_default()
}

async fn read_address(parts: &mut Parts, app: &SharedApp) -> String {
    let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(parts, app).await;
    address.to_string()
}
