//! The answer to the consent page: `POST /oauth2/consent`.
//!
//! 1. The seal is opened, the browser, the CSRF token and the age are checked.
//! 2. In one unit: everything is read again and checked as it is *now* (the person and the session that were asked, the
//!    app, its callback URLs and scopes); then the code is inserted, the consent remembered and, at the first grant, the
//!    audit log written. The request's id is unique among codes, so it is answered once.
//!
//! A person who is signed in as somebody else by now did not give this answer: they get the page anew.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use protocol::error::OAuthError;
use protocol::fault;
use protocol::params::Params;
use serde_json::json;
use sql::{DbError, Tx};

use super::answer::Destination;
use super::authorize::{CodeDraft, Stage, Visit};
use super::codes::{self, Inserted};
use super::consent::{Answer, Decision, judge, remember};
use super::consent_store::{hold_consent, is_answered, save_consent};
use super::facts::{self, Facts, Person};
use super::flow_pages as pages;
use super::sealed_request::ConsentForm;
use super::zones::{Asked, Demand, Zone, enter};
use crate::app::SharedApp;
use crate::audit::{Actor, Record};
use crate::mail;
use crate::users::SessionHash;
use crate::web::{self, ClientAddress, PageError, VisitorCookies, csrf};

/// `POST /oauth2/consent`
pub async fn answer_consent(
    State(app): State<SharedApp>,
    ClientAddress(address): ClientAddress,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let fields = web::form::read(request).await?;
    let Some(form) = ConsentForm::open(&app.keys, fields.get("request")?.unwrap_or_default()) else {
        return Err(pages::tampered());
    };
    let visit = Visit::new(app, cookies);
    if let Some(response) = visit.carried_no_further(&form.request) {
        return Ok(response);
    }
    if !csrf::check(&visit.app, &headers, &fields, Some(&visit.browser.id), Some(&form.session)) {
        return Err(PageError::form_expired().with_next_step(form.request.restart_url(), "Ask me again"));
    }
    let (decision, ticked) = read_answer(&fields)?;
    let asked = Asked::of(&form.request).map_err(pages::unreadable)?;
    let session = visit.cookies.session.as_ref().map(|secret| secret.digest());
    let record = Record::new(&visit.app.random, visit.now, Actor::User(form.user.clone()), "consent.granted")
        .user(&form.user)
        .address(address);
    let draft = CodeDraft::mint(&visit, &form.request);
    let settlement =
        Arc::new(Settlement { visit: visit.clone(), form, asked, session, decision, ticked, draft, record });
    visit.settle(settlement).await
}

fn read_answer(fields: &Params) -> Result<(Decision, Vec<String>), PageError> {
    let decision = fields.get("decision")?.and_then(Decision::parse);
    let Some(decision) = decision else {
        let page = PageError::new(StatusCode::BAD_REQUEST, &fault::FORM_EXPIRED);
        return Err(page.with_detail("It does not say whether you allow or deny."));
    };
    let ticked = fields.get_all("scope")?.into_iter().map(str::to_owned).collect();
    Ok((decision, ticked))
}

/// An answer, with everything minted that the unit of work needs.
struct Settlement {
    visit: Visit,
    form: ConsentForm,
    asked: Asked,
    session: Option<SessionHash>,
    decision: Decision,
    ticked: Vec<String>,
    draft: CodeDraft,
    record: Record,
}

/// What became of it.
enum Settled {
    /// The code can be redeemed.
    Granted(Destination),
    /// Back to the app with an error: the person said no, or the app has changed.
    Refused(Destination, OAuthError),
    /// The request was answered before.
    Answered(Box<Facts>),
    /// Somebody else than who was asked, or an app that may not be answered: begin again with what is so now.
    AskAnew,
}

impl Visit {
    async fn settle(&self, settlement: Arc<Settlement>) -> Result<Response, PageError> {
        let unit = Arc::clone(&settlement);
        let settled = self.app.db.write(move |tx| unit.settle(tx)).await?;
        let issuer = &self.app.issuer;
        Ok(match settled {
            Settled::Granted(destination) => destination.grant(issuer, &settlement.draft.code),
            Settled::Refused(destination, error) => destination.refuse(issuer, &error),
            Settled::Answered(facts) => pages::already_answered(self, &facts.app, &settlement.form.request),
            Settled::AskAnew => {
                let response = self.proceed(settlement.form.request.clone(), Stage::AskAnew).await;
                response.into_response()
            }
        })
    }
}

impl Settlement {
    fn settle(&self, tx: &mut Tx<'_>) -> Result<Settled, DbError> {
        let Some(facts) = facts::load(tx, &self.asked, self.session.as_ref(), self.visit.now)? else {
            return Ok(Settled::AskAnew);
        };
        let Some(person) = facts.person.as_ref().filter(|person| self.was_asked(person)) else {
            return Ok(Settled::AskAnew);
        };
        let Zone::Two(trusted) = enter(&facts.app, &self.asked, facts.access()) else {
            return Ok(Settled::AskAnew);
        };
        if is_answered(tx, &self.form.request.id)? {
            return Ok(Settled::Answered(Box::new(facts)));
        }
        let destination = trusted.destination.clone();
        let demand = match trusted.demand(&facts.app, self.visit.settings()) {
            Ok(demand) => demand,
            Err(error) => return Ok(Settled::Refused(destination, error)),
        };
        let ticked: Vec<&str> = self.ticked.iter().map(String::as_str).collect();
        match judge(self.decision, &ticked, &demand.scopes, &facts.app.required_scopes) {
            Answer::Denied(fault) => Ok(Settled::Refused(destination, OAuthError::access_denied(fault))),
            Answer::Granted(scopes) => self.grant(tx, &facts, person, destination, &demand, scopes),
        }
    }

    fn was_asked(&self, person: &Person) -> bool {
        person.signed_in.user.id == self.form.user && person.signed_in.session.id == self.form.session
    }

    fn grant(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        person: &Person,
        destination: Destination,
        demand: &Demand,
        scopes: protocol::scope::ScopeSet,
    ) -> Result<Settled, DbError> {
        let app = &facts.app;
        let code = self.draft.fill(facts, person, &destination, demand, scopes.clone());
        if codes::insert(tx, &code)? == Inserted::AlreadyAnswered {
            return Ok(Settled::Answered(Box::new(facts.clone())));
        }
        // Another answer about this app may have been given since the facts were read.
        let before = hold_consent(tx, &self.form.user, &app.id, self.visit.now)?;
        let consent = remember(before.as_ref(), &demand.scopes, &scopes, app.consent_version, self.visit.now);
        save_consent(tx, &self.form.user, &app.id, &consent, self.visit.now)?;
        if before.is_none() {
            let detail = json!({"client_id": app.client_id.as_str(), "scopes": scopes.to_string()});
            self.record.clone().app(&app.id).detail(detail).write(tx)?;
            let to = &person.signed_in.user.email;
            let table = &self.visit.app.catalogue.scopes;
            let words = table.in_order(&scopes).iter().map(|scope| table.words(scope).to_owned()).collect();
            mail::notices::first_grant(tx, to, &app.name, &app.developer, words, &self.record)?;
        }
        Ok(Settled::Granted(destination))
    }
}
