//! The pages of the authorization flow, filled: sign-in, consent, and why a request goes nowhere.
//!
//! Nothing of a request is shown as anything but text, and no link leads where the request says.

use axum::response::Response;
use http::StatusCode;
use protocol::authorize_request::PageFault;
use protocol::fault;
use protocol::redirect_uri::RedirectUri;
use protocol::scope::ScopeTable;

use super::answer::Destination;
use super::authorize::Visit;
use super::consent::{Line, Required, lines};
use super::destination_words::{other_site_than, site_words, web_url};
use super::facts::{Facts, Person};
use super::prompt::SignInReason as Reason;
use super::sealed_request::{CarriedRequest, ConsentForm, MAX_REQUEST};
use super::zones::{Asked, Demand};
use crate::apps::ServingApp;
use crate::users::{self, Carried, Current, SignInReason, SignInRequest};
use crate::web::{
    self, AnsweredPage, ConsentPage, ConsentScope, Monogram, Notice, PageError, Shell, VisitorCookies,
    WrongRedirectUriPage, csrf,
};

/// A request that does not say which app asks, or where the answer should go.
pub fn unreadable(bad: PageFault) -> PageError {
    let page = PageError::new(StatusCode::BAD_REQUEST, bad.fault);
    match bad.detail {
        Some(detail) => page.with_detail(detail),
        None => page,
    }
}

/// A client id that nobody has.
pub fn unknown_client(client_id: &str) -> PageError {
    let shown: String = client_id.chars().take(200).collect();
    PageError::new(StatusCode::BAD_REQUEST, &fault::CLIENT_UNKNOWN).with_came("The client id that came", shown)
}

/// A seal that is not ours, or not whole.
pub fn tampered() -> PageError {
    PageError::new(StatusCode::BAD_REQUEST, &fault::REQUEST_TAMPERED)
}

/// A request that another browser began (session fixation: whoever prepared it would get what this person gives).
pub fn other_browser(request: &CarriedRequest) -> PageError {
    PageError::new(StatusCode::FORBIDDEN, &fault::REQUEST_OTHER_BROWSER)
        .with_next_step(request.restart_url(), "Start again in this browser")
}

/// An app that is not approved, for a person who is none of its testers.
pub fn not_approved(visit: &Visit, facts: &Facts, request: &CarriedRequest) -> PageError {
    let page = PageError::new(StatusCode::FORBIDDEN, &fault::CLIENT_NOT_APPROVED);
    let Some(person) = &facts.person else { return page };
    let email = &person.signed_in.user.email;
    let carried = Carried { request: seal(visit, request), app_name: UNNAMED.to_owned(), redirect_uri: String::new() };
    page.with_detail(format!("You are signed in as {email}, whom the app has not invited."))
        .with_next_step(users::switch_account_url(&visit.app, &carried), "Sign in with another account")
}

/// A redirect URI that is not registered. Whoever develops the app sees what is.
pub fn wrong_redirect_uri(visit: &Visit, facts: &Facts, asked: &Asked) -> Response {
    tracing::info!(client_id = %facts.app.client_id, "refused: redirect_uri_unregistered");
    let is_developer = facts.person.as_ref().is_some_and(|person| person.is_developer);
    let registered: &[String] = if is_developer { &facts.app.callback_urls } else { &[] };
    let came = &asked.client.redirect_uri;
    let page = WrongRedirectUriPage::new(Shell::of(&visit.app), &facts.app.name, came, registered);
    web::page(StatusCode::BAD_REQUEST, &page)
}

/// A second answer to one request. The way back is the request once more: where the first answer was 'Allow' it goes
/// straight through, so a double click or a lost answer costs one more. A pushed request is spent; its app begins another.
pub fn already_answered(visit: &Visit, app: &ServingApp, request: &CarriedRequest) -> Response {
    tracing::info!(client_id = %app.client_id, "refused: request_already_answered");
    let page = AnsweredPage {
        shell: Shell::of(&visit.app),
        app_name: app.name.clone(),
        homepage_url: web_url(&app.homepage_url),
        again_url: request.pushed.is_none().then(|| request.restart_url()),
    };
    web::page(StatusCode::CONFLICT, &page)
}

/// An app that sends the person here again and again: they go on by a click of their own.
pub fn looped(visit: &Visit, app: &ServingApp, request: &CarriedRequest) -> PageError {
    let times = visit.app.config.limits.silent_authorizations;
    let insisted = CarriedRequest { insisted: true, ..request.clone() };
    PageError::new(StatusCode::TOO_MANY_REQUESTS, &fault::REDIRECT_LOOP)
        .with_detail(format!("{} sent you here {times} times within an hour.", app.name))
        .with_next_step(
            format!("/oauth2/continue?request={}", seal(visit, &insisted)),
            format!("Go on to {}", app.name),
        )
}

/// What an app is called before anybody vouched for its name.
const UNNAMED: &str = "an app that is not approved yet";

