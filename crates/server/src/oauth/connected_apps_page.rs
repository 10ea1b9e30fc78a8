//! 'Connected apps': what each app holds of the person, and the way to take it back at once.

use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use protocol::scope::{Scope, ScopeTable};
use sql::DbError;

use super::connected::{ConnectedApp, Stopped, connected_apps};
use super::ends::remove_access;
use crate::app::SharedApp;
use crate::ids::AppId;
use crate::time::Timestamp;
use crate::users::{self, SignedInVisitor, answer, check_csrf, require_signed_in};
use crate::web::samples::{NOW, Sample, Samples, shell};
use crate::web::{
    Monogram, Notice, PageError, QueryParams, Section, Shell, VisitorCookies, client_address, form, see_other,
};

const PATH: &str = "/account/connected-apps";

/// An app that was not used for so long is offered for removal with the others like it.
const UNUSED: Duration = Duration::from_secs(60 * 86_400);

#[derive(Template)]
#[template(path = "oauth/connected_apps.html")]
pub struct ConnectedAppsPage {
    shell: Shell,
    notice: Option<Notice>,
    by_name: bool,
    unused: usize,
    apps: Vec<AppRow>,
}

struct AppRow {
    id: String,
    monogram: Monogram,
    name: String,
    developer: String,
    state: Option<&'static str>,
    scopes: Vec<ScopeRow>,
    since: Timestamp,
    last_used: Option<Timestamp>,
}

struct ScopeRow {
    name: String,
    words: String,
}

impl AppRow {
    fn new(table: &ScopeTable, app: &ConnectedApp) -> AppRow {
        AppRow {
            id: app.id.to_string(),
            monogram: Monogram::of(&app.name).with_logo(app.logo.as_ref()),
            name: app.name.clone(),
            developer: app.developer.clone(),
            state: app.stopped.map(|stopped| match stopped {
                Stopped::Suspended => "Suspended by a reviewer",
                Stopped::Deleted => "Deleted by its developer",
            }),
            scopes: table.in_order(&app.scopes).iter().map(|scope| ScopeRow::new(table, scope)).collect(),
            since: app.since,
            last_used: app.last_used_at,
        }
    }
}

impl ScopeRow {
    fn new(table: &ScopeTable, scope: &Scope) -> ScopeRow {
        ScopeRow { name: scope.to_string(), words: table.words(scope).to_owned() }
    }
}

/// Whether it was not used for 60 days; what holds no token counts from its consent.
fn is_unused(app: &ConnectedApp, now: Timestamp) -> bool {
    now.since(app.last_used_at.unwrap_or(app.since)) >= UNUSED
}

/// `GET /account/connected-apps`
pub(super) async fn show_connected_apps(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, Some(PATH)).await?;
    let by_name = query.get("sort") == Some("name");
    let notice = (query.get("done") == Some("removed")).then(|| Notice::done("Access is removed. It stopped at once."));
    list(&app, &visitor, by_name, notice).await.map_err(|error| PageError::from(error).into_response())
}

async fn list(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    by_name: bool,
    notice: Option<Notice>,
) -> Result<Response, DbError> {
    let (user, now) = (visitor.signed_in.user.id.clone(), app.clock.now());
    let mut apps = app.db.read(move |tx| connected_apps(tx, &user, now)).await?;
    if by_name {
        apps.sort_by_cached_key(|app| app.name.to_lowercase());
    }
    let template = ConnectedAppsPage {
        shell: visitor.shell(app, Section::ConnectedApps),
        notice,
        by_name,
        unused: apps.iter().filter(|app| is_unused(app, now)).count(),
        apps: apps.iter().map(|one| AppRow::new(&app.catalogue.scopes, one)).collect(),
    };
    Ok(answer(app, visitor, StatusCode::OK, &template))
}

/// `POST /account/connected-apps/remove`: one app (`app`), those not used for 60 days (`all=unused`), or all
/// (`all=every`).
pub(super) async fn remove_connected_apps(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let address = client_address(&app, request.extensions(), &headers).to_string();
    let form = form::read(request).await?;
    let Some(visitor) = users::find_visitor(&app, &cookies).await? else { return Ok(see_other("/sign-in")) };
    check_csrf(&app, &headers, &form, &cookies, &visitor)?;
    let one = form.get("app")?.map(AppId::from_text);
    let every = form.get("all")? == Some("every");
    let unused = form.get("all")? == Some("unused");
    let (user, now, random) = (visitor.signed_in.user.id.clone(), app.clock.now(), app.random.clone());
    app.db
        .write(move |tx| {
            let mut apps = connected_apps(tx, &user, now)?;
            // In one order, whatever was used last: two removals at once wait in one direction only.
            apps.sort_unstable_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
            for app in apps {
                if every || (unused && is_unused(&app, now)) || one.as_ref() == Some(&app.id) {
                    remove_access(tx, &random, &user, &app.id, &address, now)?;
                }
            }
            Ok::<_, DbError>(())
        })
        .await?;
    Ok(see_other("/account/connected-apps?done=removed"))
}

impl Samples for ConnectedAppsPage {
    fn samples() -> Vec<Sample> {
        let table = ScopeTable::default();
        let row = |name: &str, state, days: u64| AppRow {
            id: format!("app-{days}"),
            monogram: Monogram::of(name),
            name: name.to_owned(),
            developer: "Devika Shah".to_owned(),
            state,
            scopes: table.names().iter().map(|scope| ScopeRow::new(&table, scope)).collect(),
            since: NOW.minus(Duration::from_secs((days + 30) * 86_400)),
            last_used: (days < 100).then(|| NOW.minus(Duration::from_secs(days * 86_400))),
        };
        let page = |apps: Vec<AppRow>, unused| ConnectedAppsPage {
            shell: shell(Section::ConnectedApps),
            notice: None,
            by_name: false,
            unused,
            apps,
        };
        let some = vec![
            row("Calendar Companion", None, 0),
            row("Standup Notes", None, 75),
            row("Webinar Wizard", Some("Suspended by a reviewer"), 120),
        ];
        vec![
            Sample::of("connected-apps", "some", &page(some, 2)),
            Sample::of("connected-apps", "none", &page(Vec::new(), 0)),
        ]
    }
}
