//! The callback URLs of an app in test mode: they change without a review, in review too. The reviewer sees them as they
//! are then.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use protocol::redirect_uri::ClientKind;

use super::desk::{Desk, Named, Posted, app_path, no_such_app};
use super::form::{FormFaults, read_callback_urls, rows_for};
use crate::apps::changes::{self, Edited};
use crate::apps::editing::{self, Seen};
use crate::apps::{Declaration, FieldFault, MAX_CALLBACK_URLS};
use crate::ids::AppId;
use crate::web::samples::{Sample, shell};
use crate::web::{Notice, PageError, Section, Shell, see_other};

#[derive(Template)]
#[template(path = "apps/callback_urls.html")]
struct CallbackUrlsPage {
    shell: Shell,
    notice: Option<Notice>,
    app: AppId,
    name: String,
    seen: String,
    rows: Vec<String>,
    faults: FormFaults,
}

impl CallbackUrlsPage {
    fn has_room(&self) -> bool {
        self.rows.len() < MAX_CALLBACK_URLS
    }
}

struct Shown {
    rows: Vec<String>,
    faults: Vec<FieldFault>,
    notice: Option<Notice>,
    seen: Seen,
}

fn form_page(desk: &Desk, status: StatusCode, app: &AppId, name: &str, shown: Shown) -> Response {
    let page = CallbackUrlsPage {
        shell: desk.shell(Section::OAuth),
        notice: shown.notice,
        app: app.clone(),
        name: name.to_owned(),
        seen: shown.seen.to_text(),
        rows: shown.rows,
        faults: FormFaults(shown.faults),
    };
    desk.page_with_script(status, &page)
}

/// `GET /oauth/apps/{id}/callback-urls`
pub(super) async fn show_form(desk: Desk, Named(app): Named) -> Result<Response, PageError> {
    let (held, working) = desk.find_app(&app).await?;
    if editing::may_change_test_callbacks(&held.app, &working).is_err() {
        return Ok(see_other(&app_path(&app, "", "")));
    }
    let rows = rows_for(&working.declared.callback_urls);
    let shown = Shown { rows, faults: Vec::new(), notice: None, seen: Seen::of(&working) };
    Ok(form_page(&desk, StatusCode::OK, &app, working.declared.display_name(), shown))
}

/// `POST /oauth/apps/{id}/callback-urls`
pub(super) async fn save_urls(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let (_, working) = desk.find_app(&app).await?;
    let name = working.declared.display_name();
    let urls = read_callback_urls(&form)?;
    let seen = form.get("seen")?.and_then(Seen::parse).unwrap_or_else(|| Seen::of(&working));
    let again = |status, faults, notice, seen| {
        form_page(&desk, status, &app, name, Shown { rows: rows_for(&urls), faults, notice, seen })
    };
    if form.get("action")? == Some("add_callback_url") {
        return Ok(again(StatusCode::OK, Vec::new(), None, seen));
    }
    let (doing, new, made_from) = (desk.doing(&app, "app.callback_urls_changed"), urls.clone(), seen.clone());
    let unit = move |tx: &mut sql::Tx<'_>| changes::change_test_callbacks(tx, &doing, &new, &made_from);
    match desk.app.db.write(unit).await? {
        Edited::Saved { .. } => Ok(see_other(&app_path(&app, "callbacks-saved", "declared"))),
        Edited::Faults(faults) => Ok(again(StatusCode::BAD_REQUEST, faults, None, seen)),
        Edited::Overtaken(now_there) => {
            let notice = Notice::refused(
                "Somebody saved this app after you opened the form. Save again to replace their callback URLs by yours.",
            );
            Ok(again(StatusCode::CONFLICT, Vec::new(), Some(notice), now_there))
        }
        Edited::Refused(why) => Ok(again(StatusCode::CONFLICT, Vec::new(), Some(Notice::refused(why)), seen)),
        Edited::NotFound => Err(no_such_app()),
    }
}

/// The page, filled with made-up content.
pub(super) fn samples() -> Vec<Sample> {
    let rows = vec!["https://lessons.example/oauth/callback".to_owned(), "http://127.0.0.1/cb".to_owned()];
    let declared = Declaration { callback_urls: rows.clone(), ..Declaration::default() };
    let mut faults = declared.faults(ClientKind::Confidential);
    faults.retain(|fault| fault.field.starts_with("callback_urls"));
    let page = CallbackUrlsPage {
        shell: shell(Section::OAuth),
        notice: None,
        app: AppId::from_text("app-1"),
        name: "Lesson Planner".to_owned(),
        seen: "rev-1@0".to_owned(),
        rows,
        faults: FormFaults(faults),
    };
    vec![Sample::of("callback-urls", "fault", &page)]
}
