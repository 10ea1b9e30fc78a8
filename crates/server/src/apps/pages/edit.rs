//! Editing an app, and handing it in, taking it back, giving changes up.

use axum::response::Response;
use http::StatusCode;

use super::app_page;
use super::create::{FormPage, Purpose, Wish};
use super::credentials::Credentials;
use super::desk::{Desk, Named, Posted, Settled, app_path, no_such_app, settle};
use super::form::{AppForm, FormFaults};
use crate::apps::changes::{self, Doing, Edit, Edited};
use crate::apps::console_store::Held;
use crate::apps::editing::{self, Seen};
use crate::apps::lifecycle::{Change, NewSecret};
use crate::apps::{AppStatus, FieldFault, RevisionDetails};
use crate::ids::{AppId, DecisionId, RevisionId};
use crate::web::{Notice, PageError, QueryParams, Section, see_other};

/// What the edit form shows.
struct Shown {
    form: AppForm,
    faults: Vec<FieldFault>,
    notice: Option<Notice>,
    seen: Seen,
}

fn form_page(desk: &Desk, status: StatusCode, held: &Held, working: &RevisionDetails, shown: Shown) -> Response {
    let app = &held.app;
    let approved = app.approved.is_some();
    let page = FormPage {
        shell: desk.shell(Section::OAuth),
        notice: shown.notice,
        form: shown.form,
        faults: FormFaults(shown.faults),
        purpose: Purpose::Edit {
            app: app.id.clone(),
            name: working.declared.display_name().to_owned(),
            seen: shown.seen.to_text(),
            approved,
            kind_is_fixed: approved || app.status == AppStatus::Suspended,
        },
    };
    desk.page_with_script(status, &page)
}

/// `GET /oauth/apps/{id}/edit`; with `check` every fault is shown.
pub(super) async fn show_form(desk: Desk, Named(app): Named, query: QueryParams) -> Result<Response, PageError> {
    let (held, working) = desk.find_app(&app).await?;
    if editing::place(&held.app, &working).is_err() {
        return Ok(see_other(&app_path(&app, "", "")));
    }
    let checked = query.get("check").is_some();
    let faults = if checked { working.declared.faults(held.app.kind) } else { Vec::new() };
    let form = AppForm::of_revision(&desk.app.catalogue.scopes, &working, held.app.kind);
    let shown = Shown { form, faults, notice: None, seen: Seen::of(&working) };
    Ok(form_page(&desk, StatusCode::OK, &held, &working, shown))
}

/// `POST /oauth/apps/{id}/edit`
pub(super) async fn save_app(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let (held, working) = desk.find_app(&app).await?;
    let mut typed = AppForm::read(&desk.app.catalogue.scopes, &form)?;
    let seen = form.get("seen")?.and_then(Seen::parse).unwrap_or_else(|| Seen::of(&working));
    let declared = typed.declaration();
    let again = |status, form, faults, notice, seen| {
        form_page(&desk, status, &held, &working, Shown { form, faults, notice, seen })
    };
    let wish = Wish::of(form.get("action")?);
    match wish {
        Wish::AddRow => {
            typed.add_row();
            return Ok(again(StatusCode::OK, typed, Vec::new(), None, seen));
        }
        Wish::Check => {
            let faults = declared.faults(typed.kind);
            return Ok(again(StatusCode::OK, typed, faults, None, seen));
        }
        Wish::Save | Wish::Submit => {}
    }
    let edit = Edit {
        doing: desk.doing(&app, "app.edited"),
        declared,
        kind: typed.kind,
        seen: seen.clone(),
        submission: (wish == Wish::Submit).then(|| desk.record("app.submitted").app(&app)),
        new_revision: RevisionId::mint(&desk.app.random),
        new_secret: NewSecret::mint(&desk.app.random),
    };
    let unit = edit.clone();
    match desk.app.db.write(move |tx| changes::edit(tx, &unit)).await? {
        Edited::Saved { new_secret: true } => Credentials::of_changed_kind(&held.app, &edit).answer(&desk),
        Edited::Saved { new_secret: false } if wish == Wish::Submit => Ok(see_other(&app_path(&app, "submitted", ""))),
        Edited::Saved { new_secret: false } => Ok(see_other(&app_path(&app, "saved", ""))),
        Edited::Faults(faults) => Ok(again(StatusCode::BAD_REQUEST, typed, faults, None, seen)),
        Edited::Overtaken(now_there) => {
            let notice = Notice::refused(
                "Somebody saved this app after you opened the form. Nothing of yours is saved yet, and nothing is lost: \
                 save again to replace what they saved, or open the app to see it first.",
            );
            Ok(again(StatusCode::CONFLICT, typed, Vec::new(), Some(notice), now_there))
        }
        Edited::Refused(why) => Ok(again(StatusCode::CONFLICT, typed, Vec::new(), Some(Notice::refused(why)), seen)),
        Edited::NotFound => Err(no_such_app()),
    }
}

/// `POST /oauth/apps/{id}/submit`: as it is.
pub(super) async fn submit_app(Named(app): Named, Posted { desk, .. }: Posted) -> Result<Response, PageError> {
    let (held, working) = desk.find_app(&app).await?;
    if !working.declared.faults(held.app.kind).is_empty() {
        return Ok(see_other(&format!("/oauth/apps/{app}/edit?check=1")));
    }
    let doing = desk.doing(&app, "app.submitted");
    let change = desk.app.db.write(move |tx| changes::submit(tx, &doing)).await?;
    answer(&desk, &app, change, "submitted").await
}

/// `POST /oauth/apps/{id}/withdraw`
pub(super) async fn withdraw_app(Named(app): Named, Posted { desk, .. }: Posted) -> Result<Response, PageError> {
    let doing: Doing = desk.doing(&app, "app.withdrawn");
    let id = DecisionId::mint(&desk.app.random);
    let change = desk.app.db.write(move |tx| changes::withdraw(tx, &doing, &id)).await?;
    answer(&desk, &app, change, "withdrawn").await
}

/// `POST /oauth/apps/{id}/discard`
pub(super) async fn discard_changes(Named(app): Named, Posted { desk, .. }: Posted) -> Result<Response, PageError> {
    let doing: Doing = desk.doing(&app, "app.changes_discarded");
    let change = desk.app.db.write(move |tx| changes::discard(tx, &doing)).await?;
    answer(&desk, &app, change, "discarded").await
}

async fn answer(desk: &Desk, app: &AppId, change: Change, done: &str) -> Result<Response, PageError> {
    match settle(change, app, done, "")? {
        Settled::Answer(response) => Ok(response),
        Settled::Refused(why) => {
            app_page::answer_with(desk, app, StatusCode::CONFLICT, Some(Notice::refused(why))).await
        }
    }
}
