//! The authorization endpoint (RFC 6749 3.1 and 4.1.1), as a list of steps:
//!
//! 1. read the request; what app it is about and where the answer should go are not trusted yet;
//! 2. ask the database for the app, the person and what the person has answered about the app: one unit;
//! 3. enter zone two, or show a page ([`super::zones`]);
//! 4. check the rest of the request against the app; a fault goes back to the app;
//! 5. show the sign-in page or the consent page where there is a reason to ([`super::prompt`]), or
//! 6. issue a code: one unit.
//!
//! Sign-in and consent carry the request sealed ([`super::sealed_request`]) and lead back into this same list:
//! `/oauth2/continue` after the sign-in, `/oauth2/consent` with the answer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use protocol::error::{OAuthError, OAuthErrorCode};
use protocol::fault;

use super::answer::Destination;
use super::codes::{self, Inserted, NewCode};
use super::facts::{self, Facts, Person, Settings, Step};
use super::flow_pages as pages;
use super::loops::Navigates;
use super::prompt::{ConsentReason, Next};
use super::pushed;
use super::sealed_request::{AuthorizationId, CarriedRequest, as_query};
use super::zones::{Asked, Closed, Demand};
use crate::app::SharedApp;
use crate::time::Timestamp;
use crate::users;
use crate::web::form::QueryParams;
use crate::web::{self, Browser, PageError, VisitorCookies};

/// A browser that comes with an authorization request.
#[derive(Clone)]
pub struct Visit {
    /// The application.
    pub app: SharedApp,
    /// What the browser's cookies say.
    pub cookies: VisitorCookies,
    /// The browser, with a new name if it had none.
    pub browser: Browser,
    /// It is one, and has come by an address rather than by a form of ours.
    navigates: bool,
    /// Now.
    pub now: Timestamp,
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It came just now.
    Fresh,
    /// It came just now in a form of another site, with which browsers send no cookies of ours (`SameSite=Lax`).
    WithoutCookies,
    /// It was carried through sign-in.
    Continued,
    /// It was carried to the consent page and answered by somebody else than who was asked: ask anew.
    AskAnew,
}

impl Visit {
    /// Begins to serve a browser.
    pub fn new(app: SharedApp, cookies: VisitorCookies) -> Visit {
        Visit { browser: cookies.browser_or_new(&app), navigates: false, now: app.clock.now(), app, cookies }
    }

    /// Serves a request that begins here.
    async fn begin(&self, query: String, stage: Stage) -> Response {
        let browser = *self.browser.id.digest().as_bytes();
        let request = match pushed::Reference::in_query(&query) {
            None => {
                let id = AuthorizationId::mint(&self.app.random, self.now);
                Ok(CarriedRequest { id, browser, chosen: None, pushed: None, insisted: false, query })
            }
            Some(reference) => {
                // A form of another site comes without cookies: the browser opens it when it comes by itself.
                let opener = (stage != Stage::WithoutCookies).then_some(browser);
                pushed::open(&self.app, reference, opener, self.now).await.map(|opened| opened.carried(browser))
            }
        };
        match request {
            Ok(request) => self.proceed(request, stage).await,
            Err(page) => page.into_response(),
        }
    }

    /// A carried request goes on in the browser that began it, while it is young. Otherwise this is the answer: a page
    /// for another browser, a fresh start for an old request.
    pub fn carried_no_further(&self, request: &CarriedRequest) -> Option<Response> {
        if request.browser != *self.browser.id.digest().as_bytes() {
            return Some(pages::other_browser(request).into_response());
        }
        request.is_old(self.now).then(|| web::see_other(&request.restart_url()))
    }

    /// Takes a request as far as it goes.
    pub async fn proceed(&self, request: CarriedRequest, stage: Stage) -> Response {
        match self.answer(request, stage).await {
            Ok(response) => response,
            Err(page) => page.into_response(),
        }
    }

