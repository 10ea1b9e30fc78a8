//! Public keys as JSON (RFC 7517), their thumbprints (RFC 7638), and back.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
};
use serde::{Deserialize, Serialize};

use super::{Algorithm, JwtFault};
use crate::secret::{Sha256Digest, base64url_decode, base64url_encode};

/// A public signature key (RFC 7517 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Jwk {
    /// Key id.
    pub kid: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// `RS256`, `ES256` or `EdDSA`.
    pub alg: String,
    /// The key itself.
    #[serde(flatten)]
    pub material: KeyMaterial,
}

/// The key itself, by type; numbers in base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeyMaterial {
    /// RFC 7518 6.3.1.
    #[serde(rename = "RSA")]
    Rsa {
        /// Exponent.
        e: String,
        /// Modulus.
        n: String,
    },
    /// RFC 7518 6.2.1, P-256.
    #[serde(rename = "EC")]
    Ec {
        /// Curve.
        crv: String,
        /// First coordinate.
        x: String,
        /// Second coordinate.
        y: String,
    },
    /// RFC 8037 2, Ed25519.
    #[serde(rename = "OKP")]
    Okp {
        /// Curve.
        crv: String,
        /// The key.
        x: String,
    },
}

/// The document at `jwks_uri` (RFC 7517 5).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// RFC 7518 3.3: RSA keys have at least 2048 bits.
const MIN_RSA_MODULUS: usize = 256;

/// 4096 bits: a larger key would cost whoever checks its signatures more than it protects.
const MAX_RSA_MODULUS: usize = 512;

impl Jwk {
    /// From a DER `RSAPublicKey` (RFC 8017 A.1.1).
    pub(super) fn rsa(der: &[u8]) -> Result<Self, JwtFault> {
        let (n, e) = rsa_components(der).ok_or(JwtFault::KeyRejected)?;
        let material = KeyMaterial::Rsa { e: base64url_encode(e), n: base64url_encode(n) };
        Ok(Self::new(Algorithm::Rs256, material))
    }

    /// From an uncompressed point (SEC 1 2.3.3).
    pub(super) fn p256(point: &[u8]) -> Result<Self, JwtFault> {
        let (x, y) = match point {
            [4, coordinates @ ..] if coordinates.len() == 64 => coordinates.split_at(32),
            _ => return Err(JwtFault::KeyRejected),
        };
        let material = KeyMaterial::Ec { crv: "P-256".into(), x: base64url_encode(x), y: base64url_encode(y) };
        Ok(Self::new(Algorithm::Es256, material))
    }

    /// From the 32 bytes of an Ed25519 key.
    pub(super) fn ed25519(key: &[u8]) -> Self {
        let material = KeyMaterial::Okp { crv: "Ed25519".into(), x: base64url_encode(key) };
        Self::new(Algorithm::EdDsa, material)
    }

    fn new(algorithm: Algorithm, material: KeyMaterial) -> Self {
        Self { kid: material.thumbprint(), usage: "sig".into(), alg: algorithm.as_str().into(), material }
    }

    /// Parses the key and decides its algorithm.
    pub(super) fn parse(&self) -> Result<(Algorithm, ParsedPublicKey), JwtFault> {
        let (algorithm, key) = match &self.material {
            KeyMaterial::Rsa { .. } => (Algorithm::Rs256, self.material.parse(&RSA_PKCS1_2048_8192_SHA256)?),
            KeyMaterial::Ec { .. } => (Algorithm::Es256, self.material.parse(&RSA_PKCS1_2048_8192_SHA256)?),
            KeyMaterial::Okp { .. } => (Algorithm::EdDsa, self.material.parse(&RSA_PKCS1_2048_8192_SHA256)?),
        };
        if self.alg != algorithm.as_str() {
            return Err(JwtFault::KeyRejected);
        }
        Ok((algorithm, key))
    }
}

impl KeyMaterial {
    /// Parses the key; `rsa` says how an RSA key pads.
    ///
    /// Only what RFC 7518 6 calls the key's one spelling is taken (numbers of RSA without leading zeros, coordinates of full
    /// length), so that a key has one thumbprint.
    pub(super) fn parse(&self, rsa: &'static RsaParameters) -> Result<ParsedPublicKey, JwtFault> {
        let rejected = |_| JwtFault::KeyRejected;
        match self {
            Self::Rsa { e, n } => {
                let (n, e) = (decode_number(n)?, decode_number(e)?);
                if !(MIN_RSA_MODULUS..=MAX_RSA_MODULUS).contains(&n.len()) {
                    return Err(JwtFault::KeyRejected);
                }
                PublicKeyComponents { n, e }.to_parsed_public_key(rsa).map_err(rejected)
            }
            Self::Ec { crv, x, y } if crv == "P-256" => {
                let point = [&[4][..], &decode_32(x)?, &decode_32(y)?].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(rejected)
            }
            Self::Okp { crv, x } if crv == "Ed25519" => ParsedPublicKey::new(&ED25519, decode_32(x)?).map_err(rejected),
            Self::Ec { .. } | Self::Okp { .. } => Err(JwtFault::KeyRejected),
        }
    }

    /// RFC 7638 3: SHA-256 over the required members, in alphabetical order, without spaces.
    pub(super) fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Rsa { e, n } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { crv, x, y } => {
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
        };
        base64url_encode(Sha256Digest::of(canonical.as_bytes()).as_bytes())
    }
}

/// RFC 7518 2: a number in as few bytes as it needs.
fn decode_number(text: &str) -> Result<Vec<u8>, JwtFault> {
    base64url_decode(text).filter(|bytes| bytes.first().is_some_and(|&first| first != 0)).ok_or(JwtFault::KeyRejected)
}

fn decode_32(text: &str) -> Result<[u8; 32], JwtFault> {
    base64url_decode(text).and_then(|bytes| bytes.try_into().ok()).ok_or(JwtFault::KeyRejected)
}

/// Reads `SEQUENCE { INTEGER n, INTEGER e }`, the only DER that we meet and which our own library
/// wrote, and gives both without leading zeros.
fn rsa_components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = der_value(0x30, der)?;
    let (n, after_n) = der_value(0x02, sequence)?;
    let (e, after_e) = der_value(0x02, after_n)?;
    let positive = |number: &'_ [u8]| number.iter().position(|&b| b != 0);
    (rest.is_empty() && after_e.is_empty()).then_some((n.get(positive(n)?..)?, e.get(positive(e)?..)?))
}

/// Splits off one DER value with this tag (X.690 8.1.3).
fn der_value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = bytes.iter().try_fold(0_usize, |sum, &b| sum.checked_mul(256)?.checked_add(usize::from(b)))?;
        (length, rest)
    };
    if found != tag {
        return None;
    }
    rest.split_at_checked(length)
}
