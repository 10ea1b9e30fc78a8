//! PKCE: proof that the app which redeems a code is the one that asked for it (RFC 7636).
//!
//! 1. The app makes a random verifier and sends its SHA-256, the challenge, with the authorization
//!    request.
//! 2. It sends the verifier with the code. A thief who saw only the redirect has no verifier.
//!
//! Only the method S256 is offered: with `plain` the challenge is the verifier, so whoever sees the
//! request can redeem the code. A challenge without a method would mean `plain` (4.3) and is refused
//! too. At redemption a verifier without a challenge is as wrong as the reverse (RFC 9700 2.1.1 and
//! 4.8.2: it is the sign of a downgrade).

use std::fmt;

use crate::error::OAuthError;
use crate::fault;
use crate::secret::{Secret, Sha256Digest, base64url_decode, base64url_encode};

/// An S256 challenge: the SHA-256 of a verifier (RFC 7636 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeChallenge(Sha256Digest);

impl CodeChallenge {
    /// Reads a challenge from its text: 43 characters of base64url. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        Sha256Digest::from_slice(&base64url_decode(text)?).map(Self)
    }

    /// Makes the challenge of a verifier, as a client does.
    pub fn of(verifier: &CodeVerifier) -> Self {
        Self(verifier.0.digest())
    }

    /// Whether this is the challenge of that verifier, told in constant time (RFC 7636 4.6).
    pub fn verify(&self, verifier: &CodeVerifier) -> bool {
        verifier.is_well_formed() && Self::of(verifier) == *self
    }
}

impl fmt::Display for CodeChallenge {
    /// The text that [`CodeChallenge::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url_encode(self.0.as_bytes()))
    }
}

/// What a client sent as `code_verifier`. It is kept as it came: a malformed one is a wrong one, and
/// a wrong one spends the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// Whether it has 43 to 128 unreserved characters (RFC 7636 4.1).
    pub fn is_well_formed(&self) -> bool {
        let text = self.0.expose();
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
    }
}

/// Reads `code_challenge` and `code_challenge_method` of an authorization request (RFC 7636 4.3).
///
/// # Errors
/// `invalid_request` for `plain` or another method, a challenge without a method, a method without
/// a challenge, and a challenge that S256 can not have made.
pub fn read_challenge(challenge: Option<&str>, method: Option<&str>) -> Result<Option<CodeChallenge>, OAuthError> {
    let invalid = OAuthError::invalid_request;
    match (challenge, method) {
        (None, None) => Ok(None),
        (_, Some(method)) if method != "S256" => Err(invalid(&fault::PKCE_METHOD_UNSUPPORTED)),
        (Some(_), None) => Err(invalid(&fault::PKCE_METHOD_MISSING)),
        (None, Some(_)) => Err(invalid(&fault::PKCE_CHALLENGE_MISSING)),
        (Some(challenge), Some(_)) => match CodeChallenge::parse(challenge) {
            Some(challenge) => Ok(Some(challenge)),
            None => Err(invalid(&fault::PKCE_CHALLENGE_MALFORMED)),
        },
    }
}

