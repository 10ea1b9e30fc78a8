//! Who asks for OAuth access, for admins; to everybody else this page does not exist.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use protocol::fault;
use serde_json::json;
use sql::{DbError, Tx};

use super::desk::{Desk, Posted, is_id};
use super::samples::hours_ago;
use crate::apps::access::parse_words;
use crate::apps::access_store::{self, WaitingRequest};
use crate::audit::Record;
use crate::ids::UserId;
use crate::mail::{Letter, Mail, enqueue};
use crate::time::Timestamp;
use crate::users::{self, Role};
use crate::web::samples::{Sample, shell};
use crate::web::{Notice, PageError, QueryParams, Section, Shell, see_other};

/// How many requests one page shows.
const PAGE: usize = 25;

#[derive(Template)]
#[template(path = "apps/admin.html")]
struct RequestsPage {
    shell: Shell,
    notice: Option<Notice>,
    for_everyone: bool,
    requests: Vec<WaitingRequest>,
    next: Option<String>,
}

fn require_admin(desk: &Desk) -> Result<(), PageError> {
    if desk.user().roles.has(Role::Admin) {
        Ok(())
    } else {
        Err(PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND))
    }
}

/// `GET /admin/oauth-requests`
pub(super) async fn show_requests(desk: Desk, query: QueryParams) -> Result<Response, PageError> {
    require_admin(&desk)?;
    let notice = match query.get("done") {
        Some("granted") => Some(Notice::done("Access is granted: that account can register apps now.")),
        Some("declined") => Some(Notice::done("The request is declined. The person sees your note.")),
        _ => None,
    };
    let after = query.get("after").and_then(|after| {
        let (at, id) = after.split_once('.')?;
        Some((Timestamp::from_millis(at.parse().ok()?), id.to_owned())).filter(|_| is_id(id))
    });
    answer(&desk, StatusCode::OK, notice, after).await
}

async fn answer(
    desk: &Desk,
    status: StatusCode,
    notice: Option<Notice>,
    after: Option<(Timestamp, String)>,
) -> Result<Response, PageError> {
    let (at, id) = after.unwrap_or((Timestamp::from_millis(i64::MIN), String::new()));
    let wanted = i64::try_from(PAGE).unwrap_or(i64::MAX).saturating_add(1);
    let unit = move |tx: &mut Tx<'_>| access_store::list_waiting(tx, (at, &id), wanted);
    let mut requests = desk.app.db.read(unit).await?;
    let more = requests.len() > PAGE;
    requests.truncate(PAGE);
    let next = requests
        .last()
        .filter(|_| more)
        .map(|last| format!("/admin/oauth-requests?after={}.{}", last.requested_at.as_millis(), last.user));
    let page = RequestsPage {
        shell: desk.shell(Section::OAuthRequests),
        notice,
        for_everyone: desk.app.config.accounts.oauth_for_everyone,
        requests,
        next,
    };
    Ok(desk.page(status, &page))
}

/// `POST /admin/oauth-requests`
pub(super) async fn answer_request(Posted { desk, form }: Posted) -> Result<Response, PageError> {
    require_admin(&desk)?;
    let granted = match form.get("decision")? {
        Some("grant") => true,
        Some("decline") => false,
        _ => return answer(&desk, StatusCode::BAD_REQUEST, Some(Notice::refused("Grant or decline.")), None).await,
    };
    let note = match parse_words(form.get("note")?.unwrap_or_default()) {
        Ok(note) => note,
        Err(fault) => return answer(&desk, StatusCode::BAD_REQUEST, Some(Notice::refused(fault)), None).await,
    };
    let user = UserId::from_text(form.get("user")?.filter(|id| is_id(id)).unwrap_or_default());
    let action = if granted { "oauth_access.granted" } else { "oauth_access.declined" };
    let record = desk.record(action).user(&user).detail(json!({"note": note}));
    let (admin, now) = (desk.user_id(), desk.now);
    let unit = move |tx: &mut Tx<'_>| {
        if granted {
            users::hold_roles(tx)?;
        }
        if !access_store::claim_answer(tx, &user, granted, &note, &admin, now)? {
            return Ok::<_, DbError>(false);
        }
        if granted {
            users::grant_oauth(tx, &user, admin.as_str(), &record)?;
        } else {
            tell_declined(tx, &user, &note, &record)?;
        }
        record.write(tx)?;
        Ok(true)
    };
    if desk.app.db.write(unit).await? {
        let done = if granted { "granted" } else { "declined" };
        return Ok(see_other(&format!("/admin/oauth-requests?done={done}")));
    }
    let notice = Notice::refused("Somebody else has answered that request already.");
    answer(&desk, StatusCode::CONFLICT, Some(notice), None).await
}

/// Tells the person why not, if the address is known to be theirs.
fn tell_declined(tx: &mut Tx<'_>, user: &UserId, note: &str, record: &Record) -> Result<(), DbError> {
    match users::find(tx, user)?.filter(|account| account.email_verified_at.is_some()) {
        Some(account) => {
            enqueue(tx, &Mail::about(record, &account.email, Letter::OauthDeclined { note: note.to_owned() }))
        }
        None => Ok(()),
    }
}

/// The page, filled with made-up content.
pub(super) fn samples() -> Vec<Sample> {
    let request = |name: &str, hours| WaitingRequest {
        user: UserId::from_text(format!("u-{hours}")),
        name: name.to_owned(),
        email: "nila@example.com".to_owned(),
        reason: "A timetable for schools.\nIt puts lessons into JioMeet.".to_owned(),
        requested_at: hours_ago(hours),
    };
    let page = |for_everyone, requests| RequestsPage {
        shell: Shell { administers: true, ..shell(Section::OAuthRequests) },
        notice: None,
        for_everyone,
        requests,
        next: None,
    };
    vec![
        Sample::of("oauth-requests", "two", &page(false, vec![request("Nila Iyer", 30), request("Ben Okafor", 2)])),
        Sample::of("oauth-requests", "none", &page(true, Vec::new())),
    ]
}
