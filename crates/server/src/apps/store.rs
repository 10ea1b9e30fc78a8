//! SQL of `apps`, `app_revisions`, `callback_urls`, `revision_scopes`, `app_secrets`, `collaborators` and `testers`.

use protocol::redirect_uri::ClientKind;
use protocol::scope::{Scope, ScopeSet};
use protocol::secret::Sha256Digest;
use sql::{DbError, Row, Tx, params};

use super::app::{AppStatus, RevisionStatus, ServingApp};
use super::client_keys::list_keys;
use super::declaration::Declaration;
use super::details::{AppDetails, AppSummary, RevisionDetails, SecretDetails};
use super::switches::Switches;
use crate::ids::{AppId, ClientId, RevisionId, SecretId, UserId};
use crate::jobs;
use crate::time::Timestamp;

sql::statements! {
    /// The app and the revision that serves it.
    FIND_SERVING = "SELECT a.id, a.client_id, a.kind, a.suspended_at, a.epoch, a.consent_version, a.pkce_required_at,
            a.owner_id, u.name, u.lname, r.id, r.name, r.homepage_url, r.policy_url, r.logo_hash,
            CASE WHEN a.approved_revision_id IS NULL THEN NULL ELSE r.decided_at END, r.status, a.push_required_at,
            r.post_logout_urls
        FROM apps a
        JOIN app_revisions r ON r.id = COALESCE(a.approved_revision_id, a.working_revision_id)
        JOIN users u ON u.id = a.owner_id
        WHERE a.client_id = $1 AND a.deleted_at IS NULL";
    /// A revision's callback URLs.
    LIST_CALLBACK_URLS = "SELECT url FROM callback_urls WHERE revision_id = $1 ORDER BY position";
    /// A revision's scopes.
    LIST_REVISION_SCOPES = "SELECT scope, required_reason FROM revision_scopes WHERE revision_id = $1 ORDER BY scope";
    /// Whether somebody owns, collaborates on or tests an app, or tries it for a review.
    FIND_INSIDER = "SELECT 1 FROM apps WHERE id = $1 AND owner_id = $2
        UNION SELECT 1 FROM collaborators WHERE app_id = $1 AND user_id = $2
        UNION SELECT 1 FROM review_trials WHERE app_id = $1 AND user_id = $2
        UNION SELECT 1 FROM testers WHERE app_id = $1 AND user_id = $2";
    /// Whether somebody owns or collaborates on an app.
    FIND_DEVELOPER = "SELECT 1 FROM apps WHERE id = $1 AND owner_id = $2
        UNION SELECT 1 FROM collaborators WHERE app_id = $1 AND user_id = $2";
    /// A secret was used.
    TOUCH_SECRET = "UPDATE app_secrets SET last_used_at = $2
        WHERE id = (SELECT id FROM app_secrets WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)", skip_locked, ")";
    /// A new app.
    INSERT_APP = "INSERT INTO apps (id, client_id, owner_id, kind, created_at, working_revision_id, serving_scopes)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// A new revision.
    INSERT_REVISION = "INSERT INTO app_revisions (id, app_id, number, status, name, homepage_url, policy_url, logo_url,
            use_case, description, terms_url, support_email, test_plan, test_account, created_at, changed_at,
            post_logout_urls)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16)";
    /// One callback URL of a revision.
    INSERT_CALLBACK_URL = "INSERT INTO callback_urls (revision_id, position, url) VALUES ($1, $2, $3)";
    /// One scope of a revision.
    INSERT_REVISION_SCOPE = "INSERT INTO revision_scopes (revision_id, scope, required_reason) VALUES ($1, $2, $3)";
    /// A new secret.
    INSERT_SECRET = "INSERT INTO app_secrets (id, app_id, secret_hash, last_four, created_at) VALUES ($1, $2, $3, $4, $5)";
    /// Everything about one app.
    FIND_DETAILS = "SELECT a.id, a.client_id, a.kind, a.owner_id, u.email, a.created_at, a.suspended_at, a.suspended_reason,
            a.deleted_at, a.approved_revision_id, a.working_revision_id, w.status, a.epoch, a.consent_version, a.serving_scopes,
            a.pkce_required_at, a.expires_in_as_time_at, a.assertions_only_at, a.push_required_at,
            a.dpop_required_at
        FROM apps a JOIN users u ON u.id = a.owner_id JOIN app_revisions w ON w.id = a.working_revision_id
        WHERE a.id = $1 OR a.client_id = $1";
    /// What an app is called.
    FIND_APP_NAME = "SELECT r.name FROM apps a JOIN app_revisions r ON r.id = COALESCE(a.approved_revision_id, a.working_revision_id)
        WHERE a.id = $1";
    /// One revision.
    FIND_REVISION = "SELECT id, number, status, name, homepage_url, policy_url, logo_url, use_case, description, terms_url,
            support_email, submitted_at, decided_at, logo_hash, test_plan, test_account, created_at, changed_at,
            post_logout_urls
        FROM app_revisions WHERE id = $1";
    /// An app's secrets.
    LIST_SECRETS = "SELECT id, last_four, created_at, last_used_at, expires_at FROM app_secrets WHERE app_id = $1
        ORDER BY created_at, id";
    /// A page of all apps, oldest first.
    LIST_APPS = "SELECT a.id, a.client_id, a.owner_id, u.email, a.created_at, a.suspended_at, a.approved_revision_id,
            w.status, r.name
        FROM apps a JOIN users u ON u.id = a.owner_id
        JOIN app_revisions w ON w.id = a.working_revision_id
        JOIN app_revisions r ON r.id = COALESCE(a.approved_revision_id, a.working_revision_id)
        WHERE (a.created_at, a.id) > ($1, $2) AND a.deleted_at IS NULL
        ORDER BY a.created_at, a.id LIMIT $3";
    /// One owner's apps, oldest first.
    LIST_OWNED_APPS = "SELECT a.id, a.client_id, a.owner_id, u.email, a.created_at, a.suspended_at, a.approved_revision_id,
            w.status, r.name
        FROM apps a JOIN users u ON u.id = a.owner_id
        JOIN app_revisions w ON w.id = a.working_revision_id
        JOIN app_revisions r ON r.id = COALESCE(a.approved_revision_id, a.working_revision_id)
        WHERE a.owner_id = $1 AND a.deleted_at IS NULL ORDER BY a.created_at, a.id";
    /// A revision's verified logo.
    FIND_LOGO_HASH = "SELECT logo_hash FROM app_revisions WHERE id = $1";
    /// A logo that no revision shows any more.
    DELETE_UNUSED_LOGO = "DELETE FROM logos WHERE hash = $1
        AND NOT EXISTS (SELECT 1 FROM app_revisions r WHERE r.logo_hash = $1 AND r.logo_hash IS NOT NULL)";
    /// A revision's pages stand elsewhere.
    RELOCATE_REVISION = "UPDATE app_revisions SET homepage_url = $2, policy_url = $3, logo_url = $4 WHERE id = $1";
    /// A revision's callback URLs give way to others.
    DELETE_CALLBACK_URLS = "DELETE FROM callback_urls WHERE revision_id = $1";
    /// A revision's scopes give way to others.
    DELETE_REVISION_SCOPES = "DELETE FROM revision_scopes WHERE revision_id = $1";
    /// A revision goes to the reviewers.
    SUBMIT_REVISION = "UPDATE app_revisions SET status = 'in_review', submitted_at = $2, changed_at = $2, decided_at = NULL
        WHERE id = $1 AND status IN ('draft', 'on_hold', 'rejected')";
    /// A revision was decided on.
    DECIDE_REVISION = "UPDATE app_revisions SET status = $2, decided_at = $3,
            waited_ms = waited_ms + CASE WHEN status = 'in_review' THEN $3 - submitted_at ELSE 0 END
        WHERE id = $1 AND status = $4";
    /// Another revision serves from now on.
    SERVE_REVISION = "UPDATE apps SET approved_revision_id = $2, serving_scopes = $3,
            consent_version = consent_version + $4 WHERE id = $1";
    /// The revision that served before.
    SUPERSEDE_REVISION = "UPDATE app_revisions SET status = 'superseded' WHERE id = $1 AND status = 'approved'";
    /// A reviewer stops an app.
    SUSPEND_APP = "UPDATE apps SET suspended_at = $2, suspended_reason = $3, epoch = CASE WHEN epoch > $4 THEN epoch ELSE $4 END
        WHERE id = $1 AND suspended_at IS NULL AND deleted_at IS NULL";
    /// A reviewer lets it serve again; the epoch stays, so nothing that died comes back.
    REINSTATE_APP = "UPDATE apps SET suspended_at = NULL, suspended_reason = NULL WHERE id = $1 AND suspended_at IS NOT NULL";
    /// The app is gone; its tokens die at once.
    DELETE_APP = "UPDATE apps SET deleted_at = $2, epoch = CASE WHEN epoch > $3 THEN epoch ELSE $3 END
        WHERE id = $1 AND deleted_at IS NULL";
    /// All tokens of an app die at once.
    RAISE_EPOCH = "UPDATE apps SET epoch = $2 WHERE id = $1 AND epoch < $2";
    /// The last moment, by any clock, at which people gave the app something: grants, and codes that still wait. One look
    /// at both, so that no code becomes a grant between them.
    FIND_LAST_GIVEN = "SELECT COALESCE(MAX(given_at), 0) FROM
        (SELECT MAX(created_at) AS given_at FROM grants WHERE app_id = $1
         UNION ALL
         SELECT MAX(created_at) FROM authorization_codes
         WHERE expires_at > 0 AND grant_id IS NULL AND app_id = $1) AS given";
}

