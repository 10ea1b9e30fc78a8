//! `GET /review/audit`: who did what, when, from where; and the same as JSON lines.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};
use hyper::body::Frame;
use serde_json::{Value as Json, json};
use sql::{DbError, Tx};
use tokio::sync::mpsc;

use super::access::require_reviewer;
use super::audit_log::{AuditEntry, Before, Filter, list_audit};
use super::samples::shell;
use crate::app::SharedApp;
use crate::apps;
use crate::audit::{Actor, Record};
use crate::ids::{AppId, UserId};
use crate::time::Timestamp;
use crate::users::{self, Email, answer};
use crate::web::samples::{NOW, Sample, Samples};
use crate::web::{ClientAddress, Notice, PageError, QueryParams, Section, Shell, VisitorCookies};

/// Entries on a page.
const PAGE: i64 = 50;

/// Entries of an export that one unit of work reads.
const EXPORT_PAGE: i64 = 1000;

/// How long a reader may take for one page of an export.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is written into the log, for the field's suggestions.
const ACTIONS: &[&str] = &[
    "app.approved",
    "app.callback_urls_changed",
    "app.changes_discarded",
    "app.created",
    "app.deleted",
    "app.edited",
    "app.held",
    "app.invited",
    "app.reinstated",
    "app.rejected",
    "app.secret_ended",
    "app.secret_regenerated",
    "app.settings_changed",
    "app.submitted",
    "app.suspended",
    "app.tokens_revoked",
    "app.withdrawn",
    "audit.exported",
    "consent.granted",
    "grant.ended",
    "oauth_access.declined",
    "oauth_access.granted",
    "oauth_access.requested",
    "review.trial",
    "user.created",
    "user.deleted",
    "user.locked",
    "user.roles_set",
    "user.sign_in_limited",
    "user.signed_in",
    "user.signed_up",
];

#[derive(Template)]
#[template(path = "review/audit.html")]
pub(super) struct AuditPage {
    shell: Shell,
    notice: Option<Notice>,
    app: String,
    user: String,
    action: String,
    actions: &'static [&'static str],
    lines: Vec<Line>,
    query: String,
    next: Option<String>,
}

struct Line {
    at: Timestamp,
    action: String,
    actor: String,
    app: Option<Named>,
    user: Option<String>,
    address: String,
    details: Vec<(String, String)>,
}

/// An app, by its name and its id.
#[derive(Clone)]
struct Named {
    id: String,
    name: String,
}

/// The filter as it was typed, and as the log is asked.
struct Asked {
    typed_user: String,
    filter: Filter,
    /// An address that no account has.
    unknown_user: bool,
}

async fn read_filter(app: &SharedApp, query: &QueryParams) -> Result<Asked, PageError> {
    let text = |name: &str| query.get(name).unwrap_or_default().trim().to_owned();
    let typed_user = text("user");
    let mut filter = Filter { app: text("app"), user: typed_user.clone(), action: text("action") };
    let mut unknown_user = false;
    if typed_user.contains('@') {
        let found = match Email::parse(&typed_user) {
            Ok(email) => app.db.read(move |tx| users::find_by_email(tx, &email)).await?,
            Err(_) => None,
        };
        unknown_user = found.is_none();
        filter.user = found.map_or_else(|| typed_user.clone(), |user| user.id.to_string());
    }
    if filter.app.len() == 24 && !filter.app.starts_with("app-") {
        let named = filter.app.clone();
        if let Some(found) = app.db.read(move |tx| apps::find_details(tx, &named)).await? {
            filter.app = found.id.to_string();
        }
    }
    Ok(Asked { typed_user, filter, unknown_user })
}

/// `GET /review/audit`
pub(super) async fn show_audit(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_reviewer(&app, &cookies, Some("/review/audit")).await?;
    let page = async {
        let asked = read_filter(&app, &query).await?;
        let before = Before::read(query.get("before"));
        let filter = asked.filter.clone();
        let lines = app.db.read(move |tx| load(tx, &filter, &before)).await?;
        let (lines, next) = lines;
        let address = query_of(&asked);
        Ok::<_, PageError>(AuditPage {
            shell: visitor.shell(&app, Section::Audit),
            notice: asked.unknown_user.then(|| Notice::refused("No account has that e-mail address.")),
            next: next.map(|next| format!("/review/audit?{address}before={}", next.to_text())),
            query: address.trim_end_matches('&').to_owned(),
            app: asked.filter.app,
            user: asked.typed_user,
            action: asked.filter.action,
            actions: ACTIONS,
            lines,
        })
    };
    let page = page.await.map_err(PageError::into_response)?;
    Ok(answer(&app, &visitor, StatusCode::OK, &page))
}

fn query_of(asked: &Asked) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("app", &asked.filter.app), ("user", &asked.typed_user), ("action", &asked.filter.action)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("{query}&") }
}

fn load(tx: &mut Tx<'_>, filter: &Filter, before: &Before) -> Result<(Vec<Line>, Option<Before>), DbError> {
    let mut entries = list_audit(tx, filter, before, PAGE + 1)?;
    let shown = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let has_more = entries.len() > shown;
    entries.truncate(shown);
    let next = if has_more { entries.last().map(AuditEntry::place) } else { None };
    let mut names = Names::default();
    let lines = entries.into_iter().map(|entry| Line::new(tx, entry, &mut names)).collect::<Result<_, _>>()?;
    Ok((lines, next))
}

