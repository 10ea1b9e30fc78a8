//! One look at one revision.

use ::screening::{AppUrls, Report};
use protocol::redirect_uri::ClientKind;
use sql::{DbError, Tx};

use super::store;
use crate::app::SharedApp;
use crate::apps::{Declaration, url_lines};
use crate::ids::{AppId, RevisionId};
use crate::time::Timestamp;

/// The time as the screening crate takes it.
pub(super) fn jiff_time(now: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// Looks at a revision as it is now; nothing when it, or its app, is gone. Nothing is kept yet.
pub(super) async fn look(app: &SharedApp, revision: &RevisionId) -> Result<Option<Report>, DbError> {
    let id = revision.clone();
    let Some(declared) = app.db.read(move |tx| store::find_declared(tx, &id)).await? else { return Ok(None) };
    let now = jiff_time(app.clock.now());
    let urls = app_urls(Some(declared.app), declared.kind, &declared.revision.declared);
    Ok(Some(app.screening.screener.screen(&urls, now).await))
}

/// What a developer declared, as the screening takes it.
pub(super) fn app_urls(app: Option<AppId>, kind: ClientKind, declared: &Declaration) -> AppUrls {
    AppUrls {
        app_id: app.map(|id| id.to_string()),
        name: declared.name.clone(),
        homepage: declared.homepage_url.clone(),
        policy: declared.policy_url.clone(),
        terms: (!declared.terms_url.is_empty()).then(|| declared.terms_url.clone()),
        logo: declared.logo_url.clone(),
        callbacks: declared.callback_urls.clone(),
        post_logouts: url_lines(&declared.post_logout_urls).map(str::to_owned).collect(),
        native: kind == ClientKind::PublicNative,
    }
}

/// Keeps what was found, in place of what was found before.
pub(super) fn keep(tx: &mut Tx<'_>, revision: &RevisionId, report: &Report) -> Result<(), DbError> {
    let found_at = Timestamp::from_millis(report.screened_at.as_millisecond());
    store::replace_findings(tx, revision, &report.findings, found_at)?;
    store::keep_logo(tx, revision, report, found_at)
}
