//! SQL of the console: a developer's own apps, and what they change about one.
//!
//! Each change begins with [`lock_for`]: an `UPDATE` of the app's row, so that rules over several rows hold, and the
//! check that the person may change it, in the unit that changes it.

use protocol::redirect_uri::ClientKind;
use protocol::secret::Sha256Digest;
use sql::{DbError, Row, Statement, Tx, params};

use super::app::{AppStatus, RevisionStatus};
use super::client_keys::delete_keys;
use super::declaration::Declaration;
use super::details::{AppDetails, RevisionDetails};
use super::standing::Standing;
use super::store::{
    delete_unused_logo, epoch_of, find_details, find_logo_hash, full_name, replace_callback_urls, replace_scopes,
};
use super::switches::Switches;
use crate::ids::{AppId, DecisionId, RevisionId, SecretId, UserId};
use crate::time::Timestamp;

/// An app as a line of its developer's list, from `apps a`, its working copy `w`, the revision `r` that serves, and its
/// owner `u`.
macro_rules! line_columns {
    () => {
        "a.id, r.name, a.created_at, a.suspended_at, a.approved_revision_id, w.status, w.changed_at, w.submitted_at,
            a.owner_id, u.name, u.lname, r.logo_hash
        FROM apps a JOIN users u ON u.id = a.owner_id
        JOIN app_revisions w ON w.id = a.working_revision_id
        JOIN app_revisions r ON r.id = COALESCE(a.approved_revision_id, a.working_revision_id)"
    };
}

