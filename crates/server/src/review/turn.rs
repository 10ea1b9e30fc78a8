//! How long a revision has waited for a reviewer. The clock stops while it is the developer's turn, and goes on from
//! there when it is handed in again.

use std::time::Duration;

use crate::time::Timestamp;

/// Developers are told that a review usually takes 24 to 48 hours.
pub const REVIEW_TIME: Duration = Duration::from_secs(48 * 3600);

/// A revision that waits for a reviewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// When it was last handed in.
    pub submitted_at: Timestamp,
    /// How long it had waited before that, in earlier rounds.
    pub waited: Duration,
}

impl Waiting {
    /// How long it has waited by now.
    pub fn time(self, now: Timestamp) -> Duration {
        self.waited + now.since(self.submitted_at)
    }

    /// Whether it has waited too long.
    pub fn is_overdue(self, now: Timestamp) -> bool {
        self.time(now) > REVIEW_TIME
    }

    /// In words: `5 hours`.
    pub fn words(self, now: Timestamp) -> String {
        let minutes = self.time(now).as_secs() / 60;
        let count = |number: u64, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
        match minutes {
            0..=1 => "a moment".to_owned(),
            2..=119 => count(minutes, "minute"),
            120..=5759 => count(minutes / 60, "hour"),
            _ => count(minutes / 1440, "day"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn it_is_overdue_after_48_hours_of_the_reviewers_turn_alone() {
        let submitted_at = Timestamp::from_millis(1_000_000);
        let first = Waiting { submitted_at, waited: Duration::ZERO };
        assert!(!first.is_overdue(submitted_at.plus(48 * HOUR)));
        assert!(first.is_overdue(submitted_at.plus(48 * HOUR + Duration::from_millis(1))));
        let again = Waiting { submitted_at, waited: 40 * HOUR };
        assert!(!again.is_overdue(submitted_at.plus(8 * HOUR)));
        assert!(again.is_overdue(submitted_at.plus(9 * HOUR)));
    }

    #[test]
    fn waiting_is_told_in_the_unit_that_fits() {
        let waiting = Waiting { submitted_at: Timestamp::from_millis(0), waited: Duration::ZERO };
        let words = |time: Duration| waiting.words(Timestamp::from_millis(0).plus(time));
        assert_eq!(words(Duration::ZERO), "a moment");
        assert_eq!(words(Duration::from_secs(600)), "10 minutes");
        assert_eq!(words(5 * HOUR), "5 hours");
        assert_eq!(words(49 * HOUR), "49 hours");
        assert_eq!(words(100 * HOUR), "4 days");
    }
}
