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
    decode_basic(credentials).map(Some).ok_or(&fault::CLIENT_AUTH_MALFORMED)
}

fn decode_basic(credentials: &[u8]) -> Option<BasicCredentials> {
    let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let (id, secret) = (undo_form_encoding(id)?, undo_form_encoding(secret)?);
    let has_control = |text: &str| text.chars().any(char::is_control);
    if id.is_empty() || has_control(&id) || has_control(&secret) {
        return None;
    }
    Some(BasicCredentials { client_id: id, client_secret: Secret::new(secret) })
}

fn undo_form_encoding(text: &str) -> Option<String> {
    form_decode(text.as_bytes())
}

/// Reads `Authorization: Bearer …` (RFC 6750 2.1). `None` for another scheme.
///
/// # Errors
/// [`fault::TOKEN_MALFORMED`]: what follows is no `b64token`, or is too long.
pub fn parse_bearer(header: &[u8]) -> Result<Option<&str>, &'static Fault> {
    parse_token("bearer", header)
}

/// Reads `Authorization: DPoP …` (RFC 9449 7.1). `None` for another scheme.
///
/// # Errors
/// As [`parse_bearer`].
pub fn parse_dpop(header: &[u8]) -> Result<Option<&str>, &'static Fault> {
    parse_token("dpop", header)
}

fn parse_token<'a>(scheme: &str, header: &'a [u8]) -> Result<Option<&'a str>, &'static Fault> {
    let Some(token) = credentials_of(scheme, header) else {
        return Ok(None);
    };
    let end = token.len() - token.iter().rev().take_while(|&&b| b == b'=').count();
    let is_token_byte = |b: u8| b.is_ascii_alphanumeric() | matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    // Without a way out at the first bad byte, many bytes are looked at in one step.
    let are_token_bytes = |bytes: &[u8]| bytes.iter().fold(true, |good, &b| good & is_token_byte(b));
    let well_formed = end > 0 && token.len() <= MAX_BEARER_LENGTH && are_token_bytes(&token[..end]);
    if !well_formed {
        return Err(&fault::TOKEN_MALFORMED);
    }
    std::str::from_utf8(token).map(Some).map_err(|_| &fault::TOKEN_MALFORMED)
}