/// Sign-in for the people of an app that is not approved: to everybody else it is the refusal that it looks like.
///
/// # Errors
/// A request that is too long to be carried.
pub fn testers_sign_in(
    visit: &Visit,
    asked: &Asked,
    request: &CarriedRequest,
    redirect_uri: Option<&RedirectUri>,
) -> Result<Response, PageError> {
    if request.query.len() > MAX_REQUEST {
        return Err(PageError::new(StatusCode::BAD_REQUEST, &fault::REQUEST_TOO_LONG));
    }
    tracing::info!(client_id = asked.client.client_id, "refused: client_not_approved");
    let carried = Carried {
        request: seal(visit, request),
        app_name: UNNAMED.to_owned(),
        redirect_uri: redirect_uri.map_or_else(String::new, |uri| uri.as_str().to_owned()),
    };
    let words = format!("{} {}", fault::CLIENT_NOT_APPROVED.sentence, fault::CLIENT_NOT_APPROVED.mend);
    let page = SignInRequest {
        carried: Some(carried),
        email: asked.login_hint().unwrap_or_default().to_owned(),
        notice: Some(Notice::refused(format!("{words} If you are one of them, sign in."))),
        ..SignInRequest::default()
    };
    let mut response = show_sign_in(visit, &page);
    *response.status_mut() = StatusCode::FORBIDDEN;
    Ok(response)
}

/// The sign-in page of a request that is in order.
pub fn sign_in(
    visit: &Visit,
    app: &ServingApp,
    person: Option<&Person>,
    destination: &Destination,
    demand: &Demand,
    request: &CarriedRequest,
    reason: Reason,
) -> Response {
    let carried = carried(visit, app, destination, request);
    let current = person.map(|person| Current {
        person: person.signed_in.user.person(),
        continue_url: (reason == Reason::SelectAccount).then(|| continue_url(visit, request, person)),
    });
    let own_address = || match (reason, person) {
        (Reason::PromptLogin | Reason::TooOld, Some(person)) => person.signed_in.user.email.to_string(),
        _ => String::new(),
    };
    let page = SignInRequest {
        carried: Some(carried),
        reason: match reason {
            Reason::SignedOut => SignInReason::SignedOut,
            Reason::PromptLogin | Reason::TooOld => SignInReason::ProveAgain,
            Reason::SelectAccount => SignInReason::ChooseAccount,
        },
        email: demand.request.login_hint.clone().unwrap_or_else(own_address),
        current,
        ..SignInRequest::default()
    };
    show_sign_in(visit, &page)
}

/// Goes on with the account that is signed in: the person chose it.
fn continue_url(visit: &Visit, request: &CarriedRequest, person: &Person) -> String {
    let chosen = CarriedRequest { chosen: Some(person.signed_in.session.id.clone()), ..request.clone() };
    format!("/oauth2/continue?request={}", seal(visit, &chosen))
}

/// The browser that the page is bound to is the one that the request is sealed for.
fn show_sign_in(visit: &Visit, page: &SignInRequest) -> Response {
    let cookies = VisitorCookies { browser: Some(visit.browser.id.clone()), ..visit.cookies.clone() };
    let mut response = users::sign_in_page(&visit.app, &cookies, page);
    visit.browser.keep_on(&visit.app, &mut response);
    response
}

/// The consent page.
pub fn consent(
    visit: &Visit,
    app: &ServingApp,
    person: &Person,
    destination: &Destination,
    demand: &Demand,
    request: &CarriedRequest,
) -> Response {
    let session = &person.signed_in.session.id;
    let form =
        ConsentForm { user: person.signed_in.user.id.clone(), session: session.clone(), request: request.clone() };
    let redirect_uri = destination.redirect_uri();
    let page = ConsentPage {
        shell: Shell::of(&visit.app),
        app_name: app.name.clone(),
        monogram: Monogram::of(&app.name).with_logo(app.logo.as_ref().map(|hash| hash.as_bytes())),
        developer: app.developer.clone(),
        homepage_url: web_url(&app.homepage_url),
        policy_url: web_url(&app.policy_url),
        reviewed_on: app.approved_at.map(|at| at.to_words().split(',').next().unwrap_or_default().to_owned()),
        person: person.signed_in.user.person(),
        switch_url: users::switch_account_url(&visit.app, &carried(visit, app, destination, request)),
        csrf: csrf::token(&visit.app, &visit.browser.id, Some(session)),
        request: form.seal(&visit.app.keys, &visit.app.random),
        scopes: lines(&visit.app.catalogue.scopes, &demand.scopes, &app.required_scopes, person.consent.as_ref())
            .into_iter()
            .map(|line| in_words(&visit.app.catalogue.scopes, line))
            .collect(),
        destination: site_words(redirect_uri),
        other_site_than: other_site_than(redirect_uri, &app.homepage_url),
    };
    let source = web::form_action_source(redirect_uri);
    let mut response = web::page_with_form_action(StatusCode::OK, &page, source.as_deref());
    visit.browser.keep_on(&visit.app, &mut response);
    response
}

fn in_words(table: &ScopeTable, line: Line) -> ConsentScope {
    ConsentScope {
        words: table.words(&line.scope).to_owned(),
        name: line.scope.to_string(),
        is_required: line.required.is_some(),
        required_because: match line.required {
            Some(Required::ByApp(reason)) => Some(reason),
            Some(Required::ToSignIn) | None => None,
        },
        ticked: line.ticked,
    }
}

fn carried(visit: &Visit, app: &ServingApp, destination: &Destination, request: &CarriedRequest) -> Carried {
    Carried {
        request: seal(visit, request),
        app_name: app.name.clone(),
        redirect_uri: destination.redirect_uri().to_owned(),
    }
}

fn seal(visit: &Visit, request: &CarriedRequest) -> String {
    request.seal(&visit.app.keys, &visit.app.random)
}
