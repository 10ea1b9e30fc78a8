//! Redeeming a code: one unit of work that looks, decides, claims the code and makes the grant.
//!
//! The grant's id begins with the moment at which the person gave it, the creation of the code, so that an epoch which is
//! set while a redemption is under way covers the grant too. The rest of the id is minted before the unit: should the
//! outcome of the commit not be known, the unit runs once more and knows its own grant by it.

use protocol::error::OAuthError;
use protocol::fault;
use protocol::jwt::Audience;
use protocol::scope::{OPENID, ScopeSet};
use protocol::secret::Sha256Digest;
use serde_json::json;
use sql::{DbError, Tx};

use super::access_token::{NewAccessToken, TokenId};
use super::client_auth::{self, Ask};
use super::codes::{self, Code, Decision, Proof};
use super::consent_store::take_consent;
use super::ends;
use super::grant::{EndReason, Family, Generation, Grant};
use super::id_token::NewIdToken;
use super::issue::{Issued, Outcome};
use super::refresh_token::RefreshToken;
use super::revocation_view::CLOCK_MARGIN;
use super::{dpop, store, views};
use crate::apps::TokenApp;
use crate::audit::Actor;
use crate::catalogue::Targets;
use crate::ids::GrantId;
use crate::time::Timestamp;

/// A request to redeem a code, with what was minted for it.
#[derive(Clone)]
pub struct Redemption {
    /// Who asks.
    pub ask: Ask,
    /// Hash of the code.
    pub code: Sha256Digest,
    /// What came with it.
    pub proof: Proof,
    /// Whom the access token is to be for.
    pub targets: Targets,
    /// Random bits for the grant's id.
    pub grant_seed: [u8; 16],
    /// Random bits for the first refresh token.
    pub refresh_secret: [u8; 32],
}

/// The whole unit of work.
///
/// # Errors
/// When the database refuses. A refusal that must be remembered is an outcome.
pub fn redeem(tx: &mut Tx<'_>, asked: &Redemption) -> Result<Outcome, DbError> {
    let client_id = asked.ask.client_id();
    let longest = asked.ask.app.config.tokens.authorization_code_ttl.get() + CLOCK_MARGIN;
    // A claim that is lost is lost to another redemption, and the second look finds the code spent.
    for _ in 0..2 {
        let found = views::find_client_and_code(tx, &client_id, &asked.code)?;
        let (app, beside) = match found {
            Some((app, beside)) => (Some(app), beside),
            None => (None, None),
        };
        let client = match client_auth::admit(tx, &asked.ask, app.as_ref())? {
            Ok(client) => client,
            Err(refusal) => return Ok(Outcome::from(refusal)),
        };
        let (Some(app), Some((code, account))) = (app, beside) else {
            return Ok(Outcome::Refused(OAuthError::invalid_grant(&fault::CODE_UNKNOWN)));
        };
        if let Some(refusal) = dpop::admit(tx, &asked.ask, &app)? {
            return Ok(Outcome::Refused(refusal));
        }
        let id = grant_id(asked.grant_seed, code.created_at);
        if code.grant_id == Some(id) {
            return Ok(match narrow(asked, &app, &code) {
                Ok(opens) => Outcome::issued(issue(asked, &app, &code, id, opens, client)),
                Err(refusal) => Outcome::Refused(refusal),
            });
        }
        match codes::decide(&code, &app, account.as_ref(), &asked.proof, asked.ask.now) {
            // Made while a clock was ahead: an epoch that was set since may be before it.
            Decision::Redeem if code.expires_at > asked.ask.now.plus(longest) => {
                return Ok(Outcome::Refused(OAuthError::invalid_grant(&fault::CODE_EXPIRED)));
            }
            Decision::Redeem => {
                let opens = match narrow(asked, &app, &code) {
                    Ok(opens) => opens,
                    Err(refusal) => return Ok(Outcome::Refused(refusal)),
                };
                // How many grants live is a question about all of them: two redemptions at once come one after the other.
                let is_bounded = asked.ask.app.config.tokens.max_live_grants > 0;
                if is_bounded && !take_consent(tx, &code.user_id, &app.id)? {
                    continue;
                }
                if store::claim_code(tx, &asked.code, Some(id), asked.ask.now)? {
                    let issued = issue(asked, &app, &code, id, opens, client);
                    store::insert_grant(tx, &new_grant(asked, &app, &code, &issued), &asked.code)?;
                    ends::end_surplus(tx, &asked.ask, &app.id, &code.user_id)?;
                    return Ok(Outcome::issued(issued));
                }
            }
            Decision::Replay => return replay(tx, asked, &app, &code),
            Decision::Spend(fault) => {
                store::claim_code(tx, &asked.code, None, asked.ask.now)?;
                return Ok(Outcome::Refused(OAuthError::invalid_grant(fault)));
            }
            Decision::Refuse(fault) => return Ok(Outcome::Refused(OAuthError::invalid_grant(fault))),
        }
    }
    Ok(Outcome::Refused(OAuthError::invalid_grant(&fault::CODE_SPENT)))
}

