//! Who may register apps. OAuth is a beta, given on request; the operator can open it to everyone.

use std::time::Duration;

use crate::time::Timestamp;

/// How long after a refusal one can ask again.
pub const ASK_AGAIN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The most characters in the reason of a request, and in the note of its answer.
pub const MAX_WORDS: usize = 1000;

/// A request for OAuth access, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRequest {
    /// When it was made.
    pub requested_at: Timestamp,
    /// When it was declined; none while it waits. A granted one shows on the account itself.
    pub declined_at: Option<Timestamp>,
    /// What the admin wrote about it.
    pub note: String,
}

/// Whether a person may register apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// They may.
    Open,
    /// They have not asked.
    NotRequested,
    /// They asked, and nobody has answered.
    Waiting {
        /// Since when.
        since: Timestamp,
    },
    /// They were refused.
    Declined {
        /// When.
        at: Timestamp,
        /// Why, if the admin wrote it.
        note: String,
        /// When they can ask again; none when they can now.
        ask_again_at: Option<Timestamp>,
    },
}

impl Access {
    /// From the configuration, the account, and the person's last request.
    pub fn of(for_everyone: bool, granted: bool, request: Option<AccessRequest>, now: Timestamp) -> Access {
        if for_everyone || granted {
            return Access::Open;
        }
        match request {
            None => Access::NotRequested,
            Some(AccessRequest { requested_at, declined_at: None, .. }) => Access::Waiting { since: requested_at },
            Some(AccessRequest { declined_at: Some(at), note, .. }) => {
                let ask_again_at = Some(at.plus(ASK_AGAIN_AFTER)).filter(|&then| now < then);
                Access::Declined { at, note, ask_again_at }
            }
        }
    }

    /// Whether the person may register apps.
    pub fn is_open(&self) -> bool {
        *self == Access::Open
    }

    /// Whether the person can ask now.
    pub fn can_be_requested(&self) -> bool {
        match self {
            Access::NotRequested | Access::Declined { ask_again_at: None, .. } => true,
            Access::Open | Access::Waiting { .. } | Access::Declined { ask_again_at: Some(_), .. } => false,
        }
    }
}

/// A text of several lines, as a person typed it: trimmed and of bounded length.
///
/// # Errors
/// A sentence for the field.
pub fn parse_words(text: &str) -> Result<String, &'static str> {
    let text = text.trim().replace("\r\n", "\n");
    if text.chars().count() > MAX_WORDS {
        return Err("Shorten this to 1000 characters.");
    }
    Ok(text)
}

/// As [`parse_words`], where something must be said.
///
/// # Errors
/// A sentence for the field.
pub fn parse_reason(text: &str) -> Result<String, &'static str> {
    let text = parse_words(text)?;
    if text.chars().any(char::is_alphanumeric) {
        Ok(text)
    } else {
        Err("Say in a sentence or two what you want to build.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(10_000_000_000);

    fn request(declined_at: Option<Timestamp>) -> Option<AccessRequest> {
        Some(AccessRequest { requested_at: NOW, declined_at, note: "Not now.".into() })
    }

    #[test]
    fn the_configuration_or_the_account_opens_it() {
        for (everyone, granted) in [(true, false), (false, true), (true, true)] {
            assert_eq!(Access::of(everyone, granted, request(Some(NOW)), NOW), Access::Open);
        }
        assert_eq!(Access::of(false, false, None, NOW), Access::NotRequested);
    }

    #[test]
    fn one_request_waits_at_a_time_and_a_refusal_stands_for_a_day() {
        let waiting = Access::of(false, false, request(None), NOW);
        assert_eq!(waiting, Access::Waiting { since: NOW });
        assert!(!waiting.can_be_requested());
        let at = |hours: u64| Access::of(false, false, request(Some(NOW)), NOW.plus(Duration::from_secs(hours * 3600)));
        assert!(!at(0).can_be_requested() && !at(23).can_be_requested());
        assert!(at(24).can_be_requested() && !at(24).is_open());
    }

    #[test]
    fn a_reason_is_said_and_bounded() {
        assert_eq!(parse_reason("  A calendar.\r\nFor teams. "), Ok("A calendar.\nFor teams.".to_owned()));
        for wrong in ["", " \r\n ", "…", &"a".repeat(1001)] {
            assert!(parse_reason(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(parse_words(""), Ok(String::new()));
    }
}
