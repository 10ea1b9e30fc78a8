//! Signing in and out: `/login` sends the browser to JioMeet, `/callback` takes the answer.

use std::sync::Arc;

use axum::extract::State as AppState;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::cookies::Cookie;
use crate::problem::Problem;
use crate::session::{Session, SignIn};
use crate::state::{State, local_page, random_text};
use crate::web::{Fields, OwnForm, query_of, see_other, session_of};

/// `GET /login`: begins a sign-in. `again=1` makes JioMeet ask for permissions once more, `page`
/// is where to go on afterwards.
pub async fn begin(AppState(app): AppState<Arc<App>>, parts: Parts) -> Result<Response, Problem> {
    let https = app.config.is_https();
    let query = query_of(&parts);
    let state = State::new(&local_page(query.find("page")));
    let ask_again = query.find("again").is_some();
    let (address, verifier) = app.provider.authorization_url(&state, ask_again).await?;
    // Several tabs may be on their way at once, so the cookie names the browser, not the sign-in.
    let browser = Cookie::SignIn.read(&parts.headers, https).filter(|id| is_ours(id));
    let browser = browser.unwrap_or_else(random_text);
    let mut response = see_other(address.as_str());
    set_cookie(&mut response, Cookie::SignIn.write(&browser, https));
    app.sign_ins.insert(state.nonce.clone(), SignIn { state, verifier, browser }, app.now());
    Ok(response)
}

/// `GET /callback`: the authorization response (RFC 6749 section 4.1.2).
pub async fn finish(AppState(app): AppState<Arc<App>>, parts: Parts) -> Result<Response, Problem> {
    let answer = query_of(&parts);
    if ["code", "state", "error", "iss"].iter().any(|name| answer.is_repeated(name)) {
        return Err(Problem::NoCode);
    }
    let sign_in = verified(&app, &parts.headers, &answer)?;
    app.provider.check_issuer(answer.find("iss")).await?;
    match answer.find("error") {
        Some("access_denied") => return Err(Problem::Denied),
        Some(code) => {
            let bounded = |text: &str| text.chars().take(300).collect();
            return Err(Problem::AuthorizationRefused {
                code: bounded(code),
                description: bounded(answer.text("error_description")),
            });
        }
        None => {}
    }
    let code = answer.find("code").filter(|code| !code.is_empty()).ok_or(Problem::NoCode)?;
    let tokens = app.provider.exchange(code.to_owned(), &sign_in.verifier).await?;

    // A new id for every sign-in; who had a session before keeps the settings, not the tokens.
    let former = forget_session(&app, &parts.headers);
    let zone = former.as_ref().map(|session| session.zone()).unwrap_or_default();
    if let Some(former) = former {
        revoke_later(&app, former);
    }
    let id = random_text();
    app.sessions.insert(id.clone(), Session::new(tokens, zone), app.now());
    let mut response = see_other(&sign_in.state.page);
    set_cookie(&mut response, Cookie::Session.write(&id, app.config.is_https()));
    Ok(response)
}

/// The sign-in that this answer belongs to: its `state` is decoded, parsed and compared with what
/// was sent, from this very browser and not before used.
fn verified(app: &App, headers: &HeaderMap, answer: &Fields) -> Result<Arc<SignIn>, Problem> {
    let browser = Cookie::SignIn.read(headers, app.config.is_https());
    let came = answer.find("state").and_then(State::decode);
    let sign_in = came.zip(browser).and_then(|(came, browser)| {
        app.sign_ins
            .take_if(&came.nonce, app.now(), |sign_in| came.matches(&sign_in.state) && sign_in.browser == browser)
    });
    sign_in.ok_or_else(|| match session_of(app, headers) {
        Some(_) => Problem::AlreadyAnswered,
        None => Problem::UnknownState,
    })
}

/// `POST /refresh`: renews the access token now.
pub async fn refresh(AppState(app): AppState<Arc<App>>, OwnForm { session, .. }: OwnForm) -> Result<Response, Problem> {
    let tokens = session.tokens().await?;
    session.renewed(&app.provider, &tokens.access).await?;
    session.leave_notice("The access token is renewed.");
    Ok(see_other("/"))
}

/// `POST /sign-out`: forgets the session and gives its tokens back.
pub async fn sign_out(AppState(app): AppState<Arc<App>>, headers: HeaderMap, form: OwnForm) -> Response {
    drop(form);
    if let Some(former) = forget_session(&app, &headers)
        && let Ok(tokens) = former.tokens().await
    {
        app.provider.revoke(&tokens).await;
    }
    let mut response = see_other("/?signed-out=1").into_response();
    set_cookie(&mut response, Cookie::Session.clear(app.config.is_https()));
    response
}

fn forget_session(app: &App, headers: &HeaderMap) -> Option<Arc<Session>> {
    let id = Cookie::Session.read(headers, app.config.is_https())?;
    app.sessions.take_if(&id, app.now(), |_| true)
}

/// The tokens of a session that another one replaces are of no use to anybody.
fn revoke_later(app: &Arc<App>, former: Arc<Session>) {
    let app = app.clone();
    tokio::spawn(async move {
        if let Ok(tokens) = former.tokens().await {
            app.provider.revoke(&tokens).await;
        }
    });
}

/// Whether a cookie's value is one that this app may have made, and not text of any size.
fn is_ours(id: &str) -> bool {
    id.len() == random_text().len()
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn set_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
