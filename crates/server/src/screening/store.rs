//! SQL of `findings` and `logos`, and what the screening reads of apps.

use std::collections::HashMap;

use ::screening::evidence::Evidence;
use ::screening::lookalike::KnownApp;
use ::screening::{Check, Finding, Report, Severity};
use protocol::redirect_uri::ClientKind;
use sql::{DbError, Tx, params};

use super::findings::{FindingLine, Findings, State};
use super::words::{
    check_name, evidence_lines, field_name, parse_severity, severity_name, severity_tone, severity_words,
};
use crate::apps::store::{delete_unused_logo, find_logo_hash, find_revision};
use crate::apps::{RevisionDetails, RevisionStatus};
use crate::ids::{AppId, RevisionId};
use crate::jobs;
use crate::time::Timestamp;

sql::statements! {
    /// The app of a revision.
    FIND_APP_OF_REVISION = "SELECT a.id, a.kind FROM app_revisions r JOIN apps a ON a.id = r.app_id
        WHERE r.id = $1 AND a.deleted_at IS NULL";
    /// What was found about a revision before.
    DELETE_FINDINGS = "DELETE FROM findings WHERE revision_id = $1";
    /// One finding.
    INSERT_FINDING = "INSERT INTO findings (revision_id, position, field, check_id, subject, severity, sentence, mend, evidence,
            found_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    /// What was found about a revision.
    LIST_FINDINGS = "SELECT field, check_id, subject, severity, sentence, mend, evidence, found_at
        FROM findings WHERE revision_id = $1 ORDER BY position";
    /// When a revision last changed.
    FIND_CHANGED_AT = "SELECT changed_at FROM app_revisions WHERE id = $1";
    /// How bad the findings of a revision are.
    LIST_SEVERITIES = "SELECT DISTINCT severity FROM findings WHERE revision_id = $1";
    /// A logo, named by what is in it.
    INSERT_LOGO = "INSERT INTO logos (hash, png, created_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
    /// A logo.
    FIND_LOGO = "SELECT png FROM logos WHERE hash = $1";
    /// A revision's logo. What people see of an approved revision is what the reviewer saw: it never changes.
    SET_LOGO = "UPDATE app_revisions SET logo_hash = $2
        WHERE id = $1 AND (logo_hash IS NULL OR status NOT IN ('approved', 'superseded'))";
    /// A page of the apps that serve everybody.
    LIST_KNOWN_APPS = "SELECT a.id, r.name, r.homepage_url FROM apps a JOIN app_revisions r ON r.id = a.approved_revision_id
        WHERE a.id > $1 AND a.deleted_at IS NULL AND a.suspended_at IS NULL ORDER BY a.id LIMIT $2";
    /// Their callback URLs.
    LIST_KNOWN_CALLBACKS = "SELECT a.id, c.url FROM apps a JOIN callback_urls c ON c.revision_id = a.approved_revision_id
        WHERE a.id > $1 AND a.id <= $2";
    /// When anything was last decided about any app.
    FIND_LATEST_DECISION = "SELECT decided_at FROM review_decisions ORDER BY decided_at DESC LIMIT 1";
}

/// What a developer declared, and about which app.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub app: AppId,
    pub kind: ClientKind,
    pub revision: RevisionDetails,
}

/// A revision of an app that is still there.
pub(super) fn find_declared(tx: &mut Tx<'_>, revision: &RevisionId) -> Result<Option<Declared>, DbError> {
    let app = tx.find(&FIND_APP_OF_REVISION, params![revision], |row| {
        Ok((row.get::<AppId>(0)?, ClientKind::parse(&row.get::<String>(1)?)))
    })?;
    let Some((app, Some(kind))) = app else { return Ok(None) };
    Ok(find_revision(tx, revision)?.map(|revision| Declared { app, kind, revision }))
}

/// Keeps these findings in place of those before.
pub(super) fn replace_findings(
    tx: &mut Tx<'_>,
    revision: &RevisionId,
    findings: &[Finding],
    found_at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&DELETE_FINDINGS, params![revision])?;
    for (position, finding) in (0_i64..).zip(findings) {
        let evidence = serde_json::to_string(&finding.evidence).unwrap_or_else(|_| "{}".to_owned());
        let (field, check, severity) =
            (field_name(finding.field), check_name(finding.check), severity_name(finding.severity));
        let (subject, sentence) = (storable(&finding.subject), storable(&finding.sentence));
        let mend = storable(finding.mend.as_deref().unwrap_or_default());
        let values = params![revision, position, field, check, subject, severity, sentence, mend, evidence, found_at];
        tx.execute(&INSERT_FINDING, values)?;
    }
    Ok(())
}

