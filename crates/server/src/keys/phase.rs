//! The phases of a key, which signing keys and root keys go through alike.
//!
//! | phase | signing key | root key |
//! | --- | --- | --- |
//! | published | others may have it cached by the time it signs | every node has it by the time one uses it |
//! | active | signs | makes refresh tokens and seals |
//! | retired | verifies what it signed | checks and opens what it made |
//! | gone | the last token that it signed has expired | what was made with it has expired |

use std::time::Duration;

use crate::time::Timestamp;

/// How long clocks of nodes may be apart, and a signature may be under way when its key retires.
const MARGIN: Duration = Duration::from_secs(300);

/// Where a key stands that is not gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Known, and not used yet.
    Published,
    /// Used.
    Active,
    /// Used no more for anything new.
    Retired,
}

impl Phase {
    /// As `key list` shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Published => "published",
            Phase::Active => "active",
            Phase::Retired => "retired",
        }
    }
}

/// The times of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When it was made, and first published.
    pub created_at: Timestamp,
    /// When it begins to be used.
    pub active_at: Timestamp,
    /// When its successor takes over.
    pub retired_at: Option<Timestamp>,
}

impl Times {
    /// Where the key stands.
    pub fn phase(&self, now: Timestamp) -> Phase {
        if self.active_at > now {
            Phase::Published
        } else if self.retired_at.is_none_or(|at| at > now) {
            Phase::Active
        } else {
            Phase::Retired
        }
    }

    /// Whether this key, the newest one, needs a successor now, which will be known for `ahead` before it takes over.
    pub fn needs_successor(&self, after: Duration, ahead: Duration, now: Timestamp) -> bool {
        self.active_at.plus(after) <= now.plus(ahead) && self.active_at <= now
    }
}

/// Keys that retired before that moment are gone, where what they made lives for `life` at most.
pub fn gone_before(life: Duration, now: Timestamp) -> Timestamp {
    now.minus(life).minus(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_key_goes_from_published_to_active_to_retired() {
        let times = Times { created_at: at(0), active_at: at(10), retired_at: Some(at(20)) };
        let phase = |now| times.phase(at(now)).as_str();
        assert_eq!(
            [phase(0), phase(9), phase(10), phase(19), phase(20)],
            ["published", "published", "active", "active", "retired"]
        );
        assert_eq!(Times { retired_at: None, ..times }.phase(at(HOUR)), Phase::Active);
    }

    #[test]
    fn a_successor_is_made_so_early_that_it_takes_over_in_time_and_only_one() {
        let times = Times { created_at: at(0), active_at: at(0), retired_at: None };
        let due = |now| times.needs_successor(Duration::from_secs(7200), Duration::from_secs(60), at(now));
        assert!(!due(2 * HOUR - 60_001));
        assert!(due(2 * HOUR - 60_000));
        assert!(due(9 * HOUR), "late, when no node was running");
        let waiting = Times { active_at: at(HOUR), ..times };
        assert!(!waiting.needs_successor(Duration::ZERO, Duration::from_secs(7200), at(0)), "it is the successor");
    }
}
