//! SQL of `collaborators`, `testers` and `invitations`.

use sql::{DbError, Row, Tx, params};

use super::declaration::Declaration;
use super::people::{Crew, Invitation, Member, Offer, Part};
use super::store::full_name;
use crate::ids::{AppId, InvitationId, UserId};
use crate::time::Timestamp;
use crate::users::Email;

/// What an invited person reads of an invitation `i`: the app `a` as it serves, and who invites.
macro_rules! offer_columns {
    () => {
        "i.id, i.app_id, r.name, i.kind, i.invited_by, u.name, u.lname, u.email, i.expires_at
        FROM invitations i JOIN apps a ON a.id = i.app_id JOIN users u ON u.id = i.invited_by
        JOIN app_revisions r ON r.id = COALESCE(a.approved_revision_id, a.working_revision_id)"
    };
}

sql::statements! {
    /// Who work on an app.
    LIST_COLLABORATORS = "SELECT u.id, u.name, u.lname, u.email, c.added_at
        FROM collaborators c JOIN users u ON u.id = c.user_id WHERE c.app_id = $1 ORDER BY c.added_at, u.id LIMIT 100";
    /// Who try an app.
    LIST_TESTERS = "SELECT u.id, u.name, u.lname, u.email, t.accepted_at
        FROM testers t JOIN users u ON u.id = t.user_id WHERE t.app_id = $1 ORDER BY t.accepted_at, u.id LIMIT 100";
    /// Who were invited to an app and have not answered.
    LIST_INVITATIONS = "SELECT id, kind, email, expires_at FROM invitations
        WHERE app_id = $1 AND answered_at IS NULL AND expires_at > $2 ORDER BY created_at, id LIMIT 100";
    /// A new invitation.
    INSERT_INVITATION = "INSERT INTO invitations (id, app_id, kind, email, invited_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// An invitation is taken back.
    WITHDRAW_INVITATION = "DELETE FROM invitations WHERE id = $1 AND app_id = $2 AND answered_at IS NULL";
    /// What somebody is invited to.
    LIST_OFFERS = concat!("SELECT ", offer_columns!(), "
        WHERE i.email = $1 AND i.answered_at IS NULL AND i.expires_at > $2 AND a.deleted_at IS NULL
        ORDER BY i.created_at DESC, i.id LIMIT 100");
    /// One of these.
    FIND_OFFER = concat!("SELECT ", offer_columns!(), "
        WHERE i.id = $3 AND i.email = $1 AND i.answered_at IS NULL AND i.expires_at > $2 AND a.deleted_at IS NULL");
    /// Somebody answers an invitation, once.
    ANSWER_INVITATION = "UPDATE invitations SET answered_at = $2 WHERE id = $1 AND answered_at IS NULL AND expires_at > $2";
    /// A new tester.
    INSERT_TESTER = "INSERT INTO testers (app_id, user_id, accepted_at) VALUES ($1, $2, $3)
        ON CONFLICT (app_id, user_id) DO NOTHING";
    /// A tester goes.
    DELETE_TESTER = "DELETE FROM testers WHERE app_id = $1 AND user_id = $2";
    /// A new collaborator.
    INSERT_COLLABORATOR = "INSERT INTO collaborators (app_id, user_id, added_at) VALUES ($1, $2, $3)
        ON CONFLICT (app_id, user_id) DO NOTHING";
    /// A collaborator goes.
    DELETE_COLLABORATOR = "DELETE FROM collaborators WHERE app_id = $1 AND user_id = $2";
    /// The app goes from one owner to another.
    CHANGE_OWNER = "UPDATE apps SET owner_id = $3 WHERE id = $1 AND owner_id = $2 AND deleted_at IS NULL";
    /// Invitations that nobody can answer any more.
    SWEEP_INVITATIONS = "invitations", sweep, "expires_at <= $1 ORDER BY expires_at";
}

/// Everybody around an app but its owner.
pub fn find_crew(tx: &mut Tx<'_>, app: &AppId, now: Timestamp) -> Result<Crew, DbError> {
    Ok(Crew {
        collaborators: tx.list(&LIST_COLLABORATORS, params![app], member)?,
        testers: tx.list(&LIST_TESTERS, params![app], member)?,
        invitations: tx.list(&LIST_INVITATIONS, params![app, now], |row| {
            Ok(Invitation { id: row.get(0)?, part: row.get(1)?, email: row.get(2)?, expires_at: row.get(3)? })
        })?,
    })
}

fn member(row: &Row<'_>) -> Result<Member, DbError> {
    Ok(Member {
        id: row.get(0)?,
        name: full_name(&row.get::<String>(1)?, &row.get::<String>(2)?),
        email: row.get(3)?,
        since: row.get(4)?,
    })
}

/// An invitation that is about to be made.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Its id.
    pub id: InvitationId,
    /// To be what.
    pub part: Part,
    /// Who is invited.
    pub email: Email,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
}

/// Makes an invitation.
pub fn insert_invitation(
    tx: &mut Tx<'_>,
    app: &AppId,
    invited_by: &UserId,
    new: &NewInvitation,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&INSERT_INVITATION, params![new.id, app, new.part, new.email, invited_by, now, new.expires_at]).map(drop)
}