/// The app behind a client id, as the authorization endpoint sees it; a deleted one is none.
pub fn find_serving(tx: &mut Tx<'_>, client_id: &ClientId) -> Result<Option<ServingApp>, DbError> {
    let found = tx.find(&FIND_SERVING, params![client_id], |row| {
        let suspended: Option<Timestamp> = row.get(3)?;
        let approved_at: Option<Timestamp> = row.get(15)?;
        let working: RevisionStatus = row.get(16)?;
        Ok(ServingApp {
            id: row.get(0)?,
            client_id: row.get(1)?,
            kind: kind(row, 2)?,
            status: AppStatus::of(suspended.is_some(), approved_at.is_some(), working),
            epoch: row.get(4)?,
            consent_version: row.get(5)?,
            pkce_required: row.get::<Option<Timestamp>>(6)?.is_some(),
            push_required: row.get::<Option<Timestamp>>(17)?.is_some(),
            owner_id: row.get(7)?,
            developer: full_name(&row.get::<String>(8)?, &row.get::<String>(9)?),
            revision_id: row.get(10)?,
            name: row.get(11)?,
            homepage_url: row.get(12)?,
            policy_url: row.get(13)?,
            logo: row.get::<Option<[u8; 32]>>(14)?.map(Sha256Digest::from_bytes),
            callback_urls: Vec::new(),
            post_logout_urls: row.get(18)?,
            scopes: ScopeSet::new(),
            required_scopes: Vec::new(),
            approved_at,
        })
    })?;
    let Some(mut app) = found else { return Ok(None) };
    app.callback_urls = list_callback_urls(tx, &app.revision_id)?;
    for (scope, required_reason) in list_scopes(tx, &app.revision_id)? {
        if let Some(reason) = required_reason {
            app.required_scopes.push((scope.clone(), reason));
        }
        app.scopes.insert(scope);
    }
    if app.is_in_test_mode() {
        keep_to_the_rules(&mut app);
    }
    Ok(Some(app))
}

