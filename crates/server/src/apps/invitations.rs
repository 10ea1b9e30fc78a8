//! Inviting people to an app, and what comes of it, each change one unit of work.

use serde_json::json;
use sql::{DbError, Tx};

use super::changes::Doing;
use super::console_store::{self, Held};
use super::lifecycle::Change;
use super::people::{MAX_COLLABORATORS, MAX_TESTERS, Offer, Part};
use super::people_store::{self, NewInvitation};
use crate::audit::Record;
use crate::ids::{InvitationId, UserId};
use crate::mail::{Letter, Mail, enqueue};
use crate::time::Timestamp;
use crate::users::{Admission, Email, FailureLimit, User};

/// Invites somebody to an app.
///
/// # Errors
/// When the database refuses.
pub fn invite(tx: &mut Tx<'_>, doing: &Doing, new: &NewInvitation, limit: &FailureLimit) -> Result<Change, DbError> {
    let Some((Held { app, is_owner }, _)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    if new.part == Part::Owner && !is_owner {
        return Ok(Change::Refused("Only the app's owner can hand it to somebody else.".into()));
    }
    let crew = people_store::find_crew(tx, &app.id, doing.now)?;
    if let Err(why) = crew.may_invite(&app.owner_email, new.part, &new.email) {
        return Ok(Change::Refused(why));
    }
    // Each invitation is a mail to an address that may be anybody's.
    if let Admission::Refused(wait) = limit.reserve(tx, doing.now)? {
        let minutes = wait.as_secs().div_ceil(60).max(1);
        return Ok(Change::Refused(format!("You have invited many people. Try again in {minutes} minutes.")));
    }
    people_store::insert_invitation(tx, &app.id, &doing.user, new, doing.now)?;
    let detail = json!({"invitation": new.id.as_str(), "to_be": new.part.as_str(), "email": new.email.as_str()});
    let record = doing.record.clone().detail(detail);
    record.write(tx)?;
    enqueue(tx, &Mail::about(&record, &new.email, Letter::Invitation { to_be: new.part.as_str().to_owned() }))?;
    Ok(Change::Done)
}

/// Takes an invitation back.
///
/// # Errors
/// When the database refuses.
pub fn withdraw_invitation(tx: &mut Tx<'_>, doing: &Doing, invitation: &InvitationId) -> Result<Change, DbError> {
    let Some((Held { app, is_owner }, _)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    let crew = people_store::find_crew(tx, &app.id, doing.now)?;
    let found = crew.invitations.iter().find(|open| open.id == *invitation);
    match found {
        Some(open) if open.part == Part::Owner && !is_owner => {
            Ok(Change::Refused("Only the app's owner can withdraw this.".into()))
        }
        Some(open) if people_store::claim_invitation_withdrawal(tx, &app.id, invitation)? => {
            let detail = json!({"invitation": invitation.as_str(), "to_be": open.part.as_str(), "email": open.email});
            doing.record.clone().detail(detail).write(tx)?;
            Ok(Change::Done)
        }
        _ => Ok(Change::Refused("That invitation was answered or withdrawn already.".into())),
    }
}

/// Removes a tester or a collaborator; collaborators may remove themselves.
///
/// # Errors
/// When the database refuses.
pub fn remove_member(tx: &mut Tx<'_>, doing: &Doing, part: Part, member: &UserId) -> Result<Change, DbError> {
    let Some((Held { app, .. }, _)) = doing.lock(tx)? else { return Ok(Change::NotFound) };
    let removed = match part {
        Part::Tester => people_store::delete_tester(tx, &app.id, member)?,
        Part::Collaborator => people_store::delete_collaborator(tx, &app.id, member)?,
        Part::Owner => false,
    };
    if !removed {
        return Ok(Change::Refused("That person was removed already.".into()));
    }
    doing.record.clone().user(member).detail(json!({"was": part.as_str()})).write(tx)?;
    Ok(Change::Done)
}

/// The answer to an invitation.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Which invitation.
    pub invitation: InvitationId,
    /// Whether it is accepted.
    pub accepted: bool,
    /// Who answers.
    pub user: User,
    /// Whether they may register apps: only then can they own one.
    pub may_own: bool,
    /// When.
    pub now: Timestamp,
    /// For the audit log.
    pub record: Record,
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It is done.
    Done(Offer),
    /// There is no such invitation for this person: answered, withdrawn, expired, or somebody else's.
    NotFound,
    /// It cannot be accepted now; the sentence says why and what to do.
    Refused(String),
}

/// Answers an invitation, once.
///
/// # Errors
/// When the database refuses.
pub fn answer(tx: &mut Tx<'_>, answer: &Answer) -> Result<Answered, DbError> {
    let user = &answer.user;
    // Whoever can be reached at the address is meant, not whoever typed it at sign-up.
    if user.email_verified_at.is_none() {
        return Ok(Answered::Refused("Confirm your e-mail address first; then accept the invitation.".into()));
    }
    let email: &Email = &user.email;
    let Some(found) = people_store::find_offer(tx, email, &answer.invitation, answer.now)? else {
        return Ok(Answered::NotFound);
    };
    if !console_store::lock(tx, &found.app)? {
        return Ok(Answered::NotFound);
    }
    if answer.accepted
        && let Some(why) = obstacle(tx, answer, &found)?
    {
        return Ok(Answered::Refused(why));
    }
    if !people_store::claim_answer(tx, &found.id, answer.now)? {
        return Ok(Answered::NotFound);
    }
    if answer.accepted {
        accept(tx, answer, &found)?;
    }
    let detail = json!({"invitation": found.id.as_str(), "to_be": found.part.as_str(), "accepted": answer.accepted});
    answer.record.clone().app(&found.app).user(&user.id).detail(detail).write(tx)?;
    Ok(Answered::Done(found))
}

/// Why the invitation cannot be accepted now.
fn obstacle(tx: &mut Tx<'_>, answer: &Answer, offer: &Offer) -> Result<Option<String>, DbError> {
    let Some(held) = console_store::find_for(tx, &offer.app, &offer.invited_by)? else {
        return Ok(Some(format!("{} has left the app, so this invitation does not hold any more.", offer.inviter)));
    };
    let crew = people_store::find_crew(tx, &offer.app, answer.now)?;
    Ok(match offer.part {
        Part::Owner if !held.is_owner => {
            Some(format!("{} does not own the app any more, so this offer does not hold.", offer.inviter))
        }
        Part::Owner if !answer.may_own => {
            Some("To own an app you need OAuth access. Request it under OAuth, then accept.".into())
        }
        Part::Tester if crew.testers.len() >= MAX_TESTERS => {
            Some(format!("The app has {MAX_TESTERS} testers already. Ask {} to make room.", offer.inviter))
        }
        Part::Collaborator if crew.collaborators.len() >= MAX_COLLABORATORS => {
            Some(format!("The app has {MAX_COLLABORATORS} collaborators already. Ask {} to make room.", offer.inviter))
        }
        Part::Owner | Part::Tester | Part::Collaborator => None,
    })
}

fn accept(tx: &mut Tx<'_>, answer: &Answer, offer: &Offer) -> Result<(), DbError> {
    let (app, user, now) = (&offer.app, &answer.user.id, answer.now);
    match offer.part {
        Part::Tester => people_store::insert_tester(tx, app, user, now),
        Part::Collaborator => {
            people_store::delete_tester(tx, app, user)?;
            people_store::insert_collaborator(tx, app, user, now)
        }
        Part::Owner => {
            if !people_store::claim_ownership(tx, app, &offer.invited_by, user)? {
                return Err(DbError::Broken("the owner changed under a lock".into()));
            }
            people_store::delete_tester(tx, app, user)?;
            people_store::delete_collaborator(tx, app, user)?;
            people_store::insert_collaborator(tx, app, &offer.invited_by, now)
        }
    }
}
