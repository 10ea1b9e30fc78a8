//! Pre-flight: the developer sees what the reviewer will see, before submitting.

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use protocol::fault;
use sql::DbError;

use super::findings::{FindingLine, Findings, State as Progress};
use super::store::may_look_again;
use super::{Severity, run, store};
use crate::app::SharedApp;
use crate::apps::{self, RevisionDetails};
use crate::ids::{AppId, UserId};
use crate::jobs;
use crate::users::{Admission, FailureLimit, SignedInVisitor, answer, check_csrf, require_signed_in};
use crate::web::samples::{NOW, Sample, Samples, shell};
use crate::web::{Notice, PageError, QueryParams, Section, Shell, VisitorCookies, form, see_other};

#[derive(Template)]
#[template(path = "screening/preflight.html")]
pub(super) struct PreflightPage {
    shell: Shell,
    notice: Option<Notice>,
    app_id: String,
    name: String,
    may_check: bool,
    findings: Findings,
}

struct Found {
    app: AppId,
    name: String,
    working: RevisionDetails,
    findings: Findings,
}

/// The app's working copy and what was found about it, if this person may see it.
async fn find(app: &SharedApp, named: &str, user: &UserId) -> Result<Found, PageError> {
    let (id, user) = (AppId::from_text(named), user.clone());
    let found = app
        .db
        .read(move |tx| {
            if !apps::is_developer(tx, &id, &user)? {
                return Ok::<_, DbError>(None);
            }
            let details = apps::find_details(tx, id.as_str())?.filter(|app| app.deleted_at.is_none());
            let Some(working) = details.and_then(|app| app.working) else { return Ok(None) };
            let findings = store::findings(tx, &working.id)?;
            Ok(Some((working, findings)))
        })
        .await?;
    let (working, findings) = found.ok_or_else(|| PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND))?;
    let name = working.declared.name.clone();
    let name = if name.is_empty() { "Untitled app".to_owned() } else { name };
    Ok(Found { app: AppId::from_text(named), name, working, findings })
}

fn path(app: &AppId) -> String {
    format!("/oauth/apps/{app}/preflight")
}

/// `GET /oauth/apps/{id}/preflight`
pub(super) async fn show_findings(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, Some(&path(&AppId::from_text(&id)))).await?;
    let found = find(&app, &id, &visitor.signed_in.user.id).await.map_err(PageError::into_response)?;
    let notice = (query.get("done") == Some("checked")).then(|| Notice::info("The checks have run."));
    Ok(show(&app, &visitor, StatusCode::OK, notice, found))
}

fn show(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    status: StatusCode,
    notice: Option<Notice>,
    found: Found,
) -> Response {
    let page = PreflightPage {
        shell: visitor.shell(app, Section::OAuth),
        notice,
        app_id: found.app.to_string(),
        name: found.name,
        may_check: may_look_again(found.working.status),
        findings: found.findings,
    };
    answer(app, visitor, status, &page)
}

