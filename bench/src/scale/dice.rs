//! Chance that comes out the same every time: whatever is drawn follows from a seed, a kind and a number.

use jiomeet_oauth::random::uuid_text;

/// What is drawn for. Each kind has dice of its own, so that one more draw for a meeting changes nothing about an app.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    User = 1,
    Session,
    App,
    Revision,
    Grant,
    Consent,
    Code,
    Meeting,
    Participant,
    Audit,
    Mail,
    Other,
}

/// SplitMix64: quick, and even enough for made-up people.
#[derive(Debug, Clone)]
pub struct Dice(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Dice {
    /// The dice of one thing.
    pub fn of(kind: Kind, number: u64) -> Dice {
        let mut dice = Dice(((kind as u64) << 56) ^ number.wrapping_mul(STEP));
        // The first draws of neighbours are neighbours.
        dice.draw();
        dice
    }

    /// 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below that one, which is not zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u64
    }

    /// A time span below that one, in milliseconds.
    pub fn within(&mut self, milliseconds: i64) -> i64 {
        self.below(milliseconds.unsigned_abs().max(1)) as i64
    }

    /// True in so many of a hundred.
    pub fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }

    /// One of `count`, most of them alike and a few far ahead: `share` of a hundred draws go by rank, where the first
    /// gets the `1/power`th root of its even share.
    pub fn skewed(&mut self, count: u64, share: u64, power: i32) -> u64 {
        let even = !self.percent(share);
        let place = self.draw() as f64 / u64::MAX as f64;
        let place = if even { place } else { place.powi(power) };
        ((place * count as f64) as u64).min(count - 1)
    }

    /// That many bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for part in bytes.chunks_mut(8) {
            let drawn = self.draw().to_be_bytes();
            part.copy_from_slice(&drawn[..part.len()]);
        }
        bytes
    }

    /// One of these.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// Bytes that look random and rise with the number, evenly over `count`: rows that are written in this order go to
    /// the end of their index, which makes a load quick, and are as far apart as random ones afterwards.
    pub fn rising<const N: usize>(kind: Kind, number: u64, count: u64) -> [u8; N] {
        let mut dice = Dice::of(kind, number);
        let width = (1 << 32) / count.max(1);
        let place = number * width + dice.below(width.max(1));
        let mut bytes = dice.bytes::<N>();
        bytes[..4].copy_from_slice(&(place as u32).to_be_bytes());
        bytes
    }

    /// A version 4 UUID that rises likewise.
    pub fn rising_uuid(kind: Kind, number: u64, count: u64) -> String {
        let mut bytes = Dice::rising::<16>(kind, number, count);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        uuid_text(&bytes)
    }

    /// A version 7 UUID of that millisecond.
    pub fn timed_uuid(&mut self, at: i64) -> String {
        let mut bytes = self.bytes::<16>();
        bytes[..6].copy_from_slice(&at.to_be_bytes()[2..]);
        bytes[6] = (bytes[6] & 0x0f) | 0x70;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        uuid_text(&bytes)
    }
}

/// Another order of `0..count`, in which neighbours are strangers; there and back.
#[derive(Debug, Clone, Copy)]
pub struct Shuffle {
    count: u64,
    factor: u64,
    inverse: u64,
}

impl Shuffle {
    /// Of so many.
    pub fn new(count: u64) -> Shuffle {
        // The golden ratio's share of the count spreads neighbours best; the next number without a common divisor.
        let mut factor = (count as f64 * 0.618_034) as u64 | 1;
        loop {
            if let Some(inverse) = inverse(factor, count) {
                return Shuffle { count, factor, inverse };
            }
            factor += 1;
        }
    }

    /// Where that one stands.
    pub fn place_of(self, number: u64) -> u64 {
        (u128::from(number) * u128::from(self.factor) % u128::from(self.count)) as u64
    }

    /// Who stands there.
    pub fn at(self, place: u64) -> u64 {
        (u128::from(place) * u128::from(self.inverse) % u128::from(self.count)) as u64
    }
}

/// The inverse of a number modulo another, if they have no common divisor.
fn inverse(number: u64, modulus: u64) -> Option<u64> {
    let (mut old, mut new) = ((i128::from(number), 1_i128), (i128::from(modulus), 0_i128));
    while new.0 != 0 {
        let quotient = old.0 / new.0;
        (old, new) = (new, (old.0 - quotient * new.0, old.1 - quotient * new.1));
    }
    (old.0 == 1).then(|| old.1.rem_euclid(i128::from(modulus)) as u64)
}
