//! The table: what a refresh token gets, decided from the grant's row and the clock alone.
//!
//! | presented | answer |
//! | --- | --- |
//! | past its own lifetime | [`Decision::Expired`] |
//! | the current one | [`Decision::Rotate`] |
//! | the previous one, within the grace of its rotation | [`Decision::Repeat`] |
//! | the previous one, after the grace, its successor never used | [`Decision::Recover`] |
//! | the previous one, its successor used or maybe used out of our sight; an older or withdrawn one | [`Decision::Replay`] |
//! | an older one whose successor was itself rotated less than the grace ago | [`Decision::Delayed`] |
//! | a generation above the row's, or another secret at the same number | [`Decision::SetBack`] |
//!
//! What comes before the table (client, app, account, scope) and what follows from it is in [`super::refresh`].

use std::time::Duration;

use protocol::secret::Sha256Digest;

use super::grant::{Family, Generation};
use crate::time::Timestamp;

/// What a refresh token gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The current token: claim `generation`, make its successor.
    Rotate,
    /// The previous token so soon after its rotation that the answer may still be on its way, or lost: the same
    /// successor again. Nothing is written.
    Repeat,
    /// The previous token, and nobody ever used what came of it: the answer was lost. A new successor takes the place of
    /// the unused one.
    Recover,
    /// Someone uses what had been replaced and whose replacement is in use: the grant ends (RFC 9700 section 4.14.2).
    Replay,
    /// A retry that was held up on its way; its successor was rotated only now.
    Delayed,
    /// Past its own lifetime.
    Expired,
    /// The grant is over.
    Ended,
    /// A token that the row has not heard of: the database was set back to an earlier day.
    SetBack,
}

/// How long things last: from the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// `tokens.refresh_reuse_grace`.
    pub grace: Duration,
    /// `tokens.refresh_token_ttl`.
    pub refresh: Duration,
    /// Whether every access token of the grant is used where we see it: at our own API. Elsewhere a successor counts as
    /// used from the end of the grace on.
    pub use_is_seen: bool,
}

/// Decides by the table. A moment exactly `grace` after the rotation is after the grace, one exactly at the end of a
/// lifetime past it.
///
/// `is_parent` says whether the previous token was derived from the presented one: of the older tokens only that one
/// can be a delayed retry.
pub fn decide(
    family: &Family,
    presented: Generation,
    hash: &Sha256Digest,
    is_parent: impl FnOnce() -> bool,
    lifetimes: Lifetimes,
    now: Timestamp,
) -> Decision {
    if family.ended {
        return Decision::Ended;
    }
    let in_grace = now < family.rotated_at.plus(lifetimes.grace);
    if presented > family.generation {
        return Decision::SetBack;
    }
    if presented == family.generation {
        return if *hash != family.secret_hash {
            Decision::SetBack
        } else if now >= family.refresh_expires_at {
            Decision::Expired
        } else {
            Decision::Rotate
        };
    }
    let Some(previous) = &family.previous else {
        return Decision::Replay;
    };
    let previous_expired = now >= previous.made_at.plus(lifetimes.refresh);
    if presented == previous.generation {
        return if *hash != previous.secret_hash {
            Decision::SetBack
        } else if previous_expired {
            Decision::Expired
        } else if in_grace {
            Decision::Repeat
        } else if family.successor_used || !lifetimes.use_is_seen {
            Decision::Replay
        } else {
            Decision::Recover
        };
    }
    if presented > previous.generation {
        // Withdrawn: its place was taken when the previous token was presented again.
        return Decision::Replay;
    }
    // Older than the previous one, so made before it: the row no longer knows when.
    if previous_expired {
        Decision::Expired
    } else if in_grace && is_parent() {
        Decision::Delayed
    } else {
        Decision::Replay
    }
}

#[cfg(test)]
mod tests {
    use super::super::grant::Previous;
    use super::*;

    const DAY: i64 = 86_400_000;
    const LIFETIMES: Lifetimes =
        Lifetimes { grace: Duration::from_secs(60), refresh: Duration::from_secs(60 * 86_400), use_is_seen: true };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn hash(name: &str) -> Sha256Digest {
        Sha256Digest::of(name.as_bytes())
    }

    fn generation(number: u32) -> Generation {
        Generation::from_bytes(number.to_be_bytes())
    }

    /// Generations 7 (previous, made at 0) and 9 (current, made at one day); 8 was withdrawn, 6 came before 7.
    fn family() -> Family {
        Family {
            generation: generation(9),
            secret_hash: hash("nine"),
            rotated_at: at(DAY),
            previous: Some(Previous { generation: generation(7), secret_hash: hash("seven"), made_at: at(0) }),
            key_number: 1,
            successor_used: false,
            access_until: at(2 * DAY),
            refresh_expires_at: at(61 * DAY),
            ended: false,
        }
    }

