//! One look at one revision.

use ::screening::{AppUrls, Report};
use protocol::redirect_uri::ClientKind;
use sql::{DbError, Tx};

use super::store::{self, Declared};
use crate::app::SharedApp;
use crate::ids::RevisionId;
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
    Ok(Some(app.screening.screener.screen(&urls(&declared), now).await))
}

fn urls(declared: &Declared) -> AppUrls {
    let form = &declared.revision.declared;
    AppUrls {
        app_id: Some(declared.app.to_string()),
        name: form.name.clone(),
        homepage: form.homepage_url.clone(),
        policy: form.policy_url.clone(),
        terms: (!form.terms_url.is_empty()).then(|| form.terms_url.clone()),
        logo: form.logo_url.clone(),
        callbacks: form.callback_urls.clone(),
        native: declared.kind == ClientKind::PublicNative,
    }
}

/// Keeps what was found, in place of what was found before.
pub(super) fn keep(tx: &mut Tx<'_>, revision: &RevisionId, report: &Report) -> Result<(), DbError> {
    let found_at = Timestamp::from_millis(report.screened_at.as_millisecond());
    store::replace_findings(tx, revision, &report.findings, found_at)?;
    store::keep_logo(tx, revision, report, found_at)
}
