//! A meeting, and what can be said about one.

use std::fmt;
use std::time::Duration;

use super::recurrence::Series;
use super::repeat::Repeat;
use crate::ids::{MeetingId, UserId};
use crate::random::Random;
use crate::time::Timestamp;

/// How long a meeting, or one occurrence of a series, may last.
pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A meeting of a person, single or repeating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// The API's `_id`.
    pub id: MeetingId,
    /// What people type to join.
    pub jiomeet_id: JiomeetId,
    /// Whose it is.
    pub owner: UserId,
    /// Kept while no PIN is asked for, so that the same one comes back.
    pub pin: Pin,
    /// What its owner can change.
    pub plan: Plan,
}

/// What the owner of a meeting decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// 1 to 255 characters without control characters.
    pub topic: String,
    /// Of a series: from where it counts; its first occurrence is here or later.
    pub starts_at: Timestamp,
    /// After the start, by at most [`LONGEST`].
    pub ends_at: Timestamp,
    /// Whether guests need the PIN.
    pub pin_required: bool,
    /// How the room behaves.
    pub options: AdvancedOptions,
    /// How it repeats, if it does; it then has at least one occurrence.
    pub repeat: Option<Repeat>,
}

impl Plan {
    /// Its occurrences, when it repeats.
    pub fn series(&self) -> Option<Series> {
        self.repeat.as_ref().and_then(|repeat| Series::new(repeat, self.starts_at, self.ends_at))
    }

    /// Start and end of the meeting, or of the first occurrence when it repeats.
    pub fn first_times(&self) -> (Timestamp, Timestamp) {
        self.series().map_or((self.starts_at, self.ends_at), |series| {
            let first = series.first();
            (first.starts_at, first.ends_at)
        })
    }
}

/// How the room behaves; the defaults are those of the published description's examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdvancedOptions {
    /// Others may come in before the host.
    pub join_before_host: bool,
    /// Others wait until they are let in.
    pub waiting_room: bool,
    /// Nobody but the host can unmute.
    pub participant_hard_audio_mute: bool,
    /// Nobody but the host can show video.
    pub participant_hard_video_mute: bool,
    /// Participants see and hear the host alone.
    pub is_classroom_mode: bool,
}

impl Default for AdvancedOptions {
    fn default() -> AdvancedOptions {
        AdvancedOptions {
            join_before_host: true,
            waiting_room: false,
            participant_hard_audio_mute: false,
            participant_hard_video_mute: false,
            is_classroom_mode: false,
        }
    }
}

/// Someone who was invited or who was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Normalised address.
    pub email: String,
    /// Empty until it is known.
    pub name: String,
    /// Host or participant.
    pub role: Role,
    /// When they first came in.
    pub joined_at: Option<Timestamp>,
    /// When they last left.
    pub left_at: Option<Timestamp>,
}

/// What someone is in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whose meeting it is.
    Host,
    /// Everybody else.
    Participant,
}

impl Role {
    /// The word on the wire and in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Host => "host",
            Role::Participant => "participant",
        }
    }
}

/// Ten digits that name a meeting to people; the first is not 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JiomeetId(String);

impl JiomeetId {
    /// A fresh one, which another meeting may have by chance: the database decides.
    pub fn mint(random: &Random) -> JiomeetId {
        JiomeetId((1_000_000_000 + random.below(9_000_000_000)).to_string())
    }

    /// As it was stored.
    pub fn from_text(text: impl Into<String>) -> JiomeetId {
        JiomeetId(text.into())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Five characters that guests need to come in.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    /// Letters and digits, without those that look alike.
    const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";

    /// A fresh one.
    pub fn mint(random: &Random) -> Pin {
        let pick = || usize::try_from(random.below(Pin::ALPHABET.len() as u64)).unwrap_or(0);
        Pin((0..5).map(|_| char::from(Pin::ALPHABET[pick()])).collect())
    }

    /// As it was stored.
    pub fn from_text(text: impl Into<String>) -> Pin {
        Pin(text.into())
    }

    /// The characters; for the meeting's owner alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_for_people_are_ten_digits_and_pins_five_characters_that_cannot_be_misread() {
        let random = Random::default();
        for _ in 0..2_000 {
            let id = JiomeetId::mint(&random);
            assert!(
                id.as_str().len() == 10
                    && id.as_str().bytes().all(|b| b.is_ascii_digit())
                    && !id.as_str().starts_with('0')
            );
            let pin = Pin::mint(&random);
            assert_eq!(pin.reveal().len(), 5);
            assert!(
                pin.reveal().bytes().all(|b| b.is_ascii_alphanumeric() && !b"0O1lIo".contains(&b)),
                "{}",
                pin.reveal()
            );
            assert_eq!(format!("{pin:?}"), "Pin(…)");
        }
    }
}
