//! The breaker for an app that is caught in a loop: it sends the same person here again and again, gets a code without a page
//! each time, and takes no notice. From some number within an hour on, the person is shown a page and goes on by a click.
//!
//! Counted in the memory of this node, by the generic cell rate algorithm: a loop lives in one browser, and losing the count
//! in a restart costs nothing. Only what a browser navigates to counts; programs are nobody in a loop.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use protocol::secret::Sha256Digest;

use crate::ids::{AppId, UserId};
use crate::time::Timestamp;

/// The time within which answers are counted.
const HOUR: Duration = Duration::from_secs(3600);

/// How many pairs of person and app each half of the memory holds.
const HALF: usize = 100_000;

/// Whether a browser navigates (the Fetch standard's `Sec-Fetch-Mode`): programs do not say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Navigates(pub bool);

impl<S: Sync> FromRequestParts<S> for Navigates {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Navigates, Infallible> {
        Ok(Navigates(parts.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")))
    }
}

/// How often apps were answered about a person without a page.
///
/// Two halves: when the younger is full or an hour old it becomes the older, and what stood in that is forgotten. So the
/// memory is bounded.
#[derive(Debug, Default)]
pub struct SilentAnswers(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<[u8; 16], Timestamp>,
    old: HashMap<[u8; 16], Timestamp>,
    began: Option<Timestamp>,
}

impl SilentAnswers {
    /// Counts an answer about that person to that app; false when there were `per_hour` within the last hour. 0 counts
    /// nothing.
    pub fn admit(&self, user: &UserId, app: &AppId, per_hour: u32, now: Timestamp) -> bool {
        if per_hour == 0 {
            return true;
        }
        let digest = Sha256Digest::of(format!("{user} {app}").as_bytes());
        let mut pair = [0; 16];
        pair.copy_from_slice(&digest.as_bytes()[..16]);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).admit(pair, per_hour, now, HALF)
    }
}

impl Halves {
    fn admit(&mut self, pair: [u8; 16], per_hour: u32, now: Timestamp, half: usize) -> bool {
        let began = *self.began.get_or_insert(now);
        if now >= began.plus(HOUR) || self.young.len() >= half {
            self.old = std::mem::take(&mut self.young);
            self.began = Some(now);
        }
        let interval = HOUR / per_hour;
        let known = self.young.get(&pair).or_else(|| self.old.get(&pair));
        // The theoretical arrival time: each answer moves it on by one interval.
        let arrival = known.copied().unwrap_or(now).max(now);
        if arrival > now.plus(interval * (per_hour - 1)) {
            return false;
        }
        self.young.insert(pair, arrival.plus(interval));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn seconds(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn so_many_within_an_hour_and_then_one_for_each_part_of_it() {
        let answers = SilentAnswers::default();
        let ask = |user: &str, app: &str, at| answers.admit(&UserId::from_text(user), &AppId::from_text(app), 60, at);
        for number in 0..60 {
            assert!(ask("u-1", "app-1", NOW), "{number}");
        }
        assert!(!ask("u-1", "app-1", NOW));
        assert!(ask("u-2", "app-1", NOW) && ask("u-1", "app-2", NOW), "others are not concerned");
        assert!(!ask("u-1", "app-1", seconds(59)));
        assert!(ask("u-1", "app-1", seconds(60)));
        assert!(!ask("u-1", "app-1", seconds(60)));
        assert!(ask("u-1", "app-1", seconds(7200)));
        assert!(answers.admit(&UserId::from_text("u-1"), &AppId::from_text("app-1"), 0, NOW), "0 is no limit");
    }

    #[test]
    fn the_memory_is_bounded_and_outlives_its_halves() {
        let mut halves = Halves::default();
        let pair = |number: u64| u128::from(number).to_be_bytes();
        assert!(halves.admit(pair(0), 1, NOW, 10));
        for number in 1..100 {
            assert!(halves.admit(pair(number), 1, seconds(1), 10));
            assert!(halves.young.len() + halves.old.len() <= 20);
        }
        let mut halves = Halves::default();
        assert!(halves.admit(pair(0), 2, seconds(3500), 10) && halves.admit(pair(0), 2, seconds(3500), 10));
        assert!(halves.admit(pair(1), 2, seconds(3700), 10));
        assert!(!halves.admit(pair(0), 2, seconds(3700), 10), "counted before the halves changed places");
    }
}
