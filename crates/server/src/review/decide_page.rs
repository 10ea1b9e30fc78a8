//! What a reviewer does on an app's page: decide, suspend, reinstate, try.

use axum::RequestExt as _;
use axum::extract::{FromRequest, Path, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use protocol::params::Params;
use protocol::pkce::{CodeChallenge, CodeVerifier};
use protocol::secret::base64url_encode;
use serde_json::json;
use sql::DbError;

use super::access::{no_such_app, require_reviewer};
use super::app_page::{self, Case, load_case, path};
use super::checklist::{Checklist, items};
use super::decisions::{Decider, Decision, Seen, Verdict, decide};
use super::reasons::{MAX_REASON, Reason, ReasonKind};
use super::store;
use crate::app::SharedApp;
use crate::apps::{self, Change};
use crate::audit::{Actor, Record};
use crate::ids::{AppId, DecisionId, RevisionId};
use crate::screening::{self, Severity};
use crate::time::Timestamp;
use crate::users::{SignedInVisitor, check_csrf};
use crate::web::{Notice, PageError, VisitorCookies, client_address, form, see_other};

/// How long a reviewer may try an app.
const TRIAL: std::time::Duration = std::time::Duration::from_secs(30 * 60);

/// A form of a reviewer, about one app.
pub(super) struct Asked {
    app: SharedApp,
    id: AppId,
    visitor: SignedInVisitor,
    form: Params,
    address: String,
    now: Timestamp,
}

impl FromRequest<SharedApp> for Asked {
    type Rejection = Response;

    async fn from_request(mut request: Request, app: &SharedApp) -> Result<Asked, Response> {
        let id: Path<String> = request.extract_parts().await.map_err(IntoResponse::into_response)?;
        let Ok(cookies) = request.extract_parts_with_state::<VisitorCookies, _>(app).await;
        let headers = request.headers().clone();
        let visitor = require_reviewer(app, &cookies, None).await?;
        let address = client_address(app, request.extensions(), &headers).to_string();
        let form = form::read(request).await.map_err(PageError::into_response)?;
        check_csrf(app, &headers, &form, &cookies, &visitor).map_err(PageError::into_response)?;
        let now = app.clock.now();
        Ok(Asked { id: AppId::from_text(id.0), visitor, form, address, now, app: app.clone() })
    }
}

impl Asked {
    async fn case(&self) -> Result<Case, PageError> {
        load_case(&self.app, &self.id, &self.visitor.signed_in.user.id).await
    }

    fn field(&self, name: &str) -> Result<&str, PageError> {
        Ok(self.form.get(name)?.unwrap_or_default())
    }

    fn record(&self, action: &'static str) -> Record {
        let actor = Actor::User(self.visitor.signed_in.user.id.clone());
        Record::new(&self.app.random, self.now, actor, action).app(&self.id).address(&self.address)
    }

    fn show(&self, status: StatusCode, notice: Option<Notice>, case: Case, checklist: Checklist) -> Response {
        app_page::show(&self.app, &self.visitor, status, notice, case, checklist)
    }

    /// The page again, with a sentence about what cannot be done.
    async fn refuse(
        &self,
        status: StatusCode,
        why: String,
        checklist: Option<Checklist>,
    ) -> Result<Response, PageError> {
        let case = self.case().await?;
        let checklist = checklist.unwrap_or_else(|| Checklist::new(items(&case.working.declared)));
        Ok(self.show(status, Some(Notice::refused(why)), case, checklist))
    }

    async fn carry_out(&self, verdict: Verdict) -> Result<Change, PageError> {
        let id = self.id.clone();
        Ok(self.app.db.write(move |tx| decide(tx, &id, &verdict)).await?)
    }

    fn verdict(
        &self,
        decision: Decision,
        reasons: Vec<Reason>,
        seen: Option<Seen>,
        detail: serde_json::Value,
    ) -> Verdict {
        Verdict {
            id: DecisionId::mint(&self.app.random),
            decision,
            reasons,
            by: Decider::Reviewer(self.visitor.signed_in.user.id.clone()),
            seen,
            at: self.now,
            record: self.record(decision.action()).detail(detail),
        }
    }
}

fn parse_decision(text: &str) -> Option<Decision> {
    match text {
        "approve" => Some(Decision::Approve),
        "hold" => Some(Decision::Hold),
        "reject" => Some(Decision::Reject),
        _ => None,
    }
}

/// `POST /review/apps/{id}/decide`
pub(super) async fn decide_app(asked: Asked) -> Result<Response, PageError> {
    let case = asked.case().await?;
    let mut checklist = Checklist::read(items(&case.working.declared), &asked.form)?;
    let Some(decision) = parse_decision(asked.field("decision")?) else {
        let notice = Notice::refused("Choose one of the buttons: approve, put on hold or reject.");
        return Ok(asked.show(StatusCode::BAD_REQUEST, Some(notice), case, checklist));
    };
    let is_listed = |key: &str| case.findings.of(key).is_some_and(|group| group.worst() == Severity::Malicious);
    if !checklist.check(decision, is_listed) {
        let notice = Notice::refused("Nothing is decided yet: see what is marked below.");
        return Ok(asked.show(StatusCode::BAD_REQUEST, Some(notice), case, checklist));
    }
    let time = |name| Ok::<_, PageError>(Timestamp::from_millis(asked.field(name)?.parse().unwrap_or(0)));
    let decided_at = time("decided_at")?;
    let seen = Seen {
        revision: RevisionId::from_text(asked.field("revision")?),
        changed_at: time("changed_at")?,
        decided_at: (decided_at.as_millis() != 0).then_some(decided_at),
    };
    let reasons = checklist.reasons();
    let detail = json!({
        "revision": case.working.number,
        "reasons": reasons.iter().map(Reason::to_json).collect::<Vec<_>>(),
        "checklist": checklist.to_json(),
    });
    match asked.carry_out(asked.verdict(decision, reasons, Some(seen), detail)).await? {
        Change::Done => Ok(see_other(&format!("/review?done={}", decision.as_str()))),
        Change::NotFound => Err(no_such_app()),
        Change::Refused(why) => asked.refuse(StatusCode::CONFLICT, why, Some(checklist)).await,
    }
}

/// `POST /review/apps/{id}/suspend`
pub(super) async fn suspend_app(asked: Asked) -> Result<Response, PageError> {
    let (words, url) = (asked.field("reason")?.trim(), asked.field("url")?.trim());
    if words.is_empty() || words.chars().count() > MAX_REASON || url.len() > 2048 {
        let why = "Write a reason that the developer can act on, of at most 1000 characters. Nothing was done.";
        return asked.refuse(StatusCode::BAD_REQUEST, why.to_owned(), None).await;
    }
    let kind = ReasonKind::parse(asked.field("kind")?).unwrap_or(ReasonKind::Other);
    let reason = match kind {
        ReasonKind::Other => Reason::written(words),
        kind => Reason { kind, text: format!("{}: {words}", kind.title()), urls: Vec::new() },
    };
    let urls = if url.is_empty() { Vec::new() } else { vec![url.to_owned()] };
    stop_or_start(&asked, Decision::Suspend, vec![Reason { urls, ..reason }]).await
}

/// `POST /review/apps/{id}/reinstate`
pub(super) async fn reinstate_app(asked: Asked) -> Result<Response, PageError> {
    stop_or_start(&asked, Decision::Reinstate, Vec::new()).await
}

async fn stop_or_start(asked: &Asked, decision: Decision, reasons: Vec<Reason>) -> Result<Response, PageError> {
    let detail = json!({"reasons": reasons.iter().map(Reason::to_json).collect::<Vec<_>>()});
    match asked.carry_out(asked.verdict(decision, reasons, None, detail)).await? {
        Change::Done => Ok(see_other(&format!("{}?done={}", path(&asked.id), decision.as_str()))),
        Change::NotFound => Err(no_such_app()),
        Change::Refused(why) => asked.refuse(StatusCode::CONFLICT, why, None).await,
    }
}

/// `POST /review/apps/{id}/screen`: has what waits for a reviewer looked at again.
pub(super) async fn screen_app(asked: Asked) -> Result<Response, PageError> {
    let case = asked.case().await?;
    if case.can_be_decided() {
        let (revision, now) = (case.working.id.clone(), asked.now);
        asked.app.db.write(move |tx| screening::schedule(tx, &revision, now)).await?;
    }
    Ok(see_other(&format!("{}#checklist-heading", path(&asked.id))))
}

/// `POST /review/apps/{id}/try`: lets the reviewer use the app for a while, and goes to its consent page.
pub(super) async fn try_app(asked: Asked) -> Result<Response, PageError> {
    let (id, user, until) = (asked.id.clone(), asked.visitor.signed_in.user.id.clone(), asked.now.plus(TRIAL));
    let record = asked.record("review.trial").user(&user).detail(json!({"until": until.to_iso()}));
    let done = asked.app.db.write(move |tx| {
        let details = apps::find_details(tx, id.as_str())?.filter(|app| app.deleted_at.is_none() && app.id == id);
        let Some(details) = details else { return Ok(None) };
        if apps::is_developer(tx, &id, &user)? || details.suspended_at.is_some() {
            return Ok(Some(None));
        }
        store::insert_trial(tx, &id, &user, until)?;
        record.write(tx)?;
        Ok::<_, DbError>(Some(Some(details)))
    });
    let why = "You work on this app, or it is suspended, so there is nothing to try.";
    match done.await? {
        None => Err(no_such_app()),
        Some(None) => asked.refuse(StatusCode::CONFLICT, why.to_owned(), None).await,
        Some(Some(details)) => match flow_url(&asked, &details) {
            Some(url) => Ok(see_other(&url)),
            None => {
                asked.refuse(StatusCode::CONFLICT, "It has no callback URL to come back to.".to_owned(), None).await
            }
        },
    }
}

/// The authorization request that the app itself would make; its answer goes to the app, which will not know the state.
fn flow_url(asked: &Asked, details: &apps::AppDetails) -> Option<String> {
    let redirect_uri = details.serving()?.declared.callback_urls.first()?;
    let random = |bytes: [u8; 32]| base64url_encode(&bytes);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("clientId", details.client_id.as_str())
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("prompt", "consent")
        .append_pair("state", &random(asked.app.random.bytes()));
    if details.kind.is_public() {
        let verifier = CodeVerifier::new(random(asked.app.random.bytes()));
        query.append_pair("code_challenge", &CodeChallenge::of(&verifier).to_string());
        query.append_pair("code_challenge_method", "S256");
    }
    Some(format!("/oauth2/authorize?{}", query.finish()))
}
