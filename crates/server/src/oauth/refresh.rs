//! Refreshing: one unit of work that looks, decides by the table of [`super::refresh_rule`] and claims.
//!
//! Client, app, account, epochs and scope come before the table; failing them changes nothing. A claim that is lost was
//! lost to another refresh of the same token: look again and answer by the table, which gives both the same successor.

use std::sync::Arc;

use protocol::error::OAuthError;
use protocol::fault::{self, Fault};
use protocol::jwt::Audience;
use protocol::scope::{OPENID, ScopeSet};
use serde_json::json;
use sql::{DbError, Tx};

use super::access_token::{NewAccessToken, TokenId};
use super::client_auth::{self, Ask, Authenticated};
use super::ends::{self, Ending};
use super::grant::{Account, Dead, EndReason, Family, Generation, Grant, check_alive};
use super::id_token::NewIdToken;
use super::issue::{Issued, Outcome};
use super::refresh_rule::{Decision, Lifetimes, decide};
use super::refresh_token::RefreshToken;
use super::store::Turn;
use super::{dpop, store, views};
use crate::apps::TokenApp;
use crate::audit::Actor;
use crate::catalogue::Targets;
use crate::keys::RootKey;
use crate::time::Timestamp;

/// A request to refresh.
#[derive(Clone)]
pub struct Refresh {
    /// Who asks.
    pub ask: Ask,
    /// The token, its MAC good.
    pub token: RefreshToken,
    /// A narrower scope for the access token; none means what was granted.
    pub scope: Option<ScopeSet>,
    /// Whom the access token is to be for.
    pub targets: Targets,
}

/// More looks than any schedule of two requests needs: each lost claim means that another one was won.
const LOOKS: usize = 8;

/// The whole unit of work.
///
/// # Errors
/// When the database refuses, or other refreshes of the grant won every claim. A refusal that must be remembered is an
/// outcome.
pub fn refresh(tx: &mut Tx<'_>, asked: &Refresh) -> Result<Outcome, DbError> {
    let client_id = asked.ask.client_id();
    for _ in 0..LOOKS {
        let found = views::find_client_and_grant(tx, &client_id, asked.token.grant)?;
        let (app, beside) = match found {
            Some((app, beside)) => (Some(app), beside),
            None => (None, None),
        };
        let client = match client_auth::admit(tx, &asked.ask, app.as_ref())? {
            Ok(client) => client,
            Err(refusal) => return Ok(Outcome::from(refusal)),
        };
        let (Some(app), Some((grant, account))) = (app, beside) else {
            return Ok(refused(&fault::REFRESH_TOKEN_UNKNOWN));
        };
        if let Some(refusal) = dpop::admit(tx, &asked.ask, &app)? {
            return Ok(Outcome::Refused(refusal));
        }
        let opens = match check_before_the_table(asked, &app, &grant, account.as_ref()) {
            Ok(opens) => opens,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let step = Step { asked, app: &app, grant: &grant, opens, client };
        if let Some(outcome) = step.take(tx)? {
            return Ok(outcome);
        }
    }
    Err(DbError::Contended("refreshing a grant".into()))
}

/// What must hold before anything of the family counts; gives the scopes and the audience of the new access token.
fn check_before_the_table(
    asked: &Refresh,
    app: &TokenApp,
    grant: &Grant,
    account: Option<&Account>,
) -> Result<Opens, OAuthError> {
    let invalid = OAuthError::invalid_grant;
    if grant.app_id != app.id {
        return Err(invalid(&fault::REFRESH_TOKEN_UNKNOWN));
    }
    let account = account.ok_or(invalid(&fault::GRANT_ENDED))?;
    check_alive(app, account, grant.created_at).map_err(|dead| {
        invalid(match dead {
            Dead::App => &fault::CLIENT_INACTIVE,
            Dead::Outsider => &fault::CLIENT_NOT_APPROVED,
            Dead::Account | Dead::Ended => &fault::GRANT_ENDED,
        })
    })?;
    if grant.dpop_jkt.is_some() && grant.dpop_jkt != asked.ask.key() {
        return Err(invalid(&fault::DPOP_KEY_MISMATCH));
    }
    // RFC 6749 section 6: the scope may be narrower than what was granted, never wider.
    let wanted = match &asked.scope {
        Some(asked) if !asked.is_subset(&grant.scopes) => {
            return Err(OAuthError::invalid_scope(&fault::SCOPE_EXCEEDS_GRANT));
        }
        Some(asked) if !asked.is_empty() => asked,
        _ => &grant.scopes,
    };
    // An app that was narrowed since gets no more than it may ask for today.
    let scopes = wanted.intersection(&app.scopes);
    if scopes.is_empty() {
        return Err(OAuthError::invalid_scope(&fault::SCOPE_NOT_REGISTERED));
    }
    let targets = asked.targets.clone().within(&grant.targets)?;
    let opens = asked.ask.app.catalogue.narrow(&scopes, &targets);
    let (opened, audience) = opens.ok_or(OAuthError::invalid_target(&fault::TARGET_WITHOUT_SCOPE))?;
    Ok(Opens { signs_in: scopes.contains(OPENID), scopes: opened, audience })
}

/// What the new tokens are good for.
struct Opens {
    /// The access token's scopes.
    scopes: ScopeSet,
    /// Whom it is for.
    audience: Audience,
    /// An ID token goes with it (OpenID Connect Core 12.2).
    signs_in: bool,
}

/// One look at the grant, and what follows from it.
struct Step<'a> {
    asked: &'a Refresh,
    app: &'a TokenApp,
    grant: &'a Grant,
    opens: Opens,
    client: Authenticated,
}

