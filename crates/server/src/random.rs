//! Randomness, from the one source that the whole product uses.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::time::Timestamp;

/// Random bytes that nobody can guess.
#[derive(Debug, Clone)]
pub struct Random(SystemRandom);

impl Default for Random {
    fn default() -> Random {
        Random(SystemRandom::new())
    }
}

impl Random {
    /// `N` fresh random bytes.
    ///
    /// # Panics
    /// When the system has no randomness left to give: nothing secret can be made then, and going on would be worse.
    #[expect(clippy::panic, reason = "a server without randomness must not answer")]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        if self.0.fill(&mut bytes).is_err() {
            panic!("the system's random source failed");
        }
        bytes
    }

    /// A UUID (version 4 in form) as text, for ids that say nothing.
    pub fn uuid(&self) -> String {
        let mut bytes = self.bytes::<16>();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        uuid_text(&bytes)
    }

    /// A UUID (version 7 in form): 48 bits of milliseconds, then randomness, so that ids sort by age.
    pub fn timed_uuid(&self, now: Timestamp) -> [u8; 16] {
        let mut bytes = self.bytes::<16>();
        bytes[..6].copy_from_slice(&now.as_millis().to_be_bytes()[2..]);
        bytes[6] = (bytes[6] & 0x0f) | 0x70;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        bytes
    }

    /// An even choice among `0..bound`; zero when `bound` is zero.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Rejection keeps the choice even.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let draw = u64::from_be_bytes(self.bytes());
            if draw < limit {
                return draw % bound;
            }
        }
    }
}

/// The 8-4-4-4-12 text of 16 bytes.
pub fn uuid_text(bytes: &[u8; 16]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

/// The 16 bytes of an 8-4-4-4-12 text in lower case, else nothing.
pub fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0u8; 16];
    let mut digits = text.bytes().enumerate();
    for byte in &mut bytes {
        let mut value = 0u8;
        for _ in 0..2 {
            let (mut position, mut digit) = digits.next()?;
            if matches!(position, 8 | 13 | 18 | 23) {
                if digit != b'-' {
                    return None;
                }
                (position, digit) = digits.next()?;
            }
            let _ = position;
            value = value << 4
                | match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return None,
                };
        }
        *byte = value;
    }
    digits.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_reads_back_as_its_bytes_and_nothing_else_does() {
        let bytes = Random::default().timed_uuid(Timestamp::from_millis(1_700_000_000_123));
        let text = uuid_text(&bytes);
        assert_eq!(uuid_bytes(&text), Some(bytes));
        assert_eq!(uuid_bytes(&text.to_uppercase().replace(|c: char| c.is_ascii_digit(), "F")), None);
        assert_eq!(uuid_bytes(&text[..35]), None);
        assert_eq!(uuid_bytes(&format!("{text}0")), None);
        assert_eq!(uuid_bytes(&text.replace('-', "")), None);
    }
}
