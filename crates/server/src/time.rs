//! Time as the product counts it: milliseconds since 1970, handed in, never asked of the system elsewhere.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sql::{Cell, DbError, FromValue, ToValue, Value};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many milliseconds after 1970.
    pub const fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, floored: what JWT claims carry (RFC 7519 section 2, NumericDate).
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment moved forward, held at the end of time rather than wrapping.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(millis(duration)))
    }

    /// This moment moved back.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(millis(duration)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// ISO 8601 in UTC with milliseconds, as the API description writes times: `2023-09-08T02:39:27.000Z`.
    pub fn to_iso(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| String::new(), |t| t.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
    }

    /// The day alone, for a person: `24 Nov 2026`.
    pub fn to_day(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| String::new(), |t| t.strftime("%-d %b %Y").to_string())
    }

    /// For a person: `24 Nov 2026, 08:31 UTC`.
    pub fn to_words(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| String::new(), |t| t.strftime("%-d %b %Y, %H:%M UTC").to_string())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl ToValue for Timestamp {
    fn to_value(&self) -> Value<'_> {
        Value::Int(self.0)
    }
}

impl FromValue for Timestamp {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        i64::from_cell(cell).map(Timestamp)
    }
}

/// Where `now` comes from: the system, or a hand that tests move.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: Timestamp) -> Clock {
        Clock(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Timestamp(millis(since))
            }
            Source::Manual(now) => Timestamp(now.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; the system's clock is not ours to move.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(millis(by), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock, backwards too.
    pub fn set(&self, to: Timestamp) {
        if let Source::Manual(now) = &self.0 {
            now.store(to.0, Ordering::SeqCst);
        }
    }
}

/// The time by which what has expired is deleted, or forgotten: none that the clock has told for a moment only.
///
/// Of what the clock has said in the last while ([`SettledClock::look`] asks it), the monotonic clock tells what it would
/// come to now; the least of that is the settled time. So a jump ahead counts once it has stood for the whole while, a jump
/// back at once. Before the first while is over it is the beginning of time: nothing has expired.
#[derive(Debug, Clone)]
pub struct SettledClock {
    clock: Clock,
    settles_after: Duration,
    said: Arc<Mutex<Said>>,
}

/// What a clock said when.
type Said = VecDeque<(Instant, Timestamp)>;

impl SettledClock {
    /// Begins to watch a clock. One that tests move is believed at once.
    pub fn new(clock: Clock, settles_after: Duration) -> SettledClock {
        let settled = SettledClock { clock, settles_after, said: Arc::default() };
        settled.look();
        settled
    }

    /// Asks the clock: to be called several times in the while that it takes to settle.
    pub fn look(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut said, Instant::now(), self.clock.now(), self.settles_after);
    }

    /// The settled time.
    pub fn now(&self) -> Timestamp {
        match self.clock.0 {
            Source::Manual(_) => self.clock.now(),
            Source::System => {
                self.look();
                let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                settled(&said, Instant::now(), self.settles_after)
            }
        }
    }
}

fn note(said: &mut Said, at: Instant, time: Timestamp, settles_after: Duration) {
    said.push_back((at, time));
    // The last one that is old enough stays, as what the while began with.
    while said.get(1).is_some_and(|(second, _)| at.duration_since(*second) >= settles_after) {
        said.pop_front();
    }
}

fn settled(said: &Said, at: Instant, settles_after: Duration) -> Timestamp {
    let is_long_enough = said.front().is_some_and(|(first, _)| at.duration_since(*first) >= settles_after);
    let times = said.iter().map(|(then, time)| time.plus(at.duration_since(*then)));
    times.min().filter(|_| is_long_enough).unwrap_or(Timestamp(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHILE: Duration = Duration::from_secs(600);

    /// A clock that is this many seconds ahead, looked at once a minute; the settled time at the last look, in seconds.
    fn settled_of(ahead: &[i64]) -> i64 {
        let (begun, mut said) = (Instant::now(), Said::new());
        let mut last = begun;
        for (minute, ahead) in (0_u32..).zip(ahead) {
            last = begun + Duration::from_secs(60) * minute;
            note(&mut said, last, Timestamp((i64::from(minute) * 60 + 1_000_000 + ahead) * 1000), WHILE);
        }
        settled(&said, last, WHILE).as_seconds()
    }

    #[test]
    fn nothing_has_expired_before_the_clock_has_settled() {
        assert_eq!(settled_of(&[0; 10]), 0);
        assert_eq!(settled_of(&[0; 11]), 1_000_000 + 600);
        assert_eq!(settled_of(&[0; 100]), 1_000_000 + 99 * 60);
    }

    #[test]
    fn a_jump_ahead_counts_once_it_has_stood() {
        let mut ahead = vec![0; 20];
        ahead.extend([86_400; 10]);
        assert_eq!(settled_of(&ahead), 1_000_000 + 29 * 60, "ten minutes are not over");
        ahead.push(86_400);
        assert_eq!(settled_of(&ahead), 1_000_000 + 30 * 60 + 86_400);
    }

    #[test]
    fn a_jump_back_counts_at_once() {
        let mut ahead = vec![86_400; 20];
        ahead.push(0);
        assert_eq!(settled_of(&ahead), 1_000_000 + 20 * 60);
        // A clock that was wrong at the start and was set right has deleted nothing.
        let mut ahead = vec![86_400; 5];
        ahead.extend([0; 6]);
        assert_eq!(settled_of(&ahead), 1_000_000 + 600);
    }
}