/// A draft may be kept with URLs that break the rules; they do not serve.
fn keep_to_the_rules(app: &mut ServingApp) {
    let declared = Declaration {
        name: std::mem::take(&mut app.name),
        homepage_url: std::mem::take(&mut app.homepage_url),
        policy_url: std::mem::take(&mut app.policy_url),
        callback_urls: std::mem::take(&mut app.callback_urls),
        post_logout_urls: std::mem::take(&mut app.post_logout_urls),
        ..Declaration::default()
    };
    let declared = declared.without_bad_urls(app.kind);
    app.name = declared.display_name().to_owned();
    app.homepage_url = declared.homepage_url;
    app.policy_url = declared.policy_url;
    app.callback_urls = declared.callback_urls;
    app.post_logout_urls = declared.post_logout_urls;
}

/// Whether this person may use the app: everybody once it is approved, else its owner, collaborators and testers.
pub fn may_use(tx: &mut Tx<'_>, app: &ServingApp, user: &UserId) -> Result<bool, DbError> {
    match app.status {
        AppStatus::Approved => Ok(true),
        AppStatus::Suspended => Ok(false),
        _ if app.owner_id == *user => Ok(true),
        _ => tx.find(&FIND_INSIDER, params![app.id, user], |_| Ok(())).map(|found| found.is_some()),
    }
}

