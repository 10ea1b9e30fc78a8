//! One app: where it stands and whose turn it is, what is declared, its security section, its people, its history.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use sql::{DbError, Tx};

use super::desk::{Desk, Named};
use super::form::kind_title;
use super::samples::{hours_ago, revision};
use crate::apps::console_store::{self, Held};
use crate::apps::editing;
use crate::apps::history::{self, Event, Reason};
use crate::apps::people::Crew;
use crate::apps::people::{Invitation, MAX_TESTERS, Member, Part};
use crate::apps::refusals::RefusalCount;
use crate::apps::refusals::list_refusals;
use crate::apps::secrets::{self, Overlap};
use crate::apps::snippets::{Ingredients, Snippet};
use crate::apps::standing::Standing;
use crate::apps::{AppDetails, AppStatus, RevisionDetails, RevisionStatus, SecretDetails, people_store};
use crate::ids::{AppId, InvitationId, UserId};
use crate::time::Timestamp;
use crate::web::samples::{NOW, shell};
use crate::web::{Monogram, Notice, PageError, QueryParams, Section, Shell};

/// People are counted so far.
const MANY: i64 = 10_000;

/// An invitation that was refused: what was typed, and why.
#[derive(Debug, Clone)]
pub struct Invited {
    /// To be what.
    pub part: Part,
    /// What was typed.
    pub email: String,
    /// Why it was refused.
    pub fault: String,
}

#[derive(Template)]
#[template(path = "apps/app.html")]
struct AppPage {
    shell: Shell,
    notice: Option<Notice>,
    me: UserId,
    monogram: Monogram,
    standing: Standing,
    app: AppDetails,
    is_owner: bool,
    working: RevisionDetails,
    figures: Figures,
    snippets: Vec<Snippet>,
    refused: Option<Invited>,
    now: Timestamp,
}

/// What else the page shows.
struct Figures {
    crew: Crew,
    users: i64,
    refusals: Vec<RefusalCount>,
    events: Vec<Event>,
    open_reasons: Vec<Reason>,
}

/// `GET /oauth/apps/{id}`
pub(super) async fn show_app(desk: Desk, Named(app): Named, query: QueryParams) -> Result<Response, PageError> {
    let notice = query.get("done").and_then(done_words).map(Notice::done);
    answer_with(&desk, &app, StatusCode::OK, notice).await
}

/// What was just done.
fn done_words(done: &str) -> Option<&'static str> {
    Some(match done {
        "saved" => "The app is saved.",
        "submitted" => "The app is in review now. You find the decision and its reasons here.",
        "withdrawn" => "The app is not in review any more. Edit it, and submit it when it is ready.",
        "discarded" => "Your changes are discarded. The approved revision goes on as it is.",
        "callbacks-saved" => "The callback URLs are saved and work at once.",
        "secret-ended" => "That secret has ended.",
        "keys-saved" => "The keys are saved and count at once.",
        "settings-saved" => "The settings are saved.",
        "tokens-revoked" => "Every token of the app is dead. People sign in at the app again.",
        "invited" => "The invitation waits for its answer. Tell the person to open Invitations in the side bar here.",
        "invitation-withdrawn" => "The invitation is withdrawn.",
        "removed" => "That person is removed.",
        "joined" => "You accepted the invitation: this is the app.",
        _ => return None,
    })
}

/// The page, with a notice.
///
/// # Errors
/// There is no such app for this person, or the database failed.
pub async fn answer_with(
    desk: &Desk,
    app: &AppId,
    status: StatusCode,
    notice: Option<Notice>,
) -> Result<Response, PageError> {
    answer(desk, app, status, notice, None).await
}

/// The page, with an invitation that was refused.
///
/// # Errors
/// As [`answer_with`].
pub async fn answer_refused_invitation(desk: &Desk, app: &AppId, refused: Invited) -> Result<Response, PageError> {
    let notice = Notice::refused("Nobody was invited; the reason stands beside the address.");
    answer(desk, app, StatusCode::BAD_REQUEST, Some(notice), Some(refused)).await
}

