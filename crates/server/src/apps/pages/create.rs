//! Making an app: the empty form, and what comes of it; and the form's rules while one types.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use sql::{DbError, Tx};

use super::app_page;
use super::credentials::Credentials;
use super::desk::{Desk, Posted};
use super::form::{AppForm, FormFaults, KINDS, KindChoice};
use crate::apps::lifecycle::{hand_in, name_is_taken};
use crate::apps::{Creation, FieldFault, MAX_REASON_CHARACTERS, USE_CASES, console_store, find_details};
use crate::audit::Record;
use crate::ids::AppId;
use crate::random::uuid_bytes;
use crate::web::{Notice, PageError, Section, Shell, see_other};

/// The form, for a new app or for one that is there.
#[derive(Template)]
#[template(path = "apps/form.html")]
pub struct FormPage {
    /// The surroundings.
    pub shell: Shell,
    /// What to know first.
    pub notice: Option<Notice>,
    /// What stands in it.
    pub form: AppForm,
    /// What is wrong with it.
    pub faults: FormFaults,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a form is for.
pub enum Purpose {
    /// A new app, with the id it will get: a form that is sent twice makes one app.
    New {
        /// The app's id.
        app: AppId,
    },
    /// An app that is there.
    Edit {
        /// The app.
        app: AppId,
        /// Its name as it was.
        name: String,
        /// What the form was made from.
        seen: String,
        /// Everybody can use it: changes go to a new revision.
        approved: bool,
        /// It keeps its type.
        kind_is_fixed: bool,
    },
}

impl FormPage {
    fn kinds(&self) -> &'static [KindChoice] {
        KINDS
    }

    fn use_cases(&self) -> &'static [&'static str] {
        USE_CASES
    }

    /// A use case that was declared elsewhere and is not in the menu.
    fn other_use_case(&self) -> Option<&str> {
        let chosen = self.form.text.use_case.as_str();
        (!chosen.is_empty() && !USE_CASES.contains(&chosen)).then_some(chosen)
    }

    fn kind_is_fixed(&self) -> bool {
        matches!(self.purpose, Purpose::Edit { kind_is_fixed: true, .. })
    }

    fn max_reason(&self) -> usize {
        MAX_REASON_CHARACTERS
    }
}

fn form_page(desk: &Desk, status: StatusCode, app: AppId, form: AppForm, faults: Vec<FieldFault>) -> Response {
    let shell = desk.shell(Section::OAuth);
    let page = FormPage { shell, notice: None, form, faults: FormFaults(faults), purpose: Purpose::New { app } };
    desk.page_with_script(status, &page)
}

/// `GET /oauth/apps/new`
pub(super) async fn show_form(desk: Desk) -> Result<Response, PageError> {
    if !desk.access().await?.is_open() {
        return Ok(see_other("/oauth/apps"));
    }
    let app = AppId::mint(&desk.app.random);
    Ok(form_page(&desk, StatusCode::OK, app, AppForm::empty(&desk.app.catalogue.scopes), Vec::new()))
}

/// What the button that was pressed asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// One more row for a callback URL.
    AddRow,
    /// Nothing but to see what is wrong: also what Enter does.
    Check,
    /// To keep it as it is.
    Save,
    /// To hand it to the reviewers.
    Submit,
}

impl Wish {
    /// From the form's `action`.
    pub fn of(action: Option<&str>) -> Wish {
        match action {
            Some("add_callback_url") => Wish::AddRow,
            Some("save") => Wish::Save,
            Some("submit") => Wish::Submit,
            _ => Wish::Check,
        }
    }
}