/// Whether this person owns or collaborates on the app: may see and change it, and may not review it.
pub fn is_developer(tx: &mut Tx<'_>, app: &AppId, user: &UserId) -> Result<bool, DbError> {
    tx.find(&FIND_DEVELOPER, params![app, user], |_| Ok(())).map(|found| found.is_some())
}

/// Remembers when a secret was last used.
pub fn touch_secret(tx: &mut Tx<'_>, secret: &SecretId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&TOUCH_SECRET, params![secret, now]).map(drop)
}

/// The ids and times of an app that is about to be made.
#[derive(Debug, Clone)]
pub struct NewApp {
    /// The app's id.
    pub id: AppId,
    /// Its client id, for life.
    pub client_id: ClientId,
    /// Its first revision.
    pub revision_id: RevisionId,
    /// Who owns it.
    pub owner_id: UserId,
    /// Confidential or public.
    pub kind: ClientKind,
    /// Now.
    pub created_at: Timestamp,
}

/// Makes an app with its first revision, a draft.
pub fn insert_app(tx: &mut Tx<'_>, app: &NewApp, declared: &Declaration) -> Result<(), DbError> {
    let kind = app.kind.as_str();
    let scopes = declared.scopes().to_string();
    let values = params![app.id, app.client_id, app.owner_id, kind, app.created_at, app.revision_id, scopes];
    tx.execute(&INSERT_APP, values)?;
    insert_revision(tx, &app.revision_id, &app.id, 1, RevisionStatus::Draft, declared, app.created_at)
}

pub(super) fn insert_revision(
    tx: &mut Tx<'_>,
    id: &RevisionId,
    app: &AppId,
    number: i64,
    status: RevisionStatus,
    declared: &Declaration,
    now: Timestamp,
) -> Result<(), DbError> {
    let values = params![
        id,
        app,
        number,
        status,
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
        now,
        declared.post_logout_urls
    ];
    tx.execute(&INSERT_REVISION, values)?;
    insert_callback_urls(tx, id, &declared.callback_urls)?;
    insert_scopes(tx, id, declared)
}

fn insert_scopes(tx: &mut Tx<'_>, revision: &RevisionId, declared: &Declaration) -> Result<(), DbError> {
    for (scope, required_reason) in &declared.scopes {
        tx.execute(&INSERT_REVISION_SCOPE, params![revision, scope.as_str(), required_reason])?;
    }
    Ok(())
}

/// Replaces a revision's callback URLs.
pub(super) fn replace_callback_urls(tx: &mut Tx<'_>, revision: &RevisionId, urls: &[String]) -> Result<(), DbError> {
    tx.execute(&DELETE_CALLBACK_URLS, params![revision])?;
    insert_callback_urls(tx, revision, urls)
}

