//! How often one registry is asked: a bucket of questions that fills by the second, and silence when told so.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// Servers that are remembered; there are some hundreds of registries.
const MAX_SERVERS: usize = 4096;
/// Longest silence that a server can ask for.
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    questions: f64,
    filled_at: Timestamp,
    silent_until: Timestamp,
}

/// The pace for all servers.
#[derive(Debug)]
pub(super) struct Pace {
    burst: f64,
    per_second: f64,
    servers: HashMap<String, Bucket>,
}

impl Pace {
    pub(super) fn new(burst: u32, per_second: f64) -> Self {
        Self { burst: f64::from(burst.max(1)), per_second: per_second.max(0.0), servers: HashMap::new() }
    }

    /// Takes one question to this server, or says that it has to wait.
    pub(super) fn claim(&mut self, server: &str, now: Timestamp) -> bool {
        let (burst, per_second) = (self.burst, self.per_second);
        let Some(bucket) = self.bucket(server, now) else {
            return false;
        };
        if now < bucket.silent_until {
            return false;
        }
        let waited = now.duration_since(bucket.filled_at).as_secs_f64().max(0.0);
        bucket.questions = (bucket.questions + waited * per_second).min(burst);
        bucket.filled_at = bucket.filled_at.max(now);
        let granted = bucket.questions >= 1.0;
        if granted {
            bucket.questions -= 1.0;
        }
        granted
    }

    /// Heeds a server that said 429: nothing more to it for so many seconds.
    pub(super) fn silence(&mut self, server: &str, now: Timestamp, seconds: u64) {
        let asked = i64::try_from(seconds).map_or(LONGEST_SILENCE, SignedDuration::from_secs);
        if let Some(bucket) = self.bucket(server, now) {
            let until = now.saturating_add(asked.min(LONGEST_SILENCE)).unwrap_or(now);
            bucket.silent_until = bucket.silent_until.max(until);
        }
    }

    fn bucket(&mut self, server: &str, now: Timestamp) -> Option<&mut Bucket> {
        if self.servers.len() >= MAX_SERVERS && !self.servers.contains_key(server) {
            let stale = now.saturating_sub(LONGEST_SILENCE).unwrap_or(now);
            self.servers.retain(|_, bucket| bucket.filled_at > stale || bucket.silent_until > now);
            if self.servers.len() >= MAX_SERVERS {
                return None;
            }
        }
        let full = Bucket { questions: self.burst, filled_at: now, silent_until: Timestamp::MIN };
        Some(self.servers.entry(server.to_owned()).or_insert(full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap_or(Timestamp::MAX)
    }

    #[test]
    fn a_burst_and_then_so_many_a_second() {
        let mut pace = Pace::new(3, 0.5);
        assert_eq!((0..5).filter(|_| pace.claim("a", at(0))).count(), 3);
        assert!(pace.claim("b", at(0)), "each server by itself");
        assert!(!pace.claim("a", at(1)));
        assert!(pace.claim("a", at(2)));
        assert_eq!((0..5).filter(|_| pace.claim("a", at(1000))).count(), 3, "never more than the burst");
    }

    #[test]
    fn silence_is_kept_but_not_for_ever() {
        let mut pace = Pace::new(3, 1.0);
        pace.silence("a", at(0), 60);
        assert!(!pace.claim("a", at(59)));
        assert!(pace.claim("a", at(60)));
        pace.silence("a", at(100), u64::MAX);
        assert!(!pace.claim("a", at(100 + 3599)));
        assert!(pace.claim("a", at(100 + 3600)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut pace = Pace::new(1, 1.0);
        assert_eq!((0..10_000).filter(|n| pace.claim(&n.to_string(), at(0))).count(), MAX_SERVERS);
        assert!(pace.claim("later", at(4000)));
    }
}