/// `POST /oauth/apps`
pub(super) async fn create_app(Posted { desk, form }: Posted) -> Result<Response, PageError> {
    if !desk.access().await?.is_open() {
        return Ok(see_other("/oauth/apps"));
    }
    let app = match form.get("app")? {
        Some(id) if id.strip_prefix("app-").and_then(uuid_bytes).is_some() => AppId::from_text(id),
        _ => AppId::mint(&desk.app.random),
    };
    let mut typed = AppForm::read(&desk.app.catalogue.scopes, &form)?;
    let (declared, kind) = (typed.declaration(), typed.kind);
    let wish = Wish::of(form.get("action")?);
    match wish {
        Wish::AddRow => {
            typed.add_row();
            return Ok(form_page(&desk, StatusCode::OK, app, typed, Vec::new()));
        }
        Wish::Check => return Ok(form_page(&desk, StatusCode::OK, app, typed, declared.faults(kind))),
        Wish::Save | Wish::Submit => {}
    }
    let faults = declared.faults(kind);
    if wish == Wish::Submit && !faults.is_empty() {
        return Ok(form_page(&desk, StatusCode::BAD_REQUEST, app, typed, faults));
    }
    let prepared = Creation::prepare_draft(&desk.app.random, app.clone(), desk.user_id(), kind, declared, desk.now);
    let creation = match prepared {
        Ok(mut creation) => {
            creation.record = creation.record.address(&desk.address);
            creation
        }
        Err(faults) => return Ok(form_page(&desk, StatusCode::BAD_REQUEST, app, typed, faults)),
    };
    let submission = (wish == Wish::Submit).then(|| desk.record("app.submitted").app(&app));
    let unit = creation.clone();
    let made = desk.app.db.write(move |tx| make(tx, &unit, submission.as_ref())).await;
    match made {
        Ok(Made::Done) => Credentials::of_new(&creation, wish == Wish::Submit).answer(&desk),
        Ok(Made::NameTaken) => {
            let message = name_is_taken(&creation.declared.name);
            let fault = FieldFault { field: "name".into(), message, bars_draft: false };
            Ok(form_page(&desk, StatusCode::BAD_REQUEST, app, typed, vec![fault]))
        }
        // The form was sent twice: there is one app, and its secret was shown.
        Ok(Made::Before) => app_page::answer_with(&desk, &app, StatusCode::OK, Some(already_made())).await,
        Err(error) if error.is_unique("apps.id") => {
            app_page::answer_with(&desk, &app, StatusCode::OK, Some(already_made())).await
        }
        Err(error) => Err(error.into()),
    }
}

fn already_made() -> Notice {
    Notice::info(
        "This app was created already, and its client secret was shown then. Regenerate it if nobody wrote it down.",
    )
}

enum Made {
    Done,
    Before,
    NameTaken,
}

fn make(tx: &mut Tx<'_>, creation: &Creation, submission: Option<&Record>) -> Result<Made, DbError> {
    if find_details(tx, creation.app.id.as_str())?.is_some() {
        return Ok(Made::Before);
    }
    if submission.is_some() && console_store::name_is_taken(tx, &creation.app.id, &creation.declared.name)? {
        return Ok(Made::NameTaken);
    }
    creation.write(tx)?;
    if let Some(submission) = submission {
        let app = &creation.app;
        if !hand_in(tx, &app.id, &app.revision_id, &creation.declared, app.created_at, submission)? {
            return Err(DbError::Broken("a new revision could not be submitted".into()));
        }
    }
    Ok(Made::Done)
}

#[derive(Serialize)]
struct Checked {
    faults: Vec<CheckedField>,
}

#[derive(Serialize)]
struct CheckedField {
    field: String,
    message: String,
}

/// `POST /oauth/apps/check`: the form's faults as JSON. The script shows those of the fields that were typed into; the
/// rules are these alone.
pub(super) async fn check_fields(Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let typed = AppForm::read(&desk.app.catalogue.scopes, &form)?;
    let faults = typed.declaration().faults(typed.kind);
    let faults = faults.into_iter().map(|fault| CheckedField { field: fault.field, message: fault.message }).collect();
    let body = serde_json::to_string(&Checked { faults }).unwrap_or_default();
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response())
}
