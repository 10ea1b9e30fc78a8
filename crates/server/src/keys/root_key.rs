//! One root key and what is derived from it: a key of its own for each purpose, by HKDF (RFC 5869).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};

/// What a derived key is for: no two purposes share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The MAC of a refresh token's text.
    RefreshMac,
    /// The derivation of the next refresh secret from the presented one.
    RefreshSuccessor,
    /// CSRF tokens of forms.
    Csrf,
    /// The cookie of a browser that signed in before.
    KnownBrowser,
}

impl Purpose {
    const ALL: [(Purpose, &'static str); 4] = [
        (Purpose::RefreshMac, "refresh-mac"),
        (Purpose::RefreshSuccessor, "refresh-successor"),
        (Purpose::Csrf, "csrf"),
        (Purpose::KnownBrowser, "known-browser"),
    ];
}

/// A root key, opened, with its derived keys ready.
pub struct RootKey {
    /// Its number: tokens and sealed texts carry it.
    pub number: i64,
    mac_keys: [hmac::Key; Purpose::ALL.len()],
    seal_key: LessSafeKey,
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({}, [secret])", self.number)
    }
}

impl RootKey {
    /// Derives everything from the root's 32 bytes; nothing when the library refuses them.
    pub(super) fn derive(number: i64, root: &[u8]) -> Option<RootKey> {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"jiomeet-oauth root key").extract(root);
        let expand = |label: &str| -> Option<[u8; 32]> {
            let mut bytes = [0; 32];
            extracted.expand(&[label.as_bytes()], hkdf::HKDF_SHA256).ok()?.fill(&mut bytes).ok()?;
            Some(bytes)
        };
        let mut mac_keys = Vec::with_capacity(Purpose::ALL.len());
        for (_, label) in Purpose::ALL {
            mac_keys.push(hmac::Key::new(hmac::HMAC_SHA256, &expand(label)?));
        }
        let seal_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &expand("seal")?).ok()?);
        Some(RootKey { number, mac_keys: mac_keys.try_into().ok()?, seal_key })
    }

    /// HMAC-SHA-256 over the parts, each with its length before it, so that parts cannot run into each other.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.mac_keys[purpose as usize]);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    /// Encrypts `text` in place and appends the tag; `aad` is authenticated with it.
    pub(super) fn encrypt(&self, nonce: [u8; 12], aad: &[u8], text: &mut Vec<u8>) -> Option<()> {
        self.seal_key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text).ok()
    }

    /// Decrypts in place; nothing when a single bit is not ours.
    pub(super) fn decrypt<'a>(&self, nonce: [u8; 12], aad: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        self.seal_key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), sealed).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_and_each_split_of_the_parts_has_its_own_mac() {
        let key = RootKey::derive(1, &[7; 32]).unwrap();
        for (index, (purpose, _)) in Purpose::ALL.into_iter().enumerate() {
            assert_eq!(purpose as usize, index, "the table follows the enum");
        }
        assert_ne!(key.mac(Purpose::Csrf, &[b"ab", b"c"]), key.mac(Purpose::Csrf, &[b"a", b"bc"]));
        assert_ne!(key.mac(Purpose::Csrf, &[b"abc"]), key.mac(Purpose::RefreshMac, &[b"abc"]));
        let same_root = RootKey::derive(2, &[7; 32]).unwrap();
        assert_eq!(key.mac(Purpose::Csrf, &[b"abc"]), same_root.mac(Purpose::Csrf, &[b"abc"]));
    }
}
