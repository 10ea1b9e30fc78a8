//! The claims of an access token: those of RFC 9068 2.2 and those that the API description shows.

use serde::{Deserialize, Serialize};

use super::JwtFault;
use crate::scope::ScopeSet;

/// What an access token says. Times are seconds since the Unix epoch, as RFC 7519 wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user's id.
    pub sub: String,
    /// Whom the token is for.
    pub aud: Audience,
    /// End of life.
    pub exp: i64,
    /// Time of issue, rounded down.
    pub iat: i64,
    /// When the person signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// A random id of this very token.
    pub jti: String,
    /// The app.
    pub client_id: String,
    /// What the app may do.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub scope: ScopeSet,
    /// Documented name of `sub`.
    #[serde(rename = "userId")]
    pub user_id: String,
    /// Grant and generation.
    #[serde(rename = "tokenId")]
    pub token_id: String,
    /// Documented constant.
    pub source: String,
    /// Documented name of `client_id`.
    #[serde(rename = "clientId")]
    pub documented_client_id: String,
    /// Documented constant.
    #[serde(rename = "oauthSource")]
    pub oauth_source: String,
    /// The key that the token is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// `cnf`: who may use a token (RFC 7800, RFC 9449 6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confirmation {
    /// Thumbprint of the key that must sign a proof with every use.
    pub jkt: String,
}

/// `aud`: one audience or several (RFC 7519 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Audience {
    /// Those that are named, in the shape that fits their number.
    pub fn of(mut audiences: Vec<String>) -> Self {
        match audiences.len() {
            1 => Self::One(audiences.remove(0)),
            _ => Self::Many(audiences),
        }
    }

    /// Whether this audience is named.
    pub fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

/// Checks the claims of an access token whose signature and type are right (RFC 9068 4, RFC 7519 4.1.4): it is from
/// `issuer`, `now` (milliseconds) is before `exp`, without leeway. Whom it is for is left to the caller, who may ask on behalf of
/// another.
///
/// An `iat` that is still to come is no fault: the signature says that it is ours, and a clock that was set back must not
/// take back what a client was given.
///
/// # Errors
/// The first fault: malformed claims, wrong issuer, expired.
pub fn check_issued_token(claims: &[u8], issuer: &str, now: i64) -> Result<AccessTokenClaims, JwtFault> {
    let claims: AccessTokenClaims = serde_json::from_slice(claims).map_err(|_| JwtFault::MalformedClaims)?;
    if claims.iss != issuer {
        return Err(JwtFault::WrongIssuer);
    }
    if now >= claims.exp.saturating_mul(1000) {
        return Err(JwtFault::Expired);
    }
    Ok(claims)
}

/// As [`check_issued_token`], for who is named `audience`: the token must be for them.
///
/// # Errors
/// The first fault: malformed claims, wrong issuer, expired, wrong audience.
pub fn check_access_token(
    claims: &[u8],
    issuer: &str,
    audience: &str,
    now: i64,
) -> Result<AccessTokenClaims, JwtFault> {
    let claims = check_issued_token(claims, issuer, now)?;
    if claims.aud.contains(audience) { Ok(claims) } else { Err(JwtFault::WrongAudience) }
}
