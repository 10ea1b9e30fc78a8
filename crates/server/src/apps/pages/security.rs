//! The security section: secrets, keys, switches, and the end of all tokens.

use axum::response::Response;
use http::StatusCode;
use protocol::jwt::ClientKey;

use super::app_page;
use super::credentials::Credentials;
use super::desk::{Desk, Named, Posted, Settled, is_id, settle};
use crate::apps::changes::{self, Regeneration};
use crate::apps::lifecycle::{Change, NewSecret};
use crate::apps::secrets::Overlap;
use crate::apps::{NewKeys, Switches};
use crate::ids::{AppId, SecretId};
use crate::web::{Notice, PageError};

const ANCHOR: &str = "security";

/// `POST /oauth/apps/{id}/secret`
pub(super) async fn regenerate_secret(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let (held, _) = desk.find_app(&app).await?;
    let asked = Regeneration {
        doing: desk.doing(&app, "app.secret_regenerated"),
        secret: NewSecret::mint(&desk.app.random),
        seen: form.get("current")?.map(str::to_owned),
        overlap: form.get("overlap")?.and_then(Overlap::parse).unwrap_or(Overlap::None),
    };
    let unit = asked.clone();
    match desk.app.db.write(move |tx| changes::regenerate_secret(tx, &unit)).await? {
        Change::Done => Credentials::of_regenerated(&held.app, &asked).answer(&desk),
        other => answer(&desk, &app, other, "").await,
    }
}

/// `POST /oauth/apps/{id}/secret/end`
pub(super) async fn end_secret(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let secret = SecretId::from_text(form.get("secret")?.filter(|id| is_id(id)).unwrap_or_default());
    let doing = desk.doing(&app, "app.secret_ended");
    let change = desk.app.db.write(move |tx| changes::end_secret(tx, &doing, &secret)).await?;
    answer(&desk, &app, change, "secret-ended").await
}

/// `POST /oauth/apps/{id}/settings`
pub(super) async fn save_settings(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let switches = Switches {
        pkce_required: form.get("require_pkce")?.is_some(),
        expires_in_as_time: form.get("expires_in_as_time")?.is_some(),
        assertions_only: form.get("assertions_only")?.is_some(),
        push_required: form.get("require_push")?.is_some(),
        dpop_required: form.get("require_dpop")?.is_some(),
    };
    let doing = desk.doing(&app, "app.settings_changed");
    let change = desk.app.db.write(move |tx| changes::set_switches(tx, &doing, switches)).await?;
    answer(&desk, &app, change, "settings-saved").await
}

/// `POST /oauth/apps/{id}/keys`: another set of keys, or none.
pub(super) async fn save_keys(Named(app): Named, Posted { desk, form }: Posted) -> Result<Response, PageError> {
    let typed = match form.get("action")? {
        Some("remove") => r#"{"keys":[]}"#,
        _ => form.get("jwks")?.unwrap_or_default(),
    };
    let keys = match ClientKey::read_set(typed) {
        Ok(keys) => NewKeys::mint(&desk.app.random, keys),
        Err(fault) => {
            let notice = Notice::refused(format!("The keys were not saved. {fault}"));
            return app_page::answer_with(&desk, &app, StatusCode::BAD_REQUEST, Some(notice)).await;
        }
    };
    let doing = desk.doing(&app, "app.keys_changed");
    let change = desk.app.db.write(move |tx| changes::set_keys(tx, &doing, &keys)).await?;
    answer(&desk, &app, change, "keys-saved").await
}

/// `POST /oauth/apps/{id}/revoke-tokens`
pub(super) async fn revoke_tokens(Named(app): Named, Posted { desk, .. }: Posted) -> Result<Response, PageError> {
    let doing = desk.doing(&app, "app.tokens_revoked");
    let change = desk.app.db.write(move |tx| changes::revoke_tokens(tx, &doing)).await?;
    answer(&desk, &app, change, "tokens-revoked").await
}

async fn answer(desk: &Desk, app: &AppId, change: Change, done: &str) -> Result<Response, PageError> {
    match settle(change, app, done, ANCHOR)? {
        Settled::Answer(response) => Ok(response),
        Settled::Refused(why) => {
            app_page::answer_with(desk, app, StatusCode::CONFLICT, Some(Notice::refused(why))).await
        }
    }
}
