//! `POST /api/oauth2/v2/revoke` (RFC 7009): any refresh token of a grant, or any of its access tokens, ends the grant.
//!
//! A token that means nothing to us is no fault of the client's: 200, as section 2.2 wants. Another app's token is refused
//! and nothing happens to it.

use axum::extract::{Request, State};
use axum::response::Response;
use protocol::error::OAuthError;
use protocol::fault;
use protocol::jwt::AccessTokenClaims;
use protocol::token_request::PresentedToken;
use serde_json::json;
use sql::{DbError, Tx};

use super::access_token::TokenId;
use super::client_auth::{self, Ask, ClientRefusal};
use super::ends::{self, Ending};
use super::grant::EndReason;
use super::refresh_token::RefreshToken;
use super::request::ClientRequest;
use super::token::{Refusal, json_answer};
use super::{bearer, views};
use crate::app::{App, SharedApp};
use crate::audit::Actor;
use crate::ids::GrantId;

/// The handler.
pub async fn revoke_token(State(app): State<SharedApp>, request: Request) -> Response {
    match answer(app, request).await {
        Ok(()) => json_answer(b"{}".to_vec()),
        Err(refusal) => refusal.into_answer(),
    }
}

async fn answer(app: SharedApp, request: Request) -> Result<(), Refusal> {
    let ClientRequest { ask, params } = ClientRequest::read(app.clone(), request).await?;
    let presented = PresentedToken::read(&params)?;
    let grant = grant_of(&app, presented.token.expose());
    let outcome = app.db.write(move |tx| revoke(tx, &ask, grant)).await?;
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::OtherApp => Err(OAuthError::invalid_grant(&fault::REFRESH_TOKEN_UNKNOWN).into()),
        Outcome::Client(ClientRefusal::Failed(error)) => Err(error.into()),
        Outcome::Client(ClientRefusal::Limited(wait)) => Err(Refusal::Limited(wait)),
    }
}

/// The grant behind a token of either kind that we made. An access token may have expired: its grant may live.
pub fn grant_of(app: &App, token: &str) -> Option<GrantId> {
    if let Some(refresh) = RefreshToken::parse(token, &app.keys) {
        return Some(refresh.grant);
    }
    let claims = bearer::signed_claims(app, token).ok()?;
    let claims: AccessTokenClaims = serde_json::from_slice(&claims).ok()?;
    TokenId::parse(&claims.token_id).map(|id| id.grant)
}

enum Outcome {
    Done,
    OtherApp,
    Client(ClientRefusal),
}

fn revoke(tx: &mut Tx<'_>, ask: &Ask, grant: Option<GrantId>) -> Result<Outcome, DbError> {
    let client_id = ask.client_id();
    let (app, grant) = match grant {
        None => (views::find_client(tx, &client_id)?, None),
        Some(grant) => match views::find_client_and_grant(tx, &client_id, grant)? {
            Some((app, beside)) => (Some(app), beside.map(|(grant, _)| grant)),
            None => (None, None),
        },
    };
    if let Err(refusal) = client_auth::admit(tx, ask, app.as_ref())? {
        return Ok(Outcome::Client(refusal));
    }
    let (Some(app), Some(grant)) = (app, grant) else { return Ok(Outcome::Done) };
    if grant.app_id != app.id {
        return Ok(Outcome::OtherApp);
    }
    let ending = Ending {
        actor: Actor::App(app.id.clone()),
        app: &app.id,
        user: &grant.user_id,
        reason: EndReason::RevokedByApp,
        detail: json!({}),
    };
    ends::end_grant(tx, ask, grant.id, &ending)?;
    Ok(Outcome::Done)
}
