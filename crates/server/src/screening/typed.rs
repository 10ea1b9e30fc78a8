//! Pre-flight while one types: the review's own checks, run on what stands in a form that nobody has saved. Nothing of it
//! is kept.
//!
//! The form's script asks after a pause, for the fields that changed; without a script the same checks run on the
//! pre-flight page, once the draft is saved.

use ::screening::{AppUrls, Check, Field, Finding, checks};
use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use protocol::fault;
use protocol::params::Params;
use protocol::redirect_uri::ClientKind;
use serde::Serialize;

use super::findings::{FindingLine, Findings, Group, State as Progress};
use super::run::{app_urls, jiff_time};
use super::words::{check_name, evidence_lines, field_name};
use crate::app::SharedApp;
use crate::apps::{self, Declaration};
use crate::ids::AppId;
use crate::users::{Admission, FailureLimit, SignedInVisitor, check_csrf, find_visitor};
use crate::web::{PageError, VisitorCookies, form};

/// Looks while typing for each look on demand: a form has some ten fields.
const LOOKS_PER_PREFLIGHT: u32 = 6;

/// When to ask again while all places are taken, in seconds.
const BUSY: u64 = 5;

/// What the script shows: for each field that was looked at, the list that a reviewer sees beside it, as HTML.
#[derive(Serialize)]
struct Found {
    found: Vec<FoundAt>,
}

#[derive(Serialize)]
struct FoundAt {
    field: String,
    html: String,
}

#[derive(Template)]
#[template(path = "screening/found.html")]
struct FoundHtml<'a> {
    group: &'a Group,
}

