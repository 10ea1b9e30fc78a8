//! A JWT that a client signed: its header is read first, its claims are believed only once its signature is checked.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client_key::ClientAlgorithm;
use super::compact::{Compact, Header};
use super::{JwtFault, KeyMaterial};

/// A client's JWT, its form right and its signature not yet checked.
pub struct PresentedJwt<'a> {
    token: Compact<'a>,
    header: Header,
}

impl<'a> PresentedJwt<'a> {
    /// Reads form and header.
    ///
    /// # Errors
    /// Too long, no compact JWS, critical extensions.
    pub fn read(token: &'a str) -> Result<Self, JwtFault> {
        let token = Compact::split(token)?;
        let header = token.read_header()?;
        Ok(Self { token, header })
    }

    /// `kid`.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// `typ`.
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// `alg`, if it is one of ours. It chooses no key.
    pub fn algorithm(&self) -> Option<ClientAlgorithm> {
        ClientAlgorithm::parse(&self.header.alg)
    }

    /// The public key that it brings along as `jwk`.
    ///
    /// # Errors
    /// There is none, or it is private, or of no kind that is taken.
    pub fn key(&self) -> Result<KeyMaterial, JwtFault> {
        match &self.header.jwk {
            Some(Value::Object(jwk)) => KeyMaterial::read_public(jwk).map_err(|_| JwtFault::KeyRejected),
            _ => Err(JwtFault::KeyRejected),
        }
    }

    /// What it says, which nobody has vouched for yet: good for finding out whose keys to ask.
    ///
    /// # Errors
    /// The claims are not those that are asked for.
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JwtFault> {
        serde_json::from_slice(&self.token.claims()?).map_err(|_| JwtFault::MalformedClaims)
    }

    /// What it says, if that key signed it with that algorithm.
    ///
    /// # Errors
    /// It did not, or the claims are not those that are asked for.
    pub fn verify<T: DeserializeOwned>(&self, key: &KeyMaterial, algorithm: ClientAlgorithm) -> Result<T, JwtFault> {
        if self.algorithm() != Some(algorithm) {
            return Err(JwtFault::WrongAlgorithm);
        }
        key.verify(algorithm, self.token.signed, &self.token.signature()?)?;
        self.unverified_claims()
    }
}
