//! `GET /review/apps/{id}`: everything about one app, on one page, with the checklist to decide by.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use protocol::redirect_uri::ClientKind;
use protocol::scope::{Scope, ScopeTable};
use sql::{DbError, Tx};

use super::access::{no_such_app, require_reviewer};
use super::checklist::{Answer, Checklist, Item, items};
use super::difference::{Changed, difference};
use super::reasons::ReasonKind;
use super::store::{self, ForReviewer, PastDecision};
use crate::app::SharedApp;
use crate::apps::{self, AppDetails, AppStatus, Declaration, RevisionDetails, RevisionStatus};
use crate::ids::{AppId, UserId};
use crate::screening::{self, Findings, Group};
use crate::time::Timestamp;
use crate::users::{self, SignedInVisitor, answer};
use crate::web::{Monogram, Notice, PageError, QueryParams, Section, Shell, VisitorCookies};

/// One app, as its reviewer sees it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub app: AppDetails,
    pub working: RevisionDetails,
    pub developer: String,
    pub notes: ForReviewer,
    pub findings: Findings,
    pub history: Vec<PastDecision>,
    pub trial: Option<Timestamp>,
    /// The reviewer owns the app or works on it.
    pub is_own: bool,
}

impl Case {
    /// It waits for a reviewer, or for its developer who was asked to mend something.
    pub fn can_be_decided(&self) -> bool {
        matches!(self.working.status, RevisionStatus::InReview | RevisionStatus::OnHold)
    }
}

/// Everything about an app that is still there.
pub(super) fn find_case(tx: &mut Tx<'_>, id: &AppId, reviewer: &UserId) -> Result<Option<Case>, DbError> {
    let found = apps::find_details(tx, id.as_str())?.filter(|app| app.deleted_at.is_none() && app.id == *id);
    let Some(app) = found else { return Ok(None) };
    let Some(working) = app.working.clone() else { return Ok(None) };
    let Some(notes) = store::find_for_reviewer(tx, &working.id)? else { return Ok(None) };
    let owner = users::find(tx, &app.owner_id)?;
    Ok(Some(Case {
        developer: owner.map(|owner| owner.full_name()).unwrap_or_default(),
        notes,
        findings: screening::findings(tx, &working.id)?,
        history: store::list_past_decisions(tx, &app.id)?,
        trial: store::find_trial(tx, &app.id, reviewer)?,
        is_own: apps::is_developer(tx, &app.id, reviewer)?,
        working,
        app,
    }))
}

/// As [`find_case`], on its own.
pub(super) async fn load_case(app: &SharedApp, id: &AppId, reviewer: &UserId) -> Result<Case, PageError> {
    let (id, reviewer) = (id.clone(), reviewer.clone());
    app.db.read(move |tx| find_case(tx, &id, &reviewer)).await?.ok_or_else(no_such_app)
}

/// Where that app is reviewed.
pub(super) fn path(app: &AppId) -> String {
    format!("/review/apps/{app}")
}

