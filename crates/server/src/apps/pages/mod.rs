//! The console: 'OAuth' in the side bar, invitations, and the admins' list of who asks for OAuth access.
//!
//! | address | what |
//! | --- | --- |
//! | `/oauth/apps` | a developer's apps; who has no access yet asks for it here |
//! | `/oauth/apps/new`, `/oauth/apps/{id}/edit` | the form |
//! | `/oauth/apps/check` | the form's rules while one types, as JSON |
//! | `/oauth/apps/{id}` | one app: its status, its security section, its people, its history |
//! | `/oauth/apps/{id}/…` | every change, a `POST` each |
//! | `/invitations` | what a person is invited to |
//! | `/admin/oauth-requests` | who asks for OAuth access |
//!
//! Every page asks the database who may see it ([`desk`]); every change asks again in the unit that makes it.

mod admin;
mod app_page;
mod create;
mod credentials;
mod delete;
mod desk;
mod edit;
mod form;
mod invitations;
mod list;
mod people;
mod samples;
mod security;
mod test_callbacks;

use axum::Router;
use axum::routing::{get, post};
use protocol::params::{ParamFault, Params};
use protocol::redirect_uri::ClientKind;
use protocol::scope::ScopeTable;

use super::Declaration;
use crate::app::SharedApp;

pub use samples::samples;

/// What the form of an app declares, with the scopes that there are.
///
/// # Errors
/// A field came twice or is no text.
pub fn read_form(table: &ScopeTable, form: &Params) -> Result<(Declaration, ClientKind), ParamFault> {
    let read = form::AppForm::read(table, form)?;
    Ok((read.declaration(), read.kind))
}

/// The pages of this room.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/oauth", get(list::go_to_apps))
        .route("/oauth/access", post(list::request_access))
        .route("/oauth/apps", get(list::show_apps).post(create::create_app))
        .route("/oauth/apps/new", get(create::show_form))
        .route("/oauth/apps/check", post(create::check_fields))
        .route("/oauth/apps/{id}", get(app_page::show_app))
        .route("/oauth/apps/{id}/edit", get(edit::show_form).post(edit::save_app))
        .route("/oauth/apps/{id}/submit", post(edit::submit_app))
        .route("/oauth/apps/{id}/withdraw", post(edit::withdraw_app))
        .route("/oauth/apps/{id}/discard", post(edit::discard_changes))
        .route("/oauth/apps/{id}/callback-urls", get(test_callbacks::show_form).post(test_callbacks::save_urls))
        .route("/oauth/apps/{id}/secret", post(security::regenerate_secret))
        .route("/oauth/apps/{id}/secret/end", post(security::end_secret))
        .route("/oauth/apps/{id}/credentials", post(credentials::download_file))
        .route("/oauth/apps/{id}/keys", post(security::save_keys))
        .route("/oauth/apps/{id}/settings", post(security::save_settings))
        .route("/oauth/apps/{id}/revoke-tokens", post(security::revoke_tokens))
        .route("/oauth/apps/{id}/delete", get(delete::show_form).post(delete::delete_app))
        .route("/oauth/apps/{id}/invite", post(people::invite))
        .route("/oauth/apps/{id}/withdraw-invitation", post(people::withdraw_invitation))
        .route("/oauth/apps/{id}/remove", post(people::remove_member))
        .route("/invitations", get(invitations::show_invitations).post(invitations::answer_invitation))
        .route("/admin/oauth-requests", get(admin::show_requests).post(admin::answer_request))
}
