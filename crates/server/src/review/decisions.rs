//! What a reviewer decides: approve, hold, reject, suspend, reinstate. Pages and command line come through here.

use sql::{DbError, Tx};

use super::reasons::Reason;
use super::store;
use crate::apps::store as apps;
use crate::apps::{AppDetails, Change, RevisionDetails, RevisionStatus};
use crate::audit::Record;
use crate::ids::{AppId, DecisionId, RevisionId, UserId};
use crate::jobs;
use crate::mail;
use crate::time::Timestamp;
use crate::users::{self, Role, User};

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

/// Who decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decider {
    /// Whoever has the machine: the command line.
    Operator,
    /// A reviewer or admin, at the pages. That they are one still, and neither own the app nor work on it, is looked up in
    /// the unit that decides.
    Reviewer(UserId),
}

impl Decider {
    fn as_str(&self) -> &str {
        match self {
            Decider::Operator => "operator",
            Decider::Reviewer(id) => id.as_str(),
        }
    }
}

/// What the decider saw: an app that changed since is looked at again first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The revision.
    pub revision: RevisionId,
    /// When it had last changed.
    pub changed_at: Timestamp,
    /// When it had last been decided on, since it was handed in: another reviewer may be a moment faster.
    pub decided_at: Option<Timestamp>,
}

/// A decision about to be written.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Its id.
    pub id: DecisionId,
    /// What is decided.
    pub decision: Decision,
    /// Why, in words the developer understands.
    pub reasons: Vec<Reason>,
    /// Who decides.
    pub by: Decider,
    /// What they saw; the command line decides on what is there.
    pub seen: Option<Seen>,
    /// When.
    pub at: Timestamp,
    /// For the audit log.
    pub record: Record,
}

/// Whether this person may review apps at all.
pub fn is_reviewer(user: &User) -> bool {
    user.is_active() && (user.roles.has(Role::Reviewer) || user.roles.has(Role::Admin))
}

/// Carries out a decision, in the unit that the caller opened.
///
/// # Errors
/// When the database refuses.
pub fn decide(tx: &mut Tx<'_>, app: &AppId, verdict: &Verdict) -> Result<Change, DbError> {
    // Whoever changes something about the app, its people among them, waits until this is decided.
    if !store::lock_app(tx, app)? {
        return Ok(Change::NotFound);
    }
    let details = apps::find_details(tx, app.as_str())?.filter(|app| app.deleted_at.is_none());
    let Some(AppDetails { working: Some(working), approved, .. }) = details else { return Ok(Change::NotFound) };
    if let Some(why) = objection(tx, app, &working, verdict)? {
        return Ok(Change::Refused(why));
    }
    let done = match verdict.decision {
        Decision::Approve => approve(tx, app, &working, approved.as_ref(), verdict.at)?,
        Decision::Hold => from_review(tx, &working, RevisionStatus::OnHold, verdict.at)?,
        Decision::Reject => {
            from_review(tx, &working, RevisionStatus::Rejected, verdict.at)?
                || apps::claim_decision(tx, &working.id, RevisionStatus::OnHold, RevisionStatus::Rejected, verdict.at)?
        }
        Decision::Suspend => apps::claim_suspension(tx, app, verdict.at, &in_lines(&verdict.reasons))?,
        Decision::Reinstate => apps::claim_reinstatement(tx, app)?,
    };
    if !done {
        return Ok(Change::Refused(refusal(verdict.decision, working.status)));
    }
    store::insert_decision(tx, app, &working.id, verdict, verdict.by.as_str())?;
    store::end_trials(tx, app)?;
    verdict.record.write(tx)?;
    let name = serving_name(approved.as_ref(), &working, verdict.decision);
    let reasons: Vec<String> = verdict.reasons.iter().map(Reason::in_full).collect();
    mail::notices::decided(tx, app, name, verdict.decision.as_str(), &reasons, &verdict.record)?;
    Ok(Change::Done)
}

/// Why this may not be decided now, by them.
fn objection(
    tx: &mut Tx<'_>,
    app: &AppId,
    working: &RevisionDetails,
    verdict: &Verdict,
) -> Result<Option<String>, DbError> {
    if let Decider::Reviewer(user) = &verdict.by {
        if !users::find(tx, user)?.is_some_and(|user| is_reviewer(&user)) {
            return Ok(Some("You are not a reviewer any more.".into()));
        }
        if apps::is_developer(tx, app, user)? {
            return Ok(Some("You own this app or work on it, so another reviewer has to decide.".into()));
        }
        let is_pending = jobs::is_pending(tx, jobs::Kind::Screening, working.id.as_str())?;
        if verdict.decision == Decision::Approve && is_pending {
            return Ok(Some("The screening is still running. Look at what it finds, then approve.".into()));
        }
    }
    if let Some(seen) = &verdict.seen {
        let changed_at = store::find_changed_at(tx, &working.id)?;
        if seen.revision != working.id || Some(seen.changed_at) != changed_at {
            return Ok(Some("The app has changed since you opened this page. Look at it again, then decide.".into()));
        }
        if seen.decided_at != working.decided_at {
            return Ok(Some("Another reviewer has decided since you opened this page. Look at it again.".into()));
        }
    }
    if verdict.decision.needs_reason() && verdict.reasons.iter().all(|reason| reason.text.is_empty()) {
        return Ok(Some("Give a reason that the developer can act on (--reason).".into()));
    }
    Ok(None)
}

/// The name under which people know what was decided on.
fn serving_name<'a>(
    approved: Option<&'a RevisionDetails>,
    working: &'a RevisionDetails,
    decision: Decision,
) -> &'a str {
    let about_the_app = matches!(decision, Decision::Suspend | Decision::Reinstate);
    let revision = approved.filter(|_| about_the_app).unwrap_or(working);
    &revision.declared.name
}

fn in_lines(reasons: &[Reason]) -> String {
    reasons.iter().map(Reason::in_full).collect::<Vec<_>>().join("\n")
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
    working.declared.changes_what_people_agreed_to(&approved.declared) || approved.logo_hash != working.logo_hash
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
