//! The text of a refresh token, and how its successor follows from it.
//!
//! `jmrt_` and base64url of 72 bytes: grant id (16), generation (4), number of the server key (4), secret (32), MAC (16).
//! Seventy-two bytes are ninety-six characters exactly, so no bits are left over and one token has one text. A string
//! without a good MAC was never ours and is refused without a look at the database.
//!
//! The next secret is derived from the presented one: the same question has the same answer, so an answer that was lost
//! can be given again, and the database need keep nothing but hashes.

use std::fmt;

use protocol::secret::{Secret, Sha256Digest, base64url_decode, base64url_encode, constant_time_eq};
use zeroize::Zeroize as _;

use super::grant::Generation;
use crate::ids::GrantId;
use crate::keys::{Purpose, RootKey, ServerKeys};

/// What every refresh token begins with: secret scanners and the log's filter know it.
pub const PREFIX: &str = "jmrt_";

const GRANT: usize = 16;
const NUMBER: usize = 4;
const SECRET: usize = 32;
/// RFC 2104 section 5: no less than half the hash.
const MAC: usize = 16;
const BODY: usize = GRANT + NUMBER + NUMBER + SECRET;

/// A refresh token, opened. Its `Debug` shows which one it is and nothing of the secret.
#[derive(Clone)]
pub struct RefreshToken {
    /// The grant that it belongs to.
    pub grant: GrantId,
    /// How often the grant's token had turned when this one was made.
    pub generation: Generation,
    /// Number of the server key that made it.
    pub key_number: u32,
    secret: [u8; SECRET],
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({}.{}, [secret])", self.grant, self.generation)
    }
}

impl Drop for RefreshToken {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl RefreshToken {
    /// A grant's first token, from a fresh random secret.
    pub fn first(grant: GrantId, key: &RootKey, secret: [u8; SECRET]) -> RefreshToken {
        RefreshToken { grant, generation: Generation::FIRST, key_number: number_of(key), secret }
    }

    /// The token that follows this one as `generation`: HMAC(key, grant, generation, secret).
    #[must_use]
    pub fn successor(&self, key: &RootKey, generation: Generation) -> RefreshToken {
        let parts: [&[u8]; 3] = [self.grant.as_bytes(), &generation.to_bytes(), &self.secret];
        let secret = key.mac(Purpose::RefreshSuccessor, &parts);
        RefreshToken { grant: self.grant, generation, key_number: number_of(key), secret }
    }

    /// What the database keeps of it.
    pub fn secret_hash(&self) -> Sha256Digest {
        Sha256Digest::of(&self.secret)
    }

    /// The text that the client gets. `key` is the one whose number the token carries.
    pub fn text(&self, key: &RootKey) -> Secret {
        let mut bytes = [0; BODY + MAC];
        let (body, mac) = bytes.split_at_mut(BODY);
        body[..GRANT].copy_from_slice(self.grant.as_bytes());
        body[GRANT..GRANT + NUMBER].copy_from_slice(&self.generation.to_bytes());
        body[GRANT + NUMBER..BODY - SECRET].copy_from_slice(&self.key_number.to_be_bytes());
        body[BODY - SECRET..].copy_from_slice(&self.secret);
        mac.copy_from_slice(&mac_of(key, body));
        let text = Secret::new(format!("{PREFIX}{}", base64url_encode(&bytes)));
        bytes.zeroize();
        text
    }