sql::statements! {
    /// Takes the app's row: whoever changes something about the app waits for the one before.
    LOCK_APP = "UPDATE apps SET id = id WHERE id = $1 AND deleted_at IS NULL";
    /// Whether somebody collaborates on an app.
    FIND_COLLABORATOR = "SELECT 1 FROM collaborators WHERE app_id = $1 AND user_id = $2";
    /// One owner's apps, latest first, after the one named by `(created_at, id)`.
    LIST_OWN = concat!("SELECT ", line_columns!(), "
        WHERE a.owner_id = $1 AND a.deleted_at IS NULL AND (a.created_at, a.id) < ($2, $3)
        ORDER BY a.created_at DESC, a.id DESC LIMIT $4");
    /// The apps that somebody collaborates on, likewise.
    LIST_SHARED = concat!("SELECT ", line_columns!(), "
        JOIN collaborators c ON c.app_id = a.id
        WHERE c.user_id = $1 AND a.deleted_at IS NULL AND (a.created_at, a.id) < ($2, $3)
        ORDER BY a.created_at DESC, a.id DESC LIMIT $4");
    /// Another declaration in a revision that its developer may edit.
    UPDATE_REVISION = "UPDATE app_revisions SET name = $3, homepage_url = $4, policy_url = $5, logo_url = $6, use_case = $7,
            description = $8, terms_url = $9, support_email = $10, test_plan = $11, test_account = $12, post_logout_urls = $13, changed_at = $2,
            logo_hash = CASE WHEN logo_url = $6 THEN logo_hash ELSE NULL END
        WHERE id = $1 AND status IN ('draft', 'on_hold', 'rejected')";
    /// Other callback URLs in a revision that serves in test mode.
    TOUCH_REVISION = "UPDATE app_revisions SET changed_at = $2
        WHERE id = $1 AND status IN ('draft', 'in_review', 'on_hold', 'rejected')";
    /// What an app may ask for in test mode is what its working copy says.
    SERVE_WORKING_COPY = "UPDATE apps SET serving_scopes = $2, consent_version = consent_version + $3
        WHERE id = $1 AND approved_revision_id IS NULL";
    /// Another revision is edited from now on.
    SET_WORKING = "UPDATE apps SET working_revision_id = $2 WHERE id = $1";
    /// Another kind of app; what it held is dead.
    SET_KIND = "UPDATE apps SET kind = $2, epoch = CASE WHEN epoch > $3 THEN epoch ELSE $3 END, assertions_only_at = NULL WHERE id = $1 AND approved_revision_id IS NULL";
    /// The number of an app's next revision.
    NEXT_NUMBER = "SELECT CAST(COALESCE(MAX(number), 0) + 1 AS BIGINT) FROM app_revisions WHERE app_id = $1";
    /// A revision comes back from the reviewers.
    WITHDRAW_REVISION = "UPDATE app_revisions SET status = 'draft', submitted_at = NULL, changed_at = $2
        WHERE id = $1 AND status = 'in_review'";
    /// A withdrawal stands in the app's history beside what was decided, with the time at which the revision had been handed in.
    INSERT_WITHDRAWAL = "INSERT INTO review_decisions (id, app_id, revision_id, decision, reasons, decided_by, decided_at, submitted_at)
        VALUES ($1, $2, $3, 'withdrawn', '[]', $4, $5, $6)";
    /// A revision is given up.
    DISCARD_REVISION = "UPDATE app_revisions SET status = 'discarded', changed_at = $2
        WHERE id = $1 AND status IN ('draft', 'on_hold', 'rejected')";
    /// Whether another app serves everybody under that name.
    FIND_NAMESAKE = "SELECT 1 FROM app_revisions r JOIN apps a ON a.id = r.app_id AND a.approved_revision_id = r.id
        WHERE LOWER(r.name) = LOWER($2) AND r.status = 'approved' AND r.app_id <> $1 AND a.deleted_at IS NULL LIMIT 1";
    /// An app's revisions, latest first.
    LIST_REVISIONS = "SELECT number, status, created_at, submitted_at FROM app_revisions WHERE app_id = $1
        ORDER BY number DESC LIMIT 50";
    /// What was decided about an app, latest first.
    LIST_DECISIONS = "SELECT d.decision, d.reasons, d.decided_at, r.number, d.revision_id, d.submitted_at
        FROM review_decisions d LEFT JOIN app_revisions r ON r.id = d.revision_id
        WHERE d.app_id = $1 ORDER BY d.decided_at DESC, d.id DESC LIMIT 50";
    /// How many people let the app in, counted as far as anybody wants to know.
    COUNT_USERS = "SELECT COUNT(*) FROM (SELECT 1 FROM consents WHERE app_id = $1 LIMIT $2) AS counted";
    /// The app's switches.
    SET_SWITCHES = "UPDATE apps SET pkce_required_at = $2, expires_in_as_time_at = $3, assertions_only_at = $4,
            push_required_at = $5, dpop_required_at = $6 WHERE id = $1";
    /// A secret ends then.
    END_SECRET = "UPDATE app_secrets SET expires_at = $3 WHERE id = $1 AND app_id = $2 AND (expires_at IS NULL OR expires_at > $3)";
    /// All but one secret of an app are over.
    DELETE_OTHER_SECRETS = "DELETE FROM app_secrets WHERE app_id = $1 AND id <> $2";
    /// All secrets of an app are over.
    DELETE_SECRETS = "DELETE FROM app_secrets WHERE app_id = $1";
    /// Whether a secret is one of the app's living ones.
    FIND_LIVING_SECRET = "SELECT 1 FROM app_secrets WHERE app_id = $1 AND secret_hash = $2
        AND (expires_at IS NULL OR expires_at > $3)";
}

/// An app, and what the person who asks is to it.
#[derive(Debug, Clone)]
pub struct Held {
    /// The app.
    pub app: AppDetails,
    /// They own it; else they collaborate on it.
    pub is_owner: bool,
}

/// The app, if this person owns it or collaborates on it; to everybody else it does not exist.
pub fn find_for(tx: &mut Tx<'_>, app: &AppId, user: &UserId) -> Result<Option<Held>, DbError> {
    let named = find_details(tx, app.as_str())?.filter(|found| found.deleted_at.is_none() && found.id == *app);
    let Some(app) = named else { return Ok(None) };
    let is_owner = app.owner_id == *user;
    let may = is_owner || tx.find(&FIND_COLLABORATOR, params![app.id, user], |_| Ok(()))?.is_some();
    Ok(may.then_some(Held { app, is_owner }))
}

/// As [`find_for`], for a unit that changes the app: until it ends nobody else does.
pub fn lock_for(tx: &mut Tx<'_>, app: &AppId, user: &UserId) -> Result<Option<Held>, DbError> {
    if tx.execute(&LOCK_APP, params![app])? == 0 {
        return Ok(None);
    }
    find_for(tx, app, user)
}

/// Takes an app for whoever may change any, as the operator may.
pub fn lock_details(tx: &mut Tx<'_>, app: &AppId) -> Result<Option<AppDetails>, DbError> {
    if lock(tx, app)? { find_details(tx, app.as_str()) } else { Ok(None) }
}

/// Takes the row of an app; false when it is gone.
pub fn lock(tx: &mut Tx<'_>, app: &AppId) -> Result<bool, DbError> {
    tx.execute(&LOCK_APP, params![app]).map(|rows| rows == 1)
}

/// An app as a line of its developer's list.
#[derive(Debug, Clone)]
pub struct Line {
    /// The app.
    pub id: AppId,
    /// Its name; what serves goes before what is edited.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it stands.
    pub standing: Standing,
    /// When the working copy last changed.
    pub changed_at: Timestamp,
    /// When the working copy was handed in, if it waits for a reviewer.
    pub submitted_at: Option<Timestamp>,
    /// The owner's name, where somebody else owns it.
    pub owner: Option<String>,
    /// SHA-256 of the verified logo, when there is one.
    pub logo_hash: Option<[u8; 32]>,
}

/// Where a page of a list begins: after the app made then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: String,
}

impl After {
    /// The first page.
    pub fn start() -> After {
        After { created_at: Timestamp::from_millis(i64::MAX), id: String::new() }
    }
}

/// The apps that somebody owns or collaborates on, latest first, at most `limit`, and whether there are more.
pub fn list_mine(tx: &mut Tx<'_>, user: &UserId, after: &After, limit: usize) -> Result<(Vec<Line>, bool), DbError> {
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut page = |statement: &Statement| {
        tx.list(statement, params![user, after.created_at, after.id, wanted], |row| line(row, user))
    };
    let mut lines = page(&LIST_OWN)?;
    lines.extend(page(&LIST_SHARED)?);
    lines.sort_by(|one, two| (two.created_at, two.id.as_str()).cmp(&(one.created_at, one.id.as_str())));
    let more = lines.len() > limit;
    lines.truncate(limit);
    Ok((lines, more))
}

fn line(row: &Row<'_>, user: &UserId) -> Result<Line, DbError> {
    let suspended: Option<Timestamp> = row.get(3)?;
    let approved: Option<String> = row.get(4)?;
    let working: RevisionStatus = row.get(5)?;
    let status = AppStatus::of(suspended.is_some(), approved.is_some(), working);
    let owner_id: UserId = row.get(8)?;
    let submitted_at: Option<Timestamp> = row.get(7)?;
    let declared = Declaration { name: row.get(1)?, ..Declaration::default() };
    Ok(Line {
        id: row.get(0)?,
        name: declared.display_name().to_owned(),
        created_at: row.get(2)?,
        standing: Standing::of(status, approved.is_some(), working),
        changed_at: row.get(6)?,
        submitted_at: submitted_at.filter(|_| working == RevisionStatus::InReview),
        owner: if owner_id == *user { None } else { Some(full_name(&row.get::<String>(9)?, &row.get::<String>(10)?)) },
        logo_hash: row.get(11)?,
    })
}

/// Puts another declaration into a revision; false when it is not the developer's turn.
pub fn claim_edit(
    tx: &mut Tx<'_>,
    revision: &RevisionId,
    declared: &Declaration,
    now: Timestamp,
) -> Result<bool, DbError> {
    let values = params![
        revision,
        now,
        declared.name,
        declared.homepage_url,
        declared.policy_url,
        declared.logo_url,
        declared.use_case,
        declared.description,
        declared.terms_url,
        declared.support_email,
        declared.test_plan,
        declared.test_account,
        declared.post_logout_urls
    ];
    let logo = find_logo_hash(tx, revision)?;
    if tx.execute(&UPDATE_REVISION, values)? == 0 {
        return Ok(false);
    }
    if let Some(logo) = &logo {
        delete_unused_logo(tx, logo)?;
    }
    replace_callback_urls(tx, revision, &declared.callback_urls)?;
    replace_scopes(tx, revision, declared)?;
    Ok(true)
}

/// Puts other callback URLs into a revision that is not approved; false when it is.
pub fn claim_callback_change(
    tx: &mut Tx<'_>,
    revision: &RevisionId,
    urls: &[String],
    now: Timestamp,
) -> Result<bool, DbError> {
    if tx.execute(&TOUCH_REVISION, params![revision, now])? == 0 {
        return Ok(false);
    }
    replace_callback_urls(tx, revision, urls)?;
    Ok(true)
}

/// In test mode the app may ask for what its working copy says; with an approved revision nothing changes.
pub fn serve_working_copy(
    tx: &mut Tx<'_>,
    app: &AppId,
    declared: &Declaration,
    ask_again: bool,
) -> Result<(), DbError> {
    let scopes = declared.scopes().to_string();
    tx.execute(&SERVE_WORKING_COPY, params![app, scopes, i64::from(ask_again)]).map(drop)
}

/// Makes another revision the working copy.
pub fn set_working(tx: &mut Tx<'_>, app: &AppId, revision: &RevisionId) -> Result<(), DbError> {
    tx.execute(&SET_WORKING, params![app, revision]).map(drop)
}

/// Makes an app that was never approved another kind of app: its secrets, its keys and all it holds are dead.
pub fn set_kind(tx: &mut Tx<'_>, app: &AppId, kind: ClientKind, now: Timestamp) -> Result<(), DbError> {
    let epoch = epoch_of(tx, app, now)?;
    tx.execute(&SET_KIND, params![app, kind.as_str(), epoch])?;
    delete_keys(tx, app)?;
    tx.execute(&DELETE_SECRETS, params![app]).map(drop)
}

/// The number of an app's next revision.
pub fn next_number(tx: &mut Tx<'_>, app: &AppId) -> Result<i64, DbError> {
    tx.one(&NEXT_NUMBER, params![app], |row| row.get(0))
}

/// Takes a revision back from the reviewers; false when it is not with them.
pub fn claim_withdrawal(tx: &mut Tx<'_>, revision: &RevisionId, now: Timestamp) -> Result<bool, DbError> {
    tx.execute(&WITHDRAW_REVISION, params![revision, now]).map(|rows| rows == 1)
}

/// Writes a withdrawal into the app's history; the revision as it was when it was with the reviewers.
pub fn insert_withdrawal(
    tx: &mut Tx<'_>,
    id: &DecisionId,
    app: &AppId,
    revision: &RevisionDetails,
    by: &UserId,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&INSERT_WITHDRAWAL, params![id, app, revision.id, by, now, revision.submitted_at]).map(drop)
}

