//! `/oauth2/logout`: an app sends a person here to sign out (OpenID Connect RP-Initiated Logout 1.0).
//!
//! 1. What came is judged: whose ID token the hint is, which app asks, and whether it may have the person back at the
//!    address it names: one that is registered, byte for byte, of an app that this person may use. Else a page says what is
//!    wrong, and nobody is sent anywhere.
//! 2. An ID token of this very session proves that the app may end it. Without one the person is asked, by a form that is
//!    bound to the browser: a link or picture on some page signs nobody out.
//! 3. The session ends, and the person goes back with `state`, or to the sign-in page.
//!
//! A form of another site comes without cookies (`SameSite=Lax`): it is sent here once more as a query.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Uri};
use protocol::fault;
use protocol::jwt::{Audience, IdTokenClaims};
use protocol::params::Params;
use protocol::redirect_uri::response_url;
use sql::DbError;

use super::answer::redirect;
use super::destination_words::site_words;
use super::id_token::{read_hint, sid};
use super::sealed_request::{MAX_REQUEST, as_query};
use crate::app::SharedApp;
use crate::apps::{self, AppStatus, ServingApp, url_lines};
use crate::ids::{ClientId, UserId};
use crate::users::{self, SignedInVisitor, check_csrf};
use crate::web::{self, LogoutPage, PageError, SessionSecret, Shell, VisitorCookies, form, see_other};

/// `GET /oauth2/logout`
pub async fn log_out(State(app): State<SharedApp>, cookies: VisitorCookies, uri: Uri) -> Result<Response, PageError> {
    let query = as_query(uri.query().unwrap_or_default().as_bytes());
    let visitor = users::find_visitor(&app, &cookies).await?;
    let wish = Wish::read(&app, visitor.as_ref(), &query).await?;
    match visitor {
        Some(visitor) if !wish.may_end(&visitor) => Ok(ask(&app, &visitor, &wish, query)),
        Some(_) => wish.end(&app, &cookies).await,
        None => Ok(wish.leave(&app)),
    }
}

/// `POST /oauth2/logout`
pub async fn log_out_by_form(request: Request) -> Result<Response, PageError> {
    let body = form::read_bytes(request).await?;
    Ok(see_other(&format!("/oauth2/logout?{}", as_query(&body))))
}

/// `POST /oauth2/logout/confirm`: the person's answer.
pub async fn confirm_logout(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let fields = form::read(request).await?;
    let query = as_query(fields.get("request")?.unwrap_or_default().as_bytes());
    let visitor = users::find_visitor(&app, &cookies).await?;
    let wish = Wish::read(&app, visitor.as_ref(), &query).await?;
    let Some(visitor) = visitor else { return Ok(wish.leave(&app)) };
    check_csrf(&app, &headers, &fields, &cookies, &visitor)?;
    match fields.get("decision")? {
        Some("sign_out") => wish.end(&app, &cookies).await,
        _ => Ok(see_other("/account")),
    }
}

/// What the app asks for, as far as it may.
struct Wish {
    /// An ID token of ours that came with it.
    hint: Option<IdTokenClaims>,
    /// The app, where it said which it is.
    client: Option<ServingApp>,
    /// Where the person goes then: registered for the app.
    then: Option<String>,
    /// Goes with the person.
    state: Option<String>,
}

impl Wish {
    async fn read(app: &SharedApp, visitor: Option<&SignedInVisitor>, query: &str) -> Result<Wish, PageError> {
        let refuse = |fault| PageError::new(StatusCode::BAD_REQUEST, fault);
        if query.len() > MAX_REQUEST {
            return Err(refuse(&fault::REQUEST_TOO_LONG));
        }
        let params = Params::from_form(query.as_bytes()).map_err(|error| refuse(error.fault))?;
        let hint = match params.get("id_token_hint")? {
            Some(text) => Some(read_hint(app, text).ok_or_else(|| refuse(&fault::ID_TOKEN_HINT_INVALID))?),
            None => None,
        };
        let client_id = match (params.get("client_id")?, &hint) {
            (Some(id), Some(hint)) if !hint.aud.contains(id) => return Err(refuse(&fault::ID_TOKEN_HINT_INVALID)),
            (Some(id), _) => Some(ClientId::from_text(id)),
            (None, Some(hint)) => match &hint.aud {
                Audience::One(id) => Some(ClientId::from_text(id)),
                Audience::Many(_) => None,
            },
            (None, None) => None,
        };
        let user = visitor.map(|visitor| visitor.signed_in.user.id.clone());
        let (client, may_use) = find_app(app, client_id, user).await?;
        let then = params.get("post_logout_redirect_uri")?.map(str::to_owned);
        if let Some(uri) = &then {
            let registered =
                client.as_ref().is_some_and(|client| url_lines(&client.post_logout_urls).any(|url| url == uri));
            if !registered || !may_use {
                return Err(refuse(&fault::LOGOUT_URI_UNREGISTERED).with_came("The address that came", uri.clone()));
            }
        }
        Ok(Wish { hint, client, then, state: params.get("state")?.map(str::to_owned) })
    }

    /// The hint is the ID token of this very session.
    fn may_end(&self, visitor: &SignedInVisitor) -> bool {
        let (Some(hint), Some(client)) = (&self.hint, &self.client) else { return false };
        let signed_in = &visitor.signed_in;
        hint.sub == signed_in.user.id.as_str()
            && hint.aud.contains(client.client_id.as_str())
            && hint.sid.as_deref() == Some(sid(&signed_in.session.id, &client.client_id).as_str())
    }

    async fn end(&self, app: &SharedApp, cookies: &VisitorCookies) -> Result<Response, PageError> {
        users::end_session(app, cookies).await?;
        Ok(self.leave(app))
    }

    /// Nobody is signed in (any more): on to where the app wants the person.
    fn leave(&self, app: &SharedApp) -> Response {
        let mut response = match (&self.then, &self.state) {
            (Some(uri), Some(state)) => redirect(&response_url(uri, &[("state", state)])),
            (Some(uri), None) => redirect(uri),
            (None, _) => see_other("/sign-in?done=signed-out"),
        };
        SessionSecret::forget_on(app, &mut response);
        response
    }
}

/// The app that asks, and whether it may send this person anywhere: an app that is not approved only its own people.
async fn find_app(
    app: &SharedApp,
    client_id: Option<ClientId>,
    user: Option<UserId>,
) -> Result<(Option<ServingApp>, bool), DbError> {
    let Some(client_id) = client_id else { return Ok((None, false)) };
    let unit = move |tx: &mut sql::Tx<'_>| {
        let Some(client) = apps::find_serving(tx, &client_id)? else { return Ok((None, false)) };
        let may_use = match &user {
            Some(user) => apps::may_use(tx, &client, user)?,
            None => client.status == AppStatus::Approved,
        };
        Ok((Some(client), may_use))
    };
    app.db.read(unit).await
}

fn ask(app: &SharedApp, visitor: &SignedInVisitor, wish: &Wish, query: String) -> Response {
    let page = LogoutPage {
        shell: Shell::of(app),
        app_name: wish.client.as_ref().map(|client| client.name.clone()),
        person: visitor.signed_in.user.person(),
        destination: wish.then.as_deref().map(site_words),
        csrf: visitor.csrf(app),
        request: query,
    };
    let source = wish.then.as_deref().and_then(web::form_action_source);
    let mut response = web::page_with_form_action(StatusCode::OK, &page, source.as_deref()).into_response();
    visitor.browser.keep_on(app, &mut response);
    response
}