/// The addresses of people and the names of apps, each looked up once a page.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn of_app(&mut self, tx: &mut Tx<'_>, id: String) -> Result<Named, DbError> {
        let name = match self.0.get(&id) {
            Some(known) => known.clone(),
            None => apps::find_name(tx, &AppId::from_text(&id))?.unwrap_or_else(|| id.clone()),
        };
        self.0.insert(id.clone(), name.clone());
        Ok(Named { id, name })
    }

    fn of(&mut self, tx: &mut Tx<'_>, id: &str) -> Result<String, DbError> {
        if let Some(known) = self.0.get(id) {
            return Ok(known.clone());
        }
        let user = users::find(tx, &UserId::from_text(id))?;
        let name =
            user.filter(|user| user.deleted_at.is_none()).map_or_else(|| id.to_owned(), |user| user.email.to_string());
        self.0.insert(id.to_owned(), name.clone());
        Ok(name)
    }
}

impl Line {
    fn new(tx: &mut Tx<'_>, entry: AuditEntry, names: &mut Names) -> Result<Line, DbError> {
        let actor = match entry.actor_kind.as_str() {
            "user" => names.of(tx, &entry.actor_id)?,
            "app" => format!("the app {}", names.of_app(tx, entry.actor_id.clone())?.name),
            "operator" => "the operator".to_owned(),
            _ => "the server".to_owned(),
        };
        let about = entry.user_id.filter(|user| *user != entry.actor_id);
        let user = about.map(|user| names.of(tx, &user)).transpose()?;
        Ok(Line {
            at: entry.at,
            action: entry.action,
            actor,
            app: entry.app_id.map(|id| names.of_app(tx, id)).transpose()?,
            user,
            address: entry.address,
            details: details(&entry.detail),
        })
    }
}

fn details(detail: &Json) -> Vec<(String, String)> {
    let Json::Object(members) = detail else { return Vec::new() };
    let words = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    members.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), words(value))).collect()
}

/// `GET /review/audit.jsonl`: the same entries, one JSON object a line, latest first.
pub(super) async fn export_audit(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    ClientAddress(address): ClientAddress,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_reviewer(&app, &cookies, None).await?;
    let asked = read_filter(&app, &query).await.map_err(PageError::into_response)?;
    let filter = asked.filter;
    let actor = Actor::User(visitor.signed_in.user.id.clone());
    let detail = json!({"app": filter.app, "user": filter.user, "action": filter.action});
    let record = Record::new(&app.random, app.clock.now(), actor, "audit.exported").address(address).detail(detail);
    app.db.write(move |tx| record.write(tx)).await.map_err(|error| PageError::from(error).into_response())?;

    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(send_pages(app, filter, sender));
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (CONTENT_TYPE, "application/jsonl"),
        (CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    Ok((headers, Body::new(Pages(receiver))).into_response())
}

/// Reads page after page, no faster than the reader takes them.
async fn send_pages(app: SharedApp, filter: Filter, sender: mpsc::Sender<Result<Bytes, DbError>>) {
    let mut before = Before::latest();
    loop {
        let (unit_filter, unit_before) = (filter.clone(), before.clone());
        let page = app.db.read(move |tx| list_audit(tx, &unit_filter, &unit_before, EXPORT_PAGE)).await;
        let (sent, next) = match page {
            Ok(entries) => {
                let is_last = entries.len() < usize::try_from(EXPORT_PAGE).unwrap_or(usize::MAX);
                let next = if is_last { None } else { entries.last().map(AuditEntry::place) };
                let lines: String = entries.iter().map(|entry| format!("{}\n", entry.to_json())).collect();
                (Ok(Bytes::from(lines)), next)
            }
            // The answer breaks off, so that nobody takes it for the whole.
            Err(error) => (Err(error), None),
        };
        if !matches!(tokio::time::timeout(PATIENCE, sender.send(sent)).await, Ok(Ok(()))) {
            return;
        }
        match next {
            Some(place) => before = place,
            None => return,
        }
    }
}

/// The body of an export.
struct Pages(mpsc::Receiver<Result<Bytes, DbError>>);

impl hyper::body::Body for Pages {
    type Data = Bytes;
    type Error = DbError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, DbError>>> {
        self.0.poll_recv(context).map(|page| page.map(|page| page.map(Frame::data)))
    }
}

impl Samples for AuditPage {
    fn samples() -> Vec<Sample> {
        let line = |minutes: u64, action: &str, actor: &str, details: &[(&str, &str)]| Line {
            at: NOW.minus(Duration::from_secs(60 * minutes)),
            action: action.to_owned(),
            actor: actor.to_owned(),
            app: action.starts_with("app").then(|| Named {
                id: "app-6f1c2a38-7d0f-4a4e-9a53-2f0d4f1f3c11".to_owned(),
                name: "Lesson Planner".to_owned(),
            }),
            user: action.starts_with("user").then(|| "asha@example.com".to_owned()),
            address: "203.0.113.9".to_owned(),
            details: details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let page = |lines, next: Option<&str>| AuditPage {
            shell: shell(Section::Audit),
            notice: None,
            app: String::new(),
            user: String::new(),
            action: String::new(),
            actions: ACTIONS,
            lines,
            query: String::new(),
            next: next.map(str::to_owned),
        };
        let lines = vec![
            line(1, "app.approved", "ravi@example.com", &[("revision", "2"), ("reasons", "[]")]),
            line(50, "app.submitted", "dev@example.com", &[]),
            line(70, "user.roles_set", "the operator", &[("roles", "[\"user\",\"developer\"]")]),
        ];
        vec![
            Sample::of("audit", "three", &page(lines, Some("/review/audit?before=1.x"))),
            Sample::of("audit", "empty", &page(Vec::new(), None)),
        ]
    }
}