    async fn answer(&self, request: CarriedRequest, stage: Stage) -> Result<Response, PageError> {
        let asked = Arc::new(Asked::of(&request).map_err(pages::unreadable)?);
        let Some(facts) = self.load(&asked).await? else {
            return Err(pages::unknown_client(&asked.client.client_id));
        };
        if let Some(person) = &facts.person {
            users::note_seen(&self.app, &person.signed_in);
        }
        let is_fresh = matches!(stage, Stage::Fresh | Stage::WithoutCookies);
        match facts.step(&asked, &request, is_fresh, self.settings()) {
            Step::Close(closed) => self.close(closed, &facts, &asked, &request),
            Step::Testers(_) | Step::Go(_, _, Next::SignIn(_)) if stage == Stage::WithoutCookies => {
                Ok(web::see_other(&request.restart_url()))
            }
            Step::Testers(_) if asked.forbids_pages() => self.close(Closed::NotApproved, &facts, &asked, &request),
            Step::Testers(uri) => pages::testers_sign_in(self, &asked, &request, uri.as_ref()),
            Step::Refuse(destination, error) => {
                self.app.refusals.note_error(facts.app.client_id.as_str(), &error, self.now);
                Ok(destination.refuse(&self.app.issuer, &error))
            }
            Step::Go(destination, demand, next) => self.go(facts, destination, *demand, next, &request, stage).await,
        }
    }

    async fn load(&self, asked: &Arc<Asked>) -> Result<Option<Facts>, PageError> {
        let (asked, now) = (Arc::clone(asked), self.now);
        let session = self.cookies.session.as_ref().map(|secret| secret.digest());
        Ok(self.app.db.read(move |tx| facts::load(tx, &asked, session.as_ref(), now)).await?)
    }

    /// What the decisions need of the configuration.
    pub fn settings(&self) -> Settings<'_> {
        Settings {
            require_pkce: self.app.config.tokens.require_pkce,
            catalogue: &self.app.catalogue,
            hints: &*self.app,
        }
    }

    fn close(
        &self,
        closed: Closed,
        facts: &Facts,
        asked: &Asked,
        request: &CarriedRequest,
    ) -> Result<Response, PageError> {
        self.app.refusals.note(facts.app.client_id.as_str(), closed.fault(), self.now);
        match closed {
            Closed::Suspended => Err(PageError::new(StatusCode::FORBIDDEN, &fault::CLIENT_SUSPENDED)),
            Closed::NotApproved => Err(pages::not_approved(self, facts, request)),
            Closed::WrongRedirectUri => Ok(pages::wrong_redirect_uri(self, facts, asked)),
        }
    }

    async fn go(
        &self,
        facts: Facts,
        destination: Destination,
        demand: Demand,
        next: Next,
        request: &CarriedRequest,
        stage: Stage,
    ) -> Result<Response, PageError> {
        let next = match next {
            Next::Issue if stage == Stage::AskAnew => Next::Consent(ConsentReason::PromptConsent),
            next => next,
        };
        if (demand.request.prompt.none || next == Next::SomebodyElse)
            && let Err(error) = next.without_a_page()
        {
            return Ok(destination.refuse(&self.app.issuer, &error));
        }
        match (next, &facts.person) {
            (Next::SignIn(reason), person) => {
                Ok(pages::sign_in(self, &facts.app, person.as_ref(), &destination, &demand, request, reason))
            }
            (Next::Consent(_), Some(person)) => {
                Ok(pages::consent(self, &facts.app, person, &destination, &demand, request))
            }
            (Next::Issue, Some(person)) if self.is_looped(&facts, person, request) => {
                self.app.refusals.note(facts.app.client_id.as_str(), &fault::REDIRECT_LOOP, self.now);
                if demand.request.prompt.none {
                    let error = OAuthError::new(OAuthErrorCode::InteractionRequired, &fault::REDIRECT_LOOP);
                    return Ok(destination.refuse(&self.app.issuer, &error));
                }
                Err(pages::looped(self, &facts.app, request))
            }
            (Next::Issue, Some(person)) => Ok(self.issue(&facts, person, &destination, &demand, request).await),
            // Unreachable: without a person the next step is sign-in, and somebody else was refused.
            (Next::Consent(_) | Next::Issue, None) | (Next::SomebodyElse, _) => {
                Err(PageError::internal("consent without a person"))
            }
        }
    }

    /// Whether the app has sent the person here too often. What the person clicks themselves is no loop.
    fn is_looped(&self, facts: &Facts, person: &Person, request: &CarriedRequest) -> bool {
        let per_hour = self.app.config.limits.silent_authorizations;
        let answers = &self.app.oauth.silent_answers;
        let user = &person.signed_in.user.id;
        self.navigates && !request.insisted && !answers.admit(user, &facts.app.id, per_hour, self.now)
    }

    /// A code without a page, because the person has granted all of it before.
    async fn issue(
        &self,
        facts: &Facts,
        person: &Person,
        destination: &Destination,
        demand: &Demand,
        request: &CarriedRequest,
    ) -> Response {
        let scopes = demand.scopes.clone();
        let draft = CodeDraft::mint(self, request);
        let code = draft.fill(facts, person, destination, demand, scopes);
        match self.app.db.write(move |tx| codes::insert(tx, &code)).await {
            Ok(Inserted::Issued) => destination.grant(&self.app.issuer, &draft.code),
            // One code comes of a pushed request, however often it is opened.
            Ok(Inserted::AlreadyAnswered) if request.pushed.is_some() => {
                pages::already_answered(self, &facts.app, request)
            }
            // Back, or a reload, after it was answered: a fresh request gets a fresh code.
            Ok(Inserted::AlreadyAnswered) => web::see_other(&request.restart_url()),
            Err(error) => destination.refuse(&self.app.issuer, &web::oauth_error_from_db(error)),
        }
    }
}

