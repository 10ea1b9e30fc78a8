//! A set of strings that is only ever filled and asked: exact, compact, and as fast at a million as at ten.
//!
//! All strings stand one after the other in one arena; an open-addressing table holds their offsets. That is 4
//! bytes of table per slot (at most three quarters full) and 2 bytes of length per string beside its own bytes,
//! no allocation per entry, and no false positive: a hit compares the whole string.

use std::hash::{BuildHasher as _, RandomState};

/// Longest string that fits.
pub(super) const MAX_LENGTH: usize = u16::MAX as usize;
/// Offsets have 32 bits, and the last one is the mark of an empty slot.
const MAX_ARENA: usize = u32::MAX as usize - MAX_LENGTH - 2;
const EMPTY: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct StringSet {
    arena: Vec<u8>,
    slots: Vec<u32>,
    count: usize,
    hasher: RandomState,
}

/// What an insertion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    New,
    Known,
    /// Too long, or the set is full.
    NoRoom,
}

impl StringSet {
    pub(super) fn new() -> Self {
        Self { arena: Vec::new(), slots: vec![EMPTY; 16], count: 0, hasher: RandomState::new() }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Bytes of memory that the set holds.
    pub(super) fn bytes(&self) -> usize {
        self.arena.capacity() + self.slots.capacity() * size_of::<u32>()
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        matches!(self.find(text.as_bytes()), Some(slot) if self.slots.get(slot).is_some_and(|&offset| offset != EMPTY))
    }

    pub(super) fn insert(&mut self, text: &str) -> Inserted {
        let bytes = text.as_bytes();
        let Ok(length) = u16::try_from(bytes.len()) else {
            return Inserted::NoRoom;
        };
        if self.arena.len() > MAX_ARENA {
            return Inserted::NoRoom;
        }
        if self.count * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let (Some(slot), Ok(offset)) = (self.find(bytes), u32::try_from(self.arena.len())) else {
            return Inserted::NoRoom;
        };
        match self.slots.get_mut(slot) {
            Some(place) if *place == EMPTY => *place = offset,
            _ => return Inserted::Known,
        }
        self.arena.extend_from_slice(&length.to_le_bytes());
        self.arena.extend_from_slice(bytes);
        self.count += 1;
        Inserted::New
    }

    /// Gives back what growing has taken too much.
    pub(super) fn finish(&mut self) {
        self.arena.shrink_to_fit();
        self.slots.shrink_to_fit();
    }

    /// The slot where `text` is, or the empty one where it would go. None only for a full table, which
    /// [`Self::grow`] prevents.
    fn find(&self, text: &[u8]) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let start = usize::try_from(self.hasher.hash_one(text) & u64::from(u32::MAX)).ok()? & mask;
        (0..self.slots.len()).map(|step| (start + step) & mask).find(|&slot| match self.slots.get(slot) {
            Some(&EMPTY) => true,
            Some(&offset) => self.at(offset) == Some(text),
            None => false,
        })
    }

    fn at(&self, offset: u32) -> Option<&[u8]> {
        let rest = self.arena.get(usize::try_from(offset).ok()?..)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        rest.get(..usize::from(u16::from_le_bytes(*length)))
    }

    fn grow(&mut self) {
        let doubled = vec![EMPTY; self.slots.len() * 2];
        let old = std::mem::replace(&mut self.slots, doubled);
        for offset in old.into_iter().filter(|&offset| offset != EMPTY) {
            let slot = self.at(offset).and_then(|text| self.find(text));
            if let Some(place) = slot.and_then(|slot| self.slots.get_mut(slot)) {
                *place = offset;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        let mut set = StringSet::new();
        for n in 0..10_000 {
            assert_eq!(set.insert(&format!("host{n}.example")), Inserted::New);
        }
        assert_eq!(set.insert("host7.example"), Inserted::Known);
        assert_eq!(set.insert(&"x".repeat(MAX_LENGTH + 1)), Inserted::NoRoom);
        set.finish();
        assert_eq!(set.len(), 10_000);
        assert!((0..10_000).all(|n| set.contains(&format!("host{n}.example"))));
        assert!((10_000..20_000).all(|n| !set.contains(&format!("host{n}.example"))));
    }

    proptest! {
        #[test]
        fn it_is_a_set(words in prop::collection::vec(".{0,12}", 0..200), probes in prop::collection::vec(".{0,3}", 0..50)) {
            let mut set = StringSet::new();
            let mut model = HashSet::new();
            for word in &words {
                let expected = if model.insert(word.clone()) { Inserted::New } else { Inserted::Known };
                prop_assert_eq!(set.insert(word), expected);
            }
            prop_assert_eq!(set.len(), model.len());
            for probe in probes.iter().chain(&words) {
                prop_assert_eq!(set.contains(probe), model.contains(probe));
            }
        }
    }
}
