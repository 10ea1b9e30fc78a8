//! The parts of a compact JWS (RFC 7515 7.1), and the header of one that somebody else made.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::{Engine as _, decoded_len_estimate};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{JwtFault, MAX_TOKEN_LENGTH};

/// A token, cut into its parts and not yet decoded.
pub(super) struct Compact<'a> {
    /// What the signature covers: header, dot, claims.
    pub signed: &'a str,
    /// The encoded header.
    pub header: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    /// Cuts a token into exactly three parts.
    pub fn split(token: &'a str) -> Result<Self, JwtFault> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(JwtFault::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtFault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(JwtFault::Malformed)?;
        if claims.contains('.') {
            return Err(JwtFault::Malformed);
        }
        Ok(Self { signed, header, claims, signature })
    }

    /// The JSON text of the claims.
    pub fn claims(&self) -> Result<Vec<u8>, JwtFault> {
        decode(self.claims)
    }

    /// The bytes of the signature.
    pub fn signature(&self) -> Result<Vec<u8>, JwtFault> {
        decode(self.signature)
    }

    /// The header, without critical extensions, for none is known.
    pub fn read_header(&self) -> Result<Header, JwtFault> {
        let header: Header = serde_json::from_slice(&decode(self.header)?).map_err(|_| JwtFault::Malformed)?;
        if header.crit.is_some() { Err(JwtFault::Critical) } else { Ok(header) }
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JwtFault> {
    // `decode` asks for zeroed memory, which the C library's allocator serves on its slow path.
    let mut bytes = Vec::with_capacity(decoded_len_estimate(part.len()));
    URL_SAFE_NO_PAD.decode_vec(part, &mut bytes).map_err(|_| JwtFault::Malformed)?;
    Ok(bytes)
}

/// What is read of a JOSE header (RFC 7515 4.1). A member that comes twice is refused by the parser.
#[derive(Deserialize)]
pub(super) struct Header {
    pub alg: String,
    pub kid: Option<String>,
    pub typ: Option<String>,
    /// The key that signed it (RFC 7515 4.1.3), where the sender brings it along.
    pub jwk: Option<serde_json::Value>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

/// `"crit": null` is there too.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<IgnoredAny>, D::Error> {
    IgnoredAny::deserialize(deserializer).map(Some)
}