/// What follows the scheme, if the header has that scheme in any case (RFC 9110 11.1 and 11.4).
fn credentials_of<'a>(scheme: &str, header: &'a [u8]) -> Option<&'a [u8]> {
    let end = header.iter().position(|&b| b == b' ').unwrap_or(header.len());
    let (found, rest) = header.split_at(end);
    if !found.eq_ignore_ascii_case(scheme.as_bytes()) {
        return None;
    }
    let spaces = rest.iter().take_while(|&&b| b == b' ').count();
    Some(&rest[spaces..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn basic(pair: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(pair)).into_bytes()
    }

    fn read(header: &[u8]) -> Option<(String, String)> {
        let credentials = parse_basic(header).ok()??;
        Some((credentials.client_id.clone(), credentials.client_secret.expose().to_owned()))
    }

    fn pair(id: &str, secret: &str) -> Option<(String, String)> {
        Some((id.to_owned(), secret.to_owned()))
    }

    #[test]
    fn the_examples_of_the_rfcs_are_read() {
        // RFC 6749 2.3.1 and RFC 7617 2.
        assert_eq!(
            read(b"Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"),
            pair("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw")
        );
        assert_eq!(read(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), pair("Aladdin", "open sesame"));
    }

    #[test]
    fn the_scheme_has_no_case_and_any_number_of_spaces() {
        let encoded = STANDARD.encode("id:secret");
        for scheme in ["Basic ", "basic ", "BASIC ", "bAsIc    "] {
            assert_eq!(read(format!("{scheme}{encoded}").as_bytes()), pair("id", "secret"), "{scheme}");
        }
    }

    #[test]
    fn other_schemes_are_left_to_others() {
        for header in ["Bearer abc", "Digest x", "Basics aWQ6c2VjcmV0", "BasicaWQ6c2VjcmV0", "", " Basic aWQ6c2VjcmV0"]
        {
            assert_eq!(parse_basic(header.as_bytes()), Ok(None), "{header}");
        }
        assert_eq!(parse_bearer(b"Basic aWQ6c2VjcmV0"), Ok(None));
        assert_eq!(parse_bearer(b"Bearerabc"), Ok(None));
    }

    #[test]
    fn a_secret_may_hold_colons_and_be_empty_but_an_id_must_be_there() {
        assert_eq!(read(&basic("id:a:b:")), pair("id", "a:b:"));
        assert_eq!(read(&basic("id:")), pair("id", ""));
        assert_eq!(read(&basic("i%3Ad:a%3Ab")), pair("i:d", "a:b"));
        for bad in ["", ":", ":secret", "id", "id\0:secret", "id:sec\nret", "id:sec\u{7f}ret", "id:%0asecret"] {
            assert_eq!(parse_basic(&basic(bad)), Err(&fault::CLIENT_AUTH_MALFORMED), "{bad:?}");
        }
    }

    #[test]
    fn base64_is_strict() {
        for bad in [
            "Basic",
            "Basic ",
            "Basic aWQ6c2VjcmV0IQ",    // padding missing
            "Basic aWQ6c2VjcmV0IQ=",   // too little of it
            "Basic aWQ6c2VjcmV0IR==",  // stray bits
            "Basic aWQ6c2VjcmV0IQ== ", // trailing space
            "Basic aWQ6 c2VjcmV0IQ==", // a space within
            "Basic aWQ6c2VjcmV0\tIQ==",
            "Basic aWQ6_-_-", // the other alphabet
            "Basic id:secret",
            "Basic /zp4", // not UTF-8
        ] {
            assert_eq!(parse_basic(bad.as_bytes()), Err(&fault::CLIENT_AUTH_MALFORMED), "{bad}");
        }
    }

    #[test]
    fn headers_are_bounded() {
        let long = basic(&format!("id:{}", "x".repeat(MAX_BASIC_LENGTH)));
        assert_eq!(parse_basic(&long), Err(&fault::CLIENT_AUTH_MALFORMED));
        let long = format!("Bearer {}", "x".repeat(MAX_BEARER_LENGTH + 1));
        assert_eq!(parse_bearer(long.as_bytes()), Err(&fault::TOKEN_MALFORMED));
        let longest = format!("Bearer {}", "x".repeat(MAX_BEARER_LENGTH));
        assert!(parse_bearer(longest.as_bytes()).unwrap().is_some());
    }

    #[test]
    fn bearer_tokens_are_read() {
        // RFC 6750 2.1.
        assert_eq!(parse_bearer(b"Bearer mF_9.B5f-4.1JqM"), Ok(Some("mF_9.B5f-4.1JqM")));
        assert_eq!(parse_bearer(b"bearer   a+/~=="), Ok(Some("a+/~==")));
        for bad in [
            "Bearer",
            "Bearer ",
            "Bearer =",
            "Bearer a=b",
            "Bearer a b",
            "Bearer a,b",
            "Bearer \"a\"",
            "Bearer é",
            "Bearer a\n",
        ] {
            assert_eq!(parse_bearer(bad.as_bytes()), Err(&fault::TOKEN_MALFORMED), "{bad}");
        }
    }

    fn form_encoded(text: &str) -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect()
    }

    proptest! {
        /// Lesson 12: ids and secrets of our alphabet are the same with and without form-encoding,
        /// also in the eyes of a library that encodes every byte.
        #[test]
        fn both_encodings_give_the_same(id in "[A-Za-z0-9_-]{1,64}", secret in "[A-Za-z0-9_.-]{0,128}") {
            let expected = pair(&id, &secret);
            let every_byte = |text: &str| text.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
            prop_assert_eq!(read(&basic(&format!("{id}:{secret}"))), expected.clone());
            prop_assert_eq!(read(&basic(&format!("{}:{}", form_encoded(&id), form_encoded(&secret)))), expected.clone());
            prop_assert_eq!(read(&basic(&format!("{}:{}", every_byte(&id), every_byte(&secret)))), expected);
        }

        /// What a library form-encodes as RFC 6749 2.3.1 asks comes out as it was, whatever it is.
        #[test]
        fn encoded_pairs_come_out_as_they_went_in(id in "[^\\p{Cc}]{1,20}", secret in "[^\\p{Cc}]{0,20}") {
            let header = basic(&format!("{}:{}", form_encoded(&id), form_encoded(&secret)));
            prop_assert_eq!(read(&header), pair(&id, &secret));
        }

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            for scheme in [&b""[..], b"Basic ", b"Bearer "] {
                let header = [scheme, &bytes].concat();
                let _ = parse_basic(&header);
                if let Ok(Some(token)) = parse_bearer(&header) {
                    prop_assert!(token.bytes().all(|b| b.is_ascii_graphic()));
                }
            }
            let _ = parse_basic(format!("Basic {}", STANDARD.encode(&bytes)).as_bytes());
        }
    }
}
