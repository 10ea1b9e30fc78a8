//! What the rows of a table add up to.

use aws_lc_rs::digest::{Context, SHA256};

use super::Field;

/// The number of rows and the sum of their SHA-256 hashes, lane by lane: the order of rows, which the engines see
/// differently, does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    rows: u64,
    lanes: [u64; 4],
}

impl Digest {
    /// One more row.
    pub fn add(&mut self, row: &[Field]) {
        let mut context = Context::new(&SHA256);
        for field in row {
            let (kind, bytes): (u8, &[u8]) = match field {
                Field::Null => (0, &[]),
                Field::Int(int) => (1, &int.to_be_bytes()),
                Field::Text(text) => (2, text.as_bytes()),
                Field::Blob(blob) => (3, blob),
            };
            context.update(&[kind]);
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        }
        let hash = context.finish();
        self.rows += 1;
        for (lane, bytes) in self.lanes.iter_mut().zip(hash.as_ref().chunks_exact(8)) {
            let part = bytes.iter().fold(0, |part: u64, byte| (part << 8) | u64::from(*byte));
            *lane = lane.wrapping_add(part);
        }
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn to_hex(self) -> String {
        self.lanes.iter().map(|lane| format!("{lane:016x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&[Field]]) -> Digest {
        let mut digest = Digest::default();
        rows.iter().for_each(|row| digest.add(row));
        digest
    }

    fn text(text: &str) -> Field {
        Field::Text(text.to_owned())
    }

    #[test]
    fn every_field_of_every_row_counts_and_the_order_of_rows_does_not() {
        let (one, two) = ([text("a"), Field::Int(1)], [text("b"), Field::Null]);
        assert_eq!(of(&[&one, &two]), of(&[&two, &one]));
        assert_ne!(of(&[&one, &two]), of(&[&one]));
        assert_ne!(of(&[&one]), of(&[&two]));
        assert_ne!(of(&[&[text("ab"), text("")]]), of(&[&[text("a"), text("b")]]));
        assert_ne!(of(&[&[text("a")]]), of(&[&[Field::Blob(b"a".to_vec())]]));
        assert_ne!(of(&[&one, &one, &two, &two]), of(&[&one, &one, &one, &two]));
    }
}
