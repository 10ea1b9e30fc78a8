//! Secrets, their digests, and the text of freshly minted ones.
//!
//! A secret is shown to its owner once and then kept as a SHA-256 digest. That is enough because
//! every secret that passes here carries 256 bits of randomness: there is nothing to guess, so a
//! slow hash would only cost time (passwords are another matter and live elsewhere).
//!
//! Ids, secrets, codes and tokens use only `A-Z a-z 0-9 - _`. With that alphabet a Basic header is
//! the same with and without the form-encoding of RFC 6749 2.3.1, and a value survives any URL.

use std::fmt;

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroize as _;

/// Text that must not be seen: a client secret, a code, a token, a verifier.
///
/// Its memory is wiped when it is dropped, it compares in constant time, and `Debug` shows nothing.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends or hashes it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digest under which the secret is stored.
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The SHA-256 digest of a secret, which is all that a database sees of it.
#[derive(Clone, Copy)]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// Digests the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, bytes);
        let mut out = [0; 32];
        out.copy_from_slice(digest.as_ref());
        Self(out)
    }

    /// A digest that was stored earlier.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A digest that was stored earlier, as a database gives it back; `None` if it has not 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes, to be stored or looked up.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Sha256Digest {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for Sha256Digest {}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[digest]")
    }
}

/// Makes the text of a new secret: a prefix by kind, which secret scanners and log filters know,
/// and the caller's 256 random bits in base64url.
pub fn mint(prefix: &str, random: &[u8; 32]) -> Secret {
    let mut text = String::with_capacity(prefix.len() + 43);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(random, &mut text);
    Secret(text)
}

/// Base64url without padding (RFC 4648 section 5).
pub fn base64url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url strictly: no padding, no space, no other alphabet, unused bits zero. So there is
/// exactly one text for any bytes, and a token changed in its last character is another token.
pub fn base64url_decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Compares without telling by time where the difference is. Lengths are no secret.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn debug_output_shows_nothing_of_a_secret() {
        assert_eq!(format!("{:?}", Secret::new("s3cr3t")), "[secret]");
        assert_eq!(format!("{:?}", Sha256Digest::of(b"s3cr3t")), "[digest]");
    }

    #[test]
    fn digest_is_sha_256() {
        // FIPS 180-2, appendix B.1.
        let hex: String = Sha256Digest::of(b"abc").as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn stored_digests_have_32_bytes() {
        assert!(Sha256Digest::from_slice(&[0; 31]).is_none());
        assert!(Sha256Digest::from_slice(&[0; 33]).is_none());
        assert_eq!(Sha256Digest::from_slice(&[7; 32]), Some(Sha256Digest::from_bytes([7; 32])));
    }

    #[test]
    fn secrets_compare_by_their_whole_text() {
        assert_eq!(Secret::new("abc"), Secret::new("abc"));
        for other in ["", "ab", "abcd", "abC", "Abc"] {
            assert_ne!(Secret::new("abc"), Secret::new(other));
        }
    }

    proptest! {
        #[test]
        fn minted_text_keeps_the_alphabet_and_the_randomness(random: [u8; 32]) {
            let secret = mint("jmrt_", &random);
            let text = secret.expose();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            let body = text.strip_prefix("jmrt_").unwrap();
            prop_assert_eq!(base64url_decode(body).unwrap(), random.to_vec());
        }

        /// Lesson S13: a shortened, lengthened or altered token is never the token.
        #[test]
        fn altered_base64url_never_decodes_to_the_same_bytes(
            bytes in proptest::collection::vec(any::<u8>(), 1..64),
            at in any::<prop::sample::Index>(),
            replacement in "[A-Za-z0-9_=+/ -]",
        ) {
            let text = base64url_encode(&bytes);
            let at = at.index(text.len());
            let altered = format!("{}{replacement}{}", &text[..at], &text[at + 1..]);
            if altered != text {
                prop_assert_ne!(base64url_decode(&altered), Some(bytes.clone()));
            }
            for suffix in ["=", "==", " ", "\n", "A"] {
                prop_assert_ne!(base64url_decode(&format!("{text}{suffix}")), Some(bytes.clone()));
            }
            prop_assert_ne!(base64url_decode(&text[..at]), Some(bytes));
        }
    }
}