/// What a code is made of before the unit of work that keeps it, which may run twice.
#[derive(Debug, Clone)]
pub struct CodeDraft {
    /// The code.
    pub code: protocol::secret::Secret,
    request_id: String,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl CodeDraft {
    /// A fresh code for this request.
    pub fn mint(visit: &Visit, request: &CarriedRequest) -> CodeDraft {
        let ttl = visit.app.config.tokens.authorization_code_ttl.get();
        CodeDraft {
            code: codes::mint_code(&visit.app.random),
            request_id: request.id.to_string(),
            created_at: visit.now,
            expires_at: visit.now.plus(ttl),
        }
    }

    /// Binds it to everything that it stands for.
    pub fn fill(
        &self,
        facts: &Facts,
        person: &Person,
        destination: &Destination,
        demand: &Demand,
        scopes: protocol::scope::ScopeSet,
    ) -> NewCode {
        NewCode {
            code: self.code.clone(),
            request_id: self.request_id.clone(),
            app_id: facts.app.id.clone(),
            user_id: person.signed_in.user.id.clone(),
            session_id: person.signed_in.session.id.clone(),
            redirect_uri: destination.redirect_uri().to_owned(),
            scopes,
            targets: demand.targets.clone(),
            code_challenge: demand.request.code_challenge,
            nonce: demand.request.nonce.clone(),
            dpop_jkt: demand.request.dpop_jkt,
            authenticated_at: person.signed_in.session.authenticated_at,
            // After every epoch, whatever the clocks said when that was set.
            created_at: self.created_at.max(facts.app.epoch).max(person.signed_in.user.epoch),
            expires_at: self.expires_at,
        }
    }
}

/// `GET /oauth2/authorize`
pub async fn authorize(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    Navigates(navigates): Navigates,
    uri: Uri,
) -> Response {
    let query = as_query(uri.query().unwrap_or_default().as_bytes());
    let visit = Visit { navigates, ..Visit::new(app, cookies) };
    visit.begin(query, Stage::Fresh).await
}

/// `POST /oauth2/authorize`: the same request as a form (RFC 6749 3.1).
pub async fn authorize_by_form(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let body = match web::form::read_bytes(request).await {
        Ok(body) => body,
        Err(page) => return page.into_response(),
    };
    let foreign = headers.get(header::ORIGIN).is_some_and(|origin| origin != app.issuer.as_str());
    let stage = if foreign && cookies.browser.is_none() { Stage::WithoutCookies } else { Stage::Fresh };
    Visit::new(app, cookies).begin(as_query(&body), stage).await
}

/// `GET /oauth2/continue`: after the sign-in.
pub async fn go_on(State(app): State<SharedApp>, cookies: VisitorCookies, query: QueryParams) -> Response {
    let Some(request) = CarriedRequest::open(&app.keys, query.get("request").unwrap_or_default()) else {
        return pages::tampered().into_response();
    };
    let visit = Visit::new(app, cookies);
    match visit.carried_no_further(&request) {
        Some(response) => response,
        None => visit.proceed(request, Stage::Continued).await,
    }
}