/// The seed with the moment at which the person gave the grant in its first 48 bits.
fn grant_id(mut seed: [u8; 16], given_at: Timestamp) -> GrantId {
    seed[..6].copy_from_slice(&given_at.as_millis().to_be_bytes()[2..]);
    GrantId::from_bytes(seed)
}

/// What the access token opens, and whom it is for. A refusal leaves the code as it is.
fn narrow(asked: &Redemption, app: &TokenApp, code: &Code) -> Result<(ScopeSet, Audience), OAuthError> {
    let targets = asked.targets.clone().within(&code.targets)?;
    let scopes = code.scopes.intersection(&app.scopes);
    asked.ask.app.catalogue.narrow(&scopes, &targets).ok_or(OAuthError::invalid_target(&fault::TARGET_WITHOUT_SCOPE))
}

fn issue(
    asked: &Redemption,
    app: &TokenApp,
    code: &Code,
    id: GrantId,
    (scopes, audience): (ScopeSet, Audience),
    client: client_auth::Authenticated,
) -> Issued {
    let key = asked.ask.app.keys.current();
    let tokens = &asked.ask.app.config.tokens;
    let signed_in = code.scopes.contains(OPENID) && app.scopes.contains(OPENID);
    Issued {
        id_token: signed_in.then(|| NewIdToken {
            user_id: code.user_id.clone(),
            client_id: app.client_id.clone(),
            session_id: code.session_id.clone(),
            authenticated_at: code.authenticated_at,
            nonce: code.nonce.clone(),
        }),
        access: NewAccessToken {
            id: TokenId { grant: id, generation: Generation::FIRST },
            user_id: code.user_id.clone(),
            client_id: app.client_id.clone(),
            scopes,
            audience,
            bound_to: asked.ask.key(),
            authenticated_at: code.authenticated_at,
            access_until: asked.ask.now.plus(tokens.access_token_ttl.get()),
        },
        refresh: RefreshToken::first(id, &key, asked.refresh_secret),
        key,
        expires_in_as_time: app.expires_in_as_time,
        client,
    }
}

fn new_grant(asked: &Redemption, app: &TokenApp, code: &Code, issued: &Issued) -> Grant {
    let now = asked.ask.now;
    Grant {
        id: issued.access.id.grant,
        app_id: app.id.clone(),
        user_id: code.user_id.clone(),
        session_id: code.session_id.clone(),
        scopes: code.scopes.clone(),
        targets: code.targets.clone(),
        // A confidential client's refresh token is bound to the client itself (RFC 9449 section 5).
        dpop_jkt: asked.ask.key().filter(|_| app.kind.is_public()),
        authenticated_at: code.authenticated_at,
        created_at: code.created_at,
        family: Family {
            generation: Generation::FIRST,
            secret_hash: issued.refresh.secret_hash(),
            rotated_at: now,
            previous: None,
            key_number: issued.key.number,
            successor_used: false,
            access_until: issued.access.access_until,
            refresh_expires_at: now.plus(asked.ask.app.config.tokens.refresh_token_ttl.get()),
            ended: false,
        },
    }
}

fn replay(tx: &mut Tx<'_>, asked: &Redemption, app: &TokenApp, code: &Code) -> Result<Outcome, DbError> {
    if let Some(grant) = code.grant_id {
        let ending = ends::Ending {
            actor: Actor::App(app.id.clone()),
            app: &app.id,
            user: &code.user_id,
            reason: EndReason::ReplayedCode,
            detail: json!({}),
        };
        ends::end_grant(tx, &asked.ask, grant, &ending)?;
    }
    Ok(Outcome::Refused(OAuthError::invalid_grant(&fault::CODE_SPENT)))
}
