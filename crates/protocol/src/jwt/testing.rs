//! A client's key pair, for tests: signs whatever header and claims a test makes up.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use serde_json::Value;

use super::{Algorithm, ClientAlgorithm, ClientKey, JwtFault, KeyMaterial, Pkcs8, SigningKey};
use crate::secret::base64url_encode;

/// A key pair.
#[derive(Debug)]
pub struct ClientSigner {
    /// How it signs.
    pub algorithm: ClientAlgorithm,
    /// The private half.
    pub pkcs8: Pkcs8,
    /// The public half.
    pub material: KeyMaterial,
}

impl ClientSigner {
    /// Makes a key pair.
    ///
    /// # Panics
    /// When the library fails: this is for tests.
    #[expect(clippy::unwrap_used, reason = "for tests")]
    pub fn new(algorithm: ClientAlgorithm) -> Self {
        let kind = match algorithm {
            ClientAlgorithm::Rs256 | ClientAlgorithm::Ps256 => Algorithm::Rs256,
            ClientAlgorithm::Es256 => Algorithm::Es256,
            ClientAlgorithm::EdDsa => Algorithm::EdDsa,
        };
        let key = SigningKey::generate(kind).unwrap();
        let material = key.verifying_key().jwk().material.clone();
        Self { algorithm, pkcs8: key.to_pkcs8().unwrap(), material }
    }

    /// The public half, registered under that id.
    pub fn key(&self, kid: &str) -> ClientKey {
        ClientKey { kid: kid.to_owned(), algorithm: self.algorithm, material: self.material.clone() }
    }

    /// The public half as a bare JWK.
    pub fn jwk(&self) -> Value {
        serde_json::to_value(&self.material).unwrap_or_default()
    }

    /// A compact JWS of exactly this header and these claims.
    ///
    /// # Panics
    /// When the library fails: this is for tests.
    #[expect(clippy::unwrap_used, reason = "for tests")]
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| base64url_encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.sign_bytes(signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64url_encode(&signature))
    }

    fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, JwtFault> {
        let (der, random) = (self.pkcs8.expose(), SystemRandom::new());
        let failed = |_| JwtFault::SigningFailed;
        let rejected = |_| JwtFault::KeyRejected;
        Ok(match self.algorithm {
            ClientAlgorithm::Rs256 | ClientAlgorithm::Ps256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(rejected)?;
                let mut out = vec![0; pair.public_modulus_len()];
                if self.algorithm == ClientAlgorithm::Ps256 {
                    pair.sign(&RSA_PSS_SHA256, &random, message, &mut out).map_err(failed)?;
                } else {
                    pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut out).map_err(failed)?;
                }
                out
            }
            ClientAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(rejected)?;
                pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()
            }
            ClientAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(rejected)?;
                pair.try_sign(message).map_err(failed)?.as_ref().to_vec()
            }
        })
    }
}
