//! What a reviewer decides: approve, hold, reject, suspend, reinstate.

use sql::{DbError, Tx, params};

use crate::apps::store as apps;
use crate::apps::{AppDetails, Change, RevisionDetails, RevisionStatus};
use crate::audit::Record;
use crate::ids::{AppId, DecisionId};
use crate::mail;
use crate::time::Timestamp;

sql::statements! {
    /// One decision.
    INSERT_DECISION = "INSERT INTO review_decisions (id, app_id, revision_id, decision, reasons, decided_by, decided_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It serves everybody from now on.
    Approve,
    /// The developer is to mend something.
    Hold,
    /// It is refused.
    Reject,
    /// It is stopped, and every token it has.
    Suspend,
    /// It may go on, with new tokens.
    Reinstate,
}

impl Decision {
    /// The word in the log and the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Approve => "approved",
            Decision::Hold => "held",
            Decision::Reject => "rejected",
            Decision::Suspend => "suspended",
            Decision::Reinstate => "reinstated",
        }
    }

    /// The audit log's word.
    pub fn action(self) -> &'static str {
        match self {
            Decision::Approve => "app.approved",
            Decision::Hold => "app.held",
            Decision::Reject => "app.rejected",
            Decision::Suspend => "app.suspended",
            Decision::Reinstate => "app.reinstated",
        }
    }

    /// Whether the developer must be told why.
    pub fn needs_reason(self) -> bool {
        matches!(self, Decision::Hold | Decision::Reject | Decision::Suspend)
    }
}

/// A decision about to be written.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Its id.
    pub id: DecisionId,
    /// What is decided.
    pub decision: Decision,
    /// Why, in words the developer understands.
    pub reasons: Vec<String>,
    /// Who decided, for the history.
    pub decided_by: String,
    /// When.
    pub at: Timestamp,
    /// For the audit log.
    pub record: Record,
}

/// Carries out a decision, in the unit that the caller opened.
///
/// # Errors
/// When the database refuses.
pub fn decide(tx: &mut Tx<'_>, app: &AppId, verdict: &Verdict) -> Result<Change, DbError> {
    let details = apps::find_details(tx, app.as_str())?.filter(|app| app.deleted_at.is_none());
    let Some(AppDetails { working: Some(working), approved, .. }) = details else { return Ok(Change::NotFound) };
    if verdict.decision.needs_reason() && verdict.reasons.iter().all(|reason| reason.trim().is_empty()) {
        return Ok(Change::Refused("Give a reason that the developer can act on (--reason).".into()));
    }
    let done = match verdict.decision {
        Decision::Approve => approve(tx, app, &working, approved.as_ref(), verdict.at)?,
        Decision::Hold => from_review(tx, &working, RevisionStatus::OnHold, verdict.at)?,
        Decision::Reject => {
            from_review(tx, &working, RevisionStatus::Rejected, verdict.at)?
                || apps::claim_decision(tx, &working.id, RevisionStatus::OnHold, RevisionStatus::Rejected, verdict.at)?
        }
        Decision::Suspend => apps::claim_suspension(tx, app, verdict.at, &verdict.reasons.join("\n"))?,
        Decision::Reinstate => apps::claim_reinstatement(tx, app)?,
    };
    if !done {
        return Ok(Change::Refused(refusal(verdict.decision, working.status)));
    }
    let reasons = serde_json::json!(verdict.reasons).to_string();
    let word = verdict.decision.as_str();
    let values = params![verdict.id, app, working.id, word, reasons, verdict.decided_by, verdict.at];
    tx.execute(&INSERT_DECISION, values)?;
    verdict.record.write(tx)?;
    mail::notices::decided(tx, app, &working.declared.name, word, &verdict.reasons, &verdict.record)?;
    Ok(Change::Done)
}

fn from_review(
    tx: &mut Tx<'_>,
    working: &RevisionDetails,
    to: RevisionStatus,
    now: Timestamp,
) -> Result<bool, DbError> {
    apps::claim_decision(tx, &working.id, RevisionStatus::InReview, to, now)
}

fn approve(
    tx: &mut Tx<'_>,
    app: &AppId,
    working: &RevisionDetails,
    approved: Option<&RevisionDetails>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let claimed = from_review(tx, working, RevisionStatus::Approved, now)?
        || apps::claim_decision(tx, &working.id, RevisionStatus::OnHold, RevisionStatus::Approved, now)?;
    if claimed {
        let ask_again = approved.is_some_and(|approved| changes_what_people_agreed_to(approved, working));
        apps::serve_revision(tx, app, working, approved.map(|approved| &approved.id), ask_again)?;
    }
    Ok(claimed)
}

/// Added scopes, another name, logo or host: people are asked again.
fn changes_what_people_agreed_to(approved: &RevisionDetails, working: &RevisionDetails) -> bool {
    let host = |url: &str| url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let (before, after) = (&approved.declared, &working.declared);
    before.name != after.name
        || before.logo_url != after.logo_url
        || approved.logo_hash != working.logo_hash
        || host(&before.homepage_url) != host(&after.homepage_url)
        || !after.scopes().is_subset(&before.scopes())
}

fn refusal(decision: Decision, status: RevisionStatus) -> String {
    match decision {
        Decision::Approve | Decision::Hold | Decision::Reject => {
            format!(
                "Its revision is {}; only one that is in review can be decided on. Submit it first.",
                status.as_str()
            )
        }
        Decision::Suspend => "It is suspended already.".into(),
        Decision::Reinstate => "It is not suspended.".into(),
    }
}
