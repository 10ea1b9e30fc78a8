//! Deleting an app: its owner types its name first.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::desk::{Desk, Named, Posted, no_such_app};
use crate::apps::changes;
use crate::apps::console_store::{self, Held};
use crate::apps::lifecycle::Change;
use crate::ids::AppId;
use crate::web::samples::{Sample, shell};
use crate::web::{PageError, Section, Shell, see_other};

/// People are counted so far.
const MANY: i64 = 10_000;

#[derive(Template)]
#[template(path = "apps/delete.html")]
struct DeletePage {
    shell: Shell,
    app: AppId,
    name: String,
    owner_email: String,
    is_owner: bool,
    users: i64,
    typed: String,
    fault: String,
}

/// `GET /oauth/apps/{id}/delete`
pub(super) async fn show_form(desk: Desk, Named(app): Named) -> Result<Response, PageError> {
    answer(&desk, &app, StatusCode::OK, String::new(), String::new()).await
}

/// `POST /oauth/apps/{id}/delete`
pub(super) async fn delete_app(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let typed = form.get("name")?.unwrap_or_default().to_owned();
    let (doing, name) = (desk.doing(&app, "app.deleted"), typed.clone());
    match desk.app.db.write(move |tx| changes::delete(tx, &doing, &name)).await? {
        Change::Done => Ok(see_other("/oauth/apps?done=deleted")),
        Change::NotFound => Err(no_such_app()),
        Change::Refused(why) => answer(&desk, &app, StatusCode::BAD_REQUEST, typed, why).await,
    }
}

async fn answer(
    desk: &Desk,
    app: &AppId,
    status: StatusCode,
    typed: String,
    fault: String,
) -> Result<Response, PageError> {
    let (Held { app, is_owner }, working) = desk.find_app(app).await?;
    let id = app.id.clone();
    let users = desk.app.db.read(move |tx| console_store::count_users(tx, &id, MANY)).await?;
    let name = app.serving().unwrap_or(&working).declared.display_name().to_owned();
    let shell = desk.shell(Section::OAuth);
    let page = DeletePage { shell, app: app.id, name, owner_email: app.owner_email, is_owner, users, typed, fault };
    Ok(desk.page(status, &page))
}

/// The page, filled with made-up content.
pub(super) fn samples() -> Vec<Sample> {
    let page = |is_owner, fault: &str| DeletePage {
        shell: shell(Section::OAuth),
        app: AppId::from_text("app-1"),
        name: "Lesson Planner".to_owned(),
        owner_email: "asha@example.com".to_owned(),
        is_owner,
        users: 12,
        typed: String::new(),
        fault: fault.to_owned(),
    };
    vec![
        Sample::of("delete-app", "owner", &page(true, "")),
        Sample::of("delete-app", "wrong-name", &page(true, "The name that you typed is not the app's.")),
        Sample::of("delete-app", "collaborator", &page(false, "")),
    ]
}
