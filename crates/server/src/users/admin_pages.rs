//! The admins' pages: people, found by their address, and one person with what may be done.

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use protocol::fault;
use protocol::params::Params;
use serde_json::json;

use super::account_pages::answer;
use super::admin::{Act, Refusal, carry_out};
use super::signed_in::check_csrf;
use super::{Role, Roles, SignedInVisitor, User, require_signed_in, store};
use crate::app::SharedApp;
use crate::audit::{self, Actor, Record, Shown};
use crate::ids::UserId;
use crate::time::Timestamp;
use crate::web::samples::{NOW, Sample, shell};
use crate::web::{ClientAddress, Notice, PageError, QueryParams, Section, Shell, VisitorCookies, form, see_other};

/// The list's address.
pub(super) const PATH: &str = "/admin/users";

/// People on one page of the list.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "users/admin_list.html")]
struct ListPage {
    shell: Shell,
    search: String,
    people: Vec<Row>,
    next: Option<String>,
}

struct Row {
    id: String,
    email: String,
    full_name: String,
    roles: String,
    since: String,
    locked: bool,
    unconfirmed: bool,
    may_register: bool,
}

impl Row {
    fn new(user: &User) -> Row {
        Row {
            id: user.id.to_string(),
            email: user.email.to_string(),
            full_name: user.full_name(),
            roles: user.roles.to_string(),
            since: user.created_at.to_words(),
            locked: user.locked_at.is_some(),
            unconfirmed: user.email_verified_at.is_none(),
            may_register: user.oauth_granted_at.is_some(),
        }
    }
}

/// The admin who is signed in, or the page for everybody else.
async fn require_admin(
    app: &SharedApp,
    cookies: &VisitorCookies,
    return_to: &str,
) -> Result<SignedInVisitor, Response> {
    let visitor = require_signed_in(app, cookies, Some(return_to)).await?;
    if visitor.signed_in.user.roles.has(Role::Admin) {
        return Ok(visitor);
    }
    Err(for_admins().into_response())
}

fn for_admins() -> PageError {
    PageError::new(StatusCode::FORBIDDEN, &fault::PAGE_FOR_ADMINS)
}

/// `GET /admin/users`
pub(super) async fn list_users(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let admin = require_admin(&app, &cookies, PATH).await?;
    // As addresses are stored: in lower case. What is no address finds nothing.
    let search: String = query.get("q").unwrap_or_default().trim().to_lowercase().chars().take(254).collect();
    let (prefix, after) = (search.clone(), query.get("after").unwrap_or_default().to_owned());
    let limit = u32::try_from(PAGE + 1).unwrap_or(u32::MAX);
    let found = app.db.read(move |tx| store::list_by_email(tx, &prefix, &after, limit)).await;
    let mut found = found.map_err(|error| PageError::from(error).into_response())?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let last = found.last().filter(|_| more).map(|user| user.email.to_string());
    let next = last.map(|after| {
        let pairs = [("q", search.as_str()), ("after", after.as_str())];
        format!("{PATH}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
    });
    let template = ListPage {
        shell: admin.shell(&app, Section::Users),
        search,
        people: found.iter().map(Row::new).collect(),
        next,
    };
    Ok(answer(&app, &admin, StatusCode::OK, &template))
}

#[derive(Template)]
#[template(path = "users/admin_user.html")]
struct UserPage {
    shell: Shell,
    notice: Option<Notice>,
    row: Row,
    is_self: bool,
    role_boxes: Vec<RoleBox>,
    locked_since: Option<String>,
    oauth_since: Option<String>,
    password_changed: String,
    entries: Vec<Entry>,
}

struct RoleBox {
    name: &'static str,
    words: &'static str,
    ticked: bool,
}

/// A line of the audit log.
struct Entry {
    when: String,
    action: String,
    who: String,
    address: String,
    detail: String,
}

impl Entry {
    fn new(shown: Shown, person: &UserId) -> Entry {
        let who = match shown.actor_kind.as_str() {
            "user" if shown.actor_id == person.as_str() => "themselves".to_owned(),
            "operator" | "system" => shown.actor_kind,
            _ => shown.actor_id,
        };
        let detail = if shown.detail == "{}" { String::new() } else { shown.detail };
        Entry { when: shown.at.to_words(), action: shown.action, who, address: shown.address, detail }
    }
}

const fn role_words(role: Role) -> &'static str {
    match role {
        Role::User => "has meetings",
        Role::Developer => "registers apps",
        Role::Reviewer => "decides on apps",
        Role::Admin => "manages people",
    }
}

