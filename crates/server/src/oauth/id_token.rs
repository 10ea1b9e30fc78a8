//! ID tokens (OpenID Connect Core 2): made with the access token of a grant that has `openid`, and read back as hints.
//!
//! They say who signed in, when, and in which session; what the person is called stands in userinfo. An ID token never
//! passes for an access token, nor the other way round: `typ` differs.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use protocol::jwt::{Algorithm, Audience, IdTokenClaims, TokenType, at_hash, read_id_token_hint};
use protocol::secret::base64url_encode;

use crate::app::App;
use crate::ids::{ClientId, SessionId, UserId};
use crate::time::Timestamp;

/// An ID token that is about to be signed.
#[derive(Debug, Clone)]
pub struct NewIdToken {
    /// The person.
    pub user_id: UserId,
    /// The app.
    pub client_id: ClientId,
    /// The session in which the person let the app in.
    pub session_id: SessionId,
    /// When they had last proved who they are.
    pub authenticated_at: Timestamp,
    /// That of the authorization request; at a refresh there is none (Core 12.2).
    pub nonce: Option<String>,
}

impl NewIdToken {
    /// The claims as JSON, ready to be signed by a key of that algorithm, beside this access token.
    pub fn claims(
        &self,
        issuer: &str,
        now: Timestamp,
        lifetime: Duration,
        algorithm: Algorithm,
        access_token: &str,
    ) -> Vec<u8> {
        let issued_at = now.as_seconds();
        let claims = IdTokenClaims {
            iss: issuer.to_owned(),
            sub: self.user_id.as_str().to_owned(),
            aud: Audience::One(self.client_id.as_str().to_owned()),
            exp: issued_at.saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX)),
            iat: issued_at,
            auth_time: self.authenticated_at.as_seconds(),
            nonce: self.nonce.clone(),
            at_hash: Some(at_hash(algorithm, access_token)),
            sid: Some(sid(&self.session_id, &self.client_id)),
        };
        // Texts and integers: writing them cannot fail.
        serde_json::to_vec(&claims).unwrap_or_default()
    }
}

/// A session's name for one app: two apps cannot compare what they hold, and ours stays ours.
pub fn sid(session: &SessionId, client: &ClientId) -> String {
    let text = format!("sid {} {}", session.as_str(), client.as_str());
    base64url_encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

/// Reads an ID token of ours, expired or not; nothing for anything else.
pub fn read_hint(app: &App, hint: &str) -> Option<IdTokenClaims> {
    let verified = app.signer.verify(hint, TokenType::IdToken).ok()?;
    read_id_token_hint(&verified.claims, app.issuer.as_str()).ok()
}

/// Whom a hint names that was given to this app.
pub fn hinted_user(app: &App, hint: &str, client: &ClientId) -> Option<UserId> {
    let claims = read_hint(app, hint)?;
    claims.aud.contains(client.as_str()).then(|| UserId::from_text(&claims.sub))
}
