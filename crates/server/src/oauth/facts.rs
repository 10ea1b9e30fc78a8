//! What the database says about an authorization request, in one unit of work, and what follows from it.

use protocol::error::OAuthError;
use protocol::redirect_uri::{ClientKind, RedirectUri, match_registered};
use sql::{DbError, Tx};

use super::answer::Destination;
use super::consent::Consent;
use super::consent_store::find_consent;
use super::id_token;
use super::prompt::{Asking, Next, SessionFacts, consent_reason, is_somebody_else, sign_in_reason};
use super::sealed_request::CarriedRequest;
use super::zones::{Access, Asked, Closed, Demand, Zone, enter};
use crate::app::App;
use crate::apps::{self, ServingApp};
use crate::catalogue::Catalogue;
use crate::ids::{ClientId, UserId};
use crate::time::Timestamp;
use crate::users::{self, SessionHash, SignedIn};

/// A known app, and who stands before it.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The app as it is now.
    pub app: ServingApp,
    /// The person who is signed in.
    pub person: Option<Person>,
}

/// Someone who is signed in, as far as this app is concerned.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who, in which session.
    pub signed_in: SignedIn,
    /// Whether they may use the app.
    pub may_use: bool,
    /// Whether they develop it; looked up only where the redirect URI is wrong.
    pub is_developer: bool,
    /// What they have answered about it.
    pub consent: Option<Consent>,
}

/// Finds the app, the person and what the person has answered; nothing where there is no such app.
///
/// # Errors
/// When the database refuses.
pub fn load(
    tx: &mut Tx<'_>,
    asked: &Asked,
    session: Option<&SessionHash>,
    now: Timestamp,
) -> Result<Option<Facts>, DbError> {
    let client_id = ClientId::from_text(&asked.client.client_id);
    let Some(app) = apps::find_serving(tx, &client_id)? else { return Ok(None) };
    let signed_in = match session {
        Some(session) => users::find_signed_in(tx, session, now)?,
        None => None,
    };
    let Some(signed_in) = signed_in else { return Ok(Some(Facts { app, person: None })) };
    let user = &signed_in.user.id;
    let may_use = apps::may_use(tx, &app, user)?;
    let wrong_uri = !match_registered(&asked.client.redirect_uri, &app.callback_urls, app.kind);
    let is_developer = wrong_uri && (app.owner_id == *user || apps::is_developer(tx, &app.id, user)?);
    let consent = find_consent(tx, user, &app.id)?;
    Ok(Some(Facts { person: Some(Person { signed_in, may_use, is_developer, consent }), app }))
}

/// What is due.
#[derive(Debug)]
pub enum Step {
    /// A page that says why this goes nowhere.
    Close(Closed),
    /// Sign-in for an app's testers.
    Testers(Option<RedirectUri>),
    /// Back to the app with an error.
    Refuse(Destination, OAuthError),
    /// The request is in order: sign-in, consent, or a code.
    Go(Destination, Box<Demand>, Next),
}

/// What the decision needs besides the facts.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// Whether confidential apps must use PKCE too.
    pub require_pkce: bool,
    /// Which scopes there are, and whom tokens can be for.
    pub catalogue: &'a Catalogue,
    /// Who can read an ID token that is sent as a hint.
    pub hints: &'a dyn Hints,
}

/// Reads hints of whom an app expects.
pub trait Hints {
    /// Whom this ID token names; none unless it was given to this app.
    fn hinted_user(&self, id_token: &str, client: &ClientId) -> Option<UserId>;
}

impl Hints for App {
    fn hinted_user(&self, id_token: &str, client: &ClientId) -> Option<UserId> {
        id_token::hinted_user(self, id_token, client)
    }
}

impl Facts {
    /// Decides what is due.
    pub fn step(&self, asked: &Asked, request: &CarriedRequest, is_fresh: bool, settings: Settings<'_>) -> Step {
        let trusted = match enter(&self.app, asked, self.access()) {
            Zone::One(closed) => return Step::Close(closed),
            Zone::Testers(uri) => return Step::Testers(uri),
            Zone::Two(trusted) => trusted,
        };
        match trusted.demand(&self.app, settings) {
            Err(error) => Step::Refuse(trusted.destination, error),
            Ok(demand) => {
                let any_program = any_program_may_take(self.app.kind, trusted.destination.redirect_uri());
                let next = self.next(&demand, request, is_fresh, any_program);
                Step::Go(trusted.destination, Box::new(demand), next)
            }
        }
    }

    /// Who stands before the app.
    pub fn access(&self) -> Access {
        match &self.person {
            None => Access::SignedOut,
            Some(person) if person.may_use => Access::Allowed,
            Some(_) => Access::Outsider,
        }
    }

    fn next(&self, demand: &Demand, request: &CarriedRequest, is_fresh: bool, any_program: bool) -> Next {
        let asking = Asking {
            prompt: demand.request.prompt,
            max_age: demand.request.max_age,
            created_at: request.began_at(),
            is_fresh,
            chosen: request.chosen.as_ref(),
            expected: demand.expected.as_ref(),
        };
        let session = self.person.as_ref().map(|person| SessionFacts {
            id: &person.signed_in.session.id,
            user: &person.signed_in.user.id,
            authenticated_at: person.signed_in.session.authenticated_at,
        });
        if let Some(reason) = sign_in_reason(&asking, session) {
            return Next::SignIn(reason);
        }
        if is_somebody_else(&asking, session) {
            return Next::SomebodyElse;
        }
        let consent = self.person.as_ref().and_then(|person| person.consent.as_ref());
        let reason = consent_reason(asking.prompt, &demand.scopes, consent, self.app.consent_version, any_program);
        reason.map_or(Next::Issue, Next::Consent)
    }
}

/// Whether any program on the person's device can have the answer: a port of the loopback interface or a private-use scheme
/// is whoever's is first. Only an `https` address tells one native app from another (RFC 8252 8.6).
fn any_program_may_take(kind: ClientKind, redirect_uri: &str) -> bool {
    kind == ClientKind::PublicNative && !redirect_uri.starts_with("https://")
}
