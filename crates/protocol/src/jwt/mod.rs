//! Signed tokens: compact JWS (RFC 7515 7.1) for JWTs (RFC 7519), over aws-lc.
//!
//! 1. A [`SigningKey`] is parsed once and kept. It knows its algorithm, its key id (the RFC 7638
//!    thumbprint of its public half) and the encoded header of every token type, so that signing is
//!    two base64 runs and one signature, written into one allocation.
//! 2. A [`KeySet`] finds the [`VerifyingKey`] by `kid`. The token's `alg` is read only to be compared
//!    with the key's own (RFC 8725 3.1): it chooses nothing.
//! 3. [`check_access_token`] looks at the claims of an access token (RFC 9068 4) at a given time.
//!
//! Nothing is lenient: three parts, base64url without padding or stray bits, exactly the token type
//! that was expected (RFC 8725 3.11), no critical extensions, and no leeway in expiry.

mod claims;
mod client_key;
mod compact;
mod id_token;
mod jwk;
mod presented;
mod signing;
pub mod testing;
#[cfg(test)]
mod tests;
mod verifying;

pub use claims::{AccessTokenClaims, Audience, Confirmation, check_access_token, check_issued_token};
pub use client_key::{ClientAlgorithm, ClientKey, KeyFault, MAX_CLIENT_KEYS, MAX_KEY_SET_BYTES, Thumbprint};
pub use id_token::{IdTokenClaims, at_hash, read_id_token_hint};
pub use jwk::{Jwk, JwkSet, KeyMaterial};
pub use presented::PresentedJwt;
pub use signing::{Pkcs8, SigningKey};
pub use verifying::{KeySet, VerifiedToken, VerifyingKey};

use crate::fault::{self, Fault};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_LENGTH: usize = 8192;

/// A signature algorithm; it belongs to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 3.3), 2048 bits.
    Rs256,
    /// ECDSA with P-256 and SHA-256 (RFC 7518 3.4).
    Es256,
    /// Ed25519 (RFC 8037 3.1).
    EdDsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: &[Self] = &[Self::Rs256, Self::Es256, Self::EdDsa];

    /// The name in `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Finds an algorithm by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|alg| alg.as_str() == name)
    }
}

/// What a token is for: its `typ` (RFC 8725 3.11), so that one kind never passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenType {
    /// `at+jwt`: an access token (RFC 9068 2.1).
    AccessToken,
    /// `JWT`: an ID token (OpenID Connect Core 2).
    IdToken,
    /// `logout+jwt`: OpenID Connect Back-Channel Logout 2.4.
    LogoutToken,
    /// `secevent+jwt`: a security event (RFC 8417 2.3).
    SecurityEvent,
}

impl TokenType {
    /// Every type; its place here is its place among a key's headers.
    pub const ALL: &[Self] = &[Self::AccessToken, Self::IdToken, Self::LogoutToken, Self::SecurityEvent];

    /// The value of `typ`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::IdToken => "JWT",
            Self::LogoutToken => "logout+jwt",
            Self::SecurityEvent => "secevent+jwt",
        }
    }
}

/// Why a token or key is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtFault {
    /// Longer than [`MAX_TOKEN_LENGTH`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of strict base64url with a JSON header.
    #[error("the token is not a compact JWS")]
    Malformed,
    /// The header names critical extensions; none is known (RFC 7515 4.1.11).
    #[error("the token has critical extensions")]
    Critical,
    /// No key has this `kid`, or there is no `kid`.
    #[error("the token's key is unknown")]
    UnknownKey,
    /// `alg` is not the key's.
    #[error("the token's alg is not the key's")]
    WrongAlgorithm,
    /// `typ` is another.
    #[error("the token is of another type")]
    WrongType,
    /// The signature does not fit.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// The claims are not those of an access token.
    #[error("the token's claims are malformed")]
    MalformedClaims,
    /// `iss` is another server.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` does not name us.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp` has come.
    #[error("the token has expired")]
    Expired,
    /// A key's bytes are no key of that algorithm.
    #[error("the key is not usable")]
    KeyRejected,
    /// The library could not sign.
    #[error("signing failed")]
    SigningFailed,
}

impl JwtFault {
    /// The entry of the catalogue that a client is shown.
    pub const fn fault(self) -> &'static Fault {
        match self {
            Self::Expired => &fault::TOKEN_EXPIRED,
            Self::WrongType | Self::WrongAudience => &fault::TOKEN_WRONG_KIND,
            Self::TooLong
            | Self::Malformed
            | Self::Critical
            | Self::UnknownKey
            | Self::WrongAlgorithm
            | Self::BadSignature
            | Self::MalformedClaims
            | Self::WrongIssuer => &fault::TOKEN_INVALID,
            Self::KeyRejected | Self::SigningFailed => &fault::SIGNING_FAILED,
        }
    }
}
