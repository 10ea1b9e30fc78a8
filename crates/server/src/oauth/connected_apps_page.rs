//! 'Connected apps': what each app holds of the person, and the way to take it back at once.

use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use form_urlencoded::byte_serialize;
use http::{HeaderMap, StatusCode};
use protocol::scope::{Scope, ScopeTable};
use sql::{DbError, Tx};

use super::connected::{AfterApp, ConnectedApp, Stopped, connected_apps, list_removable};
use super::consent_store::take_consent;
use super::ends::remove_access;
use crate::app::SharedApp;
use crate::ids::{AppId, UserId};
use crate::random::Random;
use crate::time::Timestamp;
use crate::users::{self, SignedInVisitor, answer, check_csrf, require_signed_in};
use crate::web::samples::{NOW, Sample, Samples, shell};
use crate::web::{
    Monogram, Notice, PageError, QueryParams, Section, Shell, VisitorCookies, client_address, form, see_other,
};

const PATH: &str = "/account/connected-apps";

/// An app that was not used for so long is offered for removal with the others like it.
const UNUSED: Duration = Duration::from_secs(60 * 86_400);

/// Apps whose access is removed in one unit of work, where many are.
const BATCH: usize = 50;

#[derive(Template)]
#[template(path = "oauth/connected_apps.html")]
pub struct ConnectedAppsPage {
    shell: Shell,
    notice: Option<Notice>,
    apps: Vec<AppRow>,
    /// Offers to remove those that were not used for long.
    unused: Option<String>,
    is_first_page: bool,
    next: Option<String>,
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
fn is_unused(last_of_it: Timestamp, now: Timestamp) -> bool {
    now.since(last_of_it) >= UNUSED
}

/// What the button says that removes them; they are counted where one page shows all apps.
fn unused_words(apps: &[ConnectedApp], is_all: bool, now: Timestamp) -> Option<String> {
    let unused = apps.iter().filter(|app| is_unused(app.last_used_at.unwrap_or(app.since), now)).count();
    match (is_all, unused) {
        (true, 0) => None,
        (true, _) => Some(format!("Remove {unused} unused for 60 days")),
        (false, _) => Some("Remove all unused for 60 days".to_owned()),
    }
}

/// `GET /account/connected-apps`
pub(super) async fn show_connected_apps(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, Some(PATH)).await?;
    let after = AfterApp::read(query.get("after"));
    let notice = (query.get("done") == Some("removed")).then(|| Notice::done("Access is removed. It stopped at once."));
    list(&app, &visitor, after, notice).await.map_err(|error| PageError::from(error).into_response())
}

async fn list(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    after: AfterApp,
    notice: Option<Notice>,
) -> Result<Response, DbError> {
    let (user, now, is_first_page) = (visitor.signed_in.user.id.clone(), app.clock.now(), after == AfterApp::start());
    let page = app.db.read(move |tx| connected_apps(tx, &user, &after, now)).await?;
    let template = ConnectedAppsPage {
        shell: visitor.shell(app, Section::ConnectedApps),
        notice,
        apps: page.apps.iter().map(|one| AppRow::new(&app.catalogue.scopes, one)).collect(),
        unused: unused_words(&page.apps, is_first_page && page.next.is_none(), now),
        is_first_page,
        next: page.next.map(|next| {
            let key: String = byte_serialize(next.to_text().as_bytes()).collect();
            format!("{PATH}?after={key}")
        }),
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
    let removal =
        Removal { user: visitor.signed_in.user.id.clone(), address, now: app.clock.now(), random: app.random.clone() };
    if every || unused {
        removal.remove_many(&app, unused).await?;
    } else if let Some(one) = one {
        app.db.write(move |tx| removal.remove_one(tx, &one)).await?;
    }
    Ok(see_other("/account/connected-apps?done=removed"))
}

/// A person takes access back.
#[derive(Clone)]
struct Removal {
    user: UserId,
    address: String,
    now: Timestamp,
    random: Random,
}

impl Removal {
    /// From one app, if it holds anything.
    fn remove_one(&self, tx: &mut Tx<'_>, app: &AppId) -> Result<(), DbError> {
        if take_consent(tx, &self.user, app)? {
            remove_access(tx, &self.random, &self.user, app, &self.address, self.now)?;
        }
        Ok(())
    }

    /// From all, or all that were not used for long: so many in a unit of work that nobody waits long for it, and in one
    /// order, so that two removals at once wait in one direction only.
    async fn remove_many(&self, app: &SharedApp, unused: bool) -> Result<(), DbError> {
        let mut after = Some(String::new());
        while let Some(from) = after {
            let removal = self.clone();
            after = app.db.write(move |tx| removal.remove_batch(tx, &from, unused)).await?;
        }
        Ok(())
    }

    /// One batch; after which app the next begins, if there may be more.
    fn remove_batch(&self, tx: &mut Tx<'_>, after: &str, unused: bool) -> Result<Option<String>, DbError> {
        let apps = list_removable(tx, &self.user, after, BATCH, self.now)?;
        for found in &apps {
            if !unused || is_unused(found.last_of_it, self.now) {
                self.remove_one(tx, &found.app)?;
            }
        }
        Ok(apps.last().filter(|_| apps.len() == BATCH).map(|last| last.app.to_string()))
    }
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
        let page = |apps: Vec<AppRow>, unused: Option<&str>, next: Option<&str>| ConnectedAppsPage {
            shell: shell(Section::ConnectedApps),
            notice: None,
            apps,
            unused: unused.map(str::to_owned),
            is_first_page: next.is_none(),
            next: next.map(str::to_owned),
        };
        let some = || {
            vec![
                row("Calendar Companion", None, 0),
                row("Standup Notes", None, 75),
                row("Webinar Wizard", Some("Suspended by a reviewer"), 120),
            ]
        };
        let next = "/account/connected-apps?after=1764000000000.app-2";
        vec![
            Sample::of("connected-apps", "some", &page(some(), Some("Remove 2 unused for 60 days"), None)),
            Sample::of("connected-apps", "many", &page(some(), Some("Remove all unused for 60 days"), Some(next))),
            Sample::of("connected-apps", "none", &page(Vec::new(), None, None)),
        ]
    }
}
