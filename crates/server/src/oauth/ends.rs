//! Every way in which access ends, state and audit entry in one unit of work.
//!
//! One grant ends in its row: replay, revocation by the app, a signature that failed. What a person gave one app ends
//! row by row too, its waiting codes first. Everything of an app or of an account ends by one epoch, however many grants
//! there are: [`crate::apps`] and [`crate::users`] keep those, and every check here compares with them.

use serde_json::{Value as Json, json};
use sql::{DbError, Tx};

use super::access_token::NewAccessToken;
use super::client_auth::Ask;
use super::grant::EndReason;
use super::{store, views};
use crate::app::App;
use crate::audit::{Actor, Record};
use crate::ids::{AppId, GrantId, UserId};
use crate::random::Random;
use crate::time::Timestamp;

/// Who ends a grant, and why.
#[derive(Debug, Clone)]
pub struct Ending<'a> {
    /// Who.
    pub actor: Actor,
    /// The app that held it.
    pub app: &'a AppId,
    /// The person who gave it.
    pub user: &'a UserId,
    /// Why.
    pub reason: EndReason,
    /// What else is worth keeping.
    pub detail: Json,
}

/// Ends a grant and says so in the audit log; false when it had ended before.
///
/// # Errors
/// When the database refuses.
pub fn end_grant(tx: &mut Tx<'_>, ask: &Ask, grant: GrantId, ending: &Ending<'_>) -> Result<bool, DbError> {
    end(tx, &ask.app.random, ask.now, &ask.address, grant, ending)
}

fn end(
    tx: &mut Tx<'_>,
    random: &Random,
    now: Timestamp,
    address: &str,
    grant: GrantId,
    ending: &Ending<'_>,
) -> Result<bool, DbError> {
    if !store::claim_end(tx, grant, ending.reason, now)? {
        return Ok(false);
    }
    let mut detail = ending.detail.clone();
    detail["grant"] = json!(grant.to_string());
    detail["reason"] = json!(ending.reason.as_str());
    Record::new(random, now, ending.actor.clone(), "grant.ended")
        .app(ending.app)
        .user(ending.user)
        .address(address)
        .detail(detail)
        .write(tx)?;
    Ok(true)
}

/// Ends the oldest grants beyond `tokens.max_live_grants` that the person holds for the app.
///
/// # Errors
/// When the database refuses.
pub fn end_surplus(tx: &mut Tx<'_>, ask: &Ask, app: &AppId, user: &UserId) -> Result<(), DbError> {
    let keep = ask.app.config.tokens.max_live_grants;
    if keep == 0 {
        return Ok(());
    }
    let ending = Ending { actor: Actor::System, app, user, reason: EndReason::TooMany, detail: json!({}) };
    for grant in store::list_surplus(tx, user, app, keep, ask.now)? {
        end_grant(tx, ask, grant, &ending)?;
    }
    Ok(())
}

/// Ends a grant whose first token could not be signed: nobody holds anything of it. Gives a sentence for the log.
pub async fn end_unsigned(app: &App, token: &NewAccessToken, now: Timestamp) -> String {
    let random = app.random.clone();
    let (grant, user, client_id) = (token.id.grant, token.user_id.clone(), token.client_id.clone());
    let ended = app
        .db
        .write(move |tx| {
            let Some(app) = views::find_client(tx, &client_id)? else { return Ok(false) };
            let (actor, reason) = (Actor::System, EndReason::SigningFailed);
            let ending = Ending { actor, app: &app.id, user: &user, reason, detail: json!({}) };
            end(tx, &random, now, "", grant, &ending)
        })
        .await;
    match ended {
        Ok(ended) => format!("signing failed after the commit; the grant {grant} was ended: {ended}"),
        Err::<bool, DbError>(error) => format!("signing failed after the commit; {grant} could not be ended: {error}"),
    }
}

/// A person takes back what they gave an app: waiting codes, grants, and the remembered consent. Gives the number of
/// grants that ended.
///
/// # Errors
/// When the database refuses.
pub fn remove_access(
    tx: &mut Tx<'_>,
    random: &Random,
    user: &UserId,
    app: &AppId,
    address: &str,
    now: Timestamp,
) -> Result<u64, DbError> {
    // First of all, as whoever counts the grants takes it before them.
    store::delete_consent(tx, user, app)?;
    let ended = store::end_all_between(tx, user, app, now)?;
    Record::new(random, now, Actor::User(user.clone()), "access.removed")
        .app(app)
        .user(user)
        .address(address)
        .detail(json!({ "grants": ended }))
        .write(tx)?;
    Ok(ended)
}