/// `GET /admin/users/{id}`
pub(super) async fn show_user(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let admin = require_admin(&app, &cookies, PATH).await?;
    let notice = query.get("done").and_then(done_words).map(Notice::done);
    show(&app, &admin, StatusCode::OK, notice, UserId::from_text(id)).await.map_err(|error| error.into_response())
}

async fn show(
    app: &SharedApp,
    admin: &SignedInVisitor,
    status: StatusCode,
    notice: Option<Notice>,
    id: UserId,
) -> Result<Response, PageError> {
    let wanted = id.clone();
    let found = app
        .db
        .read(move |tx| {
            let Some(user) = store::find(tx, &wanted)?.filter(|user| user.deleted_at.is_none()) else {
                return Ok(None);
            };
            Ok::<_, sql::DbError>(Some((user, audit::list_about_user(tx, &wanted)?)))
        })
        .await?;
    let Some((user, entries)) = found else { return Err(no_such_user()) };
    let template = UserPage {
        shell: admin.shell(app, Section::Users),
        notice,
        row: Row::new(&user),
        is_self: user.id == admin.signed_in.user.id,
        role_boxes: role_boxes(user.roles),
        locked_since: user.locked_at.map(Timestamp::to_words),
        oauth_since: user.oauth_granted_at.map(Timestamp::to_words),
        password_changed: user.password_changed_at.to_words(),
        entries: entries.into_iter().map(|shown| Entry::new(shown, &id)).collect(),
    };
    Ok(answer(app, admin, status, &template))
}

fn role_boxes(roles: Roles) -> Vec<RoleBox> {
    let role_box = |role: Role| RoleBox { name: role.as_str(), words: role_words(role), ticked: roles.has(role) };
    Role::ALL.into_iter().map(role_box).collect()
}

fn no_such_user() -> PageError {
    PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND)
        .with_detail("There is no account with this id.")
        .with_next_step(PATH, "Go to the list of users")
}

/// `POST /admin/users/{id}/{action}`
pub(super) async fn act_on_user(
    State(app): State<SharedApp>,
    Path((id, action)): Path<(String, String)>,
    ClientAddress(address): ClientAddress,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Response> {
    let admin = require_admin(&app, &cookies, PATH).await?;
    let target = UserId::from_text(id);
    submit(&app, &admin, &cookies, &headers, address, target, &action, request)
        .await
        .map_err(|error| error.into_response())
}

#[expect(clippy::too_many_arguments, reason = "one call, and each is another part of the request")]
async fn submit(
    app: &SharedApp,
    admin: &SignedInVisitor,
    cookies: &VisitorCookies,
    headers: &HeaderMap,
    address: std::net::IpAddr,
    target: UserId,
    action: &str,
    request: Request,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    check_csrf(app, headers, &form, cookies, admin)?;
    let Some(act) = read_act(action, &form)? else {
        return Err(PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND));
    };
    let actor = admin.signed_in.user.id.clone();
    let record = Record::new(&app.random, app.clock.now(), Actor::User(actor.clone()), act.action())
        .user(&target)
        .address(address);
    let record = match act {
        Act::SetRoles(roles) => record.detail(json!({"roles": roles.to_string()})),
        _ => record,
    };
    let unit_target = target.clone();
    let done = app.db.write(move |tx| carry_out(tx, &actor, &unit_target, act, &record)).await?;
    match done {
        Ok(()) => Ok(see_other(&format!("{PATH}/{target}?done={action}"))),
        Err(Refusal::NotAdmin) => Err(for_admins()),
        Err(Refusal::NoSuchUser) => Err(no_such_user()),
        Err(Refusal::LastAdmin) => {
            let words = "This is the only admin. Give another account that role first.";
            show(app, admin, StatusCode::CONFLICT, Some(Notice::refused(words)), target).await
        }
        Err(Refusal::Yourself) => {
            let words = "You cannot lock your own account. Another admin can.";
            show(app, admin, StatusCode::CONFLICT, Some(Notice::refused(words)), target).await
        }
    }
}