/// A revision's verified logo, by its hash.
pub fn find_logo_hash(tx: &mut Tx<'_>, revision: &RevisionId) -> Result<Option<[u8; 32]>, DbError> {
    Ok(tx.find(&FIND_LOGO_HASH, params![revision], |row| row.get::<Option<[u8; 32]>>(0))?.flatten())
}

/// Removes a logo unless some revision shows it.
pub fn delete_unused_logo(tx: &mut Tx<'_>, hash: &[u8; 32]) -> Result<(), DbError> {
    tx.execute(&DELETE_UNUSED_LOGO, params![hash]).map(drop)
}

/// Replaces a revision's scopes.
pub(super) fn replace_scopes(tx: &mut Tx<'_>, revision: &RevisionId, declared: &Declaration) -> Result<(), DbError> {
    tx.execute(&DELETE_REVISION_SCOPES, params![revision])?;
    insert_scopes(tx, revision, declared)
}

fn insert_callback_urls(tx: &mut Tx<'_>, revision: &RevisionId, urls: &[String]) -> Result<(), DbError> {
    for (position, url) in (0_i64..).zip(urls) {
        tx.execute(&INSERT_CALLBACK_URL, params![revision, position, url])?;
    }
    Ok(())
}

/// Moves a revision to other addresses without a review: the demo's sample client listens where there is room.
pub fn relocate(tx: &mut Tx<'_>, revision: &RevisionId, to: &Declaration) -> Result<(), DbError> {
    tx.execute(&RELOCATE_REVISION, params![revision, to.homepage_url, to.policy_url, to.logo_url])?;
    replace_callback_urls(tx, revision, &to.callback_urls)
}

/// Adds a secret to an app.
pub fn insert_secret(
    tx: &mut Tx<'_>,
    id: &SecretId,
    app: &AppId,
    hash: &Sha256Digest,
    last_four: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&INSERT_SECRET, params![id, app, hash.as_bytes(), last_four, now]).map(drop)
}

/// Everything about the app that this text names, by its id or its client id.
pub fn find_details(tx: &mut Tx<'_>, named: &str) -> Result<Option<AppDetails>, DbError> {
    let found = tx.find(&FIND_DETAILS, params![named], |row| {
        let suspended_at: Option<Timestamp> = row.get(6)?;
        let approved: Option<RevisionId> = row.get(9)?;
        Ok((
            AppDetails {
                id: row.get(0)?,
                client_id: row.get(1)?,
                kind: kind(row, 2)?,
                owner_id: row.get(3)?,
                owner_email: row.get(4)?,
                created_at: row.get(5)?,
                status: AppStatus::of(suspended_at.is_some(), approved.is_some(), row.get(11)?),
                suspended_at,
                suspended_reason: row.get(7)?,
                deleted_at: row.get(8)?,
                epoch: row.get(12)?,
                consent_version: row.get(13)?,
                serving_scopes: scope_set(&row.get::<String>(14)?)?,
                switches: Switches {
                    pkce_required: row.get::<Option<Timestamp>>(15)?.is_some(),
                    expires_in_as_time: row.get::<Option<Timestamp>>(16)?.is_some(),
                    assertions_only: row.get::<Option<Timestamp>>(17)?.is_some(),
                    push_required: row.get::<Option<Timestamp>>(18)?.is_some(),
                    dpop_required: row.get::<Option<Timestamp>>(19)?.is_some(),
                },
                approved: None,
                working: None,
                secrets: Vec::new(),
                keys: Vec::new(),
            },
            approved,
            row.get::<RevisionId>(10)?,
        ))
    })?;
    let Some((mut app, approved, working)) = found else { return Ok(None) };
    if let Some(approved) = &approved {
        app.approved = find_revision(tx, approved)?;
    }
    app.working = if approved.as_ref() == Some(&working) { app.approved.clone() } else { find_revision(tx, &working)? };
    app.secrets = tx.list(&LIST_SECRETS, params![app.id], |row| {
        Ok(SecretDetails {
            id: row.get(0)?,
            last_four: row.get(1)?,
            created_at: row.get(2)?,
            last_used_at: row.get(3)?,
            expires_at: row.get(4)?,
        })
    })?;
    app.keys = list_keys(tx, &app.id)?;
    Ok(Some(app))
}

