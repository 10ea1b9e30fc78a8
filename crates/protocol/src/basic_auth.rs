//! The `Authorization` header: `Basic` for apps, `Bearer` for their calls.
//!
//! Basic has an old quarrel. RFC 6749 2.3.1 wants client id and secret form-encoded before RFC 7617
//! joins them with a colon; many libraries, and the integration guide's own snippet, do not. Ours
//! have no character that form-encoding changes, so decoding what looks encoded serves both: the
//! plain text has neither `%` nor `+` and comes through unchanged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fault::{self, Fault};
use crate::params::form_decode;
use crate::secret::Secret;

/// The longest `Authorization: Basic` that is read, in bytes.
pub const MAX_BASIC_LENGTH: usize = 2048;

/// The longest `Authorization: Bearer` that is read, in bytes.
pub const MAX_BEARER_LENGTH: usize = 8192;

/// Client id and secret from a Basic header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicCredentials {
    /// The client id.
    pub client_id: String,
    /// The client secret; may be empty.
    pub client_secret: Secret,
}

/// Reads `Authorization: Basic …` (RFC 7617 2, RFC 6749 2.3.1). `None` for another scheme.
///
/// # Errors
/// [`fault::CLIENT_AUTH_MALFORMED`]: no strict base64 of UTF-8 without control characters with a
/// colon in it, an empty id, or too long.
pub fn parse_basic(header: &[u8]) -> Result<Option<BasicCredentials>, &'static Fault> {
    let Some(credentials) = credentials_of("basic", header) else {
        return Ok(None);
    };
    if header.len() > MAX_BASIC_LENGTH {
        return Err(&fault::CLIENT_AUTH_MALFORMED);
    }
    decode_basic(credentials)
        .map(Some)
        .ok_or(&fault::CLIENT_AUTH_MALFORMED)
}

fn decode_basic(credentials: &[u8]) -> Option<BasicCredentials> {
    let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let (id, secret) = (undo_form_encoding(id)?, undo_form_encoding(secret)?);
    let has_control = |text: &str| text.chars().any(char::is_control);
    if id.is_empty() || has_control(&id) || has_control(&secret) {
        return None;
    }
    Some(BasicCredentials {
        client_id: id,
        client_secret: Secret::new(secret),
    })
}

fn undo_form_encoding(text: &str) -> Option<String> {
    form_decode(text.as_bytes())
}

/// Reads `Authorization: Bearer …` (RFC 6750 2.1). `None` for another scheme.
///
/// # Errors
/// [`fault::TOKEN_MALFORMED`]: what follows is no `b64token`, or is too long.
pub fn parse_bearer(header: &[u8]) -> Result<Option<&str>, &'static Fault> {
    let Some(token) = credentials_of("bearer", header) else {
        return Ok(None);
    };
    let end = token.len() - token.iter().rev().take_while(|&&b| b == b'=').count();
    let is_token_byte =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    let well_formed =
        end > 0 && token.len() <= MAX_BEARER_LENGTH && token[..end].iter().all(is_token_byte);
    if !well_formed {
        return Err(&fault::TOKEN_MALFORMED);
    }
    std::str::from_utf8(token)
        .map(Some)
        .map_err(|_| &fault::TOKEN_MALFORMED)
}

/// What follows the scheme, if the header has that scheme in any case (RFC 9110 11.1 and 11.4).
fn credentials_of<'a>(scheme: &str, header: &'a [u8]) -> Option<&'a [u8]> {
    let end = header
        .iter()
        .position(|&b| b == b' ')
        .unwrap_or(header.len());
    let (found, rest) = header.split_at(end);
    if !found.eq_ignore_ascii_case(scheme.as_bytes()) {
        return None;
    }
    let spaces = rest.iter().take_while(|&&b| b == b' ').count();
    Some(&rest[spaces..])
}