#[derive(Template)]
#[template(path = "review/app.html")]
pub(super) struct AppPage {
    pub shell: Shell,
    pub notice: Option<Notice>,
    pub app_id: String,
    pub client_id: String,
    pub kind: &'static str,
    /// How it says who it is, and what else its developer switched on.
    pub settings: Vec<&'static str>,
    pub name: String,
    pub monogram: Monogram,
    pub badges: Vec<(String, &'static str)>,
    pub developer: String,
    pub email: String,
    pub waits: Option<(String, Timestamp)>,
    pub number: i64,
    pub use_case: String,
    pub description: String,
    pub support_email: String,
    pub scopes: Vec<ScopeLine>,
    pub test_plan: String,
    pub test_account: String,
    pub changed: Vec<Changed>,
    pub is_revision: bool,
    pub revision: String,
    pub changed_at: i64,
    /// 0 before the first decision.
    pub decided_at: i64,
    pub findings: Findings,
    pub may_decide: bool,
    pub can_hold: bool,
    /// The screening is not running, so it may be asked for again.
    pub may_screen: bool,
    pub is_own: bool,
    pub lines: Vec<ItemLine>,
    pub message: String,
    pub fault: String,
    pub trial: Option<Timestamp>,
    pub can_try: bool,
    pub homepage: Option<String>,
    pub suspended: Option<(String, Timestamp)>,
    pub history: Vec<Past>,
}

/// One thing to look at, with what was found and what was answered.
pub(super) struct ItemLine {
    /// Names the controls: letters, digits and dots only.
    pub id: String,
    pub item: Item,
    pub answer: Answer,
    pub found: Option<Group>,
    pub changed: bool,
    pub choices: Vec<Choice>,
}

pub(super) struct Choice {
    pub value: &'static str,
    pub words: &'static str,
    pub chosen: bool,
}

pub(super) struct ScopeLine {
    pub name: String,
    pub words: String,
    pub required_because: Option<String>,
}

pub(super) struct Past {
    pub title: String,
    pub tone: &'static str,
    pub at: Timestamp,
    pub by: String,
    pub reasons: Vec<(String, Vec<String>)>,
}

/// `GET /review/apps/{id}`
pub(super) async fn show_app(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    cookies: VisitorCookies,
    query: QueryParams,
) -> Result<Response, Response> {
    let id = AppId::from_text(id);
    let visitor = require_reviewer(&app, &cookies, Some(&path(&id))).await?;
    let case = load_case(&app, &id, &visitor.signed_in.user.id).await.map_err(PageError::into_response)?;
    let checklist = Checklist::new(items(&case.working.declared));
    let notice = match query.get("done") {
        Some("suspended") => Some(Notice::done("The app is suspended, and every token it had is dead.")),
        Some("reinstated") => Some(Notice::done("The app is reinstated. People have to let it in again.")),
        _ => None,
    };
    Ok(show(&app, &visitor, StatusCode::OK, notice, case, checklist))
}

/// The page, with the checklist as far as it is filled in.
pub(super) fn show(
    app: &SharedApp,
    visitor: &SignedInVisitor,
    status: StatusCode,
    notice: Option<Notice>,
    case: Case,
    checklist: Checklist,
) -> Response {
    let scopes = scope_lines(&app.catalogue.scopes, &case.working.declared);
    let page = build(visitor.shell(app, Section::Review), notice, case, checklist, scopes, app.clock.now());
    answer(app, visitor, status, &page)
}

pub(super) fn build(
    shell: Shell,
    notice: Option<Notice>,
    case: Case,
    checklist: Checklist,
    scopes: Vec<ScopeLine>,
    now: Timestamp,
) -> AppPage {
    let (app, working) = (&case.app, &case.working);
    let declared = &working.declared;
    let waiting = case.notes.waiting.filter(|_| working.status == RevisionStatus::InReview);
    let revised = app.approved.as_ref().filter(|approved| approved.id != working.id);
    let changed = revised.map(|approved| difference(&approved.declared, declared)).unwrap_or_default();
    let name = if declared.name.is_empty() { "Untitled app".to_owned() } else { declared.name.clone() };
    let decidable = case.can_be_decided();
    let lines = checklist
        .lines
        .into_iter()
        .enumerate()
        .map(|(index, (item, answer))| ItemLine::new(index, item, answer, &case.findings, &changed));
    AppPage {
        shell,
        notice,
        app_id: app.id.to_string(),
        client_id: app.client_id.to_string(),
        kind: kind_words(app.kind),
        settings: settings_words(app),
        monogram: Monogram::of(&name).with_logo(working.logo_hash.as_ref()),
        name,
        badges: badges(app, working, waiting.is_some_and(|waiting| waiting.is_overdue(now))),
        developer: case.developer,
        email: app.owner_email.clone(),
        waits: waiting.map(|waiting| (waiting.words(now), waiting.submitted_at)),
        number: working.number,
        use_case: declared.use_case.clone(),
        description: declared.description.clone(),
        support_email: declared.support_email.clone(),
        scopes,
        test_plan: case.notes.test_plan,
        test_account: case.notes.test_account,
        is_revision: revised.is_some(),
        lines: lines.collect(),
        changed,
        revision: working.id.to_string(),
        changed_at: case.notes.changed_at.as_millis(),
        decided_at: working.decided_at.map_or(0, Timestamp::as_millis),
        may_screen: case.findings.state != screening::State::Running,
        findings: case.findings,
        may_decide: decidable && !case.is_own,
        can_hold: working.status == RevisionStatus::InReview,
        is_own: case.is_own,
        message: checklist.message,
        fault: checklist.fault,
        can_try: !case.is_own && app.suspended_at.is_none() && !declared.callback_urls.is_empty(),
        trial: case.trial.filter(|until| *until > now),
        homepage: is_web(&declared.homepage_url).then(|| declared.homepage_url.clone()),
        suspended: app.suspended_at.map(|at| (app.suspended_reason.clone().unwrap_or_default(), at)),
        history: case.history.into_iter().map(Past::new).collect(),
    }
}

/// In the table's order, as people see them on the consent page.
pub(super) fn scope_lines(table: &ScopeTable, declared: &Declaration) -> Vec<ScopeLine> {
    let ordered = table.in_order(&declared.scopes());
    let required = |name: &str| declared.scopes.iter().find(|(scope, _)| scope.as_str() == name);
    let line = |scope: &Scope| ScopeLine {
        name: scope.to_string(),
        words: table.words(scope).to_owned(),
        required_because: required(scope.as_str()).and_then(|(_, reason)| reason.clone()),
    };
    ordered.iter().map(line).collect()
}

/// Links lead to the web only: a draft may hold anything.
fn is_web(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// What is not declared and can be changed without a review.
fn settings_words(app: &AppDetails) -> Vec<&'static str> {
    let switches = app.switches;
    let all = [
        (switches.pkce_required, "PKCE is required"),
        (switches.expires_in_as_time, "expires_in is a time"),
        (switches.assertions_only, "client secrets are refused"),
        (switches.push_required, "it pushes its authorization requests"),
        (switches.dpop_required, "its tokens are bound to a key"),
        (!app.keys.is_empty(), "it has keys for signed assertions"),
    ];
    all.into_iter().filter_map(|(on, words)| on.then_some(words)).collect()
}

fn kind_words(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Confidential => "Confidential: keeps a secret on a server",
        ClientKind::PublicBrowser => "Public: runs in the browser",
        ClientKind::PublicNative => "Public: runs on people's devices",
    }
}