/// `POST /oauth/apps/{id}/preflight`: looks now, and keeps what was found.
pub(super) async fn check_now(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Response> {
    let visitor = require_signed_in(&app, &cookies, None).await?;
    check(&app, &id, &cookies, &headers, request, &visitor).await.map_err(PageError::into_response)
}

async fn check(
    app: &SharedApp,
    id: &str,
    cookies: &VisitorCookies,
    headers: &HeaderMap,
    request: Request,
    visitor: &SignedInVisitor,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    check_csrf(app, headers, &form, cookies, visitor)?;
    let user = &visitor.signed_in.user.id;
    let found = find(app, id, user).await?;
    if !may_look_again(found.working.status) {
        let notice =
            Notice::refused("There are no changes to look at: the approved revision stays as it was reviewed.");
        return Ok(show(app, visitor, StatusCode::CONFLICT, Some(notice), found));
    }
    if let Admission::Refused(wait) = reserve(app, user).await? {
        let seconds = crate::web::seconds(wait);
        let text =
            format!("You have run the checks many times in a short while. Wait {seconds} seconds, then try again.");
        let mut response = show(app, visitor, StatusCode::TOO_MANY_REQUESTS, Some(Notice::refused(text)), found);
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
        return Ok(response);
    }
    let Ok(place) = app.screening.preflights.try_acquire() else {
        return Err(PageError::busy("all pre-flight places are taken"));
    };
    let report = run::look(app, &found.working.id).await?;
    drop(place);
    let revision = found.working.id.clone();
    app.db
        .write(move |tx| {
            // What is in review is also the background's to look at; this look serves both.
            if let Some(report) = &report
                && store::find_declared(tx, &revision)?.is_some_and(|now| may_look_again(now.revision.status))
            {
                jobs::cancel(tx, jobs::Kind::Screening, revision.as_str())?;
                run::keep(tx, &revision, report)?;
            }
            Ok::<_, DbError>(())
        })
        .await?;
    Ok(see_other(&format!("{}?done=checked", path(&found.app))))
}

async fn reserve(app: &SharedApp, user: &UserId) -> Result<Admission, PageError> {
    let settings = &app.screening.settings;
    let limit = FailureLimit::new(
        "preflight",
        &[user.as_str().as_bytes()],
        settings.preflight_burst,
        settings.preflight_interval,
    );
    let now = app.clock.now();
    Ok(app.db.write(move |tx| limit.reserve(tx, now)).await?)
}

/// Findings of every kind, for samples.
pub(crate) fn sample_findings(state: Progress) -> Findings {
    let line = |severity, sentence: &str, mend: &str, evidence: &[(&str, &str)]| FindingLine {
        check: "reachable".to_owned(),
        severity,
        sentence: sentence.to_owned(),
        mend: mend.to_owned(),
        evidence: evidence.iter().map(|(label, text)| ((*label).to_owned(), (*text).to_owned())).collect(),
    };
    let site = "https://free-prize-meetings.example";
    let entries = [
        (
            "homepage_url",
            site.to_owned(),
            line(
                Severity::Passed,
                "The page answers with HTTP status 200.",
                "",
                &[
                    ("GET", "https://free-prize-meetings.example/ → 200, at 203.0.113.7"),
                    ("Certificate", "for free-prize-meetings.example, from CN=R11,O=Example, valid until 2 Feb 2027"),
                ],
            ),
        ),
        (
            "homepage_url",
            site.to_owned(),
            line(
                Severity::Suspicious,
                "The domain 'free-prize-meetings.example' was registered 6 days ago.",
                "Use a domain with a history, or tell the reviewer why it is new.",
                &[("Domain", "free-prize-meetings.example"), ("Age", "6 days"), ("Registered", "18 Nov 2026")],
            ),
        ),
        (
            "policy_url",
            format!("{site}/policy"),
            line(
                Severity::Invalid,
                "The policy answers with HTTP status 404 Not Found.",
                "Publish the policy.",
                &[("GET", "https://free-prize-meetings.example/policy → 404, at 203.0.113.7")],
            ),
        ),
        (
            "logo_url",
            format!("{site}/logo.png"),
            line(
                Severity::NotChecked,
                "Not fetched: this server screens without network access.",
                "Nothing to do: a reviewer will look at it by hand.",
                &[],
            ),
        ),
        (
            "callback_urls[0]",
            format!("{site}/cb"),
            line(Severity::Passed, "Not on the imported list of harmful sites.", "", &[]),
        ),
        (
            "callback_urls[1]",
            "https://collect.prize-login.example/in".to_owned(),
            line(
                Severity::Malicious,
                "'prize-login.example' is on the list of harmful sites 'blocklist.txt'.",
                "Use a site that is not on the list.",
                &[("Entry", "prize-login.example"), ("List", "blocklist.txt, of 24 Nov 2026, 3 entries")],
            ),
        ),
    ];
    let entries = entries.map(|(field, subject, line)| (field.to_owned(), subject, line));
    Findings::new(state, Some(NOW), entries)
}

impl Samples for PreflightPage {
    fn samples() -> Vec<Sample> {
        let page = |notice, may_check, findings| PreflightPage {
            shell: shell(Section::OAuth),
            notice,
            app_id: "app-6f1c2a38".to_owned(),
            name: "Free Prize Meetings".to_owned(),
            may_check,
            findings,
        };
        let never = Findings::new(Progress::NeverLooked, None, []);
        vec![
            Sample::of(
                "preflight",
                "found",
                &page(Some(Notice::info("The checks have run.")), true, sample_findings(Progress::Current)),
            ),
            Sample::of("preflight", "never", &page(None, true, never)),
            Sample::of("preflight", "changed", &page(None, false, sample_findings(Progress::OutOfDate))),
        ]
    }
}
