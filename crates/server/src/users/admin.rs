//! What admins may do with other people's accounts. Each act is one unit, which looks again at who acts: an admin who
//! is none any more, or is locked, does nothing, and nobody else ever does (lesson of delegated admins who raised
//! themselves by a detour).

use sql::{DbError, Tx};

use super::account_store::is_only_admin;
use super::{Role, Roles, User, oauth_access, store};
use crate::audit::Record;
use crate::ids::UserId;

/// One act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// These are the roles from now on.
    SetRoles(Roles),
    /// Nobody can sign in; sessions and apps' access end.
    Lock,
    /// People can sign in again.
    Unlock,
    /// The person may register apps.
    GrantOauth,
    /// The person is signed out everywhere.
    EndSessions,
    /// Everything that apps got of the account is dead.
    EndAccess,
}

impl Act {
    /// The audit log's word.
    pub const fn action(self) -> &'static str {
        match self {
            Act::SetRoles(_) => "user.roles_set",
            Act::Lock => "user.locked",
            Act::Unlock => "user.unlocked",
            Act::GrantOauth => "oauth_access.granted",
            Act::EndSessions => "user.sessions_ended",
            Act::EndAccess => "user.access_ended",
        }
    }
}

/// Why it is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Whoever asks is no admin (any more).
    NotAdmin,
    /// There is no such account.
    NoSuchUser,
    /// Nobody would be an admin any more.
    LastAdmin,
    /// Admins do not lock themselves out.
    Yourself,
}

/// Whether it may be done: the rules, without the database. `is_only_admin` is about the account acted on.
pub fn judge(actor: &User, target: &User, act: Act, is_only_admin: bool) -> Result<(), Refusal> {
    if !actor.is_active() || !actor.roles.has(Role::Admin) {
        return Err(Refusal::NotAdmin);
    }
    if target.deleted_at.is_some() {
        return Err(Refusal::NoSuchUser);
    }
    match act {
        Act::SetRoles(roles) if target.roles.has(Role::Admin) && !roles.has(Role::Admin) && is_only_admin => {
            Err(Refusal::LastAdmin)
        }
        Act::Lock if actor.id == target.id => Err(Refusal::Yourself),
        Act::SetRoles(_) | Act::Lock | Act::Unlock | Act::GrantOauth | Act::EndSessions | Act::EndAccess => Ok(()),
    }
}

/// Carries it out, if it may be done.
///
/// # Errors
/// When the database refuses.
pub fn carry_out(
    tx: &mut Tx<'_>,
    actor: &UserId,
    target: &UserId,
    act: Act,
    record: &Record,
) -> Result<Result<(), Refusal>, DbError> {
    // First, so that two admins who take each other's role at once are judged one after the other.
    let is_only_admin = is_only_admin(tx, target)?;
    let Some(actor) = store::find(tx, actor)? else { return Ok(Err(Refusal::NotAdmin)) };
    let Some(target) = store::find(tx, target)? else { return Ok(Err(Refusal::NoSuchUser)) };
    if let Err(refusal) = judge(&actor, &target, act, is_only_admin) {
        return Ok(Err(refusal));
    }
    let (id, now) = (&target.id, record.at());
    match act {
        Act::SetRoles(roles) => store::set_roles(tx, id, roles)?,
        Act::Lock => store::lock(tx, id, now)?,
        Act::Unlock => store::unlock(tx, id)?,
        Act::GrantOauth => oauth_access::grant_oauth(tx, id, actor.id.as_str(), record)?,
        Act::EndSessions => store::delete_sessions_of(tx, id)?,
        Act::EndAccess => store::raise_epoch(tx, id, now)?,
    }
    record.write(tx)?;
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;
    use crate::users::Email;

    const NOW: Timestamp = Timestamp::from_millis(1_767_607_200_000);

    fn user(id: &str, roles: &[Role]) -> User {
        User {
            id: UserId::from_text(id),
            email: Email::parse("x@example.com").unwrap(),
            name: "X".to_owned(),
            lname: String::new(),
            roles: roles.iter().copied().collect(),
            created_at: NOW,
            email_verified_at: Some(NOW),
            password_changed_at: NOW,
            oauth_granted_at: None,
            locked_at: None,
            deleted_at: None,
            epoch: NOW,
        }
    }

    const EVERY_ACT: [Act; 6] =
        [Act::SetRoles(Roles::NONE), Act::Lock, Act::Unlock, Act::GrantOauth, Act::EndSessions, Act::EndAccess];

    #[test]
    fn only_an_admin_who_can_be_used_acts() {
        let target = user("u-2", &[Role::User]);
        for act in EVERY_ACT {
            for roles in [&[][..], &[Role::User], &[Role::Developer], &[Role::Reviewer], &[Role::Reviewer, Role::User]]
            {
                assert_eq!(judge(&user("u-1", roles), &target, act, false), Err(Refusal::NotAdmin), "{act:?}");
            }
            let admin = user("u-1", &[Role::Admin]);
            let locked = User { locked_at: Some(NOW), ..admin.clone() };
            let deleted = User { deleted_at: Some(NOW), ..admin.clone() };
            assert_eq!(judge(&locked, &target, act, false), Err(Refusal::NotAdmin));
            assert_eq!(judge(&deleted, &target, act, false), Err(Refusal::NotAdmin));
            assert_eq!(judge(&admin, &target, act, false), Ok(()), "{act:?}");
            assert_eq!(judge(&admin, &deleted, act, false), Err(Refusal::NoSuchUser));
        }
    }

    #[test]
    fn the_last_admin_stays_one_and_locks_nobody_out() {
        let admin = user("u-1", &[Role::Admin]);
        let without = Act::SetRoles(Roles::default().with(Role::User));
        let with = Act::SetRoles(Roles::default().with(Role::Admin).with(Role::Reviewer));
        assert_eq!(judge(&admin, &admin, without, true), Err(Refusal::LastAdmin));
        assert_eq!(judge(&admin, &admin, without, false), Ok(()));
        assert_eq!(judge(&admin, &admin, with, true), Ok(()));
        assert_eq!(judge(&admin, &admin, Act::Lock, false), Err(Refusal::Yourself));
    }
}