/// Takes an invitation back; false when it was answered or is not the app's.
pub fn claim_invitation_withdrawal(tx: &mut Tx<'_>, app: &AppId, invitation: &InvitationId) -> Result<bool, DbError> {
    tx.execute(&WITHDRAW_INVITATION, params![invitation, app]).map(|rows| rows == 1)
}

/// What the person with that address is invited to.
pub fn list_offers(tx: &mut Tx<'_>, email: &Email, now: Timestamp) -> Result<Vec<Offer>, DbError> {
    tx.list(&LIST_OFFERS, params![email, now], offer)
}

/// One invitation of the person with that address.
pub fn find_offer(
    tx: &mut Tx<'_>,
    email: &Email,
    invitation: &InvitationId,
    now: Timestamp,
) -> Result<Option<Offer>, DbError> {
    tx.find(&FIND_OFFER, params![email, now, invitation], offer)
}

fn offer(row: &Row<'_>) -> Result<Offer, DbError> {
    let declared = Declaration { name: row.get(2)?, ..Declaration::default() };
    Ok(Offer {
        id: row.get(0)?,
        app: row.get(1)?,
        app_name: declared.display_name().to_owned(),
        part: row.get(3)?,
        invited_by: row.get(4)?,
        inviter: full_name(&row.get::<String>(5)?, &row.get::<String>(6)?),
        inviter_email: row.get(7)?,
        expires_at: row.get(8)?,
    })
}

/// Answers an invitation; false when it was answered, withdrawn or has expired.
pub fn claim_answer(tx: &mut Tx<'_>, invitation: &InvitationId, now: Timestamp) -> Result<bool, DbError> {
    tx.execute(&ANSWER_INVITATION, params![invitation, now]).map(|rows| rows == 1)
}

/// Makes somebody a tester.
pub fn insert_tester(tx: &mut Tx<'_>, app: &AppId, user: &UserId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&INSERT_TESTER, params![app, user, now]).map(drop)
}

/// Removes a tester; false when they are none.
pub fn delete_tester(tx: &mut Tx<'_>, app: &AppId, user: &UserId) -> Result<bool, DbError> {
    tx.execute(&DELETE_TESTER, params![app, user]).map(|rows| rows == 1)
}

/// Makes somebody a collaborator.
pub fn insert_collaborator(tx: &mut Tx<'_>, app: &AppId, user: &UserId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&INSERT_COLLABORATOR, params![app, user, now]).map(drop)
}

/// Removes a collaborator; false when they are none.
pub fn delete_collaborator(tx: &mut Tx<'_>, app: &AppId, user: &UserId) -> Result<bool, DbError> {
    tx.execute(&DELETE_COLLABORATOR, params![app, user]).map(|rows| rows == 1)
}

/// Gives the app to another owner; false when the one who gave it does not own it.
pub fn claim_ownership(tx: &mut Tx<'_>, app: &AppId, from: &UserId, to: &UserId) -> Result<bool, DbError> {
    tx.execute(&CHANGE_OWNER, params![app, from, to]).map(|rows| rows == 1)
}

/// Removes invitations that nobody can answer any more, at most `limit`; how many went.
pub fn sweep_invitations(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_INVITATIONS, params![now, limit])
}
