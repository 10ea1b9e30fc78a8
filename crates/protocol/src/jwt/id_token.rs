//! ID tokens (OpenID Connect Core 2): who the person is that an app signed in, and when they proved it.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use serde::{Deserialize, Serialize};

use super::{Algorithm, Audience, JwtFault};
use crate::secret::base64url_encode;

/// What an ID token says. Times are seconds since the Unix epoch. What the person is called stands in userinfo alone
/// (Core 5.4: the code flow gives an access token to ask with).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user's id, the same for every app.
    pub sub: String,
    /// The app, by its client id.
    pub aud: Audience,
    /// End of life.
    pub exp: i64,
    /// Time of issue, rounded down.
    pub iat: i64,
    /// When the person proved who they are.
    pub auth_time: i64,
    /// That of the authorization request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Binds the access token that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The session at this server, as this app knows it (OpenID Connect Front-Channel Logout 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// `at_hash` (Core 3.1.3.6): the left half of the hash of the access token, by the hash of the ID token's algorithm. Of
/// Ed25519 that is SHA-512, its own.
pub fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Es256 => digest(&SHA256, access_token.as_bytes()),
        Algorithm::EdDsa => digest(&SHA512, access_token.as_bytes()),
    };
    let bytes = hash.as_ref();
    base64url_encode(&bytes[..bytes.len() / 2])
}

/// Reads the claims of an ID token of ours whose signature and type are right. One that has expired is good as a hint
/// (Core 3.1.2.1, RP-Initiated Logout 2).
///
/// # Errors
/// Malformed claims, another issuer.
pub fn read_id_token_hint(claims: &[u8], issuer: &str) -> Result<IdTokenClaims, JwtFault> {
    let claims: IdTokenClaims = serde_json::from_slice(claims).map_err(|_| JwtFault::MalformedClaims)?;
    if claims.iss == issuer { Ok(claims) } else { Err(JwtFault::WrongIssuer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of OpenID Connect Core A.3.
    #[test]
    fn the_hash_is_that_of_the_standards_example() {
        assert_eq!(at_hash(Algorithm::Rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(at_hash(Algorithm::Es256, "x"), at_hash(Algorithm::Rs256, "x"));
        assert_eq!(at_hash(Algorithm::EdDsa, "x").len(), 43);
    }

    #[test]
    fn a_hint_is_an_id_token_of_this_issuer() {
        let claims = IdTokenClaims {
            iss: "https://meet.example".into(),
            sub: "u-1".into(),
            aud: Audience::One("c1".into()),
            exp: 0,
            iat: 0,
            auth_time: 0,
            nonce: None,
            at_hash: None,
            sid: None,
        };
        let json = serde_json::to_vec(&claims).unwrap();
        assert_eq!(read_id_token_hint(&json, "https://meet.example"), Ok(claims));
        assert_eq!(read_id_token_hint(&json, "https://other.example"), Err(JwtFault::WrongIssuer));
        assert_eq!(read_id_token_hint(b"{}", "https://meet.example"), Err(JwtFault::MalformedClaims));
    }
}