fn badges(app: &AppDetails, working: &RevisionDetails, overdue: bool) -> Vec<(String, &'static str)> {
    let status = match app.status {
        AppStatus::Draft => ("Draft", ""),
        AppStatus::InReview => ("In review", "info"),
        AppStatus::OnHold => ("On hold", "warn"),
        AppStatus::Rejected => ("Rejected", "danger"),
        AppStatus::Approved => ("Approved", "good"),
        AppStatus::Suspended => ("Suspended", "danger"),
    };
    let mut badges = vec![(status.0.to_owned(), status.1)];
    if app.approved.is_some() {
        match working.status {
            RevisionStatus::InReview => badges.push((format!("Revision {} in review", working.number), "info")),
            RevisionStatus::OnHold => badges.push((format!("Revision {} on hold", working.number), "warn")),
            _ => {}
        }
    }
    if overdue {
        badges.push(("Overdue".to_owned(), "danger"));
    }
    badges
}

impl ItemLine {
    fn new(index: usize, item: Item, answer: Answer, findings: &Findings, changed: &[Changed]) -> ItemLine {
        let choice = |value: &'static str, words| Choice { value, words, chosen: answer.choice == value };
        let kinds = item.kinds().iter().map(|kind| {
            let words = match kind {
                ReasonKind::Invalid => "Invalid",
                ReasonKind::Suspicious => "Suspicious",
                ReasonKind::Malicious => "Malicious",
                ReasonKind::Other => "Something else",
            };
            choice(kind.as_str(), words)
        });
        ItemLine {
            id: format!("item-{index}"),
            choices: std::iter::once(choice("ok", "In order")).chain(kinds).collect(),
            found: findings.of(&item.key).cloned(),
            changed: changed.iter().any(|field| field.after.contains(&item.subject)),
            item,
            answer,
        }
    }
}

impl Past {
    fn new(past: PastDecision) -> Past {
        let what = match past.decision.as_str() {
            "approved" => ("approved", "good"),
            "held" => ("put on hold", "warn"),
            "rejected" => ("rejected", "danger"),
            "suspended" => ("suspended", "danger"),
            "reinstated" => ("reinstated", "good"),
            "withdrawn" => ("withdrawn from review", ""),
            _ => ("decided on", ""),
        };
        let number = past.number.map_or_else(String::new, |number| format!(" (revision {number})"));
        Past {
            title: format!("App {}{number}", what.0),
            tone: what.1,
            at: past.at,
            by: past.by,
            reasons: past.reasons.into_iter().map(|reason| (reason.text, reason.urls)).collect(),
        }
    }
}
