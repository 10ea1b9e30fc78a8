//! A developer's apps; and, for who has no access yet, what OAuth is and how to ask for it.

use askama::Template;
use axum::response::Response;
use form_urlencoded::byte_serialize;
use http::StatusCode;

use super::desk::{Desk, Posted, is_id};
use super::samples::hours_ago;
use crate::apps::access::{ASK_AGAIN_AFTER, Access, parse_reason};
use crate::apps::console_store::{self, After, Line};
use crate::apps::standing::Standing;
use crate::apps::{AppStatus, RevisionStatus, access_store, people_store};
use crate::ids::AppId;
use crate::time::Timestamp;
use crate::users::FieldFaults;
use crate::web::samples::shell;
use crate::web::{Monogram, Notice, PageError, QueryParams, Section, Shell, see_other};

/// How many apps one page shows.
const PAGE: usize = 25;

#[derive(Template)]
#[template(path = "apps/list.html")]
struct ListPage {
    shell: Shell,
    notice: Option<Notice>,
    access: Access,
    invitations: usize,
    apps: Vec<Row>,
    is_first_page: bool,
    next: Option<String>,
    reason: String,
    faults: FieldFaults,
}

struct Row {
    line: Line,
    monogram: Monogram,
}

impl Row {
    fn of(line: Line) -> Row {
        Row { monogram: Monogram::of(&line.name).with_logo(line.logo_hash.as_ref()), line }
    }
}

/// `GET /oauth`
pub(super) async fn go_to_apps() -> Response {
    see_other("/oauth/apps")
}

/// `GET /oauth/apps`
pub(super) async fn show_apps(desk: Desk, query: QueryParams) -> Result<Response, PageError> {
    let notice = match query.get("done") {
        Some("deleted") => Some(Notice::done("The app is deleted, and its tokens are dead.")),
        Some("left") => Some(Notice::done("You do not work on that app any more.")),
        Some("requested") => Some(Notice::done("Your request is on its way to an admin.")),
        _ => None,
    };
    let after = read_after(&query).unwrap_or_else(After::start);
    answer(&desk, StatusCode::OK, notice, after, String::new(), FieldFaults::default()).await
}

/// Where the page begins: `after` is the time and the id of the last app of the page before.
fn read_after(query: &QueryParams) -> Option<After> {
    let (created_at, id) = query.get("after")?.split_once('.')?;
    let created_at = Timestamp::from_millis(created_at.parse().ok()?);
    is_id(id).then(|| After { created_at, id: id.to_owned() })
}

async fn answer(
    desk: &Desk,
    status: StatusCode,
    notice: Option<Notice>,
    after: After,
    reason: String,
    faults: FieldFaults,
) -> Result<Response, PageError> {
    let access = desk.access().await?;
    let (user, email, now, from) = (desk.user_id(), desk.user().email.clone(), desk.now, after.clone());
    let unit = move |tx: &mut sql::Tx<'_>| {
        let mine = console_store::list_mine(tx, &user, &from, PAGE)?;
        Ok::<_, sql::DbError>((mine, people_store::list_offers(tx, &email, now)?.len()))
    };
    let ((lines, more), invitations) = desk.app.db.read(unit).await?;
    let next = lines.last().filter(|_| more).map(|last| {
        let key: String = byte_serialize(format!("{}.{}", last.created_at.as_millis(), last.id).as_bytes()).collect();
        format!("/oauth/apps?after={key}")
    });
    let page = ListPage {
        shell: desk.shell(Section::OAuth),
        notice,
        access,
        invitations,
        apps: lines.into_iter().map(Row::of).collect(),
        is_first_page: after == After::start(),
        next,
        reason,
        faults,
    };
    Ok(desk.page(status, &page))
}

/// `POST /oauth/access`
pub(super) async fn request_access(Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let typed = form.get("reason")?.unwrap_or_default();
    let reason = match parse_reason(typed) {
        Ok(reason) => reason,
        Err(fault) => {
            let mut faults = FieldFaults::default();
            faults.add("reason", fault);
            let typed = typed.chars().take(2000).collect();
            return answer(&desk, StatusCode::BAD_REQUEST, None, After::start(), typed, faults).await;
        }
    };
    if !desk.access().await?.can_be_requested() {
        return Ok(see_other("/oauth/apps"));
    }
    let (user, now, record) = (desk.user_id(), desk.now, desk.record("oauth_access.requested").user(&desk.user().id));
    let unit = move |tx: &mut sql::Tx<'_>| {
        // Of two forms at once one asks; a request that was answered a moment ago is not asked again.
        if access_store::claim_request(tx, &user, &reason, now, now.minus(ASK_AGAIN_AFTER))? {
            record.write(tx)?;
        }
        Ok::<_, sql::DbError>(())
    };
    desk.app.db.write(unit).await?;
    Ok(see_other("/oauth/apps?done=requested"))
}

/// The page, filled with made-up content.
pub(super) fn sample(access: Access) -> impl Template {
    let line = |name: &str, status, approved, working| Line {
        id: AppId::from_text(format!("app-{name}")),
        name: name.to_owned(),
        created_at: hours_ago(90),
        standing: Standing::of(status, approved, working),
        changed_at: hours_ago(30),
        submitted_at: (working == RevisionStatus::InReview).then(|| hours_ago(30)),
        logo_hash: None,
        owner: (name == "Clinic Desk").then(|| "Devika Shah".to_owned()),
    };
    let lines = vec![
        line("Lesson Planner", AppStatus::Draft, false, RevisionStatus::Draft),
        line("Clinic Desk", AppStatus::InReview, false, RevisionStatus::InReview),
        line("Standup Notes", AppStatus::Approved, true, RevisionStatus::Rejected),
    ];
    let apps = if access.is_open() { lines } else { Vec::new() };
    ListPage {
        shell: shell(Section::OAuth),
        notice: None,
        invitations: usize::from(access.is_open()),
        next: access.is_open().then(|| "/oauth/apps?after=0.app-1".to_owned()),
        access,
        apps: apps.into_iter().map(Row::of).collect(),
        is_first_page: true,
        reason: String::new(),
        faults: FieldFaults::default(),
    }
}