/// What an app is called, a deleted one too.
pub fn find_name(tx: &mut Tx<'_>, app: &AppId) -> Result<Option<String>, DbError> {
    let name = tx.find(&FIND_APP_NAME, params![app], |row| row.get::<String>(0))?;
    Ok(name.map(|name| Declaration { name, ..Declaration::default() }.display_name().to_owned()))
}

/// One revision with its callback URLs and scopes.
pub fn find_revision(tx: &mut Tx<'_>, id: &RevisionId) -> Result<Option<RevisionDetails>, DbError> {
    let found = tx.find(&FIND_REVISION, params![id], |row| {
        Ok(RevisionDetails {
            id: row.get(0)?,
            number: row.get(1)?,
            status: row.get(2)?,
            declared: Declaration {
                name: row.get(3)?,
                homepage_url: row.get(4)?,
                policy_url: row.get(5)?,
                logo_url: row.get(6)?,
                use_case: row.get(7)?,
                description: row.get(8)?,
                terms_url: row.get(9)?,
                support_email: row.get(10)?,
                callback_urls: Vec::new(),
                post_logout_urls: row.get(18)?,
                scopes: Vec::new(),
                test_plan: row.get(14)?,
                test_account: row.get(15)?,
            },
            created_at: row.get(16)?,
            changed_at: row.get(17)?,
            submitted_at: row.get(11)?,
            decided_at: row.get(12)?,
            logo_hash: row.get::<Option<[u8; 32]>>(13)?,
        })
    })?;
    let Some(mut revision) = found else { return Ok(None) };
    revision.declared.callback_urls = list_callback_urls(tx, id)?;
    revision.declared.scopes = list_scopes(tx, id)?;
    Ok(Some(revision))
}

/// A page of all apps, oldest first, after the one named by `(created_at, id)`.
pub fn list_apps(tx: &mut Tx<'_>, after: (Timestamp, &str), limit: i64) -> Result<Vec<AppSummary>, DbError> {
    tx.list(&LIST_APPS, params![after.0, after.1, limit], summary)
}

/// The apps of one owner, oldest first.
pub fn list_owned(tx: &mut Tx<'_>, owner: &UserId) -> Result<Vec<AppSummary>, DbError> {
    tx.list(&LIST_OWNED_APPS, params![owner], summary)
}

fn summary(row: &Row<'_>) -> Result<AppSummary, DbError> {
    let suspended: Option<Timestamp> = row.get(5)?;
    let approved: Option<RevisionId> = row.get(6)?;
    Ok(AppSummary {
        id: row.get(0)?,
        client_id: row.get(1)?,
        owner_id: row.get(2)?,
        owner_email: row.get(3)?,
        created_at: row.get(4)?,
        status: AppStatus::of(suspended.is_some(), approved.is_some(), row.get(7)?),
        name: row.get(8)?,
    })
}

/// Hands a revision to the reviewers, and to the screening; false when it is not the developer's turn.
pub fn claim_submission(tx: &mut Tx<'_>, revision: &RevisionId, now: Timestamp) -> Result<bool, DbError> {
    let claimed = tx.execute(&SUBMIT_REVISION, params![revision, now])? == 1;
    if claimed {
        jobs::schedule(tx, jobs::Kind::Screening, revision.as_str(), now)?;
    }
    Ok(claimed)
}

