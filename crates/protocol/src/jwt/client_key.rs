//! Public keys whose private half a client holds: those that an app registers (RFC 7523), and those that come with a DPoP
//! proof (RFC 9449).
//!
//! An app's key has its algorithm from the app's registration, never from a token (RFC 8725 3.1). A proof brings its key and
//! names the algorithm; it can only choose among those that fit the key.

use std::fmt;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256};
use serde_json::{Map, Value, json};

use super::{JwtFault, KeyMaterial};
use crate::secret::{Sha256Digest, base64url_decode, base64url_encode};

/// A signature algorithm of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl ClientAlgorithm {
    /// Every algorithm, as metadata lists them.
    pub const ALL: &[Self] = &[Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The name in `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Finds an algorithm by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name)
    }

    /// Whether a key of that type can sign with it.
    pub const fn fits(self, material: &KeyMaterial) -> bool {
        matches!(
            (self, material),
            (Self::Rs256 | Self::Ps256, KeyMaterial::Rsa { .. })
                | (Self::Es256, KeyMaterial::Ec { .. })
                | (Self::EdDsa, KeyMaterial::Okp { .. })
        )
    }

    /// That of a key which does not name one.
    const fn usual_for(material: &KeyMaterial) -> Self {
        match material {
            KeyMaterial::Rsa { .. } => Self::Rs256,
            KeyMaterial::Ec { .. } => Self::Es256,
            KeyMaterial::Okp { .. } => Self::EdDsa,
        }
    }
}

/// The thumbprint of a public key (RFC 7638 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thumbprint(Sha256Digest);

impl Thumbprint {
    /// Reads a thumbprint from its text: 43 characters of base64url. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        Sha256Digest::from_slice(&base64url_decode(text)?).map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url_encode(self.0.as_bytes()))
    }
}

impl KeyMaterial {
    /// The key's thumbprint.
    ///
    /// # Errors
    /// [`JwtFault::KeyRejected`] when this is no key that signatures are taken from.
    pub fn checked_thumbprint(&self) -> Result<Thumbprint, JwtFault> {
        self.parse(&RSA_PKCS1_2048_8192_SHA256)?;
        Thumbprint::parse(&self.thumbprint()).ok_or(JwtFault::KeyRejected)
    }

    /// Whether the signature is this key's.
    pub(super) fn verify(&self, algorithm: ClientAlgorithm, signed: &str, signature: &[u8]) -> Result<(), JwtFault> {
        if !algorithm.fits(self) {
            return Err(JwtFault::WrongAlgorithm);
        }
        let padding = match algorithm {
            ClientAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            ClientAlgorithm::Rs256 | ClientAlgorithm::Es256 | ClientAlgorithm::EdDsa => &RSA_PKCS1_2048_8192_SHA256,
        };
        let key = self.parse(padding)?;
        key.verify_sig(signed.as_bytes(), signature).map_err(|_| JwtFault::BadSignature)
    }

    /// Reads the members of a JWK that make the key. A private or symmetric key is none for others to see.
    pub(super) fn read_public(jwk: &Map<String, Value>) -> Result<Self, KeyFault> {
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|member| jwk.contains_key(*member)) {
            return Err(KeyFault::Private);
        }
        let members = ["kty", "e", "n", "crv", "x", "y"];
        let own: Map<String, Value> = jwk
            .iter()
            .filter(|(name, _)| members.contains(&name.as_str()))
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect();
        let material: Self = serde_json::from_value(Value::Object(own)).map_err(|_| KeyFault::Unusable)?;
        material.checked_thumbprint().map_err(|_| KeyFault::Unusable)?;
        Ok(material)
    }
}

/// The most keys that an app registers.
pub const MAX_CLIENT_KEYS: usize = 10;

/// The most bytes in a key set that an app registers.
pub const MAX_KEY_SET_BYTES: usize = 32 * 1024;

/// The longest `kid`.
const MAX_KID: usize = 200;

/// A key that an app registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// The key id: the app's own, else the thumbprint.
    pub kid: String,
    /// The one algorithm that it signs with.
    pub algorithm: ClientAlgorithm,
    /// The key itself.
    pub material: KeyMaterial,
}

/// Why a key set is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not a JWK Set.
    #[error("This is not a JWK Set: a JSON object with the member keys, an array of public keys (RFC 7517).")]
    Malformed,
    /// Private.
    #[error("This holds a private or secret key. Never send it anywhere: make a new pair, and paste its public half.")]
    Private,
    /// Unknown or too weak.
    #[error("A key cannot be used. Use RSA with 2048 to 4096 bits, EC with P-256, or OKP with Ed25519.")]
    Unusable,
    /// Its `alg` is another.
    #[error("A key's alg does not fit it or is not supported. Use RS256, PS256, ES256 or EdDSA.")]
    WrongAlgorithm,
    /// Bad `kid`.
    #[error("A key's kid is not a text of 1 to 200 printable ASCII characters.")]
    BadKid,
    /// One `kid`, two keys.
    #[error("Two keys have the same kid. Give each a kid of its own.")]
    Twice,
    /// Too many.
    #[error("There are more than 10 keys, or more than 32 KiB of them. Keep those that are in use.")]
    TooMany,
}

impl ClientKey {
    /// Reads a JWK Set (RFC 7517 5), or a single JWK, that an app registers. Keys for encryption are left out.
    ///
    /// # Errors
    /// The first fault, in words for a developer.
    pub fn read_set(text: &str) -> Result<Vec<Self>, KeyFault> {
        if text.len() > MAX_KEY_SET_BYTES {
            return Err(KeyFault::TooMany);
        }
        let read: Value = serde_json::from_str(text).map_err(|_| KeyFault::Malformed)?;
        let jwks = match &read {
            Value::Object(set) if set.contains_key("kty") => vec![&read],
            Value::Object(set) => {
                set.get("keys").and_then(Value::as_array).ok_or(KeyFault::Malformed)?.iter().collect()
            }
            _ => return Err(KeyFault::Malformed),
        };
        let mut keys: Vec<Self> = Vec::new();
        for jwk in jwks {
            let jwk = jwk.as_object().ok_or(KeyFault::Malformed)?;
            if jwk.get("use").is_some_and(|usage| usage == "enc") {
                continue;
            }
            let key = Self::read(jwk)?;
            if keys.iter().any(|known| known.kid == key.kid) {
                return Err(KeyFault::Twice);
            }
            keys.push(key);
        }
        if keys.len() > MAX_CLIENT_KEYS { Err(KeyFault::TooMany) } else { Ok(keys) }
    }

    fn read(jwk: &Map<String, Value>) -> Result<Self, KeyFault> {
        let material = KeyMaterial::read_public(jwk)?;
        let algorithm = match jwk.get("alg") {
            None => ClientAlgorithm::usual_for(&material),
            Some(name) => name
                .as_str()
                .and_then(ClientAlgorithm::parse)
                .filter(|algorithm| algorithm.fits(&material))
                .ok_or(KeyFault::WrongAlgorithm)?,
        };
        let kid = match jwk.get("kid") {
            None => material.thumbprint(),
            Some(kid) => kid.as_str().filter(|kid| is_kid(kid)).ok_or(KeyFault::BadKid)?.to_owned(),
        };
        Ok(Self { kid, algorithm, material })
    }

    /// The key as a JWK, to be stored and read by [`ClientKey::from_json`].
    pub fn to_json(&self) -> String {
        let mut jwk = serde_json::to_value(&self.material).unwrap_or_default();
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm.as_str());
        jwk["use"] = json!("sig");
        jwk.to_string()
    }

    /// Reads what [`ClientKey::to_json`] wrote.
    pub fn from_json(text: &str) -> Option<Self> {
        Self::read(serde_json::from_str::<Value>(text).ok()?.as_object()?).ok()
    }
}

fn is_kid(kid: &str) -> bool {
    (1..=MAX_KID).contains(&kid.len()) && kid.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::{Algorithm, SigningKey};

    const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const OKP: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn material(jwk: &str) -> KeyMaterial {
        serde_json::from_str(&format!("{{{jwk}}}")).unwrap()
    }

    /// RFC 7638 3.1 and RFC 8037 A.3; the P-256 key is RFC 7515 A.3's.
    #[test]
    fn the_thumbprints_of_the_rfcs_come_out() {
        let rsa = r#""kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw""#;
        for (jwk, expected) in
            [(rsa, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), (OKP, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
        {
            let thumbprint = material(jwk).checked_thumbprint().unwrap();
            assert_eq!(thumbprint.to_string(), expected);
            assert_eq!(Thumbprint::parse(expected), Some(thumbprint));
        }
        assert!(material(EC).checked_thumbprint().is_ok());
    }

    #[test]
    fn a_set_is_read_with_ids_and_algorithms() {
        let set = format!(
            r#"{{"keys":[{{{EC},"kid":"one","use":"sig","key_ops":["verify"]}},{{{OKP}}},{{"kty":"EC","use":"enc"}}]}}"#
        );
        let keys = ClientKey::read_set(&set).unwrap();
        let shown: Vec<(&str, &str)> = keys.iter().map(|key| (key.kid.as_str(), key.algorithm.as_str())).collect();
        assert_eq!(shown, [("one", "ES256"), ("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "EdDSA")]);
        assert_eq!(
            ClientKey::read_set(&format!("{{{EC},\"kid\":\"one\"}}")).unwrap(),
            [keys[0].clone()],
            "a key alone"
        );
        assert_eq!(ClientKey::from_json(&keys[0].to_json()), Some(keys[0].clone()));
        assert_eq!(ClientKey::read_set(r#"{"keys":[]}"#), Ok(vec![]));
    }

    #[test]
    fn an_rsa_key_signs_as_it_is_registered_to() {
        let rsa = SigningKey::generate(Algorithm::Rs256).unwrap();
        let jwk = serde_json::to_value(&rsa.verifying_key().jwk().material).unwrap();
        let read = |alg: Option<&str>| {
            let mut jwk = jwk.clone();
            if let Some(alg) = alg {
                jwk["alg"] = json!(alg);
            }
            ClientKey::read_set(&json!({"keys": [jwk]}).to_string()).map(|keys| keys[0].algorithm)
        };
        assert_eq!(read(None), Ok(ClientAlgorithm::Rs256));
        assert_eq!(read(Some("PS256")), Ok(ClientAlgorithm::Ps256));
        for wrong in ["ES256", "HS256", "none", "RS512", ""] {
            assert_eq!(read(Some(wrong)), Err(KeyFault::WrongAlgorithm), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_public_key_of_ours_is_refused_in_words() {
        let one = |jwk: &str| ClientKey::read_set(&format!(r#"{{"keys":[{{{jwk}}}]}}"#)).unwrap_err();
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, "null"] {
            assert_eq!(ClientKey::read_set(text), Err(KeyFault::Malformed), "{text}");
        }
        assert_eq!(one(&format!(r#"{OKP},"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A""#)), KeyFault::Private);
        assert_eq!(one(r#""kty":"oct","k":"AAAA""#), KeyFault::Private);
        for weak in [
            r#""kty":"RSA","e":"AQAB","n":"AQAB""#.to_owned(),
            EC.replace("P-256", "P-384"),
            EC.replace("f83O", "f83A"),
            EC.replace("x_FE", "AAx_FE"),
            OKP.replace("Ed25519", "X25519"),
            r#""kty":"EC""#.to_owned(),
            r#""kty":"DSA""#.to_owned(),
        ] {
            assert_eq!(one(&weak), KeyFault::Unusable, "{weak}");
        }
        assert_eq!(one(&format!(r#"{EC},"kid":"""#)), KeyFault::BadKid);
        assert_eq!(one(&format!(r#"{EC},"kid":7"#)), KeyFault::BadKid);
        let twice = format!(r#"{{"keys":[{{{EC},"kid":"a"}},{{{OKP},"kid":"a"}}]}}"#);
        assert_eq!(ClientKey::read_set(&twice), Err(KeyFault::Twice));
        let many: Vec<String> = (0..11).map(|n| format!(r#"{{{EC},"kid":"{n}"}}"#)).collect();
        assert_eq!(ClientKey::read_set(&format!(r#"{{"keys":[{}]}}"#, many.join(","))), Err(KeyFault::TooMany));
    }
}