fn read_act(action: &str, form: &Params) -> Result<Option<Act>, PageError> {
    Ok(Some(match action {
        "roles" => Act::SetRoles(form.get_all("role")?.into_iter().filter_map(Role::parse).collect()),
        "lock" => Act::Lock,
        "unlock" => Act::Unlock,
        "grant-oauth" => Act::GrantOauth,
        "end-sessions" => Act::EndSessions,
        "end-access" => Act::EndAccess,
        _ => return Ok(None),
    }))
}

fn done_words(action: &str) -> Option<&'static str> {
    match action {
        "roles" => Some("The roles are saved."),
        "lock" => Some("The account is locked. Its sessions and all access of apps have ended."),
        "unlock" => Some("The account is unlocked."),
        "grant-oauth" => Some("The person may register apps now."),
        "end-sessions" => Some("The person is signed out everywhere."),
        "end-access" => Some("Everything that apps got of this account is dead."),
        _ => None,
    }
}

/// The pages of this file, filled.
pub(super) fn samples() -> Vec<Sample> {
    let shell = || Shell { administers: true, ..shell(Section::Users) };
    let row = |number: usize, email: &str, full_name: &str, roles: &str| Row {
        id: format!("u-{number}"),
        email: email.to_owned(),
        full_name: full_name.to_owned(),
        roles: roles.to_owned(),
        since: NOW.to_words(),
        locked: number == 2,
        unconfirmed: number == 3,
        may_register: number == 1,
    };
    let people = || {
        vec![
            row(1, "asha@example.com", "Asha Rao", "user, developer"),
            row(2, "ben@example.com", "Ben Okafor", "user"),
            row(3, "carla.with.a.long.address@department.university.example", "Carla de Souza", "user"),
        ]
    };
    let list = |people, search: &str, next: Option<&str>| ListPage {
        shell: shell(),
        search: search.to_owned(),
        people,
        next: next.map(str::to_owned),
    };
    let entry = |action: &str, who: &str, detail: &str| Entry {
        when: NOW.to_words(),
        action: action.to_owned(),
        who: who.to_owned(),
        address: "203.0.113.9".to_owned(),
        detail: detail.to_owned(),
    };
    let page = |number, notice, is_self| UserPage {
        shell: shell(),
        notice,
        row: people().remove(number),
        is_self,
        role_boxes: role_boxes(Roles::default().with(Role::User).with(Role::Developer)),
        locked_since: (number == 1).then(|| NOW.to_words()),
        oauth_since: (number == 0).then(|| NOW.to_words()),
        password_changed: NOW.to_words(),
        entries: vec![
            entry("user.roles_set", "u-9", r#"{"roles":"user, developer"}"#),
            entry("password.change", "themselves", r#"{"connected_apps_too":false}"#),
        ],
    };
    vec![
        Sample::of("admin-users", "three", &list(people(), "", Some("/admin/users?q=&after=x"))),
        Sample::of("admin-users", "none", &list(Vec::new(), "zoe", None)),
        Sample::of("admin-user", "usual", &page(0, Some(Notice::done("The roles are saved.")), true)),
        Sample::of("admin-user", "locked", &page(1, None, false)),
    ]
}
