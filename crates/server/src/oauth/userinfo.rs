//! `GET` and `POST /oauth2/userinfo` (OpenID Connect Core 5.3): who the person is whom an app signed in.
//!
//! The access token comes in the header alone. It needs `openid`; `profile` and `email` open the claims of section 5.4.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use protocol::error::OAuthError;
use protocol::fault;
use protocol::scope::{EMAIL, OPENID, PROFILE, ScopeSet};
use serde::Serialize;
use utoipa::ToSchema;

use super::bearer::{BearerError, bearer};
use super::presented::Presented;
use super::token::json_answer;
use crate::app::SharedApp;
use crate::users::{self, User};
use crate::web::ApiError;

/// Who the person is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserInfo)]
pub struct UserInfo<'a> {
    /// The user's id, as in the ID token.
    sub: &'a str,
    /// First and last name; with the scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// First name; with the scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    /// Last name; with the scope `profile`, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    /// E-mail address; with the scope `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    /// Whether the person has shown that it is theirs; with the scope `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

/// The claims that [`UserInfo`] may have, for the metadata.
pub const CLAIMS: &[&str] = &["sub", "name", "given_name", "family_name", "email", "email_verified"];

impl UserInfo<'_> {
    /// What these scopes open.
    fn of<'a>(user: &'a User, scopes: &ScopeSet) -> UserInfo<'a> {
        let profile = scopes.contains(PROFILE).then_some(user);
        let email = scopes.contains(EMAIL).then_some(user);
        UserInfo {
            sub: user.id.as_str(),
            name: profile.map(User::full_name),
            given_name: profile.map(|user| user.name.as_str()),
            family_name: profile.map(|user| user.lname.as_str()).filter(|name| !name.is_empty()),
            email: email.map(|user| user.email.as_str()),
            email_verified: email.map(|user| user.email_verified_at.is_some()),
        }
    }
}

/// The handler.
pub async fn show_userinfo(State(app): State<SharedApp>, call: Presented) -> Result<Response, ApiError> {
    let caller = bearer(&app, &call, OPENID).await?;
    let id = caller.user_id.clone();
    let user = app.db.read(move |tx| users::find(tx, &id)).await?;
    // The check a moment ago found the account in order.
    let gone = || BearerError::from(OAuthError::invalid_token(&fault::TOKEN_REVOKED));
    let user = user.filter(User::is_active).ok_or_else(gone)?;
    match serde_json::to_vec(&UserInfo::of(&user, &caller.scopes)) {
        Ok(body) => Ok(json_answer(body)),
        Err(error) => {
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, &fault::SERVER_ERROR).with_private(error.to_string()))
        }
    }
}
