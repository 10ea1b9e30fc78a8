//! An app's client secrets: at most two live, the older one for as long as its developer chose.

use std::time::Duration;

use super::details::SecretDetails;
use crate::ids::SecretId;
use crate::time::Timestamp;

/// For how long the old secret goes on when a new one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// It ends at once.
    None,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// Seven days.
    Week,
}

impl Overlap {
    /// Every choice.
    pub const ALL: [Overlap; 4] = [Overlap::None, Overlap::Hour, Overlap::Day, Overlap::Week];

    /// The choice's value in the form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Overlap::None => "none",
            Overlap::Hour => "1h",
            Overlap::Day => "24h",
            Overlap::Week => "7d",
        }
    }

    /// The choice's words.
    pub const fn words(self) -> &'static str {
        match self {
            Overlap::None => "not at all: it ends at once",
            Overlap::Hour => "for 1 hour",
            Overlap::Day => "for 24 hours",
            Overlap::Week => "for 7 days",
        }
    }

    /// Finds a choice by its value.
    pub fn parse(text: &str) -> Option<Overlap> {
        Overlap::ALL.into_iter().find(|overlap| overlap.as_str() == text)
    }

    /// How long it is.
    pub const fn duration(self) -> Duration {
        match self {
            Overlap::None => Duration::ZERO,
            Overlap::Hour => Duration::from_secs(60 * 60),
            Overlap::Day => Duration::from_secs(24 * 60 * 60),
            Overlap::Week => Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

impl SecretDetails {
    /// Whether it still opens the token endpoint.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What a new secret does to those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The current one ends then, or now; every other is over.
    Retire {
        /// The secret that was current; none when there was no living one.
        current: Option<SecretId>,
        /// When it ends.
        until: Timestamp,
    },
    /// The form was made when another secret was current: it was sent twice, or somebody was quicker.
    Overtaken,
}

/// What happens to an app's secrets when a new one is made. `seen` is the secret that was current when the form was
/// made: a form that is sent again does not throw away the secret that its first answer showed.
pub fn rotate(secrets: &[SecretDetails], seen: Option<&str>, overlap: Overlap, now: Timestamp) -> Rotation {
    let current = current(secrets, now).map(|secret| secret.id.clone());
    if current.as_ref().map(SecretId::as_str) != seen {
        return Rotation::Overtaken;
    }
    Rotation::Retire { current, until: now.plus(overlap.duration()) }
}

/// The secret that has no end; made last.
pub fn current(secrets: &[SecretDetails], now: Timestamp) -> Option<&SecretDetails> {
    secrets.iter().rev().find(|secret| secret.expires_at.is_none() && secret.lives(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn secret(id: &str, expires_at: Option<i64>) -> SecretDetails {
        SecretDetails {
            id: SecretId::from_text(id),
            last_four: "abcd".into(),
            created_at: Timestamp::from_millis(0),
            last_used_at: None,
            expires_at: expires_at.map(Timestamp::from_millis),
        }
    }

    #[test]
    fn the_current_secret_goes_on_for_as_long_as_was_chosen() {
        let secrets = [secret("old", Some(2_000_000)), secret("new", None)];
        for (overlap, until) in [
            (Overlap::None, 1_000_000),
            (Overlap::Hour, 1_000_000 + 3_600_000),
            (Overlap::Day, 1_000_000 + 86_400_000),
            (Overlap::Week, 1_000_000 + 7 * 86_400_000),
        ] {
            let retire =
                Rotation::Retire { current: Some(SecretId::from_text("new")), until: Timestamp::from_millis(until) };
            assert_eq!(rotate(&secrets, Some("new"), overlap, NOW), retire);
        }
    }

    #[test]
    fn a_form_that_was_sent_before_makes_no_further_secret() {
        let secrets = [secret("old", Some(2_000_000)), secret("new", None)];
        for seen in [Some("old"), Some("other"), None] {
            assert_eq!(rotate(&secrets, seen, Overlap::Day, NOW), Rotation::Overtaken);
        }
        assert_eq!(rotate(&[], Some("x"), Overlap::Day, NOW), Rotation::Overtaken);
        assert!(matches!(rotate(&[], None, Overlap::Day, NOW), Rotation::Retire { current: None, .. }));
    }

    #[test]
    fn an_ended_secret_does_not_live() {
        assert!(secret("a", None).lives(NOW));
        assert!(secret("a", Some(1_000_001)).lives(NOW));
        assert!(!secret("a", Some(1_000_000)).lives(NOW));
        assert!(current(&[secret("a", Some(1_000_001))], NOW).is_none());
    }

    #[test]
    fn every_choice_reads_back() {
        for overlap in Overlap::ALL {
            assert_eq!(Overlap::parse(overlap.as_str()), Some(overlap));
        }
        assert_eq!(Overlap::parse("30d"), None);
    }
}
