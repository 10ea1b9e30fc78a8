//! Where an app stands, in words: one of few states, and whose turn it is.

use super::app::{AppStatus, RevisionStatus};

/// Who has to do something next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The developer.
    Developer,
    /// The reviewers.
    Reviewer,
    /// Nobody: all is well.
    Nobody,
}

impl Turn {
    /// As the developer reads it.
    pub const fn words(self) -> &'static str {
        match self {
            Turn::Developer => "Your turn",
            Turn::Reviewer => "The reviewers' turn",
            Turn::Nobody => "Nothing to do",
        }
    }
}

/// Where an app stands, as its developer reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The app's status.
    pub status: &'static str,
    /// The status's class in the style sheet: the word says it too.
    pub tone: &'static str,
    /// Where the changes to an approved app stand; none when there are none.
    pub changes: Option<&'static str>,
    /// Whose turn it is.
    pub turn: Turn,
    /// What that means and what to do.
    pub sentence: &'static str,
}

impl Standing {
    /// From the app's status and its working copy's; `has_approved` is whether some revision was approved.
    pub fn of(app: AppStatus, has_approved: bool, working: RevisionStatus) -> Standing {
        match app {
            AppStatus::Suspended => Standing {
                status: "Suspended",
                tone: "danger",
                changes: if has_approved { Standing::changes(working) } else { None },
                turn: if working == RevisionStatus::InReview { Turn::Reviewer } else { Turn::Developer },
                sentence: "A reviewer stopped the app, and everything it held is dead. Mend what the reason says and submit \
                    the changes: a reviewer decides whether it may serve again.",
            },
            AppStatus::Approved => Standing::approved(working),
            AppStatus::Draft => Standing {
                status: "Draft",
                tone: "",
                changes: None,
                turn: Turn::Developer,
                sentence: "It works in test mode, for you and the people you invite. Submit it for review when it is ready \
                    for everybody.",
            },
            AppStatus::InReview => Standing {
                status: "In review",
                tone: "info",
                changes: None,
                turn: Turn::Reviewer,
                sentence: "A review usually takes 24 to 48 hours. Until then the app works in test mode.",
            },
            AppStatus::OnHold => Standing {
                status: "On hold",
                tone: "warn",
                changes: None,
                turn: Turn::Developer,
                sentence: "The reviewer asks for a change before the review goes on. Make it and submit again.",
            },
            AppStatus::Rejected => Standing {
                status: "Rejected",
                tone: "danger",
                changes: None,
                turn: Turn::Developer,
                sentence: "The app was not approved. Mend what the reviewer names and submit it again.",
            },
        }
    }

    fn approved(working: RevisionStatus) -> Standing {
        let (turn, sentence) = match working {
            RevisionStatus::Draft => (
                Turn::Developer,
                "Everybody can use the approved revision. Your changes wait: submit them for review, or discard them.",
            ),
            RevisionStatus::InReview => (
                Turn::Reviewer,
                "Everybody can use the approved revision. Your changes are in review, which usually takes 24 to 48 hours.",
            ),
            RevisionStatus::OnHold => (
                Turn::Developer,
                "Everybody can use the approved revision. The reviewer asks for a change to your changes.",
            ),
            RevisionStatus::Rejected => (
                Turn::Developer,
                "Everybody can use the approved revision. Your changes were not approved: mend them, or discard them.",
            ),
            RevisionStatus::Approved | RevisionStatus::Superseded | RevisionStatus::Discarded => {
                (Turn::Nobody, "Everybody can use the app.")
            }
        };
        Standing { status: "Approved", tone: "good", changes: Standing::changes(working), turn, sentence }
    }

    const fn changes(working: RevisionStatus) -> Option<&'static str> {
        match working {
            RevisionStatus::Draft => Some("Changes not submitted"),
            RevisionStatus::InReview => Some("Changes in review"),
            RevisionStatus::OnHold => Some("Changes on hold"),
            RevisionStatus::Rejected => Some("Changes rejected"),
            RevisionStatus::Approved | RevisionStatus::Superseded | RevisionStatus::Discarded => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_says_whose_turn_it_is() {
        use AppStatus as App;
        use RevisionStatus as Rev;
        let table = [
            (App::Draft, false, Rev::Draft, "Draft", None, Turn::Developer),
            (App::InReview, false, Rev::InReview, "In review", None, Turn::Reviewer),
            (App::OnHold, false, Rev::OnHold, "On hold", None, Turn::Developer),
            (App::Rejected, false, Rev::Rejected, "Rejected", None, Turn::Developer),
            (App::Approved, true, Rev::Approved, "Approved", None, Turn::Nobody),
            (App::Approved, true, Rev::Draft, "Approved", Some("Changes not submitted"), Turn::Developer),
            (App::Approved, true, Rev::InReview, "Approved", Some("Changes in review"), Turn::Reviewer),
            (App::Approved, true, Rev::OnHold, "Approved", Some("Changes on hold"), Turn::Developer),
            (App::Approved, true, Rev::Rejected, "Approved", Some("Changes rejected"), Turn::Developer),
            (App::Suspended, true, Rev::Approved, "Suspended", None, Turn::Developer),
            (App::Suspended, true, Rev::InReview, "Suspended", Some("Changes in review"), Turn::Reviewer),
            (App::Suspended, false, Rev::Draft, "Suspended", None, Turn::Developer),
        ];
        for (app, has_approved, working, status, changes, turn) in table {
            let standing = Standing::of(app, has_approved, working);
            assert_eq!(
                (standing.status, standing.changes, standing.turn),
                (status, changes, turn),
                "{app} {working:?}"
            );
            assert!(standing.sentence.ends_with('.'));
        }
    }
}