impl Step<'_> {
    /// Decides and acts; nothing when a claim was lost and the grant must be looked at again.
    fn take(self, tx: &mut Tx<'_>) -> Result<Option<Outcome>, DbError> {
        let tokens = &self.asked.ask.app.config.tokens;
        let lifetimes = Lifetimes {
            grace: tokens.refresh_reuse_grace.get(),
            refresh: tokens.refresh_token_ttl.get(),
            use_is_seen: self.asked.ask.app.catalogue.sees_every_use(&self.grant.scopes, &self.grant.targets),
        };
        let presented = &self.asked.token;
        let family = &self.grant.family;
        let is_parent = || self.is_parent_of_previous();
        let now = self.asked.ask.now;
        let decision = decide(family, presented.generation, &presented.secret_hash(), is_parent, lifetimes, now);
        let counters = &self.asked.ask.app.oauth.counters;
        match decision {
            Decision::Rotate => self.turn(tx, store::claim_rotation),
            Decision::Recover => {
                let until = family.access_until;
                let recovered = self.turn(tx, |tx, turn| store::claim_recovery(tx, turn, until))?;
                if recovered.is_some() {
                    counters.refresh_recoveries.count();
                }
                Ok(recovered)
            }
            Decision::Repeat => {
                counters.refresh_repeats.count();
                Ok(Some(self.repeat()))
            }
            Decision::Replay => {
                if !self.end(tx)? {
                    // Another request ended it since the look: the table has an answer for that.
                    return Ok(None);
                }
                counters.refresh_replays.count();
                Ok(Some(refused(&fault::REFRESH_TOKEN_REPLAYED)))
            }
            Decision::Delayed => Ok(Some(refused(&fault::REFRESH_TOKEN_REPLACED))),
            Decision::Expired => Ok(Some(refused(&fault::REFRESH_TOKEN_EXPIRED))),
            Decision::Ended => Ok(Some(refused(&fault::GRANT_ENDED))),
            Decision::SetBack => {
                counters.database_set_back.count();
                tracing::error!(
                    grant = %presented.grant, presented = %presented.generation, stored = %family.generation,
                    "a refresh token is newer than its grant: was the database restored from an older backup?"
                );
                Ok(Some(refused(&fault::REFRESH_TOKEN_UNKNOWN)))
            }
        }
    }

    /// A new generation, its secret derived from the presented one by the current server key.
    fn turn(
        self,
        tx: &mut Tx<'_>,
        claim: impl FnOnce(&mut Tx<'_>, &Turn) -> Result<bool, DbError>,
    ) -> Result<Option<Outcome>, DbError> {
        let app = &self.asked.ask.app;
        let now = self.asked.ask.now;
        let tokens = &app.config.tokens;
        let key = app.keys.current();
        let successor = self.asked.token.successor(&key, self.grant.family.generation.next());
        let access_until = now.plus(tokens.refresh_reuse_grace.get()).plus(tokens.access_token_ttl.get());
        let turn = Turn {
            grant: self.grant.id,
            seen: self.grant.family.generation,
            generation: successor.generation,
            secret_hash: successor.secret_hash(),
            key_number: key.number,
            at: now,
            access_until,
            refresh_expires_at: now.plus(tokens.refresh_token_ttl.get()),
        };
        if !claim(tx, &turn)? {
            return Ok(None);
        }
        Ok(Some(self.issue(successor, key, access_until)))
    }

    /// The successor that was made before, by the key that made it.
    fn repeat(self) -> Outcome {
        let family = &self.grant.family;
        let Some(key) = self.asked.ask.app.keys.numbered(family.key_number) else {
            return Outcome::Refused(OAuthError::server_error(format!("server key {} is gone", family.key_number)));
        };
        let successor = self.asked.token.successor(&key, family.generation);
        if successor.secret_hash() != family.secret_hash {
            return Outcome::Refused(OAuthError::server_error(format!("server key {} has changed", family.key_number)));
        }
        let until = family.access_until;
        self.issue(successor, key, until)
    }

    fn issue(self, refresh: RefreshToken, key: Arc<RootKey>, access_until: Timestamp) -> Outcome {
        let Opens { scopes, audience, signs_in } = self.opens;
        Outcome::issued(Issued {
            id_token: signs_in.then(|| NewIdToken {
                user_id: self.grant.user_id.clone(),
                client_id: self.app.client_id.clone(),
                session_id: self.grant.session_id.clone(),
                authenticated_at: self.grant.authenticated_at,
                nonce: None,
            }),
            access: NewAccessToken {
                id: TokenId { grant: self.grant.id, generation: refresh.generation },
                user_id: self.grant.user_id.clone(),
                client_id: self.app.client_id.clone(),
                scopes,
                audience,
                bound_to: self.asked.ask.key(),
                authenticated_at: self.grant.authenticated_at,
                access_until,
            },
            refresh,
            key,
            expires_in_as_time: self.app.expires_in_as_time,
            client: self.client,
        })
    }

    /// Ends the grant; false when it had ended by then.
    fn end(&self, tx: &mut Tx<'_>) -> Result<bool, DbError> {
        let presented = self.asked.token.generation.number();
        let current = self.grant.family.generation.number();
        let ending = Ending {
            actor: Actor::App(self.app.id.clone()),
            app: &self.app.id,
            user: &self.grant.user_id,
            reason: EndReason::ReplayedRefresh,
            detail: json!({ "presented": presented, "current": current }),
        };
        ends::end_grant(tx, &self.asked.ask, self.grant.id, &ending)
    }

    /// Whether the previous token was derived from the presented one: by whichever key was current then.
    fn is_parent_of_previous(&self) -> bool {
        let Family { previous: Some(previous), key_number, .. } = &self.grant.family else { return false };
        let keys = &self.asked.ask.app.keys;
        (i64::from(self.asked.token.key_number)..=*key_number)
            .filter_map(|number| keys.numbered(number))
            .any(|key| self.derives(&key, previous.generation, &previous.secret_hash))
    }

    fn derives(&self, key: &RootKey, generation: Generation, hash: &protocol::secret::Sha256Digest) -> bool {
        self.asked.token.successor(key, generation).secret_hash() == *hash
    }
}

fn refused(fault: &'static Fault) -> Outcome {
    Outcome::Refused(OAuthError::invalid_grant(fault))
}