    fn ask(family: &Family, number: u32, secret: &str, now: i64) -> Decision {
        decide(family, generation(number), &hash(secret), || number == 6, LIFETIMES, at(now))
    }

    #[test]
    fn the_table_line_by_line() {
        use Decision::*;
        let used = Family { successor_used: true, ..family() };
        let ended = Family { ended: true, ..family() };
        let first = Family { generation: Generation::FIRST, secret_hash: hash("zero"), previous: None, ..family() };
        let grace = DAY + 60_000;
        #[rustfmt::skip]
        let table: &[(&str, &Family, u32, &str, i64, Decision)] = &[
            ("the current one",                                       &family(), 9, "nine",  DAY,          Rotate),
            ("the current one, its access token in use",              &used,     9, "nine",  DAY + 1,      Rotate),
            ("the current one, a moment before its end",              &family(), 9, "nine",  61 * DAY - 1, Rotate),
            ("the current one, past its lifetime",                    &family(), 9, "nine",  61 * DAY,     Expired),
            ("the first one of a grant",                              &first,    0, "zero",  DAY,          Rotate),
            ("the previous one, at once",                             &family(), 7, "seven", DAY,          Repeat),
            ("the previous one, at the grace's last moment",          &family(), 7, "seven", grace - 1,    Repeat),
            ("the previous one within the grace, its successor used", &used,     7, "seven", grace - 1,    Repeat),
            ("the previous one after the grace, successor unused",    &family(), 7, "seven", grace,        Recover),
            ("the same, weeks later",                                 &family(), 7, "seven", 60 * DAY - 1, Recover),
            ("the previous one, past its own lifetime",               &family(), 7, "seven", 60 * DAY,     Expired),
            ("the same, its successor used",                          &used,     7, "seven", 60 * DAY,     Expired),
            ("the previous one after the grace, its successor used",  &used,     7, "seven", grace,        Replay),
            ("a withdrawn one within the grace",                      &family(), 8, "eight", DAY,          Replay),
            ("a withdrawn one after the grace",                       &family(), 8, "eight", grace,        Replay),
            ("the one before the previous, within the grace",         &family(), 6, "six",   grace - 1,    Delayed),
            ("the one before the previous, after the grace",          &family(), 6, "six",   grace,        Replay),
            ("a much older one, within the grace",                    &family(), 5, "five",  DAY,          Replay),
            ("a much older one",                                      &used,     1, "one",   grace,        Replay),
            ("an older one when even the previous one has expired",   &family(), 5, "five",  60 * DAY,     Expired),
            ("a generation above the row's",                          &family(), 10, "ten",  DAY,          SetBack),
            ("a generation above the row's, first one",               &first,    1, "one",   DAY,          SetBack),
            ("another secret at the current number",                  &family(), 9, "other", DAY,          SetBack),
            ("another secret at the previous number",                 &family(), 7, "other", grace,        SetBack),
            ("the current one of an ended grant",                     &ended,    9, "nine",  DAY,          Ended),
            ("an older one of an ended grant",                        &ended,    5, "five",  DAY,          Ended),
            ("a newer one of an ended grant",                         &ended,    11, "x",    DAY,          Ended),
        ];
        for (what, family, number, secret, now, expected) in table {
            assert_eq!(ask(family, *number, secret, *now), *expected, "{what}");
        }
    }

    #[test]
    fn without_grace_the_previous_one_is_recovered_or_a_replay_at_once() {
        let none = Lifetimes { grace: Duration::ZERO, ..LIFETIMES };
        let ask = |family: &Family| decide(family, generation(7), &hash("seven"), || false, none, at(DAY));
        assert_eq!(ask(&family()), Decision::Recover);
        assert_eq!(ask(&Family { successor_used: true, ..family() }), Decision::Replay);
    }

    #[test]
    fn out_of_our_sight_a_successor_counts_as_used_from_the_end_of_the_grace_on() {
        let unseen = Lifetimes { use_is_seen: false, ..LIFETIMES };
        let ask = |now| decide(&family(), generation(7), &hash("seven"), || false, unseen, at(now));
        assert_eq!(ask(DAY + 59_999), Decision::Repeat);
        assert_eq!(ask(DAY + 60_000), Decision::Replay);
        assert_eq!(decide(&family(), generation(9), &hash("nine"), || false, unseen, at(DAY)), Decision::Rotate);
    }

    #[test]
    fn a_clock_that_was_set_back_never_ends_a_grant() {
        let used = Family { successor_used: true, ..family() };
        assert_eq!(ask(&used, 7, "seven", 0), Decision::Repeat);
        assert_eq!(ask(&used, 6, "six", 0), Decision::Delayed);
    }
}