/// Gives a revision up; false when it is not the developer's turn.
pub fn claim_discarding(tx: &mut Tx<'_>, revision: &RevisionId, now: Timestamp) -> Result<bool, DbError> {
    tx.execute(&DISCARD_REVISION, params![revision, now]).map(|rows| rows == 1)
}

/// Whether another app serves everybody under that name, in upper or lower case.
pub fn name_is_taken(tx: &mut Tx<'_>, app: &AppId, name: &str) -> Result<bool, DbError> {
    tx.find(&FIND_NAMESAKE, params![app, name], |_| Ok(())).map(|found| found.is_some())
}

/// One revision in an app's history.
#[derive(Debug, Clone)]
pub struct PastRevision {
    /// Counts from 1 within its app.
    pub number: i64,
    /// Where it stands.
    pub status: RevisionStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last submitted.
    pub submitted_at: Option<Timestamp>,
}

/// One decision in an app's history.
#[derive(Debug, Clone)]
pub struct PastDecision {
    /// The word in the history: `approved`, `held`, `rejected`, `suspended`, `reinstated`; the developer's own: `withdrawn`.
    pub decision: String,
    /// Its reasons, as JSON.
    pub reasons: String,
    /// When.
    pub at: Timestamp,
    /// The number of the revision it was about.
    pub number: Option<i64>,
    /// That revision.
    pub revision: RevisionId,
    /// When it had been handed in.
    pub submitted_at: Option<Timestamp>,
}

