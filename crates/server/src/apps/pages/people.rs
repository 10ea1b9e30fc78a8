//! Testers, collaborators, and handing an app to another owner: inviting, withdrawing, removing.

use axum::response::Response;
use http::StatusCode;

use super::app_page::{self, Invited};
use super::desk::{Named, Posted, Settled, app_path, is_id, no_such_app, settle};
use crate::apps::invitations;
use crate::apps::lifecycle::Change;
use crate::apps::people::{INVITATION_TTL, Part};
use crate::apps::people_store::NewInvitation;
use crate::ids::{InvitationId, UserId};
use crate::users::{Email, FailureLimit};
use crate::web::{Notice, PageError, see_other};

/// `POST /oauth/apps/{id}/invite`
pub(super) async fn invite(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let typed = form.get("email")?.unwrap_or_default().to_owned();
    let Some(part) = form.get("to_be")?.and_then(Part::parse) else {
        let notice = Notice::refused("Say what the person is invited to be: a tester, a collaborator, or the owner.");
        return app_page::answer_with(&desk, &app, StatusCode::BAD_REQUEST, Some(notice)).await;
    };
    let refuse = |fault: String| Invited { part, email: typed.chars().take(254).collect(), fault };
    let email = match Email::parse(&typed) {
        Ok(email) => email,
        Err(fault) => return app_page::answer_refused_invitation(&desk, &app, refuse(fault.to_owned())).await,
    };
    let new = NewInvitation {
        id: InvitationId::mint(&desk.app.random),
        part,
        email,
        expires_at: desk.now.plus(INVITATION_TTL),
    };
    let limits = &desk.app.config.limits;
    let inviter = desk.user_id();
    let limit =
        FailureLimit::new("invite", &[inviter.as_str().as_bytes()], limits.invite_burst, limits.invite_interval);
    let doing = desk.doing(&app, "app.invited");
    match desk.app.db.write(move |tx| invitations::invite(tx, &doing, &new, &limit)).await? {
        Change::Done => Ok(see_other(&app_path(&app, "invited", anchor(part)))),
        Change::NotFound => Err(no_such_app()),
        Change::Refused(why) => app_page::answer_refused_invitation(&desk, &app, refuse(why)).await,
    }
}

/// Where on the app's page those people are.
fn anchor(part: Part) -> &'static str {
    match part {
        Part::Tester => "testers",
        Part::Collaborator => "collaborators",
        Part::Owner => "ownership",
    }
}

/// `POST /oauth/apps/{id}/withdraw-invitation`
pub(super) async fn withdraw_invitation(
    Named(app): Named,
    Posted { desk, form }: Posted,
) -> Result<Response, PageError> {
    let invitation = InvitationId::from_text(form.get("invitation")?.filter(|id| is_id(id)).unwrap_or_default());
    let part = form.get("to_be")?.and_then(Part::parse).unwrap_or(Part::Tester);
    let doing = desk.doing(&app, "app.invitation_withdrawn");
    let change = desk.app.db.write(move |tx| invitations::withdraw_invitation(tx, &doing, &invitation)).await?;
    match settle(change, &app, "invitation-withdrawn", anchor(part))? {
        Settled::Answer(response) => Ok(response),
        Settled::Refused(why) => {
            app_page::answer_with(&desk, &app, StatusCode::CONFLICT, Some(Notice::refused(why))).await
        }
    }
}

/// `POST /oauth/apps/{id}/remove`: a tester or a collaborator; oneself too.
pub(super) async fn remove_member(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let member = UserId::from_text(form.get("user")?.filter(|id| is_id(id)).unwrap_or_default());
    let part = form.get("was")?.and_then(Part::parse).unwrap_or(Part::Tester);
    let action = match part {
        Part::Tester => "app.tester_removed",
        Part::Collaborator | Part::Owner => "app.collaborator_removed",
    };
    let left = part == Part::Collaborator && member == desk.user_id();
    let doing = desk.doing(&app, action);
    let change = desk.app.db.write(move |tx| invitations::remove_member(tx, &doing, part, &member)).await?;
    match settle(change, &app, "removed", anchor(part))? {
        Settled::Answer(_) if left => Ok(see_other("/oauth/apps?done=left")),
        Settled::Answer(response) => Ok(response),
        Settled::Refused(why) => {
            app_page::answer_with(&desk, &app, StatusCode::CONFLICT, Some(Notice::refused(why))).await
        }
    }
}
