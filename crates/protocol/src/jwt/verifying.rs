//! Checking tokens.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::compact::Compact;
use super::{Algorithm, Jwk, JwkSet, JwtFault, TokenType};

/// A public key, parsed and ready to verify.
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    key: Arc<ParsedPublicKey>,
    jwk: Jwk,
    /// The encoded header of each [`TokenType`], in the order of [`TokenType::ALL`].
    headers: Arc<[String]>,
}

impl VerifyingKey {
    /// Parses a JWK (RFC 7517 4). Its `kid` is kept.
    ///
    /// # Errors
    /// [`JwtFault::KeyRejected`] when it is no key of a known algorithm.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, JwtFault> {
        let (algorithm, key) = jwk.parse()?;
        let headers = TokenType::ALL.iter().map(|typ| encode_header(algorithm, *typ, &jwk.kid)).collect();
        Ok(Self { algorithm, key: Arc::new(key), jwk: jwk.clone(), headers })
    }

    /// The key id.
    pub fn kid(&self) -> &str {
        &self.jwk.kid
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key as a JWK.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The first part of every token of this type that this key signs.
    pub(super) fn encoded_header(&self, typ: TokenType) -> &str {
        let place = TokenType::ALL.iter().position(|known| *known == typ);
        place.and_then(|place| self.headers.get(place)).map_or("", String::as_str)
    }
}

fn encode_header(algorithm: Algorithm, typ: TokenType, kid: &str) -> String {
    let header = serde_json::json!({
        "alg": algorithm.as_str(),
        "typ": typ.as_str(),
        "kid": kid,
    });
    URL_SAFE_NO_PAD.encode(header.to_string())
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid())
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// A token whose signature is right. Its claims have not been looked at.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The JSON text of the claims.
    pub claims: Vec<u8>,
    /// The key that signed it.
    pub kid: String,
}

impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The public keys whose tokens are good, by `kid`.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: HashMap<String, VerifyingKey>,
}

impl KeySet {
    /// A set of keys. Of two keys with one `kid` the later stays.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        let keys = keys.into_iter().map(|key| (key.kid().to_owned(), key)).collect();
        Self { keys }
    }

    /// Finds a key.
    pub fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.get(kid)
    }

    /// The document at `jwks_uri` (RFC 7517 5), ordered by `kid`.
    pub fn jwks(&self) -> JwkSet {
        let mut keys: Vec<Jwk> = self.keys.values().map(|key| key.jwk.clone()).collect();
        keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        JwkSet { keys }
    }

    /// Checks a token's form, type and signature (RFC 7515 5.2).
    ///
    /// # Errors
    /// The first fault found. No claim has been believed by then.
    pub fn verify(&self, token: &str, expected: TokenType) -> Result<VerifiedToken, JwtFault> {
        let token = Compact::split(token)?;
        let key = self.key_for(&token, expected)?;
        let signature = token.signature()?;
        key.key.verify_sig(token.signed.as_bytes(), &signature).map_err(|_| JwtFault::BadSignature)?;
        Ok(VerifiedToken { claims: token.claims()?, kid: key.kid().to_owned() })
    }

    /// Finds the key that the header names, and holds the header against it.
    fn key_for(&self, token: &Compact<'_>, expected: TokenType) -> Result<&VerifyingKey, JwtFault> {
        // Our own tokens have a header that we could have written, to the last character.
        let own = self.keys.values().find(|key| key.encoded_header(expected) == token.header);
        if let Some(key) = own {
            return Ok(key);
        }
        let header = token.read_header()?;
        let key = header.kid.and_then(|kid| self.get(&kid)).ok_or(JwtFault::UnknownKey)?;
        if header.alg != key.algorithm.as_str() {
            return Err(JwtFault::WrongAlgorithm);
        }
        if header.typ.as_deref() != Some(expected.as_str()) {
            return Err(JwtFault::WrongType);
        }
        Ok(key)
    }
}
