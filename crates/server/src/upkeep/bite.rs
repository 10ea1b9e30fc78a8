//! How many rows a sweeper deletes in one unit of work: as many as go in a few milliseconds, whatever the rows and the disk.

use std::time::Duration;

/// How long a request may wait for a sweeper.
const AIM: Duration = Duration::from_millis(2);

/// A number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bite(i64);

impl Bite {
    /// To begin with: little, until it is known how long that takes.
    pub const FIRST: Bite = Bite(100);
    /// Fewer would hardly be quicker: most of the time then goes into the commit, and on PostgreSQL nobody waits for it.
    const LEAST: i64 = 100;
    const MOST: i64 = 2_000;

    /// How many rows.
    pub const fn rows(self) -> i64 {
        self.0
    }

    /// The next one, after this one took that long: half as large if that was too long, else a little larger.
    pub fn after(self, took: Duration) -> Bite {
        let rows = if took > AIM { self.0 / 2 } else { self.0 + self.0 / 4 + 1 };
        Bite(rows.clamp(Bite::LEAST, Bite::MOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: usize, took: Duration) -> i64 {
        (0..times).fold(Bite::FIRST, |bite, _| bite.after(took)).rows()
    }

    #[test]
    fn a_bite_grows_while_it_is_quick_and_shrinks_when_it_is_not() {
        assert_eq!(after(1, Duration::from_millis(1)), 126);
        assert_eq!(after(100, Duration::from_millis(1)), Bite::MOST);
        assert_eq!(Bite(1_000).after(Duration::from_millis(9)), Bite(500));
        assert_eq!(after(100, Duration::from_millis(9)), Bite::LEAST);
    }
}
