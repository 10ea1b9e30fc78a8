//! When a mail that failed is tried again, and when no more. Pure.

use std::time::Duration;

use crate::time::Timestamp;

/// How a mail failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The mail server cannot be reached, or takes nothing from us: every other mail would fail as well.
    Server,
    /// It does not take this mail now (4xx).
    Later,
    /// It does not take this mail at all (5xx).
    Refused,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is tried again then.
    TryAt(Timestamp),
    /// It is not tried again.
    GiveUp,
}

/// The waits after the first, second, … failure; the last one from then on.
const WAITS: [Duration; 5] = [
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(60 * 60),
];

/// A refusal may be a server's passing mood (greylisting by 5xx is seen): this many are believed.
const REFUSALS_BELIEVED: i64 = 3;

/// Decides after the given number of attempts.
pub fn next(failure: Failure, attempts: i64, now: Timestamp, give_up_at: Timestamp) -> Next {
    if failure == Failure::Refused && attempts >= REFUSALS_BELIEVED {
        return Next::GiveUp;
    }
    let failures = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    let wait = WAITS[failures.min(WAITS.len() - 1)];
    let at = now.plus(wait);
    if at > give_up_at { Next::GiveUp } else { Next::TryAt(at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_767_607_200_000);

    fn wait(failure: Failure, attempts: i64) -> Option<u64> {
        match next(failure, attempts, NOW, NOW.plus(Duration::from_secs(3 * 86_400))) {
            Next::TryAt(at) => Some(at.since(NOW).as_secs()),
            Next::GiveUp => None,
        }
    }

    #[test]
    fn the_waits_grow_to_an_hour() {
        let waits: Vec<_> = (1..=7).map(|attempts| wait(Failure::Server, attempts).unwrap()).collect();
        assert_eq!(waits, [30, 120, 600, 1800, 3600, 3600, 3600]);
        assert_eq!(wait(Failure::Later, i64::MAX), Some(3600));
        assert_eq!(wait(Failure::Later, 0), Some(30));
    }

    #[test]
    fn a_refusal_is_believed_the_third_time() {
        assert_eq!(wait(Failure::Refused, 1), Some(30));
        assert_eq!(wait(Failure::Refused, 2), Some(120));
        assert_eq!(wait(Failure::Refused, 3), None);
    }

    #[test]
    fn nothing_is_tried_after_its_time() {
        let at = |give_up_in| next(Failure::Server, 5, NOW, NOW.plus(Duration::from_secs(give_up_in)));
        assert_eq!(at(3600), Next::TryAt(NOW.plus(Duration::from_secs(3600))));
        assert_eq!(at(3599), Next::GiveUp);
    }
}