/// The latest revisions of an app and the latest decisions about it.
pub fn list_history(tx: &mut Tx<'_>, app: &AppId) -> Result<(Vec<PastRevision>, Vec<PastDecision>), DbError> {
    let revisions = tx.list(&LIST_REVISIONS, params![app], |row| {
        Ok(PastRevision {
            number: row.get(0)?,
            status: row.get(1)?,
            created_at: row.get(2)?,
            submitted_at: row.get(3)?,
        })
    })?;
    let decisions = tx.list(&LIST_DECISIONS, params![app], |row| {
        Ok(PastDecision {
            decision: row.get(0)?,
            reasons: row.get(1)?,
            at: row.get(2)?,
            number: row.get(3)?,
            revision: row.get(4)?,
            submitted_at: row.get(5)?,
        })
    })?;
    Ok((revisions, decisions))
}

/// How many people let the app in, at most `limit`.
pub fn count_users(tx: &mut Tx<'_>, app: &AppId, limit: i64) -> Result<i64, DbError> {
    tx.one(&COUNT_USERS, params![app, limit], |row| row.get(0))
}

/// Turns the app's switches on or off.
pub fn set_switches(tx: &mut Tx<'_>, app: &AppId, switches: Switches, now: Timestamp) -> Result<(), DbError> {
    let at = |on: bool| on.then_some(now);
    let Switches { pkce_required, expires_in_as_time, assertions_only, push_required, dpop_required } = switches;
    let (pkce_required, expires_in_as_time) = (at(pkce_required), at(expires_in_as_time));
    let (assertions_only, push_required) = (at(assertions_only), at(push_required));
    let dpop_required = at(dpop_required);
    let values = params![app, pkce_required, expires_in_as_time, assertions_only, push_required, dpop_required];
    tx.execute(&SET_SWITCHES, values).map(drop)
}

/// Ends a secret then; false when it had ended by then anyway.
pub fn claim_secret_end(tx: &mut Tx<'_>, app: &AppId, secret: &SecretId, end: Timestamp) -> Result<bool, DbError> {
    tx.execute(&END_SECRET, params![secret, app, end]).map(|rows| rows == 1)
}

/// Removes every secret of the app but one.
pub fn delete_other_secrets(tx: &mut Tx<'_>, app: &AppId, kept: Option<&SecretId>) -> Result<(), DbError> {
    match kept {
        Some(kept) => tx.execute(&DELETE_OTHER_SECRETS, params![app, kept]),
        None => tx.execute(&DELETE_SECRETS, params![app]),
    }
    .map(drop)
}

/// Whether this is the digest of one of the app's living secrets.
pub fn is_living_secret(tx: &mut Tx<'_>, app: &AppId, digest: &Sha256Digest, now: Timestamp) -> Result<bool, DbError> {
    tx.find(&FIND_LIVING_SECRET, params![app, digest.as_bytes(), now], |_| Ok(())).map(|found| found.is_some())
}
