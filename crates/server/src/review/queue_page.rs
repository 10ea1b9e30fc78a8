//! `GET /review`: the queue, who has waited longest first.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use sql::DbError;

use super::access::require_reviewer;
use super::samples::shell;
use super::store::{self, After, Queued};
use crate::app::SharedApp;
use crate::apps;
use crate::ids::UserId;
use crate::screening;
use crate::time::Timestamp;
use crate::users::answer;
use crate::web::samples::{NOW, Sample, Samples};
use crate::web::{Monogram, Notice, PageError, QueryParams, Section, Shell, VisitorCookies, see_other};

/// Lines on a page.
const PAGE: i64 = 25;

/// Counted no further than this.
const COUNTED: i64 = 1000;

#[derive(Template)]
#[template(path = "review/queue.html")]
pub(super) struct QueuePage {
    shell: Shell,
    notice: Option<Notice>,
    count: String,
    is_first: bool,
    lines: Vec<Line>,
    next: Option<String>,
    looked_for: String,
}

struct Line {
    app_id: String,
    monogram: Monogram,
    name: String,
    kind: String,
    developer: String,
    email: String,
    waits: String,
    submitted: Timestamp,
    overdue: bool,
    suspended: bool,
    is_own: bool,
    worst: Verdict,
}

/// The screening's verdict in words, with its class in the style sheet.
type Verdict = Option<(&'static str, &'static str)>;

impl Line {
    fn new(queued: &Queued, is_own: bool, worst: Verdict, now: Timestamp) -> Line {
        Line {
            app_id: queued.app.to_string(),
            monogram: Monogram::of(&queued.name).with_logo(queued.logo.as_ref()),
            name: queued.name.clone(),
            kind: if queued.has_approved { format!("Revision {}", queued.number) } else { "New app".to_owned() },
            developer: queued.developer.clone(),
            email: queued.email.clone(),
            waits: queued.waiting.words(now),
            submitted: queued.waiting.submitted_at,
            overdue: queued.waiting.is_overdue(now),
            suspended: queued.is_suspended,
            is_own,
            worst,
        }
    }
}

/// `GET /review`
pub(super) async fn show_queue(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_reviewer(&app, &cookies, Some("/review")).await?;
    let looked_for = query.get("app").unwrap_or_default().trim().to_owned();
    let mut notice = done_words(query.get("done")).map(Notice::done);
    if !looked_for.is_empty() {
        match find_app(&app, &looked_for).await.map_err(PageError::into_response)? {
            Some(path) => return Ok(see_other(&path)),
            None => notice = Some(Notice::refused("There is no app with that app id or client id.")),
        }
    }
    let after = read_place(query.get("after"));
    let is_first = after == After::beginning();
    let now = app.clock.now();
    let page = load(&app, after, &visitor.signed_in.user.id).await.map_err(PageError::into_response)?;
    let template = QueuePage {
        shell: visitor.shell(&app, Section::Review),
        notice,
        count: count_words(page.count),
        is_first,
        next: page.next,
        lines: page.lines.iter().map(|(queued, is_own, worst)| Line::new(queued, *is_own, *worst, now)).collect(),
        looked_for,
    };
    Ok(answer(&app, &visitor, StatusCode::OK, &template))
}

struct Loaded {
    count: i64,
    lines: Vec<(Queued, bool, Verdict)>,
    next: Option<String>,
}

async fn load(app: &SharedApp, after: After, reviewer: &UserId) -> Result<Loaded, PageError> {
    let reviewer = reviewer.clone();
    let unit = app.db.read(move |tx| {
        let mut queue = store::list_queue(tx, &after, PAGE + 1)?;
        let has_more = queue.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
        queue.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
        let next = if has_more { queue.last().map(|last| write_place(&last.place())) } else { None };
        let mut lines = Vec::with_capacity(queue.len());
        for queued in queue {
            let worst = screening::find_verdict(tx, &queued.revision)?;
            let is_own = apps::is_developer(tx, &queued.app, &reviewer)?;
            lines.push((queued, is_own, worst));
        }
        Ok::<_, DbError>(Loaded { count: store::count_queue(tx, COUNTED + 1)?, lines, next })
    });
    Ok(unit.await?)
}

async fn find_app(app: &SharedApp, named: &str) -> Result<Option<String>, PageError> {
    let named = named.to_owned();
    let found = app.db.read(move |tx| apps::find_details(tx, &named)).await?;
    Ok(found.filter(|app| app.deleted_at.is_none()).map(|app| format!("/review/apps/{}", app.id)))
}

fn write_place(after: &After) -> String {
    format!("{}.{}", after.since, after.revision)
}

/// A place that makes no sense is the beginning.
fn read_place(text: Option<&str>) -> After {
    let parts = text.and_then(|text| text.split_once('.'));
    let place =
        parts.and_then(|(since, revision)| Some(After { since: since.parse().ok()?, revision: revision.to_owned() }));
    place.unwrap_or_else(After::beginning)
}

fn count_words(count: i64) -> String {
    match count {
        0 => "Nothing waits.".to_owned(),
        1 => "One app waits.".to_owned(),
        2..=COUNTED => format!("{count} apps wait."),
        _ => format!("More than {COUNTED} apps wait."),
    }
}

fn done_words(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "approved" => Some("The app is approved. Its developers are told."),
        "held" => Some("The app is on hold. Its developers are told why."),
        "rejected" => Some("The app is rejected. Its developers are told why."),
        _ => None,
    }
}

impl Samples for QueuePage {
    fn samples() -> Vec<Sample> {
        let line = |name: &str, kind: &str, hours: u64, worst, overdue, is_own| Line {
            app_id: format!("app-{hours}"),
            monogram: Monogram::of(name),
            name: name.to_owned(),
            kind: kind.to_owned(),
            developer: "Devika Shah".to_owned(),
            email: "dev@example.com".to_owned(),
            waits: format!("{hours} hours"),
            submitted: NOW.minus(std::time::Duration::from_secs(hours * 3600)),
            overdue,
            suspended: false,
            is_own,
            worst,
        };
        let page = |lines: Vec<Line>, next: Option<&str>, count: &str| QueuePage {
            shell: shell(Section::Review),
            notice: None,
            count: count.to_owned(),
            is_first: true,
            lines,
            next: next.map(str::to_owned),
            looked_for: String::new(),
        };
        let waiting = vec![
            line("Clinic Desk", "New app", 61, Some(("Passed", "good")), true, false),
            line("Free Prize Meetings", "New app", 40, Some(("Malicious", "danger")), false, false),
            line("Standup Notes", "Revision 3", 5, Some(("Suspicious", "warn")), false, true),
            line(
                "An app whose name is as long as it may be, which is eighty characters, to the dot",
                "New app",
                2,
                None,
                false,
                false,
            ),
        ];
        vec![
            Sample::of("review-queue", "four", &page(waiting, Some("1.rev-1"), "29 apps wait.")),
            Sample::of("review-queue", "empty", &page(Vec::new(), None, "Nothing waits.")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_queue_is_read_as_it_was_written() {
        let place = After { since: -5, revision: "rev-1".to_owned() };
        assert_eq!(read_place(Some(&write_place(&place))), place);
        for wrong in [None, Some(""), Some("x.rev-1"), Some("5")] {
            assert_eq!(read_place(wrong), After::beginning());
        }
    }

    #[test]
    fn the_number_that_waits_is_told_in_words() {
        assert_eq!(count_words(0), "Nothing waits.");
        assert_eq!(count_words(2), "2 apps wait.");
        assert_eq!(count_words(1001), "More than 1000 apps wait.");
    }
}
