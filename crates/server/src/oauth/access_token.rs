//! The claims of an access token: RFC 9068 section 2.2 and those of the published API description.
//!
//! No `nbf`, and `iat` is floored to the second: a client whose clock is a little behind must not find its token in the
//! future. `tokenId` names grant and generation, so that a token can be withdrawn before its time.

use std::fmt;
use std::time::Duration;

use protocol::jwt::{AccessTokenClaims, Audience, Confirmation, Thumbprint};
use protocol::scope::ScopeSet;
use protocol::secret::base64url_encode;

use super::grant::Generation;
use crate::ids::{ClientId, GrantId, UserId};
use crate::time::Timestamp;

/// What `source` and `oauthSource` say, as in the published API description.
const SOURCE: &str = "oauthv2";

/// What an access token is made for.
#[derive(Debug, Clone)]
pub struct NewAccessToken {
    /// Which one it is.
    pub id: TokenId,
    /// The person.
    pub user_id: UserId,
    /// The app.
    pub client_id: ClientId,
    /// What it opens.
    pub scopes: ScopeSet,
    /// Whom it is for: those whose scopes they are.
    pub audience: Audience,
    /// The key that it is bound to.
    pub bound_to: Option<Thumbprint>,
    /// When the person had last proved who they are.
    pub authenticated_at: Timestamp,
    /// The grant's bound: the token does not outlive it.
    pub access_until: Timestamp,
}

/// The times of an access token, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// `iat`.
    pub issued_at: i64,
    /// `exp`: the first second at which it opens nothing any more.
    pub expires_at: i64,
}

impl Validity {
    /// From now for `lifetime`, but no longer than `until`.
    pub fn new(now: Timestamp, lifetime: Duration, until: Timestamp) -> Validity {
        let issued_at = now.as_seconds();
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let expires_at = issued_at.saturating_add(lifetime).min(until.as_seconds()).max(issued_at);
        Validity { issued_at, expires_at }
    }

    /// `expires_in`.
    pub const fn seconds(self) -> i64 {
        self.expires_at - self.issued_at
    }

    /// The moment of expiry.
    pub const fn end(self) -> Timestamp {
        Timestamp::from_millis(self.expires_at.saturating_mul(1000))
    }
}

impl NewAccessToken {
    /// The claims as JSON, ready to be signed. `jti` are 128 random bits.
    pub fn claims(&self, issuer: &str, validity: Validity, jti: [u8; 16]) -> Vec<u8> {
        let claims = AccessTokenClaims {
            iss: issuer.to_owned(),
            sub: self.user_id.as_str().to_owned(),
            aud: self.audience.clone(),
            exp: validity.expires_at,
            iat: validity.issued_at,
            auth_time: Some(self.authenticated_at.as_seconds()),
            jti: base64url_encode(&jti),
            client_id: self.client_id.as_str().to_owned(),
            scope: self.scopes.clone(),
            user_id: self.user_id.as_str().to_owned(),
            token_id: self.id.to_string(),
            source: SOURCE.to_owned(),
            documented_client_id: self.client_id.as_str().to_owned(),
            oauth_source: SOURCE.to_owned(),
            cnf: self.bound_to.map(|key| Confirmation { jkt: key.to_string() }),
        };
        // Texts and integers: writing them cannot fail.
        let mut json = Vec::with_capacity(640);
        let written = serde_json::to_writer(&mut json, &claims);
        debug_assert!(written.is_ok());
        json
    }
}

/// The `tokenId`: `ot-`, the grant, a dot, the generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId {
    /// The grant.
    pub grant: GrantId,
    /// Which of its generations.
    pub generation: Generation,
}

impl TokenId {
    /// Reads the text of [`TokenId`]'s `Display`; nothing for anything else.
    pub fn parse(text: &str) -> Option<TokenId> {
        let (grant, generation) = text.strip_prefix("ot-")?.split_once('.')?;
        Some(TokenId { grant: GrantId::parse(grant)?, generation: Generation::parse(generation)? })
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ot-{}.{}", self.grant, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const NOW: Timestamp = Timestamp::from_millis(1_696_255_602_999);

    fn token() -> NewAccessToken {
        NewAccessToken {
            id: TokenId { grant: GrantId::from_bytes([7; 16]), generation: Generation::FIRST.next() },
            user_id: UserId::from_text("u-1"),
            client_id: ClientId::from_text("65016dbec5902e8fbdebd24c"),
            scopes: ScopeSet::parse("meeting:create user:read").unwrap(),
            audience: Audience::One("https://meet.example".into()),
            bound_to: None,
            authenticated_at: Timestamp::from_millis(1_696_255_000_500),
            access_until: NOW.plus(Duration::from_secs(100_000)),
        }
    }

    #[test]
    fn the_claims_are_those_of_rfc_9068_and_of_the_api_description() {
        let validity = Validity::new(NOW, Duration::from_secs(86_400), token().access_until);
        let json = String::from_utf8(token().claims("https://meet.example", validity, [0; 16])).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"iss":"https://meet.example","sub":"u-1","aud":"https://meet.example","exp":1696342002,"iat":1696255602,"#,
                r#""auth_time":1696255000,"jti":"AAAAAAAAAAAAAAAAAAAAAA","client_id":"65016dbec5902e8fbdebd24c","#,
                r#""scope":"meeting:create user:read","userId":"u-1","tokenId":"ot-07070707-0707-0707-0707-070707070707.1","#,
                r#""source":"oauthv2","clientId":"65016dbec5902e8fbdebd24c","oauthSource":"oauthv2"}"#
            )
        );
    }

    #[test]
    fn a_token_never_outlives_its_grants_bound() {
        let short = Validity::new(NOW, Duration::from_secs(86_400), NOW.plus(Duration::from_secs(10)));
        assert_eq!((short.seconds(), short.issued_at), (10, 1_696_255_602));
        let over = Validity::new(NOW, Duration::from_secs(86_400), NOW.minus(Duration::from_secs(10)));
        assert_eq!(over.seconds(), 0, "born dead rather than older than itself");
    }

    #[test]
    fn a_token_id_has_one_text() {
        let id = TokenId { grant: GrantId::mint(&Random::default(), NOW), generation: Generation::FIRST };
        assert_eq!(TokenId::parse(&id.to_string()), Some(id));
        for wrong in ["", "ot-", "ot-x.1", &id.to_string().replace("ot-", ""), &format!("{id}0"), &format!("{id}.1")] {
            assert_eq!(TokenId::parse(wrong), None, "{wrong}");
        }
        assert_eq!(TokenId::parse(&id.to_string().replace(".0", ".+0")), None);
        assert_eq!(TokenId::parse(&id.to_string().replace(".0", ".00")), None);
    }
}