/// Moves a revision from one status to another; false when it no longer stands at `from`.
pub fn claim_decision(
    tx: &mut Tx<'_>,
    revision: &RevisionId,
    from: RevisionStatus,
    to: RevisionStatus,
    now: Timestamp,
) -> Result<bool, DbError> {
    tx.execute(&DECIDE_REVISION, params![revision, to, now, from]).map(|rows| rows == 1)
}

/// Lets an approved revision serve instead of the one before.
pub fn serve_revision(
    tx: &mut Tx<'_>,
    app: &AppId,
    revision: &RevisionDetails,
    before: Option<&RevisionId>,
    ask_again: bool,
) -> Result<(), DbError> {
    let scopes = revision.declared.scopes().to_string();
    tx.execute(&SERVE_REVISION, params![app, revision.id, scopes, i64::from(ask_again)])?;
    match before {
        Some(before) if *before != revision.id => tx.execute(&SUPERSEDE_REVISION, params![before]).map(drop),
        _ => Ok(()),
    }
}

/// Suspends an app; false when it is suspended or gone already.
pub fn claim_suspension(tx: &mut Tx<'_>, app: &AppId, now: Timestamp, reason: &str) -> Result<bool, DbError> {
    let epoch = epoch_of(tx, app, now)?;
    tx.execute(&SUSPEND_APP, params![app, now, reason, epoch]).map(|rows| rows == 1)
}

/// Reinstates an app; false when it is not suspended.
pub fn claim_reinstatement(tx: &mut Tx<'_>, app: &AppId) -> Result<bool, DbError> {
    tx.execute(&REINSTATE_APP, params![app]).map(|rows| rows == 1)
}

/// Deletes an app; false when it is gone already.
pub fn claim_deletion(tx: &mut Tx<'_>, app: &AppId, now: Timestamp) -> Result<bool, DbError> {
    let epoch = epoch_of(tx, app, now)?;
    tx.execute(&DELETE_APP, params![app, now, epoch]).map(|rows| rows == 1)
}

/// Ends every code, grant and access token that the app has.
pub fn raise_epoch(tx: &mut Tx<'_>, app: &AppId, now: Timestamp) -> Result<(), DbError> {
    let epoch = epoch_of(tx, app, now)?;
    tx.execute(&RAISE_EPOCH, params![app, epoch]).map(drop)
}

/// An epoch that is after all that was given, whatever the clocks said meanwhile; what was made in this very millisecond
/// dies too.
pub(super) fn epoch_of(tx: &mut Tx<'_>, app: &AppId, now: Timestamp) -> Result<i64, DbError> {
    let last: i64 = tx.one(&FIND_LAST_GIVEN, params![app], |row| row.get(0))?;
    Ok(now.as_millis().max(last).saturating_add(1))
}

fn list_callback_urls(tx: &mut Tx<'_>, revision: &RevisionId) -> Result<Vec<String>, DbError> {
    tx.list(&LIST_CALLBACK_URLS, params![revision], |row| row.get(0))
}

fn list_scopes(tx: &mut Tx<'_>, revision: &RevisionId) -> Result<Vec<(Scope, Option<String>)>, DbError> {
    tx.list(&LIST_REVISION_SCOPES, params![revision], |row| Ok((scope(&row.get::<String>(0)?)?, row.get(1)?)))
}

pub(super) fn kind(row: &Row<'_>, index: usize) -> Result<ClientKind, DbError> {
    let word: String = row.get(index)?;
    ClientKind::parse(&word).ok_or_else(|| DbError::Broken(format!("unknown kind of app {word}")))
}

fn scope(text: &str) -> Result<Scope, DbError> {
    Scope::parse(text).map_err(|_| DbError::Broken(format!("not a scope: {text}")))
}

fn scope_set(text: &str) -> Result<ScopeSet, DbError> {
    ScopeSet::parse(text).map_err(|_| DbError::Broken(format!("not scopes: {text}")))
}

pub(super) fn full_name(name: &str, lname: &str) -> String {
    format!("{name} {lname}").trim().to_owned()
}