/// `POST /oauth/apps/preflight`: the fields of the form, and `look` for each that is to be looked at, by its name in
/// faults (`homepage_url`, `callback_urls[2]`).
pub(super) async fn check_typed(
    State(app): State<SharedApp>,
    cookies: VisitorCookies,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, PageError> {
    let form = form::read(request).await?;
    let visitor = find_visitor(&app, &cookies).await?.ok_or_else(PageError::form_expired)?;
    check_csrf(&app, &headers, &form, &cookies, &visitor)?;
    let app_id = form.get("app")?.map(AppId::from_text);
    if !may_register(&app, &visitor, app_id.as_ref()).await? {
        return Err(PageError::new(StatusCode::NOT_FOUND, &fault::NOT_FOUND));
    }
    let (declared, kind) = apps::read_form(&app.catalogue.scopes, &form)?;
    let typed = app_urls(app_id, kind, &declared);
    let asked = fields_to_look_at(&form, &declared, kind, &typed)?;
    if asked.iter().any(|field| *field != Field::Name) {
        let now = app.clock.now();
        let limit = limit(&app, &visitor);
        if let Admission::Refused(wait) = app.db.write(move |tx| limit.reserve(tx, now)).await? {
            return Ok(later(StatusCode::TOO_MANY_REQUESTS, crate::web::seconds(wait)));
        }
    }
    let Ok(place) = app.screening.preflights.try_acquire() else {
        return Ok(later(StatusCode::SERVICE_UNAVAILABLE, BUSY));
    };
    let findings = look(&app, &typed, &asked).await;
    drop(place);
    Ok(json(&Found { found: in_html(findings)? }))
}

/// Whoever may register apps, and whoever works on this one: nobody else has the server fetch what they type.
async fn may_register(app: &SharedApp, visitor: &SignedInVisitor, named: Option<&AppId>) -> Result<bool, PageError> {
    let user = &visitor.signed_in.user;
    if app.config.accounts.oauth_for_everyone || user.oauth_granted_at.is_some() {
        return Ok(true);
    }
    let (Some(id), user) = (named.cloned(), user.id.clone()) else { return Ok(false) };
    Ok(app.db.read(move |tx| apps::is_developer(tx, &id, &user)).await?)
}

fn limit(app: &SharedApp, visitor: &SignedInVisitor) -> FailureLimit {
    let settings = &app.screening.settings;
    let user = visitor.signed_in.user.id.as_str().as_bytes();
    let burst = settings.preflight_burst.saturating_mul(LOOKS_PER_PREFLIGHT);
    FailureLimit::new("preflight, typing", &[user], burst, settings.preflight_interval)
}

/// What is asked for, as far as there is something without a fault of its own: those are told beside the field already.
fn fields_to_look_at(
    form: &Params,
    declared: &Declaration,
    kind: ClientKind,
    typed: &AppUrls,
) -> Result<Vec<Field>, PageError> {
    let faults = declared.faults(kind);
    let is_sound = |field: Field, text: &str| {
        let name = field_name(field);
        !text.is_empty() && faults.iter().all(|fault| fault.field != name)
    };
    let sound = std::iter::once((Field::Name, typed.name.as_str()))
        .chain(typed.urls())
        .filter(|(field, text)| is_sound(*field, text))
        .map(|(field, _)| field);
    let asked = form.get_all("look")?;
    let is_asked = |field: &Field| {
        let name = field_name(*field);
        // A policy is judged beside the homepage.
        asked.iter().any(|asked| *asked == name || (*field == Field::Policy && *asked == "homepage_url"))
    };
    Ok(sound.filter(is_asked).collect())
}

/// The findings about these fields, and about all URLs together.
async fn look(app: &SharedApp, typed: &AppUrls, asked: &[Field]) -> Vec<Finding> {
    if asked.is_empty() {
        return Vec::new();
    }
    let report = app.screening.screener.screen(&only(typed, asked), jiff_time(app.clock.now())).await;
    let mut findings = report.findings;
    findings.retain(|found| asked.contains(&found.field) && found.check != Check::UrlForm);
    findings.push(checks::one_site(typed));
    findings
}

/// What is declared, without what nobody asked about: that is not fetched. The homepage is, where the policy is judged.
fn only(typed: &AppUrls, asked: &[Field]) -> AppUrls {
    let kept = |field: Field, text: &str| {
        let beside_the_policy = field == Field::Homepage && asked.contains(&Field::Policy);
        if asked.contains(&field) || beside_the_policy { text.to_owned() } else { String::new() }
    };
    AppUrls {
        app_id: typed.app_id.clone(),
        name: typed.name.clone(),
        homepage: kept(Field::Homepage, &typed.homepage),
        policy: kept(Field::Policy, &typed.policy),
        terms: typed.terms.clone().filter(|_| asked.contains(&Field::Terms)),
        logo: kept(Field::Logo, &typed.logo),
        callbacks: typed.callbacks.iter().enumerate().map(|(index, url)| kept(Field::Callback(index), url)).collect(),
        // They are one field of the form, of several lines: looked at when the app is submitted.
        post_logouts: Vec::new(),
        native: typed.native,
    }
}

fn in_html(findings: Vec<Finding>) -> Result<Vec<FoundAt>, PageError> {
    let lines = findings.into_iter().map(|found| {
        let line = FindingLine {
            check: check_name(found.check).to_owned(),
            severity: found.severity,
            evidence: evidence_lines(&found.evidence),
            sentence: found.sentence,
            mend: found.mend.unwrap_or_default(),
        };
        (field_name(found.field), found.subject, line)
    });
    let groups = Findings::new(Progress::Current, None, lines).groups;
    let shown = groups.into_iter().map(|group| {
        let html = FoundHtml { group: &group }.render().map_err(|error| PageError::internal(error.to_string()))?;
        Ok(FoundAt { field: group.field, html })
    });
    shown.collect()
}

fn json<T: Serialize>(body: &T) -> Response {
    let body = serde_json::to_string(body).unwrap_or_default();
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
}

/// Nothing was looked at; the script asks again then.
fn later(status: StatusCode, seconds: u64) -> Response {
    let mut response = json(&Found { found: Vec::new() });
    *response.status_mut() = status;
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}
