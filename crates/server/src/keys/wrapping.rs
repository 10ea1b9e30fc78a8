//! Encryption of keys at rest with the operator's key.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::KeysError;
use crate::random::Random;

const NONCE: usize = 12;

/// How keys are kept: in clear, or encrypted with the operator's key.
pub struct Wrapping(Option<OperatorKey>);

struct OperatorKey {
    /// The first 16 hexadecimal digits of the key's SHA-256: tells keys apart, gives nothing away.
    name: String,
    key: LessSafeKey,
}

/// A key as the database holds it.
pub struct Wrapped {
    /// The bytes of the column.
    pub bytes: Vec<u8>,
    /// Which operator's key opens it; none when it stands in clear.
    pub wrapped_by: Option<String>,
}

impl Wrapping {
    /// Reads the operator's key, if one is configured.
    pub fn from_file(path: Option<&Path>) -> Result<Wrapping, KeysError> {
        let Some(path) = path else { return Ok(Wrapping(None)) };
        let unreadable = |why: String| KeysError::OperatorKey(format!("{}: {why}", path.display()));
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?);
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).ok().filter(|bytes| bytes.len() == 32);
        let bytes = bytes.ok_or_else(|| {
            unreadable("it must hold 32 bytes in base64; make one with: openssl rand -base64 32".into())
        })?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| unreadable("not usable as a key".into()))?;
        let digest = digest::digest(&digest::SHA256, &bytes);
        let name = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Wrapping(Some(OperatorKey { name, key: LessSafeKey::new(key) })))
    }

    /// Encrypts a key for the database; `context` (its number or kid) is authenticated with it.
    pub fn wrap(&self, random: &Random, context: &str, plain: &[u8]) -> Result<Wrapped, KeysError> {
        let Some(operator) = &self.0 else { return Ok(Wrapped { bytes: plain.to_vec(), wrapped_by: None }) };
        let nonce = random.bytes::<NONCE>();
        let mut bytes = plain.to_vec();
        operator
            .key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()), &mut bytes)
            .map_err(|_| KeysError::OperatorKey("encrypting failed".into()))?;
        bytes.splice(0..0, nonce);
        Ok(Wrapped { bytes, wrapped_by: Some(operator.name.clone()) })
    }

    /// Opens a key that came from the database.
    pub fn unwrap(&self, context: &str, wrapped: Wrapped) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let Some(name) = &wrapped.wrapped_by else { return Ok(Zeroizing::new(wrapped.bytes)) };
        let operator = self.0.as_ref().filter(|operator| operator.name == *name).ok_or_else(|| {
            KeysError::OperatorKey(format!(
                "the keys in the database are encrypted with the operator's key {name}; name its file in keys.operator_key_file"
            ))
        })?;
        let broken = || KeysError::Broken(context.to_owned());
        let (nonce, sealed) = wrapped.bytes.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let length = operator
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context.as_bytes()), &mut bytes)
            .map_err(|_| broken())?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }
}