async fn answer(
    desk: &Desk,
    app: &AppId,
    status: StatusCode,
    notice: Option<Notice>,
    refused: Option<Invited>,
) -> Result<Response, PageError> {
    let (Held { app, is_owner }, working) = desk.find_app(app).await?;
    let (id, revision, state, now) = (app.id.clone(), working.id.clone(), working.status, desk.now);
    let figures = desk.app.db.read(move |tx| read_figures(tx, &id, &revision, state, now)).await?;
    let nonce = desk.app.random.uuid();
    let page = {
        let serving = app.serving().unwrap_or(&working);
        let ingredients = Ingredients {
            issuer: &desk.app.issuer,
            client_id: &app.client_id,
            secret: None,
            kind: app.kind,
            callback_url: serving.declared.callback_urls.first().map(String::as_str),
            nonce: &nonce[..8],
        };
        AppPage {
            shell: desk.shell(Section::OAuth),
            notice,
            me: desk.user_id(),
            monogram: Monogram::of(serving.declared.display_name()).with_logo(serving.logo_hash.as_ref()),
            standing: Standing::of(app.status, app.approved.is_some(), working.status),
            snippets: ingredients.snippets(),
            app,
            is_owner,
            working,
            figures,
            refused,
            now,
        }
    };
    Ok(desk.page_with_script(status, &page))
}

fn read_figures(
    tx: &mut Tx<'_>,
    app: &AppId,
    working: &crate::ids::RevisionId,
    state: RevisionStatus,
    now: Timestamp,
) -> Result<Figures, DbError> {
    let (revisions, decisions) = console_store::list_history(tx, app)?;
    Ok(Figures {
        crew: people_store::find_crew(tx, app, now)?,
        users: console_store::count_users(tx, app, MANY)?,
        refusals: list_refusals(tx, app, now)?,
        open_reasons: history::open_reasons(working, state, &decisions),
        events: history::history(&revisions, &decisions),
    })
}

/// What the template asks.
impl AppPage {
    fn serving(&self) -> &RevisionDetails {
        self.app.serving().unwrap_or(&self.working)
    }

    fn name(&self) -> &str {
        self.serving().declared.display_name()
    }

    fn is_approved(&self) -> bool {
        self.app.approved.is_some()
    }

    /// There are changes to an approved app.
    fn has_changes(&self) -> bool {
        self.is_approved() && self.working.status != RevisionStatus::Approved
    }

    /// The fields that the changes are about, in words.
    fn changed_fields(&self) -> Vec<&'static str> {
        let changed = self.working.declared.changed_fields(&self.serving().declared);
        changed.into_iter().map(field_words).collect()
    }

    fn can_edit(&self) -> bool {
        editing::place(&self.app, &self.working).is_ok()
    }

    fn can_submit(&self) -> bool {
        editing::can_be_submitted(&self.working)
    }

    /// It can be submitted as it is.
    fn is_ready(&self) -> bool {
        self.can_submit() && self.faults() == 0
    }

    /// Something is missing or wrong.
    fn is_unfinished(&self) -> bool {
        self.can_submit() && self.faults() > 0
    }

    /// A reviewer asked for something: editing comes before submitting again.
    fn is_asked_to_mend(&self) -> bool {
        !self.figures.open_reasons.is_empty()
    }

    /// The checks of the review can be run, or have run.
    fn can_be_checked(&self) -> bool {
        self.can_submit() || self.can_withdraw()
    }

    fn can_withdraw(&self) -> bool {
        self.working.status == RevisionStatus::InReview
    }

    fn can_discard(&self) -> bool {
        editing::can_be_discarded(&self.app, &self.working)
    }

    /// In review the form is closed, but test-mode callback URLs are not.
    fn can_change_callbacks(&self) -> bool {
        self.can_withdraw() && editing::may_change_test_callbacks(&self.app, &self.working).is_ok()
    }

    fn is_suspended(&self) -> bool {
        self.app.status == AppStatus::Suspended
    }

    /// How many things are missing or wrong before it can be submitted.
    fn faults(&self) -> usize {
        self.working.declared.faults(self.app.kind).len()
    }

    fn kind(&self) -> &'static str {
        kind_title(self.app.kind)
    }

    fn living_secrets(&self) -> Vec<&SecretDetails> {
        let mut living: Vec<_> = self.app.secrets.iter().filter(|secret| secret.lives(self.now)).collect();
        living.reverse();
        living
    }

    fn current_secret(&self) -> &str {
        secrets::current(&self.app.secrets, self.now).map_or("", |secret| secret.id.as_str())
    }

    fn overlaps(&self) -> [Overlap; 4] {
        Overlap::ALL
    }

    fn max_testers(&self) -> usize {
        MAX_TESTERS
    }

    /// The parts, for the template.
    fn tester(&self) -> Part {
        Part::Tester
    }

    fn collaborator(&self) -> Part {
        Part::Collaborator
    }

    fn owner(&self) -> Part {
        Part::Owner
    }

    /// What was typed into that part's form, if it was refused.
    fn typed(&self, part: Part) -> &str {
        self.refused.as_ref().filter(|refused| refused.part == part).map_or("", |refused| &refused.email)
    }

    /// Why that part's form was refused.
    fn fault(&self, part: Part) -> &str {
        self.refused.as_ref().filter(|refused| refused.part == part).map_or("", |refused| &refused.fault)
    }

    fn users_words(&self) -> String {
        match self.figures.users {
            0 => "Nobody has let the app in yet.".to_owned(),
            1 => "1 person has let the app in.".to_owned(),
            MANY.. => "10,000 people or more have let the app in.".to_owned(),
            number => format!("{number} people have let the app in."),
        }
    }
}