    /// Reads a text that one of our keys made; nothing when a single character is not as it was.
    pub fn parse(text: &str, keys: &ServerKeys) -> Option<RefreshToken> {
        let body = text.strip_prefix(PREFIX)?;
        let bytes: [u8; BODY + MAC] = base64url_decode(body)?.try_into().ok()?;
        let (body, mac) = bytes.split_at(BODY);
        let (grant, rest) = body.split_first_chunk::<GRANT>()?;
        let (generation, rest) = rest.split_first_chunk::<NUMBER>()?;
        let (key_number, secret) = rest.split_first_chunk::<NUMBER>()?;
        let key_number = u32::from_be_bytes(*key_number);
        let key = keys.numbered(i64::from(key_number))?;
        if !constant_time_eq(&mac_of(&key, body), mac) {
            return None;
        }
        Some(RefreshToken {
            grant: GrantId::from_bytes(*grant),
            generation: Generation::from_bytes(*generation),
            key_number,
            secret: secret.try_into().ok()?,
        })
    }
}

fn mac_of(key: &RootKey, body: &[u8]) -> [u8; MAC] {
    let whole = key.mac(Purpose::RefreshMac, &[body]);
    let mut half = [0; MAC];
    half.copy_from_slice(&whole[..MAC]);
    half
}

/// Keys are numbered from 1; a number beyond 32 bits cannot come about and would make tokens that nobody accepts.
fn number_of(key: &RootKey) -> u32 {
    u32::try_from(key.number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Random;
    use crate::time::Timestamp;

    fn token(keys: &ServerKeys) -> RefreshToken {
        let random = Random::default();
        let grant = GrantId::mint(&random, Timestamp::from_millis(1_700_000_000_000));
        RefreshToken::first(grant, &keys.current(), random.bytes())
    }

    fn text(token: &RefreshToken, keys: &ServerKeys) -> String {
        token.text(&keys.numbered(i64::from(token.key_number)).unwrap()).expose().to_owned()
    }

    #[test]
    fn a_token_reads_back_as_it_was_made() {
        let keys = ServerKeys::made_up(&[1, 2]);
        let first = token(&keys);
        let second = first.successor(&keys.current(), first.generation.next());
        for made in [&first, &second] {
            let text = text(made, &keys);
            assert_eq!(text.len(), PREFIX.len() + 96);
            let read = RefreshToken::parse(&text, &keys).unwrap();
            assert_eq!((read.grant, read.generation, read.key_number), (made.grant, made.generation, 2));
            assert_eq!(read.secret_hash(), made.secret_hash());
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer_and_another_one_another() {
        let keys = ServerKeys::made_up(&[1, 2]);
        let (old, new) = (keys.numbered(1).unwrap(), keys.numbered(2).unwrap());
        let first = token(&keys);
        let next = first.generation.next();
        let hash = |token: &RefreshToken, key, generation| token.successor(key, generation).secret_hash();
        assert_eq!(hash(&first, &new, next), hash(&first, &new, next));
        assert_ne!(hash(&first, &old, next), hash(&first, &new, next), "another key");
        assert_ne!(hash(&first, &new, next), hash(&first, &new, next.next()), "another generation");
        assert_ne!(hash(&first, &new, next), hash(&token(&keys), &new, next), "another grant and secret");
        assert_ne!(hash(&first, &new, next), first.secret_hash());
    }

    #[test]
    fn a_key_that_is_gone_or_another_servers_makes_a_token_unknown() {
        let keys = ServerKeys::made_up(&[1, 2]);
        let text = text(&token(&keys), &keys);
        assert!(RefreshToken::parse(&text, &ServerKeys::made_up(&[1])).is_none());
        assert!(RefreshToken::parse(&text, &ServerKeys::made_up(&[3])).is_none());
        assert!(RefreshToken::parse(&text, &ServerKeys::made_up(&[2, 3])).is_some());
    }

    #[test]
    fn debug_output_shows_nothing_of_the_secret() {
        let keys = ServerKeys::made_up(&[1]);
        let token = token(&keys);
        assert_eq!(format!("{token:?}"), format!("RefreshToken({}.0, [secret])", token.grant));
    }

    proptest! {
        /// Lesson S13: shortened, lengthened or altered, it is not the token.
        #[test]
        fn not_a_single_character_may_differ(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_=+/ .-]{0,2}") {
            let keys = ServerKeys::made_up(&[1]);
            let text = text(&token(&keys), &keys);
            let at = at.index(text.len());
            for altered in [
                format!("{}{with}{}", &text[..at], &text[at + 1..]),
                format!("{}{with}{}", &text[..at], &text[at..]),
                text[..at].to_owned(),
                text[at + 1..].to_owned(),
            ] {
                prop_assert_eq!(RefreshToken::parse(&altered, &keys).is_some(), altered == text, "{}", altered);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,120}", body in "[A-Za-z0-9_-]{90,100}") {
            let keys = ServerKeys::made_up(&[1]);
            prop_assert!(RefreshToken::parse(&text, &keys).is_none());
            let body = format!("{PREFIX}{body}");
            prop_assert!(RefreshToken::parse(&body, &keys).is_none());
        }
    }
}
