//! Limits on failures, by the generic cell rate algorithm: one number per key, kept in the database so that all nodes
//! count together and a restart forgets nothing.
//!
//! A key may fail `burst` times at once, then once more per interval. An attempt is *reserved* before the work that may
//! fail, and *refunded* when it succeeds: so a hundred guesses sent at the same time are a hundred, not one, and what
//! succeeds is not counted.

use std::time::Duration;

use protocol::secret::Sha256Digest;
use sql::{DbError, Tx};

use super::store;
use crate::config::Ttl;
use crate::time::Timestamp;

/// How far the clocks of nodes that count together may be apart. Longer, and a clock that was ahead for a moment would shut
/// people out for as much.
const CLOCK_MARGIN: Duration = Duration::from_secs(30);

/// What is counted, and how much of it is too much.
#[derive(Debug, Clone, Copy)]
pub struct FailureLimit {
    key: Sha256Digest,
    burst: u32,
    interval: Duration,
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and is counted until it is refunded.
    Admitted,
    /// It may not, for that long.
    Refused(Duration),
}

impl FailureLimit {
    /// A limit on the failures of `parts` (an account and an address block, say) for one `purpose`.
    pub fn new(purpose: &str, parts: &[&[u8]], burst: u32, interval: Ttl) -> FailureLimit {
        FailureLimit::keyed(purpose, parts, burst, interval.get())
    }

    /// Admits one in that time.
    pub fn once_in(interval: Duration, purpose: &str, parts: &[&[u8]]) -> FailureLimit {
        FailureLimit::keyed(purpose, parts, 1, interval)
    }

    fn keyed(purpose: &str, parts: &[&[u8]], burst: u32, interval: Duration) -> FailureLimit {
        let mut text = Vec::with_capacity(128);
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            // The length in front keeps `ab`, `c` and `a`, `bc` apart.
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        FailureLimit { key: Sha256Digest::of(&text), burst, interval }
    }

    /// Counts an attempt if one is left: one conditional statement, so that two at once are two.
    ///
    /// # Errors
    /// The database failed.
    pub fn reserve(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Admission, DbError> {
        if store::reserve_attempt(
            tx,
            &self.key,
            now,
            self.interval,
            [self.latest_admitted(now), self.latest_possible(now)],
        )? {
            return Ok(Admission::Admitted);
        }
        // One may have been refunded in between: still refused, and back in a moment.
        Ok(Admission::Refused(self.wait(tx, now)?))
    }

    /// Whether an attempt is left, without counting one.
    ///
    /// # Errors
    /// The database failed.
    pub fn check(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Admission, DbError> {
        let wait = self.wait(tx, now)?;
        Ok(if wait.is_zero() { Admission::Admitted } else { Admission::Refused(wait) })
    }

    fn wait(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Duration, DbError> {
        let arrival = store::find_arrival(tx, &self.key)?;
        let arrival = arrival.filter(|arrival| *arrival <= self.latest_possible(now));
        Ok(arrival.map_or(Duration::ZERO, |arrival| arrival.since(self.latest_admitted(now))))
    }

    /// Gives a reserved attempt back: it succeeded, or was never made.
    ///
    /// # Errors
    /// The database failed.
    pub fn refund(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        store::refund_attempt(tx, &self.key, self.interval)
    }

    /// No counter is beyond this, unless a clock was set back: nobody may be shut out for longer than the limit means.
    fn latest_possible(&self, now: Timestamp) -> Timestamp {
        self.latest_admitted(now).plus(self.interval).plus(CLOCK_MARGIN)
    }

    /// The counter's theoretical arrival time up to which one more attempt is admitted.
    fn latest_admitted(&self, now: Timestamp) -> Timestamp {
        now.plus(self.interval.saturating_mul(self.burst.saturating_sub(1)))
    }
}