/// A field's name on the form.
fn field_words(field: &'static str) -> &'static str {
    match field {
        "name" => "App name",
        "homepage_url" => "Homepage URL",
        "policy_url" => "Policy URL",
        "logo_url" => "Logo URL",
        "use_case" => "Use case",
        "description" => "Description",
        "terms_url" => "Terms URL",
        "support_email" => "Support e-mail",
        "callback_urls" => "Authorization callback URLs",
        "post_logout_urls" => "URLs after signing out",
        "scopes" => "Scopes",
        "test_plan" => "Test plan",
        "test_account" => "Test account",
        other => other,
    }
}

/// The page, filled with made-up content.
pub(super) fn sample(app: AppDetails, notice: Option<Notice>) -> impl Template {
    let member = |id: &str, name: &str| Member {
        id: UserId::from_text(id),
        name: name.to_owned(),
        email: format!("{id}@example.com"),
        since: hours_ago(50),
    };
    let invitation = |part: Part| Invitation {
        id: InvitationId::from_text(format!("inv-{}", part.as_str())),
        part,
        email: format!("{}@example.com", part.as_str()),
        expires_at: NOW,
    };
    let reason = Reason {
        text: "The policy page answers 404. Publish it.".to_owned(),
        urls: vec!["https://lessons.example/policy".to_owned()],
    };
    let working = revision(2, app.working.as_ref().map_or(RevisionStatus::Draft, |working| working.status));
    let waits = matches!(working.status, RevisionStatus::OnHold | RevisionStatus::Rejected);
    let event =
        |title: &str, hours, reasons| Event { at: hours_ago(hours), title: title.to_owned(), tone: "", reasons };
    AppPage {
        shell: shell(Section::OAuth),
        notice,
        me: UserId::from_text("u-1"),
        monogram: Monogram::of("Lesson Planner"),
        standing: Standing::of(app.status, app.approved.is_some(), working.status),
        is_owner: true,
        figures: Figures {
            crew: Crew {
                collaborators: vec![member("ben", "Ben Okafor")],
                testers: vec![member("nila", "Nila Iyer")],
                invitations: Part::ALL.into_iter().map(invitation).collect(),
            },
            users: 12,
            refusals: vec![RefusalCount {
                code: "code_expired".to_owned(),
                sentence: "The authorization code has expired.",
                mend: "Redeem codes as soon as they arrive.",
                times: 7,
                last: hours_ago(9),
            }],
            events: vec![
                event("Revision 1 put on hold", 4, vec![reason.clone()]),
                event("App created", 90, Vec::new()),
            ],
            open_reasons: if waits { vec![reason] } else { Vec::new() },
        },
        snippets: vec![Snippet {
            title: "1. Send the person here",
            hint: "A hint.",
            text: "https://meet.example.com/".to_owned(),
        }],
        refused: None,
        now: NOW,
        app,
        working,
    }
}
