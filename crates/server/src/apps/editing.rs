//! Editing an app: which revision an edit goes to, and what it does to the app that results.
//!
//! Rules look at the resulting app, never at what a form happened to hold: a field that was left out is an empty field,
//! and another kind of app is checked with every callback URL it then has.

use protocol::redirect_uri::ClientKind;

use super::app::{AppStatus, RevisionStatus};
use super::details::{AppDetails, RevisionDetails};
use crate::ids::RevisionId;
use crate::time::Timestamp;

/// Where an edit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Into the working copy, which nobody reviews at the moment.
    WorkingCopy,
    /// Into a new revision: the working copy is the one that serves.
    NewRevision,
}

/// What an edit found when it was made: it is refused when that has changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The working copy.
    pub revision: RevisionId,
    /// When it had changed last.
    pub changed_at: Timestamp,
}

impl Seen {
    /// What is there now.
    pub fn of(working: &RevisionDetails) -> Seen {
        Seen { revision: working.id.clone(), changed_at: working.changed_at }
    }

    /// As a form's hidden field carries it.
    pub fn to_text(&self) -> String {
        format!("{}@{}", self.revision, self.changed_at.as_millis())
    }

    /// From the hidden field.
    pub fn parse(text: &str) -> Option<Seen> {
        let (revision, changed_at) = text.split_once('@')?;
        let changed_at = Timestamp::from_millis(changed_at.parse().ok()?);
        Some(Seen { revision: RevisionId::from_text(revision), changed_at })
    }
}

/// Where an edit of the whole form goes.
///
/// # Errors
/// A sentence that says why there can be none now, and what to do.
pub fn place(app: &AppDetails, working: &RevisionDetails) -> Result<Place, &'static str> {
    match working.status {
        RevisionStatus::Draft | RevisionStatus::OnHold | RevisionStatus::Rejected => Ok(Place::WorkingCopy),
        RevisionStatus::Approved => Ok(Place::NewRevision),
        RevisionStatus::InReview if app.approved.is_some() => {
            Err("The changes are in review. Withdraw them to edit them; the approved revision goes on serving.")
        }
        RevisionStatus::InReview => Err("The app is in review. Withdraw it to edit it, then submit it again."),
        RevisionStatus::Superseded | RevisionStatus::Discarded => {
            Err("This revision is over. Load the app's page again and edit what is there now.")
        }
    }
}

/// Whether the callback URLs alone may change without a review: in test mode, in review too.
///
/// # Errors
/// A sentence that says why not, and what to do.
pub fn may_change_test_callbacks(app: &AppDetails, working: &RevisionDetails) -> Result<(), &'static str> {
    if app.approved.is_some() {
        return Err("The app is approved: other callback URLs need a review. Edit the app and submit the changes.");
    }
    if app.status == AppStatus::Suspended {
        return Err("The app is suspended. Edit it and submit the changes.");
    }
    match working.status {
        RevisionStatus::Draft | RevisionStatus::InReview | RevisionStatus::OnHold | RevisionStatus::Rejected => Ok(()),
        RevisionStatus::Approved | RevisionStatus::Superseded | RevisionStatus::Discarded => {
            Err("This revision is over. Load the app's page again and edit what is there now.")
        }
    }
}

/// Whether the app may become one of that kind. People and reviewers trusted an approved app as what it is, and what one
/// kind may register another may not: it stays what it is.
///
/// # Errors
/// A sentence that says why not, and what to do.
pub fn may_become(app: &AppDetails, kind: ClientKind) -> Result<(), &'static str> {
    if app.kind == kind || (app.approved.is_none() && app.status != AppStatus::Suspended) {
        Ok(())
    } else {
        Err("An app that was approved keeps its type. Make a new app for another type.")
    }
}

/// Whether the working copy can be handed to the reviewers.
pub fn can_be_submitted(working: &RevisionDetails) -> bool {
    working.status.is_editable()
}

/// Whether changes can be given up, so that only the approved revision is left.
pub fn can_be_discarded(app: &AppDetails, working: &RevisionDetails) -> bool {
    app.approved.is_some() && working.status.is_editable()
}