/// Compares the challenge that a code was asked for with to the verifier that it is redeemed with.
///
/// # Errors
/// `invalid_grant` unless both are absent or the verifier belongs to the challenge.
pub fn check_verifier(challenge: Option<&CodeChallenge>, verifier: Option<&CodeVerifier>) -> Result<(), OAuthError> {
    let invalid = OAuthError::invalid_grant;
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(invalid(&fault::VERIFIER_MISSING)),
        (None, Some(_)) => Err(invalid(&fault::VERIFIER_UNEXPECTED)),
        (Some(challenge), Some(verifier)) if challenge.verify(verifier) => Ok(()),
        (Some(_), Some(verifier)) if !verifier.is_well_formed() => Err(invalid(&fault::VERIFIER_MALFORMED)),
        (Some(_), Some(_)) => Err(invalid(&fault::VERIFIER_MISMATCH)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge() -> CodeChallenge {
        CodeChallenge::parse(CHALLENGE).unwrap()
    }

    #[test]
    fn the_example_of_the_rfc_holds() {
        assert!(challenge().verify(&CodeVerifier::new(VERIFIER)));
        assert_eq!(CodeChallenge::of(&CodeVerifier::new(VERIFIER)).to_string(), CHALLENGE);
    }

    #[test]
    fn only_s256_with_a_challenge_is_read() {
        assert_eq!(read_challenge(None, None), Ok(None));
        assert_eq!(read_challenge(Some(CHALLENGE), Some("S256")), Ok(Some(challenge())));
        for (challenge, method, code) in [
            (Some(CHALLENGE), None, "pkce_method_missing"),
            (Some(CHALLENGE), Some("plain"), "pkce_method_unsupported"),
            (Some(CHALLENGE), Some("s256"), "pkce_method_unsupported"),
            (Some(CHALLENGE), Some("S512"), "pkce_method_unsupported"),
            (None, Some("plain"), "pkce_method_unsupported"),
            (None, Some("S256"), "pkce_challenge_missing"),
            (Some(VERIFIER), None, "pkce_method_missing"),
        ] {
            let error = read_challenge(challenge, method).unwrap_err();
            assert_eq!(error.code.as_str(), "invalid_request");
            assert_eq!(error.fault.code, code);
        }
    }

    #[test]
    fn challenges_that_s256_can_not_have_made_are_refused() {
        let padded = format!("{CHALLENGE}=");
        let longer = format!("{CHALLENGE}A");
        for text in [
            "",
            "short",
            &CHALLENGE[..42],
            &padded,
            &longer,
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN",
            " 9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ] {
            let error = read_challenge(Some(text), Some("S256")).unwrap_err();
            assert_eq!(error.fault.code, "pkce_challenge_malformed", "{text}");
        }
    }

    /// Lesson S7: PKCE taken off at either end.
    #[test]
    fn challenge_and_verifier_must_come_together() {
        let fault = |challenge: Option<&CodeChallenge>, verifier: Option<&str>| {
            let verifier = verifier.map(CodeVerifier::new);
            check_verifier(challenge, verifier.as_ref())
                .map_err(|error| {
                    assert_eq!(error.code.as_str(), "invalid_grant");
                    error.fault.code
                })
                .err()
        };
        let challenge = challenge();
        assert_eq!(fault(None, None), None);
        assert_eq!(fault(Some(&challenge), Some(VERIFIER)), None);
        assert_eq!(fault(Some(&challenge), None), Some("verifier_missing"));
        assert_eq!(fault(None, Some(VERIFIER)), Some("verifier_unexpected"));
        assert_eq!(fault(Some(&challenge), Some(CHALLENGE)), Some("verifier_mismatch"));
        assert_eq!(fault(Some(&challenge), Some("wrong")), Some("verifier_malformed"));
    }

    #[test]
    fn verifiers_have_43_to_128_unreserved_characters() {
        let well_formed = |text: &str| CodeVerifier::new(text).is_well_formed();
        assert!(well_formed(&"a".repeat(43)) && well_formed(&"~".repeat(128)));
        assert!(!well_formed(&"a".repeat(42)) && !well_formed(&"a".repeat(129)));
        for bad in ["+", "/", "=", " ", "%", "é", "\0"] {
            assert!(!well_formed(&("a".repeat(50) + bad)), "{bad}");
        }
    }

    #[test]
    fn a_malformed_verifier_does_not_pass_though_its_digest_fits() {
        let short = CodeVerifier::new("short");
        assert!(!CodeChallenge::of(&short).verify(&short));
    }

    proptest! {
        #[test]
        fn only_the_verifier_itself_passes(verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
            let challenge = CodeChallenge::of(&CodeVerifier::new(&*verifier));
            prop_assert_eq!(CodeChallenge::parse(&challenge.to_string()), Some(challenge));
            prop_assert!(challenge.verify(&CodeVerifier::new(&*verifier)));
            prop_assert_eq!(challenge.verify(&CodeVerifier::new(&*other)), verifier == other);
            for altered in [&verifier[1..], &verifier[..verifier.len() - 1], &format!("{verifier}A"), &verifier.to_uppercase()] {
                prop_assert_eq!(challenge.verify(&CodeVerifier::new(altered)), altered == verifier);
            }
        }

        #[test]
        fn any_text_can_be_read_as_a_challenge(text in any::<String>()) {
            if let Some(challenge) = CodeChallenge::parse(&text) {
                prop_assert_eq!(challenge.to_string(), text);
            }
        }
    }
}
