//! An API call that does nothing but pass the bearer check: for tests of the check itself.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiomeet_oauth::app::SharedApp;
use jiomeet_oauth::oauth::{Presented, bearer};
use jiomeet_oauth::web::ApiError;

/// `GET /api/probe/{scope}` needs that scope and answers who called.
pub fn routes() -> Router<SharedApp> {
    Router::new().route("/api/probe/{scope}", get(probe))
}

async fn probe(State(app): State<SharedApp>, Path(scope): Path<String>, call: Presented) -> Response {
    match bearer(&app, &call, &scope).await {
        Ok(bearer) => serde_json::json!({
            "user": bearer.user_id.as_str(),
            "app": bearer.app_id.as_str(),
            "client": bearer.client_id.as_str(),
            "grant": bearer.grant_id.to_string(),
            "generation": bearer.generation.number(),
            "scopes": bearer.scopes.to_string(),
        })
        .to_string()
        .into_response(),
        Err(error) => ApiError::from(error).into_response(),
    }
}