#[cfg(test)]
pub(super) mod tests {
    use protocol::scope::ScopeSet;

    use super::*;
    use crate::apps::{Declaration, Switches};
    use crate::ids::{AppId, ClientId, UserId};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    pub(in crate::apps) fn revision(id: &str, status: RevisionStatus) -> RevisionDetails {
        RevisionDetails {
            id: RevisionId::from_text(id),
            number: 1,
            status,
            declared: Declaration::default(),
            created_at: NOW,
            changed_at: NOW,
            submitted_at: None,
            decided_at: None,
            logo_hash: None,
        }
    }

    pub(in crate::apps) fn app(approved: bool, working: RevisionStatus) -> AppDetails {
        let approved_revision = approved.then(|| revision("approved", RevisionStatus::Approved));
        AppDetails {
            id: AppId::from_text("app-1"),
            client_id: ClientId::from_text("c1"),
            kind: ClientKind::Confidential,
            owner_id: UserId::from_text("u-1"),
            owner_email: "owner@example.com".into(),
            created_at: NOW,
            status: AppStatus::of(false, approved, working),
            suspended_at: None,
            suspended_reason: None,
            deleted_at: None,
            epoch: Timestamp::from_millis(0),
            consent_version: 1,
            serving_scopes: ScopeSet::new(),
            switches: Switches::default(),
            approved: approved_revision,
            working: Some(revision("working", working)),
            secrets: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn place_in(approved: bool, working: RevisionStatus) -> Option<Place> {
        let app = app(approved, working);
        place(&app, app.working.as_ref().unwrap()).ok()
    }

    #[test]
    fn an_approved_revision_is_never_edited_and_neither_is_one_in_review() {
        use RevisionStatus::*;
        for (approved, working, expected) in [
            (false, Draft, Some(Place::WorkingCopy)),
            (false, InReview, None),
            (false, OnHold, Some(Place::WorkingCopy)),
            (false, Rejected, Some(Place::WorkingCopy)),
            (true, Approved, Some(Place::NewRevision)),
            (true, Draft, Some(Place::WorkingCopy)),
            (true, InReview, None),
            (true, OnHold, Some(Place::WorkingCopy)),
            (true, Rejected, Some(Place::WorkingCopy)),
            (true, Superseded, None),
            (true, Discarded, None),
        ] {
            assert_eq!(place_in(approved, working), expected, "{approved} {working:?}");
        }
    }

    #[test]
    fn callback_urls_change_without_a_review_in_test_mode_alone() {
        use RevisionStatus::*;
        for (approved, working, expected) in [
            (false, Draft, true),
            (false, InReview, true),
            (false, OnHold, true),
            (false, Rejected, true),
            (true, Approved, false),
            (true, Draft, false),
            (true, InReview, false),
        ] {
            let app = app(approved, working);
            let allowed = may_change_test_callbacks(&app, app.working.as_ref().unwrap()).is_ok();
            assert_eq!(allowed, expected, "{approved} {working:?}");
        }
        let mut suspended = app(false, Draft);
        suspended.status = AppStatus::Suspended;
        assert!(may_change_test_callbacks(&suspended, suspended.working.as_ref().unwrap()).is_err());
    }

    #[test]
    fn only_an_app_that_was_never_approved_changes_its_type() {
        let (draft, approved) = (app(false, RevisionStatus::Draft), app(true, RevisionStatus::Draft));
        assert!(may_become(&draft, ClientKind::PublicNative).is_ok());
        assert!(may_become(&approved, ClientKind::PublicNative).is_err());
        assert!(may_become(&approved, ClientKind::Confidential).is_ok());
    }

    #[test]
    fn what_a_form_saw_reads_back() {
        let seen = Seen::of(&revision("rev-1", RevisionStatus::Draft));
        assert_eq!(Seen::parse(&seen.to_text()), Some(seen));
        for wrong in ["", "rev-1", "rev-1@", "rev-1@x"] {
            assert_eq!(Seen::parse(wrong), None, "{wrong}");
        }
    }
}
