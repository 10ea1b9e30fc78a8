//! What a person is invited to: to try an app, to work on it, to own it.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::desk::{Desk, Posted, is_id};
use crate::apps::invitations::{self, Answer, Answered};
use crate::apps::people::{Offer, Part};
use crate::apps::people_store;
use crate::ids::{AppId, InvitationId, UserId};
use crate::web::samples::{NOW, Sample, shell};
use crate::web::{Monogram, Notice, PageError, QueryParams, Section, Shell, see_other};

#[derive(Template)]
#[template(path = "apps/invitations.html")]
struct InvitationsPage {
    shell: Shell,
    notice: Option<Notice>,
    email: String,
    is_confirmed: bool,
    offers: Vec<Row>,
}

struct Row {
    offer: Offer,
    monogram: Monogram,
}

impl Row {
    /// What accepting means.
    fn words(&self) -> &'static str {
        match self.offer.part {
            Part::Tester => {
                "to try the app before it is reviewed. It can ask for your consent like any app; you decide then what it may do."
            }
            Part::Collaborator => "to work on the app: to edit it, see its figures and make new secrets.",
            Part::Owner => "to take the app over as its owner. The owner before you stays on as a collaborator.",
        }
    }
}

/// `GET /invitations`
pub(super) async fn show_invitations(desk: Desk, query: QueryParams) -> Result<Response, PageError> {
    let notice = match query.get("done") {
        Some("tester") => Some(Notice::done("You are a tester now: sign in at the app with JioMeet.")),
        Some("declined") => Some(Notice::done("You declined the invitation.")),
        _ => None,
    };
    answer(&desk, StatusCode::OK, notice).await
}

async fn answer(desk: &Desk, status: StatusCode, notice: Option<Notice>) -> Result<Response, PageError> {
    let (email, now) = (desk.user().email.clone(), desk.now);
    let offers = desk.app.db.read(move |tx| people_store::list_offers(tx, &email, now)).await?;
    let page = InvitationsPage {
        shell: desk.shell(Section::Invitations),
        notice,
        email: desk.user().email.to_string(),
        is_confirmed: desk.user().email_verified_at.is_some(),
        offers: offers.into_iter().map(|offer| Row { monogram: Monogram::of(&offer.app_name), offer }).collect(),
    };
    Ok(desk.page(status, &page))
}

/// `POST /invitations`
pub(super) async fn answer_invitation(Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let accepted = match form.get("decision")? {
        Some("accept") => true,
        Some("decline") => false,
        _ => return answer(&desk, StatusCode::BAD_REQUEST, Some(Notice::refused("Accept or decline."))).await,
    };
    let action = if accepted { "app.invitation_accepted" } else { "app.invitation_declined" };
    let given = Answer {
        invitation: InvitationId::from_text(form.get("invitation")?.filter(|id| is_id(id)).unwrap_or_default()),
        accepted,
        user: desk.user().clone(),
        may_own: desk.access().await?.is_open(),
        now: desk.now,
        record: desk.record(action),
    };
    match desk.app.db.write(move |tx| invitations::answer(tx, &given)).await? {
        Answered::Done(_) if !accepted => Ok(see_other("/invitations?done=declined")),
        Answered::Done(Offer { part: Part::Tester, .. }) => Ok(see_other("/invitations?done=tester")),
        Answered::Done(Offer { app, .. }) => Ok(see_other(&format!("/oauth/apps/{app}?done=joined"))),
        Answered::NotFound => {
            let notice = Notice::refused("That invitation was withdrawn, has expired, or is answered already.");
            answer(&desk, StatusCode::CONFLICT, Some(notice)).await
        }
        Answered::Refused(why) => answer(&desk, StatusCode::CONFLICT, Some(Notice::refused(why))).await,
    }
}

/// The page, filled with made-up content.
pub(super) fn samples() -> Vec<Sample> {
    let row = |part: Part| Row {
        monogram: Monogram::of("Lesson Planner"),
        offer: Offer {
            id: InvitationId::from_text(format!("inv-{}", part.as_str())),
            app: AppId::from_text("app-1"),
            app_name: "Lesson Planner".to_owned(),
            part,
            invited_by: UserId::from_text("u-2"),
            inviter: "Devika Shah".to_owned(),
            inviter_email: "dev@example.com".to_owned(),
            expires_at: NOW,
        },
    };
    let page = |is_confirmed, offers| InvitationsPage {
        shell: shell(Section::Invitations),
        notice: None,
        email: "asha@example.com".to_owned(),
        is_confirmed,
        offers,
    };
    vec![
        Sample::of("invitations", "three", &page(true, Part::ALL.into_iter().map(row).collect())),
        Sample::of("invitations", "unconfirmed", &page(false, vec![row(Part::Tester)])),
        Sample::of("invitations", "none", &page(true, Vec::new())),
    ]
}
