//! The ring of root keys: what new things are made with, and what old ones were.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::root_key::RootKey;
use crate::random::Random;

const NUMBER: usize = 4;
const NONCE: usize = 12;

/// Every root key that is still needed.
pub struct ServerKeys(RwLock<Arc<Ring>>);

struct Ring {
    current: Arc<RootKey>,
    all: Vec<Arc<RootKey>>,
}

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKeys(current {})", self.current().number)
    }
}

impl ServerKeys {
    /// A ring whose newest active key is `current`; `all` holds it and the others.
    pub(super) fn new(current: Arc<RootKey>, all: Vec<Arc<RootKey>>) -> ServerKeys {
        ServerKeys(RwLock::new(Arc::new(Ring { current, all })))
    }

    /// Made-up keys for the tests of other rooms; the last one is current.
    #[cfg(test)]
    pub(crate) fn made_up(numbers: &[u8]) -> ServerKeys {
        let key = |&number: &u8| Arc::new(RootKey::derive(i64::from(number), &[number; 32]).unwrap());
        let all: Vec<_> = numbers.iter().map(key).collect();
        ServerKeys::new(Arc::clone(all.last().unwrap()), all)
    }

    /// Takes over what another ring holds: the database was read again.
    pub(super) fn replace(&self, with: ServerKeys) {
        let ring = with.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key that new things are made with.
    pub fn current(&self) -> Arc<RootKey> {
        Arc::clone(&self.ring().current)
    }

    /// The key of that number, if we still have it.
    pub fn numbered(&self, number: i64) -> Option<Arc<RootKey>> {
        self.ring().all.iter().find(|key| key.number == number).map(Arc::clone)
    }

    /// Encrypts and authenticates `plain` for `purpose`, as base64url text that only [`ServerKeys::open`] with the same
    /// purpose reads back.
    pub fn seal(&self, random: &Random, purpose: &'static str, plain: &[u8]) -> String {
        let key = self.current();
        let number = u32::try_from(key.number).unwrap_or(u32::MAX).to_be_bytes();
        let nonce = random.bytes::<NONCE>();
        let mut text = plain.to_vec();
        // The library refuses only plaintexts of gigabytes; ours are bounded by the request's size.
        if key.encrypt(nonce, &aad(number, purpose), &mut text).is_none() {
            text.clear();
        }
        let mut sealed = Vec::with_capacity(NUMBER + NONCE + text.len());
        sealed.extend_from_slice(&number);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// What was sealed for that purpose; nothing when a single bit of it is not ours.
    pub fn open(&self, purpose: &'static str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (number, rest) = bytes.split_first_chunk::<NUMBER>()?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>()?;
        let key = self.numbered(i64::from(u32::from_be_bytes(*number)))?;
        let mut text = text.to_vec();
        let plain = key.decrypt(*nonce, &aad(*number, purpose), &mut text)?.len();
        text.truncate(plain);
        Some(text)
    }
}

fn aad(number: [u8; NUMBER], purpose: &str) -> Vec<u8> {
    [&number[..], purpose.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_purpose_opens_and_no_bit_may_differ() {
        let key = Arc::new(RootKey::derive(3, &[1; 32]).unwrap());
        let keys = ServerKeys::new(Arc::clone(&key), vec![key]);
        let sealed = keys.seal(&Random::default(), "authorize", b"state=1");
        assert_eq!(keys.open("authorize", &sealed).as_deref(), Some(&b"state=1"[..]));
        assert_eq!(keys.open("consent", &sealed), None);
        for position in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.open("authorize", std::str::from_utf8(&changed).unwrap()), None, "at {position}");
        }
        assert_eq!(keys.open("authorize", &sealed[..sealed.len() - 1]), None);
        assert_eq!(keys.open("authorize", &format!("{sealed}=")), None);
    }
}