/// Sentences quote what sites sent; the database holds no U+0000.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Keeps the logo that was drawn anew. Where none could be had because nothing was asked, the one before stays.
pub(super) fn keep_logo(
    tx: &mut Tx<'_>,
    revision: &RevisionId,
    report: &Report,
    found_at: Timestamp,
) -> Result<(), DbError> {
    let not_checked =
        report.findings.iter().any(|found| found.check == Check::Logo && found.severity == Severity::NotChecked);
    let hash = match &report.logo {
        Some(logo) => {
            let hash = protocol::secret::Sha256Digest::of(&logo.png);
            tx.execute(&INSERT_LOGO, params![hash.as_bytes(), logo.png, found_at])?;
            Some(*hash.as_bytes())
        }
        None if not_checked => return Ok(()),
        None => None,
    };
    let before = find_logo_hash(tx, revision)?;
    tx.execute(&SET_LOGO, params![revision, hash])?;
    // The one before goes with the last revision that shows it; the new one too, where the revision keeps what it had.
    [before, hash].iter().flatten().try_for_each(|logo| delete_unused_logo(tx, logo))
}

/// A logo's file.
pub(super) fn find_logo(tx: &mut Tx<'_>, hash: &[u8; 32]) -> Result<Option<Vec<u8>>, DbError> {
    tx.find(&FIND_LOGO, params![hash], |row| row.get(0))
}

/// What the screening found about a revision, as developer and reviewer read it.
///
/// # Errors
/// When the database refuses.
pub fn findings(tx: &mut Tx<'_>, revision: &RevisionId) -> Result<Findings, DbError> {
    let lines = tx.list(&LIST_FINDINGS, params![revision], |row| {
        let severity: String = row.get(3)?;
        let severity =
            parse_severity(&severity).ok_or_else(|| DbError::Broken(format!("unknown severity {severity}")))?;
        // Evidence that an older version wrote in other words is left out rather than hiding the finding.
        let evidence: Evidence = serde_json::from_str(&row.get::<String>(6)?).unwrap_or_default();
        let line = FindingLine {
            check: row.get(1)?,
            severity,
            sentence: row.get(4)?,
            mend: row.get(5)?,
            evidence: evidence_lines(&evidence),
        };
        Ok((row.get::<String>(0)?, row.get::<String>(2)?, line, row.get::<Timestamp>(7)?))
    })?;
    let changed_at: Option<Timestamp> = tx.find(&FIND_CHANGED_AT, params![revision], |row| row.get(0))?;
    let is_pending = jobs::is_pending(tx, jobs::Kind::Screening, revision.as_str())?;
    let found_at = lines.first().map(|(.., found_at)| *found_at);
    let state = match (is_pending, found_at, changed_at) {
        (true, ..) => State::Running,
        (false, None, _) => State::NeverLooked,
        (false, Some(found), Some(changed)) if found < changed => State::OutOfDate,
        (false, Some(_), _) => State::Current,
    };
    Ok(Findings::new(state, found_at, lines.into_iter().map(|(field, subject, line, _)| (field, subject, line))))
}

/// The worst that was found about a revision, in words and with its class in the style sheet; none where it was not looked
/// at yet. For lists: it reads no evidence.
///
/// # Errors
/// When the database refuses.
pub fn find_verdict(tx: &mut Tx<'_>, revision: &RevisionId) -> Result<Option<(&'static str, &'static str)>, DbError> {
    if jobs::is_pending(tx, jobs::Kind::Screening, revision.as_str())? {
        return Ok(Some(("Being checked", "info")));
    }
    let severities = tx.list(&LIST_SEVERITIES, params![revision], |row| row.get::<String>(0))?;
    let worst = severities.iter().filter_map(|name| parse_severity(name)).max();
    Ok(worst.map(|worst| (severity_words(worst), severity_tone(worst))))
}

/// Whether a developer may have it looked at again: what serves everybody stays as the reviewer saw it.
pub(super) fn may_look_again(status: RevisionStatus) -> bool {
    status.is_editable() || status == RevisionStatus::InReview
}

/// When anything was last decided.
pub(super) fn find_latest_decision(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, DbError> {
    tx.find(&FIND_LATEST_DECISION, params![], |row| row.get(0))
}

/// A page of the apps that serve everybody, after that id.
pub(super) fn list_known_apps(tx: &mut Tx<'_>, after: &str, limit: i64) -> Result<Vec<KnownApp>, DbError> {
    let rows = tx.list(&LIST_KNOWN_APPS, params![after, limit], |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?))
    })?;
    let Some((last, ..)) = rows.last() else { return Ok(Vec::new()) };
    let mut callbacks: HashMap<String, Vec<String>> = HashMap::new();
    for (app, url) in
        tx.list(&LIST_KNOWN_CALLBACKS, params![after, last], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?
    {
        callbacks.entry(app).or_default().push(url);
    }
    let known = rows.into_iter().map(|(id, name, homepage)| {
        let urls = callbacks.remove(&id).unwrap_or_default();
        let hosts = std::iter::once(homepage)
            .chain(urls)
            .filter_map(|url| url::Url::parse(&url).ok().as_ref().and_then(::screening::host::key_of));
        let mut hosts: Vec<String> = hosts.collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.retain(|host| !::screening::host::is_localhost(host));
        KnownApp { id, name, hosts }
    });
    Ok(known.collect())
}
