//! Making tokens.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::{Algorithm, Jwk, JwtFault, TokenType, VerifyingKey};

/// The largest signature: RSA with 4096 bits.
const MAX_SIGNATURE: usize = 512;

/// A private key in PKCS#8 (RFC 5958). Wiped when dropped; `Debug` shows nothing.
#[derive(Clone)]
pub struct Pkcs8(Zeroizing<Vec<u8>>);

impl Pkcs8 {
    /// Takes DER bytes over.
    pub fn new(der: Vec<u8>) -> Self {
        Self(Zeroizing::new(der))
    }

    /// The DER bytes, for the one place that encrypts and stores them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pkcs8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A private key, parsed and ready to sign.
pub struct SigningKey {
    pair: Pair,
    verifying: VerifyingKey,
    random: SystemRandom,
}

enum Pair {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl SigningKey {
    /// Makes a new key. The randomness is the cryptographic library's own: an RSA key can not be
    /// made from a caller's bytes. An RSA key takes a good part of a second.
    ///
    /// # Errors
    /// [`JwtFault::KeyRejected`] when the library fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, JwtFault> {
        let rejected = |_| JwtFault::KeyRejected;
        Self::from_pair(match algorithm {
            Algorithm::Rs256 => Pair::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).map_err(rejected)?),
            Algorithm::Es256 => {
                Pair::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(rejected)?)
            }
            Algorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::generate().map_err(rejected)?),
        })
    }

    /// Parses a stored key.
    ///
    /// # Errors
    /// [`JwtFault::KeyRejected`] when it is no key of this algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, key: &Pkcs8) -> Result<Self, JwtFault> {
        let rejected = |_| JwtFault::KeyRejected;
        let der = key.expose();
        Self::from_pair(match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(rejected)?;
                if pair.public_modulus_len() > MAX_SIGNATURE {
                    return Err(JwtFault::KeyRejected);
                }
                Pair::Rs256(pair)
            }
            Algorithm::Es256 => {
                Pair::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(rejected)?)
            }
            Algorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(rejected)?),
        })
    }

    fn from_pair(pair: Pair) -> Result<Self, JwtFault> {
        let jwk = match &pair {
            Pair::Rs256(pair) => Jwk::rsa(pair.public_key().as_ref())?,
            Pair::Es256(pair) => Jwk::p256(pair.public_key().as_ref())?,
            Pair::EdDsa(pair) => Jwk::ed25519(pair.public_key().as_ref()),
        };
        Ok(Self { pair, verifying: VerifyingKey::from_jwk(&jwk)?, random: SystemRandom::new() })
    }

    /// The key in PKCS#8, to be encrypted and stored.
    ///
    /// # Errors
    /// [`JwtFault::KeyRejected`] when the library fails.
    pub fn to_pkcs8(&self) -> Result<Pkcs8, JwtFault> {
        let copied = |der: &[u8]| Pkcs8::new(der.to_vec());
        match &self.pair {
            Pair::Rs256(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| copied(der.as_ref())),
            Pair::Es256(pair) => pair.to_pkcs8v1().map(|der| copied(der.as_ref())),
            Pair::EdDsa(pair) => pair.to_pkcs8().map(|der| copied(der.as_ref())),
        }
        .map_err(|_| JwtFault::KeyRejected)
    }

    /// The public half.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The key id: the RFC 7638 thumbprint of the public key.
    pub fn kid(&self) -> &str {
        self.verifying.kid()
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// Signs claims, given as the JSON text of an object (RFC 7515 5.1).
    ///
    /// # Errors
    /// [`JwtFault::SigningFailed`] when the library fails.
    pub fn sign(&self, typ: TokenType, claims_json: &[u8]) -> Result<String, JwtFault> {
        let header = self.verifying.encoded_header(typ);
        let base64_length = |bytes: usize| (bytes * 4).div_ceil(3);
        let mut token = String::with_capacity(
            header.len() + base64_length(claims_json.len()) + base64_length(self.signature_length()) + 2,
        );
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims_json, &mut token);

        let mut buffer = [0; MAX_SIGNATURE];
        let signature = buffer.get_mut(..self.signature_length()).ok_or(JwtFault::SigningFailed)?;
        self.sign_bytes(token.as_bytes(), signature)?;

        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn signature_length(&self) -> usize {
        match &self.pair {
            Pair::Rs256(pair) => pair.public_modulus_len(),
            // RFC 7518 3.4: two numbers of 32 bytes; RFC 8032 5.1.6: 64 bytes.
            Pair::Es256(_) | Pair::EdDsa(_) => 64,
        }
    }

    /// Fills `out`, which has the signature's length.
    fn sign_bytes(&self, message: &[u8], out: &mut [u8]) -> Result<(), JwtFault> {
        let failed = |_| JwtFault::SigningFailed;
        match &self.pair {
            Pair::Rs256(pair) => pair.sign(&RSA_PKCS1_SHA256, &self.random, message, out).map_err(failed),
            Pair::Es256(pair) => copy_exactly(out, pair.sign(&self.random, message).map_err(failed)?.as_ref()),
            Pair::EdDsa(pair) => copy_exactly(out, pair.try_sign(message).map_err(failed)?.as_ref()),
        }
    }
}

fn copy_exactly(out: &mut [u8], signature: &[u8]) -> Result<(), JwtFault> {
    if out.len() != signature.len() {
        return Err(JwtFault::SigningFailed);
    }
    out.copy_from_slice(signature);
    Ok(())
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}
