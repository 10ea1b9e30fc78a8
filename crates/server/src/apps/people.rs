//! The people around an app: its owner, collaborators, testers, and whoever is invited to become one of them.

use std::time::Duration;

use sql::{Cell, DbError, FromValue, ToValue, Value};

use crate::ids::{AppId, InvitationId, UserId};
use crate::time::Timestamp;
use crate::users::Email;

/// The most people who can try an app before it is approved.
pub const MAX_TESTERS: usize = 20;

/// The most people who can work on an app beside its owner.
pub const MAX_COLLABORATORS: usize = 20;

/// How long an invitation can be answered.
pub const INVITATION_TTL: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What somebody is invited to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Tries the app before it is approved.
    Tester,
    /// Does what the owner can, but for deleting the app and handing it on.
    Collaborator,
    /// Owns the app; the one before becomes a collaborator.
    Owner,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 3] = [Part::Tester, Part::Collaborator, Part::Owner];

    /// The word that the database and the forms use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Part::Tester => "tester",
            Part::Collaborator => "collaborator",
            Part::Owner => "owner",
        }
    }

    /// Finds a part by its word.
    pub fn parse(text: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.as_str() == text)
    }
}

impl ToValue for Part {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl FromValue for Part {
    fn from_cell(cell: Cell<'_>) -> Result<Part, DbError> {
        let word = cell.text()?;
        Part::parse(word).ok_or_else(|| DbError::Broken(format!("unknown kind of invitation {word}")))
    }
}

/// Somebody who works on an app or tries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: UserId,
    /// First and last name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Since when.
    pub since: Timestamp,
}

/// An invitation that nobody has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Which one.
    pub id: InvitationId,
    /// To be what.
    pub part: Part,
    /// Who is invited.
    pub email: String,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
}

/// Everybody around an app. What expired is not among them.
#[derive(Debug, Clone, Default)]
pub struct Crew {
    /// Who work on it, beside the owner.
    pub collaborators: Vec<Member>,
    /// Who try it.
    pub testers: Vec<Member>,
    /// Who have not answered.
    pub invitations: Vec<Invitation>,
}

impl Crew {
    /// Those who were invited to be that.
    pub fn invited(&self, part: Part) -> impl Iterator<Item = &Invitation> {
        self.invitations.iter().filter(move |invitation| invitation.part == part)
    }

    /// How many more testers can be invited.
    pub fn testers_left(&self) -> usize {
        MAX_TESTERS.saturating_sub(self.testers.len() + self.invited(Part::Tester).count())
    }

    /// Whether somebody can be invited to be that.
    ///
    /// # Errors
    /// A sentence that says why not and what to do.
    pub fn may_invite(&self, owner_email: &str, part: Part, email: &Email) -> Result<(), String> {
        let email = email.as_str();
        if email == owner_email {
            return Err(format!("{email} owns the app."));
        }
        let is_in = |members: &[Member]| members.iter().any(|member| member.email == email);
        if part != Part::Owner && is_in(&self.collaborators) {
            return Err(format!("{email} is a collaborator, and can use the app already."));
        }
        if part == Part::Tester && is_in(&self.testers) {
            return Err(format!("{email} is a tester already."));
        }
        if self.invited(part).any(|invitation| invitation.email == email) {
            return Err(format!(
                "{email} is invited already. They accept at /invitations, signed in with that address."
            ));
        }
        match part {
            Part::Tester if self.testers_left() == 0 => Err(format!(
                "An app has at most {MAX_TESTERS} testers, those who have not answered included. Remove one first."
            )),
            Part::Collaborator
                if self.collaborators.len() + self.invited(Part::Collaborator).count() >= MAX_COLLABORATORS =>
            {
                Err(format!("An app has at most {MAX_COLLABORATORS} collaborators. Remove one first."))
            }
            Part::Owner => match self.invited(Part::Owner).next() {
                Some(other) => Err(format!("The app is offered to {} already. Withdraw that first.", other.email)),
                None => Ok(()),
            },
            Part::Tester | Part::Collaborator => Ok(()),
        }
    }
}

/// An invitation as the invited person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which one.
    pub id: InvitationId,
    /// The app.
    pub app: AppId,
    /// Its name.
    pub app_name: String,
    /// To be what.
    pub part: Part,
    /// Who invites.
    pub invited_by: UserId,
    /// Their name.
    pub inviter: String,
    /// Their address.
    pub inviter_email: String,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const OWNER: &str = "owner@example.com";

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    fn member(email: &str) -> Member {
        Member { id: UserId::from_text(email), name: "Someone".into(), email: email.into(), since: NOW }
    }

    fn invitation(part: Part, email: &str) -> Invitation {
        Invitation { id: InvitationId::from_text(email), part, email: email.into(), expires_at: NOW }
    }

    #[test]
    fn twenty_testers_count_those_who_have_not_answered() {
        let mut crew = Crew {
            testers: (0..12).map(|n| member(&format!("t{n}@example.com"))).collect(),
            invitations: (0..7).map(|n| invitation(Part::Tester, &format!("i{n}@example.com"))).collect(),
            ..Crew::default()
        };
        let new = email("new@example.com");
        assert_eq!(crew.testers_left(), 1);
        assert_eq!(crew.may_invite(OWNER, Part::Tester, &new), Ok(()));
        crew.invitations.push(invitation(Part::Tester, "last@example.com"));
        assert!(crew.may_invite(OWNER, Part::Tester, &new).unwrap_err().contains("at most 20"));
        assert_eq!(crew.may_invite(OWNER, Part::Collaborator, &new), Ok(()));
    }

    #[test]
    fn nobody_is_invited_to_what_they_are() {
        let crew = Crew {
            collaborators: vec![member("c@example.com")],
            testers: vec![member("t@example.com")],
            invitations: vec![invitation(Part::Tester, "i@example.com")],
        };
        let refused = |part, who: &str| crew.may_invite(OWNER, part, &email(who)).is_err();
        assert!(Part::ALL.into_iter().all(|part| refused(part, OWNER)));
        assert!(refused(Part::Tester, "c@example.com") && refused(Part::Collaborator, "c@example.com"));
        assert!(!refused(Part::Owner, "c@example.com"), "an app can go to a collaborator");
        assert!(refused(Part::Tester, "t@example.com") && !refused(Part::Collaborator, "t@example.com"));
        assert!(refused(Part::Tester, "i@example.com") && !refused(Part::Collaborator, "i@example.com"));
    }

    #[test]
    fn an_app_is_offered_to_one_person_at_a_time() {
        let crew = Crew { invitations: vec![invitation(Part::Owner, "heir@example.com")], ..Crew::default() };
        let refusal = crew.may_invite(OWNER, Part::Owner, &email("other@example.com")).unwrap_err();
        assert!(refusal.contains("heir@example.com"), "{refusal}");
    }
}
